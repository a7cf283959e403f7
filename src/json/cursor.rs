//! Reads the bytes that a writer has written.

use super::format::{ARRAY, INTEGER, LENGTH, NULL, NUMBER, OBJECT, OTHER, STRING};
use super::names;

/// A place in a document. Past its end everything is zero, or empty.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(NULL);
        self.at += 1;
        byte
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let begin = self.at;
        self.at = begin.saturating_add(length);
        self.bytes.get(begin..self.at).unwrap_or_default()
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    pub(super) fn integer(&mut self) -> i64 {
        let zigzag = self.varint();
        (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed()
    }

    pub(super) fn number(&mut self) -> f64 {
        f64::from_le_bytes(self.array())
    }

    /// The bytes of an array or an object.
    pub(super) fn length(&mut self) -> usize {
        u32::from_le_bytes(self.array::<LENGTH>()) as usize
    }

    fn bytes_of_text(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.varint()).unwrap_or(usize::MAX);
        self.take(length)
    }

    pub(super) fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.bytes_of_text()).unwrap_or_default()
    }

    fn number_of_name(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(super) fn name(&mut self) -> &'a str {
        match self.number_of_name() {
            OTHER => self.text(),
            number => names::name(number),
        }
    }

    /// A name, to be compared with others.
    pub(super) fn name_key(&mut self) -> NameKey<'a> {
        match self.number_of_name() {
            OTHER => NameKey::Other(self.bytes_of_text()),
            number => NameKey::Numbered(number),
        }
    }

    /// Goes on behind a value.
    pub(super) fn skip(&mut self) {
        match self.byte() {
            INTEGER => {
                self.varint();
            }
            NUMBER => {
                self.array::<8>();
            }
            STRING => {
                self.bytes_of_text();
            }
            ARRAY | OBJECT => {
                let length = self.length();
                self.take(length);
            }
            _ => {}
        }
    }
}

/// The name of a field as it is written.
#[derive(Clone, Copy)]
pub(super) enum NameKey<'a> {
    Numbered(u16),
    Other(&'a [u8]),
}

impl NameKey<'_> {
    /// Whether it is `name`, whose number is `number`.
    pub(super) fn is(self, name: &str, number: Option<u16>) -> bool {
        match self {
            Self::Numbered(own) => number == Some(own),
            Self::Other(own) => own == name.as_bytes(),
        }
    }
}
