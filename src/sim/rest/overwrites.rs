//! What single channels allow and deny.

use super::call::{Outcome, RestAnswer, RestCall};
use super::channels::require_grantable;
use super::route::{Route, route};
use crate::sim::errors::{ApiError, NOT_IN_A_DM, UNKNOWN_OVERWRITE};
use crate::sim::ids::Id;
use crate::sim::permissions::{MANAGE_ROLES, require_in_channel};
use crate::sim::world::{Channel, Overwrite, World};

pub(super) const ROUTES: &[Route] = &[
    route(
        "PUT",
        "/channels/{channel_id}/permissions/{overwrite_id}",
        set,
    ),
    route(
        "DELETE",
        "/channels/{channel_id}/permissions/{overwrite_id}",
        remove,
    ),
];

fn manageable(world: &World, call: &RestCall) -> Result<(Channel, Id), ApiError> {
    let channel = world.channel(call.id("channel_id")?)?;
    let guild = channel.guild.ok_or(NOT_IN_A_DM)?;
    require_in_channel(world, channel, call.actor, MANAGE_ROLES)?;
    Ok((channel.clone(), guild))
}

fn set(world: &mut World, call: &RestCall) -> Outcome {
    let (mut channel, guild) = manageable(world, call)?;
    let id = call.id("overwrite_id")?;
    let Some(overwrite) = Overwrite::read(Some(id), &call.body) else {
        return Err(UNKNOWN_OVERWRITE.into());
    };
    let home = world.guild_for(guild, call.actor)?;
    if overwrite.for_member {
        world.user(id)?;
    } else {
        home.role(id)?;
    }
    require_grantable(world, guild, call.actor, std::slice::from_ref(&overwrite))?;
    let known = channel.overwrites.iter().any(|one| one.id == id);
    channel.overwrites.retain(|one| one.id != id);
    channel.overwrites.push(overwrite);
    let place = channel.id;
    world.keep_channel(channel);
    world.audit(
        guild,
        call.who_and_why(),
        if known { 14 } else { 13 },
        Some(place),
    );
    Ok(RestAnswer::Nothing)
}

fn remove(world: &mut World, call: &RestCall) -> Outcome {
    let (mut channel, guild) = manageable(world, call)?;
    let id = call.id("overwrite_id")?;
    let known = channel.overwrites.iter().position(|one| one.id == id);
    channel.overwrites.remove(known.ok_or(UNKNOWN_OVERWRITE)?);
    let place = channel.id;
    world.keep_channel(channel);
    world.audit(guild, call.who_and_why(), 15, Some(place));
    Ok(RestAnswer::Nothing)
}
