//! The JSON schema of `config.json`, and a reader for the parts of it that checking needs.

use super::keys::Config;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The key by which an editor finds the schema. The bot itself has no use for it.
pub(super) const SCHEMA_KEY: &str = "$schema";

/// The JSON schema of `config.json`, as `config.schema.json` has it.
pub fn schema() -> Value {
    schema_of::<Config>("Cogsmith's config.json")
}

/// The JSON schema of a file that is read as `config.json` is.
pub fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for section in properties.values_mut().filter_map(Value::as_object_mut) {
            // A section's default only repeats the defaults of its keys.
            if section.contains_key("properties") {
                section.shift_remove("default");
            }
        }
        let pointer = json!({
            "description": "Where an editor finds the schema of this file.",
            "type": "string",
        });
        properties.shift_insert(0, SCHEMA_KEY.into(), pointer);
    }
    schema.to_value()
}

/// What a value must look like, as far as the schema says.
pub(super) enum Shape<'a> {
    /// An object with these keys and no others.
    Section(&'a Map<String, Value>),
    /// An object with keys of the operator's own, each with a value of this schema.
    Entries(&'a Value),
    /// An array of values of this schema.
    List(&'a Value),
    /// One of these strings.
    Choice(Vec<&'a str>),
    /// A string.
    Text,
    /// An integer from the first to the second.
    Integer(i64, i64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
}

impl<'a> Shape<'a> {
    /// Reads a node of the schema.
    pub(super) fn of(node: &'a Value) -> Self {
        if let Some(Value::Object(keys)) = node.get("properties") {
            return Self::Section(keys);
        }
        if let Some(variants) = node.get("oneOf").and_then(Value::as_array) {
            let names = variants.iter().filter_map(|one| one.get("const")?.as_str());
            return Self::Choice(names.collect());
        }
        let bound = |name: &str| node.get(name);
        match kind(node) {
            "object" => Self::Entries(&node["additionalProperties"]),
            "array" => Self::List(&node["items"]),
            "integer" => Self::Integer(
                bound("minimum").and_then(Value::as_i64).unwrap_or(0),
                bound("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX),
            ),
            "number" => Self::Number(
                bound("minimum").and_then(Value::as_f64).unwrap_or(f64::MIN),
                bound("maximum").and_then(Value::as_f64).unwrap_or(f64::MAX),
            ),
            "boolean" => Self::Flag,
            _ => Self::Text,
        }
    }
}

/// Whether the schema lets a value be null.
pub(super) fn is_nullable(node: &Value) -> bool {
    let kinds = node.get("type").and_then(Value::as_array);
    kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
}

/// The node's type, apart from `null`.
fn kind(node: &Value) -> &str {
    match &node["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null")
            .unwrap_or_default(),
        other => other.as_str().unwrap_or_default(),
    }
}
