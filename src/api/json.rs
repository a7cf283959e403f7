//! `@cogsmith/json`: `encode, decode, null, object`.
//!
//! What JSON can say comes through unharmed: integers that no number of Luau's can be are strings of their digits,
//! `null` is a value, and an object remembers that it is one. What cannot come through is an error.

use super::convert::to_json;
use crate::vm::host::{
    Arguments, GREATEST_EXACT, Host, HostError, HostResult, in_time, is_object, object_mark, one,
};
use mlua::{Lua, LuaString, Table, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

/// Bytes of a text that is decoded.
const LONGEST_TEXT: usize = 4 << 20;

/// Values of a list or an object that are made until the deadline is asked for.
const MADE_AT_ONCE: usize = 1_000;

/// Makes the module.
pub fn module(lua: &Lua, host: &Host) -> mlua::Result<Value> {
    let json = lua.create_table()?;
    json.raw_set("encode", host.function(lua, "json.encode", encode)?)?;
    json.raw_set("decode", host.function(lua, "json.decode", decode)?)?;
    json.raw_set("object", host.function(lua, "json.object", object)?)?;
    json.raw_set("null", Value::NULL)?;
    json.set_readonly(true);
    Ok(Value::Table(json))
}

fn encode(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let value = to_json("json.encode", "the value", &arguments.value(0))?;
    one(lua, value.to_string())
}

fn decode(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    match arguments.value(0) {
        Value::String(text) => parse(lua, arguments.function(), "the text", &text),
        other => Err(arguments.wrong("the text", "a string", &other)),
    }
}

/// JSON as Luau's values. `what` is how errors call the text.
pub fn parse(lua: &Lua, function: &str, what: &str, text: &LuaString) -> HostResult<Value> {
    if text.as_bytes().len() > LONGEST_TEXT {
        let message = format!(
            "{function}: {what} is longer than {} MB",
            LONGEST_TEXT >> 20
        );
        return Err(HostError::new("argument", message).into());
    }
    let bytes = text.as_bytes();
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let message = format!("{function}: {what} is not valid UTF-8");
        return Err(HostError::new("argument", message).into());
    };
    // Values are made as the text is read: a tree in between would take up to fifty times what the text does, where
    // no limit counts it.
    let failure = RefCell::new(None);
    let readable = with_long_integers_quoted(text);
    let mut reader = serde_json::Deserializer::from_str(&readable);
    let maker = Maker {
        lua,
        mark: &object_mark(lua)?,
        failure: &failure,
    };
    let value = maker.deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| {
        if let Some(failure) = failure.take() {
            return failure.into();
        }
        // Where its author looks for it, not where it has moved to.
        let is_moved = matches!(readable, Cow::Owned(_));
        let original = is_moved.then(|| serde_json::from_str::<IgnoredAny>(text).err());
        let error = original.flatten().unwrap_or(error);
        let message = format!("{function}: {what} is not JSON: {error}");
        HostError::new("argument", message).into()
    })
}

/// The same text, with integers as strings that no number of Luau's can be. What is not JSON stays none.
fn with_long_integers_quoted(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut made = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let end = skip(bytes, at, |byte| {
                    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
                });
                if is_long_integer(&text[at..end]) && !is_name(bytes, end) {
                    made.push_str(&text[copied..at]);
                    made.extend(["\"", &text[at..end], "\""]);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    made.push_str(&text[copied..]);
    Cow::Owned(made)
}

/// The first place from `at` on whose byte is of another kind.
fn skip(bytes: &[u8], at: usize, is_skipped: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| !is_skipped(*byte));
    end.map_or(bytes.len(), |end| at + end)
}

/// The place behind the string that begins at `at`.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether what ends at `end` stands where the name of a field does, which no number may.
fn is_name(bytes: &[u8], end: usize) -> bool {
    let next = skip(bytes, end, |byte| byte.is_ascii_whitespace());
    bytes.get(next) == Some(&b':')
}

fn is_long_integer(token: &str) -> bool {
    let digits = token.strip_prefix('-').unwrap_or(token);
    let is_integer = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    // What is longer than 64 bits does not parse.
    is_integer && !digits.is_empty() && !digits.parse().is_ok_and(|it: u64| it <= GREATEST_EXACT)
}

/// `json.object(fields?)`: the table, marked as an object also while it is empty.
fn object(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let table = match arguments.optional_table(0, "the fields")? {
        Some(table) => table,
        None => lua.create_table()?,
    };
    if is_object(&table) {
        return one(lua, table);
    }
    if table.is_readonly() || table.metatable().is_some() {
        let message = "json.object: the fields: a table that is frozen or has a metatable cannot be marked; give a copy of it";
        return Err(HostError::new("argument", message).into());
    }
    table.set_metatable(Some(object_mark(lua)?))?;
    one(lua, table)
}

/// Makes Luau values from what is read.
#[derive(Clone, Copy)]
struct Maker<'a> {
    lua: &'a Lua,
    /// What says that a table is an object.
    mark: &'a Table,
    /// Why a value could not be made.
    failure: &'a RefCell<Option<mlua::Error>>,
}

impl Maker<'_> {
    /// What Luau says to a value, as an error of the reader's.
    fn made<T, E: serde::de::Error>(&self, result: mlua::Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            self.failure.replace(Some(error));
            E::custom("the value cannot be made")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Maker<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Maker<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::NULL)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    #[allow(clippy::cast_precision_loss, reason = "longer ones come as strings")]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[allow(clippy::cast_precision_loss, reason = "longer ones come as strings")]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.made(self.lua.create_string(text)).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let table = self.made(self.lua.create_table())?;
        let mut count = 0;
        while let Some(item) = items.next_element_seed(self)? {
            if count % MADE_AT_ONCE == 0 {
                self.made(in_time(self.lua))?;
            }
            count += 1;
            self.made(table.raw_set(count, item))?;
        }
        Ok(Value::Table(table))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let table = self.made(self.lua.create_table())?;
        self.made(table.set_metatable(Some(self.mark.clone())))?;
        let mut count = 0;
        while let Some(key) = fields.next_key::<Box<str>>()? {
            if count % MADE_AT_ONCE == 0 {
                self.made(in_time(self.lua))?;
            }
            count += 1;
            let value = fields.next_value_seed(self)?;
            self.made(table.raw_set(&*key, value))?;
        }
        Ok(Value::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value as JsonValue;

    fn decoded(lua: &Lua, text: &str) -> Value {
        let text = lua.create_string(text).unwrap();
        parse(lua, "json.decode", "the text", &text).unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    fn encoded(value: &Value) -> JsonValue {
        let json = to_json("json.encode", "the value", value);
        json.unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    /// What is to become of a value on its way there and back.
    fn expected(value: &JsonValue) -> JsonValue {
        match value {
            JsonValue::Number(number) => match number.as_i128() {
                Some(whole) if whole.unsigned_abs() > GREATEST_EXACT.into() => {
                    whole.to_string().into()
                }
                _ => number.as_f64().unwrap().into(),
            },
            JsonValue::Array(items) => items.iter().map(expected).collect(),
            JsonValue::Object(fields) => {
                let fields = fields.iter();
                JsonValue::Object(
                    fields
                        .map(|(name, it)| (name.clone(), expected(it)))
                        .collect(),
                )
            }
            other => other.clone(),
        }
    }

    /// The same with all numbers as floats, since `1` and `1.0` are one number.
    fn as_floats(value: &JsonValue) -> JsonValue {
        match value {
            JsonValue::Number(number) => number.as_f64().unwrap().into(),
            JsonValue::Array(items) => items.iter().map(as_floats).collect(),
            JsonValue::Object(fields) => {
                let fields = fields.iter();
                JsonValue::Object(
                    fields
                        .map(|(name, it)| (name.clone(), as_floats(it)))
                        .collect(),
                )
            }
            other => other.clone(),
        }
    }

    fn any_json() -> impl Strategy<Value = JsonValue> {
        let near = -3_i64..=3;
        let leaf = prop_oneof![
            Just(JsonValue::Null),
            any::<bool>().prop_map(JsonValue::from),
            any::<i64>().prop_map(JsonValue::from),
            any::<u64>().prop_map(JsonValue::from),
            near.prop_map(|near| JsonValue::from((1_i64 << 53) + near)),
            any::<f64>()
                .prop_filter("JSON has no others", |it| it.is_finite())
                .prop_map(JsonValue::from),
            any::<String>().prop_map(JsonValue::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(JsonValue::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| JsonValue::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_json_can_say_comes_through_unharmed(json in any_json(), pretty: bool) {
            let lua = Lua::new();
            let text = if pretty {
                serde_json::to_string_pretty(&json).unwrap()
            } else {
                json.to_string()
            };
            let there = decoded(&lua, &text);
            let back = encoded(&there);
            prop_assert_eq!(as_floats(&back), expected(&json));
            let again = decoded(&lua, &back.to_string());
            prop_assert_eq!(encoded(&again).to_string().len(), back.to_string().len());
            prop_assert_eq!(as_floats(&encoded(&again)), as_floats(&back));
        }

        #[test]
        fn integers_keep_all_their_digits(digits in "-?[1-9][0-9]{16,60}") {
            let lua = Lua::new();
            let there = decoded(&lua, &format!("{{\"id\": {digits} , \"list\":[{digits}]}}"));
            let expected = serde_json::json!({ "id": digits, "list": [digits] });
            prop_assert_eq!(encoded(&there), expected);
        }

        /// Whatever is made of the text on the way, what is not JSON stays none, and the other way round.
        #[test]
        fn what_is_no_json_stays_none(text in r#"([-+.eE:,\[\]{}" \\a]|[0-9]{1,3}|12345678901234567890){0,12}"#) {
            let readable = with_long_integers_quoted(&text);
            let is_json = |text: &str| match serde_json::from_str::<IgnoredAny>(text) {
                Ok(_) => true,
                Err(error) => error.to_string().contains("out of range"),
            };
            prop_assert_eq!(is_json(&text), is_json(&readable), "{}", readable);
        }
    }

    #[test]
    fn an_object_that_was_emptied_is_still_one() {
        let lua = Lua::new();
        let there = decoded(&lua, r#"{"a":{"b":1},"c":[1]}"#);
        let (a, c): (Table, Table) = {
            let table = there.as_table().unwrap();
            (table.get("a").unwrap(), table.get("c").unwrap())
        };
        a.set("b", Value::Nil).unwrap();
        c.set(1, Value::Nil).unwrap();
        assert_eq!(encoded(&there).to_string(), r#"{"a":{},"c":[]}"#);
    }
}
