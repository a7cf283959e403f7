//! What an edit of config.json changes in hot reload.

use super::super::plan::{Plan, plan_again};
use super::super::report::{Report, Trigger};
use super::super::sources::{Rules, Snapshot};
use super::Controller;
use super::reports::Occasion;
use crate::problem::Problem;
use std::sync::Arc;
use std::time::Instant;

/// An edit of config.json.
#[derive(Clone, Debug)]
pub enum ConfigEdit {
    /// The edit is valid: the bot's configuration has been replaced.
    Applied {
        /// Whether cogs that could not be loaded may be loaded now.
        try_failed: bool,
    },
    /// The edit has mistakes and changed nothing.
    Broken(Vec<Problem>),
}

impl Controller {
    /// Applies the edit and everything that follows from it. Returns the report of the edit itself.
    pub(super) async fn configure(&mut self, edit: ConfigEdit, began: Instant) -> Arc<Report> {
        let (problems, try_failed) = match edit {
            ConfigEdit::Applied { try_failed } => (Vec::new(), Some(try_failed)),
            ConfigEdit::Broken(problems) => (problems, None),
        };
        self.view
            .send_modify(|view| view.config_problems.clone_from(&problems));
        if try_failed.is_some() {
            self.take_settings().await;
        }
        let changed = vec!["config.json".to_owned()];
        // The code that reads the configuration has logged the edit already.
        let occasion = Occasion::new(Trigger::Files, changed, began);
        let report = self.made(occasion, Vec::new(), problems);
        let report = self.reports.add(report);
        if let Some(try_failed) = try_failed {
            self.follow_up(try_failed).await;
        }
        report
    }

    /// Takes over `hot_reload` of the configuration.
    async fn take_settings(&mut self) {
        let config = self.cogs.services.config.load_full();
        let hot = &config.hot_reload;
        let same_rules = hot.watch_directories == self.hot.watch_directories
            && hot.watch_extensions == self.hot.watch_extensions
            && hot.ignore_patterns == self.hot.ignore_patterns
            && hot.allow_linked_files == self.hot.allow_linked_files;
        let rules = Rules::of(hot);
        // The code that reads the configuration has checked the rules before.
        if let (false, Ok(rules)) = (same_rules, rules) {
            self.take_rules(rules).await;
        }
        self.watcher.set_debounce(hot.delay());
        // If an admin has switched hot reload by hand, that stays until the file has a new value.
        if hot.enabled != self.hot.enabled {
            self.enabled = hot.enabled;
        }
        self.hot = hot.clone();
    }

    pub(super) async fn take_rules(&mut self, rules: Rules) {
        self.watcher.set_rules(&rules);
        let folders = rules.folders().to_vec();
        self.view.send_modify(|view| view.folders = folders);
        let look = move |before: &Snapshot| before.with_rules(&rules);
        let changed = self.read(look).await;
        self.pending.extend(changed);
    }

    /// Applies pending changes, and tries again to load cogs that could not be loaded.
    async fn follow_up(&mut self, try_failed: bool) {
        self.take_what_is_pending().await;
        if try_failed && self.is_automatic() {
            self.try_failed(Instant::now()).await;
        }
    }

    /// Applies pending changes, or reports that they wait.
    pub(super) async fn take_what_is_pending(&mut self) {
        let began = Instant::now();
        if self.pending.is_empty() {
            return;
        }
        if self.is_automatic() {
            self.catch_up(Trigger::Files, began).await;
        } else {
            self.report_pending(began);
        }
    }

    /// Tries again every cog that could not be loaded, each separately.
    async fn try_failed(&mut self, began: Instant) {
        let mut plan = Plan::default();
        for cog in self.cogs.all() {
            if !cog.condition().is_failing() || self.is_engaged(&cog.name) {
                continue;
            }
            let view = self.graph.get(&cog.name);
            if let Some(mut cog) = plan_again(view, &cog.name, self.snapshot.as_ref()) {
                cog.holds_back = false;
                plan.cogs.push(cog);
            }
        }
        self.leave_to_trials(&mut plan);
        if !plan.is_empty() {
            let occasion = Occasion::new(Trigger::Files, Vec::new(), began);
            self.carry_out(plan, occasion).await;
        }
    }
}
