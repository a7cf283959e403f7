//! Application commands, global and of guilds.

use super::call::{Outcome, RestAnswer, RestCall};
use super::command_rules as rules;
use super::route::{Route, route};
use crate::sim::errors::{ApiError, Invalid, TOO_MANY_COMMANDS, UNKNOWN_COMMAND};
use crate::sim::ids::Id;
use crate::sim::world::{Command, World};
use serde_json::Value;

const GLOBAL: &str = "/applications/{application_id}/commands";
const GLOBAL_ONE: &str = "/applications/{application_id}/commands/{command_id}";
const GUILD: &str = "/applications/{application_id}/guilds/{guild_id}/commands";
const GUILD_ONE: &str = "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", GLOBAL, list),
    route("POST", GLOBAL, create),
    route("PUT", GLOBAL, overwrite),
    route("GET", GLOBAL_ONE, get),
    route("PATCH", GLOBAL_ONE, update),
    route("DELETE", GLOBAL_ONE, delete),
    route("GET", GUILD, list),
    route("POST", GUILD, create),
    route("PUT", GUILD, overwrite),
    route("GET", GUILD_ONE, get),
    route("PATCH", GUILD_ONE, update),
    route("DELETE", GUILD_ONE, delete),
];

/// Slash commands, then commands on users, then on messages.
const MOST: [usize; 3] = [100, 15, 15];

/// A list of commands: an application's own for all guilds, or those for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    application: Id,
    guild: Option<Id>,
}

impl Place {
    fn has(self, command: &Command) -> bool {
        command.application == self.application && command.guild == self.guild
    }
}

/// The list that the path names, which must be the caller's own.
fn place(world: &World, call: &RestCall) -> Result<Place, ApiError> {
    let application = call.own_application(world)?;
    let guild = match call.text("guild_id") {
        "" => None,
        _ => Some(world.guild_for(call.id("guild_id")?, call.actor)?.id),
    };
    Ok(Place { application, guild })
}

fn known<'a>(world: &'a World, call: &RestCall) -> Result<(Id, &'a Command), ApiError> {
    let place = place(world, call)?;
    let id = call.id("command_id")?;
    let command = world.commands.get(&id);
    let command = command.filter(|command| place.has(command));
    Ok((id, command.ok_or(UNKNOWN_COMMAND)?))
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call)?;
    let with_localizations = call.query_flag("with_localizations");
    let own = world.commands.values().filter(|command| place.has(command));
    let shown = own.map(|command| {
        let mut shown = command.shown.clone();
        if !with_localizations {
            without_localizations(&mut shown);
        }
        shown
    });
    Ok(RestAnswer::Ok(shown.collect()))
}

/// Discord shows other languages only to those who ask for them, in what is inside of a command, too.
fn without_localizations(part: &mut Value) {
    if let Some(fields) = part.as_object_mut() {
        fields.shift_remove("name_localizations");
        fields.shift_remove("description_localizations");
    }
    for inside in ["options", "choices"] {
        let parts = part.get_mut(inside).and_then(Value::as_array_mut);
        let parts = parts.into_iter().flatten();
        parts.for_each(without_localizations);
    }
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(known(world, call)?.1.shown.clone()))
}

/// Makes a command, or replaces the one of the same name and kind.
fn create(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call)?;
    let mut invalid = Invalid::default();
    rules::check(&call.body, "", &mut invalid);
    invalid.check()?;
    let same = same_name(world, place, &call.body);
    if same.is_none() {
        let kind = kind_of(&call.body);
        let own = world.commands.values().filter(|one| place.has(one));
        if own.filter(|one| one.kind() == kind).count() >= most(kind) {
            return Err(TOO_MANY_COMMANDS.into());
        }
    }
    let shown = store(world, place, same, &call.body);
    Ok(match same {
        Some(_) => RestAnswer::Ok(shown),
        None => RestAnswer::Created(shown),
    })
}

fn kind_of(command: &Value) -> u64 {
    command["type"].as_u64().unwrap_or(1)
}

fn most(kind: u64) -> usize {
    let index = usize::try_from(kind.saturating_sub(1)).unwrap_or(0);
    MOST.get(index).copied().unwrap_or(1)
}

fn same_name(world: &World, place: Place, body: &Value) -> Option<Id> {
    let (kind, name) = (kind_of(body), body["name"].as_str()?);
    let mut commands = world.commands.iter();
    let same = commands.find(|(_, one)| place.has(one) && one.kind() == kind && one.name() == name);
    same.map(|(id, _)| *id)
}

fn store(world: &mut World, place: Place, id: Option<Id>, body: &Value) -> Value {
    let version = world.new_id();
    let id = id.unwrap_or(version);
    let mut shown = rules::defaults();
    for (name, value) in body.as_object().into_iter().flatten() {
        if name != "id" {
            shown[name.as_str()] = value.clone();
        }
    }
    if shown["options"].is_null() {
        shown["options"] = Value::Array(Vec::new());
    }
    shown["id"] = id.to_string().into();
    shown["application_id"] = place.application.to_string().into();
    shown["version"] = version.to_string().into();
    if let Some(guild) = place.guild {
        shown["guild_id"] = guild.to_string().into();
    }
    let command = Command {
        application: place.application,
        guild: place.guild,
        shown: shown.clone(),
    };
    world.commands.insert(id, command);
    shown
}

/// Replaces all commands of a place. Those that keep their name keep their id.
fn overwrite(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call)?;
    let commands = call.body.as_array().cloned().unwrap_or_default();
    let mut invalid = Invalid::default();
    for (index, command) in commands.iter().enumerate() {
        rules::check(command, &index.to_string(), &mut invalid);
    }
    invalid.check()?;
    rules::check_unique(&commands)?;
    for kind in 1..=3 {
        let count = commands.iter().filter(|one| kind_of(one) == kind).count();
        if count > most(kind) {
            return Err(TOO_MANY_COMMANDS.into());
        }
    }
    let ids: Vec<Option<Id>> = commands
        .iter()
        .map(|one| same_name(world, place, one))
        .collect();
    let kept: Vec<Id> = ids.iter().flatten().copied().collect();
    world
        .commands
        .retain(|id, one| !place.has(one) || kept.contains(id));
    let pairs = commands.iter().zip(ids);
    let shown: Vec<Value> = pairs
        .map(|(body, id)| store(world, place, id, body))
        .collect();
    Ok(RestAnswer::Ok(shown.into()))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call)?;
    let (id, command) = known(world, call)?;
    let mut merged = command.shown.clone();
    for (name, value) in call.body.as_object().into_iter().flatten() {
        merged[name.as_str()] = value.clone();
    }
    let mut invalid = Invalid::default();
    rules::check(&merged, "", &mut invalid);
    invalid.check()?;
    Ok(RestAnswer::Ok(store(world, place, Some(id), &merged)))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (id, _) = known(world, call)?;
    world.commands.shift_remove(&id);
    Ok(RestAnswer::Nothing)
}
