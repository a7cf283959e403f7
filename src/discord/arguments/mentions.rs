//! Nobody is mentioned unless a call asks for it. Where `allowed_mentions` is missing, `null`, or has no list `parse`,
//! Discord mentions everybody whom the text names. So every message says explicitly whom it may mention.

use crate::discord::operations::Operation;
use crate::discord::schema::{self, Shape};
use serde_json::{Map, Value, json};
use smallvec::SmallVec;

const KEY: &str = "allowed_mentions";

/// Fills in `allowed_mentions` wherever the body contains a message of `shape`, also inside of others (`data` of an
/// interaction's answer, `message` of a forum's thread).
pub(super) fn silence(operation: &Operation, shape: &Shape, body: &mut Value) {
    match body {
        Value::Array(items) => {
            for item in items {
                silence(operation, shape, item);
            }
        }
        Value::Object(object) => {
            let mut schemas = SmallVec::<[_; 4]>::new();
            shape.each_name(&mut |name| schemas.extend(schema::fields(name)));
            let nested = object
                .iter_mut()
                .filter(|(name, inner)| (inner.is_object() || inner.is_array()) && *name != KEY);
            for (name, inner) in nested {
                for field in schemas
                    .iter()
                    .filter_map(|fields| fields.get(name.as_str()))
                {
                    silence(operation, &field.shape, inner);
                }
            }
            if schemas.iter().any(|fields| fields.contains_key(KEY)) {
                silence_message(operation, object);
            }
        }
        _ => {}
    }
}

fn silence_message(operation: &Operation, message: &mut Map<String, Value>) {
    if message.get(KEY).is_none_or(Value::is_null) {
        message.remove(KEY);
        if !changes_flags_only(operation, message) {
            message.insert(KEY.into(), json!({ "parse": [] }));
        }
    } else if let Some(Value::Object(given)) = message.get_mut(KEY) {
        // Whatever else is there, the check refuses.
        complete(given);
    }
}

/// Discord lets a bot edit nothing but the flags of somebody else's message, and that mentions nobody.
fn changes_flags_only(operation: &Operation, message: &Map<String, Value>) -> bool {
    operation.method == "PATCH" && message.keys().eq(["flags"])
}

/// Removes nulls, and makes sure that only the named users and roles are mentioned.
fn complete(given: &mut Map<String, Value>) {
    given.retain(|_, value| !value.is_null());
    for value in given.values_mut() {
        if let Value::Array(items) = value {
            items.retain(|item| !item.is_null());
        }
    }
    given.entry("parse").or_insert_with(|| json!([]));
}
