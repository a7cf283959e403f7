//! `@cogsmith/log`: `debug, info, warn, error`, and `print`.

use super::context::CogContext;
use super::convert::to_json;
use super::declarations::caller;
use super::log_usage::more;
use crate::escape::is_unfit;
use crate::vm::host::Host;
use mlua::{Lua, Value};
use std::sync::Arc;

/// Characters of a message and of its fields that are logged.
const LONGEST: usize = 2_000;

/// Writes one line: cog, message, fields.
type Write = fn(&str, &str, &str);

/// Makes `print`. To be called before the VM is sandboxed.
pub(super) fn replace_print(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<()> {
    let owner = Arc::clone(cog);
    let print = host.function(lua, "print", move |lua, arguments| {
        let text = || {
            let parts = (0..arguments.len()).map(|index| shown(&arguments.value(index)));
            [one_line(parts)]
        };
        if let Some([message]) = owner.limits.may_log(|| caller(lua), text) {
            tracing::info!(target: "cogsmith::cog", cog = %owner.name, "{message}");
        }
        Ok(())
    })?;
    lua.globals().raw_set("print", print)
}

/// Makes the module.
pub(super) fn module(lua: &Lua, host: &Host, cog: &Arc<CogContext>) -> mlua::Result<Value> {
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
            let texts = || {
                [
                    one_line([shown(&arguments.value(0))]),
                    one_line([fields.into()]),
                ]
            };
            if let Some([message, fields]) = cog.limits.may_log(|| caller(lua), texts) {
                write(&cog.name, &message, &fields);
            }
            Ok(())
        })?;
        log.raw_set(key, function)?;
    }
    log.set_readonly(true);
    Ok(Value::Table(log))
}

/// A text that may be logged, and how many bytes of it have been left out already.
struct Part {
    text: String,
    left_out: usize,
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self { text, left_out: 0 }
    }
}

/// A value as text, as far as it is logged. Metamethods are not asked.
fn shown(value: &Value) -> Part {
    let text = match value {
        Value::String(text) => {
            let bytes = text.as_bytes();
            let head = bytes.get(..4 * LONGEST).unwrap_or(&bytes);
            return Part {
                text: String::from_utf8_lossy(head).into_owned(),
                left_out: bytes.len() - head.len(),
            };
        }
        Value::Nil => "nil".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Table(_) | Value::UserData(_) => to_json("log", "the value", value)
            .map_or_else(|_| value.type_name().to_owned(), |json| json.to_string()),
        other => other.type_name().to_owned(),
    };
    text.into()
}

/// The parts with spaces between them, as far as they are logged, with a note of what is missing. With control
/// characters a cog could forge lines of the log.
fn one_line(parts: impl IntoIterator<Item = Part>) -> String {
    let mut line = String::new();
    let mut left = LONGEST;
    let mut left_out = 0;
    for (index, part) in parts.into_iter().enumerate() {
        if left == 0 {
            // Nobody looks at the others: there may be very many.
            line += " …";
            break;
        }
        if index > 0 {
            line.push(' ');
            left -= 1;
        }
        let end = part.text.char_indices().nth(left);
        let end = end.map_or(part.text.len(), |(at, _)| at);
        let head = &part.text[..end];
        line.extend(head.chars().map(|c| if is_unfit(c) { ' ' } else { c }));
        left -= head.chars().count();
        left_out += part.text.len() - end + part.left_out;
    }
    if left_out > 0 {
        line += &more(left_out);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_and_says_how_much_is_missing() {
        let part = |text: &str| Part::from(text.to_owned());
        assert_eq!(one_line([part("a\nb"), part("c")]), "a b c");
        let line = one_line([part(&"é".repeat(LONGEST + 5)), part("more")]);
        assert!(line.starts_with("éé"));
        assert!(line.ends_with(&format!("é …{}", more(10))), "{line}");
        let long = Part {
            text: "x".repeat(LONGEST),
            left_out: 7,
        };
        assert!(one_line([long]).ends_with(&format!("x{}", more(7))));
    }
}
