//! Each function and method of the host has an example in the documents, which the tests run.

use super::blocks::{blocks, document, documents};

/// Where the functions of each module are listed, and what is written in front of them.
const FUNCTIONS: [(&str, &str, &str); 16] = [
    ("cog", "Cog", "cog."),
    ("cog", "Options", "cog.option."),
    ("cog", "Checks", "cog.check."),
    ("discord", "Discord", "discord."),
    ("discord", "Cache", "discord.cache."),
    ("discord", "Permissions", "discord.permissions."),
    ("http", "Http", "http."),
    ("json", "Json", "json."),
    ("log", "Log", "log."),
    ("spec", "Spec", "spec."),
    ("spec", "World", "world:"),
    ("state", "State", "state."),
    ("task", "Task", "task."),
    ("time", "Time", "time."),
    ("ui", "Ui", "ui."),
    ("cog", "Context", "ctx:"),
];

/// Methods of what the host gives out, whatever the author has called it.
const METHODS: [(&str, &str); 10] = [
    ("cog", "Job"),
    ("spec", "User"),
    ("spec", "Expectation"),
    ("model", "Message"),
    ("model", "Member"),
    ("model", "User"),
    ("model", "Channel"),
    ("model", "Attachment"),
    ("http", "Response"),
    ("state", "Rows"),
];

/// The fields of a type of `types/`, with the text of their own types.
fn fields(file: &str, wanted: &str) -> Vec<(String, String)> {
    let text = document(&format!("types/{file}.luau"));
    let named = |line: &&str| {
        let rest = line.strip_prefix(&format!("export type {wanted}"));
        rest.is_some_and(|rest| rest.starts_with([' ', '<']))
    };
    let lines = text.lines().skip_while(|line| !named(line)).skip(1);
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines.take_while(|line| *line != "}") {
        let field = line.strip_prefix("    read ");
        match field.and_then(|rest| rest.split_once(": ")) {
            Some((name, kind)) => fields.push((name.to_owned(), kind.to_owned())),
            None if line.trim_start().starts_with("---") => {}
            None => fields.last_mut().unwrap().1 += line,
        }
    }
    assert!(!fields.is_empty(), "types/{file}.luau: {wanted}");
    fields
}

/// Whether `code` uses this name: nothing that could be a part of a name follows it.
fn uses(code: &str, name: &str) -> bool {
    let parts = code.split(name).skip(1);
    parts
        .into_iter()
        .any(|rest| !rest.starts_with(|next: char| next == '_' || next.is_alphanumeric()))
}

#[test]
fn every_function_and_every_method_has_an_example() {
    let mut code = String::new();
    for page in documents() {
        for block in blocks(&document(&page)) {
            if block.file().is_some() || block.spec().is_some() {
                code += &block.text;
            }
        }
    }
    let mut missing = Vec::new();
    for (file, of, before) in FUNCTIONS {
        for (name, kind) in fields(file, of) {
            // Operations have pages of their own, and events are alike.
            let is_alike =
                kind.contains("arguments: ") && cogsmith::discord::operation(&name).is_some();
            let is_data = before.ends_with(':') && !kind.contains("->");
            let written = format!("{before}{name}");
            if !is_alike && !is_data && !uses(&code, &written) {
                missing.push(written);
            }
        }
    }
    for (file, of) in METHODS {
        for (name, kind) in fields(file, of) {
            let written = format!(":{name}");
            if kind.contains("(self: ") && !uses(&code, &written) {
                missing.push(format!("{of}{written}"));
            }
        }
    }
    assert!(missing.is_empty(), "without an example: {missing:#?}");
}
