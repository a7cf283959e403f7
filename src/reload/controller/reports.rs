//! Reports about what was done, what waits, and what is wrong with the tree of files itself.

use super::super::report::{CogReport, Outcome, Report, Trigger};
use super::super::sources::{LUAURC, ModuleId, SourceProblem};
use super::{Controller, log};
use crate::history::Cause;
use crate::problem::Problem;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// What caused a reload, and when.
#[derive(Clone, Debug)]
pub(super) struct Occasion {
    pub(super) trigger: Trigger,
    /// The files that changed.
    pub(super) changed: Vec<String>,
    /// The same for the history.
    pub(super) cause: Cause,
    began: Instant,
}

impl Occasion {
    /// A start, or files that were saved.
    pub(super) fn new(trigger: Trigger, changed: Vec<String>, began: Instant) -> Self {
        let cause = match trigger {
            Trigger::Start => Cause::Start {},
            Trigger::Files | Trigger::Command => Cause::Files {
                files: changed.iter().take(MOST_FILES).cloned().collect(),
            },
        };
        Self {
            trigger,
            changed,
            cause,
            began,
        }
    }

    /// An admin's command.
    pub(super) fn of_command(cause: Cause, changed: Vec<String>, began: Instant) -> Self {
        Self {
            trigger: Trigger::Command,
            changed,
            cause,
            began,
        }
    }
}

/// How many files the history names as what led to a version.
const MOST_FILES: usize = 20;

impl Controller {
    pub(super) fn report(
        &mut self,
        occasion: Occasion,
        cogs: Vec<CogReport>,
        problems: Vec<Problem>,
    ) -> Arc<Report> {
        let report = self.made(occasion, cogs, problems);
        let everything = self.cogs.services.config.load().hot_reload.log_reloads;
        log::report(&report, everything);
        self.reports.add(report)
    }

    /// A new report, which has not been published yet.
    pub(super) fn made(
        &mut self,
        occasion: Occasion,
        cogs: Vec<CogReport>,
        problems: Vec<Problem>,
    ) -> Report {
        self.show();
        let outcome = if problems.is_empty() {
            Outcome::Applied
        } else {
            Outcome::Failed
        };
        let id = self.next_report;
        self.next_report += 1;
        Report {
            id,
            at: self.cogs.services.clock.unix(),
            trigger: occasion.trigger,
            changed: occasion.changed,
            outcome,
            cogs,
            problems,
            took_ms: occasion.began.elapsed().as_secs_f64() * 1_000.0,
        }
    }

    pub(super) fn report_pending(&mut self, began: Instant) {
        let occasion = Occasion::new(Trigger::Files, files(&self.pending), began);
        let report = self.made(occasion, Vec::new(), Vec::new());
        self.reports.add(Report {
            outcome: Outcome::Pending,
            ..report
        });
    }

    /// Problems of the tree itself (two files for one module, a link to outside) that are new, and edits that have
    /// to wait because of them.
    pub(super) fn new_tree_problems(&mut self) -> Vec<Problem> {
        let now: Vec<_> = self
            .snapshot
            .problems
            .iter()
            .map(|it| it.message.clone())
            .collect();
        let before = std::mem::replace(&mut self.tree_problems, now);
        let problems = self.snapshot.problems.iter();
        let new = problems.filter(|problem| !before.contains(&problem.message));
        let new = new.map(|problem: &SourceProblem| Problem {
            hint: self.hint_of(problem),
            ..Problem::from(problem)
        });
        let new: Vec<Problem> = new.collect();
        new.into_iter()
            .chain(self.waiting_edits.drain(..))
            .collect()
    }

    pub(super) fn report_tree_problems(
        &mut self,
        changed: Vec<String>,
        began: Instant,
    ) -> Option<Arc<Report>> {
        let had = !self.tree_problems.is_empty();
        let problems = self.new_tree_problems();
        let cleared = had && self.tree_problems.is_empty();
        if problems.is_empty() && !cleared {
            return None;
        }
        let occasion = Occasion::new(Trigger::Files, changed, began);
        Some(self.report(occasion, Vec::new(), problems))
    }
}

/// The files of these modules, none twice.
pub(super) fn files(modules: &BTreeSet<ModuleId>) -> Vec<String> {
    let path = |id: &ModuleId| {
        if id.is_alias() {
            format!("lua/{LUAURC}")
        } else {
            id.path()
        }
    };
    let paths: BTreeSet<String> = modules.iter().map(path).collect();
    paths.into_iter().collect()
}
