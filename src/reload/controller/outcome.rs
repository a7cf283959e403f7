//! Carries a plan out and notes how each cog came out of it, for the report and for the next plan.

use super::super::graph::{CogState, CogView};
use super::super::plan::Plan;
use super::super::report::{CogOutcome, CogReport, Report, Trigger};
use super::super::sources::{ContentHash, ModuleId};
use super::super::transaction::{self, Failure, Result as CogResult};
use super::Controller;
use crate::cogs::host::CogHandle;
use crate::cogs::live::Offer;
use crate::problem::Problem;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// Modules and aliases with what they said; nothing for what was not there.
type Seen = BTreeMap<ModuleId, Option<ContentHash>>;

impl Controller {
    pub(super) async fn carry_out(
        &mut self,
        plan: &Plan,
        trigger: Trigger,
        changed: Vec<String>,
        began: Instant,
        reason: &'static str,
    ) -> Arc<Report> {
        self.graph.begin(plan);
        let results = transaction::run(&self.cogs, plan, &self.snapshot, reason).await;
        let mut cogs = Vec::new();
        let mut problems = self.new_tree_problems();
        let blamed = self.blamed(plan, &results);
        for (name, handle, result) in results {
            let outcome = match result {
                CogResult::HeldBack(offer) => self.hold_back(plan, &handle, &offer, &blamed),
                result => self.conclude(plan, &name, &handle, result, &mut problems),
            };
            let status = handle.status();
            cogs.push(CogReport {
                name,
                outcome,
                version: match outcome {
                    CogOutcome::Unloaded => 0,
                    _ => status.version,
                },
                executed: match outcome {
                    CogOutcome::Loaded | CogOutcome::Reloaded => {
                        status.offer.executed.iter().map(ModuleId::dotted).collect()
                    }
                    _ => Vec::new(),
                },
            });
        }
        self.ask_for_intents();
        self.report(trigger, changed, cogs, problems, began)
    }

    pub(super) fn ask_for_intents(&self) {
        self.intents.send_if_modified(|intents| {
            let needed = self.cogs.routes().intents();
            std::mem::replace(intents, needed) != needed
        });
    }

    /// What a cog's attempt has seen, also what it looked for in vain: it is not repeated as long as all of
    /// it is the same.
    fn attempted<'a>(
        &self,
        plan: &'a Plan,
        name: &str,
        read: impl IntoIterator<Item = &'a ModuleId>,
        edges: &'a BTreeMap<ModuleId, BTreeSet<ModuleId>>,
    ) -> Seen {
        let stale = plan.cogs.iter().find(|cog| cog.name == name);
        let stale = stale.into_iter().flat_map(|cog| &cog.stale);
        let seen = stale.chain(read).chain(edges.values().flatten());
        seen.map(|id| (id.clone(), self.snapshot.hash(id)))
            .collect()
    }

    fn attempted_in(&self, plan: &Plan, name: &str, failure: &Failure) -> Seen {
        let read = failure.read.keys().chain(&failure.others);
        self.attempted(plan, name, read, &failure.edges)
    }

    /// What the cogs saw that could not take the new code.
    fn blamed(&self, plan: &Plan, results: &[(String, Arc<CogHandle>, CogResult)]) -> Seen {
        let failed = results.iter().filter_map(|(name, _, result)| match result {
            CogResult::Failed(failure) => Some(self.attempted_in(plan, name, failure)),
            _ => None,
        });
        failed.flatten().collect()
    }

    /// Notes that a sibling held a cog back: it is tried again when one of the two says something else.
    fn hold_back(
        &mut self,
        plan: &Plan,
        handle: &CogHandle,
        offer: &Offer,
        blamed: &Seen,
    ) -> CogOutcome {
        let generation = offer.generation.as_ref();
        let loaded = generation.map(|it| it.read()).unwrap_or_default();
        let edges = generation.map(|it| it.edges()).unwrap_or_default();
        let aliases = generation.map(|it| it.aliases()).unwrap_or_default();
        let mut attempted = self.attempted(plan, &handle.name, loaded.keys(), &edges);
        attempted.extend(blamed.clone());
        let running = handle.answers();
        handle.update(|status| {
            status.attempted = attempted;
            if !running {
                status.edges = edges;
                status.loaded = loaded;
                status.loaded.extend(aliases);
            }
        });
        self.put(handle);
        self.graph.doubt(&handle.name);
        if running {
            CogOutcome::Kept
        } else {
            CogOutcome::Waiting
        }
    }

    /// Notes how one cog came out, for the next plan and for the report.
    fn conclude(
        &mut self,
        plan: &Plan,
        name: &str,
        handle: &CogHandle,
        result: CogResult,
        problems: &mut Vec<Problem>,
    ) -> CogOutcome {
        match result {
            CogResult::Committed(..) => {
                self.put(handle);
                if handle.status().version == 1 {
                    CogOutcome::Loaded
                } else {
                    CogOutcome::Reloaded
                }
            }
            CogResult::Unloaded => {
                self.graph.remove(name);
                CogOutcome::Unloaded
            }
            CogResult::HeldBack(_) => CogOutcome::Kept,
            CogResult::Failed(failure) => {
                let attempted = self.attempted_in(plan, name, &failure);
                problems.push(failure.problem.clone());
                let running = handle.answers();
                let aliases = failure.edges.values().flatten().filter(|id| id.is_alias());
                let aliases: BTreeMap<_, _> = aliases
                    .filter_map(|id| Some((id.clone(), self.snapshot.hash(id)?)))
                    .collect();
                handle.update(|status| {
                    status.failing = true;
                    status.attempted = attempted;
                    status.problem = Some(failure.problem);
                    if !running {
                        status.edges = failure.edges;
                        status.loaded = failure.read;
                        status.loaded.extend(aliases);
                    }
                });
                self.put(handle);
                if running {
                    CogOutcome::Kept
                } else {
                    CogOutcome::Waiting
                }
            }
        }
    }
}

/// What the plan must know of a cog.
pub(super) fn view_of(cog: &CogHandle) -> CogView {
    let status = cog.status();
    let running = cog.answers();
    // A cog in quarantine may have tried another version since.
    let (loaded, failed, edges) = match &status.generation {
        Some(generation) if running || status.loaded.is_empty() => {
            let mut loaded = generation.read();
            loaded.extend(generation.aliases());
            (loaded, generation.failed(), generation.edges())
        }
        _ => (status.loaded, BTreeSet::new(), status.edges),
    };
    CogView {
        name: cog.name.to_string(),
        entry: status.entry,
        loaded,
        failed,
        edges,
        state: if running {
            CogState::Running
        } else {
            CogState::Waiting
        },
        failing: status.failing,
        attempted: status.attempted,
    }
}
