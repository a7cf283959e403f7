//! `@cogsmith/json`: `encode, decode, null`.

use super::convert::to_json;
use crate::json::Json;
use crate::vm::host::{Arguments, Host, HostError, HostResult, one, plain};
use mlua::{Lua, LuaString, Value};

/// Bytes of a text that is decoded: what it becomes takes up to ten times as much, and Luau does not count it.
const LONGEST_TEXT: usize = 4 << 20;

/// Makes the module.
pub fn module(lua: &Lua, host: &Host) -> mlua::Result<Value> {
    let json = lua.create_table()?;
    json.raw_set("encode", host.function(lua, "json.encode", encode)?)?;
    json.raw_set("decode", host.function(lua, "json.decode", decode)?)?;
    json.raw_set("null", Value::NULL)?;
    json.set_readonly(true);
    Ok(Value::Table(json))
}

fn encode(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let value = to_json("json.encode", "the value", &arguments.value(0))?;
    one(lua, value.to_string())
}

fn decode(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    match arguments.value(0) {
        Value::String(text) => parse(lua, arguments.function(), "the text", &text),
        other => Err(arguments.wrong("the text", "a string", &other)),
    }
}

/// JSON as Luau's values. `what` is how errors call the text.
pub fn parse(lua: &Lua, function: &str, what: &str, text: &LuaString) -> HostResult<Value> {
    if text.as_bytes().len() > LONGEST_TEXT {
        let message = format!(
            "{function}: {what} is longer than {} MB",
            LONGEST_TEXT >> 20
        );
        return Err(HostError::new("argument", message).into());
    }
    let tree: Json = serde_json::from_str(&text.to_string_lossy()).map_err(|error| {
        let message = format!("{function}: {what} is not JSON: {error}");
        HostError::new("argument", message)
    })?;
    Ok(plain(lua, &tree)?)
}
