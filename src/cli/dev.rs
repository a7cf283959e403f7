//! `cogsmith dev`: what only those need who work on the bot itself. It is hidden from the help of `cogsmith`.

use super::config_path::ConfigPath;
use super::output;
use crate::discord::{reference, update};
use crate::error::StartError;
use crate::sim::reference as simulator;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const CURRENT: &str = "All pages about operations are up to date.";

/// The subcommands of `cogsmith dev`.
#[derive(Debug, Subcommand)]
pub(super) enum DevCommand {
    /// Check whether the book's pages about Discord's operations are up to date, or write them
    Reference(ReferenceOptions),
    /// Make a newer table of Discord's operations, and tell what it adds, changes and removes
    UpdateDiscord(UpdateOptions),
}

/// The arguments of `cogsmith dev update-discord`.
#[derive(Debug, Args)]
pub(super) struct UpdateOptions {
    /// Discord's openapi.json, or a table such as src/discord/operations.json
    file: PathBuf,

    /// Write src/discord/operations.json beside config.json; without it nothing is written
    #[arg(long)]
    write: bool,

    /// The capability that an operation needs; a new one is closed to cogs otherwise
    #[arg(long, value_name = "OPERATION=CAPABILITY", value_parser = assignment)]
    open: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected OPERATION=CAPABILITY".to_owned()),
    }
}

/// The arguments of `cogsmith dev reference`.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ReferenceOptions {
    /// Write what is outdated of docs/operations/ and docs/simulator.md beside config.json
    #[arg(long, conflicts_with = "check")]
    write: bool,

    /// Check whether they are up to date, and exit with 1 if they are not; this is also what happens without an option
    #[arg(long)]
    check: bool,
}

pub(super) fn execute(config_path: &ConfigPath, command: &DevCommand) -> Result<(), StartError> {
    match command {
        DevCommand::Reference(options) => {
            let docs = config_path.folder().join("docs");
            if options.write {
                write(&docs)
            } else {
                check(&docs)
            }
        }
        DevCommand::UpdateDiscord(options) => update_discord(config_path.folder(), options),
    }
}

/// What is generated from the table, and how.
const NEXT: &str = "\
Then write what is made of it:
  COGSMITH_WRITE_NAMES=1 cargo test --lib the_names_of_all_fields_are_in_their_file
  cargo run -- types --write
  cargo run -- dev reference --write
and run the tests: src/discord/paging.rs and src/discord/types/names.rs may have to follow.";

fn update_discord(folder: &Path, options: &UpdateOptions) -> Result<(), StartError> {
    let path = folder.join("src/discord/operations.json");
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| failed(path, "read", &error));
    let former: Value = serde_json::from_str(&read(&path)?).unwrap_or_default();
    let updated = update::update(&former, &read(&options.file)?, &options.open)
        .map_err(|error| StartError::Usage(format!("{}: {error}", options.file.display())))?;
    for line in &updated.report {
        output::say(line);
    }
    if updated.report.is_empty() {
        output::say("Nothing is different.");
    } else if options.write {
        fs::write(&path, &updated.table).map_err(|error| failed(&path, "written", &error))?;
        output::say(format!("Wrote {}. {NEXT}", path.display()));
    } else {
        output::say(format!("With --write, {} is written.", path.display()));
    }
    Ok(())
}

fn failed(path: &Path, action: &'static str, error: &std::io::Error) -> StartError {
    StartError::File {
        path: path.display().to_string(),
        action,
        reason: error.to_string(),
    }
}

fn write(docs: &Path) -> Result<(), StartError> {
    let error = |error| failed(docs, "written", &error);
    let pages = reference::write(&docs.join("operations")).map_err(error)?;
    let pages = pages.into_iter().map(|page| format!("operations/{page}"));
    let error = |error| failed(docs, "written", &error);
    let changed: Vec<String> = pages
        .chain(simulator::write(docs).map_err(error)?)
        .collect();
    match changed.as_slice() {
        [] => output::say(CURRENT),
        changed => output::say(format!("Wrote {} to docs/", changed.join(", "))),
    }
    Ok(())
}

fn check(docs: &Path) -> Result<(), StartError> {
    let mut faults = reference::check(&docs.join("operations"));
    faults.extend(simulator::check(docs));
    if faults.is_empty() {
        output::say(CURRENT);
        return Ok(());
    }
    Err(StartError::CheckFailed(faults.join("\n")))
}
