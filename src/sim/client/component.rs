//! Buttons, menus and modals.

use super::resolve::Resolved;
use super::{NOT_THERE, Parts, refused};
use crate::sim::errors::{ApiError, MISSING_ACCESS};
use crate::sim::ids::Id;
use crate::sim::world::{Channel, OpenModal, World, collect_components};
use serde_json::{Value, json};

const BUTTON: u64 = 2;
const STRING_MENU: u64 = 3;
const TEXT_INPUT: u64 = 4;

/// A click on a button or a choice in a menu.
pub(super) fn click(
    world: &World,
    user: Id,
    place: &Channel,
    message: Id,
    (custom_id, values): (&str, &[String]),
) -> Result<Parts, ApiError> {
    let found = world.message(place.id, message, user)?;
    // Discord sends interactions to the application that wrote the message.
    if found.author != world.bot {
        return Err(MISSING_ACCESS.into());
    }
    let mut components = found.components().into_iter();
    let component = components.find(|one| one["custom_id"] == custom_id);
    let component = component
        .filter(|one| one["disabled"] != true)
        .ok_or(NOT_THERE)?;
    let kind = component["type"].as_u64().unwrap_or(0);
    let mut data = json!({
        "id": component["id"], "custom_id": custom_id, "component_type": kind,
    });
    if kind != BUTTON {
        check_values(component, kind, values)?;
        let mut resolved = Resolved::new(place);
        resolve_values(world, kind, values, &mut resolved)?;
        data["values"] = json!(values);
        resolved.write(&mut data);
    }
    Ok(Parts {
        kind: 3,
        data,
        message: Some(message),
        name: None,
    })
}

fn check_values(component: &Value, kind: u64, values: &[String]) -> Result<(), ApiError> {
    let bound = |name: &str| component[name].as_u64().unwrap_or(1);
    let (least, most) = (bound("min_values"), bound("max_values"));
    let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
    if !(least..=most).contains(&count) {
        let message = format!("Between {least} and {most} values must be chosen.");
        return Err(refused("values", message));
    }
    let offered = component["options"].as_array();
    let is_offered = |value: &String| {
        let mut options = offered.into_iter().flatten();
        options.any(|option| option["value"] == value.as_str())
    };
    match values
        .iter()
        .find(|value| kind == STRING_MENU && !is_offered(value))
    {
        Some(value) => Err(refused(
            "values",
            format!("The menu does not offer \"{value}\"."),
        )),
        None => Ok(()),
    }
}

fn resolve_values(
    world: &World,
    kind: u64,
    values: &[String],
    resolved: &mut Resolved<'_>,
) -> Result<(), ApiError> {
    if kind == STRING_MENU {
        return Ok(());
    }
    for value in values {
        let id = value
            .parse()
            .map_err(|_| refused("values", "The value is no id."))?;
        match kind {
            5 => resolved.user(world, id)?,
            6 => resolved.role(world, id)?,
            7 => resolved.mentionable(world, id)?,
            _ => resolved.channel(world, id)?,
        }
    }
    Ok(())
}

/// Sends the modal that stands open in front of the user.
pub(super) fn submit(
    world: &mut World,
    user: Id,
    place: &Channel,
    custom_id: &str,
    fields: &[(String, String)],
) -> Result<Parts, ApiError> {
    let modal = world.modals.get(&user);
    let modal = modal.filter(|modal| modal.custom_id == custom_id && modal.channel == place.id);
    let modal: OpenModal = modal.ok_or(NOT_THERE)?.clone();
    check_fields(&modal, fields)?;
    let mut filled = modal.components.clone();
    fill(&mut filled, fields);
    world.modals.remove(&user);
    Ok(Parts {
        kind: 5,
        data: json!({"custom_id": custom_id, "components": filled}),
        message: modal.message,
        name: None,
    })
}

fn check_fields(modal: &OpenModal, fields: &[(String, String)]) -> Result<(), ApiError> {
    let mut all = Vec::new();
    collect_components(&modal.components, &mut all);
    let inputs: Vec<&Value> = all
        .into_iter()
        .filter(|one| one.get("custom_id").is_some())
        .collect();
    let known = |name: &str| inputs.iter().any(|input| input["custom_id"] == name);
    if let Some((name, _)) = fields.iter().find(|(name, _)| !known(name)) {
        return Err(refused(name, "The modal has no such field."));
    }
    for input in inputs {
        let name = input["custom_id"].as_str().unwrap_or_default();
        let entered = fields.iter().find(|(field, _)| field == name);
        let text = entered.map_or("", |(_, text)| text.as_str());
        let text = if text.is_empty() {
            input["value"].as_str().unwrap_or("")
        } else {
            text
        };
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if length == 0 && input["required"] != false {
            return Err(refused(name, "This field is required."));
        }
        let least = input["min_length"].as_u64().unwrap_or(0);
        let most = input["max_length"].as_u64().unwrap_or(4_000);
        if length > 0 && !(least..=most).contains(&length) {
            return Err(refused(
                name,
                format!("Must be between {least} and {most} in length."),
            ));
        }
    }
    Ok(())
}

/// Turns the modal's components into what Discord sends back: only ids, types and values.
fn fill(tree: &mut Value, fields: &[(String, String)]) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, fields)),
        Value::Object(component) => {
            if let Some(name) = component.get("custom_id").and_then(Value::as_str) {
                let entered = fields.iter().find(|(field, _)| field == name);
                let preset = component.get("value").and_then(Value::as_str);
                let text = entered
                    .map(|(_, text)| text.as_str())
                    .or(preset)
                    .unwrap_or("");
                let is_text = component["type"] == TEXT_INPUT;
                let filled = if is_text {
                    json!({"type": TEXT_INPUT, "custom_id": name, "value": text})
                } else {
                    json!({"type": component["type"], "custom_id": name,
                           "values": text.split(',').collect::<Vec<_>>()})
                };
                *tree = filled;
                return;
            }
            component.retain(|name, _| {
                matches!(name.as_str(), "type" | "id" | "components" | "component")
            });
            for (_, inner) in component.iter_mut() {
                fill(inner, fields);
            }
        }
        _ => {}
    }
}
