//! Names and descriptions of commands in other languages, by the keys under which a cog's texts have them:
//!
//! ```text
//! commands.<name>.name, .description, .options.<option>.name, .description, .choices.<choice>
//! commands.<group>.commands.<name>. …      user_commands.<name>.name      message_commands.<name>.name
//! ```

use super::super::escape::length;
use super::super::validate_names::{not_in_menu, not_in_slash};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Discord's limits.
const MOST_CHARACTERS: usize = 8_000;
const LONGEST: usize = 100;

/// The texts of a cog in several languages.
pub trait Translations {
    /// The texts of a key, by Discord's locales.
    fn of_key(&self, key: &str) -> BTreeMap<&'static str, &str>;
}

/// Adds to a command, as Discord lists it, how it is called in other languages.
pub fn localize(command: &mut Value, texts: &dyn Translations) {
    let root = match command["type"].as_u64() {
        Some(2) => "user_commands",
        Some(3) => "message_commands",
        _ => "commands",
    };
    part(command, root, texts);
}

/// A command, or something in it, whose key is that of what is around it and its name.
fn part(part: &mut Value, around: &str, texts: &dyn Translations) {
    let name = part["name"].as_str().unwrap_or_default();
    let key = format!("{around}.{name}");
    for field in ["name", "description"] {
        set(part, field, &format!("{key}.{field}"), texts);
    }
    for option in list(part, "options") {
        let is_command = matches!(option["type"].as_u64(), Some(1 | 2));
        let kind = if is_command { "commands" } else { "options" };
        self::part(option, &format!("{key}.{kind}"), texts);
    }
    for choice in list(part, "choices") {
        let name = choice["name"].as_str().unwrap_or_default();
        let key = format!("{key}.choices.{name}");
        set(choice, "name", &key, texts);
    }
}

fn list<'v>(part: &'v mut Value, field: &str) -> impl Iterator<Item = &'v mut Value> {
    let list = part.get_mut(field).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn set(part: &mut Value, field: &str, key: &str, texts: &dyn Translations) {
    let Some(plain) = part[field].as_str() else {
        return;
    };
    let others = texts.of_key(key).into_iter();
    let others = others.filter(|(_, text)| *text != plain);
    let others: Map<String, Value> = others
        .map(|(locale, text)| (locale.to_owned(), text.into()))
        .collect();
    if !others.is_empty() {
        part[format!("{field}_localizations")] = others.into();
    }
}

/// The first thing in a localized command that Discord would refuse: which text it is, and what is wrong with it.
pub fn complaint(command: &Value) -> Option<String> {
    let is_menu = matches!(command["type"].as_u64(), Some(2 | 3));
    let wrong_name: fn(&str) -> Option<String> = if is_menu { not_in_menu } else { not_in_slash };
    let name = command["name"].as_str().unwrap_or_default();
    let found = of_part(command, name, wrong_name);
    found.or_else(|| {
        let total = longest(command);
        (total > MOST_CHARACTERS).then(|| {
            format!("the command \"{name}\" has {total} characters in its names, descriptions and choices in one of its languages, and Discord allows {MOST_CHARACTERS}")
        })
    })
}

fn of_part(part: &Value, place: &str, wrong_name: fn(&str) -> Option<String>) -> Option<String> {
    let texts = |field: &str| part[field].as_object().into_iter().flatten();
    let names = texts("name_localizations").filter_map(|(locale, text)| {
        let says = wrong_name(text.as_str()?)?;
        Some(format!("the name of {place} in \"{locale}\" {says}"))
    });
    let descriptions = texts("description_localizations").filter_map(|(locale, text)| {
        let says = wrong_length(text.as_str()?)?;
        Some(format!("the description of {place} in \"{locale}\" {says}"))
    });
    let list = |field: &str| part[field].as_array().into_iter().flatten();
    let choices = list("choices").filter_map(|choice| {
        let name = choice["name"].as_str().unwrap_or_default();
        of_part(choice, &format!("{place}, choice \"{name}\""), wrong_length)
    });
    let inside = list("options").filter_map(|option| {
        let name = option["name"].as_str().unwrap_or_default();
        of_part(option, &format!("{place} {name}"), wrong_name)
    });
    let twice = ["options", "choices"].into_iter().filter_map(|field| {
        let (locale, name) = same_name(&list(field))?;
        Some(format!(
            "two {field} of {place} have the name \"{name}\" in \"{locale}\""
        ))
    });
    names
        .chain(descriptions)
        .chain(choices)
        .chain(inside)
        .chain(twice)
        .next()
}

fn wrong_length(text: &str) -> Option<String> {
    let count = length(text);
    let fits = (1..=LONGEST).contains(&count);
    (!fits).then(|| format!("must have 1 to {LONGEST} characters, and has {count}"))
}

/// A locale in which two of these have the same name: where one has none there, it has its own.
fn same_name<'v>(parts: &(impl Iterator<Item = &'v Value> + Clone)) -> Option<(String, String)> {
    let of = |part: &'v Value| part["name_localizations"].as_object();
    let locales: BTreeSet<&String> = parts.clone().filter_map(of).flat_map(Map::keys).collect();
    locales.into_iter().find_map(|locale| {
        let mut names = BTreeSet::new();
        let mut shown = parts.clone().filter_map(|part| {
            let own = of(part).and_then(|names| names.get(locale));
            own.unwrap_or(&part["name"]).as_str()
        });
        let twice = shown.find(|name| !names.insert(*name))?;
        Some((locale.clone(), twice.to_owned()))
    })
}

/// What counts against Discord's limit: of each text the longest of all languages.
fn longest(part: &Value) -> usize {
    let characters = |value: &Value| value.as_str().map_or(0, length);
    let of_field = |field: &str| {
        let others = part[format!("{field}_localizations")].as_object();
        let others = others.into_iter().flat_map(Map::values).map(characters);
        others.chain([characters(&part[field])]).max().unwrap_or(0)
    };
    let value = match &part["value"] {
        Value::Number(number) => number.to_string().len(),
        value => characters(value),
    };
    let lists = ["options", "choices"].into_iter();
    let inside = lists.filter_map(|field| part[field].as_array()).flatten();
    of_field("name") + of_field("description") + value + inside.map(longest).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Given(Vec<(&'static str, &'static str, &'static str)>);

    impl Translations for Given {
        fn of_key(&self, key: &str) -> BTreeMap<&'static str, &str> {
            let own = self.0.iter().filter(|(_, own, _)| *own == key);
            own.map(|(locale, _, text)| (*locale, *text)).collect()
        }
    }

    fn tag() -> Value {
        json!({ "type": 1, "name": "tag", "description": "Tags", "options": [
            { "type": 1, "name": "add", "description": "Adds", "options": [
                { "type": 3, "name": "kind", "description": "Which", "choices": [
                    { "name": "Light blue", "value": "b" }, { "name": "Red", "value": "r" },
                ] },
            ] },
            { "type": 1, "name": "list", "description": "Lists" },
        ] })
    }

    #[test]
    fn texts_are_found_by_their_keys() {
        let mut command = tag();
        localize(
            &mut command,
            &Given(vec![
                ("id", "commands.tag.name", "label"),
                ("en-US", "commands.tag.name", "tag"),
                ("id", "commands.tag.description", "Label"),
                ("id", "commands.tag.commands.add.name", "tambah"),
                (
                    "id",
                    "commands.tag.commands.add.options.kind.description",
                    "Yang mana",
                ),
                (
                    "id",
                    "commands.tag.commands.add.options.kind.choices.Light blue",
                    "Biru muda",
                ),
            ]),
        );
        assert_eq!(command["name_localizations"], json!({ "id": "label" }));
        assert_eq!(
            command["description_localizations"],
            json!({ "id": "Label" })
        );
        let add = &command["options"][0];
        assert_eq!(add["name_localizations"], json!({ "id": "tambah" }));
        let kind = &add["options"][0];
        assert_eq!(
            kind["description_localizations"],
            json!({ "id": "Yang mana" })
        );
        assert_eq!(kind["name_localizations"], Value::Null);
        assert_eq!(
            kind["choices"][0]["name_localizations"],
            json!({ "id": "Biru muda" })
        );
        assert_eq!(complaint(&command), None);
        let mut menu = json!({ "type": 3, "name": "Report" });
        localize(
            &mut menu,
            &Given(vec![("id", "message_commands.Report.name", "Lapor Ini")]),
        );
        assert_eq!(menu["name_localizations"], json!({ "id": "Lapor Ini" }));
        assert_eq!(complaint(&menu), None);
    }

    #[test]
    fn what_discord_would_refuse_is_told() {
        let long: &'static str = Box::leak("x".repeat(101).into_boxed_str());
        for (key, text, expected) in [
            (
                "commands.tag.name",
                "Label",
                "the name of tag in \"id\" has the character \"L\"",
            ),
            (
                "commands.tag.name",
                "",
                "the name of tag in \"id\" must have 1 to 32 characters, and has 0",
            ),
            (
                "commands.tag.commands.add.name",
                "list",
                "two options of tag have the name \"list\" in \"id\"",
            ),
            (
                "commands.tag.description",
                long,
                "the description of tag in \"id\" must have 1 to 100 characters, and has 101",
            ),
            (
                "commands.tag.commands.add.options.kind.choices.Red",
                "Light blue",
                "two choices of tag add kind have the name \"Light blue\"",
            ),
            (
                "commands.tag.commands.add.options.kind.choices.Red",
                "",
                "the name of tag add kind, choice \"Red\" in \"id\" must have 1 to 100",
            ),
        ] {
            let mut command = tag();
            localize(&mut command, &Given(vec![("id", key, text)]));
            let told = complaint(&command).unwrap_or_default();
            assert!(told.starts_with(expected), "{key}: {told}");
        }
    }
}
