//! When two names count as the same.

use super::escape::is_invisible;

/// What a command's name and a typed one have in common: lower case, without invisible characters
/// and the selectors with which some keyboards write an emoji and some do not.
pub fn name_key(name: &str) -> String {
    if is_plain(name) {
        return name.to_ascii_lowercase();
    }
    name.chars()
        .filter(|character| !is_invisible(*character) && !is_selector(*character))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether two names have the same key.
pub(super) fn is_same_name(a: &str, b: &str) -> bool {
    if is_plain(a) && is_plain(b) {
        return a.eq_ignore_ascii_case(b);
    }
    name_key(a) == name_key(b)
}

/// Whether nothing in a name is invisible, and only ASCII has other cases: so it is with nearly all.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What some keyboards write behind an emoji and some do not.
pub(super) fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe0e}' | '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_have_the_key_that_others_have() {
        let all = (0x21..0x7f_u8).map(char::from);
        for character in all {
            let name = String::from(character);
            let shown: String = character.to_lowercase().collect();
            assert_eq!(name_key(&name), shown);
            assert_eq!(name_key(&format!("{name}\u{200b}")), shown);
            assert!(is_same_name(&name, &shown) && is_same_name(&format!("{name}\u{fe0f}"), &name));
        }
        assert!(!is_same_name("ping", "pong") && !is_same_name("ping\u{200b}", "pong"));
        assert!(is_same_name("ÄPFEL", "äpfel"));
    }

    #[test]
    fn case_and_what_is_invisible_make_no_difference() {
        assert_eq!(name_key("PI\u{200b}NG"), "ping");
        assert_eq!(name_key("ÄÖ"), "äö");
        assert_eq!(name_key("❤\u{fe0f}"), name_key("❤"));
    }
}
