//! Emoji as users type them: Discord's custom ones and Unicode's.

use super::marks::{is_id, leading_brackets};
use icu_properties::CodePointSetData;
use icu_properties::props::{Emoji, EmojiModifier, EmojiPresentation, RegionalIndicator};

/// Joins the elements of one emoji.
const JOINER: char = '\u{200d}';
/// Makes an emoji of a sign that is a letter without it.
const SELECTOR: char = '\u{fe0f}';
/// Selects the letter; in an option for an emoji it is ignored.
const TEXT_SELECTOR: char = '\u{fe0e}';
/// The longest, a family with skin tones, has 35 bytes; a subdivision's flag 28.
const LONGEST: usize = 64;

/// An emoji: `id` is that of a custom one, `name` its name or the Unicode emoji itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedEmoji {
    /// Nothing for a Unicode emoji.
    pub id: Option<String>,
    /// As Discord's `name` in an emoji object. A Unicode emoji has one form, however it was typed:
    /// with the selector U+FE0F exactly where the sign alone would be a letter (`❤️`, `☕`).
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
            name: canonical(text),
            animated: false,
        })
    })
}

/// The id of a custom emoji, from the forms in which it is a part of an address: `name:id`, or the id alone.
pub fn custom_emoji_id(text: &str) -> Option<&str> {
    let id = match text.split_once(':') {
        Some((name, id)) if is_name(name) => id,
        Some(_) => return None,
        None => text,
    };
    // No digit alone is the id of anything.
    (id.len() > 1 && is_id(id)).then_some(id)
}

/// The bytes of the emoji with which a text begins: the longest one, a family and not its father.
pub(super) fn leading(text: &str) -> Option<usize> {
    if let Some(mark) = leading_brackets(text).filter(|mark| is_custom(mark)) {
        return Some(mark.len());
    }
    let ends = text.char_indices().map(|(at, first)| at + first.len_utf8());
    let ends: Vec<_> = ends.take_while(|end| *end <= LONGEST).collect();
    ends.into_iter()
        .rev()
        .find(|end| is_unicode_emoji(&text[..*end]))
}

/// Whether a text is a custom emoji (`<:name:id>`).
pub(super) fn is_custom(text: &str) -> bool {
    custom(text).is_some()
}

/// The form that Unicode calls fully qualified.
fn canonical(text: &str) -> String {
    let elements: Vec<String> = text.split(JOINER).map(canonical_element).collect();
    elements.join(&JOINER.to_string())
}

fn canonical_element(text: &str) -> String {
    let plain: String = text.chars().filter(|it| !is_selector(*it)).collect();
    let mut characters = plain.chars();
    let (Some(first), second) = (characters.next(), characters.next()) else {
        return plain;
    };
    match second {
        Some('\u{20e3}') => format!("{first}{SELECTOR}\u{20e3}"),
        None if !CodePointSetData::new::<EmojiPresentation>().contains(first) => {
            format!("{first}{SELECTOR}")
        }
        _ => plain,
    }
}

fn is_selector(character: char) -> bool {
    matches!(character, SELECTOR | TEXT_SELECTOR)
}

fn custom(text: &str) -> Option<ParsedEmoji> {
    let inside = text.strip_prefix('<')?.strip_suffix('>')?;
    let (animated, inside) = match inside.strip_prefix("a:") {
        Some(rest) => (true, rest),
        None => (false, inside.strip_prefix(':')?),
    };
    let (name, id) = inside.split_once(':')?;
    (is_name(name) && is_id(id)).then(|| ParsedEmoji {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        animated,
    })
}

/// Whether a custom emoji may have a name.
fn is_name(name: &str) -> bool {
    (2..=32).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a text is one emoji by the grammar of Unicode's TR 51: elements joined by U+200D. A flag
/// that no country has passes: only Discord knows which ones it draws.
fn is_unicode_emoji(text: &str) -> bool {
    text.len() <= LONGEST && text.split(JOINER).all(is_element)
}

fn is_element(text: &str) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return false;
    };
    // Discord takes signs such as `❤` with and without the selector; some clients write one between a sign and its skin
    // tone. Two in a row are not an emoji.
    let after = characters.as_str();
    let selectors = after.chars().filter(|it| is_selector(*it)).count();
    if selectors > 1 {
        return false;
    }
    let rest: Vec<char> = characters.filter(|it| !is_selector(*it)).collect();
    let regional = CodePointSetData::new::<RegionalIndicator>();
    if regional.contains(first) {
        return selectors == 0 && matches!(rest.as_slice(), [second] if regional.contains(*second));
    }
    if matches!(first, '0'..='9' | '#' | '*') {
        return after.ends_with('\u{20e3}') && rest.len() == 1;
    }
    if !CodePointSetData::new::<Emoji>().contains(first) {
        return false;
    }
    match rest.as_slice() {
        [] => true,
        [modifier] => CodePointSetData::new::<EmojiModifier>().contains(*modifier),
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
    fn the_first_of_several_is_the_longest_that_is_one() {
        for emoji in [
            "😀",
            "❤️",
            "❤",
            "❤\u{fe0e}",
            "✌\u{fe0f}🏽",
            "👍🏽",
            "👨‍👩‍👧‍👦",
            "🇮🇩",
            "1️⃣",
            "<:ab:1>",
        ] {
            for rest in ["", "x", " ", "😀", "🇺🇸", "<:ab:1>"] {
                let length = leading(&format!("{emoji}{rest}"));
                assert_eq!(length, Some(emoji.len()), "{emoji} {rest}");
            }
        }
        for other in ["", "x😀", "1", "<@1>", "🇮"] {
            assert_eq!(leading(other), None, "{other}");
        }
    }

    #[test]
    fn unicode_emoji_are_one_each() {
        let emoji = ["😀", "❤️", "👍🏽", "👩‍🚀", "👨‍👩‍👧‍👦", "🇮🇩", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "🏳️‍🌈", "☕"];
        for text in emoji {
            assert!(
                parse_emoji(text).is_some_and(|emoji| emoji.name == text),
                "{text}"
            );
        }
        for (typed, name) in [
            ("❤", "❤️"),
            ("☕\u{fe0f}", "☕"),
            ("1\u{20e3}", "1️⃣"),
            ("🏳‍🌈", "🏳️‍🌈"),
            ("❤‍🔥", "❤️‍🔥"),
            ("☝\u{fe0f}", "☝️"),
            ("☝🏽\u{fe0f}", "☝🏽"),
            ("☝\u{fe0f}🏽", "☝🏽"),
            ("❤\u{fe0e}", "❤️"),
            ("☕\u{fe0e}", "☕"),
            ("1\u{fe0e}\u{20e3}", "1️⃣"),
            ("👁‍🗨", "👁️‍🗨️"),
        ] {
            let parsed = parse_emoji(typed).map(|emoji| emoji.name);
            assert_eq!(parsed.as_deref(), Some(name));
            assert_eq!(parse_emoji(name).map(|emoji| emoji.name), parsed);
        }
        for wrong in [
            "❤\u{fe0f}\u{fe0f}",
            "1\u{fe0f}",
            "1\u{20e3}x",
            "🇮\u{fe0f}🇩",
            "",
            "a",
            "1",
            "#",
            "😀😀",
            "😀x",
            "🇮",
            "\u{200d}",
            "é",
            "\u{fe0f}",
            "中",
        ] {
            assert_eq!(parse_emoji(wrong), None, "{wrong}");
        }
    }
}
