//! Members who have not been there for long are counted, and put out.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, Invalid};
use crate::sim::ids::{Id, ids_in, parse_timestamp, time_of};
use crate::sim::permissions::{KICK_MEMBERS, MANAGE_GUILD, require_in_guild};
use crate::sim::world::{Guild, Member, World};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/prune", preview),
    route("POST", "/guilds/{guild_id}/prune", prune),
];

const DAY: u64 = 24 * 60 * 60;
/// How many days without a sign are meant when none are named.
const DAYS: u64 = 7;

/// Who has not been there for that many days and has no role, or only some of `roles`.
fn absent(world: &World, guild: &Guild, days: u64, roles: &[Id]) -> Vec<Id> {
    let since = world
        .clock
        .now()
        .saturating_sub(Duration::from_secs(days * DAY));
    let wrote = |user: Id| {
        let channels = world.channels.values();
        let channels = channels.filter(|channel| channel.guild == Some(guild.id));
        let messages = channels.filter_map(|channel| world.messages.get(&channel.id));
        let own = messages.filter_map(|all| {
            let mut newest = all.values().rev();
            newest.find(|message| message.author == user)
        });
        own.map(|message| time_of(message.id)).max()
    };
    let is_away = |member: &Member| {
        let joined = parse_timestamp(&member.joined_at).unwrap_or_default();
        joined < since && wrote(member.user).is_none_or(|at| at < since)
    };
    let members = guild.members.values();
    members
        .filter(|member| member.user != guild.owner)
        .filter(|member| !world.users.get(&member.user).is_some_and(|user| user.bot))
        .filter(|member| member.roles.iter().all(|role| roles.contains(role)))
        .filter(|member| is_away(member))
        .map(|member| member.user)
        .collect()
}

/// The guild, when the caller may put members out in this way.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, KICK_MEMBERS | MANAGE_GUILD)?;
    Ok(guild.id)
}

/// The roles of a text with commas between them, or of a list.
fn roles(text: Option<&str>, body: &Value) -> Vec<Id> {
    let text = text.or_else(|| body["include_roles"].as_str());
    let named = text.into_iter().flat_map(|text| text.split(','));
    let named = named.filter_map(|id| id.trim().parse().ok());
    named.chain(ids_in(body, "include_roles")).collect()
}

fn preview(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let days = call.query_count("days", 7, (1, 30))?;
    let roles = roles(call.query("include_roles"), &Value::Null);
    let days = u64::try_from(days).unwrap_or(DAYS);
    let found = absent(world, world.guild_for(guild, call.actor)?, days, &roles);
    Ok(RestAnswer::Ok(json!({"pruned": found.len()})))
}

fn prune(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let days = call.field("days").and_then(Value::as_u64).unwrap_or(DAYS);
    if !(1..=30).contains(&days) {
        let message = "int value should be between 1 and 30.";
        return Err(Invalid::one("days", "NUMBER_TYPE_MAX", message));
    }
    let roles = roles(None, &call.body);
    let found = absent(world, world.guild_for(guild, call.actor)?, days, &roles);
    for user in &found {
        world.leave(guild, *user)?;
    }
    world.audit(guild, call.who_and_why(), 21, None);
    let is_counted = call.body["compute_prune_count"] != false;
    let count = is_counted.then_some(found.len());
    Ok(RestAnswer::Ok(json!({ "pruned": count })))
}
