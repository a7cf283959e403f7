//! Stages: what is spoken of in a stage channel, while somebody does.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, STAGE_IS_OPEN, UNKNOWN_CHANNEL, UNKNOWN_STAGE, WRONG_CHANNEL_TYPE,
};
use crate::sim::ids::{Id, id_in};
use crate::sim::permissions::{
    MANAGE_CHANNELS, MENTION_EVERYONE, MOVE_MEMBERS, MUTE_MEMBERS, require_in_channel,
};
use crate::sim::world::{World, kind};
use serde_json::{Value, json};

const ONE: &str = "/stage-instances/{channel_id}";

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/stage-instances", create),
    route("GET", ONE, get),
    route("PATCH", ONE, update),
    route("DELETE", ONE, delete),
];

/// What moderators of a stage hold.
const MODERATOR: u64 = MANAGE_CHANNELS | MUTE_MEMBERS | MOVE_MEMBERS;
/// The types of the messages that tell of a stage.
const STARTED: u64 = 27;
const ENDED: u64 = 28;
const TOPIC: u64 = 31;

/// The guild of a stage channel in which the caller holds all of `needed`.
fn place(world: &World, call: &RestCall, channel: Id, needed: u64) -> Result<Id, ApiError> {
    let channel = world.channel(channel)?;
    require_in_channel(world, channel, call.actor, needed)?;
    if channel.kind == kind::STAGE {
        Ok(channel.guild.ok_or(UNKNOWN_CHANNEL)?)
    } else {
        Err(WRONG_CHANNEL_TYPE.into())
    }
}

/// The guild, the channel and the stage of the path.
fn named(world: &World, call: &RestCall, needed: u64) -> Result<(Id, Id, Value), ApiError> {
    let channel = call.id("channel_id")?;
    let guild = place(world, call, channel, needed)?;
    let home = world.guild_for(guild, call.actor)?;
    let stage = home.collections.stages.find(channel, UNKNOWN_STAGE)?;
    Ok((guild, channel, stage.clone()))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let channel = call.required_id("channel_id")?;
    let mut needed = MODERATOR;
    if call.body["send_start_notification"] == true {
        needed |= MENTION_EVERYONE;
    }
    let guild = place(world, call, channel, needed)?;
    let home = world.guild_for(guild, call.actor)?;
    if home.collections.stages.get(channel).is_some() {
        return Err(STAGE_IS_OPEN.into());
    }
    let event = id_in(&call.body, "guild_scheduled_event_id");
    let topic = call.string("topic").unwrap_or_default().to_owned();
    let id = world.new_id();
    let stage = json!({
        "id": id.to_string(),
        "guild_id": guild.to_string(),
        "channel_id": channel.to_string(),
        "topic": topic,
        "privacy_level": 2,
        "discoverable_disabled": true,
        "guild_scheduled_event_id": event.map(|id| id.to_string()),
    });
    let stages = &mut world.guild_mut(guild)?.collections.stages;
    stages.keep(channel, stage.clone());
    world.tell_channel(channel, "STAGE_INSTANCE_CREATE", stage.clone());
    let more = json!({ "content": topic });
    world.insert_system_message(channel, call.actor, STARTED, more);
    world.audit(guild, call.who_and_why(), 83, Some(id));
    Ok(RestAnswer::Ok(stage))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let (_, _, stage) = named(world, call, 0)?;
    Ok(RestAnswer::Ok(stage))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, channel, mut stage) = named(world, call, MODERATOR)?;
    if let Some(topic) = call.string("topic") {
        stage["topic"] = topic.into();
        let more = json!({ "content": topic });
        world.insert_system_message(channel, call.actor, TOPIC, more);
    }
    let stages = &mut world.guild_mut(guild)?.collections.stages;
    stages.keep(channel, stage.clone());
    world.tell_channel(channel, "STAGE_INSTANCE_UPDATE", stage.clone());
    world.audit(guild, call.who_and_why(), 84, id_in(&stage, "id"));
    Ok(RestAnswer::Ok(stage))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, channel, stage) = named(world, call, MODERATOR)?;
    let stages = &mut world.guild_mut(guild)?.collections.stages;
    stages.remove(channel);
    let more = json!({ "content": stage["topic"] });
    world.insert_system_message(channel, call.actor, ENDED, more);
    world.audit(guild, call.who_and_why(), 85, id_in(&stage, "id"));
    world.tell_channel(channel, "STAGE_INSTANCE_DELETE", stage);
    Ok(RestAnswer::Nothing)
}
