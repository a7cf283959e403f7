//! Voice states, what is written at voice channels, and the regions. The voice itself is not here.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, Invalid, MISSING_PERMISSIONS, NOT_IN_VOICE, UNKNOWN_VOICE_STATE, WRONG_CHANNEL_TYPE,
};
use crate::sim::ids::{Id, id_of, parse_timestamp, timestamp};
use crate::sim::lacking;
use crate::sim::permissions::{
    MANAGE_CHANNELS, MOVE_MEMBERS, MUTE_MEMBERS, REQUEST_TO_SPEAK, SET_VOICE_CHANNEL_STATUS,
    in_channel, require_in_channel,
};
use crate::sim::world::{Audited, World, kind};
use serde_json::{Value, json};

const OWN: &str = "/guilds/{guild_id}/voice-states/@me";
const OF_MEMBER: &str = "/guilds/{guild_id}/voice-states/{user_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", OWN, get),
    route("PATCH", OWN, update),
    route("GET", OF_MEMBER, get),
    route("PATCH", OF_MEMBER, update),
    route("GET", "/voice/regions", regions),
    route("GET", "/guilds/{guild_id}/regions", regions_of_guild),
    route("PUT", "/channels/{channel_id}/voice-status", set_status),
];

/// Some of Discord's regions.
const REGIONS: [(&str, &str); 4] = [
    ("rotterdam", "Rotterdam"),
    ("singapore", "Singapore"),
    ("sydney", "Sydney"),
    ("us-east", "US East"),
];

/// Whose voice state the path names.
fn named(call: &RestCall) -> Result<Id, ApiError> {
    match call.text("user_id") {
        "" => Ok(call.actor),
        _ => call.id("user_id"),
    }
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let shown = world.show_voice(guild, named(call)?);
    Ok(RestAnswer::Ok(shown.ok_or(UNKNOWN_VOICE_STATE)?))
}

/// Who speaks on a stage. Everybody may step down, and ask to speak where that is permitted; to speak, or to change
/// others, takes a moderator of the stage.
fn update(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let user = named(call)?;
    let place = world
        .voice_channel(guild, user)
        .ok_or(UNKNOWN_VOICE_STATE)?;
    let channel = world.channel(place)?;
    let wanted = call.field("channel_id").and_then(id_of);
    if channel.kind != kind::STAGE || wanted.is_some_and(|wanted| wanted != place) {
        return Err(WRONG_CHANNEL_TYPE.into());
    }
    let suppress = call.field("suppress").and_then(Value::as_bool);
    let asked = match call.field("request_to_speak_timestamp") {
        Some(Value::String(text)) => Some(Some(parse_timestamp(text).ok_or_else(|| {
            let name = "request_to_speak_timestamp";
            Invalid::one(
                name,
                "DATE_TIME_TYPE_PARSE",
                "Could not parse the given time.",
            )
        })?)),
        Some(Value::Null) => Some(None),
        _ => None,
    };
    let mut needed = 0;
    if user != call.actor || suppress == Some(false) {
        needed |= MUTE_MEMBERS;
    }
    if matches!(asked, Some(Some(_))) {
        needed |= REQUEST_TO_SPEAK;
    }
    require_in_channel(world, channel, call.actor, needed)?;
    if let Some(state) = world.voice_mut(guild, user) {
        if let Some(suppress) = suppress {
            state.suppress = suppress;
        }
        if let Some(asked) = asked.filter(|_| user == call.actor) {
            state.asked_to_speak = asked.map(timestamp);
        }
    }
    world.tell_voice(guild, user, None);
    Ok(RestAnswer::Nothing)
}

/// Moves a member to the voice channel that the body names, or disconnects them.
pub(super) fn move_member(
    world: &mut World,
    call: &RestCall,
    (guild, user): (Id, Id),
) -> Result<(), ApiError> {
    let Some(wanted) = call.field("channel_id") else {
        return Ok(());
    };
    let from = world.voice_channel(guild, user).ok_or(NOT_IN_VOICE)?;
    require_in_channel(world, world.channel(from)?, call.actor, MOVE_MEMBERS)?;
    let Some(wanted) = id_of(wanted) else {
        world.leave_voice(guild, user);
        let told = Audited::of(27, None).with("count", 1);
        world.write_audit(guild, call.who_and_why(), told);
        return Ok(());
    };
    require_in_channel(world, world.channel(wanted)?, call.actor, MOVE_MEMBERS)?;
    world.place_in_voice(guild, user, wanted)?;
    world.tell_voice(guild, user, None);
    let told = Audited::of(26, None).with("channel_id", wanted);
    world.write_audit(guild, call.who_and_why(), told.with("count", 1));
    Ok(())
}

fn all_regions() -> RestAnswer {
    let regions = REGIONS.iter().map(|(id, name)| {
        json!({
            "id": id, "name": name, "custom": false, "deprecated": false,
            "optimal": *id == "rotterdam",
        })
    });
    RestAnswer::Ok(regions.collect())
}

#[allow(clippy::unnecessary_wraps, reason = "every handler has this form")]
fn regions(_: &mut World, _: &RestCall) -> Outcome {
    Ok(all_regions())
}

fn regions_of_guild(world: &mut World, call: &RestCall) -> Outcome {
    world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(all_regions())
}

/// What a voice channel is used for just now. Those who are not in it also have to manage channels.
fn set_status(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, SET_VOICE_CHANNEL_STATUS)?;
    if channel.kind != kind::VOICE {
        return Err(WRONG_CHANNEL_TYPE.into());
    }
    let (id, guild) = (channel.id, channel.guild.ok_or(WRONG_CHANNEL_TYPE)?);
    let is_inside = world.voice_channel(guild, call.actor) == Some(id);
    if !is_inside && in_channel(world, channel, call.actor) & MANAGE_CHANNELS == 0 {
        let known = MISSING_PERMISSIONS;
        return Err(lacking::in_one_channel(
            world,
            channel,
            call.actor,
            MANAGE_CHANNELS,
            known,
        ));
    }
    let status = call.string("status").filter(|text| !text.is_empty());
    let action = if status.is_some() { 192 } else { 193 };
    let data = json!({"id": id.to_string(), "guild_id": guild.to_string(), "status": status});
    world.tell_channel(id, "VOICE_CHANNEL_STATUS_UPDATE", data);
    let mut told = Audited::of(action, Some(id)).with("channel_id", id);
    if let Some(status) = status {
        told = told.with("status", status);
    }
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Nothing)
}
