//! `cogsmith check`: is the configuration right, does every Luau file compile, does every cog load, and what in their
//! texts is probably not meant so?
//!
//! ```text
//! luau_files (compile) ─ bot::rehearse (load) ─ lint (look at the texts) ─ typecheck, if asked ─ findings, in order of place ─ report
//! ```

mod luau_files;
mod report;

use super::config_path::ConfigPath;
use crate::bot::{Rehearsal, rehearse};
use crate::config::Config;
use crate::error::StartError;
use crate::lint::{self, CogFile, Finding, Rule, Severity};
use crate::problem::Problem;
use crate::spec::ProjectFiles;
use crate::typecheck;
use clap::{Args, ValueEnum};
use luau_files::LuauFiles;
use report::Report;
use std::path::Path;

/// What `check` is told.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct CheckOptions {
    /// How problems are told
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Exit with an error when there are warnings, too
    #[arg(long)]
    deny_warnings: bool,

    /// Check the types as well, with the program that `cargo build --manifest-path tools/typecheck/Cargo.toml` builds
    #[arg(long)]
    types: bool,
}

/// How problems are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines around each
    Text,
    /// One JSON document for programs
    Json,
    /// Annotations of a workflow on GitHub
    Github,
}

pub(super) fn execute(config_path: &ConfigPath, options: CheckOptions) -> Result<(), StartError> {
    let report = match look(config_path, options.types) {
        Ok(report) => report,
        Err(error) => {
            // For people it is told as the reason why the program ends.
            if options.format != Format::Text {
                Report::of_error(&error).tell(options.format, config_path.folder());
            }
            return Err(error);
        }
    };
    report.tell(options.format, config_path.folder());
    report.verdict(options.deny_warnings)
}

/// Everything that is wrong.
fn look(config_path: &ConfigPath, with_types: bool) -> Result<Report, StartError> {
    let config = config_path.load()?.config;
    let wrong_types = if with_types {
        types(config_path.folder())?
    } else {
        Vec::new()
    };
    let mut files = luau_files::read(&config)?;
    let project = ProjectFiles::read(&config);
    let project = project.map_err(|error| StartError::Usage(format!("{error}.")))?;
    project.spec_sources().for_each(|(path, text)| {
        files.take(lint::File {
            path: path.to_owned(),
            text: text.to_owned(),
            is_spec: true,
            is_module: true,
        });
    });
    // Why a module could not be taken is told with the cogs.
    files
        .good
        .retain(|file| !file.is_module || project.has(&file.path));
    let rehearsal = rehearsed(config)?;
    let mut findings = linted(&files, &rehearsal, &project);
    let problems = together(files.problems, rehearsal.problems);
    let loading = problems.into_iter().map(|problem| Finding {
        rule: Rule::LoadError,
        problem,
    });
    let mut loading: Vec<Finding> = loading.collect();
    findings.extend(wrong_types);
    findings.retain(|finding| is_news(finding, &mut loading));
    findings.extend(loading);
    findings.sort_by(|one, other| one.spot().cmp(&other.spot()));
    Ok(Report {
        cogs: rehearsal.cogs,
        failed: rehearsal.failed,
        commands: rehearsal.commands,
        files: files.count,
        findings,
    })
}

/// Whether a finding is told by itself. An error in a line that has failed while a cog was loaded is what that line means:
/// it becomes the hint of the failure, which says no more than `attempt to call a nil value`.
fn is_news(finding: &Finding, loading: &mut [Finding]) -> bool {
    let same = loading.iter_mut().find(|it| it.spot() == finding.spot());
    let failure = match same {
        Some(failure) if finding.rule.severity() == Severity::Error => failure,
        _ => return true,
    };
    let message = &finding.problem.message;
    if finding.rule == Rule::UnknownFunction && failure.problem.message.contains("nil") {
        failure.problem.hint.get_or_insert_with(|| message.clone());
    }
    false
}

/// What the type checker finds.
fn types(folder: &Path) -> Result<Vec<Finding>, StartError> {
    let program = typecheck::program(folder).ok_or_else(|| {
        let build = typecheck::BUILD;
        StartError::Usage(format!(
            "The type checker is not there. Build it with: {build}"
        ))
    })?;
    let problems = typecheck::check(&program, folder);
    let problems = problems.map_err(|error| StartError::CheckFailed(error.to_string()))?;
    let findings = problems.into_iter().map(|problem| Finding {
        rule: Rule::TypeError,
        problem,
    });
    Ok(findings.collect())
}

fn rehearsed(config: Config) -> Result<Rehearsal, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::System(error.to_string()))?;
    runtime.block_on(rehearse(config))
}

fn linted(files: &LuauFiles, rehearsal: &Rehearsal, project: &ProjectFiles) -> Vec<Finding> {
    let cogs = rehearsal.files.iter().map(|(entry, intents)| CogFile {
        entry: entry.clone(),
        intents: *intents,
    });
    let cogs: Vec<CogFile> = cogs.collect();
    lint::lint(lint::Project {
        files: &files.good,
        cogs: &cogs,
        resolve: &|from, request| project.required(from, request),
        host: &rehearsal.host,
    })
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
