//! The types of the host's modules name what is there, and nothing else.

use crate::support::setup;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const MODULES: [&str; 9] = [
    "cog", "discord", "http", "json", "log", "state", "task", "time", "ui",
];

/// The text of `types/<module>.luau`.
fn types_of(module: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("types/{module}.luau"));
    fs::read_to_string(path).unwrap()
}

/// The fields of a table type.
fn fields(text: &str, name: &str) -> BTreeSet<String> {
    let start = format!("export type {name} = {{\n");
    let (_, table) = text.split_once(&start).unwrap();
    let (table, _) = table.split_once("\n}\n").unwrap();
    let fields = table
        .lines()
        .filter_map(|line| line.strip_prefix("    read "));
    let names = fields.filter_map(|field| field.split_once(':'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The type of what a module returns.
fn returned(text: &str) -> &str {
    let (_, name) = text.rsplit_once(":: ").unwrap();
    name.trim_end()
}

/// Whether the README says that this is not there yet.
fn is_announced(function: &str) -> bool {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let announced = readme.split_once("## Not there yet").map_or("", |it| it.1);
    let announced = announced.split("\n## ").next().unwrap_or_default();
    announced.contains(&format!("`{function}`"))
}

/// A cog that says which of these fields are not there, and which others are.
fn asking() -> String {
    let mut text = "local cog = require(\"@cogsmith/cog\")\nlocal wrong = {}\n".to_owned();
    for module in MODULES {
        let types = types_of(module);
        let known = fields(&types, returned(&types));
        let there = known.iter().map(|name| {
            let is_expected = !is_announced(&format!("{module}.{name}"));
            format!("[{name:?}] = {is_expected}, ")
        });
        let known = format!("{{ {} }} :: any", there.collect::<String>());
        text += &format!(
            "do
    local module, known = require(\"@cogsmith/{module}\"), {known}
    for name, is_expected in known do
        if is_expected and module[name] == nil then
            table.insert(wrong, `{module}.{{name}} is not there`)
        end
    end
    for name in module :: any do
        if known[name] == nil and \"{module}\" ~= \"discord\" then
            table.insert(wrong, `{module}.{{name}} has no type`)
        end
    end
end
"
        );
    }
    let context: Vec<_> = fields(&types_of("cog"), "Context").into_iter().collect();
    let context: String = context.iter().map(|it| format!("{it:?}, ")).collect();
    text += &format!(
        "cog.command {{ name = \"wrong\", run = function(ctx)
    local sometimes = {{ interaction = true }}
    for _, name in {{ {context} }} do
        if ctx[name] == nil and not sometimes[name] then
            table.insert(wrong, `ctx.{{name}} is not there`)
        end
    end
    ctx:reply(if #wrong == 0 then \"nothing\" else table.concat(wrong, \"\\n\"))
end }}"
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_modules_have_what_their_types_say() {
    let stage = setup(&[("cogs/asking.luau", &asking())]).start().await;
    assert_eq!(stage.ask("!wrong").await, "nothing");
    stage.stop().await;
}
