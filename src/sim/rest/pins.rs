//! Pins, under their old and their new address.

use super::call::{Outcome, RestAnswer, RestCall};
use super::draft::Draft;
use super::messages::shown;
use super::post;
use super::route::{Route, route};
use crate::sim::errors::{ApiError, TOO_MANY_PINS, UNKNOWN_MESSAGE};
use crate::sim::ids::Id;
use crate::sim::permissions::{
    MANAGE_MESSAGES, PIN_MESSAGES, READ_MESSAGE_HISTORY, in_channel, require_in_channel,
};
use crate::sim::world::{Audited, Message, World};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/channels/{channel_id}/messages/pins", list),
    route(
        "PUT",
        "/channels/{channel_id}/messages/pins/{message_id}",
        pin,
    ),
    route(
        "DELETE",
        "/channels/{channel_id}/messages/pins/{message_id}",
        unpin,
    ),
    route("GET", "/channels/{channel_id}/pins", list_old),
    route("PUT", "/channels/{channel_id}/pins/{message_id}", pin),
    route("DELETE", "/channels/{channel_id}/pins/{message_id}", unpin),
];

/// The most pins of a channel.
const MOST: usize = 250;
/// Discord's type of the message that tells of a pin.
const PIN_MESSAGE: u64 = 6;

fn pinned(world: &World, channel: Id) -> Vec<&Message> {
    let messages = world.messages.get(&channel);
    let messages = messages.into_iter().flat_map(|all| all.values());
    let mut pinned: Vec<_> = messages.filter(|one| one.pinned_at.is_some()).collect();
    pinned.sort_by(|one, other| (&other.pinned_at, other.id).cmp(&(&one.pinned_at, one.id)));
    pinned
}

fn readable(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, READ_MESSAGE_HISTORY)?;
    Ok(channel.id)
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let channel = readable(world, call)?;
    let limit = call.query_count("limit", 50, (1, 50))?;
    let before = call.query("before");
    let pinned = pinned(world, channel).into_iter();
    let older: Vec<&Message> = pinned
        .filter(|one| before.is_none_or(|before| one.pinned_at.as_deref() < Some(before)))
        .collect();
    let items: Vec<Value> = older
        .iter()
        .take(limit)
        .map(|one| json!({"pinned_at": one.pinned_at, "message": shown(world, one, call.actor)}))
        .collect();
    let has_more = older.len() > limit;
    Ok(RestAnswer::Ok(
        json!({"items": items, "has_more": has_more}),
    ))
}

fn list_old(world: &mut World, call: &RestCall) -> Outcome {
    let channel = readable(world, call)?;
    let pinned = pinned(world, channel).into_iter();
    Ok(RestAnswer::Ok(
        pinned.map(|one| shown(world, one, call.actor)).collect(),
    ))
}

/// The message's place, when the caller may pin there.
fn place(world: &World, call: &RestCall) -> Result<(Id, Id), ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    // The permission of its own is young; the old one still holds.
    let may_manage = in_channel(world, channel, call.actor) & MANAGE_MESSAGES != 0;
    let needed = if may_manage { 0 } else { PIN_MESSAGES };
    require_in_channel(world, channel, call.actor, needed)?;
    let message = world.message(channel.id, call.id("message_id")?, call.actor)?;
    if message.only_for.is_some() {
        return Err(UNKNOWN_MESSAGE.into());
    }
    Ok((channel.id, message.id))
}

fn pin(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call)?;
    if world
        .message(place.0, place.1, call.actor)?
        .pinned_at
        .is_some()
    {
        return Ok(RestAnswer::Nothing);
    }
    if pinned(world, place.0).len() >= MOST {
        return Err(TOO_MANY_PINS.into());
    }
    let now = world.now();
    world.message_mut(place.0, place.1)?.pinned_at = Some(now.clone());
    if let Some(channel) = world.channels.get_mut(&place.0) {
        channel.last_pin = Some(now);
    }
    tell(world, call, place, 74);
    let body = json!({});
    let draft = Draft {
        kind: PIN_MESSAGE,
        ..Draft::plain(call.actor, place.0, &body, &[])
    };
    post::post(world, draft)?;
    Ok(RestAnswer::Nothing)
}

fn unpin(world: &mut World, call: &RestCall) -> Outcome {
    let place = place(world, call)?;
    let message = world.message_mut(place.0, place.1)?;
    if message.pinned_at.take().is_some() {
        tell(world, call, place, 75);
    }
    Ok(RestAnswer::Nothing)
}

fn tell(world: &mut World, call: &RestCall, (channel, message): (Id, Id), action: u64) {
    let last = world
        .channels
        .get(&channel)
        .and_then(|it| it.last_pin.clone());
    let mut data = json!({"channel_id": channel.to_string(), "last_pin_timestamp": last});
    let guild = world.guild_of(channel);
    if let Some(guild) = guild {
        data["guild_id"] = guild.to_string().into();
    }
    world.tell_message("MESSAGE_UPDATE", channel, message);
    world.tell_channel(channel, "CHANNEL_PINS_UPDATE", data);
    let author = world.message(channel, message, call.actor).ok();
    let author = author.map(|message| message.author);
    if let Some(guild) = guild {
        let told = Audited::of(action, author).with("channel_id", channel);
        world.write_audit(guild, call.who_and_why(), told.with("message_id", message));
    }
}
