//! The host's tables and Luau's libraries: whoever sets a new key in one is told what to do instead. Of keys that are
//! there already Luau itself speaks, and `crate::vm::readonly` explains it.

use crate::vm::host::{Arguments, Host, HostError, HostResult};
use crate::vm::readonly::{LIBRARIES, sentence, sentence_of_object};
use mlua::{Function, Lua, MetaMethod, Table, Value};
use std::collections::{BTreeMap, HashMap};

/// What a module of the host's is called by authors, with the tables in it.
const MODULES: [(&str, &[&str]); 8] = [
    ("cog", &["check", "on", "option"]),
    ("discord", &["cache", "permissions"]),
    ("http", &[]),
    ("json", &[]),
    ("log", &[]),
    ("state", &["session"]),
    ("task", &[]),
    ("time", &[]),
];

/// What a table is called that was made later: one of `state.shared` or `state.defaults`.
const MADE_LATER: &str = "state";

/// Puts an error of its own in front of every write to the modules, and to Luau's libraries. `metatable` is for the
/// tables that have none, and for those that are made later.
pub(super) fn close(
    lua: &Lua,
    host: &Host,
    modules: &BTreeMap<&'static str, Value>,
    metatable: &Table,
) -> mlua::Result<()> {
    let tables = tables(lua, modules)?;
    let names = tables
        .iter()
        .map(|(name, table)| (place(table), name.clone()));
    let names: HashMap<usize, String> = names.collect();
    let refuse = host.function(lua, "readonly", move |_, arguments| {
        let table = arguments.table(0, "")?;
        let name = names.get(&place(&table)).map_or(MADE_LATER, String::as_str);
        refuse_or_set(name, &table, arguments)
    })?;
    for (_, table) in &tables {
        close_one(table, metatable, &refuse)?;
    }
    metatable.raw_set(MetaMethod::NewIndex.name(), refuse)?;
    metatable.set_readonly(true);
    Ok(())
}

/// What tells a table from all others.
fn place(table: &Table) -> usize {
    table.to_pointer() as usize
}

fn tables(
    lua: &Lua,
    modules: &BTreeMap<&'static str, Value>,
) -> mlua::Result<Vec<(String, Table)>> {
    let mut tables = Vec::new();
    for (name, inner) in MODULES {
        let Some(Value::Table(module)) = modules.get(name) else {
            continue;
        };
        for field in inner {
            if let Value::Table(table) = module.raw_get(*field)? {
                tables.push((format!("{name}.{field}"), table));
            }
        }
        tables.push((name.to_owned(), module.clone()));
    }
    for name in LIBRARIES {
        if let Value::Table(library) = lua.globals().raw_get(name)? {
            tables.push((name.to_owned(), library));
        }
    }
    Ok(tables)
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
