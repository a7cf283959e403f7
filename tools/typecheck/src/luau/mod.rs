//! Luau's type checker. It asks for the text of each module and for what each `require` means, and tells what is wrong:
//!
//! - `frontend.cpp` calls Luau, `raw.rs` calls it;
//! - `failing.cpp` tells Luau that `cog.fail` does not return;
//! - `unknown_fields.cpp` finds misspelt fields of tables, which Luau lets pass; `unknown_fields.rs` says what was meant.

mod raw;
mod unknown_fields;

use crate::project::Project;
use serde::Serialize;

/// Seconds that one module may take.
const SECONDS: f64 = 20.0;

/// The code of a misspelt field.
const UNKNOWN_FIELD: &str = "UnknownField";

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
#[derive(Clone, Debug, Serialize)]
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

/// How many characters of a type are shown.
const LONGEST_TYPE: usize = 100;

impl Problem {
    fn place(&self) -> (&str, usize, usize, Severity) {
        (&self.file, self.line, self.column, self.severity)
    }

    /// Takes in what else is said of the same place. That a field is unknown says more than what Luau makes of it.
    fn merge(&mut self, other: &mut Self) {
        if other.code == UNKNOWN_FIELD && self.code != UNKNOWN_FIELD {
            std::mem::swap(self, other);
        } else if let Some(joined) = joined(&self.message, &other.message) {
            self.message = joined;
        }
    }

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
    let said = short(said.trim_end().trim_end_matches(';'));
    let reasons = reasons.split("\n\t * ").map(short);
    let reasons = reasons.filter(|reason| !reason.is_empty()).take(REASONS);
    (said, reasons.collect())
}

/// In one line, with the beginning of each type that Luau quotes.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = line.split('\'').enumerate().map(|(index, part)| {
        let is_quoted = index % 2 == 1;
        match part.char_indices().nth(LONGEST_TYPE) {
            Some((end, _)) if is_quoted => format!("{} …", part[..end].trim_end()),
            _ => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("'")
}

/// Of a type with alternatives Luau tells each for itself: `Expected this to be 'number', but got 'string'`, and the same
/// with `nil`. This is one sentence of both, if they are of this form.
fn joined(one: &str, other: &str) -> Option<String> {
    let parts = |message: &'_ str| -> Option<(String, String)> {
        let rest = message.strip_prefix("Expected this to be '")?;
        let (expected, got) = rest.split_once("', but got ")?;
        Some((expected.to_owned(), got.to_owned()))
    };
    let ((expected, got), (also, same)) = (parts(one)?, parts(other)?);
    if got != same {
        return None;
    }
    let expected = match (expected.as_str(), also.as_str()) {
        ("nil", _) => also,
        (_, "nil") => expected,
        (known, also) if known.split(" | ").any(|part| part == also) => expected,
        _ => format!("{expected} | {also}"),
    };
    Some(format!("Expected this to be '{expected}', but got {got}"))
}

/// What to do about a list that is of another type than was asked for, though each of its items would fit.
const OF_LISTS: &str = "a list fits if it was made as one of that type: write the type where it is made, such as `local rows: { cog.Component } = {}`";

/// Whether each item would fit, and the list does not: Luau says that its items are not exactly of the type.
fn is_about_a_list(problem: &Problem) -> bool {
    let mut reasons = problem.because.iter();
    problem.message.starts_with("Expected this to be exactly")
        || reasons.any(|it| it.contains("exactly") && it.contains("the result of indexing"))
}

/// Several things that Luau says of one place are one problem, the first of them: all others follow from it.
fn together(mut problems: Vec<Problem>) -> Vec<Problem> {
    // Stable, so that what was told first stays first.
    problems.sort_by(|one, other| one.place().cmp(&other.place()));
    problems.dedup_by(|next, kept| {
        let same = next.place() == kept.place();
        if same {
            kept.merge(next);
        }
        same
    });
    for problem in &mut problems {
        if is_about_a_list(problem) {
            problem.because = vec![OF_LISTS.into()];
        }
    }
    problems
}

/// Checks all modules of a bot. Returns what is wrong in order of place.
pub(crate) fn check(project: &Project) -> Result<Vec<Problem>, String> {
    raw::check(project, SECONDS).map(together)
}
