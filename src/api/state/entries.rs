//! `state.entries`: the stored scopes of a kind, as a list.

use super::values::plain_tree;
use super::{read_kind, read_space, view_of};
use crate::api::context::CogContext;
use crate::api::fields::Fields;
use crate::state::{KeyRef, StateScope, StateTable, Value as Stored};
use crate::vm::host::{Arguments, Host, HostResult};
use mlua::{Function, Lua, Table, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Entries that `state.entries` returns at most.
const MOST_ENTRIES: usize = 10_000;

/// For `state.entries(scope, { guild_id?, sort?, descending?, limit?, offset?, where? })`: a function that goes
/// through the entries, and what is left for Luau to do with them.
pub(super) fn entries(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    arguments: &Arguments,
) -> HostResult<(Function, Option<Function>, usize, usize)> {
    let space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let kind = read_kind(arguments, &arguments.string(1, "the scope")?)?;
    let how = match arguments.optional_table(2, "the options")? {
        Some(how) => how,
        None => lua.create_table()?,
    };
    let fields = Fields::of("state.entries", &how);
    fields.only(&["guild_id", "sort", "descending", "limit", "offset", "where"])?;
    let guild = match fields.string("guild_id")? {
        None => None,
        Some(id) => match id.parse::<u64>() {
            Ok(id) => Some(id),
            Err(_) => return Err(fields.wrong("guild_id", "an id", &fields.value("guild_id")?)),
        },
    };
    let limit = fields
        .count("limit")?
        .map_or(MOST_ENTRIES, |it| it as usize)
        .min(MOST_ENTRIES);
    let offset = fields.count("offset")?.unwrap_or(0) as usize;
    let filter = fields.function("where")?;
    let view = view_of(cog, &space, lua)?;
    let defaults = view.defaults();
    let mut scopes = view.stored_scopes(kind, guild);
    if let Some(field) = fields.string("sort")? {
        let descending = fields.boolean("descending")?.unwrap_or(false);
        sort_by(&mut scopes, defaults.of(kind), &field, descending);
    }
    if filter.is_none() {
        scopes = scopes.into_iter().skip(offset).take(limit).collect();
    }
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
                let table = defaults.fill(kind, stored);
                Ok(Value::Table(entry_of(lua, scope, &table)?))
            }
            None => Ok(Value::Nil),
        }
    })?;
    let offset = if filter.is_some() { offset } else { 0 };
    Ok((step, filter, offset, limit))
}

/// `{ guild_id?, id, value }`
fn entry_of(lua: &Lua, scope: &StateScope, table: &StateTable) -> mlua::Result<Table> {
    let entry = lua.create_table()?;
    let id = match scope {
        StateScope::Global => String::new(),
        StateScope::Guild(id)
        | StateScope::Channel(id)
        | StateScope::User(id)
        | StateScope::Role(id) => id.to_string(),
        StateScope::Member(guild, user) => {
            entry.raw_set("guild_id", guild.to_string())?;
            user.to_string()
        }
    };
    entry.raw_set("id", id)?;
    entry.raw_set("value", plain_tree(lua, table)?)?;
    Ok(entry)
}

/// Sorts by a number or string field, which has its default where it is not stored; entries without it come last.
fn sort_by(
    scopes: &mut [(StateScope, Arc<StateTable>)],
    defaults: Option<&Arc<StateTable>>,
    field: &str,
    descending: bool,
) {
    use std::cmp::Ordering as Order;
    let key = KeyRef::Str(field.as_bytes());
    let default = defaults.and_then(|defaults| defaults.get(key));
    let of = |tree: &Arc<StateTable>| tree.get(key).or(default).cloned();
    scopes.sort_by(|(_, a), (_, b)| {
        let order = match (of(a), of(b)) {
            (Some(Stored::Number(a)), Some(Stored::Number(b))) => a.total_cmp(&b),
            (Some(Stored::String(a)), Some(Stored::String(b))) => a.cmp(&b),
            (Some(_), None) => return Order::Less,
            (None, Some(_)) => return Order::Greater,
            _ => Order::Equal,
        };
        if descending { order.reverse() } else { order }
    });
}
