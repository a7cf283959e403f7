//! What Discord takes as a message's body.
//!
//! The schema has the lengths and types of most fields; here is what no schema says: what makes a
//! message empty, what excludes what, and the sums.

use super::{mentions, polls};
use crate::sim::errors::{ApiError, EMPTY_MESSAGE, Invalid, TOO_LARGE};
use crate::sim::world::{Upload, collect_components};
use serde_json::Value;
use std::collections::HashSet;

/// `IS_COMPONENTS_V2`: the message is made of components alone.
pub(super) const COMPONENTS_V2: u64 = 1 << 15;
/// `EPHEMERAL`
pub(super) const EPHEMERAL: u64 = 1 << 6;
/// `LOADING`: a deferred answer that is not there yet.
pub(super) const LOADING: u64 = 1 << 7;
/// `SUPPRESS_EMBEDS`
pub(super) const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// `SUPPRESS_NOTIFICATIONS`
pub(super) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// `HAS_SNAPSHOT`
pub(super) const HAS_SNAPSHOT: u64 = 1 << 14;

/// The longest content, in characters.
const CONTENT: usize = 2_000;
/// The longest sum of all texts in a message's embeds, in characters.
const EMBEDS_SUM: usize = 6_000;
/// The largest file, in bytes: what a guild without boosts may receive.
pub(super) const LARGEST_FILE: usize = 10 << 20;
/// The limits of an embed's own texts, in characters.
const EMBED_TEXTS: [(&str, usize); 4] = [
    ("title", 256),
    ("description", 4_096),
    ("footer.text", 2_048),
    ("author.name", 256),
];

/// Checks the body of a new message, or of an edit.
pub(super) fn check(body: &Value, files: &[Upload]) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    too_long(&mut invalid, "content", body.get("content"), CONTENT);
    check_embeds(body, &mut invalid);
    check_components(body, &mut invalid);
    polls::check(body, &mut invalid);
    mentions::check(body.get("allowed_mentions"), &mut invalid);
    if files.len() > 10 {
        invalid.at(
            "attachments",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 10 or fewer in length.",
        );
    }
    invalid.check()?;
    if files.iter().any(|file| file.bytes.len() > LARGEST_FILE) {
        return Err(TOO_LARGE.into());
    }
    Ok(())
}

/// Fails when a new message would show nothing.
pub(super) fn check_not_empty(body: &Value, files: &[Upload]) -> Result<(), ApiError> {
    let text = body
        .get("content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let filled = |name: &str| {
        let value = body.get(name);
        value.is_some_and(|value| match value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(_) => true,
            _ => false,
        })
    };
    let something = !text.trim().is_empty() || !files.is_empty();
    let named = ["embeds", "sticker_ids", "components", "poll"];
    if something || named.into_iter().any(filled) {
        Ok(())
    } else {
        Err(EMPTY_MESSAGE.into())
    }
}

fn too_long(invalid: &mut Invalid, path: &str, value: Option<&Value>, most: usize) {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    if text.chars().count() > most {
        let message = format!("Must be {most} or fewer in length.");
        invalid.at(path, "BASE_TYPE_MAX_LENGTH", message);
    }
}

fn check_embeds(body: &Value, invalid: &mut Invalid) {
    let embeds = body.get("embeds").and_then(Value::as_array);
    let mut sum = 0;
    for (index, embed) in embeds.into_iter().flatten().enumerate() {
        let path = format!("embeds.{index}");
        let mut text = |inside: &str, value: Option<&Value>, most: usize| {
            let length = value
                .and_then(Value::as_str)
                .map_or(0, |text| text.chars().count());
            sum += length;
            too_long(invalid, &format!("{path}.{inside}"), value, most);
        };
        for (inside, most) in EMBED_TEXTS {
            let pointer = format!("/{}", inside.replace('.', "/"));
            text(inside, embed.pointer(&pointer), most);
        }
        let fields = embed.get("fields").and_then(Value::as_array);
        for (number, field) in fields.into_iter().flatten().enumerate() {
            text(&format!("fields.{number}.name"), field.get("name"), 256);
            text(&format!("fields.{number}.value"), field.get("value"), 1_024);
        }
        if fields.is_some_and(|fields| fields.len() > 25) {
            let path = format!("{path}.fields");
            invalid.at(
                &path,
                "BASE_TYPE_MAX_LENGTH",
                "Must be 25 or fewer in length.",
            );
        }
    }
    if sum > EMBEDS_SUM {
        let message = "Embed size exceeds maximum size of 6000";
        invalid.at("embeds", "MAX_EMBED_SIZE_EXCEEDED", message);
    }
    if embeds.is_some_and(|embeds| embeds.len() > 10) {
        invalid.at(
            "embeds",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 10 or fewer in length.",
        );
    }
}

fn check_components(body: &Value, invalid: &mut Invalid) {
    let Some(components) = body.get("components").filter(|it| it.is_array()) else {
        return;
    };
    let flags = body.get("flags").and_then(Value::as_u64).unwrap_or(0);
    let rows = components.as_array().map_or(0, Vec::len);
    if flags & COMPONENTS_V2 != 0 {
        for name in ["content", "embeds", "poll"] {
            if body.get(name).is_some_and(|value| !is_empty(value)) {
                let message = format!(
                    "The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
                );
                invalid.at(
                    name,
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    message,
                );
            }
        }
    } else if rows > 5 {
        invalid.at(
            "components",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 5 or fewer in length.",
        );
    }
    let mut all = Vec::new();
    collect_components(components, &mut all);
    if all.len() > 40 {
        let message = "The total number of components must be 40 or fewer.";
        invalid.at(
            "components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            message,
        );
    }
    check_rows(components, invalid);
    check_custom_ids(&all, invalid);
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(_) => false,
        _ => value.is_null(),
    }
}

fn check_rows(components: &Value, invalid: &mut Invalid) {
    for (index, row) in components.as_array().into_iter().flatten().enumerate() {
        let inside = row.get("components").and_then(Value::as_array);
        let Some(inside) = inside.filter(|_| row["type"] == 1) else {
            continue;
        };
        let path = format!("components.{index}.components");
        let is_button = |one: &Value| one["type"] == 2;
        let selects = inside.iter().filter(|one| !is_button(one)).count();
        if inside.is_empty() || inside.len() > 5 {
            let message = "Must be between 1 and 5 in length.";
            invalid.at(&path, "BASE_TYPE_BAD_LENGTH", message);
        } else if selects > 0 && inside.len() > 1 {
            let message = "The number of components in this row exceeds its width.";
            invalid.at(&path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message);
        }
    }
}

fn check_custom_ids(all: &[&Value], invalid: &mut Invalid) {
    let mut seen = HashSet::new();
    for component in all {
        let Some(custom_id) = component.get("custom_id").and_then(Value::as_str) else {
            continue;
        };
        too_long(invalid, "components", component.get("custom_id"), 100);
        if !seen.insert(custom_id) {
            let message = format!("Component custom id cannot be duplicated: {custom_id}");
            invalid.at("components", "COMPONENT_CUSTOM_ID_DUPLICATED", message);
        }
    }
}
