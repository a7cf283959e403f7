//! `cogsmith check`: is the configuration right, and does every Luau file compile?

use super::output;
use super::place::Place;
use crate::config::Config;
use crate::error::StartError;
use crate::reload::report::{self, Problem};
use std::path::Path;
use walkdir::{DirEntry, WalkDir};

/// Source lines shown before and after the one with the error.
const LINES_AROUND: usize = 2;

/// What a check of the Luau files found.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many files were looked at.
    pub files: usize,
    /// What is wrong, in the order of the files' paths.
    pub problems: Vec<Problem>,
}

pub(super) fn execute(place: &Place) -> Result<(), StartError> {
    let (config, _) = place.load()?;
    let Findings { files, problems } = luau_files(&config)?;
    for problem in &problems {
        output::complain(&crate::reload::render::problem(problem));
    }
    if problems.is_empty() {
        output::say(format!(
            "The configuration is fine, and so are all Luau files ({files})."
        ));
        return Ok(());
    }
    Err(StartError::CheckFailed {
        problems: problems.len(),
        files,
    })
}

/// Compiles every Luau file below `lua/`, apart from hidden folders.
pub fn luau_files(config: &Config) -> Result<Findings, StartError> {
    let folder = config.lua_dir();
    if !folder.is_dir() {
        return Err(StartError::LuaFolderMissing {
            path: folder.display().to_string(),
        });
    }
    let mut findings = Findings::default();
    let entries = WalkDir::new(&folder).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
        match entry {
            Ok(entry) if is_luau(&entry) => {
                findings.files += 1;
                findings.problems.extend(file(entry.path(), &config.root));
            }
            Ok(_) => {}
            Err(error) => findings.problems.push(Problem {
                message: format!("cannot be read: {error}"),
                ..Problem::default()
            }),
        }
    }
    Ok(findings)
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn is_luau(entry: &DirEntry) -> bool {
    let extension = entry.path().extension();
    !entry.file_type().is_dir() && extension.is_some_and(|it| it == "luau" || it == "lua")
}

/// What is wrong with one file, if anything.
fn file(path: &Path, root: &Path) -> Option<Problem> {
    let name = path.strip_prefix(root).unwrap_or(path);
    let name = name.to_string_lossy().replace('\\', "/");
    let source = match std::fs::read(path) {
        Ok(source) => source,
        Err(error) => {
            return Some(Problem {
                message: format!("{name} cannot be read: {error}"),
                ..Problem::default()
            });
        }
    };
    let message = match mlua::chunk::Compiler::new().compile(&source) {
        Ok(_) => return None,
        Err(mlua::Error::SyntaxError { message, .. }) => message,
        Err(error) => error.to_string(),
    };
    // The compiler has no name for the source: `3: Expected …`, with a colon in front or without.
    let (line, message) = message
        .trim_start_matches(':')
        .split_once(": ")
        .and_then(|(line, message)| Some((line.parse().ok()?, message)))
        .unwrap_or((1, message.as_str()));
    Some(Problem {
        message: message.to_owned(),
        place: Some(place(name, line, &source)),
        ..Problem::default()
    })
}

/// The line with its neighbours.
fn place(file: String, line: u32, source: &[u8]) -> report::Place {
    let source = String::from_utf8_lossy(source);
    let index = (line as usize).saturating_sub(1);
    let first = index.saturating_sub(LINES_AROUND);
    let lines = source.lines().skip(first);
    let lines = lines.take(index - first + 1 + LINES_AROUND);
    let mut excerpt: Vec<String> = lines.map(str::to_owned).collect();
    // What is not closed is noticed at the end of the file, in a line of no characters.
    if excerpt.len() <= index - first {
        excerpt.push(String::new());
    }
    report::Place {
        file,
        line,
        function: None,
        excerpt,
        excerpt_from: u32::try_from(first + 1).unwrap_or(line),
    }
}
