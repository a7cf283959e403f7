//! Every Luau file below `lua/`, read and compiled.

use crate::config::Config;
use crate::error::StartError;
use crate::files::{Found, Kind, Root, WalkEntry, walk};
use crate::lint;
use crate::problem::{self, Problem};
use crate::reload::sources::{Rules, text_of};
use std::path::Path;

/// The files, and what the compiler says of them.
#[derive(Debug, Default)]
pub(super) struct LuauFiles {
    /// How many files were looked at.
    pub(super) count: usize,
    /// Those that compile.
    pub(super) good: Vec<lint::File>,
    /// What is wrong, in the order of the files' paths.
    pub(super) problems: Vec<Problem>,
}

/// Compiles every Luau file below `lua/`, apart from hidden folders.
pub(super) fn read(config: &Config) -> Result<LuauFiles, StartError> {
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
    let mut files = LuauFiles::default();
    walk(root.folder(), &mut |entry| files.add(entry, &rules)).map_err(unreadable)?;
    Ok(files)
}

impl LuauFiles {
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
                Ok(Some(text)) => self.take(lint::File {
                    is_module: rules.is_module(&path),
                    path: name,
                    text,
                    is_spec: false,
                }),
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

    /// One more file, with what is wrong with it.
    pub(super) fn take(&mut self, file: lint::File) {
        self.count += 1;
        match fault_in(&file.path, &file.text) {
            Some(problem) => self.problems.push(problem),
            None => self.good.push(file),
        }
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

/// What the compiler says against one file, if anything.
fn fault_in(name: &str, source: &str) -> Option<Problem> {
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
        place: Some(place(name.to_owned(), line, source)),
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
