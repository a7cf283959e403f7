//! `state.rows(name, shape, "guild" | "global")(id)`: many small records by their keys.
//!
//! All rows of a name are one table in a scope of their own (`StateScope::GuildRows`), and a row is a table in it. So a
//! row is found and set in the time that a sorted map takes, and a page of a list walks over no other rows.

use super::handle::Handle;
use super::migrate::bring_up_all;
use super::query::{FIELDS, LeftToLuau, Query};
use super::space::Space;
use super::values::{key_to_lua, plain_tree};
use super::{add_defaults, read_space, state_error};
use crate::api::context::CogContext;
use crate::api::fields::Fields;
use crate::api::phase::may_write;
use crate::lock::lock;
use crate::state::{
    DefaultsOf, KeyRef, ScopeKind, StateScope, StateTable, Text, Value as Stored, render_path,
};
use crate::vm::host::{Arguments, Host, HostError, HostResult, describe};
use mlua::{AnyUserData, Function, Lua, MetaMethod, Table, UserDataRegistry, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Characters of a name.
const LONGEST_NAME: usize = 64;

/// The rows of a name, for one guild or for all: what `state.rows(…)(id)` returns.
struct Rows(Handle);

/// What Luau has of them: the functions that it calls, and one that makes the type with its methods.
pub(super) fn install(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    raw: &Table,
) -> mlua::Result<()> {
    let owner = Arc::clone(cog);
    let rows = host.function(lua, "state.rows", move |lua, arguments| {
        declare(lua, &owner, arguments)
    })?;
    raw.raw_set("rows", rows)?;
    let owner = Arc::clone(cog);
    let rows_of = host.function(lua, "state.rows", move |lua, arguments| {
        of_id(lua, &owner, arguments)
    })?;
    raw.raw_set("rows_of", rows_of)?;
    raw.raw_set("get_row", host.function(lua, "rows:get", get)?)?;
    raw.raw_set("set_row", host.function(lua, "rows:set", set)?)?;
    raw.raw_set("count_rows", host.function(lua, "rows:count", count)?)?;
    let (owner, maker) = (Arc::clone(cog), host.clone());
    let list = host.function(lua, "rows:list", move |lua, arguments| {
        list(lua, &maker, &owner, arguments)
    })?;
    raw.raw_set("list_rows", list)?;
    let maker = host.clone();
    let register =
        lua.create_function(move |lua, methods: Table| register(lua, &maker, methods))?;
    raw.raw_set("register_rows", register)
}

fn register(lua: &Lua, host: &Host, methods: Table) -> mlua::Result<()> {
    let refuse = host.function(lua, "state.rows", |_, arguments: &Arguments| {
        let key = describe(&arguments.value(1));
        let message =
            format!("state.rows: {key} cannot be assigned to; write rows:set(key, value)");
        Err::<Value, _>(HostError::new("state", message).into())
    })?;
    lua.register_userdata_type::<Rows>(move |registry: &mut UserDataRegistry<Rows>| {
        use mlua::{UserDataFields, UserDataMethods};
        registry.add_meta_field("__type", "rows");
        registry.add_meta_field_with(MetaMethod::Index.name(), move |_| Ok(methods));
        registry.add_meta_field_with(MetaMethod::NewIndex.name(), move |_| Ok(refuse));
        registry.add_meta_method(MetaMethod::ToString.name(), |_, this, ()| {
            let (scope, path) = this.0.place();
            Ok(render_path(scope, path))
        });
    })
}

/// `state.rows(name, shape, scope)`
fn declare(lua: &Lua, cog: &Arc<CogContext>, arguments: &Arguments) -> HostResult<()> {
    let space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let name = read_name(arguments)?;
    let Value::Table(shape) = arguments.value(2) else {
        return Err(arguments.wrong("the shape", "a table of defaults", &arguments.value(2)));
    };
    let of = DefaultsOf::Rows(read_kind(arguments, 3)?, name.as_str().into());
    let table = Handle::default_of(lua, cog, &of, &shape)?;
    add_defaults(lua, cog, arguments.function(), &space, vec![(of, table)])
}

/// What `state.rows(name, shape, scope)` returned was called with an id.
fn of_id(lua: &Lua, cog: &Arc<CogContext>, arguments: &Arguments) -> HostResult<AnyUserData> {
    let space: Space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let name = read_name(arguments)?;
    let scope = match (read_kind(arguments, 2)?, arguments.value(3)) {
        (ScopeKind::GuildRows, Value::String(id)) => {
            let id = id.to_string_lossy();
            StateScope::parse(ScopeKind::GuildRows, &[&id]).map_err(state_error)?
        }
        (ScopeKind::GuildRows, other) => {
            return Err(arguments.wrong("guild_id", "an id as a string", &other));
        }
        _ => StateScope::Rows,
    };
    let rows = Handle::of_rows(lua, cog, space, scope, &name)?;
    Ok(lua.create_any_userdata(Rows(rows))?)
}

fn read_name(arguments: &Arguments) -> HostResult<String> {
    let name = arguments.short_string(1, "the name", LONGEST_NAME)?;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(valid) {
        let expected = "1 to 64 letters, digits, _ or -";
        return Err(arguments.wrong("the name", expected, &arguments.value(1)));
    }
    Ok(name)
}

fn read_kind(arguments: &Arguments, index: usize) -> HostResult<ScopeKind> {
    let value = arguments.value(index);
    match value
        .as_string()
        .map(mlua::LuaString::to_string_lossy)
        .as_deref()
    {
        Some("guild") => Ok(ScopeKind::GuildRows),
        Some("global") => Ok(ScopeKind::Rows),
        _ => Err(arguments.wrong("the scope", "\"guild\" or \"global\"", &value)),
    }
}

/// The rows on which a method was called.
fn read_rows(arguments: &Arguments) -> HostResult<Handle> {
    if let Value::UserData(data) = arguments.value(0)
        && let Ok(rows) = data.borrow::<Rows>()
    {
        return Ok(rows.0.clone());
    }
    let function = arguments.function();
    let message = format!("{function}: call it with a colon: {function}(…)");
    Err(HostError::new("argument", message).into())
}

fn read_key(arguments: &Arguments) -> HostResult<Value> {
    match arguments.value(1) {
        key @ Value::String(_) => Ok(key),
        other => Err(arguments.wrong("the key", "a string", &other)),
    }
}

/// `rows:get(key)`: the row, or nil.
fn get(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let rows = read_rows(arguments)?;
    rows.get(lua, &read_key(arguments)?)
}

/// `rows:set(key, value)`: nil removes the row.
fn set(lua: &Lua, arguments: &Arguments) -> HostResult<()> {
    let (rows, key, value) = (
        read_rows(arguments)?,
        read_key(arguments)?,
        arguments.value(2),
    );
    may_write(lua, arguments.function())?;
    let is_row = match &value {
        Value::Nil | Value::Table(_) => true,
        Value::UserData(data) => data.is::<Handle>(),
        _ => false,
    };
    if !is_row {
        return Err(arguments.wrong("the value", "a table, or nil to remove the row", &value));
    }
    rows.set(lua, &key, &value)
}

/// `rows:count()`
#[allow(clippy::cast_precision_loss, reason = "no map has 2^53 entries")]
fn count(lua: &Lua, arguments: &Arguments) -> HostResult<f64> {
    let rows = read_rows(arguments)?;
    let (scope, path) = rows.place();
    Ok(rows.view(lua)?.count(scope, path).unwrap_or(0) as f64)
}

/// For `rows:list { prefix?, sort?, descending?, limit?, offset?, where? }`: a function that goes through the rows, and
/// what is left for Luau to do with them.
fn list(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    arguments: &Arguments,
) -> HostResult<(Function, LeftToLuau)> {
    let rows = read_rows(arguments)?;
    let how = match arguments.optional_table(1, "the options")? {
        Some(how) => how,
        None => lua.create_table()?,
    };
    let fields = Fields::of(arguments.function(), &how);
    fields.only(&[&["prefix"], &FIELDS[..]].concat())?;
    let prefix: Text = match fields.value("prefix")? {
        Value::Nil => "".into(),
        Value::String(prefix) => prefix.as_bytes().as_ref().into(),
        other => return Err(fields.wrong("prefix", "a string", &other)),
    };
    let query = Query::read(&fields)?;
    let (view, DefaultsOf::Rows(kind, name)) = (rows.view(lua)?, of_rows(&rows)) else {
        return Err(arguments.wrong("", "rows", &arguments.value(0)));
    };
    bring_up_all(lua, cog, rows.space(), &view, &|of, its| {
        of == kind && its == Some(&name)
    })?;
    let left = query.left_to_luau();
    let step = if query.is_for_luau_alone() {
        one_by_one(lua, host, rows, prefix, query.is_backwards())?
    } else {
        chosen(lua, host, cog, &rows, &prefix, &query)?
    };
    Ok((step, left))
}

/// What is asked for, chosen at once.
fn chosen(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    rows: &Handle,
    prefix: &[u8],
    query: &Query,
) -> HostResult<Function> {
    let (view, (scope, path)) = (rows.view(lua)?, rows.place());
    let (defaults, of) = (view.defaults(), of_rows(rows));
    let all = view.entries(scope, path).unwrap_or_default();
    let candidates = all.named_with(prefix, query.is_backwards());
    let candidates =
        candidates.filter_map(|(key, row)| Some((key.clone(), row.as_table()?.clone())));
    let chosen = query.choose(lua, candidates, defaults.of(&of).map(Arc::as_ref))?;
    let weight = |(key, row): &(Text, Arc<StateTable>)| {
        size_of::<(Text, Arc<StateTable>)>() + key.len() + row.bytes()
    };
    let charge = cog
        .charges
        .of_bytes(lua, chosen.iter().map(weight).sum::<usize>())?;
    let next = AtomicUsize::new(0);
    let step = host.function(lua, "rows:list", move |lua, _| {
        let _held = &charge;
        match chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            Some((key, row)) => entry_of(lua, key, &defaults.fill(&of, row)).map(Value::Table),
            None => Ok(Value::Nil),
        }
    })?;
    Ok(step)
}

/// All rows, each looked up when it is its turn: a function decides, and there may be more of them than fit into the
/// VM's memory.
fn one_by_one(
    lua: &Lua,
    host: &Host,
    rows: Handle,
    prefix: Text,
    is_backwards: bool,
) -> HostResult<Function> {
    let last: Mutex<Option<Text>> = Mutex::default();
    let of = of_rows(&rows);
    let step = host.function(lua, "rows:list", move |lua, _| {
        let (view, (scope, path)) = (rows.view(lua)?, rows.place());
        let all = view.entries(scope, path).unwrap_or_default();
        let mut last = lock(&last);
        let next = all.named_next(&prefix, last.as_ref(), is_backwards);
        let Some((key, Stored::Table(row))) = next else {
            return Ok(Value::Nil);
        };
        *last = Some(key.clone());
        let row = view.defaults().fill(&of, row);
        Ok(Value::Table(entry_of(lua, key, &row)?))
    })?;
    Ok(step)
}

fn of_rows(rows: &Handle) -> DefaultsOf {
    let (scope, path) = rows.place();
    let name = match path.first().map(crate::state::Key::as_ref) {
        Some(KeyRef::Str(name)) => name.into(),
        _ => "".into(),
    };
    DefaultsOf::Rows(scope.kind(), name)
}

/// `{ key, value }`
fn entry_of(lua: &Lua, key: &Text, row: &StateTable) -> HostResult<Table> {
    let entry = lua.create_table()?;
    entry.raw_set("key", key_to_lua(lua, KeyRef::Str(key))?)?;
    entry.raw_set("value", plain_tree(lua, row)?)?;
    Ok(entry)
}
