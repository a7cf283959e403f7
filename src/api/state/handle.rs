//! A place in the state as Luau holds it: a path, never a table.

use super::space::Space;
use super::values::{key_to_lua, leaf_to_lua, plain_tree, read_key};
use super::{state_error, view_at, write_error};
use crate::api::context::CogContext;
use crate::api::phase::may_write;
use crate::charge::Charge;
use crate::lock::lock;
use crate::state::{
    DefaultsOf, Key, KeyRef, StateScope, StateTable, Value as Stored, View, render_path,
};
use crate::vm::build::Vm;
use crate::vm::host::{
    Arguments, Host, HostError, HostFailure, HostResult, describe, in_time, is_object, one,
};
use mlua::{Function, Lua, MetaMethod, Table, UserDataRegistry, Value};
use std::ops::Deref;
use std::sync::{Arc, Mutex};

/// How deep a value that is stored may nest; the store's own limit is no higher.
const DEEPEST: usize = 32;
/// Bytes of one value on its way into the state. The store's own limits are lower and say more; this one is
/// there because a table may hold the same string a thousand times.
const LARGEST: usize = 16 << 20;
/// What an entry of a table weighs at most besides its texts, and what a table does.
const NAMED_BYTES: usize = 80;
const NUMBERED_BYTES: usize = 32;
const TABLE_BYTES: usize = 64;
/// What errors call what a job is given.
const PAYLOAD: &str = "payload";
/// What a handle weighs besides its path: the object in the VM, what it shares with its copies, its charge.
const HANDLE_BYTES: usize = 224;
/// What a key in a path weighs, and the name of a shared state, besides its text.
const KEY_BYTES: usize = 32;
/// What an iterator weighs besides what it goes through.
const ITERATOR_BYTES: usize = 320;

/// What Luau code holds of the state: a path in one of its tables. Clones share it.
#[derive(Clone, Debug)]
pub(in crate::api) struct Handle(Arc<StateLocation>);

/// Where in the state a [`Handle`] leads. Luau's collector does not see how large it is, and a cog may hold a
/// million of them, so all of it is charged to the cog.
#[derive(Debug)]
pub(in crate::api) struct StateLocation {
    cog: Arc<CogContext>,
    space: Space,
    scope: StateScope,
    path: Vec<Key>,
    /// None for the handles that are made together with the VM, one for each scope of `@cogsmith/state`.
    _charge: Option<Arc<Charge>>,
}

impl Deref for Handle {
    type Target = StateLocation;

    fn deref(&self) -> &StateLocation {
        &self.0
    }
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
    /// A whole scope.
    pub(super) fn of_scope(
        lua: &Lua,
        cog: &Arc<CogContext>,
        space: Space,
        scope: StateScope,
    ) -> HostResult<Self> {
        Self::new(lua, cog, space, scope, Vec::new())
    }

    fn new(
        lua: &Lua,
        cog: &Arc<CogContext>,
        space: Space,
        scope: StateScope,
        path: Vec<Key>,
    ) -> HostResult<Self> {
        let keys = path.iter().map(|key| KEY_BYTES + key.as_ref().bytes());
        let name = match &space {
            Space::Shared(name) => KEY_BYTES + name.len(),
            Space::Own | Space::Session => 0,
        };
        let bytes = HANDLE_BYTES + name + keys.sum::<usize>();
        let charge = match Vm::of(lua) {
            Ok(_) => Some(cog.charges.of_bytes(lua, bytes)?),
            Err(_) => None,
        };
        Ok(Self(Arc::new(StateLocation {
            _charge: charge,
            cog: Arc::clone(cog),
            space,
            scope,
            path,
        })))
    }

    /// The table of rows of a name, in a scope of rows.
    pub(super) fn of_rows(
        lua: &Lua,
        cog: &Arc<CogContext>,
        space: Space,
        scope: StateScope,
        name: &str,
    ) -> HostResult<Self> {
        Self::new(lua, cog, space, scope, vec![name.into()])
    }

    /// Where it leads.
    pub(super) fn place(&self) -> (&StateScope, &[Key]) {
        (&self.scope, &self.path)
    }

    /// Its state, as the code that runs sees it, with the entry into which the handle leads as that code expects it.
    pub(super) fn view(&self, lua: &Lua) -> HostResult<View> {
        view_at(&self.cog, &self.space, (&self.scope, &self.path), lua)
    }

    /// Whose state it is in.
    pub(super) fn space(&self) -> &Space {
        &self.space
    }

    fn child(&self, lua: &Lua, key: Key) -> HostResult<Self> {
        let mut path = Vec::with_capacity(self.path.len() + 1);
        path.extend_from_slice(&self.path);
        path.push(key);
        Self::new(lua, &self.cog, self.space.clone(), self.scope, path)
    }

    pub(super) fn get(&self, lua: &Lua, key: &Value) -> HostResult<Value> {
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

    pub(super) fn set(&self, lua: &Lua, key: &Value, value: &Value) -> HostResult<()> {
        may_write(lua, "state")?;
        let view = self.view(lua)?;
        let mut path = self.path.clone();
        path.push(read_key(&self.scope, &self.path, key)?);
        let stored = match value {
            Value::Nil => None,
            value => Some(self.to_stored(lua, &mut path, value, &mut Budget(LARGEST))?),
        };
        view.set(&self.scope, &path, stored)
            .map_err(|error| write_error(&self.cog, error))
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
                        .ok_or_else(|| self.cannot(path, "a part of the state that was removed"))?;
                    self.fits(path, budget.take(entries.bytes()))?;
                    Ok(Stored::Table(StateTable::of_version(entries, 0)))
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
        in_time(lua)?;
        self.fits(path, budget.take(TABLE_BYTES))?;
        let mut tree = if is_object(table) {
            StateTable::object()
        } else {
            StateTable::new()
        };
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let key = read_key(&self.scope, path, &key)?;
            let bytes = match &key {
                Key::Int(_) => NUMBERED_BYTES,
                Key::Str(text) => NAMED_BYTES + text.len(),
            };
            self.fits(path, budget.take(bytes))?;
            path.push(key.clone());
            let value = self.to_stored(lua, path, &value, budget)?;
            path.pop();
            tree.set(key, Some(value));
        }
        Ok(Stored::Table(Arc::new(tree)))
    }

    /// A table of `state.defaults` or a shape of `state.rows`, as it would be stored.
    pub(super) fn default_of(
        lua: &Lua,
        cog: &Arc<CogContext>,
        of: &DefaultsOf,
        table: &Table,
    ) -> HostResult<StateTable> {
        let (kind, path) = match of {
            DefaultsOf::Scope(kind) => (*kind, Vec::new()),
            DefaultsOf::Rows(kind, name) => (*kind, vec![Key::Str(name.clone())]),
        };
        let zeros = vec!["0"; kind.ids().len()];
        let scope = StateScope::parse(kind, &zeros).map_err(state_error)?;
        Self::entry_to_stored(lua, cog, (scope, path), table)
    }

    /// A table that takes the place of an entry.
    pub(super) fn entry_to_stored(
        lua: &Lua,
        cog: &Arc<CogContext>,
        (scope, mut path): (StateScope, Vec<Key>),
        table: &Table,
    ) -> HostResult<StateTable> {
        let handle = Self::of_scope(lua, cog, Space::Own, scope)?;
        match handle.table_to_stored(lua, &mut path, table, &mut Budget(LARGEST))? {
            Stored::Table(tree) => Ok(Arc::unwrap_or_clone(tree)),
            _ => Ok(StateTable::new()),
        }
    }

    fn fits(&self, path: &[Key], fits: bool) -> HostResult<()> {
        if fits {
            return Ok(());
        }
        let megabytes = LARGEST >> 20;
        Err(self.cannot(path, &format!("a value of more than {megabytes} MB")))
    }

    fn cannot(&self, path: &[Key], what: &str) -> HostFailure {
        let path = render_path(&self.scope, path);
        HostError::new("state", format!("{path}: {what} cannot be stored")).into()
    }

    /// The place's content, as the code that runs sees it.
    pub(in crate::api) fn entries(&self, lua: &Lua) -> HostResult<Arc<StateTable>> {
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
        let charge = self.cog.charges.of_snapshot(lua, &entries)?;
        let own_charge = self.cog.charges.of_bytes(lua, ITERATOR_BYTES)?;
        let last: Mutex<Option<Key>> = Mutex::default();
        let step = host.function(lua, "state", move |lua, _| {
            let _held = (&charge, &own_charge);
            let mut last = lock(&last);
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

/// What a job's function is to be given, copied; the same may be in it as in the state.
pub(in crate::api) fn payload_to_stored(
    lua: &Lua,
    cog: &Arc<CogContext>,
    function: &str,
    payload: &Value,
) -> HostResult<Option<Stored>> {
    if payload.is_nil() {
        return Ok(None);
    }
    let handle = Handle::of_scope(lua, cog, Space::Own, StateScope::Global)?;
    let mut path = vec![Key::Str(PAYLOAD.as_bytes().into())];
    let stored = handle.to_stored(lua, &mut path, payload, &mut Budget(LARGEST));
    stored.map(Some).map_err(|failure| match failure {
        HostFailure::Host(error) => {
            let place = render_path(&StateScope::Global, path.get(..1).unwrap_or_default());
            let message = error.message.replacen(&place, PAYLOAD, 1);
            HostError::new(error.kind, format!("{function}: {message}")).into()
        }
        other @ HostFailure::Vm(_) => other,
    })
}

pub(super) fn install_lookups(lua: &Lua, host: &Host, raw: &Table) -> mlua::Result<()> {
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

/// Makes the type known to the VM.
pub(super) fn register(lua: &Lua, host: &Host) -> mlua::Result<()> {
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
fn to_vm(failure: HostFailure) -> mlua::Error {
    match failure {
        HostFailure::Host(error) => mlua::Error::external(error),
        HostFailure::Vm(error) => error,
    }
}
