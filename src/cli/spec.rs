//! `cogsmith spec`: runs the specs of the cogs.

use super::config_path::ConfigPath;
use super::output;
use crate::config::Config;
use crate::error::StartError;
use crate::escape::one_line;
use crate::lock::lock;
use crate::spec::{Case, CaseFailure, cases};
use clap::Args;
use std::collections::VecDeque;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

/// What `spec` is told.
#[derive(Args, Clone, Debug)]
pub(super) struct SpecOptions {
    /// Run only the specs whose name or file contains this text
    filter: Option<String>,
}

pub(super) fn execute(config_path: &ConfigPath, options: &SpecOptions) -> Result<(), StartError> {
    let config = config_path.load()?.config;
    let chosen = choose(&config, options.filter.as_deref())?;
    let began = Instant::now();
    let total = chosen.len();
    let mut failed = Vec::new();
    run_all(chosen, |case, result| match result {
        Ok(()) => output::say(format!("ok      {}", one_line(&case.name))),
        Err(failure) => {
            output::say(format!("FAILED  {}", one_line(&case.name)));
            failed.push((case, failure));
        }
    });
    for (case, failure) in &failed {
        output::say(format!("\n{}\n{failure}", case.name));
    }
    let seconds = began.elapsed().as_secs_f64();
    if failed.is_empty() {
        output::say(format!("\nAll specs passed ({total} in {seconds:.1} s)."));
        return Ok(());
    }
    Err(StartError::SpecsFailed {
        failed: failed.len(),
        total,
    })
}

fn choose(config: &Config, filter: Option<&str>) -> Result<Vec<Case>, StartError> {
    let lua = config.lua_dir();
    if !lua.is_dir() {
        return Err(StartError::LuaFolderMissing {
            path: lua.display().to_string(),
        });
    }
    let mut chosen = cases(config)?;
    if chosen.is_empty() {
        return Err(StartError::Usage(format!(
            "There are no specs in {}. Write one into spec/ping_spec.luau.",
            config.root.join("spec").display()
        )));
    }
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

/// Runs the tests side by side, and reports each when it ends.
fn run_all(cases: Vec<Case>, mut tell: impl FnMut(Case, Result<(), CaseFailure>)) {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let waiting = Mutex::new(VecDeque::from(cases));
    let (sender, ended) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..processors {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                loop {
                    let next = lock(&waiting).pop_front();
                    let Some(case) = next else {
                        return;
                    };
                    let result = case.run();
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
