//! `ui.embed { … }`

use super::part::{Names, Part, items, table};
use crate::api::time::iso_of;
use crate::vm::host::{Arguments, HostResult, number};
use mlua::{Lua, Value};
use serde_json::json;

const NAMES: Names = &[
    ("title", "title"),
    ("description", "description"),
    ("url", "url"),
    ("color", "color"),
    ("timestamp", "timestamp"),
    ("author", "author"),
    ("footer", "footer"),
    ("image", "image"),
    ("thumbnail", "thumbnail"),
    ("fields", "fields"),
];

/// Fields that are one text, mostly: with the field of Discord's table that has it.
const SHORT: [(&str, &str); 4] = [
    ("author", "name"),
    ("footer", "text"),
    ("image", "url"),
    ("thumbnail", "url"),
];

pub(super) fn embed(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    let given = table(arguments)?;
    let mut part = Part::of(lua, arguments.function(), &given, NAMES)?;
    part.copy(&["title", "description", "url", "color"])?;
    take_timestamp(&mut part)?;
    for (name, inside) in SHORT {
        take_short(&mut part, name, inside)?;
    }
    take_fields(&mut part)?;
    part.built_embed()
}

fn take_timestamp(part: &mut Part<'_>) -> HostResult<()> {
    let value = part.value("timestamp")?;
    let Some(seconds) = number(&value) else {
        return part.copy(&["timestamp"]);
    };
    let expected = "a time (ISO 8601, or Unix seconds)";
    let iso = iso_of(seconds).ok_or_else(|| part.wrong("timestamp", expected, &value))?;
    part.put_text("timestamp", &iso)
}

fn take_short(part: &mut Part<'_>, name: &str, inside: &str) -> HostResult<()> {
    let value = part.value(name)?;
    if !value.is_string() {
        return part.copy(&[name]);
    }
    let text = part.json(name, &value)?;
    let made = part.lua.create_table()?;
    made.raw_set(inside, value)?;
    part.put(name, json!({ inside: text }), &Value::Table(made))
}

fn take_fields(part: &mut Part<'_>) -> HostResult<()> {
    let value = part.value("fields")?;
    if value.is_nil() {
        return Ok(());
    }
    let expected = "a list of { name, value, inline? }";
    let fields = items(part.function, "fields", expected, &value)?;
    part.put_list("fields", "fields", &fields, |part, place, field| {
        let checked = part.json(place, field)?;
        if !checked.is_object() {
            return Err(part.wrong(place, "a table { name, value, inline? }", field));
        }
        Ok((field.clone(), checked))
    })
}
