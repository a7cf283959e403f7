//! Guilds and their audit logs.

use super::call::{Outcome, RestAnswer, RestCall};
use super::images;
use super::route::{Route, route};
use super::webhooks;
use crate::sim::errors::{ApiError, Invalid};
use crate::sim::ids::Id;
use crate::sim::permissions::{ADMINISTRATOR, MANAGE_GUILD, VIEW_AUDIT_LOG, require_in_guild};
use crate::sim::world::{AuditEntry, Audited, Guild, World, kind};
use serde_json::{Map, Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}", get),
    route("PATCH", "/guilds/{guild_id}", update),
    route("GET", "/guilds/{guild_id}/preview", preview),
    route("GET", "/guilds/{guild_id}/audit-logs", audit_log),
];

/// Fields that are kept as they come.
const PLAIN: &[&str] = &[
    "verification_level",
    "default_message_notifications",
    "explicit_content_filter",
    "afk_channel_id",
    "afk_timeout",
    "system_channel_id",
    "system_channel_flags",
    "rules_channel_id",
    "public_updates_channel_id",
    "safety_alerts_channel_id",
    "preferred_locale",
    "description",
    "premium_progress_bar_enabled",
];

/// The features that can be switched, <https://docs.discord.com/developers/resources/guild#mutable-guild-features>.
const SWITCHES: [&str; 4] = [
    COMMUNITY,
    "DISCOVERABLE",
    "INVITES_DISABLED",
    "RAID_ALERTS_DISABLED",
];
const COMMUNITY: &str = "COMMUNITY";

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let mut shown = guild.show();
    if call.query_flag("with_counts") {
        shown["approximate_member_count"] = guild.members.len().into();
        shown["approximate_presence_count"] = world.present(guild).len().into();
    }
    Ok(RestAnswer::Ok(shown))
}

fn preview(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(RestAnswer::Ok(json!({
        "id": guild.id.to_string(),
        "name": guild.name,
        "icon": null, "splash": null, "discovery_splash": null, "home_header": null,
        "emojis": guild.collections.emojis.list_without_creators(),
        "stickers": guild.collections.stickers.list_without_creators(),
        "features": [],
        "description": guild.fields.get("description"),
        "approximate_member_count": guild.members.len(),
        "approximate_presence_count": world.present(guild).len(),
    })))
}

/// The largest picture, in bytes.
const LARGEST_PICTURE: usize = 10 << 20;

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    let (id, before) = (guild.id, guild.show());
    let name = call.string("name").map(ToOwned::to_owned);
    if let Some(name) = &name
        && !(2..=100).contains(&name.chars().count())
    {
        let message = "Must be between 2 and 100 in length.";
        return Err(Invalid::one("name", "BASE_TYPE_BAD_LENGTH", message));
    }
    let features = features(world, call, id)?;
    let mut pictures = Map::new();
    for name in ["icon", "splash", "discovery_splash", "banner"] {
        if let Some(picture) = call.field(name) {
            let hash = images::keep(world, name, picture, LARGEST_PICTURE)?;
            pictures.insert(name.into(), hash.into());
        }
    }
    let guild = world.guild_mut(id)?;
    guild.fields.extend(pictures);
    if let Some(name) = name {
        guild.name = name;
    }
    call.copy_fields(PLAIN, &mut guild.fields);
    if let Some(features) = features {
        guild.fields.insert("features".into(), features);
    }
    let shown = guild.show();
    world.tell_guild(id, "GUILD_UPDATE", shown.clone());
    let told = Audited::of(1, Some(id)).changed(&before, &shown);
    if told.has_changes() {
        world.write_audit(id, call.who_and_why(), told);
    }
    Ok(RestAnswer::Ok(shown))
}

/// The features of the guild with those switched that the body has on or off, if it has any.
fn features(world: &World, call: &RestCall, id: Id) -> Result<Option<Value>, ApiError> {
    let Some(Value::Array(wanted)) = call.field("features") else {
        return Ok(None);
    };
    let guild = world.guild_for(id, call.actor)?;
    let known = guild.fields.get("features").and_then(Value::as_array);
    let mut features = known.cloned().unwrap_or_default();
    for switch in SWITCHES {
        let switch = json!(switch);
        let (is_on, was_on) = (wanted.contains(&switch), features.contains(&switch));
        if is_on == was_on {
            continue;
        }
        if switch == COMMUNITY {
            require_in_guild(world, guild, call.actor, ADMINISTRATOR)?;
            if is_on {
                require_channels(guild, call)?;
            }
            // A community can have announcement channels.
            features.retain(|feature| *feature != "NEWS");
            features.extend(is_on.then(|| json!("NEWS")));
        }
        features.retain(|feature| *feature != switch);
        features.extend(is_on.then_some(switch));
    }
    Ok(Some(features.into()))
}

/// Fails unless a guild that becomes a community has the channels of one.
fn require_channels(guild: &Guild, call: &RestCall) -> Result<(), ApiError> {
    let mut invalid = Invalid::default();
    for name in ["rules_channel_id", "public_updates_channel_id"] {
        let channel = call.field(name).or(guild.fields.get(name));
        if channel.is_none_or(Value::is_null) {
            invalid.at(name, "BASE_TYPE_REQUIRED", "This field is required");
        }
    }
    invalid.check()
}

fn audit_log(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, VIEW_AUDIT_LOG)?;
    let limit = call.query_count("limit", 50, (1, 100))?;
    let (user, target) = (call.query_id("user_id")?, call.query_id("target_id")?);
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let action: Option<u64> = call.query("action_type").and_then(|it| it.parse().ok());
    let wanted = |entry: &&AuditEntry| {
        user.is_none_or(|user| entry.actor == user)
            && target.is_none_or(|target| entry.told.target == Some(target))
            && action.is_none_or(|action| entry.told.action == action)
            && before.is_none_or(|before| entry.id() < before)
            && after.is_none_or(|after| entry.id() > after)
    };
    let wanted_entries = guild.audit.iter().filter(wanted);
    // After an id, the oldest come first.
    let entries: Vec<&AuditEntry> = if after.is_some() && before.is_none() {
        wanted_entries.take(limit).collect()
    } else {
        wanted_entries.rev().take(limit).collect()
    };
    Ok(RestAnswer::Ok(show_log(world, guild, &entries)))
}

/// Entries with what they refer to.
fn show_log(world: &World, guild: &Guild, entries: &[&AuditEntry]) -> Value {
    let targets = || entries.iter().filter_map(|entry| entry.told.target);
    let mut users: Vec<Id> = entries.iter().map(|entry| entry.actor).collect();
    users.extend(targets().filter(|id| world.users.contains_key(id)));
    users.sort_unstable();
    users.dedup();
    let mut others: Vec<Id> = targets().collect();
    others.sort_unstable();
    others.dedup();
    let threads = others.iter().filter_map(|id| world.channels.get(id));
    let threads = threads.filter(|channel| {
        let is_thread = channel.thread.is_some() && channel.guild == Some(guild.id);
        is_thread && channel.kind != kind::PRIVATE_THREAD
    });
    let threads: Vec<Value> = threads
        .map(|thread| world.show_channel(thread, 0))
        .collect();
    let webhooks = others.iter().filter_map(|id| world.webhooks.get(id));
    let webhooks: Vec<Value> = webhooks
        .map(|hook| webhooks::shown(world, hook, false))
        .collect();
    let users: Vec<Value> = users.into_iter().map(|id| world.show_user(id)).collect();
    let entries: Vec<Value> = entries.iter().map(|entry| entry.show()).collect();
    json!({
        "audit_log_entries": entries, "users": users, "application_commands": [],
        "auto_moderation_rules": [], "guild_scheduled_events": [], "integrations": [],
        "threads": threads, "webhooks": webhooks,
    })
}
