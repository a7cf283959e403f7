//! Types and values in words, for the errors that authors read.

use super::{Field, Schema, Shape, schema};
use serde_json::Value;

/// How many choices an error lists before it gives up.
const LISTED: usize = 12;

/// What belongs into a field: `a string of at most 256 characters`.
pub(crate) fn expected(field: &Field) -> String {
    let takes_null = field.shape.takes_null() && field.shape != Shape::Any;
    let parts = field.shape.alternatives().iter();
    let mut words: Vec<String> = Vec::new();
    for part in parts.filter(|part| **part != Shape::Null) {
        let part = shape(part, field);
        if !words.contains(&part) {
            words.push(part);
        }
    }
    if takes_null {
        words.push("null".into());
    }
    words.join(" or ")
}

fn shape(shape: &Shape, limits: &Field) -> String {
    match shape {
        Shape::Null => "null".into(),
        Shape::Any => "any value".into(),
        Shape::Object | Shape::Map(_) | Shape::All(_) => "a table with named fields".into(),
        Shape::Boolean => "true or false".into(),
        Shape::Integer | Shape::String if !limits.choices.is_empty() => one_of(&limits.choices),
        Shape::Integer => format!("an integer{}", range(limits)),
        Shape::Number => format!("a number{}", range(limits)),
        Shape::String => format!("a string{}", length(limits)),
        Shape::DateTime => "a time (ISO 8601, or Unix seconds)".into(),
        Shape::Uri => format!("a URL{}", length(limits)),
        Shape::Snowflake => "an id (a string of digits)".into(),
        Shape::List(_) => format!("a list{}", items(limits)),
        Shape::Union(parts) => {
            let first = parts.iter().find(|part| **part != Shape::Null);
            first.map_or_else(|| "null".into(), |part| self::shape(part, limits))
        }
        Shape::Named(name) => match schema(name) {
            Some(Schema::Choices(_)) if !limits.choices.is_empty() => one_of(&limits.choices),
            Some(Schema::Choices(values)) => one_of(values.values()),
            Some(Schema::Alias(alias)) => expected(alias),
            _ => "a table with named fields".into(),
        },
    }
}

/// What is there instead: `a number`, `a string of 300 characters`.
pub(crate) fn got(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let length = text.chars().count();
            if length <= 40 {
                format!("the string {text:?}")
            } else {
                format!("a string of {length} characters")
            }
        }
        Value::Array(items) if items.len() == 1 => "a list of 1 item".into(),
        Value::Array(items) => format!("a list of {} items", items.len()),
        Value::Object(_) => "a table with named fields".into(),
    }
}

/// `one of 60, 1440, "x"`
pub(super) fn one_of<'a>(choices: impl IntoIterator<Item = &'a Value>) -> String {
    let choices: Vec<String> = choices.into_iter().map(ToString::to_string).collect();
    let listed = choices.iter().take(LISTED).cloned();
    let mut text = format!("one of {}", listed.collect::<Vec<_>>().join(", "));
    if choices.len() > LISTED {
        text.push_str(", …");
    }
    text
}

fn range(limits: &Field) -> String {
    match (limits.min, limits.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" of {min} or more"),
        (None, Some(max)) => format!(" of {max} or less"),
        (None, None) => String::new(),
    }
}

fn length(limits: &Field) -> String {
    counted(limits.min_length, limits.max_length, "character")
}

fn items(limits: &Field) -> String {
    counted(limits.min_items, limits.max_items, "item")
}

fn counted(min: Option<usize>, max: Option<usize>, unit: &str) -> String {
    // Discord's "no limit" in its own description of the API.
    let max = max.filter(|max| *max < 150_000);
    match (min.filter(|min| *min > 0), max) {
        (Some(min), Some(max)) if min == max => format!(" of exactly {min} {unit}s"),
        (Some(min), Some(max)) => format!(" of {min} to {max} {unit}s"),
        (Some(min), None) => format!(" of at least {min} {unit}{}", plural(min)),
        (None, Some(max)) => format!(" of at most {max} {unit}{}", plural(max)),
        (None, None) => String::new(),
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
