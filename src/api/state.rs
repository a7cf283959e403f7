//! `@cogsmith/state`: the table that Rust owns, as a table in Luau.
//!
//! `global, guild, channel, user, role, member, defaults, session, shared, transaction, entries, forget`
//!
//! A handle is a path, never a table: each read and write goes to the tree through the view of the code
//! that runs. `state.luau` makes the library's functions take handles as well.

use super::context::{CogContext, active};
use super::convert::Fields;
use super::object::Charge;
use crate::state::{
    Key, KeyRef, Scope, ScopeKind, StateError, Table as Tree, Value as Stored, View, render_path,
};
use crate::vm::build::Vm;
use crate::vm::host::{
    Arguments, Failure, Host, HostError, HostResult, describe, load_host_chunk, one,
};
use crate::vm::raw::with_fallback;
use mlua::{Function, Lua, MetaMethod, MultiValue, Table, UserDataRegistry, Value};
use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How deep a value that is stored may nest; the store's own limit is no higher.
const DEEPEST: usize = 32;
/// How often a transaction is run again because another cog was faster.
const MOST_ATTEMPTS: usize = 16;
/// Entries that `state.entries` returns at most.
const MOST_ENTRIES: usize = 10_000;
/// Bytes of one value on its way into the state. The store's own limits are lower and say more; this one is
/// there because a table may hold the same string a thousand times.
const LARGEST: usize = 16 << 20;
/// What a key weighs besides its text.
const KEY_BYTES: usize = 32;

/// Which namespace a handle is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Space {
    /// The cog's own.
    Own,
    /// The same in memory alone.
    Session,
    /// One that cogs share, by its name.
    Shared(Arc<str>),
}

/// A place in the state.
#[derive(Clone, Debug)]
pub struct Handle {
    cog: Arc<CogContext>,
    space: Space,
    scope: Scope,
    path: Vec<Key>,
    /// What its path weighs; a whole scope weighs nothing.
    _charge: Option<Arc<Charge>>,
}

/// Counts down the bytes of a value on its way into the state.
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.0.checked_sub(bytes);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

impl Handle {
    fn view(&self, lua: &Lua) -> HostResult<View> {
        view_of(&self.cog, &self.space, lua)
    }

    fn child(&self, lua: &Lua, key: Key) -> HostResult<Self> {
        let mut path = Vec::with_capacity(self.path.len() + 1);
        path.extend_from_slice(&self.path);
        path.push(key);
        // Every handle has a path of its own, which Luau does not see.
        let bytes = path
            .iter()
            .map(|key| KEY_BYTES + key.as_ref().bytes())
            .sum();
        Ok(Self {
            cog: Arc::clone(&self.cog),
            space: self.space.clone(),
            scope: self.scope,
            path,
            _charge: Some(Charge::of_bytes(lua, &self.cog, bytes)?),
        })
    }

    fn get(&self, lua: &Lua, key: &Value) -> HostResult<Value> {
        let view = self.view(lua)?;
        let found = match key {
            Value::String(text) => {
                view.get_in(&self.scope, &self.path, KeyRef::Str(&text.as_bytes()))
            }
            other => match crate::vm::host::number(other).and_then(Key::from_number) {
                Some(key) => view.get_in(&self.scope, &self.path, key.as_ref()),
                None => None,
            },
        };
        match found {
            None => Ok(Value::Nil),
            Some(Stored::Table(_)) => self.child_value(lua, key),
            Some(leaf) => Ok(leaf_to_lua(lua, &leaf)?),
        }
    }

    fn child_value(&self, lua: &Lua, key: &Value) -> HostResult<Value> {
        let key = read_key(&self.scope, &self.path, key)?;
        Ok(Value::UserData(
            lua.create_any_userdata(self.child(lua, key)?)?,
        ))
    }

    fn set(&self, lua: &Lua, key: &Value, value: &Value) -> HostResult<()> {
        CogContext::may_write(lua, "state")?;
        let view = self.view(lua)?;
        let mut path = self.path.clone();
        path.push(read_key(&self.scope, &self.path, key)?);
        let stored = match value {
            Value::Nil => None,
            value => Some(self.to_stored(lua, &mut path, value, &mut Budget(LARGEST))?),
        };
        view.set(&self.scope, &path, stored).map_err(state_error)
    }

    /// Copies a value, also from another place in the state.
    fn to_stored(
        &self,
        lua: &Lua,
        path: &mut Vec<Key>,
        value: &Value,
        budget: &mut Budget,
    ) -> HostResult<Stored> {
        match value {
            Value::Boolean(value) => Ok(Stored::Bool(*value)),
            Value::String(text) => {
                let bytes = text.as_bytes();
                self.fits(path, budget.take(bytes.len()))?;
                Ok(Stored::String(bytes.as_ref().into()))
            }
            Value::Integer(_) | Value::Number(_) => match crate::vm::host::number(value) {
                Some(number) => Ok(Stored::Number(number)),
                None => Err(self.cannot(path, "NaN")),
            },
            Value::Table(table) => self.table_to_stored(lua, path, table, budget),
            Value::UserData(data) => match data.borrow::<Self>() {
                Ok(handle) => {
                    let entries = handle.view(lua)?.entries(&handle.scope, &handle.path);
                    let entries = entries
                        .ok_or_else(|| self.cannot(path, "a part of the state that is gone"))?;
                    self.fits(path, budget.take(entries.bytes()))?;
                    Ok(Stored::Table(entries))
                }
                Err(_) => Err(self.cannot(path, "an object (copy the fields that you need)")),
            },
            other => Err(self.cannot(path, &describe(other))),
        }
    }

    fn table_to_stored(
        &self,
        lua: &Lua,
        path: &mut Vec<Key>,
        table: &Table,
        budget: &mut Budget,
    ) -> HostResult<Stored> {
        if path.len() > DEEPEST {
            return Err(self.cannot(path, "a table nested this deep (or in itself)"));
        }
        let mut tree = Tree::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let key = read_key(&self.scope, path, &key)?;
            self.fits(path, budget.take(KEY_BYTES + key.as_ref().bytes()))?;
            path.push(key.clone());
            let value = self.to_stored(lua, path, &value, budget)?;
            path.pop();
            tree.set(key, Some(value));
        }
        Ok(Stored::Table(Arc::new(tree)))
    }

    fn fits(&self, path: &[Key], fits: bool) -> HostResult<()> {
        if fits {
            return Ok(());
        }
        let megabytes = LARGEST >> 20;
        Err(self.cannot(path, &format!("a value of more than {megabytes} MB")))
    }

    fn cannot(&self, path: &[Key], what: &str) -> Failure {
        let path = render_path(&self.scope, path);
        HostError::new("state", format!("{path}: {what} cannot be stored")).into()
    }

    /// The place's content, as the code that runs sees it.
    pub(super) fn entries(&self, lua: &Lua) -> HostResult<Arc<Tree>> {
        let entries = self.view(lua)?.entries(&self.scope, &self.path);
        entries.ok_or_else(|| {
            let path = render_path(&self.scope, &self.path);
            HostError::new("state", format!("{path} is no longer a table")).into()
        })
    }

    /// An entry as Luau sees it: nested tables are handles.
    fn entry(&self, lua: &Lua, key: KeyRef<'_>, value: &Stored) -> HostResult<(Value, Value)> {
        let value = match value {
            Stored::Table(_) => {
                let child = self.child(lua, key.to_key())?;
                Value::UserData(lua.create_any_userdata(child)?)
            }
            leaf => leaf_to_lua(lua, leaf)?,
        };
        Ok((key_to_lua(lua, key)?, value))
    }

    /// A function that goes through a snapshot.
    fn iterator(&self, lua: &Lua, host: &Host) -> HostResult<Function> {
        let handle = self.clone();
        let entries = self.entries(lua)?;
        // What is written meanwhile goes elsewhere, so the snapshot may be all that is left of it.
        let charge = self
            .cog
            .snapshot(&entries, |bytes| Charge::of_bytes(lua, &self.cog, bytes))?;
        let last: Mutex<Option<Key>> = Mutex::default();
        let step = host.function(lua, "state", move |lua, _| {
            let _held = &charge;
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((key, value)) = entries.next_after(last.as_ref().map(Key::as_ref)) else {
                return Ok((Value::Nil, Value::Nil));
            };
            let entry = handle.entry(lua, key, value)?;
            *last = Some(key.to_key());
            Ok(entry)
        })?;
        Ok(step)
    }
}

/// A table of the state as JSON: a list, or an object whose numbers have become names.
pub(super) fn tree_to_json(table: &Tree) -> serde_json::Value {
    let value = |stored: &Stored| match stored {
        Stored::Bool(value) => (*value).into(),
        Stored::Number(number) => whole_or_float(*number),
        Stored::String(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        Stored::Table(table) => tree_to_json(table),
    };
    if table.len() == table.count() {
        return table.iter().map(|(_, stored)| value(stored)).collect();
    }
    let name = |key: KeyRef<'_>| match key {
        KeyRef::Int(number) => number.to_string(),
        KeyRef::Str(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    };
    let fields = table.iter().map(|(key, stored)| (name(key), value(stored)));
    serde_json::Value::Object(fields.collect())
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a whole number within the range in which f64 is exact"
)]
fn whole_or_float(number: f64) -> serde_json::Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        (number as i64).into()
    } else {
        number.into()
    }
}

fn view_of(cog: &Arc<CogContext>, space: &Space, lua: &Lua) -> HostResult<View> {
    Ok(cog.state_views(active(lua)?.as_ref()).view(space))
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn state_error(error: StateError) -> Failure {
    HostError::new("state", error.to_string()).into()
}

fn read_key(scope: &Scope, path: &[Key], key: &Value) -> HostResult<Key> {
    let read = match key {
        Value::String(text) => Some(Key::Str(text.as_bytes().as_ref().into())),
        other => crate::vm::host::number(other).and_then(Key::from_number),
    };
    read.ok_or_else(|| {
        let path = render_path(scope, path);
        let key = describe(key);
        HostError::new(
            "state",
            format!("{path}: {key} cannot be a key; keys are strings and integers"),
        )
        .into()
    })
}

#[allow(clippy::cast_precision_loss, reason = "keys are integers within ±2^53")]
fn key_to_lua(lua: &Lua, key: KeyRef<'_>) -> mlua::Result<Value> {
    Ok(match key {
        KeyRef::Int(number) => Value::Number(number as f64),
        KeyRef::Str(bytes) => Value::String(lua.create_string(bytes)?),
    })
}

fn leaf_to_lua(lua: &Lua, leaf: &Stored) -> mlua::Result<Value> {
    Ok(match leaf {
        Stored::Bool(value) => Value::Boolean(*value),
        Stored::Number(number) => Value::Number(*number),
        Stored::String(bytes) => Value::String(lua.create_string(bytes)?),
        Stored::Table(table) => Value::Table(plain_tree(lua, table)?),
    })
}

fn plain_tree(lua: &Lua, tree: &Tree) -> mlua::Result<Table> {
    let table = lua.create_table_with_capacity(tree.len(), tree.count() - tree.len())?;
    for (key, value) in tree.iter() {
        table.raw_set(key_to_lua(lua, key)?, leaf_to_lua(lua, value)?)?;
    }
    Ok(table)
}

/// The library functions that also take handles.
const EXTENDED: [&CStr; 15] = [
    c"insert", c"remove", c"sort", c"clone", c"clear", c"move", c"concat", c"unpack", c"find",
    c"maxn", c"next", c"pairs", c"ipairs", c"rawget", c"rawlen",
];

/// `(name, the library's function, ours)`: the library's, but with userdata ours is called.
fn extend(lua: &Lua, arguments: &Arguments) -> HostResult<Function> {
    let name = arguments.string(0, "the name")?;
    let known = EXTENDED
        .iter()
        .find(|known| known.to_bytes() == name.as_bytes());
    let name = known
        .ok_or_else(|| arguments.wrong("the name", "a library function's", &arguments.value(0)))?;
    let (original, ours) = (arguments.callback(1, "")?, arguments.callback(2, "")?);
    Ok(with_fallback(lua, &original, name, &ours)?)
}

/// Makes the module, and the library functions that take handles.
pub fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    register(lua, host)?;
    let raw = lua.create_table()?;
    let owner = Arc::clone(cog);
    let scope = host.function(lua, "state", move |lua, arguments| {
        let (space, scope) = read_scope(&owner, arguments)?;
        let handle = Handle {
            cog: Arc::clone(&owner),
            space,
            scope,
            path: Vec::new(),
            _charge: None,
        };
        Ok(Value::UserData(lua.create_any_userdata(handle)?))
    })?;
    raw.raw_set("scope", scope)?;
    raw.raw_set("extend", host.function(lua, "state", extend)?)?;
    install_lookups(lua, host, &raw)?;
    let owner = Arc::clone(cog);
    let defaults = host.function(lua, "state.defaults", move |lua, arguments| {
        declare_defaults(lua, &owner, arguments)
    })?;
    raw.raw_set("defaults", defaults)?;
    let (owner, maker) = (Arc::clone(cog), host.clone());
    let entries = host.function(lua, "state.entries", move |lua, arguments| {
        entries(lua, &maker, &owner, arguments)
    })?;
    raw.raw_set("entries", entries)?;
    let owner = Arc::clone(cog);
    let forget = host.function(lua, "state.forget", move |lua, arguments| {
        CogContext::may_write(lua, "state.forget")?;
        let (space, scope) = read_scope(&owner, arguments)?;
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
        owner.shares(&name)?;
        one(lua, format!("shared:{name}"))
    })?;
    raw.raw_set("shared", shared)?;
    let owner = Arc::clone(cog);
    let pcall: Function = lua.globals().get("pcall")?;
    let transaction = host.function(lua, "state.transaction", move |lua, arguments| {
        transaction(lua, &owner, &pcall, arguments)
    })?;
    raw.raw_set("transaction", transaction)?;
    load_host_chunk(lua, "state", include_str!("state.luau"), raw)
}

fn install_lookups(lua: &Lua, host: &Host, raw: &Table) -> mlua::Result<()> {
    let is_handle = lua.create_function(|_, value: Value| {
        Ok(matches!(&value, Value::UserData(data) if data.is::<Handle>()))
    })?;
    raw.raw_set("is_handle", is_handle)?;
    let copy = host.function(lua, "table.clone", |lua, arguments| {
        let handle = read_handle(arguments)?;
        Ok(Value::Table(plain_tree(
            lua,
            handle.entries(lua)?.as_ref(),
        )?))
    })?;
    raw.raw_set("copy", copy)?;
    let maker = host.clone();
    let iterate = host.function(lua, "pairs", move |lua, arguments| {
        one(lua, read_handle(arguments)?.iterator(lua, &maker)?)
    })?;
    raw.raw_set("iterate", iterate)?;
    let next = host.function(lua, "next", |lua, arguments| {
        let handle = read_handle(arguments)?;
        let entries = handle.entries(lua)?;
        let after = match arguments.value(1) {
            Value::Nil => None,
            key => Some(read_key(&handle.scope, &handle.path, &key)?),
        };
        match entries.next_after(after.as_ref().map(Key::as_ref)) {
            Some((key, value)) => handle.entry(lua, key, value),
            None => Ok((Value::Nil, Value::Nil)),
        }
    })?;
    raw.raw_set("next", next)
}

fn read_handle(arguments: &Arguments) -> HostResult<Handle> {
    let value = arguments.value(0);
    let Value::UserData(data) = &value else {
        return Err(arguments.wrong("", "a part of the state", &value));
    };
    data.borrow::<Handle>()
        .map(|handle| handle.clone())
        .map_err(|_| arguments.wrong("", "a part of the state", &value))
}

/// The space and the scope that a call names: `(space, kind, ids…)`.
fn read_scope(cog: &CogContext, arguments: &Arguments) -> HostResult<(Space, Scope)> {
    let space = read_space(cog, &arguments.string(0, "the space")?)?;
    let kind = read_kind(arguments, &arguments.string(1, "the scope")?)?;
    let mut ids = Vec::new();
    for index in 2..arguments.len() {
        let what = kind.ids().get(index - 2).copied().unwrap_or("an id");
        match arguments.value(index) {
            Value::String(id) => ids.push(id.to_string_lossy()),
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
    let scope = Scope::parse(kind, &ids).map_err(state_error)?;
    Ok((space, scope))
}

fn read_space(cog: &CogContext, name: &str) -> HostResult<Space> {
    match name {
        "own" => Ok(Space::Own),
        "session" => Ok(Space::Session),
        shared => {
            let name = shared.strip_prefix("shared:").unwrap_or_default();
            cog.shares(name)?;
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
    let space = read_space(cog, &arguments.string(0, "the space")?)?;
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
        read.push((kind, defaults_of(lua, cog, kind, table)?));
    }
    cog.declare(lua, "state.defaults", |declarations| {
        let defaults = read
            .iter()
            .map(|(kind, table)| (space.clone(), *kind, table.clone()));
        declarations.defaults.extend(defaults);
        Ok(())
    })?;
    let view = view_of(cog, &space, lua)?;
    for (kind, table) in read {
        view.add_defaults(kind, &table).map_err(state_error)?;
    }
    Ok(Value::Nil)
}

fn defaults_of(
    lua: &Lua,
    cog: &Arc<CogContext>,
    kind: ScopeKind,
    table: &Table,
) -> HostResult<Tree> {
    let zeros = vec!["0"; kind.ids().len()];
    let handle = Handle {
        cog: Arc::clone(cog),
        space: Space::Own,
        scope: Scope::parse(kind, &zeros).map_err(state_error)?,
        path: Vec::new(),
        _charge: None,
    };
    match handle.table_to_stored(lua, &mut Vec::new(), table, &mut Budget(LARGEST))? {
        Stored::Table(tree) => Ok(Arc::unwrap_or_clone(tree)),
        _ => Ok(Tree::new()),
    }
}

/// All of `body`'s writes, or none; run again when another cog changed what it looked at.
fn transaction(
    lua: &Lua,
    cog: &Arc<CogContext>,
    pcall: &Function,
    arguments: &Arguments,
) -> HostResult<MultiValue> {
    let body = arguments.callback(0, "the function")?;
    CogContext::may_write(lua, "state.transaction")?;
    let view = view_of(cog, &Space::Own, lua)?;
    let vm = Vm::of(lua)?;
    for _ in 0..MOST_ATTEMPTS {
        view.begin_transaction();
        let results = match pcall.call::<MultiValue>(&body) {
            Ok(results) => results,
            Err(error) => {
                view.rollback_transaction();
                return Err(error.into());
            }
        };
        let ok = matches!(results.front(), Some(Value::Boolean(true)));
        if !ok || vm.is_expired() {
            view.rollback_transaction();
            return Ok(results);
        }
        match view.commit_transaction() {
            Ok(()) => return Ok(results),
            Err(StateError::Conflict { .. }) => {}
            Err(error) => return Err(state_error(error)),
        }
    }
    let message = "state.transaction: other cogs kept changing the same state; try again later";
    Err(HostError::new("state", message).into())
}

/// For `state.entries(scope, { guild_id?, sort?, descending?, limit?, offset?, where? })`: a function that goes
/// through the entries, and what is left for Luau to do with them.
fn entries(
    lua: &Lua,
    host: &Host,
    cog: &Arc<CogContext>,
    arguments: &Arguments,
) -> HostResult<(Function, Option<Function>, usize, usize)> {
    let space = read_space(cog, &arguments.string(0, "the space")?)?;
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
    let mut scopes = view_of(cog, &space, lua)?.scopes(kind, guild);
    if let Some(field) = fields.string("sort")? {
        sort_by(
            &mut scopes,
            &field,
            fields.boolean("descending")?.unwrap_or(false),
        );
    }
    if filter.is_none() {
        scopes = scopes.into_iter().skip(offset).take(limit).collect();
    }
    let bytes = scopes.iter().map(|(_, table)| table.bytes()).sum();
    let charge = Charge::of_bytes(lua, cog, bytes)?;
    let next = AtomicUsize::new(0);
    let step = host.function(lua, "state.entries", move |lua, _| {
        let _held = &charge;
        match scopes.get(next.fetch_add(1, Ordering::Relaxed)) {
            Some((scope, table)) => Ok(Value::Table(entry_of(lua, scope, table)?)),
            None => Ok(Value::Nil),
        }
    })?;
    let offset = if filter.is_some() { offset } else { 0 };
    Ok((step, filter, offset, limit))
}

/// `{ guild_id?, id, value }`
fn entry_of(lua: &Lua, scope: &Scope, table: &Tree) -> mlua::Result<Table> {
    let entry = lua.create_table()?;
    let id = match scope {
        Scope::Global => String::new(),
        Scope::Guild(id) | Scope::Channel(id) | Scope::User(id) | Scope::Role(id) => id.to_string(),
        Scope::Member(guild, user) => {
            entry.raw_set("guild_id", guild.to_string())?;
            user.to_string()
        }
    };
    entry.raw_set("id", id)?;
    entry.raw_set("value", plain_tree(lua, table)?)?;
    Ok(entry)
}

/// Sorts by a number or string field; entries without it come last.
fn sort_by(scopes: &mut [(Scope, Arc<Tree>)], field: &str, descending: bool) {
    use std::cmp::Ordering as Order;
    let of = |tree: &Arc<Tree>| tree.get(KeyRef::Str(field.as_bytes())).cloned();
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

/// Makes the type known to the VM.
fn register(lua: &Lua, host: &Host) -> mlua::Result<()> {
    let set = host.function(lua, "state", |lua, arguments| {
        read_handle(arguments)?.set(lua, &arguments.value(1), &arguments.value(2))
    })?;
    let get = host.function(lua, "state", |lua, arguments| {
        read_handle(arguments)?.get(lua, &arguments.value(1))
    })?;
    let maker = host.clone();
    let iterate = host.function(lua, "state", move |lua, arguments| {
        one(lua, read_handle(arguments)?.iterator(lua, &maker)?)
    })?;
    lua.register_userdata_type::<Handle>(move |registry: &mut UserDataRegistry<Handle>| {
        use mlua::{UserDataFields, UserDataMethods};
        registry.add_meta_field("__type", "state");
        registry.add_meta_field_with(MetaMethod::NewIndex.name(), move |_| Ok(set));
        registry.add_meta_field_with(MetaMethod::Index.name(), move |_| Ok(get));
        registry.add_meta_method(MetaMethod::Len.name(), |lua, this, ()| {
            let view = this.view(lua).map_err(to_vm)?;
            Ok(view.len(&this.scope, &this.path).unwrap_or(0))
        });
        registry.add_meta_field_with(MetaMethod::Iter.name(), move |_| Ok(iterate));
        registry.add_meta_method(MetaMethod::Eq.name(), |_, this, other: Value| {
            let Value::UserData(other) = other else {
                return Ok(false);
            };
            let other = other.borrow::<Handle>();
            Ok(other.is_ok_and(|other| {
                (&this.space, this.scope, &this.path) == (&other.space, other.scope, &other.path)
            }))
        });
        registry.add_meta_method(MetaMethod::ToString.name(), |_, this, ()| {
            Ok(render_path(&this.scope, &this.path))
        });
    })
}

/// For reads, which fail only when the VM does.
fn to_vm(failure: Failure) -> mlua::Error {
    match failure {
        Failure::Host(error) => mlua::Error::external(error),
        Failure::Vm(error) => error,
    }
}
