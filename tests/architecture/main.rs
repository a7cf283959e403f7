//! ARCHITECTURE.md and the files say the same: which folders there are, and which of them may import which.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

mod circles;
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn architecture() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// The names of a block, by line, from the top.
fn layers(text: &str) -> BTreeMap<String, usize> {
    let (_, section) = text.split_once("## Layers").expect("a section \"Layers\"");
    let (_, block) = section.split_once("```text\n").expect("a block of names");
    let (block, _) = block.split_once("```").expect("the end of the block");
    let lines = block.lines().enumerate();
    lines
        .flat_map(|(layer, names)| names.split_whitespace().map(move |name| (name, layer)))
        .map(|(name, layer)| (name.to_owned(), layer))
        .collect()
}

/// The folders and files directly in `src/`, without `.rs`.
fn parts() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("src")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| name != "lib" && name != "main")
        .collect()
}

#[test]
fn every_part_has_a_layer() {
    let known: BTreeSet<String> = layers(&architecture()).into_keys().collect();
    assert_eq!(known, parts());
}

#[test]
fn imports_run_down_the_layers() {
    let layers = layers(&architecture());
    let modules = imports::modules(&root().join("src"));
    let mut wrong = Vec::new();
    for (own, text) in &modules {
        let Some(layer) = layers.get(&own[0]) else {
            continue;
        };
        for module in imports::imported(own, text, &modules) {
            let is_below = layers.get(&module[0]).is_none_or(|of| of > layer);
            if module[0] != own[0] && !is_below {
                let (own, module) = (own.join("/"), module.join("/"));
                wrong.push(format!("src/{own}.rs imports src/{module}.rs"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the direction of ARCHITECTURE.md, \"Layers\":\n{}",
        wrong.join("\n")
    );
}

/// The groups of the table "Circles", each as the names of its modules.
fn listed_circles(text: &str) -> BTreeSet<BTreeSet<imports::Module>> {
    let (_, section) = text
        .split_once("## Circles")
        .expect("a section \"Circles\"");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cell = row.split('|').nth(1).unwrap();
        let names = cell.split('`').filter(|name| name.starts_with("src/"));
        names
            .map(|name| {
                let name = name.trim_start_matches("src/").trim_end_matches(".rs");
                let name = name.trim_end_matches("/mod");
                name.split('/').map(str::to_owned).collect()
            })
            .collect()
    })
    .collect()
}

#[test]
fn no_files_import_each_other_but_those_that_are_listed() {
    let found = circles::circles(&imports::modules(&root().join("src")));
    let listed = listed_circles(&architecture());
    let shown = |circles: Vec<&BTreeSet<imports::Module>>| {
        let names = circles.into_iter().map(|circle| {
            let names = circle.iter().map(|module| module.join("/"));
            names.collect::<Vec<_>>().join(", ")
        });
        names.collect::<Vec<_>>()
    };
    let (new, gone) = (found.difference(&listed), listed.difference(&found));
    let (new, gone) = (shown(new.collect()), shown(gone.collect()));
    assert!(
        new.is_empty() && gone.is_empty(),
        "ARCHITECTURE.md, \"Circles\": not listed: {new:#?}, no longer there: {gone:#?}"
    );
}

#[test]
fn the_table_of_folders_names_what_is_there() {
    let text = architecture();
    let (_, section) = text.split_once("## Folders").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let named: BTreeSet<&str> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`'))
        .filter_map(|name| name.strip_prefix("src/")?.strip_suffix('/'))
        .collect();
    let folders: BTreeSet<String> = parts()
        .into_iter()
        .filter(|part| root().join("src").join(part).is_dir())
        .collect();
    let folders: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
    assert_eq!(named, folders);
}

/// Its rate limiter, its client and the TLS below them are for tests; see ARCHITECTURE.md.
#[test]
fn the_bot_has_the_builders_of_serenity_and_nothing_else_of_it() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, normal) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (normal, _) = normal.split_once("\n[").unwrap();
    let mut lines = normal.lines();
    let serenity = lines.find(|line| line.starts_with("serenity ")).unwrap();
    let expected = "default-features = false, features = [\"builder\"] }";
    assert!(serenity.ends_with(expected), "{serenity}");
}
