//! The bytes of a path and of a value in a database.
//!
//! Paths sort as their keys do: integers before strings, integers by value, strings by byte, a table before what
//! is in it. So a table and everything below it is one range.
//!
//! ```text
//! path    = key*
//! key     = 0x10 big-endian i64 with its sign bit flipped
//!         | 0x20 (byte other than 0 | 0x00 0xFF for a 0)* 0x00
//! value   = 0x00 false | 0x01 true | 0x02 little-endian f64 | 0x03 bytes of a string | 0x04 a table
//!         | 0x05 a table that is an object in JSON
//!           (both followed by a little-endian u32: the version of an entry that has one)
//! ```
//!
//! A table has a row of its own, also when it is empty; the table of a scope (the empty path) has one only if it has a
//! version.

use super::{Key, KeyRef, StateTable, Text, Value};

const INT: u8 = 0x10;
const STR: u8 = 0x20;
const SIGN: u64 = 1 << 63;

/// The bytes of a path.
pub(super) fn encode_path(path: &[Key]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len() * 12);
    for key in path {
        push_key(&mut bytes, key.as_ref());
    }
    bytes
}

/// How many bytes of a path a key is.
pub(super) fn encoded_bytes(key: KeyRef<'_>) -> usize {
    match key {
        KeyRef::Int(_) => 9,
        KeyRef::Str(text) => 2 + text.len() + memchr::memchr_iter(0, text).count(),
    }
}

fn push_key(bytes: &mut Vec<u8>, key: KeyRef<'_>) {
    match key {
        KeyRef::Int(number) => {
            bytes.push(INT);
            bytes.extend((number.cast_unsigned() ^ SIGN).to_be_bytes());
        }
        KeyRef::Str(text) => {
            bytes.push(STR);
            for byte in text {
                bytes.push(*byte);
                if *byte == 0 {
                    bytes.push(0xFF);
                }
            }
            bytes.push(0);
        }
    }
}

/// The first bytes after `path` and everything below it: keys begin with 0x10 or 0x20, never with 0xFF.
pub(super) fn subtree_end(path: &[u8]) -> Vec<u8> {
    [path, &[0xFF]].concat()
}

/// The path that these bytes are; nothing if they are none.
pub(super) fn decode_path(mut bytes: &[u8]) -> Option<Vec<Key>> {
    let mut path = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (key, rest) = match *tag {
            INT => {
                let (number, rest) = rest.split_first_chunk()?;
                let number = (u64::from_be_bytes(*number) ^ SIGN).cast_signed();
                (Key::Int(number), rest)
            }
            STR => decode_text(rest)?,
            _ => return None,
        };
        path.push(key);
        bytes = rest;
    }
    Some(path)
}

fn decode_text(mut bytes: &[u8]) -> Option<(Key, &[u8])> {
    // Most have no zero in them, and are copied once.
    let mut head = Vec::new();
    loop {
        let zero = memchr::memchr(0, bytes)?;
        let part = bytes.get(..zero)?;
        bytes = bytes.get(zero + 1..)?;
        if let Some((0xFF, rest)) = bytes.split_first() {
            head.extend_from_slice(part);
            head.push(0);
            bytes = rest;
            continue;
        }
        if head.is_empty() {
            return Some((Key::Str(part.into()), bytes));
        }
        head.extend_from_slice(part);
        return Some((Key::Str(Text::from(head)), bytes));
    }
}

/// The bytes of a value; for a table, only that it is one.
pub(super) fn encode_value(value: &Value) -> Vec<u8> {
    match value {
        Value::Bool(value) => vec![u8::from(*value)],
        Value::Number(number) => [&[2], number.to_le_bytes().as_slice()].concat(),
        Value::String(text) => [&[3], &**text].concat(),
        Value::Table(table) => {
            let mut bytes = vec![4 + u8::from(table.is_object())];
            if table.version() > 0 {
                bytes.extend(table.version().to_le_bytes());
            }
            bytes
        }
    }
}

/// The value of these bytes, with a table empty; none if they are not a value.
pub(super) fn decode_value(bytes: &[u8]) -> Option<Value> {
    let (tag, rest) = bytes.split_first()?;
    match (tag, rest) {
        (0 | 1, []) => Some(Value::Bool(*tag == 1)),
        (2, _) => {
            let number = f64::from_le_bytes(rest.try_into().ok()?);
            (!number.is_nan()).then_some(Value::Number(number))
        }
        (3, _) => Some(Value::String(rest.into())),
        (4, version) => read_version(StateTable::new(), version),
        (5, version) => read_version(StateTable::object(), version),
        _ => None,
    }
}

fn read_version(mut table: StateTable, bytes: &[u8]) -> Option<Value> {
    if !bytes.is_empty() {
        let version = u32::from_le_bytes(bytes.try_into().ok()?);
        table.set_version(version);
        // It would not be written.
        (version > 0).then_some(())?;
    }
    Some(table.into())
}

/// Calls `row` with the path and value of each row of which `value` at `path` consists, parents first.
pub(super) fn each_row<E>(
    path: &mut Vec<u8>,
    value: &Value,
    row: &mut impl FnMut(&[u8], &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let has_row = match value {
        Value::Table(table) => !path.is_empty() || table.version() > 0,
        _ => !path.is_empty(),
    };
    if has_row {
        row(path, &encode_value(value))?;
    }
    if let Value::Table(table) = value {
        for (key, value) in table.iter() {
            let length = path.len();
            push_key(path, key);
            each_row(path, value, row)?;
            path.truncate(length);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_path() -> impl Strategy<Value = Vec<Key>> {
        let byte = prop_oneof![Just(0_u8), Just(1), Just(0xFF), any::<u8>()];
        let key = prop_oneof![
            (-2..3_i64).prop_map(Key::Int),
            any::<i64>().prop_map(Key::Int),
            prop::collection::vec(byte, 0..4).prop_map(|text| Key::Str(text.into())),
        ];
        prop::collection::vec(key, 0..4)
    }

    proptest! {
        #[test]
        fn paths_sort_as_their_keys_do_and_come_back(one in any_path(), two in any_path()) {
            let (first, second) = (encode_path(&one), encode_path(&two));
            let bytes: usize = one.iter().map(|key| encoded_bytes(key.as_ref())).sum();
            prop_assert_eq!(bytes, first.len());
            prop_assert_eq!(first.cmp(&second), one.cmp(&two));
            let within = first <= second && second < subtree_end(&first);
            prop_assert_eq!(within, two.starts_with(&one));
            prop_assert_eq!(decode_path(&first), Some(one));
        }

        #[test]
        fn hostile_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Some(path) = decode_path(&bytes) {
                prop_assert_eq!(decode_path(&encode_path(&path)), Some(path));
            }
            if let Some(value) = decode_value(&bytes) {
                prop_assert_eq!(encode_value(&value), bytes);
            }
        }
    }
}
