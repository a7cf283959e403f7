//! The two forms of which all references are made: ids, and marks in angle brackets.

/// Whether a text can be one of Discord's ids: digits, for a number of 64 bits.
pub(super) fn is_id(text: &str) -> bool {
    id_of(text).is_some()
}

/// The id that a text is.
pub(super) fn id_of(text: &str) -> Option<u64> {
    let digits = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The longest of the marks that Discord makes a name, an emoji or a time of has fewer bytes.
const LONGEST_MARK: usize = 100;

/// The part in angle brackets with which a text begins, whatever it is: `<@1>` in `<@1>, hello`.
pub(super) fn leading_brackets(text: &str) -> Option<&str> {
    let head = text
        .as_bytes()
        .get(..LONGEST_MARK)
        .unwrap_or(text.as_bytes());
    let end = head.iter().position(|byte| *byte == b'>')? + 1;
    text.get(..end)
}
