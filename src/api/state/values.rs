//! Values and keys of the state as Luau has them, and as JSON.

use crate::state::{Key, KeyRef, Scope, Table as Tree, Value as Stored, render_path};
use crate::vm::host::{HostError, HostResult, describe, in_time};
use mlua::{Lua, Table, Value};

/// A table of the state as JSON: a list, or an object whose numbers have become names.
pub(in crate::api) fn tree_to_json(table: &Tree) -> serde_json::Value {
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

pub(super) fn read_key(scope: &Scope, path: &[Key], key: &Value) -> HostResult<Key> {
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
pub(super) fn key_to_lua(lua: &Lua, key: KeyRef<'_>) -> mlua::Result<Value> {
    Ok(match key {
        KeyRef::Int(number) => Value::Number(number as f64),
        KeyRef::Str(bytes) => Value::String(lua.create_string(bytes)?),
    })
}

pub(super) fn leaf_to_lua(lua: &Lua, leaf: &Stored) -> mlua::Result<Value> {
    Ok(match leaf {
        Stored::Bool(value) => Value::Boolean(*value),
        Stored::Number(number) => Value::Number(*number),
        Stored::String(bytes) => Value::String(lua.create_string(&**bytes)?),
        Stored::Table(table) => Value::Table(plain_tree(lua, table)?),
    })
}

pub(super) fn plain_tree(lua: &Lua, tree: &Tree) -> mlua::Result<Table> {
    in_time(lua)?;
    let table = lua.create_table_with_capacity(tree.len(), tree.count() - tree.len())?;
    for (key, value) in tree.iter() {
        table.raw_set(key_to_lua(lua, key)?, leaf_to_lua(lua, value)?)?;
    }
    Ok(table)
}
