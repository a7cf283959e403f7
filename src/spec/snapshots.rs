//! Snapshots: what `spec.expect(value):matches_snapshot()` compares with, in a file beside the spec.
//!
//! `spec/leveling_spec.snap` has the snapshots of `spec/leveling_spec.luau`, each under its test's name, in order of name,
//! and its text indented:
//!
//! ```text
//! == rank: starts at level 0
//!     content: anna is level 0 with 0 xp
//! ```

use crate::escape::one_line;
use crate::files::replace;
use crate::lock::lock;
use similar::{ChangeTag, TextDiff};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const HEAD: &str =
    "# Written by `cogsmith spec`, and anew by `cogsmith spec --update-snapshots`.\n";
const EXTENSION: &str = "snap";
/// What a snapshot's name stands behind.
const MARK: &str = "== ";
const INDENT: &str = "    ";
/// Lines around a difference that are shown.
const AROUND: usize = 2;

/// What becomes of snapshots that are missing or differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotMode {
    /// Missing ones are written.
    Write,
    /// Those that differ as well, and what is not used any more is taken out.
    Update,
    /// Nothing is written: a missing one fails its test.
    Refuse,
}

/// The snapshots of a run.
#[derive(Debug)]
pub(super) struct Snapshots {
    mode: SnapshotMode,
    root: PathBuf,
    /// By the paths of specs.
    files: Mutex<BTreeMap<String, SnapshotFile>>,
}

#[derive(Debug, Default)]
struct SnapshotFile {
    /// What the file says, by name.
    stored: BTreeMap<String, String>,
    used: BTreeSet<String>,
    written: BTreeMap<String, String>,
}

/// What has become of the files when all tests have run: sentences.
pub(super) type Told = Vec<String>;

impl Snapshots {
    pub(super) fn new(mode: SnapshotMode, root: &Path) -> Self {
        Self {
            mode,
            root: root.to_owned(),
            files: Mutex::default(),
        }
    }

    /// Compares what a test has got with what is stored under this name. The error is what is told of it: a sentence,
    /// and the difference in lines.
    pub(super) fn compare(&self, spec: &str, name: &str, text: &str) -> Result<(), [String; 2]> {
        let text = &lines_of("", text);
        let mut files = lock(&self.files);
        let file = files
            .entry(spec.to_owned())
            .or_insert_with(|| SnapshotFile::read(&self.root.join(path_of(spec))));
        file.used.insert(name.to_owned());
        let stored = file.stored.get(name);
        if stored == Some(text) {
            return Ok(());
        }
        let may_write = match stored {
            None => self.mode != SnapshotMode::Refuse,
            Some(_) => self.mode == SnapshotMode::Update,
        };
        if may_write {
            file.written.insert(name.to_owned(), text.clone());
            return Ok(());
        }
        let path = path_of(spec);
        Err(match stored {
            None => [
                format!(
                    "there is no snapshot \"{name}\" in {path}; run `cogsmith spec` and add the file to the repository"
                ),
                lines_of("+ ", text),
            ],
            Some(stored) => [
                format!("it is not as the snapshot \"{name}\" in {path} has it"),
                format!(
                    "- {path}\n+ now\n{}\nIf it is right now: `cogsmith spec --update-snapshots`.",
                    difference(stored, text)
                ),
            ],
        })
    }

    /// Writes what is new. `complete` are the specs of which all tests have run and passed: only of these it is known
    /// which snapshots are not used.
    pub(super) fn finish(&self, complete: &BTreeSet<String>) -> io::Result<Told> {
        let mut told = Told::new();
        let mut files = lock(&self.files);
        for spec in complete {
            let path = self.root.join(path_of(spec));
            files
                .entry(spec.clone())
                .or_insert_with(|| SnapshotFile::read(&path));
        }
        for (spec, file) in files.iter_mut() {
            let path = path_of(spec);
            let new = file.written.len();
            let mut now = file.stored.clone();
            now.append(&mut file.written);
            let unused: Vec<String> = now
                .keys()
                .filter(|name| complete.contains(spec) && !file.used.contains(*name))
                .cloned()
                .collect();
            if self.mode == SnapshotMode::Update {
                now.retain(|name, _| !unused.contains(name));
            }
            if now != file.stored {
                save(&self.root.join(&path), &now)?;
            }
            if new > 0 {
                told.push(format!("{path}: {} written.", counted(new)));
            }
            if !unused.is_empty() {
                let names = unused.join("\", \"");
                told.push(match self.mode {
                    SnapshotMode::Update => {
                        format!("{path}: {} taken out: \"{names}\".", counted(unused.len()))
                    }
                    _ => format!(
                        "{path}: no test uses \"{names}\"; `cogsmith spec --update-snapshots` takes them out."
                    ),
                });
            }
        }
        Ok(told)
    }

    /// Files of snapshots whose spec is gone, below `spec/`. With [`SnapshotMode::Update`] they are removed.
    pub(super) fn orphans(&self, specs: &BTreeSet<String>) -> io::Result<Told> {
        let mut told = Told::new();
        let folder = self.root.join("spec");
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
            let Ok(entry) = entry else {
                continue;
            };
            let path = entry.path();
            if path.extension().is_none_or(|it| it != EXTENSION) {
                continue;
            }
            let below = path.strip_prefix(&self.root).unwrap_or(path);
            let below = below.to_string_lossy().replace('\\', "/");
            if specs.iter().any(|spec| path_of(spec) == below) {
                continue;
            }
            let below = one_line(&below).into_owned();
            if self.mode == SnapshotMode::Update {
                fs::remove_file(path)?;
                told.push(format!("{below}: removed, because its spec is gone."));
            } else {
                told.push(format!(
                    "{below}: its spec is gone; `cogsmith spec --update-snapshots` removes it."
                ));
            }
        }
        Ok(told)
    }
}

fn counted(number: usize) -> String {
    match number {
        1 => "1 snapshot".to_owned(),
        number => format!("{number} snapshots"),
    }
}

/// `spec/leveling_spec.snap` for `spec/leveling_spec.luau`.
fn path_of(spec: &str) -> String {
    let stem = spec.rsplit_once('.').map_or(spec, |(stem, _)| stem);
    format!("{stem}.{EXTENSION}")
}

impl SnapshotFile {
    /// What is in the file; nothing if there is none.
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        Self {
            stored: parse(&text),
            ..Self::default()
        }
    }
}

fn parse(text: &str) -> BTreeMap<String, String> {
    let mut stored: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut name = None;
    for line in text.lines() {
        if let Some(next) = line.strip_prefix(MARK) {
            stored.entry(next.to_owned()).or_default();
            name = Some(next.to_owned());
        } else if let Some(lines) = name.as_ref().and_then(|name| stored.get_mut(name)) {
            lines.push(line.strip_prefix(INDENT).unwrap_or(line));
        }
    }
    let joined = stored.into_iter().map(|(name, lines)| {
        let text = lines.join("\n");
        (name, text.trim_matches('\n').to_owned())
    });
    joined.collect()
}

fn save(path: &Path, all: &BTreeMap<String, String>) -> io::Result<()> {
    if all.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let mut text = HEAD.to_owned();
    for (name, snapshot) in all {
        let _always = write!(text, "\n{MARK}{name}\n");
        text.push_str(&lines_of(INDENT, snapshot));
        text.push('\n');
    }
    replace(path, |new| fs::write(new, &text))
}

/// The lines, each behind `before`.
fn lines_of(before: &str, text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| format!("{before}{line}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn difference(stored: &str, now: &str) -> String {
    // The last line ends like the others.
    let (stored, now) = (format!("{stored}\n"), format!("{now}\n"));
    let diff = TextDiff::from_lines(&stored, &now);
    let mut shown = Vec::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            shown.push("  …".to_owned());
        }
        for change in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            shown.push(format!("{sign} {}", change.value().trim_end_matches('\n')));
        }
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_difference_is_shown_with_the_lines_around_it() {
        let stored = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let now = "1\n2\n3\nfour\n5\n6\n7\n8\n9\n10";
        insta::assert_snapshot!(difference(stored, now), @r"
          2
          3
        - 4
        + four
          5
          6
          …
          8
          9
        + 10
        ");
    }

    proptest! {
        #[test]
        fn what_is_saved_is_read_again(
            all in proptest::collection::btree_map("[a-z#: ]{0,6}[a-z]", "[a= \n#]{0,20}[a-z]", 1..5)
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a_spec.snap");
            let all: BTreeMap<String, String> = all
                .into_iter()
                .map(|(name, text)| {
                    // As `readable` writes them: no spaces at ends of lines, no empty lines around.
                    let text: Vec<&str> = text.split('\n').map(str::trim_end).collect();
                    (name, text.join("\n").trim_matches('\n').to_owned())
                })
                .collect();
            save(&path, &all).unwrap();
            prop_assert_eq!(parse(&fs::read_to_string(&path).unwrap()), all);
        }
    }
}
