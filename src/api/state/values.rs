//! Values and keys of the state as Luau has them, and as JSON.

use crate::api::not_json::{NotJson, number_to_json};
use crate::state::{Key, KeyRef, StateScope, StateTable, Value as Stored, render_path};
use crate::vm::host::{HostError, HostResult, describe, in_time, object_mark, shown_name};
use mlua::{Lua, Table, Value};
use serde_json::{Map, Value as JsonValue};

/// A table of the state as JSON: a list, or an object whose numbers have become names.
pub(in crate::api) fn tree_to_json(table: &StateTable) -> Result<JsonValue, NotJson> {
    let is_list = table.len() == table.count();
    if is_list && !(table.is_empty() && table.is_object()) {
        let items = table.iter().zip(1..);
        let items = items.map(|((_, stored), index)| {
            leaf_to_json(stored).map_err(|wrong| wrong.at(format!("[{index}]")))
        });
        return items.collect();
    }
    let mut fields = Map::new();
    for (key, stored) in table.iter() {
        let name = match key {
            KeyRef::Int(number) => number.to_string(),
            KeyRef::Str(bytes) => utf8(bytes)?.to_owned(),
        };
        let value = leaf_to_json(stored);
        let value = value.map_err(|wrong| wrong.at(format!(".{}", shown_name(&name))))?;
        if fields.insert(name.clone(), value).is_some() {
            let name = shown_name(&name);
            let message = format!(
                "holds something at the number {name} and at the string \"{name}\", which would be the same name in JSON"
            );
            return Err(NotJson::new(message));
        }
    }
    Ok(JsonValue::Object(fields))
}

fn leaf_to_json(stored: &Stored) -> Result<JsonValue, NotJson> {
    match stored {
        Stored::Bool(value) => Ok((*value).into()),
        Stored::Number(number) => number_to_json(*number),
        Stored::String(bytes) => Ok(utf8(bytes)?.into()),
        Stored::Table(table) => tree_to_json(table),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, NotJson> {
    std::str::from_utf8(bytes).map_err(|_| NotJson::new("is not valid UTF-8"))
}

pub(super) fn read_key(scope: &StateScope, path: &[Key], key: &Value) -> HostResult<Key> {
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

/// A plain copy of a job's payload.
pub(in crate::api) fn payload_to_lua(lua: &Lua, payload: &Stored) -> mlua::Result<Value> {
    leaf_to_lua(lua, payload)
}

pub(super) fn leaf_to_lua(lua: &Lua, leaf: &Stored) -> mlua::Result<Value> {
    Ok(match leaf {
        Stored::Bool(value) => Value::Boolean(*value),
        Stored::Number(number) => Value::Number(*number),
        Stored::String(bytes) => Value::String(lua.create_string(&**bytes)?),
        Stored::Table(table) => Value::Table(plain_tree(lua, table)?),
    })
}

pub(super) fn plain_tree(lua: &Lua, tree: &StateTable) -> mlua::Result<Table> {
    in_time(lua)?;
    let table = lua.create_table_with_capacity(tree.len(), tree.count() - tree.len())?;
    if tree.is_object() {
        table.set_metatable(Some(object_mark(lua)?))?;
    }
    for (key, value) in tree.iter() {
        table.raw_set(key_to_lua(lua, key)?, leaf_to_lua(lua, value)?)?;
    }
    Ok(table)
}
