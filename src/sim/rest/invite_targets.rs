//! Invites for some users alone: who they are, as a file of their ids.

use super::call::{Outcome, RestAnswer, RestCall, required};
use super::route::{Route, route};
use crate::sim::errors::{ApiError, Invalid, UNKNOWN_INVITE};
use crate::sim::ids::Id;
use crate::sim::permissions::{MANAGE_GUILD, VIEW_AUDIT_LOG, require_in_guild};
use crate::sim::world::{InviteTargets, World};
use serde_json::json;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/invites/{code}/target-users", get),
    route("PUT", "/invites/{code}/target-users", set),
    route("GET", "/invites/{code}/target-users/job-status", status),
];

/// The status of a file that has been read.
const COMPLETED: u64 = 2;

/// The guild of the invite that the path names, when it is the caller's own or they hold one of `enough`.
fn named(world: &World, call: &RestCall, enough: &[u64]) -> Result<Id, ApiError> {
    let invite = world.invites.get(call.text("code")).ok_or(UNKNOWN_INVITE)?;
    let guild = world.guild_for(invite.guild, call.actor)?;
    let may = |needed: &u64| require_in_guild(world, guild, call.actor, *needed);
    if invite.inviter != call.actor && !enough.iter().any(|needed| may(needed).is_ok()) {
        may(&MANAGE_GUILD)?;
    }
    Ok(guild.id)
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = named(world, call, &[MANAGE_GUILD])?;
    let targets = &world.guild_mut(guild)?.collections.invite_targets;
    let users = targets.get(call.text("code")).map(|it| it.users.as_slice());
    let lines = users.into_iter().flatten().map(|user| format!("{user}\n"));
    let text = format!("user_id\n{}", lines.collect::<String>());
    Ok(RestAnswer::File("text/csv", text.into_bytes()))
}

fn set(world: &mut World, call: &RestCall) -> Outcome {
    let guild = named(world, call, &[MANAGE_GUILD])?;
    let file = call.files.first();
    let file = file.ok_or_else(|| required("target_users_file"))?;
    let text = String::from_utf8_lossy(&file.bytes);
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && *line != "user_id");
    let (mut users, mut invalid) = (Vec::new(), Invalid::default());
    for (line, number) in lines {
        match line.parse::<Id>() {
            Ok(user) => users.push(user),
            Err(_) => invalid.at(
                "target_users_file",
                "INVALID_USER_ID",
                format!("Line {number}: invalid user ID format"),
            ),
        }
    }
    invalid.check()?;
    let set_at = world.now();
    let targets = &mut world.guild_mut(guild)?.collections.invite_targets;
    targets.insert(call.text("code").into(), InviteTargets { users, set_at });
    Ok(RestAnswer::Nothing)
}

/// A file is read at once here.
fn status(world: &mut World, call: &RestCall) -> Outcome {
    let guild = named(world, call, &[MANAGE_GUILD, VIEW_AUDIT_LOG])?;
    let targets = &world.guild_mut(guild)?.collections.invite_targets;
    let known = targets.get(call.text("code"));
    let count = known.map_or(0, |it| it.users.len());
    Ok(RestAnswer::Ok(json!({
        "status": if known.is_some() { COMPLETED } else { 0 },
        "total_users": count,
        "processed_users": count,
        "created_at": known.map(|it| it.set_at.as_str()),
        "completed_at": known.map(|it| it.set_at.as_str()),
        "error_message": null,
    })))
}
