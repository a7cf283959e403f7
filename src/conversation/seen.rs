//! What the readers of a message see of it, out of Discord's fields.

use super::labels::{Labels, map_texts};
use crate::sim::Id;
use serde_json::{Map, Value};

/// Flags of messages: for one person's eyes, and a deferred answer that is not there yet.
const EPHEMERAL: u64 = 1 << 6;
const LOADING: u64 = 1 << 7;

/// What stands for the simulator's address, which is another one at each start.
pub(super) const SIMULATOR: &str = "http://simulator";

/// The message as its readers see it. `url` is the simulator's address.
pub(super) fn seen(message: &Value, labels: &Labels, url: &str) -> Value {
    let mut seen = Map::new();
    let mut put = |name: &str, value: Value| {
        let is_nothing = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !is_nothing {
            seen.insert(name.to_owned(), value);
        }
    };
    let flags = message["flags"].as_u64().unwrap_or(0);
    put("content", message["content"].clone());
    put("ephemeral", (flags & EPHEMERAL != 0).into());
    put("thinking", (flags & LOADING != 0).into());
    put(
        "embeds",
        without(&message["embeds"], &["proxy_url", "flags", "content_type"]),
    );
    put("components", components(&message["components"]));
    let files = message["attachments"].as_array().into_iter().flatten();
    let files = files.map(|file| only(file, &["filename", "description"]));
    put("attachments", files.collect());
    if message["poll"].is_object() {
        put(
            "poll",
            only(
                &message["poll"],
                &["question", "answers", "allow_multiselect"],
            ),
        );
    }
    put("pinned", message["pinned"].clone());
    let reference = &message["message_reference"]["message_id"];
    let answered: Option<Id> = reference.as_str().and_then(|id| id.parse().ok());
    if let Some(label) = answered.and_then(|id| labels.of(id)) {
        put("replies_to", label.into());
    }
    map_texts(&Value::Object(seen), &|text| text.replace(url, SIMULATOR))
}

/// An opened form as the person in front of it sees it.
pub(super) fn modal(modal: &Value) -> Value {
    let mut seen = only(modal, &["title"]);
    seen["components"] = components(&modal["components"]);
    seen
}

fn only(value: &Value, names: &[&str]) -> Value {
    let fields = names.iter().filter_map(|name| {
        let value = value.get(name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    });
    Value::Object(fields.collect())
}

/// Without these fields, and without those that are null.
fn without(value: &Value, left_out: &[&str]) -> Value {
    keep_fields(value, &|name, value| {
        let is_rich = name == "type" && value.as_str() == Some("rich");
        !left_out.contains(&name) && !value.is_null() && !is_rich
    })
}

/// Components without the numbers that Discord gives them.
fn components(value: &Value) -> Value {
    keep_fields(value, &|name, value| {
        !value.is_null() && !is_number_of_component(name, value)
    })
}

/// Whether a field is the number that Discord gives a component.
pub(super) fn is_number_of_component(name: &str, value: &Value) -> bool {
    name == "id" && value.is_number()
}

/// The value with those fields alone, at all depths, that are to be kept.
pub(super) fn keep_fields(value: &Value, keep: &impl Fn(&str, &Value) -> bool) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| keep_fields(item, keep)).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| keep(name, value));
            let kept = kept.map(|(name, value)| (name.clone(), keep_fields(value, keep)));
            Value::Object(kept.collect())
        }
        other => other.clone(),
    }
}
