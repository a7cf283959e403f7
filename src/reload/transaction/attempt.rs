//! One cog's attempt to load new code: it is prepared, and then committed or dropped.

use super::{CogResult, LoadFailure, Means};
use crate::cogs::handle::CogHandle;
use crate::cogs::host::Cogs;
use crate::cogs::live::Offer;
use crate::cogs::prepare::PrepareRequest;
use crate::history::KeptSources;
use crate::problem::Problem;
use crate::reload::plan::CogPlan;
use crate::reload::report::Trigger;
use crate::reload::sources::Snapshot;
use crate::vm::generation;
use crate::vm::load_trace::LoadTrace;
use crate::vm::require::PrepareFailure;
use crate::vm::resolve::Modules;
use crate::vm::trace::Fault;
use std::sync::Arc;
use std::time::Duration;

/// A cog while the transaction runs.
pub(super) struct Attempt<'a> {
    pub(super) plan: &'a CogPlan,
    pub(super) handle: Arc<CogHandle>,
    pub(super) prepared: Result<Offer, Box<LoadFailure>>,
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

/// A cog that starts in quarantine is not even prepared until its file has changed.
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

/// What a cog's attempt reads.
fn sources_of(plan: &CogPlan, snapshot: &Arc<Snapshot>) -> generation::Snapshot {
    let now = Arc::clone(snapshot) as generation::Snapshot;
    match &plan.undone {
        Some(undone) => Arc::new(KeptSources::over(&undone.kept, now)),
        None => now,
    }
}

/// Asks a cog to make its next generation.
pub(super) async fn prepare<'a>(means: Means<'_>, plan: &'a CogPlan) -> Attempt<'a> {
    let Means {
        cogs,
        snapshot,
        trigger,
        ..
    } = means;
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
    let sources = sources_of(plan, snapshot);
    let request = PrepareRequest {
        snapshot: Arc::clone(&sources),
        entry: plan.entry.clone(),
        keep: (!plan.afresh).then(|| plan.keep.clone()),
        reason: match trigger {
            Trigger::Start => "start",
            Trigger::Files | Trigger::Command if handle.has_version() => "reload",
            Trigger::Files | Trigger::Command => "load",
        },
        guild: plan.trial.as_ref().map(|trial| trial.guild),
    };
    let patience = patience(cogs);
    let preparing = tokio::time::timeout(patience, handle.prepare(request));
    let prepared = match preparing.await {
        Ok(Some(Ok(offer))) => Ok(offer),
        Ok(Some(Err(failure))) => Err(Box::new(load_failure(&handle, sources.as_ref(), failure))),
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
pub(super) fn show_source(attempt: &mut Attempt<'_>, snapshot: &Arc<Snapshot>) {
    if let Err(failure) = &mut attempt.prepared
        && let Some(place) = failure.problem.place.as_mut()
        && place.excerpt.is_empty()
        && let Some(text) = text_of(sources_of(attempt.plan, snapshot).as_ref(), &place.file)
    {
        place.add_excerpt(&text);
    }
}

fn text_of(sources: &dyn Modules, file: &str) -> Option<String> {
    let source = sources.in_file(file)?;
    Some(source.text.to_string())
}

fn load_failure(handle: &CogHandle, sources: &dyn Modules, failure: PrepareFailure) -> LoadFailure {
    let source = |file: &str| text_of(sources, file);
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

/// Commits an attempt, or drops it if it failed or others hold it back.
pub(super) async fn end(
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
            Some(committed) if plan.trial.is_some() => CogResult::Tried(offer, Box::new(committed)),
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
