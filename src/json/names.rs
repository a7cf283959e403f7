//! The names of Discord's fields, each of which takes two bytes in a document.

use super::format::OTHER;
use crate::hash::HashMap;
use std::sync::LazyLock;

/// The names of all fields in the facts about Discord; a test of those compares them.
pub static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("names.txt").lines().collect());

/// The numbers of the short names, which are most that are looked up.
static SHORT: LazyLock<HashMap<(u64, u64), u16>> = LazyLock::new(|| {
    let short = |(name, number): (&&str, u16)| Some((short(name)?, number));
    NAMES.iter().zip(0..OTHER).filter_map(short).collect()
});

/// Those of all others.
static LONG: LazyLock<HashMap<&'static str, u16>> = LazyLock::new(|| {
    let names = NAMES.iter().copied().zip(0..OTHER);
    names.filter(|(name, _)| short(name).is_none()).collect()
});

/// A name of at most 15 bytes as two numbers, which are hashed and compared in a few instructions: its bytes, zeros and
/// its length.
fn short(name: &str) -> Option<(u64, u64)> {
    let mut bytes = [0; 16];
    let (length, room) = bytes.split_last_mut()?;
    room.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    *length = u8::try_from(name.len()).ok()?;
    let (low, high) = bytes.split_at(8);
    let number = |half: &[u8]| half.try_into().map(u64::from_le_bytes).ok();
    Some((number(low)?, number(high)?))
}

/// The number of a name, if it has one.
pub(super) fn number(name: &str) -> Option<u16> {
    match short(name) {
        Some(key) => SHORT.get(&key).copied(),
        None => LONG.get(name).copied(),
    }
}

/// The name with this number.
pub(super) fn name(number: u16) -> &'static str {
    NAMES.get(usize::from(number)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_name_has_its_number() {
        for (place, own) in NAMES.iter().enumerate() {
            assert_eq!(number(own).map(usize::from), Some(place));
            assert_eq!(name(number(own).unwrap()), *own);
        }
    }

    #[test]
    fn what_is_nearly_a_name_has_none() {
        for own in NAMES.iter() {
            for other in [format!("{own}\0"), format!("\0{own}"), own.to_uppercase()] {
                let found = number(&other).map(name);
                assert!(found.is_none_or(|found| found == other), "{other:?}");
            }
        }
        assert_eq!(number(""), None);
    }

    proptest! {
        #[test]
        fn a_number_belongs_to_no_other_name(other in "[a-z_\0]{0,20}") {
            let known = NAMES.iter().position(|own| *own == other);
            prop_assert_eq!(number(&other).map(usize::from), known);
        }
    }
}
