//! `@cogsmith/log`: `debug, info, warn, error`, and `print`.

use super::context::CogContext;
use super::convert::to_json;
use crate::vm::host::{Arguments, Host, one};
use mlua::{Lua, Value};
use std::sync::Arc;

/// Characters of a message and of its fields that are logged.
const LONGEST: usize = 2_000;

/// Writes one line: cog, message, fields.
type Write = fn(&str, &str, &str);

/// Makes the module, and replaces `print`.
pub fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
    let log = lua.create_table()?;
    let levels: [(&str, &'static str, Write); 4] = [
        ("debug", "log.debug", |cog, message, fields| {
            tracing::debug!(target: "cogsmith::cog", %cog, fields, "{message}");
        }),
        ("info", "log.info", |cog, message, fields| {
            tracing::info!(target: "cogsmith::cog", %cog, fields, "{message}");
        }),
        ("warn", "log.warn", |cog, message, fields| {
            tracing::warn!(target: "cogsmith::cog", %cog, fields, "{message}");
        }),
        ("error", "log.error", |cog, message, fields| {
            tracing::error!(target: "cogsmith::cog", %cog, fields, "{message}");
        }),
    ];
    for (key, name, write) in levels {
        let cog = Arc::clone(cog);
        let function = host.function(lua, name, move |lua, arguments| {
            let message = shown(arguments, 0);
            let fields = match arguments.value(1) {
                Value::Nil => String::new(),
                value => to_json(name, "the fields", &value)?.to_string(),
            };
            write(&cog.name, &one_line(&message), &one_line(&fields));
            one(lua, Value::Nil)
        })?;
        log.raw_set(key, function)?;
    }
    let owner = Arc::clone(cog);
    let print = host.function(lua, "print", move |lua, arguments| {
        let parts: Vec<String> = (0..arguments.len())
            .map(|index| shown(arguments, index))
            .collect();
        let message = one_line(&parts.join(" "));
        tracing::info!(target: "cogsmith::cog", cog = %owner.name, "{message}");
        one(lua, Value::Nil)
    })?;
    lua.globals().raw_set("print", print)?;
    log.set_readonly(true);
    Ok(Value::Table(log))
}

/// A value as text. Tables are shown by their kind only: their metamethods are not asked.
fn shown(arguments: &Arguments, index: usize) -> String {
    match arguments.value(index) {
        Value::String(text) => text.to_string_lossy(),
        Value::Nil => "nil".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        table @ Value::Table(_) => to_json("log", "the value", &table)
            .map_or_else(|_| "table".to_owned(), |json| json.to_string()),
        other => other.type_name().to_owned(),
    }
}

/// Control characters would let a cog forge lines of the log.
fn one_line(text: &str) -> String {
    text.chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
