//! Reloads beside each other: no cog waits long for another one whose preparation is slow.
//!
//! A transaction that does not end at once continues as a task. Until it has ended, its cogs are *engaged*: changes of
//! them, or of cogs that are connected with them, wait; all other changes go live.

use super::super::plan::Plan;
use super::super::report::Trigger;
use super::super::transaction::Results;
use super::outcome::Transaction;
use super::reports::Occasion;
use super::{Ask, Controller, Refused, ReportSender, Request};
use crate::activity::Busy;
use crate::host_tasks::{self, Task};
use crate::reload::report::Report;
use crate::reload::sources::ModuleId;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long others wait for a reload before they are reloaded beside it.
const TOGETHER: Duration = Duration::from_millis(200);

type Running = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A transaction that has ended beside others.
pub(super) struct Ended {
    number: u64,
    transaction: Transaction,
    results: Results,
    _busy: Busy,
}

/// The transactions that run beside others.
#[derive(Default)]
pub(super) struct Beside {
    running: FuturesUnordered<Running>,
    /// Counts them.
    last: u64,
    /// Their cogs.
    engaged: BTreeSet<String>,
    /// Modules that have changed meanwhile and concern them.
    put_off: BTreeSet<ModuleId>,
    /// Those who wait for the report of one of them.
    answers: BTreeMap<u64, ReportSender>,
    /// Admins' requests that have to wait for them.
    asks: Vec<(Request, ReportSender, Busy)>,
}

impl Beside {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Whether one of them involves this cog.
    pub(super) fn engages(&self, cog: &str) -> bool {
        self.engaged.contains(cog)
    }

    /// How many there were so far.
    pub(super) fn count(&self) -> u64 {
        self.last
    }

    /// The admin who asked for the last one gets the report when it has ended.
    pub(super) fn answer_later(&mut self, answer: ReportSender) {
        self.answers.insert(self.last, answer);
    }

    /// Makes an admin's request wait until one of them has ended.
    pub(super) fn ask_later(&mut self, request: Request, answer: ReportSender, busy: Busy) {
        self.asks.push((request, answer, busy));
    }

    /// The next one to end. Not to be called when there is none.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        self.running.next().await
    }

    fn add(&mut self, transaction: Transaction, running: JoinHandle<Results>, busy: Busy) {
        self.last += 1;
        let number = self.last;
        self.engaged
            .extend(transaction.plan.cogs.iter().map(|cog| cog.name.clone()));
        self.running.push(Box::pin(async move {
            let results = results_of(running.await);
            Ended {
                number,
                transaction,
                results,
                _busy: busy,
            }
        }));
    }

    /// Removes from a plan the cogs that have to wait for them, and those that are connected with these.
    fn hold_off(&mut self, plan: &mut Plan, changed: &BTreeSet<ModuleId>) {
        let mut waits: BTreeSet<String> = BTreeSet::new();
        let mut modules: BTreeSet<ModuleId> = BTreeSet::new();
        loop {
            let before = waits.len();
            for cog in &plan.cogs {
                if self.engages(&cog.name) || !modules.is_disjoint(&cog.stale) {
                    waits.insert(cog.name.clone());
                    modules.extend(cog.stale.iter().cloned());
                }
            }
            if waits.len() == before {
                break;
            }
        }
        if !waits.is_empty() {
            self.put_off.extend(changed.iter().cloned());
            plan.cogs.retain(|cog| !waits.contains(&cog.name));
        }
    }
}

/// A transaction is the host's own code: if it panics, its cogs stay as they are.
fn results_of(ended: Result<Results, tokio::task::JoinError>) -> Results {
    ended.unwrap_or_else(|error| {
        tracing::error!(%error, "A reload failed in the host itself. Please report this");
        Results::new()
    })
}

impl Controller {
    /// Carries out a plan and reports. Returns none if that takes longer: then other reloads continue, and the report
    /// comes when it has ended.
    pub(super) async fn carry_out(
        &mut self,
        plan: Plan,
        occasion: Occasion,
    ) -> Option<Arc<Report>> {
        let transaction = self.begin(plan, occasion);
        let mut running = self.run_transaction(&transaction);
        if let Ok(ended) = tokio::time::timeout(TOGETHER, &mut running).await {
            return Some(self.conclude(&transaction, results_of(ended)));
        }
        let busy = self.cogs.services.activity.begin();
        self.beside.add(transaction, running, busy);
        None
    }

    /// The same, but waits until it has ended, however long it takes.
    pub(super) async fn carry_out_at_once(
        &mut self,
        plan: Plan,
        occasion: Occasion,
    ) -> Arc<Report> {
        let transaction = self.begin(plan, occasion);
        let ended = self.run_transaction(&transaction).await;
        self.conclude(&transaction, results_of(ended))
    }

    /// Removes from a plan the cogs with which another transaction is still busy.
    pub(super) fn put_off_engaged(&mut self, plan: &mut Plan, changed: &BTreeSet<ModuleId>) {
        if !self.beside.is_empty() {
            self.beside.hold_off(plan, changed);
        }
    }

    /// Whether an admin's request has to wait for a reload that is still running.
    pub(super) fn must_wait(&self, ask: &Ask) -> bool {
        match ask {
            Ask::Cog(name)
            | Ask::Load(name)
            | Ask::Unload(name)
            | Ask::Undo(name, _)
            | Ask::Redo(name)
            | Ask::Try(name, _)
            | Ask::Keep(name)
            | Ask::Drop(name) => {
                let known = self.known(name);
                known.is_ok_and(|name| self.is_engaged(&name))
            }
            Ask::All | Ask::Toggle | Ask::Configure(_) => false,
        }
    }

    /// Notes the results of a transaction that ran beside others, and starts what has waited for it.
    pub(super) async fn conclude_beside(&mut self, ended: Ended) {
        let Ended {
            number,
            transaction,
            results,
            _busy,
        } = ended;
        let names: Vec<String> = transaction
            .plan
            .cogs
            .iter()
            .map(|cog| cog.name.clone())
            .collect();
        for name in &names {
            self.beside.engaged.remove(name);
        }
        let report = self.conclude(&transaction, results);
        // The sources may have changed meanwhile.
        transaction.plan.mark_dirty_in(&mut self.graph);
        if transaction.occasion.trigger == Trigger::Command {
            self.forget_taken();
        }
        let is_old = !Arc::ptr_eq(&transaction.snapshot, &self.snapshot);
        self.pending.append(&mut self.beside.put_off);
        self.show();
        if let Some(answer) = self.beside.answers.remove(&number) {
            // The caller may have gone.
            let _told = answer.send(Ok(Some(report))).is_ok();
        }
        self.deal_with_alarms().await;
        // Before the next save: frequent saves must not delay an admin.
        for (request, answer, busy) in std::mem::take(&mut self.beside.asks) {
            self.take_ask(request, answer, busy).await;
        }
        if self.is_automatic() && (is_old || !self.pending.is_empty()) {
            self.catch_up(Trigger::Files, Instant::now()).await;
        }
        self.show();
    }

    /// Does what an admin asks for, now or when the engaged cogs are free.
    pub(super) async fn take_ask(&mut self, request: Request, answer: ReportSender, busy: Busy) {
        if self.must_wait(&request.ask) {
            self.beside.ask_later(request, answer, busy);
            return;
        }
        host_tasks::point(Task::Reload);
        let before = self.beside.count();
        let result: Result<Option<Arc<Report>>, Refused> = self.obey(request).await;
        self.show();
        if matches!(result, Ok(None)) && self.beside.count() > before {
            self.beside.answer_later(answer);
            return;
        }
        // The caller may have gone.
        let _told = answer.send(result).is_ok();
    }

    /// Whether a transaction beside is busy with this cog.
    pub(super) fn is_engaged(&self, cog: &str) -> bool {
        self.beside.engages(cog)
    }
}
