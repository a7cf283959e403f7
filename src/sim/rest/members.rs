//! Members: read, search, change, kick.

use super::call::{Outcome, RestAnswer, RestCall};
use super::images;
use super::roles::{require_assignable, roles_changed};
use super::route::{Route, route};
use super::voice;
use crate::sim::errors::{ApiError, BANNED, INVALID_ACCESS_TOKEN, Invalid, NOT_IN_VOICE};
use crate::sim::ids::{Id, ids_in, parse_timestamp, timestamp};
use crate::sim::lacking;
use crate::sim::permissions::{
    ADMINISTRATOR, CHANGE_NICKNAME, CREATE_INSTANT_INVITE, DEAFEN_MEMBERS, KICK_MEMBERS,
    MANAGE_NICKNAMES, MANAGE_ROLES, MODERATE_MEMBERS, MUTE_MEMBERS, in_guild, require_above,
    require_in_guild,
};
use crate::sim::world::{Audited, Guild, Member, World};
use serde_json::Value;
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/guilds/{guild_id}/members", list),
    route("GET", "/guilds/{guild_id}/members/search", search),
    route("PUT", "/guilds/{guild_id}/members/{user_id}", add),
    route("PATCH", "/guilds/{guild_id}/members/@me", update_me),
    route("GET", "/guilds/{guild_id}/members/{user_id}", get),
    route("PATCH", "/guilds/{guild_id}/members/{user_id}", update),
    route("DELETE", "/guilds/{guild_id}/members/{user_id}", kick),
    route("GET", "/users/@me/guilds/{guild_id}/member", get_me),
];

/// The longest timeout.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(28 * 24 * 60 * 60);

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let user = call.id("user_id")?;
    world.user(user)?;
    Ok(RestAnswer::Ok(world.show_member(guild.member(user)?)))
}

fn get_me(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    Ok(RestAnswer::Ok(world.show_member(guild.member(call.actor)?)))
}

fn shown(world: &World, guild: &Guild, wanted: impl Fn(&Member) -> bool, limit: usize) -> Value {
    let mut found: Vec<&Member> = guild.members.values().filter(|one| wanted(one)).collect();
    found.sort_by_key(|member| member.user);
    let found = found.into_iter().take(limit);
    found.map(|member| world.show_member(member)).collect()
}

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let limit = call.query_count("limit", 1, (1, 1_000))?;
    let after = call.query_id("after")?.unwrap_or(0);
    Ok(RestAnswer::Ok(shown(
        world,
        guild,
        |member| member.user > after,
        limit,
    )))
}

fn search(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    let limit = call.query_count("limit", 1, (1, 1_000))?;
    let Some(query) = call.query("query").map(str::to_lowercase) else {
        return Err(super::call::required("query"));
    };
    let named = |member: &Member| {
        let user = world.users.get(&member.user);
        let names = [
            member.nick.as_deref(),
            user.map(|user| user.name.as_str()),
            user.and_then(|user| user.global_name.as_deref()),
        ];
        let mut names = names.into_iter().flatten();
        names.any(|name| name.to_lowercase().starts_with(&query))
    };
    Ok(RestAnswer::Ok(shown(world, guild, named, limit)))
}

/// Lets a user in who has given the application a token for that. Any token is taken: there is no login here.
fn add(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, CREATE_INSTANT_INVITE)?;
    let (home, user) = (guild.id, call.id("user_id")?);
    world.user(user)?;
    if call.string("access_token").is_none_or(str::is_empty) {
        return Err(INVALID_ACCESS_TOKEN.into());
    }
    if guild.members.contains_key(&user) {
        return Ok(RestAnswer::Nothing);
    }
    if guild.bans.contains_key(&user) {
        return Err(BANNED.into());
    }
    let roles = ids_in(&call.body, "roles");
    if !roles.is_empty() {
        require_in_guild(world, guild, call.actor, MANAGE_ROLES)?;
    }
    for role in &roles {
        require_assignable(world, home, call.actor, *role)?;
    }
    let nick = call.field("nick").filter(|nick| nick.is_string());
    if let Some(nick) = nick {
        require_in_guild(world, guild, call.actor, MANAGE_NICKNAMES)?;
        check_nick(nick)?;
    }
    world.join(home, user)?;
    if let Some(member) = world.guild_mut(home)?.members.get_mut(&user) {
        member.roles = roles;
        member.nick = nick.and_then(Value::as_str).map(Into::into);
    }
    let member = world.guild_for(home, call.actor)?.member(user)?;
    Ok(RestAnswer::Created(world.show_member(member)))
}

/// The largest picture, in bytes.
const LARGEST_PICTURE: usize = 10 << 20;

fn update_me(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let mut pictures = [None, None];
    for (hash, name) in pictures.iter_mut().zip(["avatar", "banner"]) {
        if let Some(picture) = call.field(name) {
            *hash = Some(images::keep(world, name, picture, LARGEST_PICTURE)?);
        }
    }
    let [avatar, banner] = pictures;
    let home = world.guild_mut(guild)?;
    if let Some(member) = home.members.get_mut(&call.actor) {
        member.avatar = avatar.unwrap_or_else(|| member.avatar.clone());
        member.banner = banner.unwrap_or_else(|| member.banner.clone());
    }
    change(world, call, (guild, call.actor))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?.id;
    let user = call.id("user_id")?;
    world.user(user)?;
    world.guild_for(guild, call.actor)?.member(user)?;
    change(world, call, (guild, user))
}

fn change(world: &mut World, call: &RestCall, (guild, user): (Id, Id)) -> Outcome {
    let home = world.guild_for(guild, call.actor)?;
    let mut member = home.member(user)?.clone();
    if let Some(nick) = call.field("nick") {
        require_naming(world, home, call.actor, user)?;
        check_nick(nick)?;
        member.nick = nick
            .as_str()
            .filter(|nick| !nick.is_empty())
            .map(Into::into);
    }
    if call.field("roles").is_some_and(Value::is_array) {
        require_in_guild(world, home, call.actor, MANAGE_ROLES)?;
        let roles = ids_in(&call.body, "roles");
        let given = roles.iter().filter(|id| !member.roles.contains(id));
        let taken = member.roles.iter().filter(|id| !roles.contains(id));
        for role in given.chain(taken) {
            require_assignable(world, guild, call.actor, *role)?;
        }
        member.roles = roles;
    }
    if let Some(until) = call.field("communication_disabled_until") {
        member.timed_out_until = timeout(world, home, call.actor, user, until)?;
    }
    for (name, place) in [("mute", &mut member.mute), ("deaf", &mut member.deaf)] {
        if call.field(name).is_some_and(Value::is_boolean) {
            require_in_guild(world, home, call.actor, voice_permission(name))?;
            world.voice_channel(guild, user).ok_or(NOT_IN_VOICE)?;
            *place = call.body[name] == true;
        }
    }
    let before = home.member(user)?;
    let told = Audited::of(24, Some(user)).changed(&before.show_alone(), &member.show_alone());
    let of_roles = roles_changed(home, user, &before.roles, &member.roles);
    voice::move_member(world, call, (guild, user))?;
    world.guild_mut(guild)?.members.insert(user, member);
    if call.field("mute").or(call.field("deaf")).is_some() {
        world.tell_voice(guild, user, None);
    }
    world.tell_member(guild, user);
    for told in [told, of_roles].into_iter().filter(Audited::has_changes) {
        world.write_audit(guild, call.who_and_why(), told);
    }
    let member = world.guild_for(guild, call.actor)?.member(user)?;
    Ok(RestAnswer::Ok(world.show_member(member)))
}

/// `MUTE_MEMBERS` or `DEAFEN_MEMBERS`.
fn voice_permission(name: &str) -> u64 {
    if name == "mute" {
        MUTE_MEMBERS
    } else {
        DEAFEN_MEMBERS
    }
}

fn require_naming(world: &World, home: &Guild, actor: Id, user: Id) -> Result<(), ApiError> {
    if actor == user {
        let held = in_guild(world, home, actor);
        let enough = held & (CHANGE_NICKNAME | MANAGE_NICKNAMES) != 0;
        return if enough {
            Ok(())
        } else {
            Err(lacking::in_whole_guild(world, home, actor, CHANGE_NICKNAME))
        };
    }
    require_in_guild(world, home, actor, MANAGE_NICKNAMES)?;
    require_above(world, home, actor, user)
}

fn check_nick(nick: &Value) -> Result<(), ApiError> {
    let length = nick.as_str().map_or(0, |nick| nick.chars().count());
    if length <= 32 {
        return Ok(());
    }
    let message = "Must be 32 or fewer in length.";
    Err(Invalid::one("nick", "BASE_TYPE_MAX_LENGTH", message))
}

fn timeout(
    world: &World,
    home: &Guild,
    actor: Id,
    user: Id,
    until: &Value,
) -> Result<Option<String>, ApiError> {
    require_in_guild(world, home, actor, MODERATE_MEMBERS)?;
    require_above(world, home, actor, user)?;
    // Administrators cannot be silenced.
    if in_guild(world, home, user) & ADMINISTRATOR != 0 {
        let whom = lacking::name(world, user);
        let why = format!("{whom} is an administrator, and those cannot be timed out.");
        return Err(lacking::not_permitted(why));
    }
    let Some(text) = until.as_str() else {
        return Ok(None);
    };
    let name = "communication_disabled_until";
    let Some(time) = parse_timestamp(text) else {
        let message = "Could not parse the given time.";
        return Err(Invalid::one(name, "DATE_TIME_TYPE_PARSE", message));
    };
    // Some grace, because clocks differ.
    if time > world.clock.now() + LONGEST_TIMEOUT + Duration::from_secs(60) {
        let message = "Cannot set a communication disabled until date more than 28 days ahead.";
        return Err(Invalid::one(name, "BASE_TYPE_BAD_LENGTH", message));
    }
    Ok(Some(timestamp(time)))
}

fn kick(world: &mut World, call: &RestCall) -> Outcome {
    let home = world.guild_for(call.id("guild_id")?, call.actor)?;
    let user = call.id("user_id")?;
    require_in_guild(world, home, call.actor, KICK_MEMBERS)?;
    world.user(user)?;
    home.member(user)?;
    require_above(world, home, call.actor, user)?;
    let guild = home.id;
    world.leave(guild, user)?;
    world.audit(guild, call.who_and_why(), 20, Some(user));
    Ok(RestAnswer::Nothing)
}
