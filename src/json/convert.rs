//! To and from serde's values, and into texts.

use super::{Json, JsonRef, Node, Writer};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self::written(|writer| write(writer, value))
    }
}

fn write(writer: &mut Writer, value: &Value) {
    match value {
        Value::Null => writer.null(),
        Value::Bool(value) => writer.bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => writer.integer(number),
            None => writer.number(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => writer.string(text),
        Value::Array(items) => {
            writer.array(|writer| items.iter().for_each(|item| write(writer, item)));
        }
        Value::Object(fields) => writer.object(|writer| {
            for (name, value) in fields {
                writer.name(name);
                write(writer, value);
            }
        }),
    }
}

impl From<JsonRef<'_>> for Value {
    fn from(json: JsonRef<'_>) -> Self {
        match json.node() {
            Node::Null => Self::Null,
            Node::Bool(value) => Self::Bool(value),
            Node::Integer(number) => number.into(),
            Node::Number(number) => number.into(),
            Node::String(text) => Self::String(text.to_owned()),
            Node::Array(items) => Self::Array(items.map(Self::from).collect()),
            Node::Object(fields) => Self::Object(
                fields
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        json.view().into()
    }
}

impl Serialize for JsonRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.node() {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(value),
            Node::Integer(number) => serializer.serialize_i64(number),
            Node::Number(number) => serializer.serialize_f64(number),
            Node::String(text) => serializer.serialize_str(text),
            Node::Array(items) => serializer.collect_seq(items),
            Node::Object(fields) => serializer.collect_map(fields),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.view().serialize(serializer)
    }
}
