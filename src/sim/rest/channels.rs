//! Channels: read, create, change, delete.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use super::{overwrites, tags, threads};
use crate::sim::errors::{ApiError, Invalid, NOT_IN_A_DM};
use crate::sim::ids::{Id, id_in, id_of};
use crate::sim::permissions::{
    self, MANAGE_CHANNELS, MANAGE_ROLES, require_in_channel, require_in_guild,
};
use crate::sim::world::{Audited, Channel, Overwrite, World, kind};
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/channels/{channel_id}", get),
    route("PATCH", "/channels/{channel_id}", update),
    route("DELETE", "/channels/{channel_id}", delete),
    route("GET", "/guilds/{guild_id}/channels", list),
    route("POST", "/guilds/{guild_id}/channels", create),
    route("PATCH", "/guilds/{guild_id}/channels", reorder),
];

/// Fields that are kept as they come.
const PLAIN: &[&str] = &[
    "topic",
    "nsfw",
    "rate_limit_per_user",
    "bitrate",
    "user_limit",
    "rtc_region",
    "video_quality_mode",
    "default_auto_archive_duration",
    "default_thread_rate_limit_per_user",
    "default_reaction_emoji",
    "flags",
    "default_sort_order",
    "default_forum_layout",
];

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, 0)?;
    Ok(RestAnswer::Ok(world.show_channel(channel, call.actor)))
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let channels = world.channels.values();
    let own = channels.filter(|channel| channel.guild == Some(guild) && channel.thread.is_none());
    Ok(RestAnswer::Ok(
        own.map(|channel| world.show_channel(channel, call.actor))
            .collect(),
    ))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_CHANNELS)?;
    let guild = guild.id;
    let of_kind = call
        .field("type")
        .and_then(Value::as_u64)
        .unwrap_or(kind::TEXT);
    let name = call.string("name").unwrap_or_default();
    check_name(name)?;
    let name = proper_name(name, of_kind);
    let parent = parent(world, guild, call)?;
    let overwrites = asked_overwrites(call);
    overwrites::require_grantable(world, guild, call.actor, &overwrites)?;
    let mut tagged = Channel::in_guild(0, guild, of_kind, &name);
    tags::offer(world, call, &mut tagged)?;
    let id = world.add_channel(guild, &name, of_kind, parent);
    if let Some(channel) = world.channels.get_mut(&id) {
        channel.fields = tagged.fields;
        call.copy_fields(PLAIN, &mut channel.fields);
        channel.overwrites = overwrites;
        if let Some(position) = call.field("position").and_then(Value::as_i64) {
            channel.position = position;
        }
    }
    let shown = world.show_channel(world.channel(id)?, call.actor);
    world.tell_guild(guild, "CHANNEL_CREATE", shown.clone());
    let overwrites = &shown["permission_overwrites"];
    let told = Audited::of(10, Some(id)).changed(&Value::Null, &shown);
    let told = told.change("permission_overwrites", None, Some(overwrites));
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Created(shown))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if (1..=100).contains(&name.chars().count()) {
        return Ok(());
    }
    let message = "Must be between 1 and 100 in length.";
    Err(Invalid::one("name", "BASE_TYPE_BAD_LENGTH", message))
}

/// Names of text channels are written in lower case with dashes.
fn proper_name(name: &str, of_kind: u64) -> String {
    if matches!(
        of_kind,
        kind::TEXT | kind::ANNOUNCEMENT | kind::FORUM | kind::MEDIA
    ) {
        name.trim().to_lowercase().replace(char::is_whitespace, "-")
    } else {
        name.trim().to_owned()
    }
}

fn parent(world: &World, guild: Id, call: &RestCall) -> Result<Option<Id>, ApiError> {
    let Some(parent) = call.field("parent_id").and_then(id_of) else {
        return Ok(None);
    };
    let known = world.channels.get(&parent);
    match known.filter(|one| one.guild == Some(guild) && one.kind == kind::CATEGORY) {
        Some(_) => Ok(Some(parent)),
        None => Err(Invalid::one(
            "parent_id",
            "CHANNEL_PARENT_INVALID",
            "Category does not exist",
        )),
    }
}

fn asked_overwrites(call: &RestCall) -> Vec<Overwrite> {
    let listed = call
        .field("permission_overwrites")
        .and_then(Value::as_array);
    let read = |one| Overwrite::read(None, one);
    listed.into_iter().flatten().filter_map(read).collect()
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?.clone();
    let Some(guild) = channel.guild else {
        require_in_channel(world, &channel, call.actor, 0)?;
        return Err(NOT_IN_A_DM.into());
    };
    if channel.thread.is_some() {
        return threads::update(world, call, &channel);
    }
    require_in_channel(world, &channel, call.actor, MANAGE_CHANNELS)?;
    let mut changed = channel.clone();
    if let Some(name) = call.string("name") {
        check_name(name)?;
        changed.name = proper_name(name, channel.kind);
    }
    if call.field("parent_id").is_some() {
        changed.parent = parent(world, guild, call)?;
    }
    if call
        .field("permission_overwrites")
        .is_some_and(Value::is_array)
    {
        require_in_channel(world, &channel, call.actor, MANAGE_ROLES)?;
        changed.overwrites = asked_overwrites(call);
        overwrites::require_grantable(world, guild, call.actor, &changed.overwrites)?;
    }
    if let Some(position) = call.field("position").and_then(Value::as_i64) {
        changed.position = position;
    }
    if let Some(kind) = call.field("type").and_then(Value::as_u64) {
        changed.kind = converted(world, &channel, kind)?;
    }
    tags::offer(world, call, &mut changed)?;
    call.copy_fields(PLAIN, &mut changed.fields);
    let before = world.show_channel(&channel, call.actor);
    let after = world.show_channel(&changed, call.actor);
    let overwrites = changed.overwrites.clone();
    world.keep_channel(changed);
    let told = Audited::of(11, Some(channel.id)).changed(&before, &after);
    if told.has_changes() {
        world.write_audit(guild, call.who_and_why(), told);
    }
    let pair = (channel.overwrites.as_slice(), overwrites.as_slice());
    overwrites::audit(world, call, (guild, channel.id), pair);
    Ok(RestAnswer::Ok(after))
}

/// The type that a channel gets: only text channels become announcement channels and the other way round, in guilds with
/// the feature for them.
fn converted(world: &World, channel: &Channel, asked: u64) -> Result<u64, ApiError> {
    if asked == channel.kind {
        return Ok(asked);
    }
    let is_pair = |one: u64| matches!(one, kind::TEXT | kind::ANNOUNCEMENT);
    let features = world
        .home(channel)
        .and_then(|home| home.fields.get("features"));
    let mut features = features.and_then(Value::as_array).into_iter().flatten();
    let may_be_news = features.any(|feature| feature == "NEWS");
    if is_pair(channel.kind) && is_pair(asked) && may_be_news {
        return Ok(asked);
    }
    let message = "A channel of this type cannot become one of that type here.";
    Err(Invalid::one("type", "CHANNEL_TYPE_INVALID", message))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?.clone();
    let shown = world.show_channel(&channel, call.actor);
    // Closing a direct channel changes nothing for the other side, and nothing here.
    let Some(guild) = channel.guild else {
        require_in_channel(world, &channel, call.actor, 0)?;
        return Ok(RestAnswer::Ok(shown));
    };
    let is_thread = channel.thread.is_some();
    let needed = if is_thread {
        permissions::MANAGE_THREADS
    } else {
        MANAGE_CHANNELS
    };
    require_in_channel(world, &channel, call.actor, needed)?;
    let orphans = forget(world, channel.id);
    let (name, data) = if is_thread {
        let data = json!({
            "id": channel.id.to_string(), "guild_id": guild.to_string(),
            "parent_id": channel.parent.map(|id| id.to_string()), "type": channel.kind,
        });
        ("THREAD_DELETE", data)
    } else {
        ("CHANNEL_DELETE", shown.clone())
    };
    world.tell_guild(guild, name, data);
    for orphan in orphans {
        world.keep_channel(orphan);
    }
    let action = if is_thread { 112 } else { 12 };
    let told = Audited::of(action, Some(channel.id)).changed(&shown, &Value::Null);
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Ok(shown))
}

/// Removes a channel with its messages, threads, webhooks and invites. The channels of a category stay; they are given
/// back without it.
fn forget(world: &mut World, id: Id) -> Vec<Channel> {
    world.empty_voice(id);
    world.messages.remove(&id);
    world.channels.shift_remove(&id);
    let children = world.channels.values().filter(|one| one.parent == Some(id));
    let threads: Vec<Id> = children
        .filter(|one| one.thread.is_some())
        .map(|one| one.id)
        .collect();
    for thread in threads {
        forget(world, thread);
    }
    world.webhooks.retain(|_, hook| hook.channel != id);
    world.invites.retain(|_, invite| invite.channel != id);
    let children = world.channels.values().filter(|one| one.parent == Some(id));
    let orphan = |channel: &Channel| Channel {
        parent: None,
        ..channel.clone()
    };
    children.map(orphan).collect()
}

fn reorder(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_CHANNELS)?;
    let guild = guild.id;
    let moves = call.body.as_array().cloned().unwrap_or_default();
    for one in &moves {
        let known = id_in(one, "id").and_then(|id| world.channels.get(&id));
        let Some(mut channel) = known.filter(|it| it.guild == Some(guild)).cloned() else {
            continue;
        };
        let before = (channel.position, channel.parent);
        if let Some(position) = one.get("position").and_then(Value::as_i64) {
            channel.position = position;
        }
        if let Some(parent) = one.get("parent_id") {
            channel.parent = id_of(parent);
        }
        if before == (channel.position, channel.parent) {
            continue;
        }
        world.keep_channel(channel);
    }
    Ok(RestAnswer::Nothing)
}
