//! Integrations of guilds: the bots that are in them.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, UNKNOWN_INTEGRATION};
use crate::sim::ids::Id;
use crate::sim::permissions::{MANAGE_GUILD, require_in_guild};
use crate::sim::world::World;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/integrations", list),
    route(
        "DELETE",
        "/guilds/{guild_id}/integrations/{integration_id}",
        delete,
    ),
];

/// The guild, when the caller may manage its integrations.
fn managed(world: &World, call: &RestCall) -> Result<Id, ApiError> {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    Ok(guild.id)
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let home = world.guild_for(guild, call.actor)?;
    let all = world.applications.values();
    let own = all.filter(|own| home.members.contains_key(&own.id));
    Ok(RestAnswer::Ok(
        own.map(|own| world.show_integration(own)).collect(),
    ))
}

/// Takes an integration away, with its bot and its webhooks.
fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let guild = managed(world, call)?;
    let id = call.id("integration_id")?;
    let home = world.guild_for(guild, call.actor)?;
    if !world.is_application(id) || !home.members.contains_key(&id) {
        return Err(UNKNOWN_INTEGRATION.into());
    }
    world.audit(guild, call.who_and_why(), 82, Some(id));
    world.uninstall(guild, id);
    Ok(RestAnswer::Nothing)
}
