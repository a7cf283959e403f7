//! Carries out a plan and notes the result for each cog, for the report and for the next plan.

use super::super::graph::CogView;
use super::super::plan::parts::Bonds;
use super::super::plan::{Plan, TrialPlan};
use super::super::report::{CogOutcome, CogReport, Report, TrialReport, UndoneReport};
use super::super::sources::{ModuleId, Snapshot};
use super::super::transaction::{self, CogResult, LoadFailure, Means, Results};
use super::reports::Occasion;
use super::{Asker, Controller};
use crate::api::condition::Transition;
use crate::cogs::handle::CogHandle;
use crate::cogs::live::Offer;
use crate::problem::Problem;
use crate::vm::load_trace::{LoadTrace, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What is to be done, with which sources, and why.
pub(super) struct Transaction {
    pub(super) plan: Plan,
    bonds: Bonds,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) occasion: Occasion,
    /// Who asked for it in chat.
    asker: Option<Arc<Asker>>,
}

impl Transaction {
    /// The sources that a cog's attempt has read, and the files that it did not find: the attempt is not repeated while
    /// all of this is unchanged.
    fn attempted<'a>(
        &'a self,
        name: &str,
        trace: &'a LoadTrace,
        others: impl IntoIterator<Item = &'a ModuleId>,
    ) -> Seen {
        let plan = self.plan.cogs.iter().find(|cog| cog.name == name);
        let stale = plan.into_iter().flat_map(|cog| &cog.stale);
        let seen = stale.chain(trace.seen()).chain(others);
        let undone = plan.and_then(|plan| plan.undone.as_ref());
        let hash = |id: &ModuleId| {
            let kept = undone.and_then(|undone| undone.kept.hash(id));
            kept.or_else(|| self.snapshot.hash(id))
        };
        seen.map(|id| (id.clone(), hash(id))).collect()
    }

    pub(super) fn attempted_in(&self, name: &str, failure: &LoadFailure) -> Seen {
        self.attempted(name, &failure.trace, &failure.others)
    }

    /// Who is to try a cog's new code, if not all guilds run it.
    fn trial_of(&self, name: &str) -> Option<&TrialPlan> {
        let plan = self.plan.cogs.iter().find(|cog| cog.name == name);
        plan.and_then(|plan| plan.trial.as_ref())
    }

    /// The sources that each failed cog has read.
    fn seen_by_failed(&self, results: &Results) -> BTreeMap<String, Seen> {
        let failed = results.iter().filter_map(|(name, _, result)| match result {
            CogResult::Failed(failure) => Some((name.clone(), self.attempted_in(name, failure))),
            _ => None,
        });
        failed.collect()
    }
}

/// For each cog that holds others back: the cogs that wait for it, in order of name.
fn waiting_for(results: &Results) -> BTreeMap<String, Vec<String>> {
    let mut waiting: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, _, result) in results {
        if let CogResult::HeldBack(_, by) | CogResult::Stays(by) = result {
            for failing in by {
                waiting
                    .entry(failing.clone())
                    .or_default()
                    .push(name.clone());
            }
        }
    }
    waiting
}

/// How many cogs a hint names one by one.
const MOST_NAMES: usize = 10;

/// Adds to a failure which cogs wait until it is fixed.
fn tell_waiting(problem: &mut Problem, waiting: &[String]) {
    let names: Vec<&str> = waiting
        .iter()
        .take(MOST_NAMES)
        .map(String::as_str)
        .collect();
    let more = match waiting.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let told = format!(
        "held back until this is fixed, because their changes hang together: {}{more}",
        names.join(", ")
    );
    problem.hint = Some(match problem.hint.take() {
        Some(hint) => format!("{hint}; {told}"),
        None => told,
    });
}

impl Controller {
    /// A transaction with the sources as they are now.
    pub(super) fn begin(&mut self, plan: Plan, occasion: Occasion) -> Transaction {
        let sources = self.snapshot.as_ref();
        let bonds = Bonds::of(&plan, &self.graph, &self.being_taken, sources);
        plan.mark_dirty_in(&mut self.graph);
        Transaction {
            plan,
            bonds,
            snapshot: Arc::clone(&self.snapshot),
            occasion,
            asker: self.asker.clone(),
        }
    }

    /// Lets a transaction continue as a task.
    pub(super) fn run_transaction(&self, transaction: &Transaction) -> JoinHandle<Results> {
        let cogs = Arc::clone(&self.cogs);
        let (plan, bonds) = (transaction.plan.clone(), transaction.bonds.clone());
        let snapshot = Arc::clone(&transaction.snapshot);
        let trigger = transaction.occasion.trigger;
        tokio::spawn(async move {
            let means = Means {
                cogs: &cogs,
                bonds: &bonds,
                snapshot: &snapshot,
                trigger,
            };
            transaction::run_bound(means, &plan).await
        })
    }

    /// Notes the results of a transaction, and reports them.
    pub(super) fn conclude(&mut self, transaction: &Transaction, results: Results) -> Arc<Report> {
        let mut cogs = Vec::new();
        let mut problems = self.new_tree_problems();
        let seen = transaction.seen_by_failed(&results);
        let blamed = &|by: &[String]| -> Seen {
            let seen = by.iter().filter_map(|name| seen.get(name)).flatten();
            seen.map(|(id, hash)| (id.clone(), *hash)).collect()
        };
        let waiting = waiting_for(&results);
        for (name, handle, mut result) in results {
            let trial = transaction.trial_of(&name);
            if trial.is_none() || matches!(result, CogResult::Tried(..)) {
                self.record(transaction, &handle, &result);
            }
            if let CogResult::Failed(failure) = &mut result {
                if let Some(waiting) = waiting.get(&name) {
                    tell_waiting(&mut failure.problem, waiting);
                }
                problems.push(failure.problem.clone());
            }
            let outcome = match trial {
                Some(_) => self.conclude_trial(transaction, &handle, result),
                None => self.conclude_cog(transaction, &handle, result, blamed),
            };
            cogs.extend(outcome.map(|outcome| report_of(&handle, outcome)));
        }
        self.forget_trials_of(transaction);
        self.ask_for_intents();
        self.report(transaction.occasion.clone(), cogs, problems)
    }

    pub(super) fn ask_for_intents(&self) {
        self.intents.send_if_modified(|intents| {
            let needed = self.cogs.routes().intents();
            std::mem::replace(intents, needed) != needed
        });
    }

    /// Updates a cog with its result, for the next plan. Returns the outcome for the report, if it should be reported.
    fn conclude_cog(
        &mut self,
        transaction: &Transaction,
        handle: &CogHandle,
        result: CogResult,
        blamed: impl Fn(&[String]) -> Seen,
    ) -> Option<CogOutcome> {
        let name = &handle.name;
        match result {
            CogResult::Committed(..) => {
                self.trials.remove(name);
                let cause = &transaction.occasion.cause;
                let asker = transaction.asker.as_ref();
                self.guarding.note_commit(handle, asker, cause);
                self.put(handle);
                Some(CogOutcome::of_commit(&handle.condition()))
            }
            CogResult::Unloaded => {
                self.trials.remove(name);
                self.graph.remove(name);
                self.guarding.forget(name);
                Some(CogOutcome::Unloaded)
            }
            CogResult::Failed(failure) => {
                let attempted = transaction.attempted_in(name, &failure);
                let LoadFailure { problem, trace, .. } = *failure;
                let why = Transition::LoadFailed(problem);
                Some(self.not_taken(handle, why, attempted, Some(trace)))
            }
            // Only plans for one guild end like this: see `trial`.
            CogResult::Tried(..) => None,
            // It is tried again when one of the two has changed.
            CogResult::HeldBack(offer, by) => {
                let blamed = blamed(&by);
                let why = Transition::HeldBack(by);
                Some(self.put_off(transaction, handle, why, &offer, blamed))
            }
            CogResult::Lost(offer) => {
                let why = Transition::Cleared;
                Some(self.put_off(transaction, handle, why, &offer, Seen::new()))
            }
            // It is removed when the cog that holds it back has changed.
            CogResult::Stays(by) => {
                let mut attempted = blamed(&by);
                // It may now be a module of the cog whose folder contains it.
                let entry = handle.peek(|status| status.entry.clone());
                let says = transaction.snapshot.hash(&entry);
                attempted.insert(entry, says);
                self.not_taken(handle, Transition::HeldBack(by), attempted, None);
                self.graph.mark_dirty(name);
                None
            }
        }
    }

    /// Notes that a cog could have been committed, but was not.
    fn put_off(
        &mut self,
        transaction: &Transaction,
        handle: &CogHandle,
        why: Transition,
        offer: &Offer,
        blamed: Seen,
    ) -> CogOutcome {
        let trace = transaction::trace_of(offer);
        let mut attempted = transaction.attempted(&handle.name, &trace, []);
        attempted.extend(blamed);
        let outcome = self.not_taken(handle, why, attempted, Some(trace));
        self.graph.mark_dirty(&handle.name);
        outcome
    }

    fn not_taken(
        &mut self,
        handle: &CogHandle,
        why: Transition,
        attempted: Seen,
        trace: Option<LoadTrace>,
    ) -> CogOutcome {
        let condition = handle.note_attempt(why, attempted, trace);
        self.put(handle);
        CogOutcome::of_refusal(&condition)
    }
}

pub(super) fn report_of(cog: &CogHandle, outcome: CogOutcome) -> CogReport {
    CogReport {
        name: cog.name.to_string(),
        outcome,
        version: match outcome {
            CogOutcome::Unloaded => 0,
            _ => cog.condition().version(),
        },
        executed: match outcome {
            CogOutcome::Loaded | CogOutcome::Reloaded => {
                cog.peek(|status| status.offer.executed.iter().map(ModuleId::dotted).collect())
            }
            CogOutcome::Tried => cog.trial().map_or_else(Vec::new, |trial| {
                trial.offer.executed.iter().map(ModuleId::dotted).collect()
            }),
            _ => Vec::new(),
        },
        undone: cog.peek(|status| status.undone.as_deref().map(UndoneReport::from)),
        trial: cog.trial().as_deref().map(TrialReport::from),
    }
}

/// What the plan must know of a cog.
pub(super) fn view_of(cog: &CogHandle) -> CogView {
    let (status, condition) = cog.known();
    // A cog in quarantine may have tried another version since.
    let (trace, failed) = match &status.generation {
        Some(generation) if condition.answers() || status.trace.read.is_empty() => {
            (generation.trace(), generation.failed())
        }
        _ => (status.trace, BTreeSet::new()),
    };
    CogView {
        name: cog.name.to_string(),
        entry: status.entry,
        trace,
        failed,
        condition,
        undone: status.undone,
        attempted: status.attempted,
    }
}
