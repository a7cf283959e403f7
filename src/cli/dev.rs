//! `cogsmith dev`: what only those need who work on the bot itself. It is hidden from the help of `cogsmith`.

use super::config_path::ConfigPath;
use super::output;
use crate::discord::reference;
use crate::error::StartError;
use clap::{Args, Subcommand};
use std::path::Path;

const CURRENT: &str = "All files of docs/operations/ are up to date.";

/// The subcommands of `cogsmith dev`.
#[derive(Debug, Subcommand)]
pub(super) enum DevCommand {
    /// Check whether the book's pages about Discord's operations are up to date, or write them
    Reference(ReferenceOptions),
}

/// The arguments of `cogsmith dev reference`.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ReferenceOptions {
    /// Write outdated files to docs/operations/ beside config.json
    #[arg(long, conflicts_with = "check")]
    write: bool,

    /// Check whether docs/operations/ is up to date, and exit with 1 if it is not; this is also what happens without an option
    #[arg(long)]
    check: bool,
}

pub(super) fn execute(config_path: &ConfigPath, command: &DevCommand) -> Result<(), StartError> {
    match command {
        DevCommand::Reference(options) => {
            let folder = config_path.folder().join("docs/operations");
            if options.write {
                write(&folder)
            } else {
                check(&folder)
            }
        }
    }
}

fn write(folder: &Path) -> Result<(), StartError> {
    let changed = reference::write(folder).map_err(|error| StartError::File {
        path: folder.display().to_string(),
        action: "written",
        reason: error.to_string(),
    })?;
    match changed.as_slice() {
        [] => output::say(CURRENT),
        changed => output::say(format!("Wrote {} to docs/operations/", changed.join(", "))),
    }
    Ok(())
}

fn check(folder: &Path) -> Result<(), StartError> {
    let faults = reference::check(folder);
    if faults.is_empty() {
        output::say(CURRENT);
        return Ok(());
    }
    Err(StartError::CheckFailed(faults.join("\n")))
}
