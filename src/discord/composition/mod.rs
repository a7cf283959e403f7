//! What a message or a modal may be composed of: the rules that no schema has, because they are about several parts at
//! once. Cogs' calls are checked by them before they are sent, and the simulator refuses by them.
//!
//! ```text
//! mod (a message, a modal) ─┬─ embeds (their sum, empty ones)
//!                           └─ components (which belongs where, how many, ids) ─ fields (what one of them says)
//!                                    kinds (the table of all components)
//! ```
//!
//! Lengths and types of single fields are in the schemas, and not looked at here.

mod components;
mod embeds;
mod fields;
mod kinds;

pub use kinds::{Kind, kind};

use super::schema::{Violation, got};
use components::{Components, Slot};
use serde_json::{Map, Value};

/// Discord's flag of a message that is made of components alone.
pub const IS_COMPONENTS_V2: u64 = 1 << 15;

/// Discord's code for a component where it cannot be.
const MISPLACED: &str = "UNION_TYPE_CHOICES";

/// After so many faults nothing is looked at any further.
const MOST_FAULTS: usize = 50;

/// Components at the top of a modal: <https://docs.discord.com/developers/interactions/receiving-and-responding>.
const MOST_IN_A_MODAL: usize = 5;

/// What a message of components alone cannot have beside them, and what an author writes instead.
const BESIDE: [(&str, &str); 4] = [
    ("content", "put the text into ui.text"),
    ("embeds", "put a ui.container in their place"),
    ("poll", "send it as a message of its own"),
    ("sticker_ids", "send them as a message of their own"),
];

/// What is wrong with the parts of a message, in order. Whether it is one of components alone, its flags say.
pub fn check_message(message: &Map<String, Value>) -> Vec<Violation> {
    let mut faults = Vec::new();
    let components = message.get("components").and_then(Value::as_array);
    let flags = message.get("flags").and_then(Value::as_u64);
    let is_v2 = flags.unwrap_or(0) & IS_COMPONENTS_V2 != 0;
    if is_v2 {
        faults.extend(
            BESIDE
                .iter()
                .filter_map(|beside| excluded(message, *beside)),
        );
    }
    if let Some(embeds) = message.get("embeds").and_then(Value::as_array) {
        embeds::check(embeds, &mut faults);
    }
    if let Some(components) = components {
        let slot = if is_v2 { Slot::V2 } else { Slot::V1 };
        faults.extend(Components::check_list(slot, components));
    }
    faults
}

/// What is wrong with the parts of a modal, in order.
pub fn check_modal(modal: &Map<String, Value>) -> Vec<Violation> {
    let Some(components) = modal.get("components").and_then(Value::as_array) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    if components.len() > MOST_IN_A_MODAL {
        let message = format!("Must be between 1 and {MOST_IN_A_MODAL} in length.");
        let expected = format!("1 to {MOST_IN_A_MODAL} components");
        let got = components.len().to_string();
        let code = "BASE_TYPE_BAD_LENGTH";
        faults.push(violation("components", code, message, expected, got));
    }
    faults.extend(Components::check_list(Slot::Modal, components));
    faults
}

/// What is wrong with one embed, the length of its texts included.
pub fn check_embed(embed: &Value) -> Vec<Violation> {
    let mut faults = Vec::new();
    embeds::check(std::slice::from_ref(embed), &mut faults);
    for fault in &mut faults {
        fault.path.drain(..fault.path.len().min(2));
    }
    faults
}

/// What is wrong with one component and those in it, wherever it will be.
pub fn check_component(component: &Value) -> Vec<Violation> {
    Components::check_one(component)
}

/// Where an author looks for a fault: at the component, and not at its type.
pub fn shown_place(mut fault: Violation) -> Violation {
    if is_misplaced(&fault) {
        fault.path.pop();
    }
    fault
}

/// Whether a component is where it cannot be.
pub fn is_misplaced(fault: &Violation) -> bool {
    fault.code == MISPLACED
}

/// Whether a message with these components has to be one of components alone.
pub fn needs_v2(components: &Value) -> bool {
    let mut types = components.as_array().into_iter().flatten();
    types.any(|component| kind(component).is_some_and(|kind| kind.is_v2))
}

/// Something beside components that have to be alone.
fn excluded(message: &Map<String, Value>, (name, instead): (&str, &str)) -> Option<Violation> {
    let value = message.get(name).filter(|value| !is_empty(value))?;
    let shown = message.get("components").and_then(Value::as_array);
    let mut shown = shown.into_iter().flatten().filter_map(kind);
    let what = shown
        .find(|kind| kind.is_v2)
        .map_or("components alone", |kind| kind.name);
    let message =
        format!("The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2");
    Some(violation(
        name,
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        message,
        format!("nothing beside {what} ({instead})"),
        got(value),
    ))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => value.is_null(),
    }
}

/// A fault at `path`, whose steps are separated by dots.
fn violation(
    path: &str,
    code: &'static str,
    message: impl Into<String>,
    expected: impl Into<String>,
    got: impl Into<String>,
) -> Violation {
    Violation {
        path: path.split('.').map(str::to_owned).collect(),
        code,
        message: message.into(),
        expected: expected.into(),
        got: got.into(),
    }
}

#[cfg(test)]
mod tests;
