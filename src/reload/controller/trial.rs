//! One guild tries what a cog's files say, while all others go on with the version that they have.
//!
//! While it does, saves of the cog's files go to that guild alone. The version of the others stays what it is, as after
//! an undo: also over a restart, and after the trial was dropped, until a file is saved with another text.

use super::super::graph::CogView;
use super::super::plan::{
    Action, Plan, TrialPlan, is_trial_old, is_up_to_date, plan_trial, plan_undo,
};
use super::super::report::{CogOutcome, Report, Trigger};
use super::super::transaction::{CogResult, LoadFailure};
use super::outcome::{Transaction, report_of};
use super::reports::Occasion;
use super::{Controller, Refused};
use crate::cogs::handle::CogHandle;
use crate::cogs::live::Trial;
use crate::history::{Cause, Kept, Undone};
use crate::problem::Problem;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The cogs of which one guild tries another version, each with the version of all others as the history has it. There
/// are also those of which a trial is being prepared.
#[derive(Debug, Default)]
pub(super) struct Trials(BTreeMap<String, Option<Arc<Kept>>>);

impl Trials {
    pub(super) fn contains(&self, cog: &str) -> bool {
        self.0.contains_key(cog)
    }

    pub(super) fn remove(&mut self, cog: &str) {
        self.0.remove(cog);
    }
}

/// What a plan must know of the version that is tried.
fn view_of(cog: &CogHandle, trial: &Trial) -> CogView {
    CogView {
        name: cog.name.to_string(),
        entry: trial.generation.entry().clone(),
        trace: trial.generation.trace(),
        failed: trial.generation.failed(),
        condition: cog.condition(),
        undone: None,
        attempted: trial.attempted.clone(),
    }
}

impl Controller {
    /// Has one guild run what a cog's files say, or say now.
    pub(super) async fn try_out(
        &mut self,
        asked: &str,
        guild: u64,
        by: String,
        began: Instant,
    ) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(asked)?;
        let cog = self.cogs.get(&name).filter(|cog| cog.condition().answers());
        let Some(cog) = cog else {
            return Err(Refused::NotRunning(name));
        };
        if let Some(trial) = cog.trial().filter(|trial| trial.guild != guild) {
            let guild = trial.guild;
            return Err(Refused::TriedElsewhere { cog: name, guild });
        }
        self.look_at_files().await;
        if !self.trials.contains(&name) {
            let kept = self.kept_now(&name).await;
            self.trials.0.insert(name.clone(), kept);
        }
        let cause = Cause::Command { by: by.clone() };
        let wanted = TrialPlan { guild, by };
        let plan = plan_trial(self.graph.get(&name), &name, wanted, self.snapshot.as_ref());
        let occasion = Occasion::of_command(cause, Vec::new(), began);
        let report = self.build(&name, plan, occasion).await;
        if cog.trial().is_none() && !self.is_engaged(&name) {
            self.trials.remove(&name);
        }
        Ok(report)
    }

    /// What a cog runs, as the history has it.
    async fn kept_now(&mut self, name: &str) -> Option<Arc<Kept>> {
        let view = self.graph.get(name)?;
        if let Some(undone) = &view.undone {
            return Some(Arc::clone(&undone.kept));
        }
        let history = self.cogs.history.clone();
        let number = history.of(name).await.ok()?.versions.first()?.number;
        let kept = history.sources(name, Some(number)).await.ok()?;
        Some(Arc::new(kept))
    }

    /// Has all guilds run what the files say, of which one has tried it.
    pub(super) async fn keep(
        &mut self,
        asked: &str,
        cause: Cause,
        began: Instant,
    ) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(asked)?;
        self.on_trial(&name)?;
        Ok(self.build_from_files(name, cause, began).await)
    }

    /// Has the guild that tries a version run what all others run.
    pub(super) async fn drop_trial(
        &mut self,
        asked: &str,
        by: String,
        began: Instant,
    ) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(asked)?;
        let (cog, _) = self.on_trial(&name)?;
        self.look_at_files().await;
        self.end_trial(&cog, &by).await;
        let occasion = Occasion::of_command(Cause::Command { by }, Vec::new(), began);
        let cogs = vec![report_of(&cog, CogOutcome::Dropped)];
        Ok(Some(self.report(occasion, cogs, Vec::new())))
    }

    async fn end_trial(&mut self, cog: &CogHandle, by: &str) {
        cog.end_trial().await;
        self.hold(cog, by);
        cog.note_trial(None);
        self.cogs.update_routes([&*cog.name]);
        self.trials.remove(&cog.name);
        self.ask_for_intents();
    }

    /// Has the version of all guilds but one stay what it is, although the files say something else.
    fn hold(&mut self, cog: &CogHandle, by: &str) {
        let name = &*cog.name;
        let (Some(Some(kept)), Some(view)) = (self.trials.0.get(name), self.graph.get(name)) else {
            return;
        };
        let mut files = self.files_of(name, &view.entry);
        files.extend(kept.modules.keys().cloned());
        if let Some(trial) = cog.trial() {
            files.extend(trial.generation.trace().seen().cloned());
        }
        let since = view
            .undone
            .as_ref()
            .map(|undone| (undone.since, undone.by.clone()));
        let now = || (self.cogs.services.clock.unix(), by.to_owned());
        let since = since.unwrap_or_else(now);
        let snapshot = self.snapshot.as_ref();
        let undone = Arc::new(Undone::new(Arc::clone(kept), since, files, snapshot));
        let plain = CogView {
            undone: None,
            ..view.clone()
        };
        let history = &self.cogs.history;
        if is_up_to_date(&plain, snapshot) {
            history.redone(name);
            cog.note_undone(None);
        } else if plan_undo(&plain, &undone, snapshot).is_none() {
            history.undone(undone.record(snapshot));
            cog.note_undone(Some(undone));
        }
        self.put(cog);
    }

    /// Notes how an attempt to have one guild run something has ended. Returns the outcome for the report.
    pub(super) fn conclude_trial(
        &mut self,
        transaction: &Transaction,
        cog: &CogHandle,
        result: CogResult,
    ) -> Option<CogOutcome> {
        let outcome = match result {
            CogResult::Tried(..) => Some(CogOutcome::Tried),
            CogResult::Failed(failure) => {
                note_failed_trial(transaction, cog, *failure);
                Some(CogOutcome::Kept)
            }
            // The host itself has failed in its task.
            _ => None,
        };
        if let Some(trial) = cog.trial() {
            self.hold(cog, &trial.by);
        }
        outcome
    }

    /// Forgets the trials that a transaction was to begin and has not begun.
    pub(super) fn forget_trials_of(&mut self, transaction: &Transaction) {
        let plans = transaction.plan.cogs.iter();
        for plan in plans.filter(|plan| plan.trial.is_some()) {
            let cog = self.cogs.get(&plan.name);
            if cog.is_none_or(|cog| cog.trial().is_none()) {
                self.trials.remove(&plan.name);
            }
        }
    }

    /// Has guilds that try a version follow its files.
    pub(super) async fn renew_trials(
        &mut self,
        trigger: Trigger,
        began: Instant,
    ) -> Option<Arc<Report>> {
        let mut last = None;
        let names: Vec<String> = self.trials.0.keys().cloned().collect();
        for name in names {
            let cog = self.cogs.get(&name).filter(|_| !self.is_engaged(&name));
            let Some((cog, trial)) = cog.and_then(|cog| cog.trial().map(|trial| (cog, trial)))
            else {
                continue;
            };
            let snapshot = Arc::clone(&self.snapshot);
            let view = view_of(&cog, &trial);
            if !is_trial_old(&view, snapshot.as_ref()) {
                // A module that only the others' version uses may have changed.
                self.hold(&cog, &trial.by);
                continue;
            }
            let wanted = TrialPlan {
                guild: trial.guild,
                by: trial.by.clone(),
            };
            let plan = plan_trial(Some(&view), &name, wanted, snapshot.as_ref());
            let plan = Plan {
                cogs: plan.into_iter().collect(),
            };
            let occasion = Occasion::new(trigger, Vec::new(), began);
            last = self.carry_out(plan, occasion).await.or(last);
        }
        last
    }

    /// Takes from a plan what a guild tries: the version of all others stays as it is, unless its file is gone.
    pub(super) fn leave_to_trials(&self, plan: &mut Plan) {
        plan.cogs
            .retain(|cog| cog.action == Action::Unload || !self.trials.contains(&cog.name));
    }

    /// Notes the trials that have ended by themselves, and tells why.
    pub(super) async fn note_ended_trials(&mut self) {
        for (name, why) in self.cogs.services.ended_trials.take() {
            let cog = self.cogs.get(&name);
            let Some((cog, trial)) = cog.and_then(|cog| cog.trial().map(|trial| (cog, trial)))
            else {
                continue;
            };
            self.end_trial(&cog, &trial.by).await;
            let problem = Problem {
                message: format!(
                    "the trial of this cog in one server has ended, and that server runs what all others run: {why}"
                ),
                hint: Some(format!(
                    "`!reload try {name}` begins another one; `!reload cog {name}` has all servers run what the files say"
                )),
                cog: Some(name.to_string()),
                ..Problem::default()
            };
            let occasion = Occasion::new(Trigger::Command, Vec::new(), Instant::now());
            let cogs = vec![report_of(&cog, CogOutcome::Dropped)];
            self.report(occasion, cogs, vec![problem]);
        }
    }

    /// The cog, and the version of it that one guild tries.
    fn on_trial(&self, name: &str) -> Result<(Arc<CogHandle>, Arc<Trial>), Refused> {
        let cog = self.cogs.get(name);
        let trial = cog.and_then(|cog| cog.trial().map(|trial| (cog, trial)));
        trial.ok_or_else(|| Refused::NotOnTrial(name.to_owned()))
    }

    /// Whether a cog may be built for all guilds without a word about a trial.
    pub(super) fn not_on_trial(&self, name: &str) -> Result<(), Refused> {
        match self.on_trial(name) {
            Ok((_, trial)) => Err(Refused::OnTrial {
                cog: name.to_owned(),
                guild: trial.guild,
            }),
            Err(_) => Ok(()),
        }
    }
}

/// The guild goes on with what it has: the version that it tries, or that of all others.
fn note_failed_trial(transaction: &Transaction, cog: &CogHandle, failure: LoadFailure) {
    if let Some(trial) = cog.trial() {
        let attempted = transaction.attempted_in(&cog.name, &failure);
        cog.note_trial(Some(Trial {
            problem: Some(Arc::new(failure.problem)),
            attempted,
            ..Trial::clone(&trial)
        }));
    }
}
