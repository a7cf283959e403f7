//! What Discord takes as a message's body.
//!
//! The schema has the lengths and types of most fields, and `discord/composition/` the rules of embeds and components;
//! here is the rest.

use super::{mentions, polls};
pub(super) use crate::discord::composition::IS_COMPONENTS_V2 as COMPONENTS_V2;
use crate::discord::composition::check_message;
use crate::sim::errors::{ApiError, EMPTY_MESSAGE, Invalid, TOO_LARGE};
use crate::sim::world::Upload;
use serde_json::{Map, Value};

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
/// The largest file, in bytes: what a guild without boosts may receive.
pub(super) const LARGEST_FILE: usize = 10 << 20;

/// Checks the body of a new message.
pub(super) fn check(body: &Value, files: &[Upload]) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    if let Some(message) = body.as_object() {
        check_parts(message, &mut invalid);
    }
    invalid.check()?;
    check_edit(body, files)
}

/// Checks what an edit makes of a message's parts.
pub(super) fn check_edited(fields: &Map<String, Value>) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    check_parts(fields, &mut invalid);
    invalid.check()
}

/// Checks the body of an edit, without the parts that it shares with what is there.
pub(super) fn check_edit(body: &Value, files: &[Upload]) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    too_long(&mut invalid, "content", body.get("content"), CONTENT);
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

/// Whatever is wrong with embeds and components beyond the schema.
fn check_parts(message: &Map<String, Value>, invalid: &mut Invalid) {
    for fault in check_message(message) {
        invalid.at(&fault.path.join("."), fault.code, fault.message);
    }
}
