//! Writes the bytes of a document.

use super::format::{ARRAY, FALSE, INTEGER, LENGTH, NULL, NUMBER, OBJECT, OTHER, STRING, TRUE};
use super::names;
use super::view::JsonRef;

/// Writes one value: a scalar, a copy, or an array or object of what is written inside of it.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

/// An array or an object that is being written: where its items or fields begin.
pub(super) struct Open(usize);

impl Writer {
    /// For a value of about so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// `null`
    pub fn null(&mut self) {
        self.bytes.push(NULL);
    }

    /// `true` or `false`
    pub fn bool(&mut self, value: bool) {
        self.bytes.push(if value { TRUE } else { FALSE });
    }

    /// An integer.
    pub fn integer(&mut self, value: i64) {
        self.bytes.push(INTEGER);
        let zigzag = (value << 1) ^ (value >> 63);
        self.varint(zigzag.cast_unsigned());
    }

    /// Any other number.
    pub fn number(&mut self, value: f64) {
        self.bytes.push(NUMBER);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.bytes.push(STRING);
        self.text(text);
    }

    /// The name of the field whose value comes next.
    pub fn name(&mut self, name: &str) {
        if let Some(number) = names::number(name) {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        } else {
            self.bytes.extend_from_slice(&OTHER.to_le_bytes());
            self.text(name);
        }
    }

    /// Begins an array or an object.
    pub(super) fn open(&mut self, tag: u8) -> Open {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(&[0; LENGTH]);
        Open(self.bytes.len())
    }

    /// Ends it.
    pub(super) fn close(&mut self, Open(begin): Open) {
        let length = self.bytes.len() - begin;
        // Whoever reads a text looks that it does not become longer than that.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(begin - LENGTH..begin) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }

    /// An array of what `write` writes.
    pub fn array(&mut self, write: impl FnOnce(&mut Self)) {
        let array = self.open(ARRAY);
        write(self);
        self.close(array);
    }

    /// An object of the fields that `write` writes.
    pub fn object(&mut self, write: impl FnOnce(&mut Self)) {
        let object = self.open(OBJECT);
        write(self);
        self.close(object);
    }

    /// A copy of another value.
    pub fn copy(&mut self, value: JsonRef<'_>) {
        self.bytes.extend_from_slice(value.encoded());
    }

    /// A field, with a copy of its value.
    pub fn field(&mut self, name: &str, value: JsonRef<'_>) {
        self.name(name);
        self.copy(value);
    }

    /// Copies of the fields of an object, without those that have one of these names.
    pub fn fields_without(&mut self, names: &[&str], object: JsonRef<'_>) {
        for fields in object.encoded_without(names) {
            self.bytes.extend_from_slice(fields);
        }
    }

    fn text(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    #[allow(clippy::cast_possible_truncation, reason = "seven bits are taken")]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}
