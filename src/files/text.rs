//! The text of a file, in any encoding in which an editor may have saved it: the only place where bytes become text.
//!
//! A byte order mark is not part of the text. For bytes that are not UTF-8, the error says what to do.

use std::fmt;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes that are looked at to tell UTF-16 from a binary file.
const LOOKED_AT: usize = 4096;

/// Why bytes are no text. As a sentence it is what comes after the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    /// Two or four bytes a letter, as some editors of Windows save; the encoding's name.
    Wide(&'static str),
    /// Bytes that UTF-8 does not have, first in this line.
    Invalid(usize),
    /// A zero byte, first in this line.
    Zero(usize),
}

impl fmt::Display for NotText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wide(name) => write!(formatter, "is {name} text; save it as UTF-8"),
            Self::Invalid(line) => {
                write!(formatter, "is not UTF-8 in line {line}; save it as UTF-8")
            }
            Self::Zero(line) => {
                write!(formatter, "contains a zero byte in line {line}; remove it")
            }
        }
    }
}

/// The text without its byte order mark.
pub fn decode(mut bytes: Vec<u8>) -> Result<String, NotText> {
    if let Some(name) = wide(&bytes) {
        return Err(NotText::Wide(name));
    }
    // A file that was put together of several, or saved twice by such an editor, has more than one.
    while bytes.starts_with(UTF8_MARK) {
        bytes.drain(..UTF8_MARK.len());
    }
    if let Some(at) = memchr::memchr(0, &bytes) {
        return Err(NotText::Zero(line_of(&bytes, at)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        NotText::Invalid(line_of(error.as_bytes(), at))
    })
}

/// The name of an encoding with more than one byte for each letter, if the bytes are of one.
fn wide(bytes: &[u8]) -> Option<&'static str> {
    let marks: [(&[u8], &str); 4] = [
        (b"\xFF\xFE\0\0", "UTF-32"),
        (b"\0\0\xFE\xFF", "UTF-32"),
        (b"\xFF\xFE", "UTF-16"),
        (b"\xFE\xFF", "UTF-16"),
    ];
    let marked = marks.iter().find(|(mark, _)| bytes.starts_with(mark));
    let unmarked = || {
        let is_utf16 = is_half_zeros(bytes).then_some("UTF-16");
        is_utf16.or_else(|| is_letters_of_four(bytes).then_some("UTF-32"))
    };
    marked.map(|(_, name)| *name).or_else(unmarked)
}

/// Whether one byte of each pair is zero again and again, and the other never: how UTF-16 has line breaks, spaces and
/// everything else of ASCII.
fn is_half_zeros(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.get(..LOOKED_AT).unwrap_or(bytes).as_chunks::<2>();
    let zeros = |side: usize| pairs.iter().filter(|pair| pair[side] == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let (fewer, more) = (first.min(second), first.max(second));
    bytes.len().is_multiple_of(2) && fewer == 0 && more > pairs.len() / 8
}

/// Whether each four bytes are the number of a letter: how UTF-32 has them.
fn is_letters_of_four(bytes: &[u8]) -> bool {
    let (fours, _) = bytes.get(..LOOKED_AT).unwrap_or(bytes).as_chunks::<4>();
    let is_letter =
        |four: &[u8; 4], order: fn([u8; 4]) -> u32| (1..0x11_0000).contains(&order(*four));
    let all = |order: fn([u8; 4]) -> u32| fours.iter().all(|four| is_letter(four, order));
    let is_whole = !fours.is_empty() && bytes.len().is_multiple_of(4);
    is_whole && (all(u32::from_le_bytes) || all(u32::from_be_bytes))
}

/// The line, from 1, of the byte at `at`.
fn line_of(bytes: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(
            decode(b"\xEF\xBB\xBFa\r\n".to_vec()),
            Ok("a\r\n".to_owned())
        );
        assert_eq!(decode(b"\xEF\xBB\xBF".to_vec()), Ok(String::new()));
        assert_eq!(
            decode(b"\xEF\xBB\xBF\xEF\xBB\xBFa".to_vec()),
            Ok("a".to_owned())
        );
        assert_eq!(decode(Vec::new()), Ok(String::new()));
    }

    #[test]
    fn utf_16_is_named_with_and_without_a_mark_in_either_order() {
        let texts = [
            "return 1",
            "\u{FEFF}return 1",
            "TOKEN=x\r\n",
            "-- 機器人\r\nreturn { 1, 2 }",
            "1",
        ];
        for text in texts {
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let decoded = decode(utf16(text, order));
                assert_eq!(decoded, Err(NotText::Wide("UTF-16")), "{text:?}");
            }
        }
        let words = NotText::Wide("UTF-16").to_string();
        assert_eq!(words, "is UTF-16 text; save it as UTF-8");
    }

    #[test]
    fn utf_32_is_named_with_and_without_a_mark_in_either_order() {
        for text in [
            "return 1",
            "\u{FEFF}return 1",
            "-- 機器人\r\nreturn {}",
            "1",
        ] {
            for order in [u32::to_le_bytes, u32::to_be_bytes] {
                let bytes: Vec<u8> = text.chars().map(u32::from).flat_map(order).collect();
                assert_eq!(decode(bytes), Err(NotText::Wide("UTF-32")), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_neither_names_the_first_line() {
        let latin = decode(b"-- 1\r\n-- caf\xE9\r\n-- \xE9".to_vec());
        assert_eq!(latin, Err(NotText::Invalid(2)));
        let zero = decode(b"a long line\nanother long line\0".to_vec());
        assert_eq!(zero, Err(NotText::Zero(2)));
        let marked = decode(b"\xEF\xBB\xBF\n\xFF".to_vec());
        assert_eq!(marked, Err(NotText::Invalid(2)));
    }

    proptest! {
        #[test]
        fn all_text_without_zeros_is_taken_as_it_is(text in "[^\0\u{FEFF}]*") {
            prop_assert_eq!(decode(text.clone().into_bytes()), Ok(text));
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_told(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(problem) = decode(bytes) {
                prop_assert!(problem.to_string().contains(';'));
            }
        }
    }
}
