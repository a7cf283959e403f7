//! Records what cogs run, and goes back to what they ran before.

use super::super::plan::{Plan, is_up_to_date, plan, plan_redo, plan_undo};
use super::super::report::{Report, Trigger};
use super::super::sources::ModuleId;
use super::super::transaction::CogResult;
use super::outcome::Transaction;
use super::reports::Occasion;
use super::{Controller, Refused};
use crate::cogs::handle::CogHandle;
use crate::history::{Cause, FailedLoad, NewVersion, Undone};
use crate::vm::generation::Generation;
use crate::vm::resolve::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// The longest sentence about a failed attempt that is kept, in characters.
const LONGEST_PROBLEM: usize = 300;

/// Who puts a version back when nobody wants it.
const BY_GUARD: &str = "the guard";

/// The modules that a generation has loaded, as it has read them, and the aliases that their requires go through, with
/// the paths for which these stand.
fn read_by(generation: &Generation) -> (Vec<Arc<Source>>, BTreeMap<String, String>) {
    let sources = generation.snapshot();
    let (mut modules, mut aliases) = (Vec::new(), BTreeMap::new());
    for id in generation.trace().read.keys() {
        if let Some(name) = id.as_str().strip_prefix('@') {
            let path = sources.alias(name).map(str::to_owned);
            aliases.extend(path.map(|path| (name.to_owned(), path)));
        } else {
            modules.extend(sources.source(id).map(Arc::clone));
        }
    }
    (modules, aliases)
}

impl Controller {
    /// Records what has become of a cog.
    pub(super) fn record(&self, transaction: &Transaction, handle: &CogHandle, result: &CogResult) {
        let history = &self.cogs.history;
        if history.is_off() {
            return;
        }
        let cause = &transaction.occasion.cause;
        match result {
            CogResult::Committed(_, committed) => {
                let generation = &committed.live.generation;
                let undone = handle.peek(|status| status.undone.clone());
                let former = committed.former.as_ref();
                let (modules, aliases) = read_by(generation);
                history.record(NewVersion {
                    cog: handle.name.to_string(),
                    at: self.cogs.services.clock.unix(),
                    cause: cause.clone(),
                    entry: generation.entry().clone(),
                    modules,
                    aliases,
                    of: undone.as_ref().map(|undone| undone.kept.number),
                    former: former.map(|life| life.tally.take()).unwrap_or_default(),
                });
                // At a start it is known already.
                if let Some(undone) = undone
                    && transaction.occasion.trigger != Trigger::Start
                {
                    history.undone(undone.record(transaction.snapshot.as_ref()));
                } else if self.trials.contains(&handle.name) {
                    // A restart during the trial would have come back to the version before.
                    history.redone(&handle.name);
                }
            }
            CogResult::Failed(failure) => {
                let problem = failure.problem.in_one_line();
                history.failed(
                    &handle.name,
                    FailedLoad {
                        at: self.cogs.services.clock.unix(),
                        cause: cause.clone(),
                        problem: problem.chars().take(LONGEST_PROBLEM).collect(),
                    },
                );
            }
            CogResult::Unloaded => history.redone(&handle.name),
            CogResult::Tried(..)
            | CogResult::HeldBack(..)
            | CogResult::Lost(_)
            | CogResult::Stays(_) => {}
        }
    }

    /// Records the modules that handlers have required since the load.
    pub(super) fn record_late(&self, handle: &CogHandle) {
        let history = &self.cogs.history;
        let generation = handle.peek(|status| status.generation.clone());
        if let Some(generation) = generation.filter(|_| !history.is_off()) {
            history.add_modules(&handle.name, read_by(&generation).0);
        }
    }

    /// Puts an earlier version of a cog back, as an admin or the guard wants it. Its files stay as they are.
    pub(super) async fn undo(
        &mut self,
        asked: &str,
        number: Option<u32>,
        cause: Cause,
        began: Instant,
    ) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(asked)?;
        self.not_on_trial(&name)?;
        let history = self.cogs.history.clone();
        let kept = Arc::new(history.sources(&name, number).await?);
        let entry = self.graph.get(&name).map(|view| view.entry.clone());
        let mut files = self.files_of(&name, entry.as_ref().unwrap_or(&kept.entry));
        files.extend(kept.modules.keys().cloned());
        self.look_at(&files).await;
        let has_file = self.snapshot.cogs().contains_key(&name);
        let Some(view) = self.graph.get(&name).filter(|_| has_file) else {
            return Err(Refused::NotRunning(name));
        };
        let by = match &cause {
            Cause::Undo { by } => by.as_str(),
            _ => BY_GUARD,
        };
        let now = (self.cogs.services.clock.unix(), by.to_owned());
        let undone = Undone::new(kept, now, files, self.snapshot.as_ref());
        let plan = plan_undo(view, &Arc::new(undone), self.snapshot.as_ref());
        let Some(plan) = plan else {
            return Ok(None);
        };
        let occasion = Occasion::of_command(cause, Vec::new(), began);
        let report = self.build(&name, Some(plan), occasion).await;
        self.forget_attempt(&name);
        Ok(report)
    }

    /// Runs what a cog's files say.
    pub(super) async fn redo(
        &mut self,
        asked: &str,
        by: String,
        began: Instant,
    ) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(asked)?;
        self.not_on_trial(&name)?;
        let view = self.graph.get(&name);
        let Some((entry, undone)) =
            view.and_then(|view| Some((view.entry.clone(), view.undone.clone()?)))
        else {
            return Err(Refused::NotUndone(name));
        };
        let mut files = self.files_of(&name, &entry);
        files.extend(undone.files.keys().cloned());
        if self.look_at(&files).await {
            // What has been edited may require files that nobody has looked at.
            self.look_at_files().await;
        }
        let Some(view) = self.graph.get(&name) else {
            return Err(Refused::NotUndone(name));
        };
        let plan = plan_redo(view, self.snapshot.as_ref());
        let occasion = Occasion::of_command(Cause::Redo { by }, Vec::new(), began);
        let report = self.build(&name, plan, occasion).await;
        self.forget_attempt(&name);
        Ok(report)
    }

    /// An attempt that an admin wanted and that failed leaves nothing behind, if the cog runs what it is to run.
    fn forget_attempt(&mut self, name: &str) {
        let Some(cog) = self.cogs.get(name) else {
            return;
        };
        let view = self.graph.get(name);
        if view.is_some_and(|view| {
            view.condition.answers() && is_up_to_date(view, self.snapshot.as_ref())
        }) {
            cog.note_mended();
            self.put(&cog);
        }
    }

    /// All files that a cog has now: those that its entry leads to, whichever version it runs.
    pub(super) fn files_of(&self, name: &str, entry: &ModuleId) -> BTreeSet<ModuleId> {
        let view = self.graph.get(name);
        let reachable = view.into_iter().flat_map(|view| view.concerning());
        let now = self.snapshot.cogs().get(name);
        reachable.chain([entry]).chain(now).cloned().collect()
    }

    /// Has the cogs that ran an earlier version before the start run it again, unless one of their files was saved since.
    /// Returns their names.
    pub(super) async fn resume_undone(&mut self, plan: &mut Plan) -> BTreeSet<String> {
        let history = self.cogs.history.clone();
        let mut resumed = BTreeSet::new();
        for record in history.all_undone().await {
            let name = record.kept.cog.clone();
            let cog = plan.cogs.iter_mut().find(|cog| cog.name == name);
            let undone = record.resume(self.snapshot.as_ref());
            match (cog, undone) {
                (Some(cog), Some(undone)) => {
                    *cog = cog.clone().resumed(Arc::new(undone));
                    resumed.insert(name);
                }
                _ => history.redone(&name),
            }
        }
        resumed
    }

    /// Loads what the files of those cogs say that could not run the earlier version any more.
    pub(super) async fn load_files_of_failed(&mut self, resumed: BTreeSet<String>) {
        let history = self.cogs.history.clone();
        let failed = resumed.into_iter().filter(|name| {
            let cog = self.cogs.get(name);
            cog.is_none_or(|cog| !cog.has_version())
        });
        let failed: Vec<String> = failed.collect();
        if failed.is_empty() {
            return;
        }
        for name in &failed {
            history.redone(name);
        }
        let mut files = plan([], self.snapshot.as_ref());
        files.cogs.retain(|cog| failed.contains(&cog.name));
        for cog in &mut files.cogs {
            cog.holds_back = false;
        }
        let occasion = Occasion::new(Trigger::Start, Vec::new(), Instant::now());
        self.carry_out_at_once(files, occasion).await;
    }
}
