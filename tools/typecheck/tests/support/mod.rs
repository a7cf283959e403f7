//! Bots in temporary folders, and what the checker says of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use serde::Deserialize;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The folder of this project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `--format json` says of one problem.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "each program of tests looks at some of it")]
pub(crate) struct Problem {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
    pub(crate) severity: String,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A bot with these files and this project's types.
pub(crate) fn bot(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let luaurc = r#"{ "aliases": { "cogsmith": "../types" }, "globals": ["package"] }"#;
    write(folder.path(), "lua/.luaurc", luaurc);
    write(folder.path(), "spec/.luaurc", luaurc);
    for entry in fs::read_dir(root().join("types")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        write(folder.path(), &format!("types/{name}"), &text);
    }
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

/// Writes a file, and the folders that it is in.
pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Runs the checker.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cogsmith-typecheck"));
    command.args(arguments).arg(folder).output().unwrap()
}

/// What is wrong in a bot.
#[allow(dead_code, reason = "each program of tests uses some of it")]
pub(crate) fn problems(folder: &Path) -> Vec<Problem> {
    let output = run(folder, &["--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code < 2), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            ..
        } = self;
        write!(formatter, "{file}:{line}:{column}: {message}")
    }
}

/// What is wrong in a bot, a line each.
#[allow(dead_code, reason = "each program of tests uses some of it")]
pub(crate) fn lines(folder: &Path) -> Vec<String> {
    problems(folder).iter().map(Problem::to_string).collect()
}
