//! Buttons and menus.

use super::modal::first_repeated;
use super::resolve::Resolved;
use super::{NOT_THERE, Parts, refused};
use crate::sim::errors::{ApiError, MISSING_ACCESS};
use crate::sim::ids::Id;
use crate::sim::world::{Channel, World};
use serde_json::{Map, Value, json};

const BUTTON: u64 = 2;
const STRING_MENU: u64 = 3;

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
    let application = world.application_of(found).ok_or(MISSING_ACCESS)?;
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
        let mut resolved = Resolved::new((user, place), application);
        resolve_values(world, component, values, &mut resolved)?;
        data["values"] = json!(values);
        resolved.write(&mut data);
    }
    Ok(Parts {
        message: Some(message),
        metadata: Map::from_iter([("interacted_message_id".into(), message.to_string().into())]),
        ..Parts::of(application, 3, data)
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
    if let Some(twice) = first_repeated(values) {
        return Err(refused("values", format!("\"{twice}\" is chosen twice.")));
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
    component: &Value,
    values: &[String],
    resolved: &mut Resolved<'_>,
) -> Result<(), ApiError> {
    if component["type"] == STRING_MENU {
        return Ok(());
    }
    for value in values {
        let id = value
            .parse()
            .map_err(|_| refused("values", "The value is no id."))?;
        resolved.choice(world, component, id)?;
    }
    Ok(())
}
