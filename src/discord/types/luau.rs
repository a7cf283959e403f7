//! Types in Luau's notation.

use super::names;
use crate::discord::permissions;
use crate::discord::schema::{Field, Schema, Shape, fields, schema};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A line is broken when it is so wide.
pub(super) const WIDTH: usize = 100;

/// Which way a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Discord sends it.
    Object,
    /// A cog sends it.
    Input,
}

/// One field of a table type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Property {
    pub(super) text: String,
    pub(super) optional: bool,
    pub(super) nullable: bool,
}

/// The fields of a table type, in order.
pub(super) type Properties = Vec<(String, Property)>;

impl Property {
    pub(super) fn new(name: &str, field: &Field, way: Way) -> Self {
        let parts = field.shape.alternatives();
        // They come and go as decimal strings, whatever number Discord's description says.
        let text = if permissions::FIELDS.contains(&name) && parts.contains(&Shape::Integer) {
            match way {
                Way::Object => "string".into(),
                Way::Input => "string | { Permission }".into(),
            }
        } else {
            text(&field.shape, way)
        };
        Self {
            text,
            optional: !field.required,
            nullable: parts.contains(&Shape::Null) && text_is_some(&field.shape),
        }
    }

    pub(super) fn plain(text: &str, optional: bool) -> Self {
        Self {
            text: text.into(),
            optional,
            nullable: false,
        }
    }

    fn written(&self, way: Way) -> String {
        let mut text = self.text.clone();
        if text == "any" {
            return text;
        }
        if way == Way::Input && self.nullable {
            text.push_str(" | Null");
        }
        if self.optional || (way == Way::Object && self.nullable) {
            return optional(&text);
        }
        text
    }
}

fn text_is_some(shape: &Shape) -> bool {
    shape.alternatives().iter().any(|part| *part != Shape::Null)
}

/// `T?`, with brackets where they are needed.
pub(super) fn optional(text: &str) -> String {
    if top_level_bar(text) {
        return format!("({text})?");
    }
    format!("{text}?")
}

fn top_level_bar(text: &str) -> bool {
    let mut depth = 0_i32;
    text.chars().any(|letter| {
        depth += i32::from("{(<".contains(letter)) - i32::from("})>".contains(letter));
        letter == '|' && depth == 0
    })
}

/// The type of a value of this shape, without its `null`.
pub(super) fn text(shape: &Shape, way: Way) -> String {
    match shape {
        Shape::Null => "nil".into(),
        Shape::Any | Shape::Object => "any".into(),
        Shape::Boolean => "boolean".into(),
        Shape::Integer | Shape::Number => "number".into(),
        Shape::DateTime if way == Way::Input => "number | string".into(),
        Shape::String | Shape::Uri | Shape::Snowflake | Shape::DateTime => "string".into(),
        Shape::List(item) if way == Way::Object => format!("List<{}>", text(item, way)),
        Shape::List(item) => format!("{{ {} }}", text(item, way)),
        Shape::Map(value) => format!("{{ [string]: {} }}", text(value, way)),
        Shape::All(parts) => joined(parts, way, " & "),
        Shape::Union(parts) => joined(parts, way, " | "),
        Shape::Named(name) => named(name, way),
    }
}

fn named(name: &str, way: Way) -> String {
    match schema(name) {
        Some(Schema::Object(_)) if way == Way::Object => names::object(name),
        Some(Schema::Object(_)) => names::input(name),
        Some(Schema::Alias(alias)) => text(&alias.shape, way),
        Some(Schema::Choices(values)) if values.values().all(serde_json::Value::is_string) => {
            "string".into()
        }
        Some(Schema::Choices(_)) => "number".into(),
        None => "any".into(),
    }
}

fn joined(parts: &[Shape], way: Way, sign: &str) -> String {
    let mut texts: Vec<String> = Vec::new();
    for part in parts.iter().filter(|part| **part != Shape::Null) {
        let text = text(part, way);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let channels = ["GuildChannel", "PrivateChannel", "Thread"];
    if texts.len() > 1 && texts.iter().all(|text| channels.contains(&text.as_str())) {
        return "Channel".into();
    }
    texts.join(sign)
}

/// The fields that objects of several schemas have: always there is only what all of them (or `base`)
/// always have.
pub(super) fn merged(schemas: &[&str], base: Option<&str>, way: Way) -> Properties {
    let mut merged: Properties = Vec::new();
    let variants: Vec<_> = schemas.iter().filter_map(|name| fields(name)).collect();
    for variant in &variants {
        for (name, field) in *variant {
            let property = Property::new(name, field, way);
            match merged.iter_mut().find(|(known, _)| known == name) {
                None => merged.push(((*name).to_owned(), property)),
                Some((_, known)) => combine(known, &property),
            }
        }
    }
    for (name, property) in &mut merged {
        let always = |fields: &&crate::discord::schema::Fields| {
            fields
                .get(name.as_str())
                .is_some_and(|field| field.required)
        };
        property.optional = match base.and_then(fields) {
            Some(base) => !always(&base),
            None => !variants.iter().all(always),
        };
    }
    merged
}

fn combine(known: &mut Property, other: &Property) {
    known.nullable |= other.nullable;
    if known.text == other.text || known.text == "any" {
        return;
    }
    if other.text == "any" {
        "any".clone_into(&mut known.text);
    } else if !known.text.split(" | ").any(|part| part == other.text) {
        known.text = format!("{} | {}", known.text, other.text);
    }
}

/// `export type Name = { … }`, a field a line.
pub(super) fn table(name: &str, properties: &Properties, methods: &[String], way: Way) -> String {
    if properties.is_empty() && methods.is_empty() {
        return format!("export type {name} = {{}}\n\n");
    }
    let mut out = format!("export type {name} = {{\n");
    for (field, property) in properties {
        let field = if is_name(field) {
            field.clone()
        } else {
            format!("[\"{field}\"]")
        };
        line(
            &mut out,
            &format!("    read {field}: {},", property.written(way)),
        );
    }
    for method in methods {
        line(&mut out, &format!("    read {method},"));
    }
    out.push_str("}\n\n");
    out
}

/// `export type Name = "one" | "other"`, a text a line.
pub(super) fn texts<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.map(|text| format!("    \"{text}\"\n")).collect();
    let rest = texts[1..]
        .iter()
        .map(|text| text.replacen("    ", "    | ", 1));
    let rest: String = rest.collect();
    format!("export type {name} =\n{}{rest}\n", texts[0])
}

/// A name that Luau takes without brackets.
fn is_name(text: &str) -> bool {
    const KEYWORDS: [&str; 8] = ["and", "end", "function", "if", "in", "nil", "or", "repeat"];
    !KEYWORDS.contains(&text)
        && text
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _written = writeln!(out, "{text}").is_ok();
}

/// `    read name: (parameter) -> result,`, broken where the line would be too long.
pub(super) fn function(name: &str, parameter: &str, result: &str) -> String {
    let flat = format!("    read {name}: ({parameter}) -> {result},\n");
    if flat.trim_end().chars().count() < WIDTH {
        return flat;
    }
    format!("    read {name}: (\n        {parameter}\n    ) -> {result},\n")
}

/// Schemas by the name of the type that they become.
pub(super) fn grouped<'a>(
    schemas: impl IntoIterator<Item = &'a str>,
    name: impl Fn(&str) -> String,
) -> BTreeMap<String, Vec<&'a str>> {
    let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for schema in schemas {
        groups.entry(name(schema)).or_default().push(schema);
    }
    groups
}
