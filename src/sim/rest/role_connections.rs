//! What an application says about itself: linked roles, who may use its commands, its activities, and Discord's keys.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, open, route};
use crate::sim::errors::{Invalid, NOT_FOUND, UNKNOWN_COMMAND, UNKNOWN_COMMAND_PERMISSIONS};
use crate::sim::world::World;
use serde_json::{Value, json};

const METADATA: &str = "/applications/{application_id}/role-connections/metadata";

pub(super) const ROUTES: &[Route] = &[
    route("GET", METADATA, get),
    route("PUT", METADATA, set),
    route(
        "GET",
        "/applications/{application_id}/guilds/{guild_id}/commands/permissions",
        all_command_permissions,
    ),
    route(
        "GET",
        "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}/permissions",
        command_permissions,
    ),
    route(
        "GET",
        "/applications/{application_id}/activity-instances/{instance_id}",
        activity,
    ),
    open("GET", "/oauth2/keys", keys),
];

/// How many records an application may have.
const MOST: usize = 5;

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let own = call.own_application(world)?;
    let known = &world.own_collections(own)?.role_connections;
    let known = known.as_array().cloned().unwrap_or_default();
    Ok(RestAnswer::Ok(known.into()))
}

fn set(world: &mut World, call: &RestCall) -> Outcome {
    let own = call.own_application(world)?;
    let records = call.body.as_array().cloned().unwrap_or_default();
    if records.len() > MOST {
        let message = format!("Must be {MOST} or fewer in length.");
        return Err(Invalid::one("", "BASE_TYPE_MAX_LENGTH", message));
    }
    let is_key = |key: &str| {
        let mut letters = key.chars();
        letters.all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
    };
    let mut invalid = Invalid::default();
    for (index, record) in records.iter().enumerate() {
        if !is_key(record["key"].as_str().unwrap_or_default()) {
            let message = "String value did not match validation regex.";
            invalid.at(&format!("{index}.key"), "STRING_TYPE_REGEX", message);
        }
    }
    invalid.check()?;
    let records = Value::Array(records);
    world.own_collections(own)?.role_connections = records.clone();
    Ok(RestAnswer::Ok(records))
}

/// Only users' tokens set such permissions, so there are none.
fn all_command_permissions(world: &mut World, call: &RestCall) -> Outcome {
    call.own_application(world)?;
    world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(RestAnswer::Ok(json!([])))
}

/// Only users' tokens change them, so none are set.
fn command_permissions(world: &mut World, call: &RestCall) -> Outcome {
    call.own_application(world)?;
    world.guild_for(call.id("guild_id")?, call.actor)?;
    let command = call.id("command_id")?;
    if command != call.actor && !world.commands.contains_key(&command) {
        return Err(UNKNOWN_COMMAND.into());
    }
    Err(UNKNOWN_COMMAND_PERMISSIONS.into())
}

/// No activity runs here.
fn activity(world: &mut World, call: &RestCall) -> Outcome {
    call.own_application(world)?;
    Err(NOT_FOUND.into())
}

/// Discord signs nothing here.
#[allow(clippy::unnecessary_wraps, reason = "every handler has this form")]
fn keys(_: &mut World, _: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(json!({"keys": []})))
}
