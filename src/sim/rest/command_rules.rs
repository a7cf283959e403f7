//! What Discord takes as an application command.

use crate::sim::errors::{ApiError, Invalid};
use serde_json::{Value, json};
use std::collections::HashSet;

/// The longest sum of all names, descriptions and choice values of a command, in characters.
const SUM: usize = 8_000;
/// The languages that Discord knows.
const LOCALES: [&str; 32] = [
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl",
    "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
    "zh-CN", "ja", "zh-TW", "ko",
];
const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;

/// Checks a whole command; `path` is empty, or the index in a bulk overwrite.
pub(super) fn check(command: &Value, path: &str, invalid: &mut Invalid) {
    let kind = command["type"].as_u64().unwrap_or(1);
    let under = |name: &str| {
        if path.is_empty() {
            name.into()
        } else {
            format!("{path}.{name}")
        }
    };
    check_name(&command["name"], &under("name"), kind == 1, invalid);
    check_localizations(command, path, kind == 1, invalid);
    let description = command["description"].as_str().unwrap_or_default();
    if kind == 1 {
        check_length(description, &under("description"), (1, 100), invalid);
        check_options(command, &under("options"), 0, invalid);
        if sum(command) > SUM {
            let message = "Command exceeds maximum size (8000).";
            invalid.at(path, "APPLICATION_COMMAND_TOO_LARGE", message);
        }
    } else if !description.is_empty() {
        let message = "Context menu commands cannot have description";
        invalid.at(
            &under("description"),
            "APPLICATION_COMMAND_INVALID_DESCRIPTION",
            message,
        );
    }
    let has_options = command["options"]
        .as_array()
        .is_some_and(|options| !options.is_empty());
    if kind != 1 && has_options {
        let message = "Context menu commands cannot have options";
        invalid.at(
            &under("options"),
            "APPLICATION_COMMAND_INVALID_OPTIONS",
            message,
        );
    }
}

fn check_length(text: &str, path: &str, (least, most): (usize, usize), invalid: &mut Invalid) {
    if !(least..=most).contains(&text.chars().count()) {
        let message = format!("Must be between {least} and {most} in length.");
        invalid.at(path, "BASE_TYPE_BAD_LENGTH", message);
    }
}

/// Slash names: letters, digits, `-`, `_` and `'`, in lower case where there is one.
fn check_name(name: &Value, path: &str, is_slash: bool, invalid: &mut Invalid) {
    let Some(name) = name.as_str() else {
        invalid.at(path, "BASE_TYPE_REQUIRED", "This field is required");
        return;
    };
    let length = name.chars().count();
    let proper = |one: char| one.is_alphanumeric() || "-_'".contains(one) || is_indic_mark(one);
    let lower = name.to_lowercase() == name;
    if !(1..=32).contains(&length) {
        invalid.at(
            path,
            "BASE_TYPE_BAD_LENGTH",
            "Must be between 1 and 32 in length.",
        );
    } else if is_slash && !(lower && name.chars().all(proper)) {
        let message = "Command name is invalid";
        invalid.at(path, "APPLICATION_COMMAND_INVALID_NAME", message);
    }
}

/// Marks of the Devanagari and Thai scripts, which Discord takes in names.
fn is_indic_mark(one: char) -> bool {
    matches!(one, '\u{900}'..='\u{97f}' | '\u{e00}'..='\u{e7f}')
}

fn check_localizations(part: &Value, path: &str, is_slash: bool, invalid: &mut Invalid) {
    for (field, is_name) in [
        ("name_localizations", true),
        ("description_localizations", false),
    ] {
        let Some(texts) = part[field].as_object() else {
            continue;
        };
        for (locale, text) in texts {
            let path = format!("{path}.{field}.{locale}");
            if !LOCALES.contains(&locale.as_str()) {
                let message = format!("Value must be one of {LOCALES:?}.");
                invalid.at(&path, "BASE_TYPE_CHOICES", message);
            } else if is_name {
                check_name(text, &path, is_slash, invalid);
            } else {
                check_length(text.as_str().unwrap_or_default(), &path, (1, 100), invalid);
            }
        }
    }
}

fn check_options(part: &Value, path: &str, depth: usize, invalid: &mut Invalid) {
    let Some(options) = part["options"].as_array() else {
        return;
    };
    if options.len() > 25 {
        invalid.at(
            path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    let mut names = HashSet::new();
    let (mut optional_seen, mut nested, mut plain) = (false, false, false);
    for (index, option) in options.iter().enumerate() {
        let path = format!("{path}.{index}");
        let kind = option["type"].as_u64().unwrap_or(0);
        check_name(&option["name"], &format!("{path}.name"), true, invalid);
        let description = option["description"].as_str().unwrap_or_default();
        check_length(
            description,
            &format!("{path}.description"),
            (1, 100),
            invalid,
        );
        check_localizations(option, &path, true, invalid);
        if !names.insert(option["name"].as_str().unwrap_or_default()) {
            let message = "Option names must be unique";
            invalid.at(
                &path,
                "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                message,
            );
        }
        let is_nested = matches!(kind, SUBCOMMAND | GROUP);
        (nested, plain) = (nested || is_nested, plain || !is_nested);
        if is_nested {
            check_nesting(kind, depth, &path, invalid);
            check_options(option, &format!("{path}.options"), depth + 1, invalid);
            continue;
        }
        let required = option["required"] == true;
        if required && optional_seen {
            let message = "Required options must be placed before non-required options";
            invalid.at(
                &path,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                message,
            );
        }
        optional_seen |= !required;
        check_choices(option, &path, invalid);
    }
    if nested && plain {
        let message = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        invalid.at(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
    }
}

/// Groups stand at the top alone, subcommands at the top or in a group.
fn check_nesting(kind: u64, depth: usize, path: &str, invalid: &mut Invalid) {
    let deepest = usize::from(kind != GROUP);
    if depth > deepest {
        let message = "Sub-command groups cannot be nested";
        invalid.at(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message);
    }
}

fn check_choices(option: &Value, path: &str, invalid: &mut Invalid) {
    let Some(choices) = option["choices"].as_array() else {
        return;
    };
    let path = format!("{path}.choices");
    if choices.len() > 25 {
        invalid.at(
            &path,
            "BASE_TYPE_MAX_LENGTH",
            "Must be 25 or fewer in length.",
        );
    }
    if option["autocomplete"] == true && !choices.is_empty() {
        let message = "Autocomplete option cannot have choices";
        invalid.at(&path, "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", message);
    }
    let mut names = HashSet::new();
    for (index, choice) in choices.iter().enumerate() {
        let name = choice["name"].as_str().unwrap_or_default();
        check_length(name, &format!("{path}.{index}.name"), (1, 100), invalid);
        for (locale, text) in choice["name_localizations"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let path = format!("{path}.{index}.name_localizations.{locale}");
            check_length(text.as_str().unwrap_or_default(), &path, (1, 100), invalid);
        }
        if let Some(value) = choice["value"].as_str() {
            check_length(value, &format!("{path}.{index}.value"), (1, 100), invalid);
        }
        if !names.insert(name) {
            let message = "Choice names must be unique";
            let path = format!("{path}.{index}");
            invalid.at(
                &path,
                "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
                message,
            );
        }
    }
}

/// The characters that count against a command's size.
fn sum(part: &Value) -> usize {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let longest = |name: &str| {
        let translated = part[format!("{name}_localizations")].as_object();
        let translated = translated
            .into_iter()
            .flat_map(|texts| texts.values().map(length));
        translated.chain([length(&part[name])]).max().unwrap_or(0)
    };
    let inside = |name: &str| {
        let items = part[name].as_array();
        items.into_iter().flatten().map(sum).sum::<usize>()
    };
    longest("name")
        + longest("description")
        + length(&part["value"])
        + inside("options")
        + inside("choices")
}

/// Fails when two commands of one kind have one name.
pub(super) fn check_unique(commands: &[Value]) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    let mut invalid = Invalid::default();
    for (index, command) in commands.iter().enumerate() {
        let kind = command["type"].as_u64().unwrap_or(1);
        if !names.insert((kind, command["name"].as_str().unwrap_or_default())) {
            let message = "Application command names must be unique";
            let path = index.to_string();
            invalid.at(&path, "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
    }
    invalid.check()
}

/// Fields of a command that are kept, and what they are when they are absent.
pub(super) fn defaults() -> Value {
    json!({
        "type": 1,
        "name": "",
        "name_localizations": null,
        "description": "",
        "description_localizations": null,
        "options": [],
        "default_member_permissions": null,
        "dm_permission": true,
        "contexts": null,
        "integration_types": [0],
        "nsfw": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(command: &Value) -> String {
        let mut invalid = Invalid::default();
        check(command, "", &mut invalid);
        let error = invalid.check().err();
        error
            .and_then(|error| error.errors)
            .unwrap_or_default()
            .to_string()
    }

    #[test]
    fn names_descriptions_and_order_are_checked() {
        let good = json!({"name": "rank", "description": "Shows", "options": [
            {"type": 3, "name": "who", "description": "Whom", "required": true},
            {"type": 4, "name": "n", "description": "How many"},
        ]});
        assert_eq!(faults(&good), "null");
        let upper = json!({"name": "Rank", "description": "Shows"});
        assert!(faults(&upper).contains("APPLICATION_COMMAND_INVALID_NAME"));
        assert!(faults(&json!({"name": "rank"})).contains("BASE_TYPE_BAD_LENGTH"));
        let order = json!({"name": "rank", "description": "Shows", "options": [
            {"type": 3, "name": "a", "description": "A"},
            {"type": 3, "name": "b", "description": "B", "required": true},
        ]});
        assert!(faults(&order).contains("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"));
        assert_eq!(faults(&json!({"name": "Look Up", "type": 2})), "null");
    }
}
