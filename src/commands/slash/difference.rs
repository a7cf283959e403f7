//! Whether Discord's list of commands is another than ours: it fills in what we leave out, and adds what is its own.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Discord's type of the command that opens an application's activity. It is not ours, and a list without it is
/// refused.
const ENTRY_POINT: u64 = 4;

/// The fields of a command that we set, and what they are where they are left out.
fn command_fields(is_global: bool) -> Vec<(&'static str, Value)> {
    let mut fields = vec![
        ("name", Value::Null),
        ("name_localizations", Value::Null),
        ("description", json!("")),
        ("description_localizations", Value::Null),
        ("default_member_permissions", Value::Null),
        ("nsfw", json!(false)),
    ];
    if is_global {
        fields.push(("contexts", Value::Null));
        fields.push(("integration_types", json!([0])));
    }
    fields
}

/// The same for an option.
fn option_fields() -> [(&'static str, Value); 13] {
    [
        ("type", Value::Null),
        ("name", Value::Null),
        ("name_localizations", Value::Null),
        ("description", json!("")),
        ("description_localizations", Value::Null),
        ("required", json!(false)),
        ("autocomplete", json!(false)),
        ("min_value", Value::Null),
        ("max_value", Value::Null),
        ("min_length", Value::Null),
        ("max_length", Value::Null),
        ("channel_types", json!([])),
        ("choices", json!([])),
    ]
}

/// Whether Discord has other commands than these. Neither their order nor what Discord fills in makes a difference.
pub fn differ(wanted: &[Value], at_discord: &[Value], is_global: bool) -> bool {
    by_name(wanted, is_global) != by_name(at_discord, is_global)
}

fn by_name(commands: &[Value], is_global: bool) -> BTreeMap<(u64, String), Value> {
    let ours = commands.iter().filter(|it| kind(it) != ENTRY_POINT);
    ours.map(|command| {
        let name = command["name"].as_str().unwrap_or_default().to_owned();
        ((kind(command), name), comparable(command, is_global))
    })
    .collect()
}

fn kind(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

fn comparable(command: &Value, is_global: bool) -> Value {
    let mut plain = picked(command, command_fields(is_global));
    plain.insert("options".to_owned(), options(command));
    Value::Object(plain)
}

/// The options of a command or subcommand, in their order.
fn options(part: &Value) -> Value {
    let items = part["options"].as_array().into_iter().flatten();
    items
        .map(|option| {
            let mut plain = picked(option, option_fields());
            plain.insert("options".to_owned(), options(option));
            Value::Object(plain)
        })
        .collect()
}

fn picked(
    object: &Value,
    fields: impl IntoIterator<Item = (&'static str, Value)>,
) -> Map<String, Value> {
    let fields = fields.into_iter().map(|(name, left_out)| {
        let value = match &object[name] {
            Value::Null => left_out,
            value => value.clone(),
        };
        (name.to_owned(), plain(name, value))
    });
    fields.collect()
}

/// A value in the one form in which it is compared.
fn plain(name: &str, value: Value) -> Value {
    match (name, value) {
        // Sets, in whichever order.
        ("contexts" | "integration_types" | "channel_types", Value::Array(mut items)) => {
            items.sort_by_key(Value::as_u64);
            Value::Array(items)
        }
        ("default_member_permissions", Value::Number(bits)) => bits.to_string().into(),
        ("choices", Value::Array(items)) => items
            .iter()
            .map(|choice| {
                let names = plain("names", choice["name_localizations"].clone());
                json!([
                    choice["name"],
                    plain("value", choice["value"].clone()),
                    names
                ])
            })
            .collect(),
        (_, Value::Object(texts)) if texts.is_empty() => Value::Null,
        // 1 and 1.0 are one number.
        (_, Value::Number(number)) => number.as_f64().map_or(Value::Null, Value::from),
        (_, value) => value,
    }
}

/// A command in Discord's list as it is sent back to stay there.
pub fn kept_as_it_is(command: &Value) -> Value {
    let kept = [
        "id",
        "type",
        "name",
        "name_localizations",
        "description",
        "description_localizations",
        "handler",
        "options",
        "contexts",
        "integration_types",
        "default_member_permissions",
        "nsfw",
    ];
    let fields = kept.into_iter().filter_map(|name| {
        let value = command.get(name).filter(|it| !it.is_null())?;
        Some((name.to_owned(), value.clone()))
    });
    Value::Object(fields.collect())
}
