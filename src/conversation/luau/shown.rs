//! What a spec says of a message: less than its readers see of it.

use crate::conversation::seen::keep_fields;
use serde_json::{Map, Value};

/// The fields of components that their readers see.
const OF_COMPONENTS: [&str; 13] = [
    "label",
    "placeholder",
    "content",
    "title",
    "description",
    "name",
    "url",
    "disabled",
    "options",
    "components",
    "component",
    "accessory",
    "emoji",
];

/// What a spec says of a message.
pub(super) fn shown(seen: &Value) -> Value {
    let mut shown = Map::new();
    for (name, value) in seen.as_object().into_iter().flatten() {
        let value = match name.as_str() {
            "embeds" => embed(value),
            "components" => component(value),
            "poll" => poll(value),
            "replies_to" | "thinking" => continue,
            _ => value.clone(),
        };
        shown.insert(name.clone(), value);
    }
    Value::Object(shown)
}

/// Without what Discord adds, and without times, which no field but a text tells in the spec's clock.
fn embed(value: &Value) -> Value {
    let left_out = [
        "width",
        "height",
        "timestamp",
        "placeholder",
        "placeholder_version",
    ];
    keep_fields(value, &|name, value| {
        let is_usual = name == "inline" && *value == false;
        !is_usual && !left_out.contains(&name)
    })
}

fn component(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(component).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| {
                let is_off = **value == false || value.is_null();
                OF_COMPONENTS.contains(&name.as_str()) && !is_off
            });
            let kept = kept.map(|(name, value)| (name.clone(), component(value)));
            let mut kept: Map<String, Value> = kept.collect();
            if kept.is_empty() {
                kept.extend(
                    fields
                        .get("type")
                        .map(|kind| ("type".to_owned(), kind.clone())),
                );
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

fn poll(value: &Value) -> Value {
    let answers = value["answers"].as_array().into_iter().flatten();
    let answers = answers.map(|answer| {
        let text = ("text".to_owned(), answer["poll_media"]["text"].clone());
        let media = (
            "poll_media".to_owned(),
            Value::Object(Map::from_iter([text])),
        );
        Value::Object(Map::from_iter([media]))
    });
    let question = ("text".to_owned(), value["question"]["text"].clone());
    let fields = [
        (
            "question".to_owned(),
            Value::Object(Map::from_iter([question])),
        ),
        ("answers".to_owned(), answers.collect()),
    ];
    Value::Object(Map::from_iter(fields))
}
