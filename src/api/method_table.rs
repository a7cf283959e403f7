//! Which methods Discord's objects have. `methods` fills the table when a VM is made, and the objects ask it.

use crate::discord::schema::Kind;
use mlua::{Function, Lua, Table, Value};
use std::collections::BTreeMap;

/// The methods of one VM, by kind.
pub(super) struct MethodTable {
    kinds: BTreeMap<Kind, Table>,
    shared: Table,
}

impl MethodTable {
    /// No methods yet.
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        Ok(Self {
            kinds: BTreeMap::new(),
            shared: lua.create_table()?,
        })
    }

    /// Objects of this kind have one more.
    pub(super) fn add(
        &mut self,
        lua: &Lua,
        kind: Kind,
        name: &str,
        method: Function,
    ) -> mlua::Result<()> {
        let methods = match self.kinds.get(&kind) {
            Some(methods) => methods,
            None => self.kinds.entry(kind).or_insert(lua.create_table()?),
        };
        methods.raw_set(name, method)
    }

    /// Objects of every kind have one more.
    pub(super) fn add_shared(&self, name: &str, method: Function) -> mlua::Result<()> {
        self.shared.raw_set(name, method)
    }

    /// This is the table of the VM that `lua` belongs to.
    pub(super) fn install(self, lua: &Lua) {
        lua.set_app_data(self);
    }

    /// The table of the VM that `lua` belongs to.
    pub(super) fn of(lua: &Lua) -> mlua::Result<mlua::AppDataRef<'_, Self>> {
        lua.app_data_ref::<Self>()
            .ok_or_else(|| mlua::Error::runtime("this VM has no methods"))
    }

    /// The method `name` of a kind, or nil.
    pub(super) fn get(&self, kind: Kind, name: &str) -> mlua::Result<Value> {
        match self.kinds.get(&kind) {
            Some(methods) => methods.raw_get(name),
            None => Ok(Value::Nil),
        }
    }

    /// A method that every object has.
    pub(super) fn shared(&self, name: &str) -> mlua::Result<Value> {
        self.shared.raw_get(name)
    }
}
