//! What was chosen in a menu, and the objects whose ids are among it: `ctx.values`, `ctx.resolved`.

use super::{CallOrigin, Invocation};
use crate::api::context::CogContext;
use crate::api::object;
use crate::discord::missing_fields::found_in_guild;
use crate::json::{Json, JsonRef};
use crate::vm::host::HostResult;
use mlua::{Lua, Table};

/// What an interaction can bring along, and the schema of each.
const KINDS: [(&str, &str); 6] = [
    ("users", "UserResponse"),
    ("members", "GuildMemberResponse"),
    ("roles", "GuildRoleResponse"),
    ("channels", "GuildChannelResponse"),
    ("messages", "MessageResponse"),
    ("attachments", "MessageAttachmentResponse"),
];

fn data(call: &Invocation) -> JsonRef<'_> {
    match &call.origin {
        CallOrigin::Message(_) => JsonRef::NULL,
        CallOrigin::Interaction(interaction) | CallOrigin::Completion(interaction) => {
            interaction.data()
        }
    }
}

/// What was chosen: texts, or ids.
pub(super) fn values(lua: &Lua, call: &Invocation) -> mlua::Result<Table> {
    let values = lua.create_table()?;
    for value in data(call).list("values").filter_map(JsonRef::as_str) {
        values.raw_push(value)?;
    }
    values.set_readonly(true);
    Ok(values)
}

/// The objects whose ids are among the values, by kind and id. Members are whole.
pub(super) fn resolved(lua: &Lua, cog: &CogContext, call: &Invocation) -> HostResult<Table> {
    let resolved = data(call).get("resolved").unwrap_or(JsonRef::NULL);
    let all = lua.create_table()?;
    for (kind, schema) in KINDS {
        let objects = lua.create_table()?;
        let given = resolved.get(kind).unwrap_or(JsonRef::NULL);
        for (id, object) in given.fields().filter(|(_, object)| object.is_object()) {
            let object = whole(call, resolved, (kind, id, schema), object);
            objects.raw_set(id, object::receive(lua, cog, &object, Some(schema))?)?;
        }
        objects.set_readonly(true);
        all.raw_set(kind, objects)?;
    }
    all.set_readonly(true);
    Ok(all)
}

/// An object with what Discord leaves out here: which user a member is, and of which guild it is.
fn whole(
    call: &Invocation,
    resolved: JsonRef<'_>,
    (kind, id, schema): (&str, &str, &str),
    object: JsonRef<'_>,
) -> Json {
    let user = resolved.at(&["users", id]).filter(|_| kind == "members");
    let object = match user {
        Some(user) => object.with("user", user),
        None => object.to_json(),
    };
    match &call.guild_id {
        Some(guild) => found_in_guild(object, Some(schema), guild),
        None => object,
    }
}
