//! The documents, and the fenced blocks in them.

use std::path::{Path, PathBuf};

/// One fenced block.
pub(super) struct Block {
    /// What stands behind the opening fence.
    pub(super) info: String,
    pub(super) text: String,
    pub(super) line: usize,
}

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A document by its path below the repository.
pub(super) fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The paths of all documents below the repository, in order: those beside the README, and all of `docs/`.
pub(super) fn documents() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs")];
    let mut add = |entry: &Path| {
        let name = entry.strip_prefix(root()).unwrap().to_str().unwrap();
        if entry.extension().is_some_and(|it| it == "md") {
            found.push(name.replace('\\', "/"));
        }
    };
    for entry in std::fs::read_dir(root()).unwrap() {
        add(&entry.unwrap().path());
    }
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                add(&path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "{found:?}");
    found
}

pub(super) fn blocks(text: &str) -> Vec<Block> {
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

/// A document without its blocks.
pub(super) fn prose(text: &str) -> String {
    let mut is_block = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_block ^= is_fence;
        !is_block && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Block {
    /// The file that a block is, below `lua/`.
    pub(super) fn file(&self) -> Option<&str> {
        self.info.strip_prefix("luau lua/")
    }

    /// The spec that a block is, below `spec/`.
    pub(super) fn spec(&self) -> Option<&str> {
        self.info.strip_prefix("luau spec/")
    }

    /// The path that is answered with this block by `api.example.com`.
    pub(super) fn answered_path(&self) -> Option<&str> {
        self.info.strip_prefix("json https://api.example.com")
    }

    /// Each thing that somebody says in a conversation, with its continuation lines.
    pub(super) fn turns(&self) -> Vec<(String, String)> {
        let mut turns: Vec<(String, String)> = Vec::new();
        for line in self.text.lines() {
            match (line.strip_prefix("  "), line.split_once(": ")) {
                (Some(more), _) => {
                    let (_, text) = turns.last_mut().expect("a conversation begins with a name");
                    text.push('\n');
                    text.push_str(more);
                }
                (None, Some((who, text))) => turns.push((who.to_owned(), text.to_owned())),
                (None, None) => panic!("line {}: \"name: text\" expected: {line}", self.line),
            }
        }
        turns
    }
}

/// The document whose files a page takes as given, by its path below the repository: `<!-- with cogs.md -->`, relative
/// to the page.
pub(super) fn taken_as_given(name: &str, text: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("<!-- with "))?;
    let target = line.strip_suffix(" -->").expect("<!-- with PAGE -->");
    Some(beside(name, target))
}

/// A path relative to a document, from the repository's root on.
pub(super) fn beside(name: &str, target: &str) -> String {
    let mut steps: Vec<&str> = name.split('/').collect();
    steps.pop();
    for step in target.split('/') {
        match step {
            ".." => {
                steps
                    .pop()
                    .unwrap_or_else(|| panic!("{name}: {target} leads out"));
            }
            "." | "" => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}
