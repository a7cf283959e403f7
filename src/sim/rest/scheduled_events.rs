//! Scheduled events of guilds, and who is interested in them.

use super::call::{Outcome, RestAnswer, RestCall, required};
use super::images;
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, EVENT_IS_OVER, Invalid, MISSING_PERMISSIONS, TOO_MANY_EVENTS, UNKNOWN_CHANNEL,
    UNKNOWN_EVENT,
};
use crate::sim::ids::{Id, id_in, id_of, parse_timestamp, timestamp};
use crate::sim::permissions::{
    CONNECT, CREATE_EVENTS, MANAGE_CHANNELS, MANAGE_EVENTS, MOVE_MEMBERS, MUTE_MEMBERS, in_channel,
    in_guild, require_in_channel, require_in_guild,
};
use crate::sim::world::{World, kind};
use serde_json::{Value, json};

const ALL: &str = "/guilds/{guild_id}/scheduled-events";
const ONE: &str = "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}";
const USERS: &str = "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users";
const COUNTS: &str = "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/users/counts";
const EXCEPTIONS: &str =
    "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/exceptions";
const EXCEPTION: &str =
    "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/exceptions/{exception_id}";
const USERS_OF_EXCEPTION: &str = "/guilds/{guild_id}/scheduled-events/{guild_scheduled_event_id}/{guild_scheduled_event_exception_id}/users";

pub(super) const ROUTES: &[Route] = &[
    route("GET", ALL, list),
    route("POST", ALL, create),
    route("GET", ONE, get),
    route("PATCH", ONE, update),
    route("DELETE", ONE, delete),
    route("GET", USERS, users),
    route("GET", COUNTS, counts),
    route("POST", EXCEPTIONS, create_exception),
    route("PATCH", EXCEPTION, update_exception),
    route("DELETE", EXCEPTION, delete_exception),
    route("GET", USERS_OF_EXCEPTION, users_of_exception),
];

/// The kinds of events by where they are.
const STAGE: u64 = 1;
const VOICE: u64 = 2;
const EXTERNAL: u64 = 3;
/// How many events of a guild may be ahead or going on.
const OPEN: usize = 100;
/// The largest picture, in bytes.
const LARGEST_IMAGE: usize = 10 << 20;
/// Fields that are kept as they come.
const PLAIN: [&str; 3] = ["name", "description", "privacy_level"];

/// Fails unless the caller may have a hand in events at that place: all of `needed`, and there what its kind takes.
fn require_place(
    world: &World,
    call: &RestCall,
    event: &Value,
    needed: u64,
) -> Result<(), ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let at_place = match event["entity_type"].as_u64() {
        Some(STAGE) => MANAGE_CHANNELS | MUTE_MEMBERS | MOVE_MEMBERS,
        Some(VOICE) => CONNECT,
        _ => return require_in_guild(world, guild, call.actor, needed),
    };
    let channel = id_in(event, "channel_id").and_then(|id| world.channels.get(&id));
    let channel = channel.filter(|channel| channel.guild == Some(guild.id));
    let wanted = if event["entity_type"] == STAGE {
        kind::STAGE
    } else {
        kind::VOICE
    };
    let Some(channel) = channel.filter(|channel| channel.kind == wanted) else {
        return Err(UNKNOWN_CHANNEL.into());
    };
    require_in_channel(world, channel, call.actor, needed | at_place)
}

/// Whether the caller sees the event: one in a channel with the channel.
fn is_seen(world: &World, actor: Id, event: &Value) -> bool {
    let channel = id_in(event, "channel_id").and_then(|id| world.channels.get(&id));
    channel.is_none_or(|channel| in_channel(world, channel, actor) != 0)
}

/// The guild and the event of the path, when the caller sees it.
fn seen(world: &World, call: &RestCall) -> Result<(Id, Id, Value), ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let id = call.id("guild_scheduled_event_id")?;
    let event = guild.collections.events.find(id, UNKNOWN_EVENT)?;
    if is_seen(world, call.actor, event) {
        Ok((guild.id, id, event.clone()))
    } else {
        Err(UNKNOWN_EVENT.into())
    }
}

/// The guild and the event of the path, when the caller may change it: their own, or all.
fn changeable(world: &World, call: &RestCall) -> Result<(Id, Id, Value), ApiError> {
    let (home, id, event) = seen(world, call)?;
    let guild = world.guild_for(home, call.actor)?;
    let held = in_guild(world, guild, call.actor);
    let is_own = id_in(&event, "creator_id") == Some(call.actor) && held & CREATE_EVENTS != 0;
    let needed = if is_own { 0 } else { MANAGE_EVENTS };
    require_place(world, call, &event, needed)?;
    Ok((home, id, event))
}

fn shown(world: &World, guild: Id, event: &Value, with_count: bool) -> Value {
    let mut event = event.clone();
    if let Some(creator) = id_in(&event, "creator_id") {
        event["creator"] = world.show_user(creator);
    }
    if with_count {
        let id = id_in(&event, "id").unwrap_or(0);
        event["user_count"] = world.interested(guild, id).len().into();
    }
    event
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let with_count = call.query_flag("with_user_count");
    let all = guild.collections.events.all();
    let seen = all.filter(|event| is_seen(world, call.actor, event));
    Ok(RestAnswer::Ok(
        seen.map(|event| shown(world, guild.id, event, with_count))
            .collect(),
    ))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, _, event) = seen(world, call)?;
    let with_count = call.query_flag("with_user_count");
    Ok(RestAnswer::Ok(shown(world, guild, &event, with_count)))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let home = guild.id;
    let mut event = json!({
        "guild_id": home.to_string(),
        "name": null,
        "description": null,
        "channel_id": null,
        "creator_id": call.actor.to_string(),
        "image": null,
        "scheduled_start_time": null,
        "scheduled_end_time": null,
        "privacy_level": 2,
        "status": 1,
        "entity_type": null,
        "entity_id": null,
        "entity_metadata": null,
        "recurrence_rule": null,
        "guild_scheduled_event_exceptions": [],
    });
    apply(world, call, &mut event)?;
    require_place(world, call, &event, CREATE_EVENTS)?;
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let open = guild.collections.events.all();
    let open = open.filter(|event| matches!(event["status"].as_u64(), Some(1 | 2)));
    if open.count() >= OPEN {
        return Err(TOO_MANY_EVENTS.into());
    }
    let id = world.new_id();
    event["id"] = id.to_string().into();
    let events = &mut world.guild_mut(home)?.collections.events;
    events.keep(id, event.clone());
    tell(world, home, "GUILD_SCHEDULED_EVENT_CREATE", &event);
    world.audit(home, call.who_and_why(), 100, Some(id));
    Ok(RestAnswer::Ok(shown(world, home, &event, false)))
}

/// Tells an event to those who see its place.
fn tell(world: &mut World, guild: Id, name: &'static str, event: &Value) {
    world.tell_guild(guild, name, event.clone());
    if let Some(told) = world.outbox.last_mut() {
        told.channel = id_in(event, "channel_id");
    }
}

/// Writes the fields of the body into an event, and checks what comes of it.
fn apply(world: &mut World, call: &RestCall, event: &mut Value) -> Result<(), ApiError> {
    for name in PLAIN {
        if let Some(value) = call.field(name) {
            event[name] = value.clone();
        }
    }
    if let Some(of_kind) = call.field("entity_type").filter(|value| value.is_u64()) {
        event["entity_type"] = of_kind.clone();
    }
    if let Some(channel) = call.field("channel_id") {
        event["channel_id"] = id_of(channel).map(|id| id.to_string()).into();
    }
    if let Some(metadata) = call.field("entity_metadata") {
        event["entity_metadata"] = metadata.clone();
    }
    if let Some(rule) = call.field("recurrence_rule") {
        event["recurrence_rule"] = recurrence(rule);
    }
    if let Some(image) = call.field("image") {
        event["image"] = images::keep(world, "image", image, LARGEST_IMAGE)?.into();
    }
    let mut invalid = Invalid::default();
    for name in ["scheduled_start_time", "scheduled_end_time"] {
        match call.field(name) {
            Some(Value::String(text)) => match parse_timestamp(text) {
                Some(time) => event[name] = timestamp(time).into(),
                None => invalid.at(
                    name,
                    "DATE_TIME_TYPE_PARSE",
                    "Could not parse the given time.",
                ),
            },
            Some(Value::Null) => event[name] = Value::Null,
            _ => {}
        }
    }
    invalid.check()?;
    check_times(world, call, event)?;
    if event["entity_type"] == EXTERNAL {
        event["channel_id"] = Value::Null;
        let location = event["entity_metadata"]["location"].as_str();
        if location.is_none_or(str::is_empty) {
            return Err(required("entity_metadata.location"));
        }
        if event["scheduled_end_time"].is_null() {
            return Err(required("scheduled_end_time"));
        }
    } else {
        event["entity_metadata"] = Value::Null;
        if event["channel_id"].is_null() {
            return Err(required("channel_id"));
        }
    }
    Ok(())
}

fn check_times(world: &World, call: &RestCall, event: &Value) -> Result<(), ApiError> {
    let time = |name: &str| event[name].as_str().and_then(parse_timestamp);
    let (start, end) = (time("scheduled_start_time"), time("scheduled_end_time"));
    let is_new = call.field("scheduled_start_time").is_some();
    if is_new && start.is_some_and(|start| start < world.clock.now()) {
        let code = "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST";
        let message = "Cannot schedule event in the past.";
        return Err(Invalid::one("scheduled_start_time", code, message));
    }
    if end.zip(start).is_some_and(|(end, start)| end <= start) {
        let code = "GUILD_SCHEDULED_EVENT_SCHEDULE_INVALID";
        let message = "Cannot schedule event to end before it starts.";
        return Err(Invalid::one("scheduled_end_time", code, message));
    }
    Ok(())
}

/// A rule of recurrence with all of its fields.
fn recurrence(rule: &Value) -> Value {
    if !rule.is_object() {
        return Value::Null;
    }
    let mut whole = json!({
        "start": null, "end": null, "frequency": null, "interval": 1, "by_weekday": null,
        "by_n_weekday": null, "by_month": null, "by_month_day": null, "by_year_day": null,
        "count": null,
    });
    for (name, value) in rule.as_object().into_iter().flatten() {
        // These cannot be set.
        if !matches!(name.as_str(), "end" | "by_year_day" | "count") && !value.is_null() {
            whole[name.as_str()] = value.clone();
        }
    }
    if let Some(start) = whole["start"].as_str().and_then(parse_timestamp) {
        whole["start"] = timestamp(start).into();
    }
    whole
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut event) = changeable(world, call)?;
    let former = event["status"].as_u64();
    if matches!(former, Some(3 | 4)) {
        return Err(EVENT_IS_OVER.into());
    }
    if let Some(status) = call.field("status").and_then(Value::as_u64) {
        let follows = matches!((former, status), (Some(1), 2 | 4) | (Some(2), 3));
        if former != Some(status) && !follows {
            let code = "TRANSITION_STATUS_INVALID";
            let message = "Invalid Guild Scheduled Event Status Transition";
            return Err(Invalid::one("status", code, message));
        }
        event["status"] = status.into();
    }
    apply(world, call, &mut event)?;
    require_place(world, call, &event, 0)?;
    let events = &mut world.guild_mut(home)?.collections.events;
    events.keep(id, event.clone());
    tell(world, home, "GUILD_SCHEDULED_EVENT_UPDATE", &event);
    world.audit(home, call.who_and_why(), 101, Some(id));
    Ok(RestAnswer::Ok(shown(world, home, &event, false)))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, event) = changeable(world, call)?;
    let collections = &mut world.guild_mut(home)?.collections;
    collections.events.remove(id);
    collections.interested.shift_remove(&id);
    tell(world, home, "GUILD_SCHEDULED_EVENT_DELETE", &event);
    world.audit(home, call.who_and_why(), 102, Some(id));
    Ok(RestAnswer::Nothing)
}

fn users(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, _) = seen(world, call)?;
    let limit = call.query_count("limit", 100, (1, 100))?;
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let mut all = world.interested(home, id).to_vec();
    all.sort_unstable();
    let chosen: Vec<Id> = if let Some(before) = before {
        let below: Vec<Id> = all.into_iter().filter(|user| *user < before).collect();
        let from = below.len().saturating_sub(limit);
        below.into_iter().skip(from).collect()
    } else {
        let above = all.into_iter().filter(|user| *user > after.unwrap_or(0));
        above.take(limit).collect()
    };
    let guild = world.guild_for(home, call.actor)?;
    let show = |user: Id| {
        let mut shown = json!({
            "guild_scheduled_event_id": id.to_string(),
            "user_id": user.to_string(),
            "user": world.show_user(user),
            "response": 1,
        });
        let member = guild.members.get(&user);
        if let Some(member) = member.filter(|_| call.query_flag("with_member")) {
            shown["member"] = world.show_member(member);
        }
        shown
    };
    Ok(RestAnswer::Ok(chosen.into_iter().map(show).collect()))
}

fn counts(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, _) = seen(world, call)?;
    Ok(RestAnswer::Ok(json!({
        "guild_scheduled_event_count": world.interested(home, id).len(),
        "guild_scheduled_event_exception_counts": {},
    })))
}

/// The position of the exception that the path names.
fn exception(event: &Value, call: &RestCall, name: &str) -> Result<usize, ApiError> {
    let id = call.id(name)?;
    let all = event["guild_scheduled_event_exceptions"].as_array();
    let mut all = all.into_iter().flatten();
    let found = all.position(|one| id_in(one, "event_exception_id") == Some(id));
    found.ok_or_else(|| UNKNOWN_EVENT.into())
}

fn keep_changed(world: &mut World, home: Id, (id, event): (Id, Value)) -> Result<(), ApiError> {
    let events = &mut world.guild_mut(home)?.collections.events;
    events.keep(id, event.clone());
    tell(world, home, "GUILD_SCHEDULED_EVENT_UPDATE", &event);
    Ok(())
}

fn write_exception(call: &RestCall, exception: &mut Value) {
    for name in ["scheduled_start_time", "scheduled_end_time"] {
        if let Some(value) = call.field(name) {
            let time = value.as_str().and_then(parse_timestamp);
            exception[name] = time.map(timestamp).into();
        }
    }
    if let Some(canceled) = call.field("is_canceled").and_then(Value::as_bool) {
        exception["is_canceled"] = canceled.into();
    }
}

fn create_exception(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut event) = changeable(world, call)?;
    if event["recurrence_rule"].is_null() {
        return Err(MISSING_PERMISSIONS.into());
    }
    // The id of an exception is made of the time that it replaces.
    let original = call.string("original_scheduled_start_time");
    let original = original.and_then(parse_timestamp);
    let original = original.ok_or_else(|| required("original_scheduled_start_time"))?;
    let mut exception = json!({
        "event_id": id.to_string(),
        "event_exception_id": world.new_id().to_string(),
        "scheduled_start_time": timestamp(original),
        "scheduled_end_time": null,
        "is_canceled": false,
    });
    write_exception(call, &mut exception);
    if let Some(all) = event["guild_scheduled_event_exceptions"].as_array_mut() {
        all.push(exception.clone());
    }
    keep_changed(world, home, (id, event))?;
    world.audit(home, call.who_and_why(), 200, Some(id));
    Ok(RestAnswer::Ok(exception))
}

fn update_exception(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut event) = changeable(world, call)?;
    let index = exception(&event, call, "exception_id")?;
    let one = &mut event["guild_scheduled_event_exceptions"][index];
    write_exception(call, one);
    let shown = one.clone();
    keep_changed(world, home, (id, event))?;
    world.audit(home, call.who_and_why(), 201, Some(id));
    Ok(RestAnswer::Ok(shown))
}

fn delete_exception(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut event) = changeable(world, call)?;
    let index = exception(&event, call, "exception_id")?;
    if let Some(all) = event["guild_scheduled_event_exceptions"].as_array_mut() {
        all.remove(index);
    }
    keep_changed(world, home, (id, event))?;
    world.audit(home, call.who_and_why(), 202, Some(id));
    Ok(RestAnswer::Nothing)
}

fn users_of_exception(world: &mut World, call: &RestCall) -> Outcome {
    let (_, _, event) = seen(world, call)?;
    exception(&event, call, "guild_scheduled_event_exception_id")?;
    // People choose whole events here.
    Ok(RestAnswer::Ok(json!([])))
}
