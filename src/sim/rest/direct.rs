//! Users and direct channels.

use super::call::{Outcome, RestAnswer, RestCall};
use super::images;
use super::route::{Route, route};
use crate::sim::errors::Lacking;
use crate::sim::errors::{CANNOT_DM, INVALID_GUILD, Invalid, UNKNOWN_GUILD};
use crate::sim::lacking;
use crate::sim::permissions;
use crate::sim::world::World;
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/users/@me", me),
    route("PATCH", "/users/@me", update_me),
    route("GET", "/users/@me/guilds", my_guilds),
    route("DELETE", "/users/@me/guilds/{guild_id}", leave),
    route("POST", "/users/@me/channels", open_direct),
    route("GET", "/users/{user_id}", get),
];

/// The largest picture, in bytes.
const LARGEST_PICTURE: usize = 10 << 20;

fn me(world: &mut World, call: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(world.user(call.actor)?.show_self()))
}

fn update_me(world: &mut World, call: &RestCall) -> Outcome {
    let name = call.string("username").map(ToOwned::to_owned);
    if let Some(name) = &name
        && !(2..=32).contains(&name.chars().count())
    {
        let message = "Must be between 2 and 32 in length.";
        return Err(Invalid::one("username", "BASE_TYPE_BAD_LENGTH", message));
    }
    let actor = call.actor;
    world.user(actor)?;
    let mut pictures = [None, None];
    for (hash, name) in pictures.iter_mut().zip(["avatar", "banner"]) {
        if let Some(picture) = call.field(name) {
            *hash = Some(images::keep(world, name, picture, LARGEST_PICTURE)?);
        }
    }
    let [avatar, banner] = pictures;
    if let Some(user) = world.users.get_mut(&actor) {
        user.name = name.unwrap_or_else(|| user.name.clone());
        user.avatar = avatar.unwrap_or_else(|| user.avatar.clone());
        user.banner = banner.unwrap_or_else(|| user.banner.clone());
    }
    let shown = world.user(actor)?.show_self();
    world.tell_application(actor, "USER_UPDATE", (None, shown.clone()));
    Ok(RestAnswer::Ok(shown))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(world.user(call.id("user_id")?)?.show()))
}

fn my_guilds(world: &mut World, call: &RestCall) -> Outcome {
    let limit = call.query_count("limit", 200, (1, 200))?;
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let mut found: Vec<_> = world
        .guilds
        .values()
        .filter(|guild| guild.members.contains_key(&call.actor))
        .filter(|guild| {
            before.is_none_or(|id| guild.id < id) && after.is_none_or(|id| guild.id > id)
        })
        .collect();
    found.sort_by_key(|guild| guild.id);
    let shown = found.into_iter().take(limit).map(|guild| {
        json!({
            "id": guild.id.to_string(),
            "name": guild.name,
            "icon": guild.fields.get("icon"),
            "banner": guild.fields.get("banner"),
            "owner": guild.owner == call.actor,
            "permissions": permissions::in_guild(world, guild, call.actor).to_string(),
            "features": [],
            "approximate_member_count": guild.members.len(),
            "approximate_presence_count": guild.members.len(),
        })
    });
    Ok(RestAnswer::Ok(shown.collect()))
}

fn leave(world: &mut World, call: &RestCall) -> Outcome {
    let guild = call.id("guild_id")?;
    if world.guild_for(guild, call.actor).is_err() {
        return Err(UNKNOWN_GUILD.into());
    }
    let home = world.guild_for(guild, call.actor)?;
    if home.owner == call.actor {
        let who = lacking::name(world, call.actor);
        let why = format!("{who} owns {}, and an owner cannot leave.", home.name);
        return Err(Lacking::other(why).refuse(INVALID_GUILD));
    }
    world.leave(guild, call.actor)?;
    Ok(RestAnswer::Nothing)
}

fn open_direct(world: &mut World, call: &RestCall) -> Outcome {
    let other = call.required_id("recipient_id")?;
    world.user(other)?;
    if other == call.actor {
        return Err(CANNOT_DM.into());
    }
    let id = world.direct_channel(call.actor, other)?;
    let shown: Value = world.show_channel(world.channel(id)?, call.actor);
    Ok(RestAnswer::Ok(shown))
}
