//! Components as Discord gives them back: each with a number, and with what Discord fills in.

use crate::sim::errors::{ApiError, Invalid};
use crate::sim::ids::id_in;
use crate::sim::world::{World, collect_components};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

// Discord's types of components.
const STRING_MENU: u64 = 3;
const USER_MENU: u64 = 5;
const CHANNEL_MENU: u64 = 8;
const THUMBNAIL: u64 = 11;
const MEDIA_GALLERY: u64 = 12;
const FILE: u64 = 13;
const SEPARATOR: u64 = 14;
const CONTAINER: u64 = 17;

/// The components of a message's body.
pub(super) fn of_message(body: &Value) -> Value {
    let mut components = body.get("components").cloned().unwrap_or_default();
    if !components.is_array() {
        return json!([]);
    }
    number_components(&mut components);
    fill(&mut components);
    components
}

/// Gives each component that has none an id, which no other has.
pub(super) fn number_components(tree: &mut Value) {
    let mut all = Vec::new();
    collect_components(tree, &mut all);
    let given = all.iter().filter_map(|one| one["id"].as_u64());
    // 0 is none at all.
    let mut taken: HashSet<u64> = given.chain([0]).collect();
    number(tree, &mut taken);
}

fn number(tree: &mut Value, taken: &mut HashSet<u64>) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| number(item, taken)),
        Value::Object(fields) => {
            if fields.get("id").and_then(Value::as_u64).unwrap_or(0) == 0 {
                let mut id = 1;
                while taken.contains(&id) {
                    id += 1;
                }
                taken.insert(id);
                fields.insert("id".into(), id.into());
            }
            for inner in inside(fields) {
                number(inner, taken);
            }
        }
        _ => {}
    }
}

/// The components that are inside of another one.
fn inside(fields: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let is_inner = |name: &str| matches!(name, "components" | "component" | "accessory");
    let inner = fields.iter_mut().filter(move |(name, _)| is_inner(name));
    inner.map(|(_, inner)| inner)
}

/// Adds the fields that Discord always shows, and takes away those that are null and that it never shows so.
fn fill(tree: &mut Value) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::Object(fields) => {
            inside(fields).for_each(fill);
            fields.retain(|_, value| !value.is_null());
            let defaults = match fields.get("type").and_then(Value::as_u64) {
                Some(STRING_MENU | USER_MENU..=CHANNEL_MENU) => {
                    json!({"min_values": 1, "max_values": 1})
                }
                Some(THUMBNAIL) => json!({"description": null, "spoiler": false}),
                Some(FILE) => json!({"name": null, "size": null, "spoiler": false}),
                Some(SEPARATOR) => json!({"spacing": 1, "divider": true}),
                Some(CONTAINER) => json!({"accent_color": null, "spoiler": false}),
                _ => Value::Null,
            };
            add_missing(fields, defaults);
            if fields.get("type").and_then(Value::as_u64) == Some(MEDIA_GALLERY) {
                let items = fields.get_mut("items").and_then(Value::as_array_mut);
                for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
                    add_missing(item, json!({"description": null, "spoiler": false}));
                }
            }
            let options = fields.get_mut("options").and_then(Value::as_array_mut);
            for option in options
                .into_iter()
                .flatten()
                .filter_map(Value::as_object_mut)
            {
                option.retain(|_, value| !value.is_null());
            }
        }
        _ => {}
    }
}

/// Fails for a custom emoji that no guild and no application has.
pub(super) fn require_known_emoji(world: &World, tree: &Value, path: &str) -> Result<(), ApiError> {
    match tree {
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(at, item)| {
                require_known_emoji(world, item, &format!("{path}.{at}"))
            })
        }
        Value::Object(fields) => {
            if let Some(id) =
                id_in(&tree["emoji"], "id").filter(|id| world.custom_emoji(*id).is_none())
            {
                let message = format!("There is no emoji with the id {id}.");
                let path = format!("{path}.emoji.id");
                return Err(Invalid::one(&path, "COMPONENT_INVALID_EMOJI", message));
            }
            let inner = fields.iter().filter(|(name, _)| {
                matches!(
                    name.as_str(),
                    "components" | "component" | "accessory" | "options"
                )
            });
            let mut inner = inner.map(|(name, value)| (format!("{path}.{name}"), value));
            inner.try_for_each(|(path, value)| require_known_emoji(world, value, &path))
        }
        _ => Ok(()),
    }
}

fn add_missing(fields: &mut Map<String, Value>, defaults: Value) {
    let Value::Object(defaults) = defaults else {
        return;
    };
    for (name, value) in defaults {
        fields.entry(name).or_insert(value);
    }
}
