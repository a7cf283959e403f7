//! `@cogsmith/discord`: every operation that is open to cogs, by its id, and helpers around them.
//!
//! `<operation>, try, each, request_members, escape, clean, emoji_key, null, cache, permissions`

use super::call::{self, PreparedCall, UNREACHABLE, prepare};
use super::content::read_files;
use super::context::CogContext;
use super::convert::Converter;
use super::fields::{Fields, LONGEST_ID};
use super::markup;
use super::members;
use super::object;
use super::phase::may_act;
use crate::discord::missing_fields::found_in_guild;
use crate::discord::operations::{Operation, nearest_operation, operation};
use crate::discord::paging::{Cursor, paging};
use crate::discord::permissions;
use crate::discord::schema::answer_kind;
use crate::json::Json;
use crate::vm::host::{
    Arguments, Host, HostChunk, HostError, HostResult, function_name, one, shown_name,
};
use mlua::{Lua, Table, Value};
use std::sync::Arc;

static CHUNK: HostChunk = HostChunk::new("discord", include_str!("discord.luau"));

/// Names of permissions in one call: all that there can be.
const MOST_NAMES: usize = 64;
/// Characters of the name of a permission.
const LONGEST_NAME: usize = 64;

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let raw = lua.create_table()?;
    let (maker, owner) = (host.clone(), Arc::clone(cog));
    let find = host.function(lua, "discord", move |lua, arguments| {
        let operation = open_operation(&arguments.short_string(0, "the operation", 100)?)?;
        one(lua, operation_function(lua, &maker, &owner, operation)?)
    })?;
    raw.raw_set("operation", find)?;
    let callable = host.function(lua, "discord.try", |_, arguments| {
        arguments.callback(0, "the operation")
    })?;
    raw.raw_set("callable", callable)?;
    raw.raw_set("paging", host.function(lua, "discord.each", how_to_page)?)?;
    let unlisted = host.function(lua, "discord.each", |_, _| -> HostResult<()> {
        let message =
            "discord.each: Discord has not indexed this server yet; try again in some seconds";
        Err(HostError::new(UNREACHABLE, message).into())
    })?;
    raw.raw_set("unlisted", unlisted)?;
    raw.raw_set("request_members", members::function(lua, host, cog)?)?;
    markup::install(lua, host, cog, &raw)?;
    raw.raw_set("null", Value::NULL)?;
    raw.raw_set("cache", cache_module(lua, host, cog)?)?;
    raw.raw_set("permissions", permissions_module(lua, host, cog)?)?;
    let module: Table = CHUNK.load(lua, raw)?;
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
            let hint = crate::nearest::hint(nearest_operation(name));
            let message = format!("discord: there is no operation \"{name}\"{hint}");
            Err(HostError::new("argument", message).into())
        }
    }
}

/// How `discord.each` is to page: `(its name, the operation, its arguments)`.
fn how_to_page(lua: &Lua, arguments: &Arguments) -> HostResult<Table> {
    let known = match arguments.value(0) {
        Value::String(name) => operation(&name.to_string_lossy()),
        _ => None,
    };
    let Some(operation) = known else {
        let given = arguments.value(1);
        return Err(arguments.wrong("the operation", "a function of @cogsmith/discord", &given));
    };
    let given = match arguments.optional_table(2, "the arguments")? {
        Some(table) => table,
        None => lua.create_table()?,
    };
    let how = lua.create_table()?;
    let Some(paging) = paging(operation.id) else {
        if !operation.returns.is_some_and(|it| it.starts_with('[')) {
            let message = format!("discord.each: {} returns no list", operation.id);
            return Err(HostError::new("argument", message).into());
        }
        how.raw_set("list", "")?;
        return Ok(how);
    };
    let asks = |name: &str| Ok::<_, mlua::Error>(!given.raw_get::<Value>(name)?.is_nil());
    if asks("around")? {
        let message = "discord.each: around: pages follow before or after";
        return Err(HostError::new("argument", message).into());
    }
    let cursor = match paging.cursor {
        Cursor::Before if asks("after")? && !asks("before")? => Cursor::After,
        Cursor::After if asks("before")? && !asks("after")? => Cursor::Before,
        cursor => cursor,
    };
    how.raw_set("list", paging.list)?;
    how.raw_set("cursor", cursor.name())?;
    how.raw_set("key", paging.key)?;
    how.raw_set("most", paging.most)?;
    Ok(how)
}

fn operation_function(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    operation: &'static Operation,
) -> mlua::Result<mlua::Function> {
    let cog = Arc::clone(cog);
    let name = function_name("discord", operation.id);
    host.async_function(lua, name, move |lua, arguments| {
        let cog = Arc::clone(&cog);
        let prepared = prepare_call(&lua, &cog, operation, &arguments);
        async move {
            let call = prepared?;
            cog.limits.wait_to_call(name).await?;
            match call::answer(&cog, call).await? {
                Some(answer) => object::receive_answer(&lua, &cog, answer, answer_kind(operation)),
                None => Ok(Value::Nil),
            }
        }
    })
}

fn prepare_call(
    lua: &Lua,
    cog: &CogContext,
    operation: &'static Operation,
    arguments: &Arguments,
) -> HostResult<PreparedCall> {
    let name = arguments.function();
    may_act(lua, name)?;
    cog.capabilities.require(name, operation.capability)?;
    let table = match arguments.optional_table(0, "")? {
        Some(table) => table,
        None => lua.create_table()?,
    };
    let given = Converter::default().fields(name, "", &table, |field| {
        Ok(field != "files" || !operation.multipart)
    })?;
    let files = if operation.multipart {
        read_files(&Fields::of(name, &table))?
    } else {
        Vec::new()
    };
    prepare(cog, name, operation, given, files, None)
}

/// `discord.cache`: what the bot knows already; never waits, nil when unknown.
fn cache_module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Table> {
    type Look = fn(&CogContext, &Arguments) -> HostResult<Option<Json>>;
    let entries: [(&str, &'static str, &'static str, Look); 4] = [
        (
            "guild",
            "discord.cache.guild",
            "GuildResponse",
            |cog, it| {
                let id = it.short_string(0, "the guild's id", LONGEST_ID)?;
                Ok(cog.services.cache.guild(&id))
            },
        ),
        (
            "channel",
            "discord.cache.channel",
            "GuildChannelResponse",
            |cog, it| {
                let id = it.short_string(0, "the channel's id", LONGEST_ID)?;
                Ok(cog.services.cache.channel(&id))
            },
        ),
        (
            "role",
            "discord.cache.role",
            "GuildRoleResponse",
            |cog, it| {
                let guild = it.short_string(0, "the guild's id", LONGEST_ID)?;
                let role = it.short_string(1, "the role's id", LONGEST_ID)?;
                Ok(cog.services.cache.role(&guild, &role))
            },
        ),
        (
            "member",
            "discord.cache.member",
            "GuildMemberResponse",
            |cog, it| {
                let guild = it.short_string(0, "the guild's id", LONGEST_ID)?;
                let user = it.short_string(1, "the user's id", LONGEST_ID)?;
                Ok(cog.services.cache.member(&guild, &user))
            },
        ),
    ];
    let cache = lua.create_table()?;
    for (key, name, schema, look) in entries {
        let cog = Arc::clone(cog);
        let function = host.function(lua, name, move |lua, arguments| {
            match look(&cog, arguments)? {
                Some(json) => {
                    // Of members and roles the first argument is their guild.
                    let guild = arguments.short_string(0, "the guild's id", LONGEST_ID)?;
                    let json = found_in_guild(json, Some(schema), &guild);
                    object::receive(lua, &cog, &json, Some(schema))
                }
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
        let given = lua.create_table()?;
        let names = arguments.table(0, "the names")?;
        given.raw_set("the names", &names)?;
        at_most_names(arguments, names.raw_len())?;
        let names = Fields::of(arguments.function(), &given).strings("the names")?;
        one(lua, bits(arguments, &names)?.to_string())
    })?;
    module.raw_set("of", of)?;
    let has = host.function(lua, "discord.permissions.has", |lua, arguments| {
        let value = arguments.short_string(0, "the permissions", LONGEST_ID)?;
        let held = permissions::parse(&value).ok_or_else(|| {
            arguments.wrong("the permissions", "a decimal string", &arguments.value(0))
        })?;
        at_most_names(arguments, arguments.len().saturating_sub(1))?;
        let names: Vec<String> = (1..arguments.len())
            .map(|index| arguments.short_string(index, "a permission", LONGEST_NAME))
            .collect::<HostResult<_>>()?;
        let wanted = bits(arguments, &names)?;
        one(lua, permissions::has(held, wanted))
    })?;
    module.raw_set("has", has)?;
    let owner = Arc::clone(cog);
    let in_channel = host.function(
        lua,
        "discord.permissions.in_channel",
        move |lua, arguments| {
            let channel = arguments.short_string(0, "the channel's id", LONGEST_ID)?;
            let user = arguments.short_string(1, "the user's id", LONGEST_ID)?;
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
            let guild = arguments.short_string(0, "the guild's id", LONGEST_ID)?;
            let (a, b) = (
                arguments.short_string(1, "a user's id", LONGEST_ID)?,
                arguments.short_string(2, "a user's id", LONGEST_ID)?,
            );
            one(lua, owner.services.cache.outranks(&guild, &a, &b))
        },
    )?;
    module.raw_set("outranks", outranks)?;
    module.set_readonly(true);
    Ok(module)
}

fn at_most_names(arguments: &Arguments, count: usize) -> HostResult<()> {
    if count <= MOST_NAMES {
        return Ok(());
    }
    let (expected, got) = (format!("at most {MOST_NAMES} names"), count.to_string());
    Err(HostError::argument(arguments.function(), "", &expected, &got).into())
}

fn bits(arguments: &Arguments, names: &[String]) -> HostResult<u64> {
    permissions::of(names.iter().map(String::as_str)).map_err(|unknown| {
        let nearest = permissions::nearest_permission(unknown);
        let hint = crate::nearest::hint(nearest);
        let (function, unknown) = (arguments.function(), shown_name(unknown));
        let message = format!("{function}: there is no permission \"{unknown}\"{hint}");
        HostError::new("argument", message).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::paging::Paging;

    /// A server in Luau that gives lists in pages, as Discord does: newest first, or oldest first behind `after`.
    const SERVER: &str = r#"
local function is_less(a, b)
    return if #a ~= #b then #a < #b else a < b
end
local how, keys, backwards = ...
local calls = 0
local function find(call)
    local found = {}
    for place, key in keys do
        local is_in = (not call.before or is_less(key, call.before)) and (not call.after or is_less(call.after, key))
        if is_in and place > (call.offset or 0) then
            table.insert(found, key)
        end
    end
    return found
end
local function operation(call)
    calls += 1
    assert(call.limit == 3, "the size of a page")
    local found, page = find(call), {}
    local is_newest_first = call.before ~= nil or (call.after == nil and how.first == "before")
    for place = 1, math.min(#found, call.limit) do
        local key = if is_newest_first then found[#found + 1 - place] else found[place]
        local entry = key
        for step = #how.key, 1, -1 do
            entry = { [how.key[step]] = entry }
        end
        table.insert(page, if backwards and not is_newest_first then 1 else place, if #how.key > 0 then entry else { id = key })
    end
    return if how.list == "" then page else { [how.list] = page }
end
return operation, function() return calls end
"#;

    /// Goes through a list of eight with `discord.each`, three at a time.
    const THROUGH: &str = r#"
local discord, name, server, how, keys, arguments, backwards = ...
local operation, calls = server(how, keys, backwards)
discord.operation_for_tests = operation
local seen = {}
local each = discord.each(discord[name], arguments)
assert(calls() == 0, "nothing is asked before the first entry is wanted")
for entry in each do
    assert(calls() == (#seen // 3) + 1, "a page is asked for when its first entry is wanted")
    local key = entry
    for _, step in (if #how.key > 0 then how.key else { "id" }) do
        key = key[step]
    end
    table.insert(seen, key)
end
return table.concat(seen, " "), calls()
"#;

    fn keys_of(paging: &Paging) -> Vec<String> {
        let key = |number: u32| match paging.key.last() {
            Some(&("archive_timestamp" | "pinned_at")) => format!("2026-01-01T00:00:{number:02}Z"),
            // Ids of different lengths.
            _ => format!("{}", 96 + number),
        };
        (0..8).map(key).collect()
    }

    /// Arguments that ask for what comes before everything that there could be.
    fn last_of(paging: &Paging) -> String {
        let last = if keys_of(paging)[0].contains('T') {
            "9999-12-31T00:00:00Z"
        } else {
            "999999"
        };
        format!("{{ before = {last:?} }}")
    }

    /// The keys in the order in which `discord.each` gives them.
    fn through(paging: &Paging, arguments: &str, backwards: bool) -> (String, u32) {
        let lua = Lua::new();
        let raw = lua.create_table().unwrap();
        let operation = r"
            local made
            return function() return function(call) return made(call) end end, function(given) made = given end";
        let (find, set): (mlua::Function, mlua::Function) = lua.load(operation).eval().unwrap();
        raw.raw_set("operation", find).unwrap();
        let how = lua.create_table().unwrap();
        how.raw_set("list", paging.list).unwrap();
        how.raw_set("key", paging.key).unwrap();
        how.raw_set("first", paging.cursor.name()).unwrap();
        let wanted = match (paging.cursor, arguments) {
            (Cursor::Before, text) if text.contains("after") => Cursor::After,
            (Cursor::After, text) if text.contains("before") => Cursor::Before,
            (cursor, _) => cursor,
        };
        how.raw_set("cursor", wanted.name()).unwrap();
        how.raw_set("most", 3).unwrap();
        let given = how.clone();
        let paging_of = lua.create_function(move |_, ()| Ok(given.clone())).unwrap();
        raw.raw_set("paging", paging_of).unwrap();
        let discord: Table = lua.load(include_str!("discord.luau")).call(raw).unwrap();
        // The test has the server take the operation's place.
        let setter = lua.create_table().unwrap();
        setter
            .raw_set("each", discord.get::<mlua::Function>("each").unwrap())
            .unwrap();
        let index = lua
            .load("local discord, set, proxy = ... return setmetatable(proxy, { __index = discord, __newindex = function(_, _, made) set(made) end })")
            .call::<Table>((discord, set, setter))
            .unwrap();
        let server: mlua::Function = lua.load(SERVER).into_function().unwrap();
        let arguments: Table = lua.load(format!("return {arguments}")).eval().unwrap();
        lua.load(THROUGH)
            .call((
                index,
                "any",
                server,
                how,
                keys_of(paging),
                arguments,
                backwards,
            ))
            .unwrap()
    }

    #[test]
    fn every_paged_operation_is_gone_through_page_by_page_in_both_directions() {
        let paged = crate::discord::operations().filter_map(|operation| paging(operation.id));
        let mut count = 0;
        for paging in paged {
            count += 1;
            let mut keys = keys_of(paging);
            let forwards = keys.join(" ");
            keys.reverse();
            let newest_first = keys.join(" ");
            let expected = if paging.cursor == Cursor::Before {
                &newest_first
            } else {
                &forwards
            };
            let (seen, calls) = through(paging, "{}", false);
            assert_eq!((&seen, calls), (expected, 3), "{paging:?}");
            if paging.cursor == Cursor::Offset {
                continue;
            }
            let (seen, _) = through(paging, &last_of(paging), false);
            assert_eq!(seen, newest_first, "{paging:?}");
            // Discord gives messages newest first, also behind `after`.
            for backwards in [false, true] {
                let (seen, _) = through(paging, "{ after = \"0\" }", backwards);
                assert_eq!(seen, forwards, "{paging:?}");
            }
        }
        assert_eq!(count, 19);
    }
}
