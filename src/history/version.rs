//! What is kept of a version, and what is told of it.

use crate::vm::resolve::{ModuleId, Source};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What made a cog run something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// The bot started.
    Start {},
    /// These files were saved.
    Files {
        /// Relative to the folder of `config.json`.
        files: Vec<String>,
    },
    /// An admin's command.
    Command {
        /// Who gave it.
        by: String,
    },
    /// An admin went back to an earlier version.
    Undo {
        /// Who did.
        by: String,
    },
    /// The guard went back to the version before.
    Guard {
        /// What it has found.
        why: String,
    },
    /// An admin went from an earlier version to the files.
    Redo {
        /// Who did.
        by: String,
    },
}

/// What a cog runs from now on.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The cog's name.
    pub cog: String,
    /// Unix seconds.
    pub at: f64,
    /// What made it run this.
    pub cause: Cause,
    /// The cog's own file.
    pub entry: ModuleId,
    /// All of its modules, its own file among them.
    pub modules: Vec<Arc<Source>>,
    /// The aliases that these go through, with the paths below `lua/` for which they stand.
    pub aliases: BTreeMap<String, String>,
    /// The earlier version whose sources these are, if it was put back.
    pub of: Option<u32>,
    /// The handlers of what ran before that had begun, and those of them that had failed.
    pub former: (u64, u64),
}

/// One version of a cog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Version {
    /// Counts up from 1 for each cog.
    pub number: u32,
    /// Since when it ran, in Unix seconds.
    pub at: f64,
    /// Until when it ran; nothing for the last one.
    pub until: Option<f64>,
    /// What made the cog run it.
    pub cause: Cause,
    /// The earlier version whose sources these are, if it was put back.
    pub of: Option<u32>,
    /// The files in which it differs from the version before; all of them for the first one that is kept.
    pub differs: Vec<FileChange>,
    /// How often the same was built again.
    pub rebuilt: u32,
    /// How many of its handlers have begun.
    pub handlers: u64,
    /// How many of these have failed.
    pub failures: u64,
}

/// How a file differs from that of the version before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FileChange {
    /// Relative to the folder of `config.json`.
    pub file: String,
    /// `added`, `changed` or `removed`.
    pub change: &'static str,
}

/// An attempt to load a cog that failed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedLoad {
    /// Unix seconds.
    pub at: f64,
    /// What led to it.
    pub cause: Cause,
    /// What was wrong, in one line.
    pub problem: String,
}

/// What is known of one cog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryOf {
    /// The cog's name.
    pub cog: String,
    /// The versions that are kept, the newest first.
    pub versions: Vec<Version>,
    /// The last attempts to load it that failed, the newest first.
    pub failed: Vec<FailedLoad>,
}
