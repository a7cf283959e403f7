//! Emoji as users type them: Discord's custom ones and Unicode's.

use super::references::is_id;
use icu_properties::CodePointSetData;
use icu_properties::props::{Emoji, EmojiModifier, RegionalIndicator};

/// An emoji: `id` is that of a custom one, `name` its name or the Unicode emoji itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedEmoji {
    /// Nothing for a Unicode emoji.
    pub id: Option<String>,
    /// As Discord's `name` in an emoji object.
    pub name: String,
    /// Whether a custom emoji moves.
    pub animated: bool,
}

/// Reads `<:name:id>`, `<a:name:id>` or one Unicode emoji.
pub fn parse_emoji(text: &str) -> Option<ParsedEmoji> {
    let text = text.trim();
    custom(text).or_else(|| {
        is_unicode_emoji(text).then(|| ParsedEmoji {
            id: None,
            name: text.to_owned(),
            animated: false,
        })
    })
}

fn custom(text: &str) -> Option<ParsedEmoji> {
    let inside = text.strip_prefix('<')?.strip_suffix('>')?;
    let (animated, inside) = match inside.strip_prefix("a:") {
        Some(rest) => (true, rest),
        None => (false, inside.strip_prefix(':')?),
    };
    let (name, id) = inside.split_once(':')?;
    let named = (2..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (named && is_id(id)).then(|| ParsedEmoji {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        animated,
    })
}

/// Whether a text is one emoji by the grammar of Unicode's TR 51: elements joined by U+200D. A flag
/// that no country has passes: only Discord knows which ones it draws.
fn is_unicode_emoji(text: &str) -> bool {
    // The longest, a family with skin tones, has 35 bytes; a subdivision's flag 28.
    text.len() <= 64 && text.split('\u{200d}').all(is_element)
}

fn is_element(text: &str) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return false;
    };
    let rest: Vec<char> = characters.collect();
    let regional = CodePointSetData::new::<RegionalIndicator>();
    if regional.contains(first) {
        return matches!(rest.as_slice(), [second] if regional.contains(*second));
    }
    if matches!(first, '0'..='9' | '#' | '*') {
        return matches!(rest.as_slice(), ['\u{fe0f}', '\u{20e3}'] | ['\u{20e3}']);
    }
    if !CodePointSetData::new::<Emoji>().contains(first) {
        return false;
    }
    match rest.as_slice() {
        // Discord takes signs such as `❤` with and without the selector.
        [] | ['\u{fe0f}'] => true,
        [modifier] | [modifier, '\u{fe0f}'] => {
            CodePointSetData::new::<EmojiModifier>().contains(*modifier)
        }
        [tags @ .., '\u{e007f}'] => tags
            .iter()
            .all(|tag| ('\u{e0020}'..='\u{e007e}').contains(tag)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_emoji_have_an_id() {
        let moving = parse_emoji("<a:party_blob:123456789012345678>").unwrap();
        assert_eq!(moving.id.as_deref(), Some("123456789012345678"));
        assert!(moving.animated && moving.name == "party_blob");
        for wrong in [
            "<:x:1>",
            "<:name:>",
            "<b:name:1>",
            "<:na me:1>",
            ":name:",
            "<::1>",
        ] {
            assert_eq!(parse_emoji(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unicode_emoji_are_one_each() {
        let emoji = [
            "😀",
            "❤️",
            "❤",
            "👍🏽",
            "👩‍🚀",
            "👨‍👩‍👧‍👦",
            "🇮🇩",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "1️⃣",
            "🏳️‍🌈",
            "☕",
        ];
        for text in emoji {
            assert!(
                parse_emoji(text).is_some_and(|emoji| emoji.name == text),
                "{text}"
            );
        }
        for wrong in [
            "", "a", "1", "#", "😀😀", "😀x", "🇮", "\u{200d}", "é", "\u{fe0f}", "中",
        ] {
            assert_eq!(parse_emoji(wrong), None, "{wrong}");
        }
    }
}
