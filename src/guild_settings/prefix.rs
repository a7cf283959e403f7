//! What may be the prefix of typed commands in a server.

use crate::escape::{is_invisible, is_unfit};

/// Characters of the longest one.
pub const LONGEST_PREFIX: usize = 32;

/// Why a text cannot be a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixFault {
    /// There is nothing of it.
    Empty,
    /// It has more than [`LONGEST_PREFIX`] characters.
    Long,
    /// There is space in it that is not one space at its end, or a character that nobody sees.
    Unseen,
    /// It would mention somebody, or be a part of a mention.
    Mention,
}

/// What is wrong with a text as a prefix.
pub fn prefix_fault(text: &str) -> Option<PrefixFault> {
    // A space at the end separates a word from the command: `Cog ping`.
    let word = text.strip_suffix(' ').unwrap_or(text);
    if word.trim().is_empty() {
        return Some(PrefixFault::Empty);
    }
    if text.chars().count() > LONGEST_PREFIX {
        return Some(PrefixFault::Long);
    }
    let unseen = |c: char| c.is_whitespace() || is_unfit(c) || is_invisible(c);
    if word.chars().any(unseen) {
        return Some(PrefixFault::Unseen);
    }
    word.contains(['@', '<', '>'])
        .then_some(PrefixFault::Mention)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_short_and_seen_and_mentions_nobody() {
        let long = "x".repeat(4_000);
        for (text, expected) in [
            ("?", None),
            ("hey ", None),
            ("`", None),
            ("**", None),
            ("❤\u{fe0f}", None),
            ("", Some(PrefixFault::Empty)),
            ("  ", Some(PrefixFault::Empty)),
            (&long, Some(PrefixFault::Long)),
            ("a b", Some(PrefixFault::Unseen)),
            (" a", Some(PrefixFault::Unseen)),
            ("a  ", Some(PrefixFault::Unseen)),
            ("a\n", Some(PrefixFault::Unseen)),
            ("a\u{200b}", Some(PrefixFault::Unseen)),
            ("\u{200b}", Some(PrefixFault::Unseen)),
            ("\u{202e}a", Some(PrefixFault::Unseen)),
            ("@everyone", Some(PrefixFault::Mention)),
            ("<@7>", Some(PrefixFault::Mention)),
        ] {
            assert_eq!(prefix_fault(text), expected, "{text:?}");
        }
    }
}
