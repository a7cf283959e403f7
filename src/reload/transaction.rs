//! One reload as a transaction: prepare in every affected VM; then, in each part of the change, all cogs commit or none
//! does.
//!
//! ```text
//! attempt (prepare) ─ claims (who has which name) ─ members (who hangs together) ─ attempt (commit, or forget) ─ routes
//! ```
//!
//! From what `members` tells the plan's `parts` follow: who is held back.

mod attempt;
mod claims;
mod members;

use super::plan::parts::{Bonds, Tie};
use super::plan::{Action, Plan, TrialPlan};
use super::report::Trigger;
use super::sources::Snapshot;
use crate::cogs::actor::Committed;
use crate::cogs::handle::CogHandle;
use crate::cogs::host::Cogs;
use crate::cogs::live::{Offer, Trial};
use crate::cogs::name_owners;
use crate::history::Undone;
use crate::problem::Problem;
use crate::vm::load_trace::{LoadTrace, Seen};
use crate::vm::resolve::ModuleId;
use attempt::{Attempt, end, prepare, show_source};
use claims::refuse_conflicts;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a cog came out of a transaction.
#[derive(Debug)]
pub enum CogResult {
    /// It runs the new code.
    Committed(Offer, Box<Committed>),
    /// One guild runs the new code.
    Tried(Offer, Box<Committed>),
    /// The new code could not be loaded, because of its own files.
    Failed(Box<LoadFailure>),
    /// The new code could be loaded, but these connected cogs failed.
    HeldBack(Offer, Vec<String>),
    /// The new code could be loaded, but the host failed in its task, so it is built again.
    Lost(Offer),
    /// It runs no more.
    Unloaded,
    /// Its file is deleted, but it still runs, because these connected cogs failed.
    Stays(Vec<String>),
}

/// Why a cog's new code could not be loaded.
#[derive(Debug, Default)]
pub struct LoadFailure {
    /// For the report.
    pub problem: Problem,
    /// What the attempt has read and looked for.
    pub trace: LoadTrace,
    /// The modules of other cogs that were in the way: when one of them changes, another attempt is worthwhile.
    pub others: BTreeSet<ModuleId>,
    /// What it would have declared, if that is known.
    pub wanted: Option<BTreeSet<Tie>>,
}

/// The results of a transaction's cogs, with and in the order of their names.
pub type Results = Vec<(String, Arc<CogHandle>, CogResult)>;

/// What carrying out a transaction needs.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// All cogs.
    pub cogs: &'a Cogs,
    /// What connects the plan's cogs apart from their stale modules.
    pub bonds: &'a Bonds,
    /// The sources.
    pub snapshot: &'a Arc<Snapshot>,
    /// What began it.
    pub trigger: Trigger,
}

/// Carries out `plan`, whose cogs have nothing in common but what is stale, with the sources of `snapshot`. The
/// results are in the plan's order.
pub async fn run(cogs: &Cogs, plan: &Plan, snapshot: &Arc<Snapshot>, trigger: Trigger) -> Results {
    let bonds = &Bonds::default();
    let means = Means {
        cogs,
        bonds,
        snapshot,
        trigger,
    };
    run_bound(means, plan).await
}

/// The same with what the cogs have in common.
pub(super) async fn run_bound(means: Means<'_>, plan: &Plan) -> Results {
    let cogs = means.cogs;
    let (gone, stay): (Vec<_>, Vec<_>) = plan
        .cogs
        .iter()
        .partition(|cog| cog.action == Action::Unload);
    let prepared = stay.into_iter().map(|cog| prepare(means, cog));
    let mut attempts = join_all(prepared).await;
    // Other transactions run beside this one: only one at a time decides which cog has which command.
    let _alone = cogs.committing.lock().await;
    refuse_conflicts(means, &gone, &mut attempts);
    for attempt in &mut attempts {
        show_source(attempt, means.snapshot);
    }
    let mut held = members::held(means, &attempts, &gone);
    let ended = attempts.into_iter().map(|attempt| {
        let by = held.remove(&attempt.plan.name);
        end(attempt, by)
    });
    let ended: Vec<_> = ended.collect();
    let mut results = join_all(ended).await;
    results.extend(gone.iter().filter_map(|cog| {
        let (handle, result) = match held.remove(&cog.name) {
            Some(by) => (cogs.get(&cog.name)?, CogResult::Stays(by)),
            None => (cogs.take(&cog.name)?, CogResult::Unloaded),
        };
        Some((cog.name.clone(), handle, result))
    }));
    let undone = plan.cogs.iter();
    let undone = undone.filter_map(|cog| Some((cog.name.as_str(), cog.undone.as_ref()?)));
    let undone: BTreeMap<&str, &Arc<Undone>> = undone.collect();
    for (name, handle, result) in &results {
        if let CogResult::Committed(offer, committed) = result {
            let undone = undone.get(name.as_str()).map(|undone| Arc::clone(undone));
            let now = cogs.services.clock.unix();
            handle.note_commit(&committed.live, offer, undone, now);
        } else if let CogResult::Tried(offer, committed) = result {
            let wanted = plan.cogs.iter().find(|cog| cog.name == *name);
            if let Some(wanted) = wanted.and_then(|cog| cog.trial.as_ref()) {
                note_trial(cogs, handle, wanted, offer, committed);
            }
        } else {
            tracing::trace!(cog = %name, "Left as it was");
        }
    }
    cogs.update_routes(results.iter().map(|(name, ..)| name.as_str()));
    remember_names(cogs, &results).await;
    for (_, handle, result) in &results {
        if matches!(result, CogResult::Unloaded) {
            Arc::clone(handle).begin_unload("unload");
        }
    }
    results.sort_by(|one, other| one.0.cmp(&other.0));
    results
}

/// Notes that a guild tries a version from now on, or another version than before.
fn note_trial(
    cogs: &Cogs,
    handle: &CogHandle,
    wanted: &TrialPlan,
    offer: &Offer,
    committed: &Committed,
) {
    let former = handle.trial();
    let since = former.map(|former| former.since);
    handle.note_trial(Some(Trial {
        guild: wanted.guild,
        since: since.unwrap_or_else(|| cogs.services.clock.unix()),
        by: wanted.by.clone(),
        offer: offer.clone(),
        generation: Arc::clone(&committed.live.generation),
        problem: None,
        attempted: Seen::new(),
    }));
}

/// Prepares everything that `plan` loads and commits none of it. Returns what each cog would offer, or why it would
/// fail. In the plan's order.
pub async fn rehearse(
    cogs: &Cogs,
    plan: &Plan,
    snapshot: &Arc<Snapshot>,
) -> Vec<(String, Result<Offer, Box<LoadFailure>>)> {
    let means = Means {
        cogs,
        bonds: &Bonds::default(),
        snapshot,
        trigger: Trigger::Start,
    };
    let prepared = plan.cogs.iter().map(|cog| prepare(means, cog));
    let mut attempts = join_all(prepared).await;
    refuse_conflicts(means, &[], &mut attempts);
    for attempt in &mut attempts {
        show_source(attempt, snapshot);
    }
    let ended = attempts.into_iter().map(|attempt| async move {
        attempt.handle.abort().await;
        (attempt.plan.name.clone(), attempt.prepared)
    });
    join_all(ended).await
}

/// Stores which cog has which name, for the next start.
async fn remember_names(cogs: &Cogs, results: &Results) {
    let routes = cogs.routes();
    for (name, handle, result) in results {
        match result {
            CogResult::Committed(..) => {
                let file = handle.peek(|status| status.entry.file().to_owned());
                let claims = routes.claims(name).cloned().unwrap_or_default();
                cogs.names.set(name, name_owners::Held { file, claims });
            }
            CogResult::Unloaded => cogs.names.release(name),
            CogResult::Tried(..)
            | CogResult::Failed(_)
            | CogResult::HeldBack(..)
            | CogResult::Lost(_)
            | CogResult::Stays(_) => {}
        }
    }
    save_names(cogs).await;
}

/// Writes the names to the disk, if any have changed, on a thread for work that blocks. Such a thread may be busy with
/// the history for a while, and nothing is to wait for that.
pub(super) async fn save_names(cogs: &Cogs) {
    if !cogs.names.are_dirty() {
        return;
    }
    let names = Arc::clone(&cogs.names);
    // A panic there is a bug in the host; the names are written with the next change.
    let _saved = tokio::task::spawn_blocking(move || names.save())
        .await
        .is_ok();
}

/// What the load of an offer has read and looked for.
pub(super) fn trace_of(offer: &Offer) -> LoadTrace {
    let generation = offer.generation.as_ref();
    generation.map(|it| it.trace()).unwrap_or_default()
}

/// All that the modules of an offer have read or looked for.
fn seen_by(offer: &Offer) -> BTreeSet<ModuleId> {
    trace_of(offer).seen().cloned().collect()
}
