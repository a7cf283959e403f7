//! `@cogsmith/log`: `debug, info, warn, error`, and `print`.

use super::context::CogContext;
use super::convert::to_json;
use super::declarations::caller;
use crate::escape::is_unfit;
use crate::vm::host::Host;
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
            let fields = match arguments.optional_table(1, "the fields")? {
                None => String::new(),
                Some(fields) => to_json(name, "the fields", &Value::Table(fields))?.to_string(),
            };
            if cog.may_log(|| caller(lua)) {
                let message = one_line([shown(&arguments.value(0))]);
                write(&cog.name, &message, &one_line([fields]));
            }
            Ok(())
        })?;
        log.raw_set(key, function)?;
    }
    let owner = Arc::clone(cog);
    let print = host.function(lua, "print", move |lua, arguments| {
        if owner.may_log(|| caller(lua)) {
            let parts = (0..arguments.len()).map(|index| shown(&arguments.value(index)));
            let message = one_line(parts);
            tracing::info!(target: "cogsmith::cog", cog = %owner.name, "{message}");
        }
        Ok(())
    })?;
    lua.globals().raw_set("print", print)?;
    log.set_readonly(true);
    Ok(Value::Table(log))
}

/// A value as text, as far as it is logged. Metamethods are not asked.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let bytes = text.as_bytes();
            let head = bytes.get(..4 * LONGEST).unwrap_or(&bytes);
            String::from_utf8_lossy(head).into_owned()
        }
        Value::Nil => "nil".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Table(_) | Value::UserData(_) => to_json("log", "the value", value)
            .map_or_else(|_| value.type_name().to_owned(), |json| json.to_string()),
        other => other.type_name().to_owned(),
    }
}

/// The parts with spaces between them, as far as they are logged. Control characters and their like would
/// let a cog forge lines of the log.
fn one_line(parts: impl IntoIterator<Item = String>) -> String {
    let mut line = String::new();
    let mut left = LONGEST;
    for (index, part) in parts.into_iter().enumerate() {
        if left == 0 {
            break;
        }
        if index > 0 {
            line.push(' ');
            left -= 1;
        }
        for c in part.chars().take(left) {
            line.push(if is_unfit(c) { ' ' } else { c });
            left -= 1;
        }
    }
    line
}
