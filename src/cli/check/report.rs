//! What a check has found, told to people, to programs and to GitHub.

use super::Format;
use crate::cli::output;
use crate::config::{ConfigErrors, Origin};
use crate::error::StartError;
use crate::escape::one_line;
use crate::lint::{Finding, Rule, Severity};
use crate::problem::{Problem, SourceLocation};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The version of the JSON document: its fields keep their meaning, and others may be added.
const VERSION: u32 = 1;

/// The result of a check.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) cogs: usize,
    /// How many of them the bot would not load.
    pub(super) failed: usize,
    pub(super) commands: usize,
    pub(super) files: usize,
    /// In order of place.
    pub(super) findings: Vec<Finding>,
}

/// `1 cog`, `2 cogs`
fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

impl Report {
    /// That nothing could be checked. What is wrong with the configuration comes one by one.
    pub(super) fn of_error(error: &StartError) -> Self {
        let problems = match error {
            StartError::Config(errors) => of_configuration(errors),
            other => vec![Problem {
                message: other.to_string(),
                ..Problem::default()
            }],
        };
        let findings = problems.into_iter().map(|problem| Finding {
            rule: Rule::LoadError,
            problem,
        });
        Self {
            findings: findings.collect(),
            ..Self::default()
        }
    }

    fn count(&self, severity: Severity) -> usize {
        let severities = self.findings.iter().map(|finding| finding.rule.severity());
        severities.filter(|it| *it == severity).count()
    }

    /// Tells everything that was found. `folder` is that of the configuration, below which the files are.
    pub(super) fn tell(&self, format: Format, folder: &Path) {
        match format {
            Format::Text => {
                for finding in &self.findings {
                    output::complain(&as_text(finding));
                }
            }
            Format::Json => output::say(self.as_json()),
            Format::Github => {
                for finding in &self.findings {
                    output::say(as_annotation(finding, folder));
                }
            }
        }
        if format == Format::Text && self.count(Severity::Error) == 0 {
            self.praise();
        }
    }

    fn praise(&self) {
        let (cogs, commands) = (counted(self.cogs, "cog"), counted(self.commands, "command"));
        let files = counted(self.files, "Luau file");
        let warnings = match self.count(Severity::Warning) {
            0 => String::new(),
            warnings => format!("; {}", counted(warnings, "warning")),
        };
        output::say(format!(
            "The configuration is valid, and everything loads: {cogs}, {commands}, {files}{warnings}."
        ));
    }

    /// Whether the check has passed.
    pub(super) fn verdict(&self, deny_warnings: bool) -> Result<(), StartError> {
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let warned = counted(warnings, "warning");
        let found = match (errors, warnings) {
            (0, 0) => return Ok(()),
            (0, _) if !deny_warnings => return Ok(()),
            (0, _) => format!("{warned}, and --deny-warnings allows none"),
            (errors, 0) => counted(errors, "problem"),
            (errors, _) => format!("{}, {warned}", counted(errors, "problem")),
        };
        let cogs = counted(self.cogs, "cog");
        Err(StartError::CheckFailed(match self.failed {
            0 => format!("{found}; {cogs} would still load."),
            failed => format!("{found}; {failed} of {cogs} would not load."),
        }))
    }

    fn as_json(&self) -> String {
        let document = Document {
            version: VERSION,
            cogs: self.cogs,
            failed: self.failed,
            commands: self.commands,
            files: self.files,
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            problems: self.findings.iter().map(Entry::from).collect(),
        };
        // Texts and numbers can always be written.
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }
}

fn of_configuration(errors: &ConfigErrors) -> Vec<Problem> {
    let problems = errors.problems.iter().map(|problem| {
        let (place, message) = match &problem.origin {
            Origin::File(file, line) => {
                let place = SourceLocation {
                    file: file.clone(),
                    line: line.and_then(|line| u32::try_from(line).ok()).unwrap_or(1),
                    ..SourceLocation::default()
                };
                (Some(place), problem.message.clone())
            }
            Origin::Variable(name) => (None, format!("{name}: {}", problem.message)),
        };
        Problem {
            message,
            place,
            ..Problem::default()
        }
    });
    problems.collect()
}

/// `lua/cogs/ping.luau:3: warning: … (LocalUnused)`, with the lines around it.
fn as_text(finding: &Finding) -> String {
    if finding.rule.severity() == Severity::Error {
        return finding.problem.to_string();
    }
    let message = format!(
        "warning: {} ({})",
        finding.problem.message,
        finding.rule.name()
    );
    let problem = Problem {
        message,
        ..finding.problem.clone()
    };
    problem.to_string()
}

/// The JSON document.
#[derive(Serialize)]
struct Document<'r> {
    version: u32,
    cogs: usize,
    failed: usize,
    commands: usize,
    files: usize,
    errors: usize,
    warnings: usize,
    problems: Vec<Entry<'r>>,
}

/// One problem in the JSON document.
#[derive(Serialize)]
struct Entry<'r> {
    severity: Severity,
    rule: Rule,
    message: &'r str,
    file: Option<&'r str>,
    line: Option<u32>,
    column: Option<u32>,
    end_column: Option<u32>,
    cog: Option<&'r str>,
    hint: Option<&'r str>,
    /// The lines of the source around it, the first of them numbered `excerpt_from`.
    excerpt: &'r [String],
    excerpt_from: Option<u32>,
    /// The calls that led there, innermost first.
    trace: Vec<Call<'r>>,
    requires: &'r [String],
}

#[derive(Serialize)]
struct Call<'r> {
    file: &'r str,
    line: u32,
    function: Option<&'r str>,
}

impl<'r> From<&'r Finding> for Entry<'r> {
    fn from(finding: &'r Finding) -> Self {
        let problem = &finding.problem;
        let place = problem.place.as_ref();
        let columns = place.and_then(|place| place.columns);
        let shown = place.filter(|place| !place.excerpt.is_empty());
        let trace = problem.trace.iter().map(|call| Call {
            file: &call.file,
            line: call.line,
            function: call.function.as_deref(),
        });
        Self {
            severity: finding.rule.severity(),
            rule: finding.rule,
            message: &problem.message,
            file: place.map(|place| place.file.as_str()),
            line: place.map(|place| place.line),
            column: columns.map(|(from, _)| from),
            end_column: columns.map(|(_, to)| to),
            cog: problem.cog.as_deref(),
            hint: problem.hint.as_deref(),
            excerpt: shown.map_or(&[], |place| &place.excerpt),
            excerpt_from: shown.map(|place| place.excerpt_from),
            trace: trace.collect(),
            requires: &problem.requires,
        }
    }
}

/// A workflow command, which GitHub shows beside the line: `::error file=…,line=3,title=UnknownFunction::…`
fn as_annotation(finding: &Finding, folder: &Path) -> String {
    let problem = &finding.problem;
    let kind = match finding.rule.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if let Some(place) = &problem.place {
        let file = below_here(folder).join(&place.file);
        let file = file.to_string_lossy().replace('\\', "/");
        properties.push(format!("file={}", property(&file)));
        properties.push(format!("line={}", place.line));
        if let Some((from, to)) = place.columns {
            properties.push(format!("col={from}"));
            // The last character itself.
            properties.push(format!("endColumn={}", to - 1));
        }
    }
    properties.push(format!("title={}", property(&finding.rule.name())));
    let cog = match (&problem.place, &problem.cog) {
        (None, Some(cog)) => format!("{cog}: "),
        _ => String::new(),
    };
    let hint = problem.hint.as_ref().map(|hint| format!("\n{hint}"));
    let text = format!("{cog}{}{}", problem.message, hint.unwrap_or_default());
    format!("::{kind} {}::{}", properties.join(","), data(&text))
}

/// The folder of the configuration as seen from the current one, which is that of the repository.
fn below_here(folder: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let relative = folder.strip_prefix(&here).unwrap_or(folder);
    let without_dots = relative
        .components()
        .filter(|part| !matches!(part, std::path::Component::CurDir));
    without_dots.collect()
}

/// What GitHub's runner reads as one value of a command.
fn data(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .map(|line| one_line(line).replace('%', "%25"))
        .collect();
    lines.join("%0A")
}

/// The same where commas and colons end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line_whatever_it_says() {
        let finding = Finding {
            rule: Rule::UnknownFunction,
            problem: Problem {
                message: "100 %\r\n::error::forged".to_owned(),
                hint: Some("a, b: c".to_owned()),
                place: Some(SourceLocation {
                    file: "lua/cogs/a,b:c.luau".to_owned(),
                    line: 3,
                    columns: Some((5, 9)),
                    ..SourceLocation::default()
                }),
                ..Problem::default()
            },
        };
        insta::assert_snapshot!(as_annotation(&finding, Path::new("./bot")), @"::error file=bot/lua/cogs/a%2Cb%3Ac.luau,line=3,col=5,endColumn=8,title=UnknownFunction::100 %25%0A::error::forged%0Aa, b: c");
    }
}
