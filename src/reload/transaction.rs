//! One reload as a transaction: prepare in every affected VM, then all commit or none does.

use super::plan::{Action, CogPlan, Plan};
use super::report::Problem;
use super::sources::Snapshot;
use crate::cogs::actor::Committed;
use crate::cogs::host::{ADMIN_COMMANDS, CogHandle, Cogs, command_names};
use crate::cogs::live::Offer;
use crate::cogs::prepare::{Refusal, Request};
use crate::commands::conflicts::conflicts;
use crate::vm::resolve::{ContentHash, ModuleId};
use crate::vm::trace::Fault;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a cog came out of a transaction.
#[derive(Debug)]
pub enum Result {
    /// It runs the new code.
    Committed(Offer, Box<Committed>),
    /// It could not take it, on its own account.
    Failed(Box<Failure>),
    /// It could have, and a sibling could not.
    HeldBack,
    /// It runs no more.
    Unloaded,
}

/// Why a cog could not take new code.
#[derive(Debug)]
pub struct Failure {
    /// For the report.
    pub problem: Problem,
    /// The requires of the attempt.
    pub edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
    /// The sources that the attempt read.
    pub read: BTreeMap<ModuleId, ContentHash>,
}

/// A cog while the transaction goes on.
struct Attempt<'a> {
    plan: &'a CogPlan,
    handle: Arc<CogHandle>,
    prepared: std::result::Result<Offer, Box<Failure>>,
}

/// Carries out `plan` with the sources of `snapshot`. The results are in the plan's order.
pub async fn run(
    cogs: &Cogs,
    plan: &Plan,
    snapshot: &Arc<Snapshot>,
    reason: &'static str,
) -> Vec<(String, Arc<CogHandle>, Result)> {
    let (gone, stay): (Vec<_>, Vec<_>) = plan
        .cogs
        .iter()
        .partition(|cog| cog.action == Action::Unload);
    let prepared = stay
        .into_iter()
        .map(|cog| prepare(cogs, cog, snapshot, reason));
    let mut attempts = join_all(prepared).await;
    refuse_conflicts(cogs, &gone, &mut attempts);
    let holds = |attempt: &Attempt<'_>| attempt.prepared.is_err() && attempt.plan.holds_back;
    let all_held = attempts.iter().any(holds);
    let ended = attempts.into_iter().map(|attempt| end(attempt, all_held));
    let mut results = join_all(ended).await;
    if !all_held {
        results.extend(gone.iter().filter_map(|cog| {
            let handle = cogs.remove(&cog.name)?;
            Some((cog.name.clone(), handle, Result::Unloaded))
        }));
    }
    for (name, handle, result) in &results {
        if let Result::Committed(offer, committed) = result {
            record_commit(cogs, handle, offer, committed);
        } else {
            tracing::trace!(cog = %name, "Left as it was");
        }
    }
    cogs.rebuild_routes();
    for (_, handle, result) in &results {
        if matches!(result, Result::Unloaded) {
            let handle = Arc::clone(handle);
            tokio::spawn(async move { handle.unload("unload").await });
        }
    }
    results.sort_by(|one, other| one.0.cmp(&other.0));
    results
}

/// What the rest of the bot knows from now on.
fn record_commit(cogs: &Cogs, handle: &CogHandle, offer: &Offer, committed: &Committed) {
    let live = &committed.live;
    let now = cogs.services.clock.unix();
    handle.update(|status| {
        status.entry = live.generation.entry().clone();
        status.version += 1;
        status.loaded_at = now;
        status.offer = offer.clone();
        status.generation = Some(Arc::clone(&live.generation));
        status.problem = None;
        status.failing = false;
        status.attempted.clear();
        status.memory = live.vm.memory();
    });
}

async fn prepare<'a>(
    cogs: &Cogs,
    plan: &'a CogPlan,
    snapshot: &Arc<Snapshot>,
    reason: &'static str,
) -> Attempt<'a> {
    let handle = cogs.get_or_start(&plan.name, &plan.entry);
    let request = Request {
        snapshot: Arc::clone(snapshot) as _,
        entry: plan.entry.clone(),
        keep: (!plan.keep.is_empty() || plan.action == Action::Reload && !is_afresh(plan))
            .then(|| plan.keep.clone()),
        reason,
    };
    let prepared = match handle.prepare(request).await {
        Some(Ok(offer)) => Ok(offer),
        Some(Err(refusal)) => Err(Box::new(failure(&handle, snapshot, refusal))),
        None => Err(Box::new(Failure {
            problem: Problem {
                cog: Some(plan.name.clone()),
                message: "its task has ended".to_owned(),
                hint: Some("restart the bot, and please report this".to_owned()),
                ..Problem::default()
            },
            edges: BTreeMap::new(),
            read: BTreeMap::new(),
        })),
    };
    Attempt {
        plan,
        handle,
        prepared,
    }
}

/// Whether everything is to be executed anew, in a fresh VM.
fn is_afresh(plan: &CogPlan) -> bool {
    plan.stale.len() == plan.execute.len() && plan.keep.is_empty() && plan.execute.len() > 1
}

fn failure(handle: &CogHandle, snapshot: &Snapshot, refusal: Refusal) -> Failure {
    let source = |file: &str| {
        let found = snapshot.modules.values().find(|it| &*it.path == file);
        found.map(|source| source.text.to_string())
    };
    let mut problem = refusal.fault.problem(&handle.name, &source);
    if matches!(refusal.fault, Fault::Syntax { .. }) {
        problem.hint = None;
    }
    Failure {
        problem,
        edges: refusal.edges,
        read: refusal.read,
    }
}

/// Two commands of one name: the cog that already has it keeps it, and the other's reload fails.
fn refuse_conflicts(cogs: &Cogs, gone: &[&CogPlan], attempts: &mut [Attempt<'_>]) {
    let leaves = |name: &str| {
        gone.iter().any(|plan| plan.name == name)
            || attempts
                .iter()
                .any(|attempt| attempt.plan.name == name && attempt.prepared.is_ok())
    };
    let committed: Vec<_> = cogs
        .all()
        .into_iter()
        .map(|cog| (cog.name.to_string(), cog.status()))
        .filter(|(name, status)| status.is_running() && !leaves(name))
        .collect();
    let mut taken: Vec<(&str, &crate::commands::definition::CommandDefinition)> = Vec::new();
    for (name, status) in &committed {
        taken.extend(
            status
                .offer
                .commands
                .iter()
                .map(|it| (name.as_str(), &it.definition)),
        );
    }
    let mut refused = Vec::new();
    for (index, attempt) in attempts.iter().enumerate() {
        let Ok(offer) = &attempt.prepared else {
            continue;
        };
        let reserved = command_names(offer)
            .into_iter()
            .find(|name| ADMIN_COMMANDS.contains(&name.as_str()));
        let own: Vec<_> = offer
            .commands
            .iter()
            .map(|it| (attempt.plan.name.as_str(), &it.definition))
            .collect();
        let all: Vec<_> = taken.iter().chain(&own).copied().collect();
        if let Some(name) = reserved {
            let message =
                format!("the command name \"{name}\" belongs to the bot itself; take another");
            refused.push((index, message, None));
        } else if let Some(conflict) = conflicts(all).into_iter().next() {
            refused.push((index, conflict.to_string(), conflict.second.1));
        } else {
            taken.extend(own);
        }
    }
    for (index, message, place) in refused {
        let attempt = &mut attempts[index];
        attempt.prepared = Err(Box::new(Failure {
            problem: Problem {
                cog: Some(attempt.plan.name.clone()),
                message,
                place: place.map(|(file, line)| super::report::Place {
                    file,
                    line,
                    ..super::report::Place::default()
                }),
                ..Problem::default()
            },
            edges: BTreeMap::new(),
            read: BTreeMap::new(),
        }));
    }
}

async fn end(attempt: Attempt<'_>, all_held: bool) -> (String, Arc<CogHandle>, Result) {
    let Attempt {
        plan,
        handle,
        prepared,
    } = attempt;
    let result = match prepared {
        Ok(offer) if !all_held => match handle.commit().await {
            Some(committed) => Result::Committed(offer, Box::new(committed)),
            None => Result::HeldBack,
        },
        Ok(_) => {
            handle.abort().await;
            Result::HeldBack
        }
        Err(failure) => {
            handle.abort().await;
            Result::Failed(failure)
        }
    };
    (plan.name.clone(), handle, result)
}
