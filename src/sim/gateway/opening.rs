//! The events with which a session begins, and the members that a client requests.

use super::intents::{GUILD_MEMBERS, GUILD_PRESENCES, GUILDS};
use super::session::Session;
use crate::sim::conformity::Conformity;
use crate::sim::hub::SimState;
use crate::sim::ids::{id_in, ids_in};
use crate::sim::rest::application_flags;
use crate::sim::world::{Guild, Member, World};
use serde_json::{Value, json};

/// The most members that one `GUILD_MEMBERS_CHUNK` holds.
const CHUNK: usize = 1_000;
/// The most members that Discord returns for a query, or by their ids.
const MOST_FOUND: usize = 100;

/// The guilds of a session's shard in which its bot is.
fn guilds<'a>(world: &'a World, session: &Session) -> impl Iterator<Item = &'a Guild> + use<'a> {
    let (shard, shards) = (u64::from(session.shard), u64::from(session.shards).max(1));
    let (here, bot) = (world.guilds.values(), session.application);
    here.filter(move |guild| (guild.id >> 22) % shards == shard)
        .filter(move |guild| guild.members.contains_key(&bot))
}

/// Numbers `READY` and the guilds into a new session.
pub(super) fn open(state: &mut SimState, authority: &str, session: &mut Session) {
    let (world, bot) = (&state.world, session.application);
    let unavailable: Vec<Value> = guilds(world, session)
        .map(|guild| json!({"id": guild.id.to_string(), "unavailable": true}))
        .collect();
    let user = world.users.get(&bot);
    let application = world.applications.get(&bot);
    let privileged = application.map_or(0, |own| own.privileged_intents);
    let ready = json!({
        "v": 10,
        "user": user.map(crate::sim::world::User::show_self),
        "user_settings": {},
        "guilds": unavailable,
        "private_channels": [],
        "relationships": [],
        "presences": [],
        "session_id": session.id,
        "session_type": "normal",
        "resume_gateway_url": format!("ws://{authority}"),
        "shard": [session.shard, session.shards],
        "application": {
            "id": bot.to_string(),
            "flags": application_flags(privileged),
        },
        "_trace": ["[\"gateway-sim\",{\"micros\":0}]"],
    });
    state.conformity.event("READY", &ready);
    session.push("READY", &ready);
    if session.intents & GUILDS == 0 {
        return;
    }
    let everybody = session.intents & GUILD_PRESENCES != 0;
    for guild in guilds(&state.world, session) {
        let shown = state.world.show_guild_whole(guild, bot, everybody);
        state.conformity.event("GUILD_CREATE", &shown);
        session.push("GUILD_CREATE", &shown);
    }
}

/// Numbers the answer to op 8 (request guild members) into a session.
pub(super) fn members(
    world: &World,
    conformity: &mut Conformity,
    session: &mut Session,
    request: &Value,
) {
    let guild = id_in(request, "guild_id").and_then(|id| world.guilds.get(&id));
    let Some(guild) = guild.filter(|guild| guild.members.contains_key(&session.application)) else {
        return;
    };
    let named = match request.get("user_ids") {
        Some(Value::Array(_)) => Some(ids_in(request, "user_ids")),
        Some(_) => id_in(request, "user_ids").map(|id| vec![id]),
        None => None,
    };
    let prefix = request["query"].as_str().unwrap_or_default();
    // Discord refuses the whole list without the privileged intent.
    if named.is_none() && prefix.is_empty() && session.intents & GUILD_MEMBERS == 0 {
        return;
    }
    let limit = request["limit"].as_u64().filter(|limit| *limit > 0);
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    // Discord returns up to 100 members whose names begin with a text, and up to 100 by their ids.
    let limit = if named.is_some() || !prefix.is_empty() {
        limit.min(MOST_FOUND)
    } else {
        limit
    };
    let wanted = |member: &&Member| match &named {
        Some(ids) => ids.contains(&member.user),
        None => is_named(world, member, prefix),
    };
    let found: Vec<Value> = guild
        .members
        .values()
        .filter(wanted)
        .take(limit)
        .map(|member| world.show_member(member))
        .collect();
    let is_shown = request["presences"] == true && session.intents & GUILD_PRESENCES != 0;
    let missing: Vec<String> = named
        .into_iter()
        .flatten()
        .filter(|id| !guild.members.contains_key(id))
        .map(|id| id.to_string())
        .collect();
    let count = found.len().div_ceil(CHUNK).max(1);
    for index in 0..count {
        let chunk: Vec<Value> = chunk_of(&found, index).cloned().collect();
        let mut data = json!({
            "guild_id": guild.id.to_string(), "members": chunk,
            "chunk_index": index, "chunk_count": count,
        });
        if is_shown {
            let users = chunk_of(&found, index).filter_map(|member| id_in(&member["user"], "id"));
            data["presences"] = users.map(|user| world.show_presence(user)).collect();
        }
        if !missing.is_empty() {
            data["not_found"] = json!(missing);
        }
        if let Some(nonce) = request.get("nonce") {
            data["nonce"] = nonce.clone();
        }
        conformity.event("GUILD_MEMBERS_CHUNK", &data);
        session.push("GUILD_MEMBERS_CHUNK", &data);
    }
}

/// Numbers the answer to op 31 (request soundboard sounds) into a session: an event for each guild that the bot is in.
pub(super) fn sounds(world: &World, session: &mut Session, request: &Value) {
    for id in ids_in(request, "guild_ids") {
        let guild = world.guilds.get(&id);
        let own = guild.filter(|guild| guild.members.contains_key(&session.application));
        let Some(guild) = own else { continue };
        let sounds = guild.collections.sounds.list_without_creators();
        let data = json!({"guild_id": id.to_string(), "soundboard_sounds": sounds});
        session.push("SOUNDBOARD_SOUNDS", &data);
    }
}

/// The members of one chunk.
fn chunk_of(found: &[Value], index: usize) -> impl Iterator<Item = &Value> {
    found.iter().skip(index * CHUNK).take(CHUNK)
}

fn is_named(world: &World, member: &Member, prefix: &str) -> bool {
    let prefix = prefix.to_lowercase();
    let name = world.users.get(&member.user).map(|user| user.name.as_str());
    let names = [name, member.nick.as_deref()];
    let mut names = names.into_iter().flatten();
    names.any(|name| name.to_lowercase().starts_with(&prefix))
}
