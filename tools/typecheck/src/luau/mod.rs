//! Luau's type checker. It asks for the text of each module and for what each `require` means, and tells what is wrong:
//!
//! - `frontend.cpp` calls Luau, `raw.rs` calls it;
//! - `unknown_fields.cpp` finds misspelt fields of tables, which Luau lets pass; `unknown_fields.rs` says what was meant.

mod raw;
mod unknown_fields;

use crate::project::Project;
use serde::Serialize;

/// Seconds that one module may take.
const SECONDS: f64 = 20.0;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A type is wrong, or the text is no Luau.
    Error,
    /// It is unusual: a variable that nobody reads.
    Warning,
}

/// One thing that is wrong in a module. Lines and columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Problem {
    /// From the bot's folder: `lua/cogs/ping.luau`.
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    /// The first column behind it.
    pub(crate) end_column: usize,
    pub(crate) severity: Severity,
    /// `TypeError`, `UnknownField`, or the name that Luau has for a warning: `LocalUnused`.
    pub(crate) code: String,
    /// One line.
    pub(crate) message: String,
    /// Why Luau says so, a line each; the first three are enough to see it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) because: Vec<String>,
}

/// How many reasons are told.
const REASONS: usize = 3;

impl Problem {
    /// Whether it makes the check fail.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Luau's message in one line, and its reasons.
fn sentences(message: &str) -> (String, Vec<String>) {
    let (said, reasons) = message
        .split_once("this is because")
        .unwrap_or((message, ""));
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = one_line(said.trim_end().trim_end_matches(';'));
    let reasons = reasons.split("\n\t * ").map(one_line);
    let reasons = reasons.filter(|reason| !reason.is_empty()).take(REASONS);
    (said, reasons.collect())
}

/// Checks all modules of a bot. Returns what is wrong in order of place.
pub(crate) fn check(project: &Project) -> Result<Vec<Problem>, String> {
    let mut problems = raw::check(project, SECONDS)?;
    problems.sort();
    problems.dedup();
    Ok(problems)
}
