//! Channels: read, create, change, delete.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use super::{tags, threads};
use crate::sim::errors::{ApiError, Invalid, MISSING_PERMISSIONS, NOT_IN_A_DM};
use crate::sim::ids::{Id, id_in, id_of};
use crate::sim::permissions::{
    self, ADMINISTRATOR, MANAGE_CHANNELS, MANAGE_ROLES, require_in_channel, require_in_guild,
};
use crate::sim::world::{Channel, Overwrite, World, kind};
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
    let overwrites = overwrites(call);
    require_grantable(world, guild, call.actor, &overwrites)?;
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
    world.audit(guild, call.who_and_why(), 10, Some(id));
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

fn overwrites(call: &RestCall) -> Vec<Overwrite> {
    let listed = call
        .field("permission_overwrites")
        .and_then(Value::as_array);
    let read = |one| Overwrite::read(None, one);
    listed.into_iter().flatten().filter_map(read).collect()
}

/// Nobody gives away in an overwrite what they do not have.
pub(super) fn require_grantable(
    world: &World,
    guild: Id,
    actor: Id,
    overwrites: &[Overwrite],
) -> Result<(), ApiError> {
    let guild = world.guild_for(guild, actor)?;
    let held = permissions::in_guild(world, guild, actor);
    let touched = overwrites
        .iter()
        .fold(0, |bits, one| bits | one.allow | one.deny);
    if held & ADMINISTRATOR != 0 || (touched & !held == 0) {
        Ok(())
    } else {
        Err(MISSING_PERMISSIONS.into())
    }
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
        changed.overwrites = overwrites(call);
        require_grantable(world, guild, call.actor, &changed.overwrites)?;
    }
    if let Some(position) = call.field("position").and_then(Value::as_i64) {
        changed.position = position;
    }
    tags::offer(world, call, &mut changed)?;
    call.copy_fields(PLAIN, &mut changed.fields);
    world.keep_channel(changed);
    world.audit(guild, call.who_and_why(), 11, Some(channel.id));
    Ok(RestAnswer::Ok(
        world.show_channel(world.channel(channel.id)?, call.actor),
    ))
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
    forget(world, channel.id);
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
    world.audit(
        guild,
        call.who_and_why(),
        if is_thread { 112 } else { 12 },
        Some(channel.id),
    );
    Ok(RestAnswer::Ok(shown))
}

/// Removes a channel with its messages and threads; channels of a category stay.
fn forget(world: &mut World, id: Id) {
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
    for channel in world
        .channels
        .values_mut()
        .filter(|one| one.parent == Some(id))
    {
        channel.parent = None;
    }
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
        if let Some(position) = one.get("position").and_then(Value::as_i64) {
            channel.position = position;
        }
        if let Some(parent) = one.get("parent_id") {
            channel.parent = id_of(parent);
        }
        world.keep_channel(channel);
    }
    Ok(RestAnswer::Nothing)
}
