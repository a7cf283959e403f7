//! Invites, as far as bots use them.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, open, route};
use crate::sim::errors::{NOT_IN_A_DM, UNKNOWN_INVITE};
use crate::sim::ids::timestamp;
use crate::sim::permissions::{
    CREATE_INSTANT_INVITE, MANAGE_CHANNELS, MANAGE_GUILD, in_channel, require_in_channel,
    require_in_guild,
};
use crate::sim::world::{Audited, Invite, World};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/channels/{channel_id}/invites", list_channel),
    route("POST", "/channels/{channel_id}/invites", create),
    route("GET", "/guilds/{guild_id}/invites", list_guild),
    open("GET", "/invites/{code}", get),
    route("DELETE", "/invites/{code}", delete),
];

fn shown(world: &World, invite: &Invite) -> Value {
    let channel = world.channels.get(&invite.channel);
    let guild = world.guilds.get(&invite.guild);
    json!({
        "type": 0,
        "code": invite.code,
        "guild_id": invite.guild.to_string(),
        "guild": guild.map(|guild| json!({
            "id": guild.id.to_string(), "name": guild.name, "icon": null, "splash": null,
            "banner": null, "description": null, "features": [], "verification_level": 0,
            "vanity_url_code": null, "nsfw": false, "nsfw_level": 0, "premium_subscription_count": 0,
        })),
        "channel": channel.map(|channel| json!({
            "id": channel.id.to_string(), "name": channel.name, "type": channel.kind,
        })),
        "inviter": world.show_user(invite.inviter),
        "expires_at": invite.expires.map(timestamp),
        "uses": invite.uses,
        "max_uses": invite.max_uses,
        "max_age": invite.max_age,
        "temporary": invite.temporary,
        "created_at": invite.created_at,
    })
}

/// An invite as the audit log tells of it.
fn audited(invite: &Invite) -> Value {
    json!({
        "code": invite.code, "channel_id": invite.channel.to_string(),
        "inviter_id": invite.inviter.to_string(), "uses": invite.uses,
        "max_uses": invite.max_uses, "max_age": invite.max_age, "temporary": invite.temporary,
    })
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    let guild = channel.guild.ok_or(NOT_IN_A_DM)?;
    require_in_channel(world, channel, call.actor, CREATE_INSTANT_INVITE)?;
    let channel = channel.id;
    let number = |name: &str, default| call.field(name).and_then(Value::as_u64).unwrap_or(default);
    let max_age = number("max_age", 86_400);
    let ends = world.clock.now() + Duration::from_secs(max_age);
    let invite = Invite {
        code: format!("sim{:x}", world.new_id()),
        channel,
        guild,
        inviter: call.actor,
        max_age,
        expires: (max_age > 0).then_some(ends),
        max_uses: number("max_uses", 0),
        temporary: call.body["temporary"] == true,
        uses: 0,
        created_at: world.now(),
    };
    let shown = shown(world, &invite);
    let data = json!({
        "channel_id": channel.to_string(), "guild_id": guild.to_string(),
        "code": invite.code, "created_at": invite.created_at,
        "inviter": world.show_user(call.actor), "max_age": invite.max_age,
        "max_uses": invite.max_uses, "temporary": invite.temporary, "uses": 0,
        "expires_at": invite.expires.map(timestamp),
    });
    let told = Audited::of(40, None).changed(&Value::Null, &audited(&invite));
    world.invites.insert(invite.code.clone(), invite);
    world.tell_channel(channel, "INVITE_CREATE", data);
    world.write_audit(guild, call.who_and_why(), told);
    Ok(RestAnswer::Ok(shown))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let invite = world.invites.get(call.text("code")).ok_or(UNKNOWN_INVITE)?;
    Ok(RestAnswer::Ok(shown(world, invite)))
}

fn list_channel(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, MANAGE_CHANNELS)?;
    let id = channel.id;
    let own = world.invites.values().filter(|invite| invite.channel == id);
    Ok(RestAnswer::Ok(
        own.map(|invite| shown(world, invite)).collect(),
    ))
}

fn list_guild(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    let id = guild.id;
    let own = world.invites.values().filter(|invite| invite.guild == id);
    Ok(RestAnswer::Ok(
        own.map(|invite| shown(world, invite)).collect(),
    ))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let invite = world
        .invites
        .get(call.text("code"))
        .ok_or(UNKNOWN_INVITE)?
        .clone();
    let channel = world.channel(invite.channel)?;
    if in_channel(world, channel, call.actor) & MANAGE_CHANNELS == 0 {
        let guild = world.guild_for(invite.guild, call.actor)?;
        require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    }
    let shown = shown(world, &invite);
    world.invites.shift_remove(&invite.code);
    let data = json!({
        "channel_id": invite.channel.to_string(), "guild_id": invite.guild.to_string(),
        "code": invite.code,
    });
    world.tell_channel(invite.channel, "INVITE_DELETE", data);
    let told = Audited::of(42, None).changed(&audited(&invite), &Value::Null);
    world.write_audit(invite.guild, call.who_and_why(), told);
    Ok(RestAnswer::Ok(shown))
}
