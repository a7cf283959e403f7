//! `@cogsmith/state`: the table that Rust owns, as a table in Luau.
//!
//! `global, guild, channel, user, role, member, defaults, rows, session, shared, transaction, entries, forget, migrate`
//!
//! ```text
//! mod (a scope of a space) ─ handle (a place in it) ─ values (what is stored, to Luau and back) ─▶ the view in `own_state`
//! ```
//!
//! A handle (`handle.rs`) is a path, never a table: each read and write goes to the tree through the view of the
//! code that runs. `library.luau` makes the library's functions take handles as well, and `state.luau` says what they do
//! with them; `values.rs` carries what is stored to Luau and back, `entries.rs` lists the scopes of a kind, `rows.rs` is
//! `state.rows`, `query.rs` says what both list, `migration.rs` is what `state.migrate` was told and `migrate.rs` does it, `space.rs` names whose state it is, `transaction.rs` runs
//! `state.transaction`.

mod entries;
mod handle;
pub mod migrate;
pub mod migration;
mod query;
mod rows;
pub mod space;
mod transaction;
mod values;

use super::context::CogContext;
use super::limits::Limit;
use super::phase::{active, may_write};
use super::refusal;
use crate::state::{DefaultsOf, Key, ScopeKind, StateError, StateScope, StateTable, View};
use crate::vm::build::Vm;
use crate::vm::host::{
    Arguments, Host, HostChunk, HostError, HostFailure, HostResult, describe, one,
};
use crate::vm::raw::with_fallback;
pub(in crate::api) use handle::Handle;
pub(super) use handle::payload_to_stored;
use migration::Migration;
use mlua::{Function, Lua, Table, Value};
use space::Space;
use std::ffi::CStr;
use std::sync::Arc;
pub(super) use values::{payload_to_lua, tree_to_json};

static CHUNK: HostChunk = HostChunk::new("state", include_str!("state.luau"));
static LIBRARY: HostChunk = HostChunk::new("library", include_str!("library.luau"));

/// Bytes of an id that are looked at: more than any id has.
const LONGEST_ID: usize = 64;

/// A state as the code that runs sees it.
fn view_of(cog: &Arc<CogContext>, space: &Space, lua: &Lua) -> HostResult<View> {
    view_and_migration(cog, space, lua).map(|(view, _)| view)
}

fn view_and_migration(
    cog: &Arc<CogContext>,
    space: &Space,
    lua: &Lua,
) -> HostResult<(View, Option<Arc<Migration>>)> {
    if let Space::Shared(name) = space {
        cog.shares(lua, name)?;
    }
    let generation = active(lua)?;
    generation.may_look("state")?;
    let view = cog.state.of(&generation).view(space);
    let migration = migrate::migration_of(&generation, cog, space);
    let version = migration.as_ref().map_or(0, |it| it.version);
    Ok((view.at_version(version), migration))
}

/// The same, with the entry into which a path leads as the code that runs expects it.
fn view_at(
    cog: &Arc<CogContext>,
    space: &Space,
    place: (&StateScope, &[Key]),
    lua: &Lua,
) -> HostResult<View> {
    let (view, migration) = view_and_migration(cog, space, lua)?;
    if let Some(migration) = migration {
        migrate::bring_up(lua, cog, &view, &migration, place)?;
    }
    Ok(view)
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn state_error(error: StateError) -> HostFailure {
    HostError::new("state", error.to_string()).into()
}

/// The error of a write, which may have met a limit.
fn write_error(cog: &CogContext, error: StateError) -> HostFailure {
    let limit = match error {
        StateError::NamespaceSize { .. } => Some(Limit::State),
        StateError::ValueSize { .. } => Some(Limit::StateValue),
        _ => None,
    };
    if let Some(limit) = limit {
        cog.limits.meet(limit, || Some(error.to_string()));
    }
    state_error(error)
}

/// The library functions that also take handles.
const OF_TABLES: [&CStr; 10] = [
    c"insert", c"remove", c"sort", c"clone", c"clear", c"move", c"concat", c"unpack", c"find",
    c"maxn",
];
const GLOBAL: [&CStr; 5] = [c"next", c"pairs", c"ipairs", c"rawget", c"rawlen"];

/// The library's own ones, by name.
struct Originals(Table);

/// What they do with handles, by name; there once the module is.
struct WithHandles(Table);

/// Has the library's functions take handles. To be called before the VM is sandboxed.
pub(super) fn extend_library(lua: &Lua, host: &Host) -> mlua::Result<()> {
    let make = host.function(lua, "state", |lua, _| {
        if let Some(made) = lua.app_data_ref::<WithHandles>() {
            return Ok(Some(made.0.clone()));
        }
        Vm::of(lua)?.loader().host_module(lua, "state")?;
        let made = lua.app_data_ref::<WithHandles>();
        Ok(made.map(|made| made.0.clone()))
    })?;
    let with_userdata: Function = LIBRARY.load(lua, make)?;
    let originals = lua.create_table()?;
    let globals = lua.globals();
    let tables: Table = globals.raw_get("table")?;
    for (library, names) in [(&tables, &OF_TABLES[..]), (&globals, &GLOBAL[..])] {
        for name in names {
            let key = name.to_string_lossy();
            let original: Function = library.raw_get(key.as_ref())?;
            let extended = with_fallback(lua, &original, name, &with_userdata)?;
            library.raw_set(key.as_ref(), extended)?;
            originals.raw_set(key.as_ref(), original)?;
        }
    }
    globals.raw_set("unpack", tables.raw_get::<Value>("unpack")?)?;
    lua.set_app_data(Originals(originals));
    Ok(())
}

/// Makes the module. `closed` is the metatable of tables that nobody may write to.
pub(super) fn module(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    closed: &Table,
) -> mlua::Result<Value> {
    handle::register(lua, host)?;
    let raw = lua.create_table()?;
    raw.raw_set("closed", closed)?;
    let owner = Arc::clone(cog);
    let scope = host.function(lua, "state", move |lua, arguments| {
        let (space, scope) = read_scope(lua, &owner, arguments)?;
        let handle = Handle::of_scope(lua, &owner, space, scope)?;
        Ok(Value::UserData(lua.create_any_userdata(handle)?))
    })?;
    raw.raw_set("scope", scope)?;
    raw.raw_set("refuse", refusal(lua, host)?)?;
    handle::install_lookups(lua, host, &raw)?;
    let owner = Arc::clone(cog);
    let defaults = host.function(lua, "state.defaults", move |lua, arguments| {
        declare_defaults(lua, &owner, arguments)
    })?;
    raw.raw_set("defaults", defaults)?;
    let (owner, maker) = (Arc::clone(cog), host.clone());
    let entries = host.function(lua, "state.entries", move |lua, arguments| {
        entries::entries(lua, &maker, &owner, arguments)
    })?;
    raw.raw_set("entries", entries)?;
    rows::install(lua, host, cog, &raw)?;
    migrate::install(lua, host, cog, &raw)?;
    let owner = Arc::clone(cog);
    let forget = host.function(lua, "state.forget", move |lua, arguments| {
        may_write(lua, "state.forget")?;
        let (space, scope) = read_scope(lua, &owner, arguments)?;
        view_of(&owner, &space, lua)?
            .forget(&scope)
            .map_err(state_error)
    })?;
    raw.raw_set("forget", forget)?;
    let owner = Arc::clone(cog);
    let shared = host.function(lua, "state.shared", move |lua, arguments| {
        let name = arguments.string(0, "the name")?;
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(valid) {
            return Err(arguments.wrong(
                "the name",
                "1 to 64 letters, digits, _ or -",
                &arguments.value(0),
            ));
        }
        owner.shares(lua, &name)?;
        one(lua, format!("shared:{name}"))
    })?;
    raw.raw_set("shared", shared)?;
    let owner = Arc::clone(cog);
    let pcall: Function = lua.globals().get("pcall")?;
    let transaction = host.function(lua, "state.transaction", move |lua, arguments| {
        transaction::run(lua, &owner, &pcall, arguments)
    })?;
    raw.raw_set("transaction", transaction)?;
    let originals = lua.app_data_ref::<Originals>().map(|own| own.0.clone());
    let (module, with_handles) = CHUNK.load::<(Value, Table)>(lua, (raw, originals))?;
    lua.set_app_data(WithHandles(with_handles));
    Ok(module)
}

/// The space and the scope that a call names: `(space, kind, ids…)`.
fn read_scope(
    lua: &Lua,
    cog: &CogContext,
    arguments: &Arguments,
) -> HostResult<(Space, StateScope)> {
    let space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let kind = read_kind(arguments, &arguments.string(1, "the scope")?)?;
    let given = arguments.len().saturating_sub(2);
    if given > kind.ids().len() {
        // None of them is copied: there may be thousands, and each as long as memory allows.
        StateScope::parse(kind, &vec![""; given]).map_err(state_error)?;
    }
    let mut ids = Vec::new();
    for index in 2..arguments.len() {
        let what = kind.ids().get(index - 2).copied().unwrap_or("an id");
        match arguments.value(index) {
            Value::String(id) => {
                let bytes = id.as_bytes();
                let head = bytes.get(..LONGEST_ID).unwrap_or(&bytes);
                ids.push(String::from_utf8_lossy(head).into_owned());
            }
            other => {
                let function = format!("state.{}", kind.name());
                return Err(HostError::argument(
                    &function,
                    what,
                    "an id as a string",
                    &describe(&other),
                )
                .into());
            }
        }
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let scope = StateScope::parse(kind, &ids).map_err(state_error)?;
    Ok((space, scope))
}

fn read_space(lua: &Lua, cog: &CogContext, name: &str) -> HostResult<Space> {
    match name {
        "own" => Ok(Space::Own),
        "session" => Ok(Space::Session),
        shared => {
            let name = shared.strip_prefix("shared:").unwrap_or_default();
            cog.shares(lua, name)?;
            Ok(Space::Shared(name.into()))
        }
    }
}

fn read_kind(arguments: &Arguments, name: &str) -> HostResult<ScopeKind> {
    ScopeKind::from_name(name).ok_or_else(|| {
        let expected = "\"global\", \"guild\", \"channel\", \"user\", \"role\" or \"member\"";
        arguments.wrong("the scope", expected, &arguments.value(1))
    })
}

/// `state.defaults { guild = { … }, member = { … } }`.
fn declare_defaults(lua: &Lua, cog: &Arc<CogContext>, arguments: &Arguments) -> HostResult<Value> {
    let space = read_space(lua, cog, &arguments.string(0, "the space")?)?;
    let given = arguments.table(1, "")?;
    let mut read = Vec::new();
    for pair in given.pairs::<Value, Value>() {
        let (name, table) = pair?;
        let kind = match &name {
            Value::String(name) => ScopeKind::from_name(&name.to_string_lossy()),
            _ => None,
        };
        let Some(kind) = kind else {
            let expected = "global, guild, channel, user, role or member";
            return Err(arguments.wrong("the scope", expected, &name));
        };
        let Value::Table(table) = &table else {
            return Err(arguments.wrong(kind.name(), "a table", &table));
        };
        let of = DefaultsOf::Scope(kind);
        let table = Handle::default_of(lua, cog, &of, table)?;
        read.push((of, table));
    }
    add_defaults(lua, cog, arguments.function(), &space, read)?;
    Ok(Value::Nil)
}

/// Declares defaults that `function` was given: for this generation, and for the next one if the module is kept.
fn add_defaults(
    lua: &Lua,
    cog: &Arc<CogContext>,
    function: &str,
    space: &Space,
    read: Vec<(DefaultsOf, StateTable)>,
) -> HostResult<()> {
    let bytes = read.iter().map(|(_, table)| table.bytes()).sum();
    cog.declaring.room_for_defaults(function, bytes)?;
    cog.declaring.declare(lua, function, |declarations| {
        declarations.calls_of_defaults += 1;
        let defaults = read
            .iter()
            .map(|(of, table)| (space.clone(), of.clone(), table.clone()));
        declarations.defaults.extend(defaults);
        Ok(())
    })?;
    let view = view_of(cog, space, lua)?;
    for (of, table) in read {
        view.add_defaults(&of, &table).map_err(state_error)?;
    }
    Ok(())
}
