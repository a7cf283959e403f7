//! Methods of Discord's objects: thin names for operations (`message:reply`, `member:add_role`, …).

use super::answer::CallAnswer;
use super::attachment;
use super::call::{self, known, open_direct_channel, prepare};
use super::content::Content;
use super::context::CogContext;
use super::deletion::{Deletion, MessagePlace, delete_later};
use super::method_table::MethodTable;
use super::object::{self, Object};
use super::phase::may_act;
use super::reach::{self, Need};
use super::this::{field, this, this_of};
use crate::discord::operations::Operation;
use crate::discord::reply_to;
use crate::discord::schema::{Kind, answer_kind};
use crate::json::{Json, JsonRef};
use crate::vm::host::{Arguments, Host, HostError, HostResult, one};
use mlua::{Lua, Value};
use serde_json::{Map, Value as JsonValue, json};
use std::sync::Arc;

/// Bytes of an emoji as an author writes it.
const LONGEST_EMOJI: usize = 200;

/// A method's call, ready to be made.
struct MethodCall {
    operation: &'static Operation,
    need: Need,
    /// The message that the cog has been given, which it may refer to.
    heard: Option<String>,
    arguments: Map<String, JsonValue>,
    content: Option<Content>,
}

impl MethodCall {
    /// A call that needs its operation's capability.
    fn new(operation: &'static str, arguments: JsonValue) -> HostResult<Self> {
        let operation = known(operation)?;
        let arguments = match arguments {
            JsonValue::Object(fields) => fields,
            _ => Map::new(),
        };
        Ok(Self {
            operation,
            need: Some(operation.capability),
            heard: None,
            arguments,
            content: None,
        })
    }

    /// A call that needs something else than its operation's capability.
    fn needing(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    fn with_content(mut self, content: Content) -> Self {
        self.content = Some(content);
        self
    }
}

type Build = fn(&CogContext, &Json, &Arguments) -> HostResult<MethodCall>;

const METHODS: [(Kind, &str, &str, Build); 16] = [
    (Kind::Message, "reply", "message:reply", message_reply),
    (Kind::Message, "edit", "message:edit", message_edit),
    (Kind::Message, "delete", "message:delete", message_delete),
    (Kind::Message, "react", "message:react", message_react),
    (Kind::Message, "pin", "message:pin", message_pin),
    (Kind::Member, "add_role", "member:add_role", member_add_role),
    (
        Kind::Member,
        "remove_role",
        "member:remove_role",
        member_remove_role,
    ),
    (Kind::Member, "timeout", "member:timeout", member_timeout),
    (Kind::Member, "kick", "member:kick", member_kick),
    (Kind::Member, "ban", "member:ban", member_ban),
    (Kind::Channel, "send", "channel:send", channel_send),
    (Kind::Channel, "typing", "channel:typing", channel_typing),
    (Kind::User, "send", "user:send", user_send),
    (Kind::Member, "send", "member:send", user_send),
    (Kind::Role, "delete", "role:delete", role_delete),
    (Kind::Channel, "delete", "channel:delete", channel_delete),
];

/// Makes the methods of one VM.
pub(super) fn install(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<()> {
    let mut table = MethodTable::new(lua)?;
    for (kind, key, name, build) in METHODS {
        table.add(lua, kind, key, method(lua, host, cog, name, kind, build)?)?;
    }
    table.add(
        lua,
        Kind::Attachment,
        "read",
        attachment::read(lua, host, cog)?,
    )?;
    let copy = host.function(lua, "object:table", |lua, arguments| {
        let object = this(arguments)?;
        one(lua, object.copy(lua)?)
    })?;
    table.add_shared("table", copy)?;
    table.install(lua);
    Ok(())
}

fn method(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    name: &'static str,
    kind: Kind,
    build: Build,
) -> mlua::Result<mlua::Function> {
    let cog = Arc::clone(cog);
    host.async_function(lua, name, move |lua, arguments| {
        let cog = Arc::clone(&cog);
        let prepared = may_act(&lua, name)
            .and_then(|_| this_of(&arguments, kind))
            .and_then(|object| build(&cog, object.json(), &arguments));
        async move {
            let prepared = prepared?;
            let operation = prepared.operation;
            if let Some(capability) = prepared.need {
                cog.capabilities.require(name, capability)?;
            }
            match carry_out(&cog, name, prepared).await? {
                Some(answer) => object::receive_answer(&lua, &cog, answer, answer_kind(operation)),
                None => Ok(Value::Nil),
            }
        }
    })
}

/// Makes the call; sending to a user first opens the channel to them.
async fn carry_out(
    cog: &Arc<CogContext>,
    name: &'static str,
    call: MethodCall,
) -> HostResult<Option<CallAnswer>> {
    let MethodCall {
        operation,
        need,
        heard,
        mut arguments,
        content,
    } = call;
    let heard = heard.as_deref();
    let content = content.unwrap_or_default();
    if content.ephemeral.is_some() {
        let message = format!("{name}: ephemeral: only ctx:reply and ctx:send accept it");
        return Err(HostError::new("argument", message).into());
    }
    // To whom it goes is the method's to say, never the content's.
    let recipient = arguments.remove("recipient_id");
    arguments.extend(content.body);
    let deletion = Deletion::of(cog, name, content.delete_after)?;
    if let Some(recipient) = recipient {
        // What is wrong with the message is found before a channel is opened for it.
        arguments.insert("channel_id".to_owned(), recipient.clone());
        prepare(
            cog,
            name,
            operation,
            arguments.clone(),
            content.files.clone(),
            heard,
        )?;
        cog.limits.wait_to_call(name).await?;
        let channel = open_direct_channel(cog, name, recipient).await?;
        arguments.insert("channel_id".to_owned(), channel.into());
    }
    let request = prepare(cog, name, operation, arguments, content.files, heard)?.needing(need);
    cog.limits.wait_to_call(name).await?;
    let answer = call::answer(cog, request).await?;
    if let Some(ids) = answer.as_ref().and_then(CallAnswer::place) {
        delete_later(cog, MessagePlace::of(ids), deletion);
    }
    Ok(answer)
}

fn message_of(json: &Json, arguments: &Arguments) -> HostResult<JsonValue> {
    Ok(json!({
        "channel_id": field(json, arguments, &["channel_id"])?,
        "message_id": field(json, arguments, &["id"])?,
    }))
}

fn message_reply(cog: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut content = Content::read(arguments, 1)?;
    let id = field(json, arguments, &["id"])?;
    let reference = content.body.entry("message_reference");
    reference.or_insert_with(|| reply_to(id));
    let channel = json!({ "channel_id": field(json, arguments, &["channel_id"])? });
    let mut call = MethodCall::new("create_message", channel)?
        .needing(reach::to_reply(cog, json))
        .with_content(content);
    // A message without content is one that the cog may not read.
    call.heard = json.get("content").map(|_| id.to_owned());
    Ok(call)
}

fn message_edit(cog: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let content = Content::read(arguments, 1)?;
    Ok(
        MethodCall::new("update_message", message_of(json, arguments)?)?
            .needing(reach::to_edit(cog, json))
            .with_content(content),
    )
}

fn message_delete(cog: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = message_of(json, arguments)?;
    add_reason(&mut target, arguments, 1)?;
    Ok(MethodCall::new("delete_message", target)?.needing(reach::to_delete(cog, json)))
}

/// An emoji as Discord's paths want it: the character itself, or `name:id`.
fn message_react(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = message_of(json, arguments)?;
    let emoji = match arguments.value(1) {
        Value::String(_) => arguments.short_string(1, "the emoji", LONGEST_EMOJI)?,
        Value::UserData(data) if data.is::<Object>() => {
            let emoji = data.borrow::<Object>()?;
            let name = emoji.json().str("name").unwrap_or_default();
            match emoji.json().str("id") {
                Some(id) => format!("{name}:{id}"),
                None => name.to_owned(),
            }
        }
        other => return Err(arguments.wrong("the emoji", "a string or an emoji", &other)),
    };
    let emoji = emoji
        .trim_start_matches("<a:")
        .trim_start_matches("<:")
        .trim_end_matches('>');
    target["emoji_name"] = emoji.into();
    MethodCall::new("add_my_message_reaction", target)
}

fn message_pin(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    MethodCall::new("create_pin", message_of(json, arguments)?)
}

/// A member's guild and user. The host adds `guild_id` to every member that it hands out.
fn member_of(json: &Json, arguments: &Arguments) -> HostResult<JsonValue> {
    Ok(json!({
        "guild_id": field(json, arguments, &["guild_id"])?,
        "user_id": field(json, arguments, &["user", "id"])?,
    }))
}

fn add_reason(target: &mut JsonValue, arguments: &Arguments, index: usize) -> HostResult<()> {
    if let Some(reason) = arguments.optional_string(index, "the reason")? {
        target["reason"] = reason.into();
    }
    Ok(())
}

fn member_role(json: &Json, arguments: &Arguments) -> HostResult<JsonValue> {
    let mut target = member_of(json, arguments)?;
    target["role_id"] = arguments.string(1, "the role's id")?.into();
    add_reason(&mut target, arguments, 2)?;
    Ok(target)
}

fn member_add_role(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    MethodCall::new("add_guild_member_role", member_role(json, arguments)?)
}

fn member_remove_role(
    _: &CogContext,
    json: &Json,
    arguments: &Arguments,
) -> HostResult<MethodCall> {
    MethodCall::new("delete_guild_member_role", member_role(json, arguments)?)
}

fn member_timeout(cog: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = member_of(json, arguments)?;
    let length = arguments.duration(1, "the duration")?;
    let until = cog.services.clock.unix() + length.as_secs_f64();
    target["communication_disabled_until"] = until.into();
    add_reason(&mut target, arguments, 2)?;
    MethodCall::new("update_guild_member", target)
}

fn member_kick(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = member_of(json, arguments)?;
    add_reason(&mut target, arguments, 1)?;
    MethodCall::new("delete_guild_member", target)
}

fn member_ban(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = member_of(json, arguments)?;
    add_reason(&mut target, arguments, 1)?;
    MethodCall::new("ban_user_from_guild", target)
}

fn channel_send(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let channel = json!({ "channel_id": field(json, arguments, &["id"])? });
    Ok(MethodCall::new("create_message", channel)?.with_content(Content::read(arguments, 1)?))
}

fn channel_typing(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let channel = json!({ "channel_id": field(json, arguments, &["id"])? });
    MethodCall::new("trigger_typing_indicator", channel)
}

fn channel_delete(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = json!({ "channel_id": field(json, arguments, &["id"])? });
    add_reason(&mut target, arguments, 1)?;
    MethodCall::new("delete_channel", target)
}

fn user_send(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let user = json.at(&["user", "id"]).or_else(|| json.get("id"));
    let user = user.and_then(JsonRef::as_str).unwrap_or_default();
    Ok(
        MethodCall::new("create_message", json!({ "recipient_id": user }))?
            .needing(Some("dm.send"))
            .with_content(Content::read(arguments, 1)?),
    )
}

fn role_delete(_: &CogContext, json: &Json, arguments: &Arguments) -> HostResult<MethodCall> {
    let mut target = json!({
        "guild_id": field(json, arguments, &["guild_id"])?,
        "role_id": field(json, arguments, &["id"])?,
    });
    add_reason(&mut target, arguments, 1)?;
    MethodCall::new("delete_guild_role", target)
}

#[cfg(test)]
mod tests {
    use super::METHODS;
    use crate::api::reach::WORDS;
    use crate::discord::types::fields_of;

    #[test]
    fn every_method_is_a_word_behind_a_capability() {
        for (_, key, name, _) in METHODS {
            let known = WORDS.iter().any(|(_, words)| words.contains(&key));
            assert!(known, "{name}");
        }
    }

    #[test]
    fn every_method_has_a_type() {
        for (kind, key, ..) in METHODS {
            let fields = fields_of("model.luau", &format!("{kind:?}"));
            assert!(fields.iter().any(|field| field == key), "{kind:?}:{key}");
        }
    }
}
