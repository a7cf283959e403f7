//! The sounds of guilds' soundboards, and Discord's own.

use super::call::{Outcome, RestAnswer, RestCall};
use super::expressions::{Kind, changeable, found, listed, require_making, room};
use super::images;
use super::route::{Route, route};
use crate::sim::errors::{
    MUTED_IN_VOICE, NOT_IN_VOICE, TOO_MANY_SOUNDS, UNKNOWN_SOUND, WRONG_CHANNEL_TYPE,
};
use crate::sim::ids::{Id, id_in};
use crate::sim::permissions::{SPEAK, USE_EXTERNAL_SOUNDS, USE_SOUNDBOARD, require_in_channel};
use crate::sim::world::World;
use serde_json::{Value, json};

const ALL: &str = "/guilds/{guild_id}/soundboard-sounds";
const ONE: &str = "/guilds/{guild_id}/soundboard-sounds/{sound_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", "/soundboard-default-sounds", defaults),
    route("GET", ALL, list),
    route("POST", ALL, create),
    route("GET", ONE, get),
    route("PATCH", ONE, update),
    route("DELETE", ONE, delete),
    route("POST", "/channels/{channel_id}/send-soundboard-sound", play),
];

/// The largest file of a sound, in bytes.
const LARGEST: usize = 512 << 10;
/// How many sounds a guild has room for, by the tier of its boosts.
const IN_GUILD: [usize; 4] = [8, 24, 36, 48];
/// Some of Discord's own sounds, which have small numbers as ids.
const DEFAULTS: [(&str, &str); 4] = [
    ("quack", "🦆"),
    ("airhorn", "🔊"),
    ("cricket", "🦗"),
    ("golf clap", "👏"),
];

fn default_sounds() -> Vec<Value> {
    let sounds = (1..).zip(DEFAULTS).map(|(id, (name, emoji)): (u64, _)| {
        json!({
            "sound_id": id.to_string(), "name": name, "volume": 1.0, "emoji_id": null,
            "emoji_name": emoji, "available": true,
        })
    });
    sounds.collect()
}

#[allow(clippy::unnecessary_wraps, reason = "every handler has this form")]
fn defaults(_: &mut World, _: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(default_sounds().into()))
}

const SOUNDS: Kind = Kind {
    of: |guild| &guild.collections.sounds,
    parameter: "sound_id",
    unknown: UNKNOWN_SOUND,
};

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let all = listed(world, call, &SOUNDS)?;
    Ok(RestAnswer::Ok(json!({ "items": all })))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    found(world, call, &SOUNDS)
}

/// Writes the fields of the body into a sound.
fn apply(call: &RestCall, sound: &mut Value) {
    if let Some(name) = call.string("name") {
        sound["name"] = name.into();
    }
    if let Some(volume) = call.field("volume") {
        sound["volume"] = volume.as_f64().unwrap_or(1.0).into();
    }
    if let Some(name) = call.field("emoji_name") {
        sound["emoji_name"] = name.clone();
    }
    if call.field("emoji_id").is_some() {
        let id = id_in(&call.body, "emoji_id").map(|id| id.to_string());
        sound["emoji_id"] = id.into();
    }
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = require_making(world, call)?;
    let home = guild.id;
    let file = call.string("sound").unwrap_or_default();
    images::check_sound("sound", file, LARGEST)?;
    if guild.collections.sounds.len() >= room(guild, IN_GUILD) {
        return Err(TOO_MANY_SOUNDS.into());
    }
    let id = world.new_id();
    let mut sound = json!({
        "sound_id": id.to_string(),
        "name": "",
        "volume": 1.0,
        "emoji_id": null,
        "emoji_name": null,
        "guild_id": home.to_string(),
        "available": true,
        "user": world.show_user(call.actor),
    });
    apply(call, &mut sound);
    let sounds = &mut world.guild_mut(home)?.collections.sounds;
    sounds.keep(id, sound.clone());
    world.tell_guild(home, "GUILD_SOUNDBOARD_SOUND_CREATE", sound.clone());
    world.audit(home, call.who_and_why(), 130, Some(id));
    Ok(RestAnswer::Created(sound))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut sound) = changeable(world, call, &SOUNDS)?;
    apply(call, &mut sound);
    let sounds = &mut world.guild_mut(home)?.collections.sounds;
    sounds.keep(id, sound.clone());
    world.tell_guild(home, "GUILD_SOUNDBOARD_SOUND_UPDATE", sound.clone());
    world.audit(home, call.who_and_why(), 131, Some(id));
    Ok(RestAnswer::Ok(sound))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, _) = changeable(world, call, &SOUNDS)?;
    world.guild_mut(home)?.collections.sounds.remove(id);
    let data = json!({"sound_id": id.to_string(), "guild_id": home.to_string()});
    world.tell_guild(home, "GUILD_SOUNDBOARD_SOUND_DELETE", data);
    world.audit(home, call.who_and_why(), 132, Some(id));
    Ok(RestAnswer::Nothing)
}

/// Plays a sound in the voice channel that the caller is in.
fn play(world: &mut World, call: &RestCall) -> Outcome {
    let channel = world.channel(call.id("channel_id")?)?;
    require_in_channel(world, channel, call.actor, SPEAK | USE_SOUNDBOARD)?;
    let guild = channel.guild.ok_or(WRONG_CHANNEL_TYPE)?;
    let sound = call.required_id("sound_id")?;
    let source = id_in(&call.body, "source_guild_id");
    let volume = if let Some(of_discord) = find_default(sound) {
        of_discord["volume"].clone()
    } else {
        let home = world.guild_for(source.unwrap_or(guild), call.actor)?;
        if home.id != guild {
            require_in_channel(world, channel, call.actor, USE_EXTERNAL_SOUNDS)?;
        }
        let found = home.collections.sounds.find(sound, UNKNOWN_SOUND)?;
        found["volume"].clone()
    };
    let id = channel.id;
    if world.voice_channel(guild, call.actor) != Some(id) {
        return Err(NOT_IN_VOICE.into());
    }
    let state = world.show_voice(guild, call.actor).unwrap_or_default();
    let shut = ["deaf", "mute", "self_deaf", "self_mute", "suppress"];
    if shut.into_iter().any(|name| state[name] == true) {
        return Err(MUTED_IN_VOICE.into());
    }
    let data = json!({
        "channel_id": id.to_string(),
        "guild_id": guild.to_string(),
        "user_id": call.actor.to_string(),
        "emoji": null,
        "animation_type": 1,
        "animation_id": 0,
        "sound_id": sound.to_string(),
        "sound_volume": volume,
    });
    world.tell_channel(id, "VOICE_CHANNEL_EFFECT_SEND", data);
    Ok(RestAnswer::Nothing)
}

fn find_default(sound: Id) -> Option<Value> {
    let mut all = default_sounds().into_iter();
    all.find(|one| id_in(one, "sound_id") == Some(sound))
}
