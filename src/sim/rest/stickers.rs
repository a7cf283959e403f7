//! Stickers of guilds, and those in messages. Discord's own packs of stickers are not here: the list of them is empty.

use super::call::{Outcome, RestAnswer, RestCall, required};
use super::expressions::{Kind, changeable, found, listed, require_making, room};
use super::images::sticker_format;
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, FILE_TOO_LARGE, INVALID_FILE, INVALID_STICKER, Invalid, MISSING_BOOSTS,
    STICKER_NOT_PERMITTED, TOO_MANY_STICKERS, UNKNOWN_STICKER, UNKNOWN_STICKER_PACK,
};
use crate::sim::ids::{Id, ids_in};
use crate::sim::permissions::{USE_EXTERNAL_STICKERS, in_channel};
use crate::sim::world::{Audited, Channel, World, without_creator};
use serde_json::{Map, Value, json};

const OF_GUILD: &str = "/guilds/{guild_id}/stickers";
const ONE_OF_GUILD: &str = "/guilds/{guild_id}/stickers/{sticker_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", OF_GUILD, list),
    route("POST", OF_GUILD, create),
    route("GET", ONE_OF_GUILD, get),
    route("PATCH", ONE_OF_GUILD, update),
    route("DELETE", ONE_OF_GUILD, delete),
    route("GET", "/stickers/{sticker_id}", get_anywhere),
    route("GET", "/sticker-packs", list_packs),
    route("GET", "/sticker-packs/{pack_id}", get_pack),
];

/// The largest file of a sticker, in bytes.
const LARGEST: usize = 512 << 10;
/// How many stickers a guild has room for, by the tier of its boosts.
const IN_GUILD: [usize; 4] = [5, 15, 30, 60];
/// How many stickers a message may have.
const IN_MESSAGE: usize = 3;
/// Guilds with one of these features may have Lottie stickers.
const LOTTIE: [&str; 2] = ["VERIFIED", "PARTNERED"];

const STICKERS: Kind = Kind {
    of: |guild| &guild.collections.stickers,
    parameter: "sticker_id",
    unknown: UNKNOWN_STICKER,
};

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let all = listed(world, call, &STICKERS)?;
    Ok(RestAnswer::Ok(all.into()))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    found(world, call, &STICKERS)
}

fn get_anywhere(world: &mut World, call: &RestCall) -> Outcome {
    let id = call.id("sticker_id")?;
    let mut guilds = world.guilds.values();
    let sticker = guilds.find_map(|guild| guild.collections.stickers.get(id));
    let sticker = sticker.ok_or(UNKNOWN_STICKER)?;
    Ok(RestAnswer::Ok(without_creator(sticker)))
}

#[allow(clippy::unnecessary_wraps, reason = "every handler has this form")]
fn list_packs(_: &mut World, _: &RestCall) -> Outcome {
    Ok(RestAnswer::Ok(json!({"sticker_packs": []})))
}

fn get_pack(_: &mut World, call: &RestCall) -> Outcome {
    call.id("pack_id")?;
    Err(UNKNOWN_STICKER_PACK.into())
}

fn check_description(call: &RestCall) -> Result<(), ApiError> {
    // Empty, or 2 to 100 characters; the schema has the upper limit.
    if call
        .string("description")
        .unwrap_or_default()
        .chars()
        .count()
        != 1
    {
        return Ok(());
    }
    let message = "Must be between 2 and 100 in length.";
    Err(Invalid::one("description", "BASE_TYPE_BAD_LENGTH", message))
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = require_making(world, call)?;
    let home = guild.id;
    check_description(call)?;
    let file = call.files.first().ok_or_else(|| required("file"))?;
    if file.bytes.len() > LARGEST {
        return Err(FILE_TOO_LARGE.into());
    }
    let format = sticker_format(&file.bytes).ok_or(INVALID_FILE)?;
    let features = guild.fields.get("features").and_then(Value::as_array);
    let mut features = features.into_iter().flatten().filter_map(Value::as_str);
    if format == 3 && !features.any(|feature| LOTTIE.contains(&feature)) {
        return Err(MISSING_BOOSTS.into());
    }
    if guild.collections.stickers.len() >= room(guild, IN_GUILD) {
        return Err(TOO_MANY_STICKERS.into());
    }
    let id = world.new_id();
    world.pictures.keep(id.to_string(), file.bytes.to_vec());
    let sticker = json!({
        "id": id.to_string(),
        "name": call.string("name"),
        "tags": call.string("tags"),
        "type": 2,
        "format_type": format,
        "description": call.string("description").filter(|text| !text.is_empty()),
        "available": true,
        "guild_id": home.to_string(),
        "user": world.show_user(call.actor),
    });
    let stickers = &mut world.guild_mut(home)?.collections.stickers;
    stickers.keep(id, sticker.clone());
    tell(world, home);
    let told = Audited::of(90, Some(id)).changed(&Value::Null, &sticker);
    world.write_audit(home, call.who_and_why(), told);
    Ok(RestAnswer::Created(sticker))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut sticker) = changeable(world, call, &STICKERS)?;
    let before = sticker.clone();
    check_description(call)?;
    for name in ["name", "tags", "description"] {
        if let Some(value) = call.field(name) {
            sticker[name] = value.clone();
        }
    }
    let stickers = &mut world.guild_mut(home)?.collections.stickers;
    stickers.keep(id, sticker.clone());
    tell(world, home);
    let told = Audited::of(91, Some(id)).changed(&before, &sticker);
    world.write_audit(home, call.who_and_why(), told);
    Ok(RestAnswer::Ok(sticker))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, sticker) = changeable(world, call, &STICKERS)?;
    world.guild_mut(home)?.collections.stickers.remove(id);
    tell(world, home);
    let told = Audited::of(92, Some(id)).changed(&sticker, &Value::Null);
    world.write_audit(home, call.who_and_why(), told);
    Ok(RestAnswer::Nothing)
}

fn tell(world: &mut World, guild: Id) {
    let home = world.guilds.get(&guild);
    let stickers = home.map(|home| home.collections.stickers.list_without_creators());
    let data = json!({"guild_id": guild.to_string(), "stickers": stickers});
    world.tell_guild(guild, "GUILD_STICKERS_UPDATE", data);
}

/// The stickers that a new message names, as it shows them. Bots send those of the guild they are in; people also
/// those of their other guilds, where that is permitted.
pub(super) fn sent(
    world: &World,
    channel: &Channel,
    author: Id,
    body: &Value,
) -> Result<Vec<Value>, ApiError> {
    let named = ids_in(body, "sticker_ids");
    if named.len() > IN_MESSAGE {
        let message = format!("Must be {IN_MESSAGE} or fewer in length.");
        return Err(Invalid::one("sticker_ids", "BASE_TYPE_MAX_LENGTH", message));
    }
    let is_bot = world.user(author)?.bot;
    let find = |id: Id| {
        let mut guilds = world.guilds.values();
        let found = guilds.find_map(|guild| Some((guild, guild.collections.stickers.get(id)?)));
        let (guild, sticker) = found.ok_or(INVALID_STICKER)?;
        let may_send = if channel.guild == Some(guild.id) {
            true
        } else {
            let held = in_channel(world, channel, author);
            !is_bot && guild.members.contains_key(&author) && held & USE_EXTERNAL_STICKERS != 0
        };
        if !may_send {
            return Err(STICKER_NOT_PERMITTED.into());
        }
        let mut item = Map::new();
        for name in ["id", "name", "format_type"] {
            item.insert(name.into(), sticker[name].clone());
        }
        Ok(Value::Object(item))
    };
    named.into_iter().map(find).collect()
}
