//! Adds fields that Discord leaves out of objects, but on which the bot and authors rely: of which guild a member or a
//! role is, and which user a member is.

use super::events::event;
use super::schema::{Kind, kind_of};
use crate::json::{Json, JsonRef, Node, Writer};
use smallvec::SmallVec;

/// The object with the guild that it is of.
pub fn with_guild(object: JsonRef<'_>, guild: &str) -> Json {
    object.with("guild_id", Json::string(guild).view())
}

/// What has this schema, or a list of such objects, as it was found in a guild: members and roles say in which, so that
/// their methods work.
pub fn found_in_guild(json: Json, schema: Option<&str>, guild: &str) -> Json {
    if !matches!(schema.map(kind_of), Some(Kind::Member | Kind::Role)) {
        return json;
    }
    match json.node() {
        Node::Object(_) => with_guild(json.view(), guild),
        Node::Array(items) => {
            let items: Vec<Json> = items.map(|item| with_guild(item, guild)).collect();
            Json::array(items.iter().map(Json::view))
        }
        _ => json,
    }
}

/// Writes a member with the user who it is and the guild that it is of, as far as they are known here.
pub(super) fn write_whole_member(
    writer: &mut Writer,
    member: JsonRef<'_>,
    user: Option<JsonRef<'_>>,
    guild_id: Option<JsonRef<'_>>,
) {
    let more = [("user", user), ("guild_id", guild_id)];
    let more = more
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    writer.object(|writer| {
        let names: SmallVec<[_; 2]> = more.clone().map(|(name, _)| name).collect();
        writer.fields_without(&names, member);
        for (name, value) in more {
            writer.field(name, value);
        }
    });
}

/// An event's data in which `member` has its `user` and its `guild_id`.
pub(super) fn with_whole_member(event_name: &str, data: Json) -> Json {
    let [member, author, guild_id] = data.view().pick(["member", "author", "guild_id"]);
    let member = member.filter(|member| member.is_object());
    let Some(member) = member.filter(|_| event(event_name).is_some()) else {
        return data;
    };
    let user = member.get("user").or(author);
    // The user is in it twice then.
    let bytes = data.bytes() + data.bytes() / 2;
    Json::written_with_room(bytes, |writer| {
        writer.object(|writer| {
            writer.fields_without(&["member"], data.view());
            writer.name("member");
            write_whole_member(writer, member, user, guild_id);
        });
    })
}
