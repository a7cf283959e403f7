//! Messages and modals in a call: each is checked as a whole, and one of components alone says that it is.

use super::error::ArgumentError;
use crate::discord::composition::{
    IS_COMPONENTS_V2, check_message, check_modal, is_misplaced, needs_v2, shown_place,
};
use crate::discord::operations::Operation;
use crate::discord::schema::{self, Fields, Shape, Violation, meant};
use serde_json::{Map, Value};
use smallvec::SmallVec;

/// The schemas of what is changed in a message that is there.
const OF_EDITS: [&str; 3] = [
    "MessageEditRequestPartial",
    "IncomingWebhookUpdateRequestPartial",
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial",
];

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Components in a wrong place: of these no field is known, so it is said first.
    Places,
    /// Everything, once each field by itself is right.
    All,
}

/// Looks at every message and modal of the body, also inside of others (`data` of an interaction's answer, `message` of
/// a forum's thread).
pub(super) fn compose(
    operation: &'static Operation,
    shape: &Shape,
    body: &mut Value,
    what: Look,
) -> Result<(), ArgumentError> {
    match look(shape, body, what, &mut Vec::new()) {
        Some(fault) => Err(ArgumentError::violated(operation, "", shown_place(fault))),
        None => Ok(()),
    }
}

/// The first fault.
fn look(shape: &Shape, body: &mut Value, what: Look, path: &mut Vec<String>) -> Option<Violation> {
    let names = meant(shape.alternatives(), body);
    let Value::Object(object) = body else {
        return None;
    };
    let schemas: SmallVec<[_; 4]> = names
        .iter()
        .filter_map(|name| schema::fields(name))
        .collect();
    let has = |name: &str| schemas.iter().any(|fields| fields.contains_key(name));
    let faults = if has("components") && has("embeds") {
        mark(object, names.iter().any(|name| OF_EDITS.contains(name)));
        check_message(object)
    } else if has("components") && has("title") {
        check_modal(object)
    } else {
        return look_inside(&schemas, object, what, path);
    };
    let mut faults = faults.into_iter();
    let mut fault = faults.find(|fault| what == Look::All || is_misplaced(fault))?;
    path.append(&mut fault.path);
    fault.path.append(path);
    Some(fault)
}

fn look_inside(
    schemas: &[&'static Fields],
    object: &mut Map<String, Value>,
    what: Look,
    path: &mut Vec<String>,
) -> Option<Violation> {
    for (name, inner) in object.iter_mut().filter(|(_, inner)| inner.is_object()) {
        let mut fields = schemas
            .iter()
            .filter_map(|fields| fields.get(name.as_str()));
        let Some(field) = fields.next() else {
            continue;
        };
        path.push(name.clone());
        if let Some(fault) = look(&field.shape, inner, what, path) {
            return Some(fault);
        }
        path.pop();
    }
    None
}

/// Sets the flag of a message of components alone. An edit takes what cannot stand beside them out of the message.
fn mark(message: &mut Map<String, Value>, is_edit: bool) {
    if !message.get("components").is_some_and(needs_v2) {
        return;
    }
    let flags = message.get("flags").filter(|flags| !flags.is_null());
    // Whatever else it is, the check refuses it.
    if let Some(flags) = flags.map_or(Some(0), Value::as_u64) {
        message.insert("flags".to_owned(), (flags | IS_COMPONENTS_V2).into());
    }
    for name in ["content", "embeds"].into_iter().filter(|_| is_edit) {
        message.entry(name).or_insert(Value::Null);
    }
}
