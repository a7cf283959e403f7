//! `state.entries`: the stored scopes of a kind, as a list.

use super::migrate::bring_up_all;
use super::query::{FIELDS, LeftToLuau, Query};
use super::values::plain_tree;
use super::{read_kind, read_space, view_of};
use crate::api::context::CogContext;
use crate::api::fields::Fields;
use crate::state::{DefaultsOf, StateScope, StateTable};
use crate::vm::host::{Arguments, Host, HostResult};
use mlua::{Function, Lua, Table, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// For `state.entries(scope, { guild_id?, sort?, descending?, limit?, offset?, where? })`: a function that goes
/// through the entries, and what is left for Luau to do with them.
pub(super) fn entries(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    arguments: &Arguments,
) -> HostResult<(Function, LeftToLuau)> {
    let space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let kind = read_kind(arguments, &arguments.string(1, "the scope")?)?;
    let how = match arguments.optional_table(2, "the options")? {
        Some(how) => how,
        None => lua.create_table()?,
    };
    let fields = Fields::of("state.entries", &how);
    fields.only(&[&["guild_id"], &FIELDS[..]].concat())?;
    let guild = match fields.string("guild_id")? {
        None => None,
        Some(id) => match id.parse::<u64>() {
            Ok(id) => Some(id),
            Err(_) => return Err(fields.wrong("guild_id", "an id", &fields.value("guild_id")?)),
        },
    };
    let query = Query::read(&fields)?;
    let view = view_of(cog, &space, lua)?;
    bring_up_all(lua, cog, &space, &view, &|of, _| of == kind)?;
    let (defaults, of) = (view.defaults(), DefaultsOf::Scope(kind));
    let mut scopes = view.stored_scopes(kind, guild);
    if query.is_backwards() {
        scopes.reverse();
    }
    let shown = defaults.of(&of).map(Arc::as_ref);
    let scopes = query.choose(lua, scopes.into_iter(), shown)?;
    let weight = |(_, table): &(StateScope, Arc<StateTable>)| {
        size_of::<(StateScope, Arc<StateTable>)>() + table.bytes()
    };
    let bytes = scopes.iter().map(weight).sum();
    let charge = cog.charges.of_bytes(lua, bytes)?;
    let next = AtomicUsize::new(0);
    let step = host.function(lua, "state.entries", move |lua, _| {
        let _held = &charge;
        match scopes.get(next.fetch_add(1, Ordering::Relaxed)) {
            // One at a time: a copy of the defaults for each scope could be more than there is memory.
            Some((scope, stored)) => {
                let table = defaults.fill(&of, stored);
                Ok(Value::Table(entry_of(lua, scope, &table)?))
            }
            None => Ok(Value::Nil),
        }
    })?;
    Ok((step, query.left_to_luau()))
}

/// `{ guild_id?, id, value }`
fn entry_of(lua: &Lua, scope: &StateScope, table: &StateTable) -> mlua::Result<Table> {
    let entry = lua.create_table()?;
    let id = match scope {
        StateScope::Guild(id)
        | StateScope::Channel(id)
        | StateScope::User(id)
        | StateScope::Role(id)
        | StateScope::GuildRows(id) => id.to_string(),
        StateScope::Member(guild, user) => {
            entry.raw_set("guild_id", guild.to_string())?;
            user.to_string()
        }
        StateScope::Global | StateScope::Rows => String::new(),
    };
    entry.raw_set("id", id)?;
    entry.raw_set("value", plain_tree(lua, table)?)?;
    Ok(entry)
}
