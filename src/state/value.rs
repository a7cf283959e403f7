//! Values and keys, as Luau's numbers, strings and tables map to them.

use super::memory::TABLE_BYTES;
use super::{StateTable, Text};
use std::sync::Arc;

/// 2^53: up to here every integer is a Luau number of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What can be stored. Cloning shares strings and tables.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`
    Bool(bool),
    /// A number; writing NaN is an error.
    Number(f64),
    /// Bytes, as Luau's strings are.
    String(Text),
    /// A table of these.
    Table(Arc<StateTable>),
}

/// The name of an entry of a table. Integers and strings differ, and integers come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// An integer.
    Int(i64),
    /// Bytes.
    Str(Text),
}

/// A [`Key`] that is only looked up: nothing is allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyRef<'a> {
    /// An integer.
    Int(i64),
    /// Bytes.
    Str(&'a [u8]),
}

impl Value {
    /// How large this value is where one value is measured: the bytes of a string, what the entries of a table cost
    /// (see [`StateTable::bytes`]), nothing else.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Number(_) => 0,
            Self::String(text) => text.len(),
            Self::Table(table) => table.bytes(),
        }
    }

    /// What it costs in memory outside of the entry that it is the value of.
    pub(super) fn outside(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Number(_) => 0,
            Self::String(text) => text.outside(),
            Self::Table(table) => TABLE_BYTES + table.bytes(),
        }
    }

    /// The table, if this is one.
    pub fn as_table(&self) -> Option<&Arc<StateTable>> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether both are the same boolean, number (to the bit) or string. Tables never are: they are not compared.
    pub(super) fn is_same_leaf(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one.to_bits() == two.to_bits(),
            (Self::String(one), Self::String(two)) => one == two,
            _ => false,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<StateTable> for Value {
    fn from(table: StateTable) -> Self {
        Self::Table(Arc::new(table))
    }
}

impl Key {
    /// The key that a Luau number is: an integer within ±2^53. Nothing for every other number.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "an integer within ±2^53 fits exactly"
    )]
    pub fn from_number(number: f64) -> Option<Self> {
        (number.fract() == 0.0 && number.abs() <= EXACT).then_some(Self::Int(number as i64))
    }

    /// For looking this key up.
    pub fn as_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Int(number) => KeyRef::Int(*number),
            Self::Str(text) => KeyRef::Str(text),
        }
    }

    /// What it costs in memory outside of its entry.
    pub(super) fn outside(&self) -> usize {
        match self {
            Self::Int(_) => 0,
            Self::Str(text) => text.outside(),
        }
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl KeyRef<'_> {
    /// The key to be stored.
    pub fn to_key(self) -> Key {
        match self {
            Self::Int(number) => Key::Int(number),
            Self::Str(text) => Key::Str(text.into()),
        }
    }

    /// How long it is: 8 for an integer.
    pub fn bytes(self) -> usize {
        match self {
            Self::Int(_) => 8,
            Self::Str(text) => text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integral_numbers_are_integer_keys_up_to_2_to_the_53() {
        assert_eq!(Key::from_number(3.0), Some(Key::Int(3)));
        assert_eq!(Key::from_number(-0.0), Some(Key::Int(0)));
        assert_eq!(Key::from_number(-EXACT), Some(Key::Int(-(1 << 53))));
        for number in [0.5, EXACT * 2.0, f64::INFINITY, f64::NAN] {
            assert_eq!(Key::from_number(number), None);
        }
    }

    #[test]
    fn integers_and_strings_differ_and_integers_come_first() {
        let mut keys = [Key::from("1"), Key::Int(2), Key::from("\0"), Key::Int(-1)];
        keys.sort();
        let sorted = [Key::Int(-1), Key::Int(2), Key::from("\0"), Key::from("1")];
        assert_eq!(keys, sorted);
    }
}
