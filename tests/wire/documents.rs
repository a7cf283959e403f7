//! What the documents show is true: their cogs run, their conversations happen, and the keys, files and
//! tests that they name exist.
//!
//! A block ```` ```luau lua/cogs/ping.luau ```` is that file (also below `spec/`); a block ```` ```chat ```` is a conversation in
//! #general, line by line, in which `…` stands for anything. A conversation about a version of a file comes
//! right after it: the file is saved again when a later block shows another version of it.

use crate::support::{Stage, setup};
use cogsmith::bot::rehearse;
use cogsmith::commands::examples::misunderstood;
use cogsmith::config::{Config, Environment, load};
use cogsmith::spec::cases;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One fenced block.
struct Block {
    info: String,
    text: String,
    line: usize,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    line: index + 1,
                });
            }
            (None, None) => {}
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text += line;
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The file that a block is, below `lua/`.
fn file_of(block: &Block) -> Option<&str> {
    block.info.strip_prefix("luau lua/")
}

/// One thing that somebody says, with continuation lines.
fn turns(block: &Block) -> Vec<(String, String)> {
    let mut turns: Vec<(String, String)> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("  "), line.split_once(": ")) {
            (Some(more), _) => {
                let (_, text) = turns.last_mut().expect("a conversation begins with a name");
                text.push('\n');
                text.push_str(more);
            }
            (None, Some((who, text))) => turns.push((who.to_owned(), text.to_owned())),
            (None, None) => panic!("line {}: \"name: text\" expected: {line}", block.line),
        }
    }
    turns
}

/// Whether `text` is what `shown` says; `…` in it stands for anything.
fn fits(shown: &str, text: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

async fn talk(stage: &Stage, name: &str, block: &Block) {
    let turns = turns(block);
    let mut turns = turns.iter().peekable();
    while let Some((who, text)) = turns.next() {
        let answers = stage.says(who, text).await;
        let answers: Vec<&str> = answers
            .iter()
            .filter_map(|it| it["content"].as_str())
            .collect();
        let mut shown = Vec::new();
        while let Some((_, text)) = turns.next_if(|(who, _)| who == "cogsmith") {
            shown.push(text.as_str());
        }
        let same = shown.len() == answers.len()
            && shown
                .iter()
                .zip(&answers)
                .all(|(shown, text)| fits(shown, text));
        assert!(
            same,
            "{name}, line {}: after {who}: {text:?} the document shows {shown:#?}, and the bot said {answers:#?}",
            block.line
        );
    }
}

/// Looks whether the examples of all cogs are calls of their commands.
async fn examples_are_calls(name: &str, block: &Block, stage: &Stage) {
    for cog in stage.bot.cogs.all() {
        for command in &cog.status().offer.commands {
            let wrong = misunderstood(&command.definition).await;
            assert!(wrong.is_empty(), "{name}, line {}: {wrong:#?}", block.line);
        }
    }
}

/// Starts a bot with the files of a document, and has its conversations.
async fn act_out(name: &str) {
    let text = document(name);
    let blocks = blocks(&text);
    for block in blocks.iter().filter(|block| block.info.starts_with("luau")) {
        let compiled = mlua::chunk::Compiler::new().compile(&block.text);
        assert!(
            compiled.is_ok(),
            "{name}, line {}: {compiled:?}",
            block.line
        );
    }
    let mut stage = setup(&[]).start().await;
    for block in &blocks {
        if let Some(file) = block.info.strip_prefix("luau spec/") {
            crate::support::write(&stage.folder.path().join("spec").join(file), &block.text);
        } else if let Some(file) = file_of(block) {
            stage.save(file, &block.text);
            if file.starts_with("cogs/") {
                let report = stage.report().await;
                assert!(
                    report.problems.is_empty(),
                    "{name}, line {}: {report:#?}",
                    block.line
                );
                examples_are_calls(name, block, &stage).await;
            }
        } else if block.info == "chat" {
            talk(&stage, name, block).await;
        }
    }
    for cog in stage.bot.cogs.all() {
        assert!(cog.has_version(), "{name}: {} does not run", cog.name);
    }
    let folder = stage.stop().await;
    let specs = cases(&Config::default_at(folder.path().to_owned())).unwrap();
    // Each spec has a runtime of its own.
    tokio::task::block_in_place(|| {
        for case in specs {
            let result = case.run();
            assert!(
                result.is_ok(),
                "{name}, the spec {}: {}",
                case.name,
                result.unwrap_err()
            );
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_is_true() {
    act_out("README.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_indonesian_readme_is_true() {
    act_out("README.id.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_for_cog_authors_is_true() {
    act_out("docs/cogs.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_reloading_is_true() {
    act_out("docs/reload.md").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_to_the_sandbox_is_true() {
    act_out("docs/sandbox.md").await;
}

/// Among it that the examples of every shipped cog are calls of their own commands.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_problem_with_what_is_shipped() {
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let config = load(&root().join("config.json"), &environment).unwrap();
    let rehearsal = rehearse(config).await.unwrap();
    assert_eq!(rehearsal.problems, []);
    assert!(rehearsal.cogs >= 5, "{rehearsal:?}");
}

/// Every key of the schema with its default.
fn keys() -> Vec<(String, Value)> {
    let schema: Value = serde_json::from_str(&document("config.schema.json")).unwrap();
    let mut keys = Vec::new();
    for (section, node) in schema["properties"].as_object().unwrap() {
        match node["properties"].as_object() {
            Some(inner) => keys.extend(
                inner
                    .iter()
                    .map(|(key, node)| (format!("{section}.{key}"), node["default"].clone())),
            ),
            None if section == "$schema" => {}
            None => keys.push((section.clone(), node["default"].clone())),
        }
    }
    keys
}

#[test]
fn the_readmes_list_every_key_with_its_default() {
    for name in ["README.md", "README.id.md"] {
        let text = document(name);
        for (key, default) in keys() {
            let row = text
                .lines()
                .find(|line| line.starts_with(&format!("| `{key}` |")));
            let row = row.unwrap_or_else(|| panic!("{name} has no row for {key}"));
            let (row, default) = (row.replace(' ', ""), default.to_string());
            assert!(
                row.contains(&format!("`{default}`")),
                "{name}: {key} is {default} by default"
            );
        }
    }
}

fn documents() -> Vec<PathBuf> {
    let folders = [root(), root().join("docs")];
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

/// What stands between single backticks, outside of blocks.
fn code_spans(text: &str) -> Vec<String> {
    let mut spans = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

#[test]
fn the_files_and_tests_that_documents_name_exist() {
    let folders = [
        "src/",
        "tests/",
        "types/",
        "web/",
        "docs/",
        "lua/cogs/ping",
        "benches/",
    ];
    for path in documents() {
        let name = path.display().to_string();
        for span in code_spans(&std::fs::read_to_string(&path).unwrap()) {
            if !folders.iter().any(|folder| span.starts_with(folder))
                || span.contains(['*', ' ', '<'])
            {
                continue;
            }
            let (file, item) = span.split_once("::").unwrap_or((&span, ""));
            let file = root().join(file.trim_end_matches('/'));
            assert!(file.exists(), "{name} names {span}, which does not exist");
            if !item.is_empty() {
                let item = item.rsplit("::").next().unwrap_or(item);
                assert!(
                    has_function(&file, item),
                    "{name} names {span}, and there is no such function"
                );
            }
        }
    }
}

fn has_function(file: &Path, item: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap();
    text.contains(&format!("fn {item}("))
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        let folder = path.parent().unwrap();
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap_or_default();
            let exists = folder.join(file).exists();
            assert!(exists, "{}: there is no {target}", path.display());
        }
    }
}
