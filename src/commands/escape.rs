//! Makes users' text safe inside the bot's own sentences: no working mention, no way out of a code block, and no
//! characters that hide text or change its direction.

pub use crate::escape::is_invisible;
use unicode_width::UnicodeWidthChar;

/// Discord's limit of a message in Unicode code points.
pub(super) const MESSAGE_LIMIT: usize = 2_000;

/// How many characters of a user's word a sentence repeats.
const QUOTED_LENGTH: usize = 60;

/// Whether a character stands between words.
pub(super) fn is_separator(character: char) -> bool {
    character.is_whitespace() || is_invisible(character)
}

/// The text without live mentions: it looks the same, but Discord finds no mention in it.
pub fn defuse(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        safe.push(character);
        if matches!(character, '@' | '<') {
            safe.push('\u{200b}');
        }
    }
    safe
}

/// One character in a form that is safe in a code block; none for an invisible one.
pub fn in_code(character: char) -> Option<char> {
    match character {
        '`' => Some('ˋ'),
        character if character.is_whitespace() => Some(' '),
        character if character.is_control() => Some('\u{fffd}'),
        character if is_invisible(character) => None,
        character => Some(character),
    }
}

/// A text from the operator or an author, in a form that is safe inside inline code.
pub fn inside_code(text: &str) -> String {
    let shown: String = text.chars().filter_map(in_code).collect();
    defuse(&shown)
}

/// The text as inline code, on one line, cut at 60 characters.
pub fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter_map(in_code).collect();
    let plain = plain.trim();
    if plain.is_empty() {
        return "`\"\"`".to_owned();
    }
    format!("`{}`", defuse(&clip(plain, QUOTED_LENGTH)))
}

/// The text cut to `limit` code points, with `…` as the last of them when something is missing.
pub(super) fn clip(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// How many code points Discord counts in a text.
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// How many columns a character takes in a fixed-width font.
pub fn columns(character: char) -> usize {
    character.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_users_are_harmless() {
        assert_eq!(quoted("a`b\nc"), "`aˋb c`");
        assert_eq!(quoted("@everyone"), "`@\u{200b}everyone`");
        assert_eq!(quoted("\u{202e}"), "`\"\"`");
        assert_eq!(length(&quoted(&"x".repeat(4_000))), 62);
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abcd", 3), "ab…");
    }
}
