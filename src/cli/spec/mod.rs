//! `cogsmith spec`: runs the specs of the cogs, once or after each change.
//!
//! ```text
//! round (find, run, tell, write what is new) ─ once, or with --watch (watch) again for each change
//! ```

mod round;
mod watch;

use super::config_path::ConfigPath;
use crate::error::StartError;
use crate::spec::SnapshotMode;
use clap::Args;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

/// What `spec` is told.
#[derive(Args, Clone, Debug)]
pub(super) struct SpecOptions {
    /// Run only the specs whose name or file contains this text
    filter: Option<String>,

    /// Run them again whenever a file of lua/ or spec/ changes, those that it affects first
    #[arg(long)]
    watch: bool,

    /// Write snapshots that differ anew, and take out those that nothing uses
    #[arg(long)]
    update_snapshots: bool,

    /// Show which lines of the cogs were run, and write coverage.lcov
    #[arg(long)]
    coverage: bool,
}

impl SpecOptions {
    /// What becomes of snapshots. In continuous integration nobody would keep what is written.
    fn snapshots(&self) -> SnapshotMode {
        let is_ci = std::env::var("CI").is_ok_and(|it| !matches!(it.as_str(), "" | "0" | "false"));
        match self.update_snapshots {
            true => SnapshotMode::Update,
            false if is_ci => SnapshotMode::Refuse,
            false => SnapshotMode::Write,
        }
    }
}

pub(super) fn execute(config_path: &ConfigPath, options: &SpecOptions) -> Result<(), StartError> {
    if options.watch {
        return watch::execute(config_path, options);
    }
    let config = config_path.load()?.config;
    let round = round::run(&config, options, &|_| false, &AtomicBool::new(false))?;
    round.verdict()
}

/// The files that a test has used, by its name.
type UsedFiles = std::collections::BTreeMap<String, Option<BTreeSet<String>>>;
