//! The names of Discord's fields, each of which takes two bytes in a document.

use super::format::OTHER;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// The names of all fields in the facts about Discord; a test of those compares them.
pub static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("names.txt").lines().collect());

static NUMBERS: LazyLock<HashMap<&'static str, u16, BuildHasherDefault<Fnv>>> =
    LazyLock::new(|| NAMES.iter().copied().zip(0..OTHER).collect());

/// The number of a name, if it has one.
pub(super) fn number(name: &str) -> Option<u16> {
    NUMBERS.get(name).copied()
}

/// The name with this number.
pub(super) fn name(number: u16) -> &'static str {
    NAMES.get(usize::from(number)).copied().unwrap_or_default()
}

/// FNV-1a, the quickest hash for short names. All names in the table are known, so nobody can choose them to collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
