//! One operation: what it does on the wire, what it takes, what it returns, and a call of it.

use super::put;
use super::rows::Need;
use super::sample;
use super::words::takes;
use crate::discord::operations::Operation;
use crate::discord::paging::paging;
use crate::discord::schema::{Field, Shape};
use crate::discord::types::object_text;
use std::fmt::Write as _;

/// The section of an operation.
pub(super) fn operation(text: &mut String, operation: &'static Operation) {
    let Operation {
        id,
        method,
        path,
        capability,
        ..
    } = operation;
    put!(text, "## {id}\n");
    let needs = if *capability == "guild.read" {
        "Needs no capability.".to_owned()
    } else {
        format!("Needs `{capability}`.")
    };
    put!(text, "`{method} {path}`. {needs} {}\n", returns(operation));
    let rows = arguments(operation);
    if !rows.is_empty() {
        put!(text, "| field | in | | takes |\n|---|---|---|---|");
        for (name, place, need, takes) in rows {
            put!(text, "| `{name}` | {place} | {} | {takes} |", need.words());
        }
        text.push('\n');
    }
    put!(text, "```luau\n{}```\n", sample::call(operation));
    if let Some(paging) = paging(id) {
        put!(
            text,
            "`discord.each` goes through all pages, of up to {} entries.\n",
            paging.most
        );
    }
}

fn returns(operation: &Operation) -> String {
    let empty = operation.may_be_empty;
    let Some(returns) = operation.returns else {
        return "Returns nothing.".into();
    };
    let shown = object_text(&Shape::parse(returns));
    let shown = shown.replace('|', "or");
    if empty {
        return format!("Returns `{shown}` or nothing.");
    }
    format!("Returns `{shown}`.")
}

/// The page with the tables, from another page.
const TABLES: &str = "tables.md";

/// A field: its name, where it goes, how much it is wanted, what it takes.
type Argument = (String, &'static str, Need, String);

/// One row a field.
fn arguments(operation: &Operation) -> Vec<Argument> {
    let mut rows = Vec::new();
    let mut add = |name: &str, place, need, takes: String| {
        rows.push((name.to_owned(), place, need, takes));
    };
    for (name, field) in &operation.params {
        add(name, "path", Need::Always, takes(name, field, TABLES));
    }
    for (name, field) in &operation.query {
        let need = Need::of(field.required);
        add(name, "query", need, takes(name, field, TABLES));
    }
    if let (true, Some(shape)) = (operation.takes_whole_body(), operation.body_shape()) {
        let body = Field::plain(shape.clone());
        add("body", "body", Need::Always, takes("body", &body, TABLES));
    } else if let Some(shape) = operation.body_shape() {
        for row in super::rows::rows(&shape.names(), TABLES) {
            if operation.file_field != Some(row.name) {
                add(row.name, "body", row.need, row.takes);
            }
        }
    }
    if let Some(file) = operation.file_field {
        let takes = "a file: `{ filename, content }`, or its content as a string";
        add(file, "form", Need::of(operation.form_only), takes.into());
    } else if operation.multipart {
        let takes = "a list of files, each `{ filename, content }`";
        add("files", "form", Need::Never, takes.into());
    }
    if operation.method != "GET" {
        let takes = "a string of at most 512 characters, for the audit log";
        add("reason", "header", Need::Never, takes.into());
    }
    rows
}
