//! Bans.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, MISSING_PERMISSIONS, UNKNOWN_BAN};
use crate::sim::ids::{Id, ids_in, time_of};
use crate::sim::permissions::{BAN_MEMBERS, MANAGE_GUILD, require_above, require_in_guild};
use crate::sim::world::World;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/bans", list),
    route("GET", "/guilds/{guild_id}/bans/{user_id}", get),
    route("PUT", "/guilds/{guild_id}/bans/{user_id}", create),
    route("DELETE", "/guilds/{guild_id}/bans/{user_id}", remove),
    route("POST", "/guilds/{guild_id}/bulk-ban", create_many),
];

/// How many messages one event tells of: as many as one request can delete.
const AT_ONCE: usize = 100;

/// The guild, when the caller may ban in it.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, BAN_MEMBERS)?;
    Ok(guild.id)
}

fn shown(world: &World, user: Id, reason: Option<&str>) -> Value {
    json!({"reason": reason, "user": world.show_user(user)})
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let limit = call.query_count("limit", 1_000, (1, 1_000))?;
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let home = world.guild_for(guild, call.actor)?;
    let mut bans: Vec<_> = home
        .bans
        .iter()
        .filter(|(id, _)| before.is_none_or(|before| **id < before))
        .filter(|(id, _)| after.is_none_or(|after| **id > after))
        .collect();
    bans.sort_by_key(|(id, _)| **id);
    let bans = bans.into_iter().take(limit);
    Ok(RestAnswer::Ok(
        bans.map(|(id, reason)| shown(world, *id, reason.as_deref()))
            .collect(),
    ))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let user = call.id("user_id")?;
    let home = world.guild_for(guild, call.actor)?;
    let reason = home.bans.get(&user).ok_or(UNKNOWN_BAN)?;
    Ok(RestAnswer::Ok(shown(world, user, reason.as_deref())))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let user = call.id("user_id")?;
    world.user(user)?;
    ban(world, call, guild, user)?;
    Ok(RestAnswer::Nothing)
}

/// Bans one user, whether or not a member.
fn ban(world: &mut World, call: &RestCall, guild: Id, user: Id) -> Result<(), ApiError> {
    let home = world.guild_for(guild, call.actor)?;
    if home.members.contains_key(&user) {
        require_above(world, home, call.actor, user)?;
    }
    if home.bans.contains_key(&user) {
        return Ok(());
    }
    let is_member = home.members.contains_key(&user);
    let reason = call.reason.clone();
    world.guild_mut(guild)?.bans.insert(user, reason);
    let data = json!({"guild_id": guild.to_string(), "user": world.show_user(user)});
    world.tell_guild(guild, "GUILD_BAN_ADD", data);
    if is_member {
        world.leave(guild, user)?;
    }
    let days = call.field("delete_message_days").and_then(Value::as_u64);
    let seconds = call.field("delete_message_seconds").and_then(Value::as_u64);
    let seconds = seconds.or(days.map(|days| days * 86_400)).unwrap_or(0);
    forget_messages(world, guild, user, Duration::from_secs(seconds));
    world.audit(guild, call.who_and_why(), 22, Some(user));
    Ok(())
}

/// Deletes what a user wrote lately.
fn forget_messages(world: &mut World, guild: Id, user: Id, reach: Duration) {
    if reach.is_zero() {
        return;
    }
    let oldest = world.clock.now().saturating_sub(reach);
    let channels = world
        .channels
        .values()
        .filter(|one| one.guild == Some(guild));
    let channels: Vec<Id> = channels.map(|channel| channel.id).collect();
    for channel in channels {
        let messages = world.messages.get(&channel).into_iter().flatten();
        let own = messages.filter(|(id, message)| {
            let is_shown = message.webhook.is_none() && message.only_for.is_none();
            message.author == user && is_shown && time_of(**id) >= oldest
        });
        let ids: Vec<Id> = own.map(|(id, _)| *id).collect();
        for ids in ids.chunks(AT_ONCE) {
            world.remove_messages(channel, ids);
        }
    }
}

fn remove(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let user = call.id("user_id")?;
    let home = world.guild_mut(guild)?;
    home.bans.shift_remove(&user).ok_or(UNKNOWN_BAN)?;
    let data = json!({"guild_id": guild.to_string(), "user": world.show_user(user)});
    world.tell_guild(guild, "GUILD_BAN_REMOVE", data);
    world.audit(guild, call.who_and_why(), 23, Some(user));
    Ok(RestAnswer::Nothing)
}

fn create_many(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let home = world.guild_for(guild, call.actor)?;
    require_in_guild(world, home, call.actor, MANAGE_GUILD)?;
    let (mut banned, mut failed) = (Vec::new(), Vec::new());
    for user in ids_in(&call.body, "user_ids") {
        let done = user != call.actor && ban(world, call, guild, user).is_ok();
        let list = if done { &mut banned } else { &mut failed };
        list.push(user.to_string());
    }
    if banned.is_empty() {
        return Err(MISSING_PERMISSIONS.into());
    }
    Ok(RestAnswer::Ok(
        json!({"banned_users": banned, "failed_users": failed}),
    ))
}
