//! `cogsmith history`: what the cogs have run, also while the bot runs.

use super::config_path::ConfigPath;
use super::output;
use crate::bot::HISTORY;
use crate::config::Config;
use crate::error::StartError;
use crate::escape::{capitalized, one_line};
use crate::history::{Cause, FailedLoad, History, HistoryOf, Kept, Version};
use crate::nearest::nearest;
use clap::Args;
use jiff::Timestamp;
use similar::TextDiff;
use std::collections::BTreeMap;

/// Lines shown around those that differ.
const AROUND: usize = 3;

/// What `history` is told.
#[derive(Args, Clone, Debug)]
pub(super) struct HistoryOptions {
    /// The cog; without one, the names of all that have a history
    name: Option<String>,

    /// Show in what two versions differ, by their numbers
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], requires = "name")]
    diff: Option<Vec<u32>>,
}

pub(super) fn execute(
    config_path: &ConfigPath,
    options: &HistoryOptions,
) -> Result<(), StartError> {
    let config = config_path.load()?.config;
    let history = open(&config)?;
    let cogs = history.cogs_now().map_err(refused)?;
    let Some(name) = &options.name else {
        output::say(cogs.join("\n"));
        return Ok(());
    };
    let name = known(name, &cogs)?;
    match options.diff.as_deref() {
        Some([old, new]) => {
            let old = history.sources_now(name, *old).map_err(refused)?;
            let new = history.sources_now(name, *new).map_err(refused)?;
            output::say(differences(&old, &new));
        }
        _ => output::say(table(&history.of_now(name).map_err(refused)?)),
    }
    Ok(())
}

fn refused(error: impl std::fmt::Display) -> StartError {
    StartError::Usage(format!("{}.", capitalized(&error.to_string())))
}

fn open(config: &Config) -> Result<History, StartError> {
    let path = config.var_dir().join(HISTORY);
    if !path.is_file() {
        return Err(StartError::Usage(format!(
            "There is no {}: the bot writes it when it loads its cogs.",
            path.display()
        )));
    }
    History::read(&path).map_err(refused)
}

fn known<'a>(asked: &str, cogs: &'a [String]) -> Result<&'a str, StartError> {
    let names = || cogs.iter().map(String::as_str);
    let plain = asked.strip_prefix("cogs.").unwrap_or(asked);
    if let Some(found) = names().find(|name| *name == asked || *name == plain) {
        return Ok(found);
    }
    let near = nearest(asked, names());
    let near = near.map(|near| format!(" Did you mean {near}?"));
    Err(StartError::Usage(format!(
        "There is no history of a cog {asked:?}.{}",
        near.unwrap_or_default()
    )))
}

/// The versions, newest first, and what could not be loaded.
fn table(history: &HistoryOf) -> String {
    let mut lines = Vec::new();
    for version in &history.versions {
        lines.extend(lines_of(version));
    }
    if !history.failed.is_empty() {
        lines.push("Could not be loaded:".to_owned());
        lines.extend(history.failed.iter().map(failed_line));
    }
    lines.join("\n")
}

fn lines_of(version: &Version) -> Vec<String> {
    let runs = if version.until.is_none() {
        "  (the last one)"
    } else {
        ""
    };
    let mut lines = vec![format!(
        "{:>4}  {}  {}{runs}",
        version.number,
        moment(version.at),
        cause(&version.cause, version.of)
    )];
    let mut add = |line: String| lines.push(format!("      {line}"));
    for change in &version.differs {
        add(format!("{:<8} {}", change.change, one_line(&change.file)));
    }
    if version.rebuilt > 0 {
        add(format!("built {} times", version.rebuilt + 1));
    }
    if version.handlers > 0 {
        add(format!(
            "handlers {}, failed {}",
            version.handlers, version.failures
        ));
    }
    lines
}

fn failed_line(failed: &FailedLoad) -> String {
    let cause = cause(&failed.cause, None);
    format!(
        "      {}  {cause}: {}",
        moment(failed.at),
        one_line(&failed.problem)
    )
}

fn cause(cause: &Cause, of: Option<u32>) -> String {
    let told = match cause {
        Cause::Start {} => "the bot started".to_owned(),
        Cause::Files { files } => format!("saved: {}", files.join(", ")),
        Cause::Command { by } => format!("reloaded by {by}"),
        Cause::Undo { by } => format!("version {} put back by {by}", of.unwrap_or_default()),
        Cause::Guard { why } => {
            format!(
                "version {} put back by the guard: {why}",
                of.unwrap_or_default()
            )
        }
        Cause::Redo { by } => format!("its files again, by {by}"),
    };
    one_line(&told).into_owned()
}

/// `2026-11-30 00:37:31Z`
fn moment(at: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "Unix seconds fit for 292 billion years"
    )]
    let at = Timestamp::from_second(at as i64);
    at.map_or_else(|_| "?".to_owned(), |at| at.strftime("%F %TZ").to_string())
}

/// A unified diff of each file that is not the same in both.
fn differences(old: &Kept, new: &Kept) -> String {
    let texts = |kept: &Kept| -> BTreeMap<String, String> {
        let modules = kept.modules.values();
        modules
            .map(|source| (source.path.to_string(), source.text.to_string()))
            .collect()
    };
    let (before, after) = (texts(old), texts(new));
    let mut files: Vec<&String> = before.keys().chain(after.keys()).collect();
    files.sort();
    files.dedup();
    let none = String::new();
    let diffs = files.into_iter().filter_map(|file| {
        let (was, is) = (before.get(file), after.get(file));
        if was == is {
            return None;
        }
        let name = |text: Option<&String>, number: u32| match text {
            Some(_) => format!("{file} (version {number})"),
            None => "/dev/null".to_owned(),
        };
        let (from, to) = (name(was, old.number), name(is, new.number));
        let diff = TextDiff::from_lines(was.unwrap_or(&none), is.unwrap_or(&none));
        let diff = diff
            .unified_diff()
            .context_radius(AROUND)
            .header(&from, &to)
            .to_string();
        Some(diff)
    });
    let diffs: Vec<String> = diffs.collect();
    if diffs.is_empty() {
        return "The two say the same.".to_owned();
    }
    diffs.join("")
}
