//! Emoji of guilds, and those of the application.

use super::call::{Outcome, RestAnswer, RestCall, required};
use super::expressions::{Kind, changeable, check_name, found, listed, require_making, room};
use super::images;
use super::route::{Route, route};
use crate::sim::errors::{
    ApiError, TOO_MANY_ANIMATED_EMOJIS, TOO_MANY_EMOJIS, UNKNOWN_APPLICATION,
    UNKNOWN_EMOJI_RESOURCE,
};
use crate::sim::ids::{Id, ids_in};
use crate::sim::world::{Audited, Collection, Guild, World};
use serde_json::{Value, json};

const OF_GUILD: &str = "/guilds/{guild_id}/emojis";
const ONE_OF_GUILD: &str = "/guilds/{guild_id}/emojis/{emoji_id}";
const OF_APPLICATION: &str = "/applications/{application_id}/emojis";
const ONE_OF_APPLICATION: &str = "/applications/{application_id}/emojis/{emoji_id}";

pub(super) const ROUTES: &[Route] = &[
    route("GET", OF_GUILD, list),
    route("POST", OF_GUILD, create),
    route("GET", ONE_OF_GUILD, get),
    route("PATCH", ONE_OF_GUILD, update),
    route("DELETE", ONE_OF_GUILD, delete),
    route("GET", OF_APPLICATION, list_own),
    route("POST", OF_APPLICATION, create_own),
    route("GET", ONE_OF_APPLICATION, get_own),
    route("PATCH", ONE_OF_APPLICATION, update_own),
    route("DELETE", ONE_OF_APPLICATION, delete_own),
];

/// The largest file of an emoji, in bytes.
const LARGEST: usize = 256 << 10;
/// How many emoji a guild has room for, as many again of animated ones, by the tier of its boosts.
const IN_GUILD: [usize; 4] = [50, 100, 150, 250];
/// How many the application has room for.
const IN_APPLICATION: usize = 2_000;

/// A new emoji of the body, of the caller's.
fn made(world: &mut World, call: &RestCall, roles: &[Id]) -> Result<(Id, Value), ApiError> {
    let name = call.string("name").unwrap_or_default();
    check_name(name)?;
    let image = call.field("image").unwrap_or(&Value::Null);
    let image = images::read("image", image, LARGEST)?.ok_or_else(|| required("image"))?;
    let id = world.new_id();
    world.pictures.keep(id.to_string(), image.bytes);
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let emoji = json!({
        "id": id.to_string(),
        "name": name,
        "roles": roles,
        "user": world.show_user(call.actor),
        "require_colons": true,
        "managed": false,
        "animated": image.is_animated,
        "available": true,
    });
    Ok((id, emoji))
}

/// The roles of the body, which are the guild's.
fn roles(guild: &Guild, call: &RestCall) -> Result<Vec<Id>, ApiError> {
    let roles = ids_in(&call.body, "roles");
    for role in &roles {
        guild.role(*role)?;
    }
    Ok(roles)
}

const EMOJIS: Kind = Kind {
    of: |guild| &guild.collections.emojis,
    parameter: "emoji_id",
    unknown: UNKNOWN_EMOJI_RESOURCE,
};

fn list(world: &mut World, call: &RestCall) -> Outcome {
    let all = listed(world, call, &EMOJIS)?;
    Ok(RestAnswer::Ok(all.into()))
}

fn get(world: &mut World, call: &RestCall) -> Outcome {
    found(world, call, &EMOJIS)
}

fn create(world: &mut World, call: &RestCall) -> Outcome {
    let guild = require_making(world, call)?;
    let (home, roles) = (guild.id, roles(guild, call)?);
    let (id, emoji) = made(world, call, &roles)?;
    let guild = world.guild_mut(home)?;
    let of_its_kind = guild.collections.emojis.all();
    let count = of_its_kind.filter(|one| one["animated"] == emoji["animated"]);
    if count.count() >= room(guild, IN_GUILD) {
        return Err(if emoji["animated"] == true {
            TOO_MANY_ANIMATED_EMOJIS.into()
        } else {
            TOO_MANY_EMOJIS.into()
        });
    }
    guild.collections.emojis.keep(id, emoji.clone());
    tell(world, home);
    let told = Audited::of(60, Some(id)).changed(&Value::Null, &json!({"name": emoji["name"]}));
    world.write_audit(home, call.who_and_why(), told);
    Ok(RestAnswer::Created(emoji))
}

fn update(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, mut emoji) = changeable(world, call, &EMOJIS)?;
    let before = emoji.clone();
    if let Some(name) = call.string("name") {
        check_name(name)?;
        emoji["name"] = name.into();
    }
    if call.field("roles").is_some() {
        let roles = roles(world.guild_for(home, call.actor)?, call)?;
        emoji["roles"] = roles.iter().map(ToString::to_string).collect();
    }
    let emojis = &mut world.guild_mut(home)?.collections.emojis;
    emojis.keep(id, emoji.clone());
    tell(world, home);
    let told = Audited::of(61, Some(id)).changed(&before, &emoji);
    world.write_audit(home, call.who_and_why(), told);
    Ok(RestAnswer::Ok(emoji))
}

fn delete(world: &mut World, call: &RestCall) -> Outcome {
    let (home, id, emoji) = changeable(world, call, &EMOJIS)?;
    world.guild_mut(home)?.collections.emojis.remove(id);
    tell(world, home);
    let told = Audited::of(62, Some(id)).changed(&json!({"name": emoji["name"]}), &Value::Null);
    world.write_audit(home, call.who_and_why(), told);
    Ok(RestAnswer::Nothing)
}

fn tell(world: &mut World, guild: Id) {
    let home = world.guilds.get(&guild);
    let emojis = home.map(|home| home.collections.emojis.list_without_creators());
    let data = json!({"guild_id": guild.to_string(), "emojis": emojis});
    world.tell_guild(guild, "GUILD_EMOJIS_UPDATE", data);
}

/// The application's emoji, for the application alone.
fn own<'a>(world: &'a mut World, call: &RestCall) -> Result<&'a mut Collection, ApiError> {
    let own = call.own_application(world)?;
    let own = world.applications.get_mut(&own);
    let own = own.ok_or(UNKNOWN_APPLICATION)?;
    Ok(&mut own.collections.emojis)
}

fn list_own(world: &mut World, call: &RestCall) -> Outcome {
    let all: Vec<&Value> = own(world, call)?.all().collect();
    Ok(RestAnswer::Ok(json!({ "items": all })))
}

fn get_own(world: &mut World, call: &RestCall) -> Outcome {
    let id = call.id("emoji_id")?;
    let emoji = own(world, call)?.find(id, UNKNOWN_EMOJI_RESOURCE)?;
    Ok(RestAnswer::Ok(emoji.clone()))
}

fn create_own(world: &mut World, call: &RestCall) -> Outcome {
    if own(world, call)?.len() >= IN_APPLICATION {
        return Err(TOO_MANY_EMOJIS.into());
    }
    let (id, emoji) = made(world, call, &[])?;
    own(world, call)?.keep(id, emoji.clone());
    Ok(RestAnswer::Created(emoji))
}

fn update_own(world: &mut World, call: &RestCall) -> Outcome {
    let id = call.id("emoji_id")?;
    let emojis = own(world, call)?;
    let mut emoji = emojis.find(id, UNKNOWN_EMOJI_RESOURCE)?.clone();
    if let Some(name) = call.string("name") {
        check_name(name)?;
        emoji["name"] = name.into();
    }
    emojis.keep(id, emoji.clone());
    Ok(RestAnswer::Ok(emoji))
}

fn delete_own(world: &mut World, call: &RestCall) -> Outcome {
    let id = call.id("emoji_id")?;
    let removed = own(world, call)?.remove(id);
    removed.ok_or(UNKNOWN_EMOJI_RESOURCE)?;
    Ok(RestAnswer::Nothing)
}
