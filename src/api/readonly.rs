//! The host's tables and Luau's libraries: whoever sets a new key in one is told what to do instead. Of keys that are
//! there already Luau itself speaks, and `crate::vm::readonly` explains it.

use crate::lock::lock;
use crate::vm::host::{Arguments, Host, HostError, HostResult};
use crate::vm::readonly::{LIBRARIES, sentence, sentence_of_object};
use mlua::{Function, Lua, MetaMethod, Table, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The tables in the host's modules, which are closed like these.
const TABLES: [(&str, &str); 6] = [
    ("cog", "check"),
    ("cog", "on"),
    ("cog", "option"),
    ("discord", "cache"),
    ("discord", "permissions"),
    ("state", "session"),
];

/// What a table is called that was made later: one of `state.shared` or `state.defaults`.
const MADE_LATER: &str = "state";

/// Puts an error of its own in front of every write to the modules, and to Luau's libraries.
#[derive(Debug)]
pub(super) struct Closer {
    /// Of the tables that have no metatable of their own, and of those that are made later.
    pub(super) metatable: Table,
    refuse: Function,
    names: Arc<Names>,
}

/// What tables are called that are closed, by what tells them from all others.
type Names = Mutex<HashMap<usize, String>>;

fn place(table: &Table) -> usize {
    table.to_pointer() as usize
}

impl Closer {
    /// Closes Luau's libraries. To be called before the VM is sandboxed.
    pub(super) fn of_libraries(lua: &Lua, host: &Host) -> mlua::Result<Self> {
        let names: Arc<Names> = Arc::default();
        let known = Arc::clone(&names);
        let refuse = host.function(lua, "readonly", move |_, arguments| {
            let table = arguments.table(0, "")?;
            let name = lock(&known).get(&place(&table)).cloned();
            refuse_or_set(name.as_deref().unwrap_or(MADE_LATER), &table, arguments)
        })?;
        let metatable = lua.create_table()?;
        metatable.raw_set(MetaMethod::NewIndex.name(), &refuse)?;
        metatable.set_readonly(true);
        let closer = Self {
            metatable,
            refuse,
            names,
        };
        for name in LIBRARIES {
            if let Value::Table(library) = lua.globals().raw_get(name)? {
                closer.close(name.to_owned(), &library)?;
            }
        }
        Ok(closer)
    }

    /// Closes a module, with the tables in it.
    pub(super) fn module(&self, name: &str, module: &Value) -> mlua::Result<()> {
        let Value::Table(module) = module else {
            return Ok(());
        };
        let inner = TABLES.iter().filter(|(of, _)| *of == name);
        for (_, field) in inner {
            if let Value::Table(table) = module.raw_get(*field)? {
                self.close(format!("{name}.{field}"), &table)?;
            }
        }
        self.close(name.to_owned(), module)
    }

    fn close(&self, name: String, table: &Table) -> mlua::Result<()> {
        lock(&self.names).insert(place(table), name);
        close_one(table, &self.metatable, &self.refuse)
    }
}

fn close_one(table: &Table, metatable: &Table, refuse: &Function) -> mlua::Result<()> {
    if let Some(own) = table.metatable() {
        let was_readonly = own.is_readonly();
        own.set_readonly(false);
        own.raw_set(MetaMethod::NewIndex.name(), refuse)?;
        own.set_readonly(was_readonly);
        return Ok(());
    }
    let was_readonly = table.is_readonly();
    table.set_readonly(false);
    table.set_metatable(Some(metatable.clone()))?;
    table.set_readonly(was_readonly);
    Ok(())
}

/// A clone has the metatable, too, and may be written to.
fn refuse_or_set(name: &str, table: &Table, arguments: &Arguments) -> HostResult<()> {
    let key = arguments.value(1);
    if !table.is_readonly() {
        let is_nan = matches!(key, Value::Number(number) if number.is_nan());
        if is_nan || key.is_nil() {
            return Err(arguments.wrong("the key", "a value other than nil and NaN", &key));
        }
        return Ok(table.raw_set(key, arguments.value(2))?);
    }
    Err(HostError::new("readonly", sentence(name, &text_of(&key))).into())
}

fn text_of(key: &Value) -> String {
    match key {
        Value::String(text) if text.as_bytes().len() <= 100 => text.to_string_lossy(),
        _ => String::new(),
    }
}

/// The `__newindex` of Discord's objects.
pub(super) fn of_objects(lua: &Lua, host: &Host) -> mlua::Result<Function> {
    host.function(lua, "readonly", |_, arguments| {
        let sentence = sentence_of_object(&text_of(&arguments.value(1)));
        Err::<(), _>(HostError::new("readonly", sentence).into())
    })
}

/// The `__newindex` of `ctx`.
pub(super) fn of_context(lua: &Lua, host: &Host) -> mlua::Result<Function> {
    host.function(lua, "readonly", |_, arguments| {
        let sentence = sentence("ctx", &text_of(&arguments.value(1)));
        Err::<(), _>(HostError::new("readonly", sentence).into())
    })
}
