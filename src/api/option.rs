//! `cog.option`: options as values, and how the table that one is becomes a definition.

use super::declarations::OptionFunctions;
use super::fields::{Fields, TextBudget};
use crate::commands::definition::{
    Choice, ChoiceValue, LONGEST_CHOICE, MOST_CHOICES, OptionDefinition, OptionKind,
};
use crate::vm::host::{
    Arguments, Host, HostError, HostResult, describe, function_name, one, shown_name,
};
use mlua::{Lua, Table, Value};

/// Discord's limit, which also bounds what is read at all, as those of choices do.
const MOST_CHANNEL_TYPES: usize = 25;

/// The fields of an option, besides `type`.
const FIELDS: [&str; 15] = [
    "name",
    "description",
    "required",
    "type",
    "min",
    "max",
    "min_length",
    "max_length",
    "choices",
    "channel_types",
    "rest",
    "many",
    "default",
    "autocomplete",
    "convert",
];

/// The table `cog.option`: a function for each kind, and `maybe`.
pub(super) fn module(lua: &Lua, host: &Host) -> mlua::Result<Table> {
    let option = lua.create_table()?;
    for kind in OptionKind::names() {
        let make = host.function(
            lua,
            function_name("cog.option", kind),
            move |lua, arguments| {
                let table = arguments.table(0, "")?;
                let made = copy(lua, &table)?;
                made.raw_set("type", kind)?;
                read(&made, &TextBudget::default())?;
                made.set_readonly(true);
                one(lua, made)
            },
        )?;
        option.raw_set(kind, make)?;
    }
    option.raw_set("maybe", host.function(lua, "cog.option.maybe", maybe)?)?;
    option.set_readonly(true);
    Ok(option)
}

/// The same option, not required.
fn maybe(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let made = copy(lua, &arguments.table(0, "the option")?)?;
    made.raw_set("required", false)?;
    let default = arguments.value(1);
    if !default.is_nil() {
        made.raw_set("default", default)?;
    }
    read(&made, &TextBudget::default())?;
    made.set_readonly(true);
    one(lua, made)
}

/// A copy of an option's own fields; what else there may be is refused here.
fn copy(lua: &Lua, table: &Table) -> HostResult<Table> {
    Fields::of("cog.option", table).only(&FIELDS)?;
    let copy = lua.create_table()?;
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        copy.raw_set(key, value)?;
    }
    Ok(copy)
}

/// Reads an option's table; its texts are taken from `budget`.
pub(super) fn read(
    table: &Table,
    budget: &TextBudget,
) -> HostResult<(OptionDefinition, OptionFunctions)> {
    let name = Fields::of("cog.option", table)
        .within(budget)
        .required_string("name")?;
    let function = format!("cog.option \"{}\"", shown_name(&name));
    let fields = Fields::of(function, table).within(budget);
    fields.only(&FIELDS)?;
    let kind = fields.required_string("type")?;
    let Some(kind) = OptionKind::of_name(&kind) else {
        let known: Vec<_> = OptionKind::names().collect();
        let message = format!(
            "{}: there is no type \"{}\"; there are {}",
            fields.function,
            shown_name(&kind),
            known.join(", ")
        );
        return Err(HostError::new("argument", message).into());
    };
    let mut option = OptionDefinition::new(name, kind);
    option.description = fields.string("description")?;
    option.required = fields.boolean("required")?.unwrap_or(true);
    option.min = fields.number("min")?;
    option.max = fields.number("max")?;
    option.min_length = fields.count("min_length")?;
    option.max_length = fields.count("max_length")?;
    option.rest = fields.boolean("rest")?.unwrap_or(false);
    option.many = fields.boolean("many")?.unwrap_or(false);
    option.choices = fields
        .list_of("choices", MOST_CHOICES)?
        .iter()
        .map(|choice| read_choice(&fields, kind, choice))
        .collect::<HostResult<_>>()?;
    option.channel_types = fields
        .list_of("channel_types", MOST_CHANNEL_TYPES)?
        .iter()
        .map(|value| read_channel_type(&fields, value))
        .collect::<HostResult<_>>()?;
    let default = fields.value("default")?;
    let functions = OptionFunctions {
        default: (!default.is_nil()).then_some(default),
        convert: fields.function("convert")?,
        autocomplete: fields.function("autocomplete")?,
    };
    option.default = functions.default.is_some();
    option.converts = functions.convert.is_some();
    option.autocompletes = functions.autocomplete.is_some();
    Ok((option, functions))
}

fn read_choice(fields: &Fields<'_>, kind: OptionKind, choice: &Value) -> HostResult<Choice> {
    let choice = choice_of(fields, kind, choice)?;
    fields.count_text(choice.name.len())?;
    if let ChoiceValue::String(value) = &choice.value {
        fields.count_text(value.len())?;
    }
    Ok(choice)
}

fn choice_of(fields: &Fields<'_>, kind: OptionKind, choice: &Value) -> HostResult<Choice> {
    match choice {
        Value::Table(table) => {
            let inner = Fields::of(format!("{}: choices", fields.function), table);
            let name = inner.required_short("name", LONGEST_CHOICE)?;
            let value = inner.value("value")?;
            inner.only_short("value", &value, LONGEST_CHOICE)?;
            let value = choice_value(kind, &value)
                .ok_or_else(|| inner.wrong("value", "a value of the option's type", &value))?;
            Ok(Choice { name, value })
        }
        value => {
            fields.only_short("choices", value, LONGEST_CHOICE)?;
            let value_of_kind = choice_value(kind, value)
                .ok_or_else(|| fields.wrong("choices", "values of the option's type", value))?;
            let name = match value {
                Value::String(text) => text.to_string_lossy(),
                other => describe(other).replace("the number ", ""),
            };
            Ok(Choice {
                name,
                value: value_of_kind,
            })
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a whole number; Luau's are exact up to 2^53"
)]
fn choice_value(kind: OptionKind, value: &Value) -> Option<ChoiceValue> {
    match (kind, value) {
        (OptionKind::Integer, _) => {
            let number = crate::vm::host::number(value)?;
            (number.fract() == 0.0).then_some(ChoiceValue::Integer(number as i64))
        }
        (OptionKind::Number, _) => crate::vm::host::number(value).map(ChoiceValue::Number),
        (_, Value::String(text)) => Some(ChoiceValue::String(text.to_string_lossy())),
        _ => None,
    }
}

/// Discord's names for its types of channel, and their numbers.
const CHANNEL_TYPES: [(&str, u8); 11] = [
    ("guild_text", 0),
    ("dm", 1),
    ("guild_voice", 2),
    ("group_dm", 3),
    ("guild_category", 4),
    ("guild_announcement", 5),
    ("announcement_thread", 10),
    ("public_thread", 11),
    ("private_thread", 12),
    ("guild_stage_voice", 13),
    ("guild_forum", 15),
];

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in the range"
)]
fn read_channel_type(fields: &Fields<'_>, value: &Value) -> HostResult<u8> {
    let found = match value {
        Value::String(name) => {
            let name = name.to_string_lossy();
            CHANNEL_TYPES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, number)| *number)
        }
        other => crate::vm::host::number(other)
            .filter(|number| number.fract() == 0.0 && (0.0..=20.0).contains(number))
            .map(|number| number as u8),
    };
    found.ok_or_else(|| fields.wrong("channel_types", "Discord's types of channel", value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::types::fields_of;

    #[test]
    fn the_types_have_the_fields_of_an_option() {
        let mut fields = FIELDS.to_vec();
        fields.sort_unstable();
        assert_eq!(fields_of("cog.luau", "AnyOption"), fields);
    }

    #[test]
    fn the_types_have_every_kind_of_option() {
        let mut kinds: Vec<_> = OptionKind::names().chain(["maybe"]).collect();
        kinds.sort_unstable();
        assert_eq!(fields_of("cog.luau", "Options"), kinds);
    }
}
