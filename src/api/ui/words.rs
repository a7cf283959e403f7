//! Words in the place of Discord's numbers, and emoji as people write them.

use super::part::Part;
use crate::commands::emoji::parse_emoji;
use crate::vm::host::{HostError, HostFailure, HostResult, describe};
use mlua::{Lua, Table, Value};
use serde_json::{Value as JsonValue, json};

impl Part<'_> {
    /// One of some words, which stand for numbers of Discord's; nothing if there is none.
    pub(super) fn word(&self, own: &str, words: &[(&str, u32)]) -> HostResult<Option<u32>> {
        let value = self.value(own)?;
        let text = match &value {
            Value::Nil => return Ok(None),
            Value::String(text) => text.to_string_lossy(),
            _ => String::new(),
        };
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, number)| Some(*number)).ok_or_else(|| {
            let known: Vec<String> = words
                .iter()
                .map(|(word, _)| format!("\"{word}\""))
                .collect();
            self.wrong(own, &format!("one of {}", known.join(", ")), &value)
        })
    }

    /// The emoji of a button.
    pub(super) fn take_emoji(&mut self) -> HostResult<()> {
        let value = self.value("emoji")?;
        if value.is_nil() {
            return Ok(());
        }
        let (made, json) = match &value {
            Value::String(_) => {
                let (table, json) = read_emoji(self.lua, self.function, "emoji", &value)?;
                (Value::Table(table), json)
            }
            _ => (value.clone(), self.json("emoji", &value)?),
        };
        self.put("emoji", json, &made)
    }
}

/// An emoji that is written as text: `"🎉"`, `"<:name:id>"`.
pub(super) fn read_emoji(
    lua: &Lua,
    function: &str,
    place: &str,
    value: &Value,
) -> HostResult<(Table, JsonValue)> {
    let wrong = || -> HostFailure {
        let expected = "an emoji like \"🎉\" or \"<:name:id>\"";
        HostError::argument(function, place, expected, &describe(value)).into()
    };
    let Value::String(text) = value else {
        return Err(wrong());
    };
    let text = text.to_str().map_err(|_| wrong())?;
    let emoji = parse_emoji(&text).ok_or_else(wrong)?;
    let made = lua.create_table()?;
    made.raw_set("name", emoji.name.as_str())?;
    made.raw_set("id", emoji.id.as_deref())?;
    Ok((made, json!({ "name": emoji.name, "id": emoji.id })))
}
