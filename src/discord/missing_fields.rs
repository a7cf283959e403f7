//! Adds fields that Discord leaves out of objects, but on which the bot and authors rely: of which guild a member or a
//! role is, and which user a member is.

use super::events::event;
use super::schema::{Kind, kind_of};
use crate::json::Json;

/// The object with the guild that it is of.
pub fn with_guild(object: &Json, guild: &str) -> Json {
    object.with("guild_id", Json::String(guild.into()))
}

/// What has this schema, or a list of such objects, as it was found in a guild: members and roles say in which, so that
/// their methods work.
pub fn found_in_guild(json: Json, schema: Option<&str>, guild: &str) -> Json {
    if !matches!(schema.map(kind_of), Some(Kind::Member | Kind::Role)) {
        return json;
    }
    match &json {
        Json::Object(_) => with_guild(&json, guild),
        Json::Array(items) => {
            let items = items.iter().map(|item| with_guild(item, guild));
            Json::Array(items.collect())
        }
        _ => json,
    }
}

/// An event's data in which `member` has its `user` and its `guild_id`.
pub fn with_whole_member(event_name: &str, data: &Json) -> Json {
    let Some(member) = data.get("member") else {
        return data.clone();
    };
    if event(event_name).is_none() || !matches!(member, Json::Object(_)) {
        return data.clone();
    }
    let user = member.get("user").or_else(|| data.get("author")).cloned();
    let mut member = member.clone();
    if let Some(user) = user {
        member = member.with("user", user);
    }
    if let Some(guild) = data.get("guild_id") {
        member = member.with("guild_id", guild.clone());
    }
    data.with("member", member)
}
