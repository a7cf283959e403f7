//! `cogsmith spec --watch`: the specs again whenever a file of `lua/` or `spec/` changes, until Ctrl-C.

use super::round::{self, Round};
use super::{SpecOptions, UsedFiles};
use crate::cli::config_path::ConfigPath;
use crate::cli::output;
use crate::cli::run::shutdown_signal;
use crate::config::Config;
use crate::error::StartError;
use crate::escape::one_line;
use crate::reload::sources::Rules;
use crate::reload::watch::{Batch, Watcher};
use crate::spec::{Case, SPEC_FOLDER};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch as signal;

/// Changed files that are named in a line.
const NAMED: usize = 3;

pub(super) fn execute(config_path: &ConfigPath, options: &SpecOptions) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| StartError::System(error.to_string()))?;
    runtime.block_on(run(config_path, options))
}

/// What has changed since the last round.
#[derive(Debug, Default)]
struct Changes {
    /// Paths below the project.
    paths: BTreeSet<String>,
    /// Anything may have changed.
    any: bool,
}

impl Changes {
    fn add(&mut self, root: &Path, batch: &Batch) {
        self.any |= batch.rescan;
        self.paths.extend(batch.paths.iter().filter_map(|path| {
            let below = path.strip_prefix(root).ok()?;
            Some(below.to_str()?.replace('\\', "/"))
        }));
    }

    fn told(&self) -> String {
        if self.any || self.paths.is_empty() {
            return "Files have changed".to_owned();
        }
        let named = self
            .paths
            .iter()
            .take(NAMED)
            .map(|path| one_line(path).into_owned());
        let mut named: Vec<String> = named.collect();
        let more = self.paths.len() - named.len();
        if more > 0 {
            named.push(format!("{more} more"));
        }
        format!("{} changed", named.join(", "))
    }

    /// Whether a test has used one of the files, or one in a folder that has changed; what it has used may be unknown.
    fn affect(&self, name: &str, used: &UsedFiles) -> bool {
        let Some(Some(files)) = used.get(name) else {
            return true;
        };
        let is_in = |file: &String, path: &String| {
            let rest = file.strip_prefix(path.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut pairs = files
            .iter()
            .flat_map(|file| self.paths.iter().map(move |path| (file, path)));
        self.any || pairs.any(|(file, path)| is_in(file, path))
    }
}

async fn run(config_path: &ConfigPath, options: &SpecOptions) -> Result<(), StartError> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut stopped = on_signal(&stop)?;
    let config = config_path.load()?.config;
    let (_lua, mut lua) = watched(&config.lua_dir(), &rules(&config)?, &config)?;
    let spec_folder = config.root.join(SPEC_FOLDER);
    let everywhere = rules(&config)?.everywhere();
    let (_spec, mut spec) = watched(&spec_folder, &everywhere, &config)?;
    let mut used = UsedFiles::new();
    let mut changes = Changes::default();
    loop {
        let (failed, of_round) = tokio::task::block_in_place(|| {
            round_of(config_path, options, (&changes, &used), &stop)
        });
        used.extend(of_round);
        changes = Changes::default();
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let state = if failed {
            "Something is wrong"
        } else {
            "All is well"
        };
        output::say(format!("\n{state}. Waiting for changes; Ctrl-C ends this."));
        tokio::select! {
            Some(batch) = lua.recv() => changes.add(&config.root, &batch),
            Some(batch) = spec.recv() => changes.add(&config.root, &batch),
            _ = stopped.changed() => return Ok(()),
        }
        // What the other watcher has noticed belongs to the same save.
        for batches in [&mut lua, &mut spec] {
            while let Ok(batch) = batches.try_recv() {
                changes.add(&config.root, &batch);
            }
        }
        let affected = used.keys().filter(|name| changes.affect(name, &used));
        let (affected, all) = (affected.count(), used.len());
        output::say(format!(
            "\n── {}: {affected} of {all} specs ──",
            changes.told()
        ));
    }
}

/// Runs the specs. What keeps them from running is told, and the next change may mend it. Returns whether anything has
/// failed.
fn round_of(
    config_path: &ConfigPath,
    options: &SpecOptions,
    (changes, used): (&Changes, &UsedFiles),
    stop: &AtomicBool,
) -> (bool, UsedFiles) {
    let is_first = |case: &Case| changes.affect(&case.name, used);
    let round = config_path
        .load()
        .and_then(|settings| round::run(&settings.config, options, &is_first, stop));
    match round {
        Ok(Round {
            failed: 0, used, ..
        }) => (false, used),
        Ok(Round {
            failed,
            total,
            used,
        }) => {
            output::say(format!("\n{}", StartError::SpecsFailed { failed, total }));
            (true, used)
        }
        Err(error) => {
            output::complain(&error);
            (true, UsedFiles::new())
        }
    }
}

fn rules(config: &Config) -> Result<Rules, StartError> {
    Rules::of(&config.hot_reload).map_err(|error| StartError::Usage(format!("{error}.")))
}

fn watched(
    folder: &Path,
    rules: &Rules,
    config: &Config,
) -> Result<(Watcher, Receiver<Batch>), StartError> {
    Watcher::start(folder, rules, config.hot_reload.delay())
        .map_err(|error| StartError::System(error.to_string()))
}

/// Sets `stop`, and tells of it, when the process is asked to end.
fn on_signal(stop: &Arc<AtomicBool>) -> Result<signal::Receiver<()>, StartError> {
    let told = shutdown_signal()?;
    let stop = Arc::clone(stop);
    let (sender, receiver) = signal::channel(());
    tokio::spawn(async move {
        told.await;
        stop.store(true, Ordering::Relaxed);
        sender.send_replace(());
    });
    Ok(receiver)
}
