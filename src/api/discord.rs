//! `@cogsmith/discord`: every operation that is open to cogs, by its id, and helpers around them.
//!
//! `<operation>, try, null, cache, permissions`

use super::content::read_files;
use super::context::CogContext;
use super::convert::{Fields, to_json};
use super::object;
use crate::discord::arguments::{self, File};
use crate::discord::operations::{Operation, nearest_operation, operation};
use crate::discord::outbound::CallError;
use crate::discord::permissions;
use crate::discord::schema::{Shape, item_kind};
use crate::json::Json;
use crate::vm::host::{
    Arguments, Failure, Field, Host, HostError, HostResult, load_host_chunk, one,
};
use mlua::{Lua, Table, Value};
use serde_json::{Map, Value as JsonValue};
use std::sync::Arc;
use std::time::Duration;

/// How long one call may take, rate limits and repetitions included.
const DEADLINE: Duration = Duration::from_secs(120);

/// Makes the module.
pub fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let raw = lua.create_table()?;
    let (maker, owner) = (host.clone(), Arc::clone(cog));
    let find = host.function(lua, "discord", move |lua, arguments| {
        let operation = open_operation(&arguments.string(0, "the operation")?)?;
        one(lua, operation_function(lua, &maker, &owner, operation)?)
    })?;
    raw.raw_set("operation", find)?;
    raw.raw_set("null", Value::NULL)?;
    raw.raw_set("cache", cache_module(lua, host, cog)?)?;
    raw.raw_set("permissions", permissions_module(lua, host, cog)?)?;
    let module: Table = load_host_chunk(lua, "discord", include_str!("discord.luau"), raw)?;
    module.set_readonly(true);
    Ok(Value::Table(module))
}

fn open_operation(name: &str) -> HostResult<&'static Operation> {
    match operation(name) {
        Some(operation) if operation.open_to_cogs() => Ok(operation),
        Some(_) => {
            let message = format!("discord.{name}: only the host may call this operation");
            Err(HostError::new("capability", message).into())
        }
        None => {
            let hint = nearest_operation(name)
                .map_or_else(String::new, |it| format!("; did you mean \"{it}\"?"));
            let message = format!("discord: there is no operation \"{name}\"{hint}");
            Err(HostError::new("argument", message).into())
        }
    }
}

fn operation_function(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    operation: &'static Operation,
) -> mlua::Result<mlua::Function> {
    let cog = Arc::clone(cog);
    host.async_function(lua, operation.id, move |lua, arguments| {
        let cog = Arc::clone(&cog);
        let prepared = prepare_call(&lua, &cog, operation, &arguments);
        async move {
            let (arguments, files) = prepared?;
            let answer = call(&cog, operation, arguments, files).await?;
            match answer {
                Some(json) => object::receive(&lua, &cog, &json, answer_schema(operation)),
                None => Ok(Value::Nil),
            }
        }
    })
}

/// The schema of an operation's answer, or of the items of one that is a list.
pub fn answer_schema(operation: &'static Operation) -> Option<&'static str> {
    item_kind(&Shape::parse(operation.returns?))
}

type CallArguments = (Map<String, JsonValue>, Vec<File>);

fn prepare_call(
    lua: &Lua,
    cog: &CogContext,
    operation: &'static Operation,
    arguments: &Arguments,
) -> HostResult<CallArguments> {
    let name = format!("discord.{}", operation.id);
    CogContext::may_act(lua, &name)?;
    cog.require_capability(&name, operation.capability)?;
    let table = match arguments.value(0) {
        Value::Nil => lua.create_table()?,
        Value::Table(table) => table,
        other => return Err(arguments.wrong("", "a table of fields", &other)),
    };
    let files = read_files(&Fields::of(&*name, &table))?;
    let mut given = Map::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let Value::String(field) = &key else {
            return Err(arguments.wrong("", "fields with names", &key));
        };
        let field = field.to_string_lossy();
        if field != "files" {
            let value = to_json(operation.id, &field, &value)?;
            given.insert(field, value);
        }
    }
    Ok((given, files))
}

/// Calls an operation for a cog: counted, after its writes are safe, with errors as authors meet them.
pub async fn call(
    cog: &CogContext,
    operation: &'static Operation,
    arguments: Map<String, JsonValue>,
    files: Vec<File>,
) -> HostResult<Option<Json>> {
    let name = format!("discord.{}", operation.id);
    cog.count_call(&name)?;
    let mut prepared = arguments::prepare(operation, JsonValue::Object(arguments))
        .map_err(|error| HostError::new("argument", format!("{name}: {error}")))?;
    prepared.files.extend(files);
    cog.writes_committed().await?;
    cog.services
        .outbound
        .send(prepared, DEADLINE)
        .await
        .map_err(|error| call_error(&error))
}

fn call_error(error: &CallError) -> Failure {
    let CallError::Discord(error) = error else {
        return HostError::new("unreachable", error.to_string()).into();
    };
    let mut table = HostError::new("discord", error.to_string())
        .with("status", Field::Integer(i64::from(error.status)))
        .with("code", Field::Integer(error.code))
        .with("operation", Field::Text(error.operation.clone()));
    if let Some(errors) = &error.errors {
        table = table.with("errors", Field::Json(errors.clone()));
    }
    table.into()
}

/// `discord.cache`: what is known without asking; never waits, nil when unknown.
fn cache_module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Table> {
    type Look = fn(&CogContext, &Arguments) -> HostResult<Option<Json>>;
    let entries: [(&str, &'static str, &'static str, Look); 4] = [
        (
            "guild",
            "discord.cache.guild",
            "GuildResponse",
            |cog, it| Ok(cog.services.cache.guild(&it.string(0, "the guild's id")?)),
        ),
        (
            "channel",
            "discord.cache.channel",
            "GuildChannelResponse",
            |cog, it| {
                let id = it.string(0, "the channel's id")?;
                Ok(cog.services.cache.channel(&id))
            },
        ),
        (
            "role",
            "discord.cache.role",
            "GuildRoleResponse",
            |cog, it| {
                let guild = it.string(0, "the guild's id")?;
                let role = it.string(1, "the role's id")?;
                Ok(cog.services.cache.role(&guild, &role))
            },
        ),
        (
            "member",
            "discord.cache.member",
            "GuildMemberResponse",
            |cog, it| {
                let guild = it.string(0, "the guild's id")?;
                let user = it.string(1, "the user's id")?;
                Ok(cog.services.cache.member(&guild, &user))
            },
        ),
    ];
    let cache = lua.create_table()?;
    for (key, name, schema, look) in entries {
        let cog = Arc::clone(cog);
        let function = host.function(lua, name, move |lua, arguments| {
            match look(&cog, arguments)? {
                Some(json) => object::receive(lua, &cog, &json, Some(schema)),
                None => Ok(Value::Nil),
            }
        })?;
        cache.raw_set(key, function)?;
    }
    cache.set_readonly(true);
    Ok(cache)
}

/// `discord.permissions`: names and bits, and what somebody may do somewhere.
fn permissions_module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Table> {
    let module = lua.create_table()?;
    let of = host.function(lua, "discord.permissions.of", |lua, arguments| {
        let names: Vec<String> = arguments
            .table(0, "the names")?
            .sequence_values::<String>()
            .collect::<mlua::Result<_>>()
            .map_err(|_| arguments.wrong("the names", "a list of strings", &arguments.value(0)))?;
        one(lua, bits(&names)?.to_string())
    })?;
    module.raw_set("of", of)?;
    let has = host.function(lua, "discord.permissions.has", |lua, arguments| {
        let value = arguments.string(0, "the permissions")?;
        let held: u64 = value.parse().map_err(|_| {
            arguments.wrong("the permissions", "a decimal string", &arguments.value(0))
        })?;
        let names: Vec<String> = (1..arguments.len())
            .map(|index| arguments.string(index, "a permission"))
            .collect::<HostResult<_>>()?;
        let wanted = bits(&names)?;
        one(lua, permissions::has(held, wanted))
    })?;
    module.raw_set("has", has)?;
    let owner = Arc::clone(cog);
    let in_channel = host.function(
        lua,
        "discord.permissions.in_channel",
        move |lua, arguments| {
            let channel = arguments.string(0, "the channel's id")?;
            let user = arguments.string(1, "the user's id")?;
            let bits = owner.services.permissions_in(&channel, &user);
            one(lua, bits.map(|bits| bits.to_string()))
        },
    )?;
    module.raw_set("in_channel", in_channel)?;
    let owner = Arc::clone(cog);
    let outranks = host.function(
        lua,
        "discord.permissions.outranks",
        move |lua, arguments| {
            let guild = arguments.string(0, "the guild's id")?;
            let (a, b) = (
                arguments.string(1, "a user's id")?,
                arguments.string(2, "a user's id")?,
            );
            one(lua, owner.services.cache.outranks(&guild, &a, &b))
        },
    )?;
    module.raw_set("outranks", outranks)?;
    module.set_readonly(true);
    Ok(module)
}

fn bits(names: &[String]) -> HostResult<u64> {
    permissions::of(names.iter().map(String::as_str)).map_err(|unknown| {
        let message = format!("discord.permissions: there is no permission \"{unknown}\"");
        HostError::new("argument", message).into()
    })
}
