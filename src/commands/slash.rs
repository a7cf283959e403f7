//! A command as Discord lists it: the JSON of a slash command or of one in a context menu, and the way back from a
//! call of one to its definition.

use super::definition::{
    Check, Choice, ChoiceValue, CommandDefinition, CommandKind, Contexts, OptionDefinition,
    OptionKind,
};
use super::name_key::name_key;
use crate::json::{Items, JsonRef};
use serde_json::{Map, Value, json};

mod difference;
mod localized;

pub use difference::{differ, kept_as_it_is};
pub use localized::{Translations, complaint, localize};

/// Discord's type of an option that is a subcommand.
const SUBCOMMAND: u8 = 1;
/// Discord's type of an option that is a group of subcommands.
const GROUP: u8 = 2;

/// A definition as Discord's list has it; nothing if nobody could call it there. In a list of a guild's own commands,
/// Discord wants to know neither contexts nor integration types.
pub fn application_command(definition: &CommandDefinition, is_global: bool) -> Option<Value> {
    let mut command = match definition.kind {
        CommandKind::Chat => slash_command(definition)?,
        kind => json!({ "type": kind.discord_type(), "name": definition.name }),
    };
    let needed = needed_permissions(definition).map(|bits| bits.to_string());
    command["default_member_permissions"] = needed.into();
    if definition.checks.iter().any(is_for_adults) {
        command["nsfw"] = true.into();
    }
    if is_global {
        command["contexts"] = contexts(reachable(definition)).into();
        let installs = definition.installs;
        let types = [(installs.guild, 0), (installs.user, 1)];
        let types = types.into_iter().filter(|(is_set, _)| *is_set);
        command["integration_types"] = types.map(|(_, kind)| kind).collect();
    }
    Some(command)
}

fn slash_command(definition: &CommandDefinition) -> Option<Value> {
    if !definition.slash {
        return None;
    }
    let options = if definition.subcommands.is_empty() {
        definition.options.iter().map(option).collect()
    } else {
        let subcommands = subcommands(definition);
        (!subcommands.is_empty()).then_some(subcommands)?
    };
    Some(json!({
        "type": 1,
        "name": definition.name,
        "description": shown_description(&definition.name, definition.description.as_deref()),
        "options": options,
    }))
}

/// Discord shows no command and no option without a description.
pub(super) fn shown_description<'a>(name: &'a str, description: Option<&'a str>) -> &'a str {
    description.unwrap_or(name)
}

/// Where any part of the command may be called: Discord only knows contexts of the whole.
fn reachable(definition: &CommandDefinition) -> Contexts {
    let none = Contexts {
        guild: false,
        bot_dm: false,
        private_channel: false,
    };
    let own = if definition.runs {
        definition.contexts
    } else {
        none
    };
    let parts = definition.subcommands.iter().filter(|it| it.slash);
    parts.fold(own, |all, part| {
        let part = reachable(part);
        Contexts {
            guild: all.guild || part.guild,
            bot_dm: all.bot_dm || part.bot_dm,
            private_channel: all.private_channel || part.private_channel,
        }
    })
}

fn contexts(contexts: Contexts) -> Vec<u8> {
    let all = [
        (contexts.guild, 0),
        (contexts.bot_dm, 1),
        (contexts.private_channel, 2),
    ];
    let set = all.into_iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, context)| context).collect()
}

/// Whether a check lets nobody pass outside of channels for adults: Discord then offers the command there alone.
fn is_for_adults(check: &Check) -> bool {
    match check {
        Check::Nsfw => true,
        Check::All(checks) => checks.iter().any(is_for_adults),
        _ => false,
    }
}

/// The permissions without which nobody can pass the checks of the whole command: Discord does not offer it to others.
fn needed_permissions(definition: &CommandDefinition) -> Option<u64> {
    fn of_all(checks: &[Check]) -> u64 {
        checks.iter().fold(0, |bits, check| match check {
            Check::Permissions(needed) => bits | needed,
            Check::All(checks) => bits | of_all(checks),
            _ => bits,
        })
    }
    let bits = of_all(&definition.checks);
    // In direct messages nobody has permissions, and Discord would offer the command all the same.
    (bits != 0).then_some(bits)
}

/// A group's own handler, then its subcommands and groups, as options.
fn subcommands(definition: &CommandDefinition) -> Vec<Value> {
    let own = definition.slash_name_of_run().map(|name| {
        let description = shown_description(name, definition.description.as_deref());
        subcommand(name, description, &definition.options)
    });
    let parts = definition.subcommands.iter().filter(|it| it.slash);
    let parts = parts.filter_map(|part| {
        let description = shown_description(&part.name, part.description.as_deref());
        if part.subcommands.is_empty() {
            return Some(subcommand(&part.name, description, &part.options));
        }
        let inner = subcommands(part);
        (!inner.is_empty()).then(|| {
            json!({
                "type": GROUP, "name": part.name, "description": description, "options": inner,
            })
        })
    });
    own.into_iter().chain(parts).collect()
}

fn subcommand(name: &str, description: &str, options: &[OptionDefinition]) -> Value {
    let options: Vec<Value> = options.iter().map(option).collect();
    json!({ "type": SUBCOMMAND, "name": name, "description": description, "options": options })
}

fn option(definition: &OptionDefinition) -> Value {
    let kind = definition.slash_type();
    let mut option = Map::new();
    let mut set = |name: &str, value: Value| {
        option.insert(name.to_owned(), value);
    };
    set("type", kind.into());
    set("name", definition.name.as_str().into());
    let description = shown_description(&definition.name, definition.description.as_deref());
    set("description", description.into());
    set("required", definition.must_be_given().into());
    // What is read by our own reader is text there, with other limits than its value.
    let is_itself = definition.is_same_in_discord();
    match definition.kind {
        OptionKind::String if is_itself => {
            let limits = [
                ("min_length", definition.min_length),
                ("max_length", definition.max_length),
            ];
            for (name, limit) in limits {
                if let Some(limit) = limit {
                    set(name, limit.into());
                }
            }
        }
        OptionKind::Integer | OptionKind::Number if is_itself => {
            let limits = [("min_value", definition.min), ("max_value", definition.max)];
            for (name, limit) in limits {
                if let Some(limit) = limit {
                    set(name, number(limit, definition.kind));
                }
            }
        }
        OptionKind::Channel if is_itself && !definition.channel_types.is_empty() => {
            set("channel_types", definition.channel_types.clone().into());
        }
        _ => {}
    }
    if is_itself && !definition.choices.is_empty() {
        set("choices", definition.choices.iter().map(choice).collect());
    }
    if definition.autocompletes {
        set("autocomplete", true.into());
    }
    Value::Object(option)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the limits of an integer are whole and within ±2^53"
)]
fn number(limit: f64, kind: OptionKind) -> Value {
    match kind {
        OptionKind::Integer => (limit as i64).into(),
        _ => limit.into(),
    }
}

fn choice(choice: &Choice) -> Value {
    let value: Value = match &choice.value {
        ChoiceValue::String(value) => value.as_str().into(),
        ChoiceValue::Integer(value) => (*value).into(),
        ChoiceValue::Number(value) => (*value).into(),
    };
    json!({ "name": choice.name, "value": value })
}

/// What a call of a slash command leads to; one of a context menu has no options.
#[derive(Clone, Debug)]
pub struct SlashCalled<'d, 'a> {
    /// From the command at the root to the one that is called.
    pub path: Vec<&'d CommandDefinition>,
    /// The options that were given: `{ name, type, value, focused? }` each.
    pub options: Items<'a>,
}

/// Whether the `data` of an interaction calls the command of a definition.
pub fn is_called(definition: &CommandDefinition, data: JsonRef<'_>) -> bool {
    let number = data
        .i64("type")
        .and_then(|number| u64::try_from(number).ok());
    if number != Some(definition.kind.discord_type()) {
        return false;
    }
    let name = data.str("name").unwrap_or_default();
    match definition.kind {
        CommandKind::Chat => is_named(definition, name),
        CommandKind::User | CommandKind::Message => name_key(&definition.name) == name_key(name),
    }
}

/// Whether the slash command or subcommand with this name is a definition's.
fn is_named(definition: &CommandDefinition, name: &str) -> bool {
    definition.slash && name_key(&definition.name) == name_key(name)
}

/// Follows the `data` of an interaction from `root` through groups and subcommands; nothing where the command has
/// changed since Discord listed it.
pub fn walk_slash<'d, 'a>(
    root: &'d CommandDefinition,
    data: JsonRef<'a>,
) -> Option<SlashCalled<'d, 'a>> {
    let mut path = vec![root];
    let (mut current, mut part) = (root, data);
    loop {
        let below = part.list("options").next().filter(|it| {
            it.i64("type")
                .is_some_and(|kind| kind == i64::from(SUBCOMMAND) || kind == i64::from(GROUP))
        });
        let Some(below) = below else {
            let is_whole = current.runs && current.subcommands.is_empty();
            return is_whole.then(|| SlashCalled {
                path,
                options: part.list("options"),
            });
        };
        let name = below.str("name").unwrap_or_default();
        let mut parts = current.subcommands.iter();
        if let Some(next) = parts.find(|it| is_named(it, name)) {
            path.push(next);
            (current, part) = (next, below);
            continue;
        }
        let own = current.slash_name_of_run().map(name_key);
        return (own == Some(name_key(name))).then(|| SlashCalled {
            path,
            options: below.list("options"),
        });
    }
}

#[cfg(test)]
mod tests;
