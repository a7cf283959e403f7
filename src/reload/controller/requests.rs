//! What admins ask for.

use super::super::plan::{CogPlan, Plan, plan_afresh, plan_again, plan_changed, plan_gone};
use super::super::report::{CogOutcome, CogReport, Report, Trigger};
use super::super::sources::{LUAURC, ModuleId, Snapshot, SourceProblem};
use super::super::transaction;
use super::reports::{Occasion, files};
use super::{Ask, Controller, Refused, Request};
use crate::history::Cause;
use crate::problem::Problem;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

impl Controller {
    pub(super) async fn obey(&mut self, request: Request) -> Result<Option<Arc<Report>>, Refused> {
        let began = Instant::now();
        self.refresh_graph();
        let Request { ask, by, asker } = request;
        self.asker = asker;
        let done = self.carry_out_ask(ask, by, began).await;
        self.asker = None;
        done
    }

    async fn carry_out_ask(
        &mut self,
        ask: Ask,
        by: String,
        began: Instant,
    ) -> Result<Option<Arc<Report>>, Refused> {
        let command = Cause::Command { by: by.clone() };
        match ask {
            Ask::Toggle => {
                self.enabled = !self.enabled;
                if self.is_automatic() && !self.pending.is_empty() {
                    return Ok(self.catch_up(Trigger::Command, began).await);
                }
                Ok(None)
            }
            Ask::Try(name, guild) => self.try_out(&name, guild, by, began).await,
            Ask::Keep(name) => self.keep(&name, command, began).await,
            Ask::Drop(name) => self.drop_trial(&name, by, began).await,
            Ask::Cog(name) => {
                let name = self.known(&name)?;
                self.not_on_trial(&name)?;
                self.unloaded.remove(&name);
                Ok(self.build_from_files(name, command, began).await)
            }
            Ask::All => Ok(self.reload_all(command, began).await),
            Ask::Undo(name, number) => self.undo(&name, number, Cause::Undo { by }, began).await,
            Ask::Redo(name) => self.redo(&name, by, began).await,
            Ask::Load(name) => {
                let name = self.known(&name)?;
                if self.cogs.get(&name).is_some_and(|cog| cog.has_version()) {
                    return Err(Refused::Loaded(name));
                }
                self.unloaded.remove(&name);
                Ok(self.build_from_files(name, command, began).await)
            }
            Ask::Unload(name) => self.unload(&name, began).await,
            Ask::Configure(edit) => Ok(Some(self.configure(edit, began).await)),
        }
    }

    /// The cog that the typed name means.
    pub(super) fn known(&self, asked: &str) -> Result<String, Refused> {
        let is_cog =
            |name: &str| self.snapshot.cogs().contains_key(name) || self.cogs.get(name).is_some();
        let names = self.snapshot.cogs().keys().map(String::as_str);
        meant(asked, is_cog, names)
    }

    /// Reads all files now. Changes that do not belong to this request are applied with the next batch.
    pub(super) async fn look_at_files(&mut self) {
        let changed = self.read(Snapshot::rescan_all).await;
        self.pending.extend(changed);
    }

    /// The same for these files alone: among many cogs, one is put back as quickly as it is saved. Returns whether any has
    /// changed.
    pub(super) async fn look_at(&mut self, files: &BTreeSet<ModuleId>) -> bool {
        let root = self.cogs.services.config.load().lua_dir();
        let paths = files.iter().map(|id| {
            let file = if id.is_alias() { LUAURC } else { id.file() };
            root.join(file)
        });
        let paths = paths.collect();
        let changed = self.read(move |before| before.rescan(&paths)).await;
        let has_changed = !changed.is_empty();
        self.pending.extend(changed);
        has_changed
    }

    /// Builds all cogs in fresh VMs and applies pending changes; a cog that fails keeps its old code.
    async fn reload_all(&mut self, cause: Cause, began: Instant) -> Option<Arc<Report>> {
        self.unloaded.clear();
        self.look_at_files().await;
        let changed = self.take_pending();
        let mut plan = Plan {
            cogs: plan_gone(&self.graph, self.snapshot.as_ref()),
        };
        let names = self.snapshot.cogs().keys();
        plan.cogs.extend(
            names.filter_map(|name| plan_again(self.graph.get(name), name, self.snapshot.as_ref())),
        );
        // Cogs of a reload that is still running get the newest sources as soon as it has ended.
        plan.cogs.retain(|cog| !self.is_engaged(&cog.name));
        self.leave_to_trials(&mut plan);
        for cog in &mut plan.cogs {
            cog.holds_back = false;
        }
        let occasion = Occasion::of_command(cause, files(&changed), began);
        self.carry_out(plan, occasion).await
    }

    /// Builds a cog in a fresh VM from the current files; if it fails, it keeps its old code.
    pub(super) async fn build_from_files(
        &mut self,
        name: String,
        cause: Cause,
        began: Instant,
    ) -> Option<Arc<Report>> {
        self.look_at_files().await;
        let view = self.graph.get(&name);
        let plan = plan_afresh(view, &name, self.snapshot.as_ref());
        let occasion = Occasion::of_command(cause, Vec::new(), began);
        self.build(&name, plan, occasion).await
    }

    /// Builds a cog in a fresh VM from what it is to run; if it fails, it keeps its old code.
    pub(super) async fn again(&mut self, name: String, began: Instant) -> Option<Arc<Report>> {
        self.look_at_files().await;
        let view = self.graph.get(&name);
        let plan = plan_again(view, &name, self.snapshot.as_ref());
        let occasion = Occasion::new(Trigger::Command, Vec::new(), began);
        self.build(&name, plan, occasion).await
    }

    /// Carries out what an admin wants of one cog. Without a plan its own file cannot be used.
    pub(super) async fn build(
        &mut self,
        name: &str,
        plan: Option<CogPlan>,
        occasion: Occasion,
    ) -> Option<Arc<Report>> {
        let Some(mut cog) = plan else {
            let problems = self.held_problems(name);
            self.forget_taken();
            return Some(self.report(occasion, Vec::new(), problems));
        };
        cog.holds_back = false;
        let plan = Plan { cogs: vec![cog] };
        let report = self.carry_out(plan, occasion).await;
        self.forget_taken();
        report
    }

    /// Why a cog's own file cannot be used.
    fn held_problems(&self, name: &str) -> Vec<Problem> {
        let entry = self.cogs.get(name).map(|cog| cog.status().entry);
        let is_meant = |problem: &&SourceProblem| {
            entry
                .as_ref()
                .is_some_and(|entry| problem.modules.contains(entry))
        };
        let problems = self.snapshot.problems.iter().filter(is_meant);
        problems.map(Problem::from).collect()
    }

    /// Removes from the list the modules that no cog waits for any more.
    pub(super) fn forget_taken(&mut self) {
        let mut plan = plan_changed(&self.graph, &self.pending, self.snapshot.as_ref());
        plan.cogs.retain(|cog| !self.unloaded.contains(&cog.name));
        let all = self.cogs.all().into_iter();
        let seen: BTreeSet<ModuleId> = all
            .flat_map(|cog| cog.peek(|it| it.attempted.keys().cloned().collect::<Vec<_>>()))
            .collect();
        let waited: BTreeSet<&ModuleId> = plan.cogs.iter().flat_map(|cog| &cog.stale).collect();
        // An init file turns the cogs in its folder into modules; when it is deleted, they are cogs again.
        let owns = |id: &ModuleId| plan.cogs.iter().any(|cog| id.takes_in(&cog.entry));
        self.pending
            .retain(|id| waited.contains(id) || seen.contains(id) || owns(id));
    }

    async fn unload(&mut self, name: &str, began: Instant) -> Result<Option<Arc<Report>>, Refused> {
        let name = self.known(name)?;
        let Some(cog) = self.cogs.remove(&name) else {
            return Ok(None);
        };
        self.graph.remove(&name);
        self.trials.remove(&name);
        self.guarding.forget(&name);
        self.unloaded.insert(name.clone());
        // When an admin unloads a cog, its names become free; otherwise it keeps them as long as its file exists.
        self.cogs.names.release(&name);
        transaction::save_names(&self.cogs).await;
        self.ask_for_intents();
        self.cogs.history.redone(&name);
        cog.begin_unload("unload");
        let cogs = vec![CogReport {
            name,
            outcome: CogOutcome::Unloaded,
            version: 0,
            executed: Vec::new(),
            undone: None,
            trial: None,
        }];
        let occasion = Occasion::new(Trigger::Command, Vec::new(), began);
        Ok(Some(self.report(occasion, cogs, Vec::new())))
    }
}

/// The cog that `asked` means: by its name, or by its module's id, which is the name with `cogs.` in front. A cog in
/// `lua/cogs/cogs/` also has a name with this beginning, so a text may mean two cogs.
pub fn meant<'a>(
    asked: &str,
    is_cog: impl Fn(&str) -> bool,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<String, Refused> {
    let of_module = asked.strip_prefix("cogs.");
    match (of_module.filter(|name| is_cog(name)), is_cog(asked)) {
        (Some(of_module), true) => Err(Refused::Ambiguous {
            named: asked.to_owned(),
            of_module: of_module.to_owned(),
        }),
        (Some(of_module), false) => Ok(of_module.to_owned()),
        (None, true) => Ok(asked.to_owned()),
        (None, false) => {
            let name = of_module.unwrap_or(asked);
            Err(Refused::unknown(name, crate::nearest::nearest(name, names)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_id_of_two_cogs_is_a_question() {
        let ask = |asked: &str, cogs: &[&str]| {
            meant(asked, |name| cogs.contains(&name), cogs.iter().copied())
        };
        assert_eq!(ask("levels", &["levels"]), Ok("levels".into()));
        assert_eq!(ask("cogs.levels", &["levels"]), Ok("levels".into()));
        assert_eq!(
            ask("cogs.levels", &["cogs.levels"]),
            Ok("cogs.levels".into())
        );
        let both = ["levels", "cogs.levels"];
        assert!(matches!(
            ask("cogs.levels", &both),
            Err(Refused::Ambiguous { .. })
        ));
        assert_eq!(ask("levels", &both), Ok("levels".into()));
        assert_eq!(ask("cogs.cogs.levels", &both), Ok("cogs.levels".into()));
        assert!(matches!(
            ask("cogs.level", &both),
            Err(Refused::Unknown { .. })
        ));
    }
}
