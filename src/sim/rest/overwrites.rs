//! What single channels allow and deny.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, NOT_IN_A_DM, UNKNOWN_OVERWRITE};
use crate::sim::ids::Id;
use crate::sim::lacking;
use crate::sim::permissions::{self, ADMINISTRATOR, MANAGE_ROLES, require_in_channel};
use crate::sim::world::{Audited, Channel, Overwrite, World};

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
    let before = channel.overwrites.clone();
    channel.overwrites.retain(|one| one.id != id);
    channel.overwrites.push(overwrite);
    let (place, after) = (channel.id, channel.overwrites.clone());
    world.keep_channel(channel);
    audit(world, call, (guild, place), (&before, &after));
    Ok(RestAnswer::Nothing)
}

fn remove(world: &mut World, call: &RestCall) -> Outcome {
    let (mut channel, guild) = manageable(world, call)?;
    let id = call.id("overwrite_id")?;
    let before = channel.overwrites.clone();
    let known = channel.overwrites.iter().position(|one| one.id == id);
    channel.overwrites.remove(known.ok_or(UNKNOWN_OVERWRITE)?);
    let (place, after) = (channel.id, channel.overwrites.clone());
    world.keep_channel(channel);
    audit(world, call, (guild, place), (&before, &after));
    Ok(RestAnswer::Nothing)
}

/// Writes an entry for each overwrite of a channel that was made (13), changed (14) or removed (15).
pub(super) fn audit(
    world: &mut World,
    call: &RestCall,
    (guild, channel): (Id, Id),
    (before, after): (&[Overwrite], &[Overwrite]),
) {
    let find = |list: &[Overwrite], id: Id| list.iter().find(|one| one.id == id).cloned();
    let new = after.iter().filter(|one| find(before, one.id).is_none());
    let ids: Vec<Id> = before.iter().chain(new).map(|one| one.id).collect();
    for id in ids {
        let (old, new) = (find(before, id), find(after, id));
        let Some(one) = new.as_ref().or(old.as_ref()) else {
            continue;
        };
        let action = match (&old, &new) {
            (None, _) => 13,
            (Some(_), Some(_)) => 14,
            (Some(_), None) => 15,
        };
        let shown = |one: &Option<Overwrite>| {
            let mut shown = one.as_ref().map(Overwrite::show).unwrap_or_default();
            // These are how an overwrite is made and removed, and never change.
            if action == 14
                && let Some(fields) = shown.as_object_mut()
            {
                fields.shift_remove("type");
            }
            shown
        };
        let mut told = Audited::of(action, Some(channel)).changed(&shown(&old), &shown(&new));
        if !told.has_changes() {
            continue;
        }
        told = told.with("id", id).with("type", u8::from(one.for_member));
        let home = world.guilds.get(&guild);
        if let Some(role) = home.and_then(|home| home.roles.get(&id)) {
            told = told.with("role_name", &role.name);
        }
        world.write_audit(guild, call.who_and_why(), told);
    }
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
        let missing = touched & !held;
        Err(lacking::in_whole_guild(world, guild, actor, missing))
    }
}
