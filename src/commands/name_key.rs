//! When two names count as the same.

use super::escape::is_invisible;

/// What a command's name and a typed one have in common: lower case, without invisible characters
/// and the selectors with which some keyboards write an emoji and some do not.
pub fn name_key(name: &str) -> String {
    name.chars()
        .filter(|character| !is_invisible(*character) && !is_selector(*character))
        .flat_map(char::to_lowercase)
        .collect()
}

/// What some keyboards write behind an emoji and some do not.
pub(super) fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe0e}' | '\u{fe0f}')
}
