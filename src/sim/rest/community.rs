//! What community guilds show to those who come: the welcome screen, onboarding, the vanity address; and what guilds
//! shut for a while.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, Invalid, ONBOARDING_REQUIREMENTS, UNKNOWN_JOIN_REQUEST, UNKNOWN_WELCOME_SCREEN,
};
use crate::sim::ids::{Id, id_in, id_of, ids_in, parse_timestamp, timestamp};
use crate::sim::permissions::{
    KICK_MEMBERS, MANAGE_GUILD, MANAGE_ROLES, in_guild, require_in_guild,
};
use crate::sim::world::World;
use serde_json::{Value, json};
use std::time::Duration;

const WELCOME: &str = "/guilds/{guild_id}/welcome-screen";
const ONBOARDING: &str = "/guilds/{guild_id}/onboarding";

pub(super) const ROUTES: &[Route] = &[
    route("GET", WELCOME, welcome_screen),
    route("PATCH", WELCOME, update_welcome_screen),
    route("GET", ONBOARDING, onboarding),
    route("PUT", ONBOARDING, update_onboarding),
    route(
        "GET",
        "/guilds/{guild_id}/new-member-welcome",
        new_member_welcome,
    ),
    route("GET", "/guilds/{guild_id}/vanity-url", vanity),
    route("PUT", "/guilds/{guild_id}/incident-actions", incidents),
    route("GET", "/guilds/{guild_id}/requests", join_requests),
    route(
        "PATCH",
        "/guilds/{guild_id}/requests/{request_id}",
        act_on_join_request,
    ),
];

/// How many default channels onboarding takes.
const DEFAULT_CHANNELS: usize = 7;
/// How long invites and direct messages can be shut.
const LONGEST_INCIDENT: Duration = Duration::from_secs(24 * 60 * 60);

/// The guild, when the caller holds all of `needed`.
fn managed(world: &World, call: &RestCall, needed: u64) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, needed)?;
    Ok(guild.id)
}

/// Fails unless the channel is one of the guild's.
fn require_own_channel(world: &World, guild: Id, path: &str, channel: Id) -> Result<(), ApiError> {
    if world.guild_of(channel) == Some(guild) {
        return Ok(());
    }
    Err(Invalid::one(
        path,
        "CHANNEL_INVALID",
        "Channel does not exist",
    ))
}

fn welcome_screen(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let screen = &guild.collections.welcome_screen;
    let may_manage = in_guild(world, guild, call.actor) & MANAGE_GUILD != 0;
    if screen.is_null() || (screen["enabled"] != true && !may_manage) {
        return Err(UNKNOWN_WELCOME_SCREEN.into());
    }
    Ok(RestAnswer::Ok(shown_screen(screen)))
}

fn shown_screen(screen: &Value) -> Value {
    json!({
        "description": screen["description"], "welcome_channels": screen["welcome_channels"],
    })
}

fn update_welcome_screen(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call, MANAGE_GUILD)?;
    let mut screen = world.guild_mut(guild)?.collections.welcome_screen.clone();
    if screen.is_null() {
        screen = json!({"enabled": false, "description": null, "welcome_channels": []});
    }
    for name in ["enabled", "description"] {
        if let Some(value) = call.field(name) {
            screen[name] = value.clone();
        }
    }
    if let Some(channels) = call.field("welcome_channels") {
        let mut shown = Vec::new();
        for (index, one) in channels.as_array().into_iter().flatten().enumerate() {
            let channel = id_in(one, "channel_id").unwrap_or(0);
            let path = format!("welcome_channels.{index}.channel_id");
            require_own_channel(world, guild, &path, channel)?;
            shown.push(json!({
                "channel_id": channel.to_string(),
                "description": one["description"],
                "emoji_id": one.get("emoji_id"),
                "emoji_name": one.get("emoji_name"),
            }));
        }
        screen["welcome_channels"] = shown.into();
    }
    let shown = shown_screen(&screen);
    let is_enabled = screen["enabled"] == true;
    let home = world.guild_mut(guild)?;
    home.collections.welcome_screen = screen;
    let feature = json!("WELCOME_SCREEN_ENABLED");
    if let Some(Value::Array(features)) = home.fields.get_mut("features") {
        features.retain(|one| *one != feature);
        if is_enabled {
            features.push(feature);
        }
    }
    let whole = home.show();
    world.tell_guild(guild, "GUILD_UPDATE", whole);
    world.audit(guild, call.who_and_why(), 1, Some(guild));
    Ok(RestAnswer::Ok(shown))
}

/// Onboarding as Discord shows it; of a guild that has set none, that it is off.
fn shown_onboarding(world: &World, guild: Id) -> Value {
    let home = world.guilds.get(&guild);
    let known = home.map(|home| home.collections.onboarding.clone());
    known.filter(|known| !known.is_null()).unwrap_or_else(|| {
        json!({
            "guild_id": guild.to_string(), "prompts": [], "default_channel_ids": [],
            "enabled": false, "mode": 0,
        })
    })
}

fn onboarding(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    Ok(RestAnswer::Ok(shown_onboarding(world, guild)))
}

fn update_onboarding(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call, MANAGE_GUILD | MANAGE_ROLES)?;
    let mut changed = shown_onboarding(world, guild);
    for name in ["enabled", "mode"] {
        if let Some(value) = call.field(name).filter(|value| !value.is_null()) {
            changed[name] = value.clone();
        }
    }
    if call
        .field("default_channel_ids")
        .is_some_and(Value::is_array)
    {
        let channels = ids_in(&call.body, "default_channel_ids");
        for channel in &channels {
            require_own_channel(world, guild, "default_channel_ids", *channel)?;
        }
        changed["default_channel_ids"] = channels.iter().map(ToString::to_string).collect();
    }
    if let Some(prompts) = call.field("prompts").and_then(Value::as_array).cloned() {
        let prompts = prompts.iter().map(|prompt| shown_prompt(world, prompt));
        changed["prompts"] = prompts.collect();
    }
    let channels = changed["default_channel_ids"].as_array();
    if changed["enabled"] == true && channels.map_or(0, Vec::len) < DEFAULT_CHANNELS {
        return Err(ONBOARDING_REQUIREMENTS.into());
    }
    world.guild_mut(guild)?.collections.onboarding = changed.clone();
    world.audit(guild, call.who_and_why(), 167, Some(guild));
    Ok(RestAnswer::Ok(changed))
}

/// A snowflake that Discord made, or a new one: clients number what is new with small numbers.
fn id_or_new(world: &mut World, value: &Value) -> String {
    let known = id_in(value, "id").filter(|id| *id > u64::from(u32::MAX));
    known.unwrap_or_else(|| world.new_id()).to_string()
}

fn shown_prompt(world: &mut World, prompt: &Value) -> Value {
    let options = prompt["options"].as_array().cloned().unwrap_or_default();
    let texts = |ids: Vec<Id>| -> Value { ids.iter().map(ToString::to_string).collect() };
    let mut shown = Vec::new();
    for option in &options {
        shown.push(json!({
            "id": id_or_new(world, option),
            "title": option["title"],
            "description": option["description"].as_str().unwrap_or_default(),
            "emoji": {
                "id": option.get("emoji_id").and_then(id_of).map(|id| id.to_string()),
                "name": option.get("emoji_name"),
                "animated": option["emoji_animated"] == true,
            },
            "role_ids": texts(ids_in(option, "role_ids")),
            "channel_ids": texts(ids_in(option, "channel_ids")),
        }));
    }
    json!({
        "id": id_or_new(world, prompt),
        "title": prompt["title"],
        "options": shown,
        "single_select": prompt["single_select"] == true,
        "required": prompt["required"] == true,
        "in_onboarding": prompt["in_onboarding"] == true,
        "type": prompt["type"].as_u64().unwrap_or(0),
    })
}

/// What new members are to do; nobody can set it by the API.
fn new_member_welcome(world: &mut World, call: &RestCall) -> Outcome {
    world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(RestAnswer::Nothing)
}

fn vanity(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call, MANAGE_GUILD)?;
    let home = world.guild_mut(guild)?;
    let code = home.fields.get("vanity_url_code");
    Ok(RestAnswer::Ok(json!({"code": code, "uses": 0})))
}

fn incidents(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call, MANAGE_GUILD)?;
    let latest = world.clock.now() + LONGEST_INCIDENT;
    let home = world.guild_mut(guild)?;
    let mut data = home.fields.get("incidents_data").cloned();
    let data = data.get_or_insert_default();
    if data.is_null() {
        *data = json!({"invites_disabled_until": null, "dms_disabled_until": null});
    }
    for name in ["invites_disabled_until", "dms_disabled_until"] {
        let Some(value) = call.field(name) else {
            continue;
        };
        let time = value.as_str().and_then(parse_timestamp);
        if time.is_some_and(|time| time > latest) {
            let message = "Must be at most 24 hours ahead.";
            return Err(Invalid::one(name, "BASE_TYPE_BAD_LENGTH", message));
        }
        data[name] = time.map(timestamp).into();
    }
    let data = data.clone();
    home.fields.insert("incidents_data".into(), data.clone());
    let whole = home.show();
    world.tell_guild(guild, "GUILD_UPDATE", whole);
    world.audit(guild, call.who_and_why(), 1, Some(guild));
    Ok(RestAnswer::Ok(data))
}

/// Everybody may join here without being asked.
fn join_requests(world: &mut World, call: &RestCall) -> Outcome {
    managed(world, call, KICK_MEMBERS)?;
    Ok(RestAnswer::Ok(
        json!({"total": 0, "guild_join_requests": []}),
    ))
}

fn act_on_join_request(world: &mut World, call: &RestCall) -> Outcome {
    managed(world, call, KICK_MEMBERS)?;
    call.id("request_id")?;
    Err(UNKNOWN_JOIN_REQUEST.into())
}
