//! Checks the types after each reload, beside the bot, and tells the page.

use super::run::check;
use crate::host_tasks::Task;
use crate::host_tasks::point;
use crate::problem::Problem;
use crate::reload::report::{Outcome, Report, ReportLog, Trigger};
use serde::Serialize;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tracing::{debug, warn};

/// The most problems that are told of one reload.
const MOST: usize = 20;

/// What is wrong with types after a reload: in the files that it was about, and elsewhere what was right before.
#[derive(Clone, Debug, Serialize)]
pub struct TypeReport {
    /// The number of the reload's report.
    pub report: u64,
    /// In order of place.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: usize,
}

/// The newest type report. Clones share it.
#[derive(Clone, Debug)]
pub struct TypeFeed {
    newest: watch::Sender<Option<Arc<TypeReport>>>,
}

impl TypeFeed {
    /// No report yet.
    pub fn new() -> Self {
        Self {
            newest: watch::Sender::new(None),
        }
    }

    /// The newest report.
    pub fn newest(&self) -> Option<Arc<TypeReport>> {
        self.newest.borrow().clone()
    }

    /// The newest report, and those to come.
    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<TypeReport>>> {
        self.newest.subscribe()
    }
}

impl Default for TypeFeed {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the checker is, as long as types are to be checked and there is one.
pub type FindChecker = Arc<dyn Fn() -> Option<PathBuf> + Send + Sync>;

/// A file and what is wrong in it.
type Known = HashSet<(Option<String>, String)>;

/// What checks the types after each reload.
pub struct TypeFollower {
    /// The folder of `config.json`.
    root: PathBuf,
    find: FindChecker,
    reports: Receiver<Arc<Report>>,
    feed: TypeFeed,
    /// What the last check has found.
    known: Option<Known>,
    /// Why the last check could not be made.
    complaint: Option<String>,
}

impl std::fmt::Debug for TypeFollower {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TypeFollower")
            .finish_non_exhaustive()
    }
}

impl TypeFollower {
    /// Follows the reloads from now on.
    pub fn new(root: PathBuf, find: FindChecker, reports: &ReportLog, feed: TypeFeed) -> Self {
        Self {
            root,
            find,
            reports: reports.subscribe(),
            feed,
            known: None,
            complaint: None,
        }
    }

    /// Checks after each reload, until there are none to come. While a check runs, reloads gather, and are checked
    /// together.
    pub async fn follow(&mut self) {
        loop {
            let first = match self.reports.recv().await {
                Ok(report) => report,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            point(Task::Types);
            let mut gathered = vec![first];
            while let Ok(next) = self.reports.try_recv() {
                gathered.push(next);
            }
            gathered.retain(|report| {
                report.trigger == Trigger::Files && report.outcome == Outcome::Applied
            });
            if let Some(newest) = gathered.last() {
                let changed = gathered
                    .iter()
                    .flat_map(|report| report.changed.iter().cloned());
                self.check(newest.id, changed.collect()).await;
            }
        }
    }

    async fn check(&mut self, report: u64, changed: BTreeSet<String>) {
        let Some(program) = (self.find)() else {
            return;
        };
        let root = self.root.clone();
        let checked = tokio::task::spawn_blocking(move || check(&program, &root)).await;
        let told = match checked {
            Ok(Ok(problems)) => Ok(problems),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match told {
            Ok(problems) => {
                self.complaint = None;
                self.tell(report, &changed, problems);
            }
            Err(error) if self.complaint.as_ref() == Some(&error) => {
                debug!(error, "Types were not checked");
            }
            Err(error) => {
                warn!(error, "Types were not checked");
                self.complaint = Some(error);
            }
        }
    }

    fn tell(&mut self, report: u64, changed: &BTreeSet<String>, problems: Vec<Problem>) {
        let now: Known = problems.iter().map(key).collect();
        let known = self.known.replace(now);
        let is_told = |problem: &Problem| {
            let place = problem.place.as_ref();
            place.is_some_and(|place| changed.contains(&place.file))
                || known
                    .as_ref()
                    .is_some_and(|known| !known.contains(&key(problem)))
        };
        let mut told: Vec<Problem> = problems.into_iter().filter(is_told).collect();
        let more = told.len().saturating_sub(MOST);
        told.truncate(MOST);
        self.feed.newest.send_replace(Some(Arc::new(TypeReport {
            report,
            problems: told,
            more,
        })));
    }
}

fn key(problem: &Problem) -> (Option<String>, String) {
    let file = problem.place.as_ref().map(|place| place.file.clone());
    (file, problem.message.clone())
}
