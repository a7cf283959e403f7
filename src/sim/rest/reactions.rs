//! Reactions.

use super::call::{Outcome, RestAnswer, RestCall};
use super::messages::require_unarchived;
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, NOT_IN_A_DM, TOO_MANY_REACTIONS, UNKNOWN_EMOJI, UNKNOWN_MESSAGE,
};
use crate::sim::ids::Id;
use crate::sim::permissions::{
    ADD_REACTIONS, MANAGE_MESSAGES, READ_MESSAGE_HISTORY, require_in_channel,
};
use crate::sim::world::{Emoji, Reaction, World};
use serde_json::{Value, json};

const ONE: &str = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}";
const MINE: &str = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me";
const THEIRS: &str =
    "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/{user_id}";

pub(super) const ROUTES: &[Route] = &[
    route("PUT", MINE, add),
    route("DELETE", MINE, remove),
    route("DELETE", THEIRS, remove),
    route("GET", ONE, list),
    route("DELETE", ONE, remove_emoji),
    route(
        "DELETE",
        "/channels/{channel_id}/messages/{message_id}/reactions",
        remove_all,
    ),
];

/// The message's place, when it exists and the caller may see it.
fn place(world: &World, call: &RestCall, needed: u64) -> Result<(Id, Id), ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, needed)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    if message.only_for.is_some() {
        return Err(UNKNOWN_MESSAGE.into());
    }
    Ok((channel.id, message.id))
}

/// The emoji of the path. A custom one is known by its id, whatever the path calls it.
fn emoji(world: &World, call: &RestCall) -> Result<Emoji, ApiError> {
    let mut emoji = Emoji::read(call.text("emoji_name")).ok_or(UNKNOWN_EMOJI)?;
    if let Some(id) = emoji.id {
        let known = world.custom_emoji(id).ok_or(UNKNOWN_EMOJI)?;
        known["name"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut emoji.name);
        emoji.animated = known["animated"] == true;
    }
    Ok(emoji)
}

/// What all reaction events have.
fn event(world: &World, (channel, message): (Id, Id)) -> Value {
    let mut data = json!({"channel_id": channel.to_string(), "message_id": message.to_string()});
    if let Some(guild) = world.guild_of(channel) {
        data["guild_id"] = guild.to_string().into();
    }
    data
}

fn add(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call, READ_MESSAGE_HISTORY)?;
    require_unarchived(world.channel(place.0)?)?;
    let emoji = emoji(world, call)?;
    let message = world.message(place.0, place.1, call.actor)?;
    let author = message.author;
    let known = message.reactions.iter().position(|one| one.emoji == emoji);
    // Joining a reaction that is there needs no permission to add one.
    if known.is_none() {
        require_in_channel(world, world.channel(place.0)?, call.actor, ADD_REACTIONS)?;
        if message.reactions.len() >= 20 {
            return Err(TOO_MANY_REACTIONS.into());
        }
    }
    let message = world.message_mut(place.0, place.1)?;
    let index = known.unwrap_or(message.reactions.len());
    if known.is_none() {
        message.reactions.push(Reaction {
            emoji: emoji.clone(),
            users: Vec::new(),
        });
    }
    let Some(reaction) = message.reactions.get_mut(index) else {
        return Ok(RestAnswer::Nothing);
    };
    if reaction.users.contains(&call.actor) {
        return Ok(RestAnswer::Nothing);
    }
    reaction.users.push(call.actor);
    let mut data = event(world, place);
    data["user_id"] = call.actor.to_string().into();
    data["emoji"] = emoji.show();
    data["message_author_id"] = author.to_string().into();
    data["burst"] = false.into();
    data["type"] = 0.into();
    let home = world.guild_of(place.0).and_then(|id| world.guilds.get(&id));
    if let Some(member) = home.and_then(|home| home.members.get(&call.actor)) {
        data["member"] = world.show_member(member);
    }
    world.tell_channel(place.0, "MESSAGE_REACTION_ADD", data);
    Ok(RestAnswer::Nothing)
}

fn remove(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call, 0)?;
    let emoji = emoji(world, call)?;
    let user = match call.text("user_id") {
        "" => call.actor,
        _ => call.id("user_id")?,
    };
    if user != call.actor {
        let channel = world.channel(place.0)?;
        if channel.is_direct() {
            return Err(NOT_IN_A_DM.into());
        }
        require_in_channel(world, channel, call.actor, MANAGE_MESSAGES)?;
    }
    let message = world.message_mut(place.0, place.1)?;
    let reaction = message.reactions.iter_mut().find(|one| one.emoji == emoji);
    let Some(reaction) = reaction.filter(|one| one.users.contains(&user)) else {
        return Ok(RestAnswer::Nothing);
    };
    reaction.users.retain(|one| *one != user);
    message.reactions.retain(|one| !one.users.is_empty());
    let mut data = event(world, place);
    data["user_id"] = user.to_string().into();
    data["emoji"] = emoji.show();
    data["burst"] = false.into();
    data["type"] = 0.into();
    world.tell_channel(place.0, "MESSAGE_REACTION_REMOVE", data);
    Ok(RestAnswer::Nothing)
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call, READ_MESSAGE_HISTORY)?;
    let emoji = emoji(world, call)?;
    let limit = call.query_count("limit", 25, (1, 100))?;
    let after = call.query_id("after")?.unwrap_or(0);
    let message = world.message(place.0, place.1, call.actor)?;
    let reaction = message.reactions.iter().find(|one| one.emoji == emoji);
    let mut users: Vec<Id> = reaction.map(|one| one.users.clone()).unwrap_or_default();
    users.sort_unstable();
    let shown = users.into_iter().filter(|id| *id > after).take(limit);
    Ok(RestAnswer::Ok(
        shown.map(|id| world.show_user(id)).collect(),
    ))
}

fn remove_emoji(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call, MANAGE_MESSAGES)?;
    let emoji = emoji(world, call)?;
    let message = world.message_mut(place.0, place.1)?;
    message.reactions.retain(|one| one.emoji != emoji);
    let mut data = event(world, place);
    data["emoji"] = emoji.show();
    world.tell_channel(place.0, "MESSAGE_REACTION_REMOVE_EMOJI", data);
    Ok(RestAnswer::Nothing)
}

fn remove_all(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call, MANAGE_MESSAGES)?;
    world.message_mut(place.0, place.1)?.reactions.clear();
    let data = event(world, place);
    world.tell_channel(place.0, "MESSAGE_REACTION_REMOVE_ALL", data);
    Ok(RestAnswer::Nothing)
}
