//! The Luau types of everything that a cog can require, for editors and `--!strict`:
//!
//! ```text
//! *.luau here (written by hand, with marks) ┐
//! model (objects and inputs) ── functions ──┼─ mod (fills the marks) ─▶ types/*.luau
//! names, luau (how a schema is called) ─ events ┘
//! ```
//!
//! Everything is laid out as `StyLua` would.

mod events;
mod functions;
mod luau;
mod model;
mod names;

use super::generated;
use super::operations::Operation;
use super::schema::Shape;
use luau::Way;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// What is said when the files are not those that would be generated.
const MEND: &str = "run `cogsmith types --write`";

/// The modules that are written by hand as a whole.
const BY_HAND: [(&str, &str); 8] = [
    ("http.luau", include_str!("http.luau")),
    ("json.luau", include_str!("json.luau")),
    ("log.luau", include_str!("log.luau")),
    ("spec.luau", include_str!("spec.luau")),
    ("state.luau", include_str!("state.luau")),
    ("task.luau", include_str!("task.luau")),
    ("time.luau", include_str!("time.luau")),
    ("ui.luau", include_str!("ui.luau")),
];

/// The name of the type of a table inside of arguments (`EmbedInput` of `RichEmbed`).
pub(super) fn input_name(schema: &str) -> String {
    names::input(schema)
}

/// The type of what Discord sends (`{ Message }?`).
pub(super) fn object_text(shape: &Shape) -> String {
    luau::text(shape, Way::Object)
}

/// The schemas of all tables that stand inside of the arguments of these operations, at any depth.
pub(super) fn schemas_inside(
    operations: impl Iterator<Item = &'static Operation>,
) -> BTreeSet<&'static str> {
    model::reachable(&model::inside(operations))
}

/// All type modules: the name of the file and its text, in order of name.
pub fn generate() -> Vec<(&'static str, String)> {
    let model = include_str!("model.luau");
    let model = fill(model, "objects", &model::objects());
    let model = fill(&model, "inputs", &model::inputs());
    let model = fill(&model, "permissions", &model::permission());
    let discord = include_str!("discord.luau");
    let discord = fill(discord, "arguments", &functions::arguments());
    let discord = fill(&discord, "functions", &functions::functions());
    let discord = fill(&discord, "each types", &functions::each_types());
    let discord = fill(&discord, "each", &functions::each());
    let cog = include_str!("cog.luau");
    let cog = fill(cog, "on", &events::on());
    let cog = fill(&cog, "wait", &events::wait());
    let cog = fill(&cog, "intents", &events::intent());
    let by_hand = BY_HAND.map(|(name, text)| (name, text.to_owned()));
    let generated = [
        ("cog.luau", cog),
        ("discord.luau", discord),
        ("model.luau", model),
    ];
    let mut files: Vec<_> = by_hand.into_iter().chain(generated).collect();
    files.sort_by_key(|(name, _)| *name);
    files
}

/// The fields of a table type of one of the modules, in order of name: for tests of those who read such tables.
#[cfg(test)]
pub(crate) fn fields_of(file: &str, name: &str) -> Vec<String> {
    let files = generate();
    let text = &files.iter().find(|(known, _)| *known == file).unwrap().1;
    let start = format!("export type {name} = {{\n");
    let (_, table) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {name} in {file}"));
    let (table, _) = table.split_once("\n}\n").unwrap();
    let fields = table.lines().filter_map(|line| {
        let field = line.strip_prefix("    read ")?;
        Some(field.split_once(':')?.0.to_owned())
    });
    let mut fields: Vec<_> = fields.collect();
    fields.sort();
    fields
}

/// Writes all type modules into a folder, which is made if need be. Returns the names of those that
/// changed.
pub fn write(folder: &Path) -> io::Result<Vec<&'static str>> {
    generated::write(folder, generate())
}

/// What is wrong with the type modules in a folder, a sentence a file; empty if they are current.
pub fn check(folder: &Path) -> Vec<String> {
    generated::check(folder, generate(), MEND)
}

/// Puts `text` in the place of the mark `--[[name]]`, with which its line begins.
fn fill(template: &str, name: &str, text: &str) -> String {
    template.replace(&format!("--[[{name}]]\n"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_current() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("types");
        if std::env::var_os("COGSMITH_WRITE_TYPES").is_some() {
            write(&folder).unwrap();
        }
        assert_eq!(check(&folder), [""; 0]);
    }

    #[test]
    fn every_module_is_luau() {
        let lua = mlua::Lua::new();
        for (name, text) in generate() {
            let compiled = lua.load(&text).set_name(name).into_function();
            assert!(compiled.is_ok(), "{name}: {}", compiled.unwrap_err());
            assert!(
                !text.contains("--[["),
                "{name} has a mark that nothing fills"
            );
        }
    }

    #[test]
    fn writing_changes_only_what_is_not_current() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(folder.path()).len(), 11);
        assert_eq!(write(folder.path()).unwrap().len(), 11);
        assert_eq!(check(folder.path()), [""; 0]);
        std::fs::write(folder.path().join("cog.luau"), "--").unwrap();
        assert!(check(folder.path())[0].ends_with("is out of date: run `cogsmith types --write`"));
        assert_eq!(write(folder.path()).unwrap(), ["cog.luau"]);
    }

    #[test]
    fn every_event_and_every_operation_of_a_cog_has_a_type() {
        let files = generate();
        let text = |wanted: &str| &files.iter().find(|(name, _)| *name == wanted).unwrap().1;
        for event in crate::discord::events() {
            let line = format!("    read {}: (", event.name);
            assert_eq!(text("cog.luau").matches(&line).count(), 2, "{}", event.name);
        }
        for operation in crate::discord::operations() {
            let line = format!("    read {}: (", operation.id);
            let times = usize::from(operation.open_to_cogs());
            assert_eq!(
                text("discord.luau").matches(&line).count(),
                times,
                "{}",
                operation.id
            );
        }
    }
}
