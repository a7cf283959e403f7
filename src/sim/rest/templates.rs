//! Templates: a guild's roles and channels, to make others like it.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, HAS_A_TEMPLATE, UNKNOWN_GUILD, UNKNOWN_TEMPLATE};
use crate::sim::ids::Id;
use crate::sim::permissions::{MANAGE_GUILD, require_in_guild};
use crate::sim::world::{Channel, World, kind};
use serde_json::{Value, json};
use std::collections::HashMap;

const OF_GUILD: &str = "/guilds/{guild_id}/templates";
const ONE: &str = "/guilds/{guild_id}/templates/{code}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/templates/{code}", get),
    route("GET", OF_GUILD, list),
    route("POST", OF_GUILD, create),
    route("PUT", ONE, sync),
    route("PATCH", ONE, update),
    route("DELETE", ONE, delete),
];

/// The guild, when the caller may manage it.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    Ok(guild.id)
}

/// The guild, and its template, which the path names.
fn named(world: &World, call: &RestCall) -> Result<(Id, Value), ApiError> {
    let guild = managed(world, call)?;
    let template = &world.guild_for(guild, call.actor)?.collections.template;
    if template["code"].as_str() == Some(call.text("code")) {
        Ok((guild, template.clone()))
    } else {
        Err(UNKNOWN_TEMPLATE.into())
    }
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let mut guilds = world.guilds.values();
    let template = guilds.find_map(|guild| {
        let template = &guild.collections.template;
        (template["code"].as_str() == Some(call.text("code"))).then_some(template)
    });
    Ok(RestAnswer::Ok(template.ok_or(UNKNOWN_TEMPLATE)?.clone()))
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let template = &world.guild_mut(guild)?.collections.template;
    let all = Some(template).filter(|template| !template.is_null());
    Ok(RestAnswer::Ok(all.into_iter().cloned().collect()))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    if !world.guild_mut(guild)?.collections.template.is_null() {
        return Err(HAS_A_TEMPLATE.into());
    }
    let now = world.now();
    let template = json!({
        "code": format!("sim{:x}", world.new_id() >> 12),
        "name": call.string("name"),
        "description": call.string("description"),
        "usage_count": 0,
        "creator_id": call.actor.to_string(),
        "creator": world.show_user(call.actor),
        "created_at": now,
        "updated_at": now,
        "source_guild_id": guild.to_string(),
        "serialized_source_guild": snapshot(world, guild)?,
        "is_dirty": null,
    });
    keep(world, guild, template)
}

fn keep(world: &mut World, guild: Id, template: Value) -> Outcome {
    let kept = &mut world.guild_mut(guild)?.collections.template;
    kept.clone_from(&template);
    Ok(RestAnswer::Ok(template))
}

fn sync(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, mut template) = named(world, call)?;
    template["serialized_source_guild"] = snapshot(world, guild)?;
    template["updated_at"] = world.now().into();
    keep(world, guild, template)
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, mut template) = named(world, call)?;
    for name in ["name", "description"] {
        if let Some(value) = call.field(name) {
            template[name] = value.clone();
        }
    }
    keep(world, guild, template)
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (guild, template) = named(world, call)?;
    world.guild_mut(guild)?.collections.template = Value::Null;
    Ok(RestAnswer::Ok(template))
}

/// The type that a channel has in a template, which knows nothing of what only communities have.
fn plain_kind(kind: u64) -> u64 {
    match kind {
        kind::ANNOUNCEMENT => kind::TEXT,
        kind::STAGE => kind::VOICE,
        kind::MEDIA => kind::FORUM,
        other => other,
    }
}

/// The guild as templates hold it: with small numbers in the place of ids, @everyone's being 0.
fn snapshot(world: &World, guild: Id) -> Result<Value, ApiError> {
    let home = world.guilds.get(&guild).ok_or(UNKNOWN_GUILD)?;
    let field = |name: &str| home.fields.get(name).cloned().unwrap_or_default();
    let channels: Vec<&Channel> = world
        .channels
        .values()
        .filter(|one| one.guild == Some(guild) && one.thread.is_none())
        .collect();
    let roles: HashMap<Id, usize> = home.roles.keys().copied().zip(0..).collect();
    let places: HashMap<Id, usize> = channels.iter().map(|one| one.id).zip(1..).collect();
    let place = |id: Option<Id>| id.and_then(|id| places.get(&id)).map(ToString::to_string);
    let shown_roles = home.roles.values().map(|role| {
        json!({
            "id": roles.get(&role.id),
            "name": role.name,
            "permissions": role.permissions.to_string(),
            "color": role.color,
            "colors": {
                "primary_color": role.color, "secondary_color": null, "tertiary_color": null,
            },
            "hoist": role.hoist,
            "mentionable": role.mentionable,
            "icon": null,
            "unicode_emoji": role.emoji,
        })
    });
    let shown_channels = channels.iter().map(|one| {
        let field = |name: &str| one.fields.get(name).cloned().unwrap_or_default();
        let number = |name: &str, default: u64| field(name).as_u64().unwrap_or(default);
        let overwrites = one.overwrites.iter().filter(|it| !it.for_member);
        let overwrites = overwrites.filter_map(|it| {
            Some(json!({
                "id": roles.get(&it.id)?.to_string(), "type": 0,
                "allow": it.allow.to_string(), "deny": it.deny.to_string(),
            }))
        });
        json!({
            "id": places.get(&one.id),
            "type": plain_kind(one.kind),
            "name": one.name,
            "position": one.position,
            "topic": field("topic"),
            "bitrate": number("bitrate", 64_000),
            "user_limit": number("user_limit", 0),
            "nsfw": field("nsfw") == true,
            "rate_limit_per_user": number("rate_limit_per_user", 0),
            "parent_id": place(one.parent),
            "default_auto_archive_duration": field("default_auto_archive_duration"),
            "permission_overwrites": overwrites.collect::<Vec<_>>(),
            "available_tags": null,
            "template": "",
            "default_reaction_emoji": null,
            "default_thread_rate_limit_per_user": null,
            "default_sort_order": null,
            "default_forum_layout": null,
            "default_tag_setting": null,
            "theme_color": null,
        })
    });
    Ok(json!({
        "name": home.name,
        "description": field("description"),
        "region": null,
        "verification_level": field("verification_level"),
        "default_message_notifications": field("default_message_notifications"),
        "explicit_content_filter": field("explicit_content_filter"),
        "preferred_locale": field("preferred_locale"),
        "afk_channel_id": null,
        "afk_timeout": field("afk_timeout"),
        "system_channel_id": null,
        "system_channel_flags": field("system_channel_flags"),
        "roles": shown_roles.collect::<Vec<_>>(),
        "channels": shown_channels.collect::<Vec<_>>(),
    }))
}
