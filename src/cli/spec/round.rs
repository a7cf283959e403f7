//! All specs, or those that were chosen, once.

use super::{SpecOptions, UsedFiles};
use crate::cli::output;
use crate::config::Config;
use crate::error::StartError;
use crate::escape::one_line;
use crate::lock::lock;
use crate::spec::{Case, Ended, RunOptions, Specs};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

/// Where coverage is written, beside `config.json`.
const LCOV: &str = "coverage.lcov";

/// How a round has ended.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) failed: usize,
    pub(super) total: usize,
    /// What the tests have used that have run.
    pub(super) used: UsedFiles,
}

impl Round {
    pub(super) fn verdict(&self) -> Result<(), StartError> {
        match self.failed {
            0 => Ok(()),
            failed => Err(StartError::SpecsFailed {
                failed,
                total: self.total,
            }),
        }
    }
}

/// Runs what `options` choose, `is_first` before the rest, and tells it. Nothing more is begun once `stop` is set.
pub(super) fn run(
    config: &Config,
    options: &SpecOptions,
    is_first: &dyn Fn(&Case) -> bool,
    stop: &AtomicBool,
) -> Result<Round, StartError> {
    let specs = find(config, options)?;
    let chosen = choose(&specs, options.filter.as_deref())?;
    let (mut first, rest): (Vec<_>, Vec<_>) = chosen.into_iter().partition(is_first);
    first.extend(rest);
    let began = Instant::now();
    let mut round = Round {
        total: first.len(),
        ..Round::default()
    };
    let (mut passed, mut failed) = (Vec::new(), Vec::new());
    run_all(first, stop, |case, Ended { result, files }| {
        round.used.insert(case.name.clone(), files);
        match result {
            Ok(()) => {
                output::say(format!("ok      {}", one_line(&case.name)));
                passed.push(case);
            }
            Err(failure) => {
                output::say(format!("FAILED  {}", one_line(&case.name)));
                failed.push((case, failure));
            }
        }
    });
    for (case, failure) in &failed {
        output::say(format!("\n{}\n{failure}", one_line(&case.name)));
    }
    round.failed = failed.len();
    let written = specs.finish(&passed);
    let written = written.map_err(|error| not_written("the snapshots in spec/", &error))?;
    if !written.is_empty() {
        output::say(format!("\n{}", written.join("\n")));
    }
    tell_coverage(config, &specs, options)?;
    if round.failed == 0 && !stop.load(Ordering::Relaxed) {
        let (total, seconds) = (round.total, began.elapsed().as_secs_f64());
        output::say(format!("\nAll specs passed ({total} in {seconds:.1} s)."));
    }
    Ok(round)
}

fn find(config: &Config, options: &SpecOptions) -> Result<Specs, StartError> {
    let lua = config.lua_dir();
    if !lua.is_dir() {
        return Err(StartError::LuaFolderMissing {
            path: lua.display().to_string(),
        });
    }
    let specs = Specs::find(
        config,
        RunOptions {
            snapshots: options.snapshots(),
            coverage: options.coverage,
        },
    )?;
    if specs.cases.is_empty() {
        return Err(StartError::Usage(format!(
            "There are no specs in {}. Write one into spec/ping_spec.luau.",
            config.root.join("spec").display()
        )));
    }
    Ok(specs)
}

fn choose(specs: &Specs, filter: Option<&str>) -> Result<Vec<Case>, StartError> {
    let mut chosen = specs.cases.clone();
    if let Some(filter) = filter {
        chosen.retain(|case| case.name.contains(filter) || case.file.contains(filter));
        if chosen.is_empty() {
            return Err(StartError::Usage(format!(
                "No spec's name contains \"{filter}\"."
            )));
        }
    }
    Ok(chosen)
}

/// Runs the tests side by side, in this order, and reports each when it ends.
fn run_all(cases: Vec<Case>, stop: &AtomicBool, mut tell: impl FnMut(Case, Ended)) {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let waiting = Mutex::new(VecDeque::from(cases));
    let (sender, ended) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..processors {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !stop.load(Ordering::Relaxed) {
                    let next = lock(&waiting).pop_front();
                    let Some(case) = next else {
                        return;
                    };
                    let result = case.run_and_look();
                    if sender.send((case, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (case, result) in ended {
            tell(case, result);
        }
    });
}

fn tell_coverage(config: &Config, specs: &Specs, options: &SpecOptions) -> Result<(), StartError> {
    let Some(report) = specs.coverage(options.filter.is_some()) else {
        return Ok(());
    };
    let path = config.root.join(LCOV);
    std::fs::write(&path, report.lcov)
        .map_err(|error| not_written(&path.display().to_string(), &error))?;
    output::say(format!("\n{}\n  Written to {LCOV}.", report.table));
    Ok(())
}

fn not_written(path: &str, error: &std::io::Error) -> StartError {
    StartError::File {
        path: path.to_owned(),
        action: "written",
        reason: error.to_string(),
    }
}
