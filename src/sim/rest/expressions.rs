//! What emoji, stickers and sounds of a guild have in common: who may make, change and see what of them.

use super::call::{Outcome, RestAnswer, RestCall};
use crate::sim::errors::{ApiError, Invalid, Known};
use crate::sim::ids::{Id, id_in};
use crate::sim::lacking;
use crate::sim::permissions::{
    CREATE_GUILD_EXPRESSIONS, MANAGE_GUILD_EXPRESSIONS, in_guild, require_in_guild,
};
use crate::sim::world::{Collection, Guild, World, without_creator};
use serde_json::Value;

/// Bots name expressions by letters, digits and underscores.
const NAME: fn(char) -> bool = |one| one.is_ascii_alphanumeric() || one == '_';

/// One of these kinds.
pub(super) struct Kind {
    /// Where a guild has them.
    pub(super) of: fn(&Guild) -> &Collection,
    /// The parameter of the path that names one.
    pub(super) parameter: &'static str,
    /// Discord's error for one that there is not.
    pub(super) unknown: Known,
}

/// All that a guild has of a kind, as the caller sees them.
pub(super) fn listed(world: &World, call: &RestCall, kind: &Kind) -> Result<Vec<Value>, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let all = (kind.of)(guild).all();
    Ok(all
        .map(|thing| shown(world, guild, call.actor, thing))
        .collect())
}

/// The one in the path, as the caller sees it.
pub(super) fn found(world: &World, call: &RestCall, kind: &Kind) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let thing = (kind.of)(guild).find(call.id(kind.parameter)?, kind.unknown)?;
    Ok(RestAnswer::Ok(shown(world, guild, call.actor, thing)))
}

/// The guild and the one in the path, when the caller may change it.
pub(super) fn changeable(
    world: &World,
    call: &RestCall,
    kind: &Kind,
) -> Result<(Id, Id, Value), ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let id = call.id(kind.parameter)?;
    let thing = (kind.of)(guild).find(id, kind.unknown)?;
    require_changing(world, guild, call.actor, thing)?;
    Ok((guild.id, id, thing.clone()))
}

/// The guild, when the caller may make an expression in it.
pub(super) fn require_making<'a>(world: &'a World, call: &RestCall) -> Result<&'a Guild, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, CREATE_GUILD_EXPRESSIONS)?;
    Ok(guild)
}

/// Fails unless the caller may change an expression: their own, or with the permission for everybody's.
fn require_changing(
    world: &World,
    guild: &Guild,
    actor: Id,
    thing: &Value,
) -> Result<(), ApiError> {
    let held = in_guild(world, guild, actor);
    let is_own = id_in(&thing["user"], "id") == Some(actor);
    if held & MANAGE_GUILD_EXPRESSIONS != 0 || (is_own && held & CREATE_GUILD_EXPRESSIONS != 0) {
        Ok(())
    } else {
        let needed = MANAGE_GUILD_EXPRESSIONS;
        Err(lacking::in_whole_guild(world, guild, actor, needed))
    }
}

/// An expression as the caller sees it: who made it is for those who may make or change some.
fn shown(world: &World, guild: &Guild, actor: Id, thing: &Value) -> Value {
    let enough = CREATE_GUILD_EXPRESSIONS | MANAGE_GUILD_EXPRESSIONS;
    if in_guild(world, guild, actor) & enough != 0 {
        thing.clone()
    } else {
        without_creator(thing)
    }
}

/// The name of an emoji.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    if name.chars().all(NAME) {
        return Ok(());
    }
    let message = "String value did not match validation regex.";
    Err(Invalid::one("name", "STRING_TYPE_REGEX", message))
}

/// How many expressions a guild has room for, by its boosts' tier.
pub(super) fn room(guild: &Guild, by_tier: [usize; 4]) -> usize {
    let tier = guild.fields.get("premium_tier").and_then(Value::as_u64);
    let tier = usize::try_from(tier.unwrap_or(0)).unwrap_or(0);
    by_tier.get(tier).copied().unwrap_or(by_tier[0])
}
