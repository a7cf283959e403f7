//! JSON as plain Luau tables.

use super::error::HostResult;
use super::in_time::in_time;
use crate::json::{JsonRef, Node};
use mlua::{IntoLua, Lua, Table, Value};

/// How many values are made before the deadline is checked: making a string takes long while many others with the same
/// hash exist.
const MADE_AT_ONCE: usize = 64;

/// The integers up to this, in both directions, are Luau numbers.
pub const GREATEST_EXACT: u64 = 1 << 53;

/// A JSON integer: a number, or the string of its digits if no Luau number can hold it.
#[allow(clippy::cast_precision_loss, reason = "longer ones come as strings")]
fn integer(lua: &Lua, number: i64) -> mlua::Result<Value> {
    if number.unsigned_abs() > GREATEST_EXACT {
        return Ok(Value::String(lua.create_string(number.to_string())?));
    }
    Ok(Value::Number(number as f64))
}

/// JSON as plain, writable Luau tables; `null` becomes nil.
pub fn plain(lua: &Lua, json: JsonRef<'_>) -> mlua::Result<Value> {
    Ok(match json.node() {
        Node::Null => Value::Nil,
        Node::Bool(value) => Value::Boolean(value),
        Node::Integer(number) => integer(lua, number)?,
        Node::Number(number) => Value::Number(number),
        Node::String(text) => Value::String(lua.create_string(text)?),
        Node::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (index, item) in items.enumerate() {
                if index % MADE_AT_ONCE == 0 {
                    in_time(lua)?;
                }
                table.raw_set(index + 1, plain(lua, item)?)?;
            }
            Value::Table(table)
        }
        Node::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            table.set_metatable(Some(object_mark(lua)?))?;
            for (index, (key, value)) in fields.enumerate() {
                if index % MADE_AT_ONCE == 0 {
                    in_time(lua)?;
                }
                table.raw_set(key, plain(lua, value)?)?;
            }
            Value::Table(table)
        }
    })
}

/// The metatable of tables that are objects in JSON, also when they are empty.
struct ObjectMark(Table);

/// The metatable by which a table is known to be an object in JSON, also when it is empty. It is empty and cannot be
/// changed, so that such a table behaves like any other.
pub fn object_mark(lua: &Lua) -> mlua::Result<Table> {
    if let Some(mark) = lua.app_data_ref::<ObjectMark>() {
        return Ok(mark.0.clone());
    }
    let mark = lua.create_table()?;
    mark.set_readonly(true);
    lua.set_app_data(ObjectMark(mark.clone()));
    Ok(mark)
}

/// Whether a table is marked as an object in JSON.
pub fn is_object(table: &Table) -> bool {
    let Some(metatable) = table.metatable() else {
        return false;
    };
    let lua = table.weak_lua().try_upgrade();
    lua.is_some_and(|lua| {
        lua.app_data_ref::<ObjectMark>()
            .is_some_and(|mark| mark.0 == metatable)
    })
}

/// A value that becomes exactly one Luau value.
pub fn one(lua: &Lua, value: impl IntoLua) -> HostResult<Value> {
    Ok(value.into_lua(lua)?)
}
