//! One reload as a transaction: prepare in every affected VM, then of each part of the change all commit or none
//! does.
//!
//! `claims` decides who has which name; `members` tells what the cogs have in common, from which the plan's `parts`
//! follow.

mod claims;
mod members;

use super::plan::parts::{Bonds, Tie};
use super::plan::{Action, CogPlan, Plan};
use super::report::Trigger;
use super::sources::Snapshot;
use crate::cogs::actor::Committed;
use crate::cogs::handle::CogHandle;
use crate::cogs::host::Cogs;
use crate::cogs::live::Offer;
use crate::cogs::names;
use crate::cogs::prepare::PrepareRequest;
use crate::problem::Problem;
use crate::vm::load_trace::LoadTrace;
use crate::vm::require::PrepareFailure;
use crate::vm::resolve::ModuleId;
use crate::vm::trace::Fault;
use claims::refuse_conflicts;
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How a cog came out of a transaction.
#[derive(Debug)]
pub enum CogResult {
    /// It runs the new code.
    Committed(Offer, Box<Committed>),
    /// It could not take it, on its own account.
    Failed(Box<LoadFailure>),
    /// It could have, and these siblings could not.
    HeldBack(Offer, Vec<String>),
    /// It could have, and the host failed in its task, which has it built anew.
    Lost(Offer),
    /// It runs no more.
    Unloaded,
    /// Its file is gone, and it runs on, as it hangs together with these siblings, which failed.
    Stays(Vec<String>),
}

/// Why a cog could not take new code.
#[derive(Debug, Default)]
pub struct LoadFailure {
    /// For the report.
    pub problem: Problem,
    /// What the attempt has read and looked for.
    pub trace: LoadTrace,
    /// What the cog has seen that was in the way: once that says something else, it is worth another try.
    pub others: BTreeSet<ModuleId>,
    /// What it would have had, if that is known.
    pub wanted: Option<BTreeSet<Tie>>,
}

/// A cog while the transaction goes on.
struct Attempt<'a> {
    plan: &'a CogPlan,
    handle: Arc<CogHandle>,
    prepared: Result<Offer, Box<LoadFailure>>,
}

/// Carries out `plan`, whose cogs have nothing in common but what is stale, with the sources of `snapshot`. The
/// results are in the plan's order.
pub async fn run(
    cogs: &Cogs,
    plan: &Plan,
    snapshot: &Arc<Snapshot>,
    trigger: Trigger,
) -> Vec<(String, Arc<CogHandle>, CogResult)> {
    run_bound(cogs, plan, &Bonds::default(), snapshot, trigger).await
}

/// The same with what the cogs have in common.
pub async fn run_bound(
    cogs: &Cogs,
    plan: &Plan,
    bonds: &Bonds,
    snapshot: &Arc<Snapshot>,
    trigger: Trigger,
) -> Vec<(String, Arc<CogHandle>, CogResult)> {
    let (gone, stay): (Vec<_>, Vec<_>) = plan
        .cogs
        .iter()
        .partition(|cog| cog.action == Action::Unload);
    let prepared = stay
        .into_iter()
        .map(|cog| prepare(cogs, cog, snapshot, trigger));
    let mut attempts = join_all(prepared).await;
    // Others go on beside this one: who has which command is decided by one after the other.
    let _alone = cogs.committing.lock().await;
    refuse_conflicts(cogs, &gone, &mut attempts, snapshot);
    for attempt in &mut attempts {
        show_source(attempt, snapshot);
    }
    let mut held = members::held(cogs, &attempts, &gone, bonds, snapshot);
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
    for (name, handle, result) in &results {
        if let CogResult::Committed(offer, committed) = result {
            handle.note_commit(&committed.live, offer, cogs.services.clock.unix());
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

/// Prepares everything that `plan` loads and takes none of it: what each cog would bring, or why it would
/// fail. In the plan's order.
pub async fn rehearse(
    cogs: &Cogs,
    plan: &Plan,
    snapshot: &Arc<Snapshot>,
) -> Vec<(String, Result<Offer, Box<LoadFailure>>)> {
    let prepared = plan
        .cogs
        .iter()
        .map(|cog| prepare(cogs, cog, snapshot, Trigger::Start));
    let mut attempts = join_all(prepared).await;
    refuse_conflicts(cogs, &[], &mut attempts, snapshot);
    for attempt in &mut attempts {
        show_source(attempt, snapshot);
    }
    let ended = attempts.into_iter().map(|attempt| async move {
        attempt.handle.abort().await;
        (attempt.plan.name.clone(), attempt.prepared)
    });
    join_all(ended).await
}

/// Remembers which cog has which name, for the next start.
async fn remember_names(cogs: &Cogs, results: &[(String, Arc<CogHandle>, CogResult)]) {
    let routes = cogs.routes();
    for (name, handle, result) in results {
        match result {
            CogResult::Committed(..) => {
                let file = handle.peek(|status| status.entry.file().to_owned());
                let claims = routes.claims(name).cloned().unwrap_or_default();
                cogs.names.set(name, names::Held { file, claims });
            }
            CogResult::Unloaded => cogs.names.release(name),
            CogResult::Failed(_)
            | CogResult::HeldBack(..)
            | CogResult::Lost(_)
            | CogResult::Stays(_) => {}
        }
    }
    save_names(cogs).await;
}

/// Writes the names to the disk, on a thread for work that blocks.
pub(super) async fn save_names(cogs: &Cogs) {
    let names = Arc::clone(&cogs.names);
    // A panic there is the host's own, and what it has not written is written with the next change.
    let _saved = tokio::task::spawn_blocking(move || names.save())
        .await
        .is_ok();
}

/// How long a cog may keep a reload waiting: others wait for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// [`PATIENCE`], or what several top levels may take if that is more.
fn patience(cogs: &Cogs) -> Duration {
    let slice = cogs.services.config.load().limits.cpu_ms;
    PATIENCE.max(4 * Duration::from_millis(slice.into()))
}

/// The failure of a cog that did not even try.
fn unasked(plan: &CogPlan, message: String, hint: String) -> Box<LoadFailure> {
    Box::new(LoadFailure {
        problem: Problem {
            cog: Some(plan.name.clone()),
            message,
            hint: Some(hint),
            ..Problem::default()
        },
        ..LoadFailure::default()
    })
}

/// A cog that starts in quarantine is not even tried: it is when its file says something else.
fn kept_away(plan: &CogPlan, snapshot: &Snapshot, problem: Problem) -> Box<LoadFailure> {
    let entry = &plan.entry;
    let read = snapshot.hash(entry).map(|hash| (entry.clone(), hash));
    Box::new(LoadFailure {
        problem,
        trace: LoadTrace {
            read: read.into_iter().collect(),
            ..LoadTrace::default()
        },
        ..LoadFailure::default()
    })
}

async fn prepare<'a>(
    cogs: &Cogs,
    plan: &'a CogPlan,
    snapshot: &Arc<Snapshot>,
    trigger: Trigger,
) -> Attempt<'a> {
    let mut handle = cogs.get_or_start(&plan.name, &plan.entry);
    if handle.has_ended() {
        cogs.remove(&plan.name);
        handle = cogs.get_or_start(&plan.name, &plan.entry);
    }
    if trigger == Trigger::Start
        && let Some(problem) = handle.condition().quarantine().cloned()
    {
        return Attempt {
            plan,
            prepared: Err(kept_away(plan, snapshot, problem)),
            handle,
        };
    }
    let request = PrepareRequest {
        snapshot: Arc::clone(snapshot) as _,
        entry: plan.entry.clone(),
        keep: (!plan.afresh).then(|| plan.keep.clone()),
        reason: match trigger {
            Trigger::Start => "start",
            Trigger::Files | Trigger::Command if handle.has_version() => "reload",
            Trigger::Files | Trigger::Command => "load",
        },
    };
    let patience = patience(cogs);
    let preparing = tokio::time::timeout(patience, handle.prepare(request));
    let prepared = match preparing.await {
        Ok(Some(Ok(offer))) => Ok(offer),
        Ok(Some(Err(failure))) => Err(Box::new(load_failure(&handle, snapshot, failure))),
        Ok(None) => Err(unasked(
            plan,
            "the bot itself failed while it loaded this cog; its log says where".to_owned(),
            format!(
                "`!reload cog {}` tries it again; please report this",
                plan.name
            ),
        )),
        Err(_late) => Err(unasked(
            plan,
            format!(
                "it was too busy to load anything within {} s",
                patience.as_secs()
            ),
            format!("`!reload cog {}` tries it again", plan.name),
        )),
    };
    Attempt {
        plan,
        handle,
        prepared,
    }
}

/// Adds the source lines to a problem that has none yet.
fn show_source(attempt: &mut Attempt<'_>, snapshot: &Snapshot) {
    if let Err(failure) = &mut attempt.prepared
        && let Some(place) = failure.problem.place.as_mut()
        && place.excerpt.is_empty()
        && let Some(text) = text_of(snapshot, &place.file)
    {
        place.add_excerpt(&text);
    }
}

fn text_of(snapshot: &Snapshot, file: &str) -> Option<String> {
    let source = snapshot.in_file(file)?;
    Some(source.text.to_string())
}

fn load_failure(handle: &CogHandle, snapshot: &Snapshot, failure: PrepareFailure) -> LoadFailure {
    let source = |file: &str| text_of(snapshot, file);
    let mut problem = failure.fault.problem(&handle.name, &source);
    if matches!(failure.fault, Fault::Syntax { .. }) {
        problem.hint = None;
    }
    LoadFailure {
        problem,
        trace: failure.trace,
        ..LoadFailure::default()
    }
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

/// Commits an attempt, or forgets it if it failed or others hold it back.
async fn end(
    attempt: Attempt<'_>,
    held_by: Option<Vec<String>>,
) -> (String, Arc<CogHandle>, CogResult) {
    let Attempt {
        plan,
        handle,
        prepared,
    } = attempt;
    let result = match (prepared, held_by) {
        (Ok(offer), None) => match handle.commit().await {
            Some(committed) => CogResult::Committed(offer, Box::new(committed)),
            None => CogResult::Lost(offer),
        },
        (Ok(offer), Some(by)) => {
            handle.abort().await;
            CogResult::HeldBack(offer, by)
        }
        (Err(failure), _) => {
            // It may be too busy to answer.
            handle.begin_abort();
            CogResult::Failed(failure)
        }
    };
    (plan.name.clone(), handle, result)
}
