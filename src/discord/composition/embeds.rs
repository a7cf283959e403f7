//! Embeds: the sum of their texts, and what each must show.

use super::{MOST_FAULTS, violation};
use crate::discord::schema::Violation;
use serde_json::Value;

/// Characters of all texts of a message's embeds.
const MOST_TEXT: usize = 6_000;
/// The texts of an embed that count, besides those of its fields.
const COUNTED: [&str; 4] = ["/title", "/description", "/footer/text", "/author/name"];
/// Fields that show nothing by themselves.
const HIDDEN: [&str; 5] = ["color", "provider", "timestamp", "type", "url"];

pub(super) fn check(embeds: &[Value], faults: &mut Vec<Violation>) {
    for (index, embed) in embeds.iter().enumerate() {
        if faults.len() >= MOST_FAULTS {
            return;
        }
        check_shown(&format!("embeds.{index}"), embed, faults);
    }
    let sum: usize = embeds.iter().map(length).sum();
    if sum > MOST_TEXT {
        let message = format!("Embed size exceeds maximum size of {MOST_TEXT}");
        let of = if embeds.len() > 1 {
            "all embeds"
        } else {
            "an embed"
        };
        let expected = format!("at most {MOST_TEXT} characters in all texts of {of} together");
        let code = "MAX_EMBED_SIZE_EXCEEDED";
        faults.push(violation(
            "embeds",
            code,
            message,
            expected,
            sum.to_string(),
        ));
    }
}

fn length(embed: &Value) -> usize {
    let own = COUNTED.iter().filter_map(|pointer| embed.pointer(pointer));
    let fields = embed.get("fields").and_then(Value::as_array);
    let fields = fields.into_iter().flatten();
    let fields = fields.flat_map(|field| ["name", "value"].map(|name| field.get(name)));
    let texts = own.chain(fields.flatten()).filter_map(Value::as_str);
    texts.map(|text| text.chars().count()).sum()
}

fn check_shown(path: &str, embed: &Value, faults: &mut Vec<Violation>) {
    let required = "This field is required";
    let code = "BASE_TYPE_REQUIRED";
    if shows_nothing(embed) {
        let expected = "something to show: a title, a description, fields, an image …";
        let path = format!("{path}.description");
        faults.push(violation(&path, code, required, expected, "nothing"));
    }
    let fields = embed.get("fields").and_then(Value::as_array);
    for (index, field) in fields.into_iter().flatten().enumerate() {
        if faults.len() >= MOST_FAULTS {
            return;
        }
        for name in ["name", "value"] {
            let text = field.get(name).and_then(Value::as_str);
            if text.is_some_and(|text| text.trim().is_empty()) {
                let path = format!("{path}.fields.{index}.{name}");
                let expected = "a text that is not empty";
                faults.push(violation(&path, code, required, expected, "an empty one"));
            }
        }
    }
}

fn shows_nothing(embed: &Value) -> bool {
    match embed {
        // A table without anything may have become a list.
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => {
            let mut shown = fields
                .iter()
                .filter(|(name, _)| !HIDDEN.contains(&name.as_str()));
            shown.all(|(_, value)| is_blank(value))
        }
        _ => false,
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_blank),
        _ => false,
    }
}
