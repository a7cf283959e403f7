//! On whom or what a command of a context menu was used.

use super::{CallOrigin, Invocation};
use crate::api::object;
use crate::commands::definition::CommandKind;
use crate::discord::missing_fields::with_guild;
use crate::json::{Json, JsonRef};
use crate::vm::host::{HostError, HostResult};
use crate::vm::trace::Fault;
use mlua::{IntoLua as _, Lua, MultiValue, Value};
use std::sync::Arc;

impl Invocation {
    /// What a command's `run` is called with: `ctx`, and in a context menu the member or the message.
    pub fn handed_over(self: &Arc<Self>, lua: &Lua) -> Result<MultiValue, Fault> {
        let mut all = MultiValue::new();
        let context = self.to_ctx(lua).and_then(|context| context.into_lua(lua));
        all.push_back(context.map_err(|_| Fault::Panic)?);
        let target = self.target(lua).map_err(|error| Fault::of_host(&error))?;
        all.extend(target);
        Ok(all)
    }

    fn target(&self, lua: &Lua) -> HostResult<Option<Value>> {
        let command = self.called.command.as_ref();
        let kind = command.map_or(CommandKind::Chat, |command| command.definition.kind);
        let (CallOrigin::Interaction(interaction), true) =
            (&self.origin, kind != CommandKind::Chat)
        else {
            return Ok(None);
        };
        let data = interaction.data();
        let id = data.str("target_id").unwrap_or_default();
        let guild = self.guild_id.as_deref();
        let (target, schema) = if kind == CommandKind::User {
            (member(data, id, guild), "GuildMemberResponse")
        } else {
            (message(data, id, guild), "MessageResponse")
        };
        let target = target.ok_or_else(|| {
            let name = &self.called.name;
            let message = format!("\"{name}\": Discord has not said on what it was used");
            HostError::new("discord", message)
        })?;
        object::receive(lua, &self.cog, &target, Some(schema)).map(Some)
    }
}

/// The user as a member of the guild. One who is not a member, or whom Discord shows outside of guilds, has the field
/// `user` alone.
fn member(data: JsonRef<'_>, id: &str, guild: Option<&str>) -> Option<Json> {
    let user = data.at(&["resolved", "users", id])?;
    let member = data.at(&["resolved", "members", id]);
    Some(match (member.filter(|it| it.is_object()), guild) {
        (Some(member), Some(guild)) => with_guild(member.with("user", user).view(), guild),
        _ => Json::object([("user", user)]),
    })
}

fn message(data: JsonRef<'_>, id: &str, guild: Option<&str>) -> Option<Json> {
    let message = data.at(&["resolved", "messages", id])?;
    Some(match guild {
        Some(guild) => with_guild(message, guild),
        None => message.to_json(),
    })
}
