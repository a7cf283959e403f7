//! `cogsmith check`: is the configuration right, does every Luau file compile, and does every cog load?

use super::config_path::ConfigPath;
use super::output;
use crate::bot::rehearse;
use crate::config::Config;
use crate::error::StartError;
use crate::files::{Found, Kind, Root, WalkEntry, walk};
use crate::problem::{self, Problem};
use crate::reload::sources::{Rules, text_of};
use std::path::Path;

/// What a check of the Luau files found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// How many files were looked at.
    pub files: usize,
    /// What is wrong, in the order of the files' paths.
    pub problems: Vec<Problem>,
}

pub(super) fn execute(config_path: &ConfigPath) -> Result<(), StartError> {
    let config = config_path.load()?.config;
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
            "The configuration is valid, and everything loads: {cogs}, {commands}, {files}."
        ));
        return Ok(());
    }
    let problems = counted(problems.len(), "problem");
    Err(StartError::CheckFailed(match rehearsal.failed {
        0 => format!("{problems}; {cogs} would still load."),
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
        let others = format!(
            "the same problem keeps these cogs from loading: {}",
            others.join(", ")
        );
        problem.hint = Some(match problem.hint {
            Some(hint) => format!("{hint}; {others}"),
            None => others,
        });
    }
    problem
}

/// Compiles every Luau file below `lua/`, apart from hidden folders.
fn luau_files(config: &Config) -> Result<Findings, StartError> {
    let folder = config.lua_dir();
    if !folder.is_dir() {
        return Err(StartError::LuaFolderMissing {
            path: folder.display().to_string(),
        });
    }
    let unreadable = |error: std::io::Error| StartError::File {
        path: folder.display().to_string(),
        action: "read",
        reason: error.to_string(),
    };
    let rules = Rules::of(&config.hot_reload);
    let rules = rules.map_err(|error| StartError::Usage(format!("{error}.")))?;
    let root = Root::open(&folder).map_err(unreadable)?;
    let mut findings = Findings::default();
    walk(root.folder(), &mut |entry| findings.add(entry, &rules)).map_err(unreadable)?;
    Ok(findings)
}

impl Findings {
    /// Checks what may be a Luau file. False for a folder that is not looked into.
    fn add(&mut self, entry: &WalkEntry<'_>, rules: &Rules) -> bool {
        if entry.name.as_encoded_bytes().starts_with(b".") {
            return false;
        }
        let path = entry.path.to_string_lossy().replace('\\', "/");
        let name = format!("lua/{path}");
        match &entry.kind {
            // A symlink that stays inside leads to what is checked by itself.
            Ok(Kind::Folder | Kind::Link) => {}
            Ok(_) if !is_luau(entry.path) => {}
            Ok(_) => match text(entry, rules) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    self.files += 1;
                    self.problems.extend(file(name, &text));
                }
                // Of modules the same is told with the cogs.
                Err(_) if rules.is_module(&path) => {}
                Err(problem) => self.problems.push(of_file(&name, &problem)),
            },
            Err(error) => {
                let problem = format!("cannot be read: {error}");
                self.problems.push(of_file(&name, &problem));
            }
        }
        true
    }
}

fn of_file(name: &str, problem: &str) -> Problem {
    Problem {
        message: format!("{name} {problem}"),
        ..Problem::default()
    }
}

fn text(entry: &WalkEntry<'_>, rules: &Rules) -> Result<Option<String>, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
    let found = Found::of(entry).map_err(unreadable)?;
    text_of(&found, rules)
}

fn is_luau(path: &Path) -> bool {
    path.extension()
        .is_some_and(|it| it == "luau" || it == "lua")
}

/// What is wrong with one file, if anything.
fn file(name: String, source: &str) -> Option<Problem> {
    let message = match mlua::chunk::Compiler::new().compile(source) {
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
        place: Some(place(name, line, source)),
        ..Problem::default()
    })
}

/// The line with its neighbours.
fn place(file: String, line: u32, source: &str) -> problem::SourceLocation {
    let mut place = problem::SourceLocation {
        file,
        line,
        ..problem::SourceLocation::default()
    };
    place.add_excerpt(source);
    // What is not closed is noticed at the end of the file, in a line of no characters.
    let last = place.excerpt_from + u32::try_from(place.excerpt.len()).unwrap_or_default();
    if last <= line {
        place.excerpt.push(String::new());
    }
    place
}
