//! Lobbies: groups of users that an application makes.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, UNKNOWN_LOBBY, UNKNOWN_MEMBER};
use crate::sim::ids::{Id, id_in};
use crate::sim::world::World;
use serde_json::{Value, json};

const ONE: &str = "/lobbies/{lobby_id}";
const MEMBER: &str = "/lobbies/{lobby_id}/members/{user_id}";

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/lobbies", create),
    route("GET", ONE, get),
    route("PATCH", ONE, update),
    route("DELETE", ONE, delete),
    route("POST", "/lobbies/{lobby_id}/members/bulk", change_members),
    route("PUT", MEMBER, add_member),
    route("DELETE", MEMBER, remove_member),
];

/// The lobby of the path, which is the caller's own.
fn named(world: &mut World, call: &RestCall) -> Result<(Id, Value), ApiError> {
    let id = call.id("lobby_id")?;
    let lobbies = &world.own_collections(call.actor)?.lobbies;
    Ok((id, lobbies.find(id, UNKNOWN_LOBBY)?.clone()))
}

fn keep(world: &mut World, call: &RestCall, id: Id, lobby: &Value) -> Result<(), ApiError> {
    let lobbies = &mut world.own_collections(call.actor)?.lobbies;
    lobbies.keep(id, lobby.clone());
    Ok(())
}

fn shown_member(world: &World, id: Id, body: &Value) -> Result<Value, ApiError> {
    world.user(id)?;
    let mut shown = json!({
        "id": id.to_string(),
        "metadata": body.get("metadata"),
        "flags": body["flags"].as_u64().unwrap_or(0),
    });
    if let Some(name) = body["additional_name"].as_str() {
        shown["additional_name"] = name.into();
    }
    Ok(shown)
}

/// Puts a member into a lobby, in the place of their former entry.
fn put(lobby: &mut Value, member: &Value) {
    if let Some(members) = lobby["members"].as_array_mut() {
        members.retain(|one| one["id"] != member["id"]);
        members.push(member.clone());
    }
}

/// Takes a member out of a lobby; false when there is none.
fn take(lobby: &mut Value, id: Id) -> bool {
    let Some(members) = lobby["members"].as_array_mut() else {
        return false;
    };
    let count = members.len();
    members.retain(|one| id_in(one, "id") != Some(id));
    members.len() < count
}

fn apply(world: &World, call: &RestCall, lobby: &mut Value) -> Result<(), ApiError> {
    for name in ["metadata", "flags", "override_event_webhooks_url"] {
        if let Some(value) = call.field(name).filter(|it| name != "flags" || it.is_u64()) {
            lobby[name] = value.clone();
        }
    }
    if let Some(members) = call.field("members").and_then(Value::as_array) {
        lobby["members"] = json!([]);
        for member in members {
            let shown = shown_member(world, id_in(member, "id").unwrap_or(0), member)?;
            put(lobby, &shown);
        }
    }
    Ok(())
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let application = world.application(call.actor)?.id;
    let mut lobby = json!({
        "application_id": application.to_string(), "metadata": null, "members": [], "flags": 0,
    });
    apply(world, call, &mut lobby)?;
    let id = world.new_id();
    lobby["id"] = id.to_string().into();
    keep(world, call, id, &lobby)?;
    Ok(RestAnswer::Created(lobby))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(named(world, call)?.1))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (id, mut lobby) = named(world, call)?;
    apply(world, call, &mut lobby)?;
    keep(world, call, id, &lobby)?;
    Ok(RestAnswer::Ok(lobby))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (id, _) = named(world, call)?;
    world.own_collections(call.actor)?.lobbies.remove(id);
    Ok(RestAnswer::Nothing)
}

fn change_members(world: &mut World, call: &RestCall) -> Outcome {
    let (id, mut lobby) = named(world, call)?;
    for one in call.body.as_array().into_iter().flatten() {
        let user = id_in(one, "id").unwrap_or(0);
        if one["remove_member"] == true {
            take(&mut lobby, user);
        } else {
            put(&mut lobby, &shown_member(world, user, one)?);
        }
    }
    keep(world, call, id, &lobby)?;
    Ok(RestAnswer::Ok(lobby["members"].clone()))
}

fn add_member(world: &mut World, call: &RestCall) -> Outcome {
    let (id, mut lobby) = named(world, call)?;
    let member = shown_member(world, call.id("user_id")?, &call.body)?;
    put(&mut lobby, &member);
    keep(world, call, id, &lobby)?;
    Ok(RestAnswer::Ok(member))
}

fn remove_member(world: &mut World, call: &RestCall) -> Outcome {
    let (id, mut lobby) = named(world, call)?;
    if !take(&mut lobby, call.id("user_id")?) {
        return Err(UNKNOWN_MEMBER.into());
    }
    keep(world, call, id, &lobby)?;
    Ok(RestAnswer::Nothing)
}
