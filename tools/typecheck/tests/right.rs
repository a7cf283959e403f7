//! What is right has no type error and no warning: the cogs, services and specs of this project, the examples of its
//! documents, and those of the contract with authors.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helpers"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Problem, bot, lines, problems, root};

/// The Luau files below a folder, by their paths from there.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for path in below(folder, "luau") {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
        files.insert(name.to_owned(), fs::read_to_string(&path).unwrap());
    }
    files
}

fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found
}

/// What is wrong with files, a line each. Warnings do not count for parts of files, which do not use all that is around.
fn check(files: &BTreeMap<String, String>) -> Vec<String> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let problems = problems(bot(&files).path()).into_iter();
    let counts = |it: &Problem| it.severity == "error" || !it.file.starts_with("lua/cogs/part_at_");
    problems.filter(counts).map(|it| it.to_string()).collect()
}

/// What is around an example that is no file: what it may take for granted.
const AROUND: (&str, &str) = (
    "local cog, discord = require(\"@cogsmith/cog\"), require(\"@cogsmith/discord\") local function part(ctx: cog.Context)\n",
    "end return part\n",
);

/// The files that a document shows, in its order: path and text.
fn shown(document: &str) -> Vec<(String, String)> {
    let mut shown = Vec::new();
    let mut lines = (1..).zip(document.lines());
    while let Some((line, text)) = lines.next() {
        let Some(info) = text.strip_prefix("```").filter(|info| !info.is_empty()) else {
            continue;
        };
        let block = lines
            .by_ref()
            .map(|(_, text)| text)
            .take_while(|text| *text != "```");
        let block = block.collect::<Vec<_>>().join("\n") + "\n";
        match info.split_once(' ').unwrap_or((info, "")) {
            ("luau" | "lua", "") => {
                let path = format!("lua/cogs/part_at_{line}.luau");
                shown.push((path, format!("{}{block}{}", AROUND.0, AROUND.1)));
            }
            ("luau", path) => shown.push((path.to_owned(), block)),
            _ => {}
        }
    }
    shown
}

#[test]
fn the_shipped_cogs_services_and_specs_are_right() {
    assert_eq!(lines(&root()), [""; 0]);
}

#[test]
fn the_contract_with_authors_is_right() {
    let files = files(&root().join("tools/typecheck/tests/contract"));
    assert_eq!(files.len(), 5);
    assert_eq!(check(&files), [""; 0]);
}

#[test]
fn the_examples_of_the_documents_are_right() {
    let mut documents = below(&root().join("docs"), "md");
    documents.extend([root().join("README.md"), root().join("README.id.md")]);
    let own = files(&root().join("lua"));
    let own: BTreeMap<_, _> = own
        .into_iter()
        .filter(|(name, _)| !name.starts_with("cogs/"))
        .map(|(name, text)| (format!("lua/{name}"), text))
        .collect();
    let (mut checked, mut wrong) = (0, Vec::new());
    for document in documents {
        // A file that is shown again is looked at with everything that has been shown before.
        let mut files = own.clone();
        let mut waiting = false;
        let mut look = |files: &BTreeMap<String, String>| {
            wrong.extend(
                check(files)
                    .into_iter()
                    .map(|line| format!("{}: {line}", document.display())),
            );
        };
        for (path, text) in shown(&fs::read_to_string(&document).unwrap()) {
            if waiting && files.contains_key(&path) && !own.contains_key(&path) {
                look(&files);
            }
            files.insert(path, text);
            checked += 1;
            waiting = true;
        }
        if waiting {
            look(&files);
        }
    }
    assert!(checked > 35, "only {checked} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a snippet writes if nobody fills it in: `${1:name}` is `name`, `$0` nothing.
fn filled_in(body: &[String]) -> String {
    let text = body.join("\n").replace("$0", "");
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |written, part| {
        let (place, rest) = part.split_once('}').unwrap();
        let (_, default) = place.split_once(':').unwrap();
        written + default + rest
    })
}

#[derive(serde::Deserialize)]
struct Snippet {
    scope: String,
    prefix: String,
    body: Vec<String>,
}

#[test]
fn the_snippets_are_right() {
    let text = fs::read_to_string(root().join(".vscode/cogsmith.code-snippets")).unwrap();
    let snippets: BTreeMap<String, Snippet> = serde_json::from_str(&text).unwrap();
    let guide = fs::read_to_string(root().join("docs/editors.md")).unwrap();
    let mut files = BTreeMap::new();
    for (name, snippet) in &snippets {
        let written = filled_in(&snippet.body);
        assert!(!written.contains('$'), "{name}: {written}");
        assert_eq!(snippet.scope, "luau");
        assert!(
            guide.contains(&format!("`{}`", snippet.prefix)),
            "{name} is not in docs/editors.md"
        );
        // Parts of a file stand below its requires.
        let text = if written.starts_with("--!strict") {
            written
        } else {
            let modules = ["cog", "discord", "state", "ui"];
            let requires = modules.map(|it| format!("local {it} = require(\"@cogsmith/{it}\") "));
            requires.concat() + &written
        };
        let folder = if text.contains("@cogsmith/spec") {
            "spec"
        } else {
            "lua/cogs"
        };
        files.insert(format!("{folder}/part_at_{}.luau", snippet.prefix), text);
    }
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let problems = problems(bot(&files).path());
    let errors = problems.iter().filter(|it| it.severity == "error");
    let errors: Vec<_> = errors.map(Problem::to_string).collect();
    assert_eq!(errors, [""; 0]);
    assert!(snippets.len() >= 10);
}

#[test]
fn the_settings_of_the_guide_are_those_of_the_project() {
    let guide = fs::read_to_string(root().join("docs/editors.md")).unwrap();
    let block = |name: &str| -> serde_json::Value {
        let (_, rest) = guide.split_once(&format!("```json {name}\n")).unwrap();
        serde_json::from_str(rest.split_once("\n```").unwrap().0).unwrap()
    };
    let own = fs::read_to_string(root().join(".vscode/settings.json")).unwrap();
    let own: serde_json::Value = serde_json::from_str(&own).unwrap();
    assert_eq!(block(".vscode/settings.json"), own);
    let zed = block(".zed/settings.json");
    let settings = &zed["lsp"]["luau-lsp"]["settings"];
    assert_eq!(
        settings["luau-lsp"]["platform"]["type"],
        own["luau-lsp.platform.type"]
    );
    let config = fs::read_to_string(root().join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["$schema"], "./config.schema.json");
}
