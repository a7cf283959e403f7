//! `cogsmith-typecheck FOLDER` checks the types of a bot's cogs, services and specs with Luau's own type checker, in
//! strict mode under its new solver:
//!
//! ```text
//! options ─ project (which files, .luaurc) ─ luau (the checker, which asks requires for each module) ─ report
//! ```
//!
//! It ends with 0 when all types are right, with 1 when some are not, and with 2 when nothing could be checked.

mod limits;
mod luau;
mod options;
mod project;
mod report;
mod requires;

use options::{Format, Options};
use project::Project;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(message) => {
            // Where even that cannot be said, the code says it.
            let _said = writeln!(std::io::stderr(), "Error: {message}").is_ok();
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, String> {
    let Some(options) = Options::read()? else {
        return say(options::HELP).map(|()| ExitCode::SUCCESS);
    };
    if options.background {
        limits::lower().map_err(|error| format!("the limits cannot be set: {error}"))?;
    }
    let project = Project::open(&options.folder)?;
    let problems = luau::check(&project)?;
    say(&match options.format {
        Format::Text => report::text(&project, &problems),
        Format::Json => report::json(&problems),
    })?;
    let wrong = problems.iter().any(luau::Problem::is_error);
    Ok(ExitCode::from(u8::from(wrong)))
}

fn say(text: &str) -> Result<(), String> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| format!("the result cannot be written: {error}"))
}
