//! Modals, and what is only in them. In a modal everything but a text stands in a label: with a `label` of its own, a
//! component is put into one.

use super::part::{Names, Part, items, table};
use crate::vm::host::{Arguments, HostResult};
use mlua::{Lua, Value};

const LABEL: &str = "LabelComponentForModalRequest";

const STYLES: [(&str, u32); 2] = [("short", 1), ("paragraph", 2)];

pub(super) fn modal(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("title", "title"),
        ("components", "components"),
    ];
    let given = table(arguments)?;
    let mut part = Part::of(lua, arguments.function(), &given, NAMES)?;
    part.copy(&["id", "title"])?;
    let components = part.value("components")?;
    let components = items(
        part.function,
        "components",
        "a list of components",
        &components,
    )?;
    part.put_components("components", "components", &components)?;
    part.built_modal()
}

pub(super) fn label(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("label", "label"),
        ("description", "description"),
        ("component", "component"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 18)?;
    part.copy(&["label", "description"])?;
    let component = part.value("component")?;
    let json = part.component("component", &component)?;
    part.put("component", json, &component)?;
    part.built(LABEL)
}

/// A component, inside of a label if it has the text of one.
pub(super) fn in_label(part: Part<'_>, schema: &'static str) -> HostResult<Value> {
    const NAMES: Names = &[("label", "label"), ("description", "description")];
    let (lua, function, given) = (part.lua, part.function, part.given);
    let (label, description) = (part.value("label")?, part.value("description")?);
    if label.is_nil() && !description.is_nil() {
        let expected = "nothing without a label";
        return Err(part.wrong("description", expected, &description));
    }
    let (made, json) = part.finish(schema)?;
    if label.is_nil() {
        return Ok(Value::Table(made));
    }
    let mut around = Part::empty(lua, function, given, NAMES)?;
    around.put_number("type", 18)?;
    around.copy(&["label", "description"])?;
    around.put("component", json, &Value::Table(made))?;
    around.built(LABEL)
}

pub(super) fn text_input(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("label", "label"),
        ("description", "description"),
        ("style", "style"),
        ("placeholder", "placeholder"),
        ("value", "value"),
        ("required", "required"),
        ("min_length", "min_length"),
        ("max_length", "max_length"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 4)?;
    let style = part.word("style", &STYLES)?.unwrap_or(1);
    part.put_number("style", style)?;
    part.copy(&["id", "placeholder", "value", "required"])?;
    part.copy(&["min_length", "max_length"])?;
    in_label(part, "TextInputComponentForModalRequest")
}

pub(super) fn file_upload(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("label", "label"),
        ("description", "description"),
        ("min", "min_values"),
        ("max", "max_values"),
        ("required", "required"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 19)?;
    part.copy(&["id", "min", "max", "required"])?;
    in_label(part, "FileUploadComponentForModalRequest")
}

pub(super) fn radio_group(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("label", "label"),
        ("description", "description"),
        ("options", "options"),
        ("required", "required"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 21)?;
    part.copy(&["id", "required"])?;
    part.take_options(false)?;
    in_label(part, "RadioGroupComponentForModalRequest")
}

pub(super) fn checkbox_group(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("label", "label"),
        ("description", "description"),
        ("options", "options"),
        ("min", "min_values"),
        ("max", "max_values"),
        ("required", "required"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 22)?;
    part.copy(&["id", "min", "max", "required"])?;
    part.take_options(false)?;
    in_label(part, "CheckboxGroupComponentForModalRequest")
}

pub(super) fn checkbox(lua: &Lua, arguments: &Arguments) -> HostResult<Value> {
    const NAMES: Names = &[
        ("id", "custom_id"),
        ("label", "label"),
        ("description", "description"),
        ("default", "default"),
    ];
    let given = table(arguments)?;
    let mut part = Part::component_of(lua, arguments, &given, NAMES, 23)?;
    part.copy(&["id", "default"])?;
    in_label(part, "CheckboxComponentForModalRequest")
}
