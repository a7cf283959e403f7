//! Problems as text and as JSON.

use crate::luau::{Problem, Severity};
use crate::project::Project;
use std::collections::HashMap;
use std::fmt::Write;

/// For programs: a list of objects.
pub(crate) fn json(problems: &[Problem]) -> String {
    let text = serde_json::to_string(problems).unwrap_or_else(|_| "[]".into());
    text + "\n"
}

/// For people: each problem with its line, and a sum at the end.
pub(crate) fn text(project: &Project, problems: &[Problem]) -> String {
    let mut texts: HashMap<&str, String> = HashMap::new();
    let mut out = String::new();
    for problem in problems {
        let Problem {
            file,
            line,
            column,
            message,
            because,
            ..
        } = problem;
        let warning = match problem.severity {
            Severity::Error => String::new(),
            Severity::Warning => format!(" ({})", problem.code),
        };
        let because: String = because.iter().flat_map(|it| ["\n  ", it]).collect();
        let text = texts
            .entry(file)
            .or_insert_with(|| project.text(file).unwrap_or_default());
        let source = text.lines().nth(line - 1).unwrap_or_default();
        // Writing to a string cannot fail.
        let _written = writeln!(
            out,
            "{file}:{line}:{column}: {message}{warning}{because}\n  > {line} | {source}\n"
        )
        .is_ok();
    }
    // What authors write must not speak with the terminal.
    let shown = out.replace(
        |it: char| it.is_control() && !['\n', '\t'].contains(&it),
        "\u{fffd}",
    );
    shown + &sum(project, problems)
}

fn sum(project: &Project, problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|it| it.is_error()).count();
    let warnings = problems.len() - errors;
    let files = counted(project.own, "file");
    match (errors, warnings) {
        (0, 0) => format!("The types of {files} are right.\n"),
        (0, warnings) => format!(
            "The types of {files} are right; {}.\n",
            counted(warnings, "warning")
        ),
        (errors, 0) => format!("{} in {files}.\n", counted(errors, "type error")),
        (errors, warnings) => format!(
            "{} and {} in {files}.\n",
            counted(errors, "type error"),
            counted(warnings, "warning")
        ),
    }
}

/// `1 file`, `2 files`
fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
