//! The widget of a guild: what web pages show of it.

use super::call::{Outcome, RestAnswer, RestCall};
use super::route::{Route, open, route};
use crate::sim::errors::{ApiError, Invalid, UNKNOWN_GUILD, WIDGET_DISABLED};
use crate::sim::ids::{Id, id_of};
use crate::sim::permissions::{MANAGE_GUILD, VIEW_CHANNEL, require_in_guild};
use crate::sim::world::{Guild, World, kind};
use serde_json::{Value, json};

const SETTINGS: &str = "/guilds/{guild_id}/widget";

pub(super) const ROUTES: &[Route] = &[
    route("GET", SETTINGS, settings),
    route("PATCH", SETTINGS, update),
    open("GET", "/guilds/{guild_id}/widget.json", get),
    open("GET", "/guilds/{guild_id}/widget.png", picture),
];

/// How many members a widget shows.
const SHOWN: usize = 100;
/// One transparent pixel.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";

fn shown(guild: &Guild) -> Value {
    json!({
        "enabled": guild.fields.get("widget_enabled"),
        "channel_id": guild.fields.get("widget_channel_id"),
    })
}

fn settings(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    Ok(RestAnswer::Ok(shown(guild)))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let guild = world.guild_for(call.id("guild_id")?, call.actor)?;
    require_in_guild(world, guild, call.actor, MANAGE_GUILD)?;
    let id = guild.id;
    let channel = call.field("channel_id").map(id_of);
    if let Some(Some(channel)) = channel
        && world.guild_of(channel) != Some(id)
    {
        return Err(Invalid::one(
            "channel_id",
            "CHANNEL_INVALID",
            "Channel does not exist",
        ));
    }
    let home = world.guild_mut(id)?;
    if let Some(enabled) = call.field("enabled").and_then(Value::as_bool) {
        home.fields.insert("widget_enabled".into(), enabled.into());
    }
    if let Some(channel) = channel {
        let channel = channel.map(|id| id.to_string());
        home.fields
            .insert("widget_channel_id".into(), channel.into());
    }
    let (shown, whole) = (shown(home), home.show());
    world.tell_guild(id, "GUILD_UPDATE", whole);
    world.audit(id, call.who_and_why(), 1, Some(id));
    Ok(RestAnswer::Ok(shown))
}

/// The guild, when it has a widget: everybody may see that.
fn with_widget<'a>(world: &'a World, call: &RestCall) -> Result<&'a Guild, ApiError> {
    let guild = world
        .guilds
        .get(&call.id("guild_id")?)
        .ok_or(UNKNOWN_GUILD)?;
    match guild.fields.get("widget_enabled") {
        Some(Value::Bool(true)) => Ok(guild),
        _ => Err(WIDGET_DISABLED.into()),
    }
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    let guild = with_widget(world, call)?;
    let is_open = |overwrites: &[crate::sim::world::Overwrite]| {
        let mut hidden = overwrites.iter();
        !hidden.any(|one| one.id == guild.id && one.deny & VIEW_CHANNEL != 0)
    };
    let channels = world.channels.values();
    let channels = channels.filter(|one| one.guild == Some(guild.id) && one.kind == kind::VOICE);
    let channels = channels
        .filter(|one| is_open(&one.overwrites))
        .map(|one| json!({"id": one.id.to_string(), "name": one.name, "position": one.position}));
    let present = world.present(guild);
    let members = present.iter().take(SHOWN).enumerate();
    let members = members.map(|(index, user)| widget_member(world, guild.id, index, *user));
    Ok(RestAnswer::Ok(json!({
        "id": guild.id.to_string(),
        "name": guild.name,
        "instant_invite": null,
        "channels": channels.collect::<Vec<_>>(),
        "members": members.collect::<Vec<_>>(),
        "presence_count": present.len(),
    })))
}

/// A member without who it is: widgets number them.
fn widget_member(world: &World, guild: Id, index: usize, user: Id) -> Value {
    let presence = world.show_presence(user);
    let name = world.users.get(&user).map(|user| user.name.as_str());
    let mut shown = json!({
        "id": index.to_string(),
        "username": name,
        "discriminator": "0000",
        "avatar": null,
        "status": presence["status"],
        "avatar_url": format!("{}/widget-avatars/{index}", world.address),
    });
    if let Some(name) = presence["activities"][0]["name"].as_str() {
        shown["activity"] = json!({ "name": name });
    }
    if let Some(voice) = world.show_voice(guild, user) {
        for name in [
            "channel_id",
            "deaf",
            "mute",
            "self_deaf",
            "self_mute",
            "suppress",
        ] {
            shown[name] = voice[name].clone();
        }
    }
    shown
}

fn picture(world: &mut World, call: &RestCall) -> Outcome {
    with_widget(world, call)?;
    Ok(RestAnswer::File("image/png", PICTURE.to_vec()))
}
