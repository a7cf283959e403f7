//! `cogsmith check`: is the configuration right, does every Luau file compile, and does every cog load?

use super::output;
use super::place::Place;
use crate::bot::rehearse;
use crate::config::Config;
use crate::error::StartError;
use crate::problem::{self, Problem};
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
    let config = place.load()?.config;
    let Findings { files, problems } = luau_files(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::System(error.to_string()))?;
    let rehearsal = runtime.block_on(rehearse(config))?;
    let problems = together(problems, rehearsal.problems);
    for problem in &problems {
        output::complain(&problem.to_string());
    }
    let cogs = counted(rehearsal.cogs, "cog");
    if problems.is_empty() {
        let commands = counted(rehearsal.commands, "command");
        let files = counted(files, "Luau file");
        output::say(format!(
            "The configuration is right, and everything loads: {cogs}, {commands}, {files}."
        ));
        return Ok(());
    }
    let problems = counted(problems.len(), "problem");
    Err(StartError::CheckFailed(match rehearsal.failed {
        0 => format!("{problems}; {cogs} would load all the same."),
        failed => format!("{problems}; {failed} of {cogs} would not load."),
    }))
}

/// `1 cog`, `2 cogs`
fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// What is wrong with the files and with the cogs, each thing once, in order of place. What several cogs
/// share is told with the first of them.
fn together(of_files: Vec<Problem>, of_cogs: Vec<Problem>) -> Vec<Problem> {
    let mut told: Vec<(Problem, Vec<String>)> = Vec::new();
    for problem in of_cogs {
        let same = |(other, _): &&mut (Problem, Vec<String>)| {
            problem.place.is_some()
                && other.place == problem.place
                && other.message == problem.message
        };
        match told.iter_mut().find(same) {
            Some((_, others)) => others.extend(problem.cog),
            None => told.push((problem, Vec::new())),
        }
    }
    let spot = |problem: &Problem| {
        let place = problem.place.as_ref();
        place.map(|place| (place.file.clone(), place.line))
    };
    let known: Vec<_> = told
        .iter()
        .filter_map(|(problem, _)| spot(problem))
        .collect();
    let others = of_files
        .into_iter()
        .filter(|problem| spot(problem).is_none_or(|spot| !known.contains(&spot)));
    let mut all: Vec<Problem> = told.into_iter().map(with_others).chain(others).collect();
    all.sort_by_key(spot);
    all
}

/// The problem with the names of the other cogs that have it.
fn with_others((mut problem, others): (Problem, Vec<String>)) -> Problem {
    if !others.is_empty() {
        let others = format!("the same keeps from loading: {}", others.join(", "));
        problem.hint = Some(match problem.hint {
            Some(hint) => format!("{hint}; {others}"),
            None => others,
        });
    }
    problem
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
        message: format!("syntax error: {message}"),
        place: Some(place(name, line, &source)),
        ..Problem::default()
    })
}

/// The line with its neighbours.
fn place(file: String, line: u32, source: &[u8]) -> problem::Place {
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
    problem::Place {
        file,
        line,
        function: None,
        excerpt,
        excerpt_from: u32::try_from(first + 1).unwrap_or(line),
    }
}
