//! What is wrong with the names and descriptions of a definition.

use super::complaint::Visit;
use super::escape::{is_separator, length};
use super::likeness::unseen;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

/// Discord's limits of application commands, from
/// <https://discord.com/developers/docs/interactions/application-commands>.
const MAX_NAME: usize = 32;
const MAX_DESCRIPTION: usize = 100;

/// Names of commands and options.
pub(super) fn name(field: &str, name: &str, visit: &mut Visit<'_>) {
    // Whatever can be typed is allowed where Discord does not show it.
    let says = if visit.slash {
        not_in_slash(name)
    } else {
        bad_word(name)
    };
    if let Some(says) = says {
        visit.complain(field, says);
    }
}

/// Why something cannot be the name of a slash command, or of an option of one.
pub(super) fn not_in_slash(name: &str) -> Option<String> {
    bad_word(name).or_else(|| {
        let character = name.chars().find(|character| !is_allowed(*character))?;
        let hint = if character.is_uppercase() {
            "write it in lower case"
        } else {
            "allowed are letters, digits, `-`, `_` and `'`"
        };
        Some(format!("has the character \"{character}\", which Discord does not allow in slash commands: {hint}"))
    })
}

/// Why something cannot be a name in a context menu: Discord takes spaces and both cases there, and cuts the spaces
/// around them off.
pub(super) fn not_in_menu(name: &str) -> Option<String> {
    let count = length(name);
    if count == 0 || count > MAX_NAME {
        return Some(format!(
            "must have 1 to {MAX_NAME} characters, and has {count}"
        ));
    }
    if let Some(character) = unseen(name) {
        let character = u32::from(character);
        return Some(format!(
            "must not contain the character U+{character:04X}, which is invisible"
        ));
    }
    (name.trim() != name).then(|| "must not begin or end with a space".to_owned())
}

/// What commands and options say about themselves.
pub(super) fn description(field: &str, description: Option<&str>, visit: &mut Visit<'_>) {
    let Some(description) = description.filter(|_| visit.slash) else {
        return;
    };
    let count = length(description);
    if count == 0 || count > MAX_DESCRIPTION {
        visit.complain(
            field,
            format!("must have 1 to {MAX_DESCRIPTION} characters, and has {count}"),
        );
    }
}

/// Why a name cannot be typed as one word.
pub(super) fn bad_word(name: &str) -> Option<String> {
    let count = length(name);
    if count == 0 || count > MAX_NAME {
        return Some(format!(
            "must have 1 to {MAX_NAME} characters, and has {count}"
        ));
    }
    if let Some(character) = unseen(name).filter(|it| !it.is_whitespace()) {
        let character = u32::from(character);
        return Some(format!(
            "must not contain the character U+{character:04X}, which is invisible"
        ));
    }
    let odd = |character: char| {
        is_separator(character)
            || matches!(
                character,
                '"' | '“' | '”' | '„' | '`' | '@' | '<' | '>' | '#'
            )
    };
    if name.chars().any(odd) {
        return Some("must not contain spaces, quotes, or any of `@`, `#`, `<`, `>`".to_owned());
    }
    None
}

/// Discord's `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, and no letter that has a lower case.
fn is_allowed(character: char) -> bool {
    const CATEGORIES: CodePointMapDataBorrowed<'_, GeneralCategory> = CodePointMapData::new();
    const SCRIPTS: CodePointMapDataBorrowed<'_, Script> = CodePointMapData::new();
    let category = CATEGORIES.get(character);
    let script = SCRIPTS.get(character);
    let allowed = matches!(character, '-' | '_' | '\'')
        || GeneralCategoryGroup::Letter.contains(category)
        || GeneralCategoryGroup::Number.contains(category)
        || script == Script::Devanagari
        || script == Script::Thai;
    allowed && character.to_lowercase().eq([character])
}
