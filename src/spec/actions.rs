//! What `world` can do: each reads its arguments at once, and then waits for what comes of it. What the people in it can
//! do is in `user_actions.rs`.

use super::build::{NewChannel, NewRole, NewUser};
use super::world::{SpecResult, TestWorld};
use crate::api::fields::Fields;
use crate::discord::permissions;
use crate::sim::Id;
use crate::vm::host::{Arguments, HostError, HostFailure, HostResult};
use mlua::Value;
use serde_json::Value as JsonValue;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub(super) type Doing = Pin<Box<dyn Future<Output = SpecResult<JsonValue>> + Send>>;
pub(super) type Action = fn(&Arc<TestWorld>, &Arguments) -> HostResult<Doing>;

/// What `world` can do: under which key, what errors call it, and how.
pub(super) const WORLD_ACTIONS: [(&str, &str, Action); 21] = [
    ("user", "world:user", user),
    ("channel", "world:channel", channel),
    ("role", "world:role", role),
    ("find_channel", "world:channel", find_channel),
    ("find_role", "world:role", find_role),
    ("guild", "world:guild", guild),
    ("bot", "world:bot", bot),
    ("bot_permissions", "world:bot_permissions", bot_permissions),
    ("fault", "world:fault", fault),
    ("advance", "world:advance", advance),
    ("settle", "world:settle", settle),
    ("now", "world:now", now),
    ("restart", "world:restart", restart),
    ("reload", "world:reload", reload),
    ("messages", "world:messages", messages),
    ("calls", "world:calls", calls),
    ("member", "world:member", member),
    ("ban", "world:ban", ban),
    ("delete", "world:delete", delete),
    ("errors", "world:errors", errors),
    ("log", "world:log", log),
];

#[allow(
    clippy::unnecessary_wraps,
    reason = "it ends every action, and most of them can fail before"
)]
pub(super) fn doing(
    work: impl Future<Output = SpecResult<JsonValue>> + Send + 'static,
) -> HostResult<Doing> {
    Ok(Box::pin(work))
}

pub(super) fn done(value: impl Into<JsonValue>) -> HostResult<Doing> {
    let value = value.into();
    doing(async move { Ok(value) })
}

pub(super) fn failed(arguments: &Arguments, sentence: &str) -> HostFailure {
    HostError::new("spec", format!("{}: {sentence}", arguments.function())).into()
}

pub(super) fn id(arguments: &Arguments, index: usize, what: &str) -> HostResult<Id> {
    let text = arguments.string(index, what)?;
    text.parse()
        .map_err(|_| arguments.wrong(what, "an id", &arguments.value(index)))
}

/// Messages as specs see them: Discord's own fields, and whether they are for one person alone.
pub(super) fn seen(messages: Vec<JsonValue>) -> JsonValue {
    let marked = messages.into_iter().map(|mut message| {
        let flags = message["flags"].as_u64().unwrap_or(0);
        message["ephemeral"] = (flags & (1 << 6) != 0).into();
        message
    });
    marked.collect()
}

fn permission_bits(fields: &Fields<'_>, name: &str) -> HostResult<u64> {
    let names = fields.strings(name)?;
    permissions::of(names.iter().map(String::as_str)).map_err(|unknown| {
        let near = permissions::nearest_permission(unknown);
        let hint = crate::nearest::hint(near);
        let message = format!(
            "{}: {name}: there is no permission \"{unknown}\"{hint}",
            fields.function
        );
        HostError::new("argument", message).into()
    })
}

fn user(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let table = arguments.table(0, "")?;
    let fields = Fields::of(arguments.function(), &table);
    fields.only(&[
        "name",
        "bot",
        "owner",
        "nick",
        "roles",
        "permissions",
        "locale",
        "outside",
    ])?;
    let roles = fields.list("roles")?;
    let role = |role: &Value| {
        let id = role
            .as_table()
            .and_then(|role| role.raw_get::<String>("id").ok());
        let id = id.and_then(|id| id.parse().ok());
        id.ok_or_else(|| fields.wrong("roles", "a list of roles", role))
    };
    let user = NewUser {
        name: fields.string("name")?,
        bot: fields.boolean("bot")?.unwrap_or(false),
        owner: fields.boolean("owner")?.unwrap_or(false),
        nick: fields.string("nick")?,
        roles: roles.iter().map(role).collect::<HostResult<_>>()?,
        permissions: permission_bits(&fields, "permissions")?,
        locale: fields.string("locale")?,
        outside: fields.boolean("outside")?.unwrap_or(false),
    };
    let world = Arc::clone(world);
    doing(async move { world.add_user(user).await })
}

/// The channel of this name.
fn find_channel(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let name = arguments.string(0, "the name")?;
    let found = world
        .channel(&name)
        .and_then(|id| world.as_owner("GET", &format!("/channels/{id}"), JsonValue::Null));
    done(found.map_err(|sentence| failed(arguments, &sentence))?)
}

/// The role of this name.
fn find_role(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let name = arguments.string(0, "the name")?;
    let found = world.sim.role(world.guild, &name);
    let id = found.ok_or_else(|| failed(arguments, &format!("there is no role \"{name}\"")))?;
    let path = format!("/guilds/{}/roles/{id}", world.guild);
    let found = world.as_owner("GET", &path, JsonValue::Null);
    done(found.map_err(|sentence| failed(arguments, &sentence))?)
}

fn guild(world: &Arc<TestWorld>, _: &Arguments) -> HostResult<Doing> {
    done(serde_json::json!({ "id": world.guild.to_string(), "name": "Cogsmith" }))
}

fn bot(world: &Arc<TestWorld>, _: &Arguments) -> HostResult<Doing> {
    let id = world.sim.bot_user().to_string();
    let name = world.names().get(&id).cloned().unwrap_or_default();
    done(serde_json::json!({ "id": id, "name": name }))
}

fn channel(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let table = arguments.table(0, "")?;
    let fields = Fields::of(arguments.function(), &table);
    fields.only(&["name", "type", "nsfw", "bot_lacks"])?;
    let kind = match fields.string("type")?.as_deref() {
        None | Some("text") => 0,
        Some("voice") => 2,
        Some("announcement") => 5,
        Some("stage") => 13,
        Some("forum") => 15,
        Some(_) => {
            let expected = "one of \"text\", \"voice\", \"announcement\", \"stage\", \"forum\"";
            return Err(fields.wrong("type", expected, &table.raw_get::<Value>("type")?));
        }
    };
    let channel = NewChannel {
        name: fields.string("name")?,
        kind,
        nsfw: fields.boolean("nsfw")?.unwrap_or(false),
        bot_lacks: permission_bits(&fields, "bot_lacks")?,
    };
    let world = Arc::clone(world);
    doing(async move { world.add_channel(channel).await })
}

fn role(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let table = arguments.table(0, "")?;
    let fields = Fields::of(arguments.function(), &table);
    fields.only(&["name", "permissions", "above_bot"])?;
    let role = NewRole {
        name: fields.string("name")?,
        permissions: permission_bits(&fields, "permissions")?,
        above_bot: fields.boolean("above_bot")?.unwrap_or(false),
    };
    let world = Arc::clone(world);
    doing(async move { world.add_role(role).await })
}

fn bot_permissions(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let table = arguments.table(0, "the permissions")?;
    let names: Vec<String> = table.sequence_values().collect::<mlua::Result<_>>()?;
    let bits = permissions::of(names.iter().map(String::as_str))
        .map_err(|unknown| failed(arguments, &format!("there is no permission \"{unknown}\"")))?;
    let world = Arc::clone(world);
    doing(async move {
        world
            .set_bot_permissions(bits)
            .await
            .map(|()| JsonValue::Null)
    })
}

fn fault(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let table = arguments.table(0, "")?;
    let fields = Fields::of(arguments.function(), &table);
    fields.only(&["operation", "status", "code", "times"])?;
    let operation = fields.required_string("operation")?;
    let status = fields
        .count("status")?
        .and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or_else(|| fields.wrong("status", "an HTTP status", &Value::Nil))?;
    let code = u64::from(fields.count("code")?.unwrap_or(0));
    let times = fields.count("times")?.unwrap_or(1) as usize;
    world
        .fault(&operation, status, code, times)
        .map_err(|sentence| failed(arguments, &sentence))?;
    done(JsonValue::Null)
}

fn advance(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let duration = arguments.duration(0, "the duration")?;
    let world = Arc::clone(world);
    doing(async move { world.advance(duration).await.map(|()| JsonValue::Null) })
}

fn settle(world: &Arc<TestWorld>, _: &Arguments) -> HostResult<Doing> {
    let world = Arc::clone(world);
    doing(async move { world.settle().await.map(|()| JsonValue::Null) })
}

fn now(world: &Arc<TestWorld>, _: &Arguments) -> HostResult<Doing> {
    done(world.now())
}

fn restart(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let away = match arguments.value(0) {
        Value::Nil => Duration::ZERO,
        _ => arguments.duration(0, "how long the bot is away")?,
    };
    let world = Arc::clone(world);
    doing(async move { world.restart(away).await.map(|()| JsonValue::Null) })
}

fn reload(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let cog = arguments.optional_string(0, "the cog")?;
    let world = Arc::clone(world);
    doing(async move { world.reload(cog).await.map(|()| JsonValue::Null) })
}

fn messages(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let name = arguments.string(0, "the channel")?;
    let channel = world
        .channel(&name)
        .map_err(|sentence| failed(arguments, &sentence))?;
    done(seen(world.sim.messages(channel)))
}

fn calls(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let operation = arguments.optional_string(0, "the operation")?;
    done(world.calls(operation.as_deref()))
}

fn member(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let user = id(arguments, 0, "the user")?;
    done(
        world
            .member(user)
            .map_err(|sentence| failed(arguments, &sentence))?,
    )
}

fn ban(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let user = id(arguments, 0, "the user")?;
    done(
        world
            .ban(user)
            .map_err(|sentence| failed(arguments, &sentence))?,
    )
}

fn delete(world: &Arc<TestWorld>, arguments: &Arguments) -> HostResult<Doing> {
    let what = id(arguments, 0, "what is deleted")?;
    // A message is in a channel; channels and roles are not.
    let channel = match arguments.value(1) {
        Value::Nil => None,
        _ => Some(id(arguments, 1, "the channel")?),
    };
    let world = Arc::clone(world);
    doing(async move { world.delete(what, channel).await.map(|()| JsonValue::Null) })
}

fn errors(world: &Arc<TestWorld>, _: &Arguments) -> HostResult<Doing> {
    let world = Arc::clone(world);
    doing(async move {
        let faults = world.take_faults().await;
        Ok(faults.iter().map(|fault| fault.message.clone()).collect())
    })
}

fn log(world: &Arc<TestWorld>, _: &Arguments) -> HostResult<Doing> {
    done(world.sim.transcript())
}
