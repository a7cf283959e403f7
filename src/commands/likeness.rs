//! Names that look like each other: `rеload` with a Cyrillic `е` is another name than `reload`, but looks the same.

use icu_properties::CodePointSetData;
use icu_properties::props::{BidiControl, DefaultIgnorableCodePoint, Emoji};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// What a name looks like: two names are taken for each other when they have one of these in common. Names are
/// written in any letter case, so all cases are looked at, by the skeleton of
/// [Unicode's confusables](https://www.unicode.org/reports/tr39/#Confusable_Detection).
pub fn likenesses(name: &str) -> BTreeSet<String> {
    let cases = [name.to_owned(), name.to_lowercase(), name.to_uppercase()];
    let composed = |name: &String| -> String { name.nfkc().collect() };
    let composed: Vec<String> = if name.is_ascii() {
        // Nothing is composed in it.
        Vec::new()
    } else {
        cases.iter().map(composed).collect()
    };
    cases
        .iter()
        .chain(&composed)
        .map(|name| likeness(name))
        .collect()
}

/// The skeleton, in lower case: that of `0` is a large `O`.
fn likeness(name: &str) -> String {
    looks(&looks(name).to_lowercase())
}

/// The skeletons of the plain characters, each of which looks like itself or like other plain ones.
static PLAIN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let plain = (0..=0x7f_u8).map(|character| char::from(character).to_string());
    plain
        .map(|character| skeleton(&character).collect())
        .collect()
});

/// The skeleton. That of a plain name is put together, as to look one up takes fifty times as long.
fn looks(name: &str) -> String {
    if !name.is_ascii() {
        return skeleton(name).collect();
    }
    let looks = name.bytes().filter_map(|byte| PLAIN.get(usize::from(byte)));
    looks.map(String::as_str).collect()
}

/// The first character of a name that nobody sees: it is left out of the picture, or turns the text around. What
/// makes an emoji of the sign before it is none of them.
pub fn unseen(name: &str) -> Option<char> {
    let (ignorable, bidi) = (
        CodePointSetData::new::<DefaultIgnorableCodePoint>(),
        CodePointSetData::new::<BidiControl>(),
    );
    let mut before = None;
    name.chars().find(|character| {
        let is_unseen = ignorable.contains(*character)
            || bidi.contains(*character)
            || character.is_control()
            || BLANK.contains(character);
        let before = before.replace(*character);
        is_unseen && !(*character == EMOJI_SELECTOR && before.is_some_and(is_sign))
    })
}

/// Signs without a picture that Unicode counts among letters and symbols: Hangul's fillers are default-ignorable,
/// these are not.
const BLANK: [char; 3] = ['\u{2800}', '\u{1d159}', '\u{16fe4}'];

/// The selector that shows the sign before it as an emoji.
const EMOJI_SELECTOR: char = '\u{fe0f}';

fn is_sign(character: char) -> bool {
    !character.is_ascii() && CodePointSetData::new::<Emoji>().contains(character)
}

/// The characters by which a name differs from plain letters, as words of a sentence; nothing if it is plain.
pub(super) fn in_code_points(name: &str) -> Option<String> {
    let odd = name.chars().filter(|character| !character.is_ascii());
    let odd: Vec<_> = odd
        .take(MOST_CODE_POINTS)
        .map(|character| format!("U+{:04X}", u32::from(character)))
        .collect();
    (!odd.is_empty()).then(|| odd.join(", "))
}

/// How many characters of one name are listed.
const MOST_CODE_POINTS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(one: &str, other: &str) -> bool {
        !likenesses(one).is_disjoint(&likenesses(other))
    }

    #[test]
    fn names_that_look_alike_share_a_likeness() {
        for name in [
            "r\u{435}load",
            "R\u{415}LOAD",
            "rel\u{3bf}ad",
            "rel0ad",
            "re1oad",
            "re|oad",
            "\u{ff52}\u{ff45}load",
            "\u{1d42b}eload",
            "relo\u{ad}ad",
            "re\u{200b}load",
            "reIoad",
        ] {
            assert!(alike(name, "reload"), "{name}");
        }
        assert!(alike("\u{397}ELP", "help"));
        assert!(alike("leveling", "l\u{435}veling"));
    }

    #[test]
    fn plain_names_look_as_unicode_says() {
        for character in 0..=0x7f_u8 {
            let name = format!("a{}m", char::from(character));
            assert_eq!(
                looks(&name),
                skeleton(&name).collect::<String>(),
                "{name:?}"
            );
        }
    }

    #[test]
    fn names_of_all_languages_are_others() {
        let names = [
            "reload",
            "help",
            "load",
            "unload",
            "cogs",
            "muat",
            "bantuan",
            "перезагрузить",
            "помощь",
            "再読み込み",
            "ヘルプ",
            "도움말",
            "مساعدة",
            "βοήθεια",
            "trợ-giúp",
            "aide",
            "später",
            "réload",
        ];
        for (index, one) in names.iter().enumerate() {
            for other in &names[index + 1..] {
                assert!(!alike(one, other), "{one} {other}");
            }
            assert_eq!(unseen(one), None, "{one}");
        }
    }

    #[test]
    fn characters_that_nobody_sees_are_found() {
        for character in [
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{7}',
        ] {
            let name = format!("he{character}lp");
            assert_eq!(unseen(&name), Some(character), "{character:?}");
        }
        assert_eq!(unseen("❤\u{fe0f}"), None);
        assert_eq!(in_code_points("r\u{435}load").as_deref(), Some("U+0435"));
        assert_eq!(in_code_points("reload"), None);
    }
}
