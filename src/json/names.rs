//! The names of Discord's fields, each of which takes two bytes in a document.

use super::format::OTHER;
use crate::hash::HashMap;
use std::sync::LazyLock;

/// The names of all fields in the facts about Discord; a test of those compares them.
pub static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("names.txt").lines().collect());

static NUMBERS: LazyLock<HashMap<&'static str, u16>> =
    LazyLock::new(|| NAMES.iter().copied().zip(0..OTHER).collect());

/// The number of a name, if it has one.
pub(super) fn number(name: &str) -> Option<u16> {
    NUMBERS.get(name).copied()
}

/// The name with this number.
pub(super) fn name(number: u16) -> &'static str {
    NAMES.get(usize::from(number)).copied().unwrap_or_default()
}
