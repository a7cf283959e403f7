//! What a field takes, in the words that its errors use, and with links to the tables that stand inside.

use crate::discord::permissions;
use crate::discord::schema::{Field, Schema, Shape, expected, schema};
use crate::discord::types::input_name;
use serde_json::Value;

/// How a type ends that takes `null`.
const OR_NULL: &str = " or null";

/// How a field ends that takes `null`.
pub(super) const CLEARS: &str = ", or `discord.null`";

/// What a field takes. `tables` is the page of the tables; empty on that page itself.
pub(super) fn takes(name: &str, field: &Field, tables: &str) -> String {
    if permissions::FIELDS.contains(&name) && field.shape.alternatives().contains(&Shape::Integer) {
        return "permissions: a list of their names, or a decimal string".into();
    }
    let words = of_shape(&field.shape, field, tables);
    match words.strip_suffix(OR_NULL) {
        Some(words) => format!("{words}{CLEARS}"),
        None => words,
    }
}

fn of_shape(shape: &Shape, limits: &Field, tables: &str) -> String {
    let parts = shape.alternatives();
    let mut words: Vec<String> = Vec::new();
    for part in parts.iter().filter(|part| **part != Shape::Null) {
        let part = part_of(part, limits, tables);
        if !words.contains(&part) {
            words.push(part);
        }
    }
    let words = words.join(" or ");
    if shape.takes_null() && *shape != Shape::Any {
        return words + OR_NULL;
    }
    words
}

fn part_of(shape: &Shape, limits: &Field, tables: &str) -> String {
    match shape {
        Shape::List(item) => {
            let list = expected(&like(shape, limits));
            let each = limits.of_items((**item).clone());
            format!("{list}, each {}", of_shape(item, &each, tables))
        }
        Shape::Map(value) => {
            let plain = Field::plain((**value).clone());
            let each = of_shape(value, &plain, tables);
            format!("a table with any names, each {each}")
        }
        Shape::All(parts) => {
            let parts: Vec<_> = parts.iter().map(|it| part_of(it, limits, tables)).collect();
            parts.join(" with ")
        }
        Shape::Named(name) => match schema(name) {
            Some(Schema::Object(_)) => {
                let name = input_name(name);
                format!("a table [`{name}`]({tables}#{})", name.to_lowercase())
            }
            Some(Schema::Choices(values)) => {
                let few = &limits.choices;
                let allowed = |value: &Value| few.is_empty() || few.contains(value);
                let listed = values.iter().filter(|(_, value)| allowed(value));
                let listed: Vec<_> = listed.map(|(name, value)| choice(name, value)).collect();
                match listed.as_slice() {
                    [only] => only.clone(),
                    _ => format!("one of {}", listed.join(", ")),
                }
            }
            Some(Schema::Alias(alias)) => of_shape(&alias.shape, alias, tables),
            None => "any value".into(),
        },
        _ => expected(&like(shape, limits)),
    }
}

/// A field of this shape with the limits of another.
fn like(shape: &Shape, limits: &Field) -> Field {
    limits.with_shape(shape.clone())
}

/// `1 (GUILD_TEXT)`, or only the value where Discord's name says no more.
fn choice(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) => format!("`\"{text}\"`"),
        other => format!("`{other}` ({})", name.to_lowercase().replace('_', " ")),
    }
}
