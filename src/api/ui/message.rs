//! The components of messages.

use super::modal::in_label;
use super::part::{Names, Part, items, table};
use crate::api::fields::Fields;
use crate::vm::host::{Arguments, HostResult};
use mlua::{Lua, Table, Value};
use serde_json::{Value as JsonValue, json};

const BUTTON: &str = "ButtonComponentForMessageRequest";

const STYLES: [(&str, u32); 4] = [
    ("primary", 1),
    ("secondary", 2),
    ("success", 3),
    ("danger", 4),
];
const LINK: u32 = 5;
const PREMIUM: u32 = 6;

/// A select of texts, which alone has options.
const OF_TEXTS: u32 = 3;
/// One of channels, which alone has their types.
const OF_CHANNELS: u32 = 8;

/// What can be selected: our word, Discord's number, its schema, and the type of those that are chosen at first.
const SELECTS: [(&str, u32, &str, &str); 5] = [
    (
        "string",
        OF_TEXTS,
        "StringSelectComponentForMessageRequest",
        "",
    ),
    ("user", 5, "UserSelectComponentForMessageRequest", "user"),
    ("role", 6, "RoleSelectComponentForMessageRequest", "role"),
    (
        "mentionable",
        7,
        "MentionableSelectComponentForMessageRequest",
        "",
    ),
    (
        "channel",
        OF_CHANNELS,
        "ChannelSelectComponentForMessageRequest",
        "channel",
    ),
];

pub(super) fn button(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("label", "label"),
        ("emoji", "emoji"),
        ("style", "style"),
        ("disabled", "disabled"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 2)?;
    let style = part.word("style", &STYLES)?.unwrap_or(2);
    part.put_number("style", style)?;
    part.copy(&["id", "label", "disabled"])?;
    part.take_emoji()?;
    part.built(BUTTON)
}

pub(super) fn link(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("url", "url"),
        ("label", "label"),
        ("emoji", "emoji"),
        ("disabled", "disabled"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 2)?;
    part.put_number("style", LINK)?;
    part.copy(&["url", "label", "disabled"])?;
    part.take_emoji()?;
    part.built(BUTTON)
}

pub(super) fn premium(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[("sku_id", "sku_id"), ("disabled", "disabled")];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 2)?;
    part.put_number("style", PREMIUM)?;
    part.copy(&["sku_id", "disabled"])?;
    part.built(BUTTON)
}

pub(super) fn select(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("type", "type"),
        ("options", "options"),
        ("placeholder", "placeholder"),
        ("min", "min_values"),
        ("max", "max_values"),
        ("defaults", "default_values"),
        ("channel_types", "channel_types"),
        ("disabled", "disabled"),
        ("required", "required"),
        ("label", "label"),
        ("description", "description"),
    ];
    let given = table(arguments)?;
    let mut part = Part::of(lua, arguments.function(), &given, NAMES)?;
    let words = SELECTS.map(|(word, number, ..)| (word, number));
    let number = part.word("type", &words)?.unwrap_or(OF_TEXTS);
    let found = SELECTS.iter().find(|(_, known, ..)| *known == number);
    let (word, _, schema, chosen) = found.copied().unwrap_or(SELECTS[0]);
    part.put_number("type", number)?;
    part.copy(&["id", "placeholder", "min", "max", "disabled", "required"])?;
    if number == OF_TEXTS {
        part.take_options(true)?;
    } else {
        let why = format!("nothing: Discord lists what a select of type \"{word}\" offers");
        excluded(&part, "options", &why)?;
    }
    if number == OF_CHANNELS {
        part.copy(&["channel_types"])?;
    } else {
        excluded(
            &part,
            "channel_types",
            "nothing: they are for the type \"channel\"",
        )?;
    }
    take_defaults(&mut part, number, chosen)?;
    in_label(part, schema)
}

fn excluded(part: &Part<'_>, own: &str, expected: &str) -> HostResult<()> {
    match part.value(own)? {
        Value::Nil => Ok(()),
        value => Err(part.wrong(own, expected, &value)),
    }
}

/// Whom a select shows as chosen at first: ids, or Discord's tables where an id does not say of what it is.
fn take_defaults(part: &mut Part<'_>, number: u32, kind: &str) -> HostResult<()> {
    let value = part.value("defaults")?;
    if value.is_nil() {
        return Ok(());
    }
    if number == OF_TEXTS {
        let expected = "nothing: write `default = true` in an option";
        return Err(part.wrong("defaults", expected, &value));
    }
    let expected = "a list of ids";
    let given = items(part.function, "defaults", expected, &value)?;
    part.put_list("default_values", "defaults", &given, |part, place, one| {
        let read = part.json(place, one)?;
        if read.is_string() && !kind.is_empty() {
            let made = part.lua.create_table()?;
            made.raw_set("id", one)?;
            made.raw_set("type", kind)?;
            return Ok((Value::Table(made), json!({ "id": read, "type": kind })));
        }
        if read.is_object() {
            return Ok((one.clone(), read));
        }
        let expected = if kind.is_empty() {
            "a table { id, type = \"user\" or \"role\" }"
        } else {
            "an id"
        };
        Err(part.wrong(place, expected, one))
    })
}

pub(super) fn row(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[("", "components")];
    let given = arguments.value(0);
    let function = arguments.function();
    let components = items(function, "", "a list of buttons, or of one select", &given)?;
    let none = lua.create_table()?;
    let mut part = Part::empty(lua, function, &none, NAMES)?;
    part.put_number("type", 1)?;
    part.put_components("components", "", &components)?;
    let is_input = |value: &Value| match value {
        Value::Table(table) => {
            let number = table.raw_get::<Value>("type").unwrap_or(Value::Nil);
            crate::vm::host::number(&number) == Some(4.0)
        }
        _ => false,
    };
    if components.iter().any(is_input) {
        return part.built("ActionRowComponentForModalRequest");
    }
    part.built("ActionRowComponentForMessageRequest")
}

pub(super) fn container(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("components", "components"),
        ("color", "accent_color"),
        ("spoiler", "spoiler"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 17)?;
    let components = part.value("components")?;
    let components = items(
        part.function,
        "components",
        "a list of components",
        &components,
    )?;
    part.put_components("components", "components", &components)?;
    part.copy(&["color", "spoiler"])?;
    part.built("ContainerComponentForMessageRequest")
}

pub(super) fn section(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[("text", "components"), ("accessory", "accessory")];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 9)?;
    let value = part.value("text")?;
    let texts = match &value {
        Value::String(_) => vec![value],
        _ => items(
            part.function,
            "text",
            "a string, or a list of up to 3",
            &value,
        )?,
    };
    let texts: HostResult<Vec<Value>> = texts
        .into_iter()
        .map(|text| match &text {
            Value::String(_) => {
                let made = lua.create_table()?;
                made.raw_set("type", 10)?;
                made.raw_set("content", text)?;
                Ok(Value::Table(made))
            }
            _ => Ok(text),
        })
        .collect();
    part.put_components("components", "text", &texts?)?;
    let accessory = part.value("accessory")?;
    let json = part.component("accessory", &accessory)?;
    part.put("accessory", json, &accessory)?;
    part.built("SectionComponentForMessageRequest")
}

pub(super) fn text(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[("", "content")];
    let text = arguments.value(0);
    if !text.is_string() {
        return Err(arguments.wrong("", "a string", &text));
    }
    let none = lua.create_table()?;
    let mut part = Part::empty(lua, arguments.function(), &none, NAMES)?;
    part.put_number("type", 10)?;
    let json = part.json("the text", &text)?;
    part.put("content", json, &text)?;
    part.built("TextDisplayComponentForMessageRequest")
}

/// What is given as a text, or as a table in which it is the field `name`.
fn short(lua: &Lua, arguments: &Arguments, name: &str) -> HostResult<Table> {
    let value = arguments.value(0);
    let table = table_of(lua, &value, name)?;
    table.ok_or_else(|| arguments.wrong("", "a string or a table", &value))
}

/// The same of any value; nothing if it is neither.
fn table_of(lua: &Lua, value: &Value, name: &str) -> HostResult<Option<Table>> {
    match value {
        Value::Table(table) => Ok(Some(table.clone())),
        Value::String(_) => {
            let table = lua.create_table()?;
            table.raw_set(name, value)?;
            Ok(Some(table))
        }
        _ => Ok(None),
    }
}

pub(super) fn thumbnail(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("url", "media.url"),
        ("url", "media"),
        ("description", "description"),
        ("spoiler", "spoiler"),
    ];
    let given = short(lua, arguments, "url")?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 11)?;
    take_media(&mut part, "media", "url", "")?;
    part.copy(&["description", "spoiler"])?;
    part.built("ThumbnailComponentForMessageRequest")
}

/// A URL, in the table in which Discord has it. The text of it begins with `before`, if it does not already.
fn take_media(part: &mut Part<'_>, name: &str, own: &str, before: &str) -> HostResult<()> {
    let value = part.value(own)?;
    let mut url = part.json(own, &value)?;
    if let JsonValue::String(text) = &url
        && !text.starts_with(before)
    {
        url = format!("{before}{text}").into();
    }
    let made = part.lua.create_table()?;
    match &url {
        JsonValue::String(text) => made.raw_set("url", text.as_str())?,
        _ => made.raw_set("url", value)?,
    }
    part.put(name, json!({ "url": url }), &Value::Table(made))
}

pub(super) fn gallery(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[("", "items")];
    const OF_ITEM: &[&str] = &["url", "description", "spoiler"];
    let function = arguments.function();
    let expected = "a list of pictures, each a URL or a table";
    let pictures = items(function, "", expected, &arguments.value(0))?;
    let none = lua.create_table()?;
    let mut part = Part::empty(lua, function, &none, NAMES)?;
    part.put_number("type", 12)?;
    part.put_list("items", "", &pictures, |part, place, picture| {
        let given = table_of(lua, picture, "url")?;
        let given = given.ok_or_else(|| part.wrong(place, "a URL or a table", picture))?;
        Fields::of(format!("{function}: {place}"), &given).only(OF_ITEM)?;
        let url: Value = given.raw_get("url")?;
        let (made, media) = (lua.create_table()?, lua.create_table()?);
        let address = part.json(&format!("{place}.url"), &url)?;
        media.raw_set("url", url)?;
        made.raw_set("media", media)?;
        let mut checked = json!({ "media": { "url": address } });
        for name in ["description", "spoiler"] {
            let value: Value = given.raw_get(name)?;
            if !value.is_nil() {
                checked[name] = part.json(&format!("{place}.{name}"), &value)?;
                made.raw_set(name, value)?;
            }
        }
        Ok((Value::Table(made), checked))
    })?;
    part.built("MediaGalleryComponentForMessageRequest")
}

pub(super) fn file(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("filename", "file.url"),
        ("filename", "file"),
        ("spoiler", "spoiler"),
    ];
    let given = short(lua, arguments, "filename")?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 13)?;
    take_media(&mut part, "file", "filename", "attachment://")?;
    part.copy(&["spoiler"])?;
    part.built("FileComponentForMessageRequest")
}

pub(super) fn separator(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[("divider", "divider"), ("large", "spacing")];
    let given = match arguments.optional_table(0, "")? {
        Some(given) => given,
        None => lua.create_table()?,
    };
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 14)?;
    part.copy(&["divider"])?;
    if let Some(is_large) = part.fields().boolean("large")? {
        part.put_number("spacing", if is_large { 2 } else { 1 })?;
    }
    part.built("SeparatorComponentForMessageRequest")
}
