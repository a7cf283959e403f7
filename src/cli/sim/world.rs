//! The world of `--world`: a preset, or a file that is read as `config.json` is.

use super::presets;
use crate::config::{self, ConfigErrors, Document, Origin};
use crate::error::StartError;
use crate::files;
use crate::nearest::nearest;
use crate::sim::{Blueprint, PRESETS, SavedWorld, preset};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;

/// The longest file, in bytes: a saved world can have 128 MiB of files in it.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// The JSON schema of a world.
pub(in crate::cli) fn schema() -> Value {
    config::schema_of::<Blueprint>("A world for cogsmith sim")
}

/// What a simulator begins with.
pub(super) enum Beginning {
    /// What somebody has described.
    Described(Blueprint),
    /// What another simulator has saved.
    Saved(Box<SavedWorld>),
}

/// The world of this preset or file.
pub(super) fn read(named: &str) -> Result<Beginning, StartError> {
    if let Some(world) = preset(named) {
        return Ok(Beginning::Described(world));
    }
    let path = Path::new(named);
    let bytes = files::read(path, MOST_BYTES).map_err(|error| unreadable(named, &error))?;
    let unreadable = |reason: String| StartError::File {
        path: named.to_owned(),
        action: "read",
        reason,
    };
    let text = files::decode(bytes).map_err(|error| unreadable(error.to_string()))?;
    if SavedWorld::is_one(&text) {
        let saved = SavedWorld::read(&text).map_err(|error| {
            StartError::Usage(format!(
                "--world {named}: this version cannot go on with that saved world: {error}."
            ))
        })?;
        return Ok(Beginning::Saved(Box::new(saved)));
    }
    let told = |errors: &ConfigErrors| StartError::Usage(errors.told_of("world").to_string());
    let document = Document::read(&text, named, &schema()).map_err(|errors| told(&errors))?;
    let world: Blueprint =
        serde_json::from_value(document.tree()).map_err(|error| unreadable(error.to_string()))?;
    let faults = world.faults().into_iter();
    let mut problems: Vec<_> = faults
        .map(|(path, message)| document.problem(&path, message))
        .collect();
    // From the top of the file to its end.
    problems.sort_by_key(|problem| match &problem.origin {
        Origin::File(_, line) => *line,
        Origin::Variable(_) => None,
    });
    if problems.is_empty() {
        Ok(Beginning::Described(world))
    } else {
        Err(told(&problems.into()))
    }
}

fn unreadable(named: &str, error: &std::io::Error) -> StartError {
    if error.kind() != ErrorKind::NotFound {
        return StartError::File {
            path: named.to_owned(),
            action: "read",
            reason: error.to_string(),
        };
    }
    let advice = match nearest(named, PRESETS.iter().copied()) {
        Some(meant) => format!("Did you mean \"{meant}\"?"),
        None => format!("Name a file, or one of the worlds {}.", presets()),
    };
    StartError::Usage(format!("--world: there is no file {named}. {advice}"))
}

/// Checks a world that options have changed.
pub(super) fn check(world: &Blueprint) -> Result<(), StartError> {
    let faults = world.faults();
    if faults.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = faults.into_iter().map(|(_, message)| message).collect();
    Err(StartError::Usage(format!(
        "The world with the bots of --bot: {}.",
        told.join("; ")
    )))
}
