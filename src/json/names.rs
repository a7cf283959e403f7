//! The names of Discord's fields, each of which takes two bytes in a document.

use super::format::OTHER;
use crate::hash::HashMap;
use std::sync::LazyLock;

/// The names of all fields in the facts about Discord; a test of those compares them.
pub static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("names.txt").lines().collect());

static NUMBERS: LazyLock<HashMap<Key<'static>, u16>> = LazyLock::new(|| {
    let keys = NAMES.iter().map(|name| Key::of(name));
    keys.zip(0..OTHER).collect()
});

/// A name as it is looked up.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    /// At most 15 bytes, as most are: the bytes, zeros and their number. Two integers are hashed and compared in a few
    /// instructions.
    Short(u64, u64),
    Long(&'a str),
}

impl<'a> Key<'a> {
    fn of(name: &'a str) -> Self {
        Self::short(name.as_bytes()).unwrap_or(Self::Long(name))
    }

    fn short(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        let (length, room) = bytes.split_last_mut()?;
        room.get_mut(..name.len())?.copy_from_slice(name);
        *length = u8::try_from(name.len()).ok()?;
        let (low, high) = bytes.split_at(8);
        let number = |half: &[u8]| half.try_into().map(u64::from_le_bytes).ok();
        Some(Self::Short(number(low)?, number(high)?))
    }
}

/// The number of a name, if it has one.
pub(super) fn number(name: &str) -> Option<u16> {
    NUMBERS.get(&Key::of(name)).copied()
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
