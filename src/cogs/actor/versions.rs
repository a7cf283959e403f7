//! How one version of a cog is replaced by the next, or is unloaded.

use super::{Actor, Inbox};
use crate::api::declarations::Hook;
use crate::cogs::live::Live;
use crate::cogs::quarantine;
use crate::cogs::timers::Timers;
use std::sync::Arc;
use std::time::Duration;

/// `cog.on_unload` has this long.
const UNLOAD_LIMIT: Duration = Duration::from_secs(5);

impl Actor {
    /// Commits: from here on the new version is the current one.
    pub(super) fn commit(&mut self, live: &Live, reason: &'static str, inbox: &Inbox) {
        // A trial is a comparison with the version that is replaced here.
        self.end_trial();
        live.generation.go_live();
        self.cog.commit_state();
        self.cog.capabilities.grant(live.info.capabilities.clone());
        self.cog.end_quarantine();
        self.has_failed = false;
        self.cog.begin_version(&live.generation, &live.vm);
        let _shown = live.vm.loader().publish(&live.generation).is_ok();
        let now = self.cog.services.clock.now();
        self.timers
            .replace(live.declarations.timers().cloned().collect(), now);
        self.cog.limits.set_timers(self.timers.len());
        self.note_declared(live);
        self.end_delays(|_| true);
        inbox.mailbox.begin_version();
        self.leave_behind();
        if let Some(old) = self.current.replace(live.clone()) {
            // In the lane of the current version: it runs before the next version's `on_ready`.
            self.run_hooks(&old, Hook::Unload, "reload", UNLOAD_LIMIT);
            old.generation.retire(now);
        }
        self.cog.note_memory(&live.vm);
        let limit = self.handler_limit();
        self.run_hooks(live, Hook::Ready, reason, limit);
        self.migrate(live);
    }

    /// Notes what a version has declared, for as long as its code may run.
    pub(super) fn note_declared(&mut self, live: &Live) {
        self.declared
            .retain(|(_, declared)| declared.strong_count() > 0);
        self.declared
            .push((live.generation.number, Arc::downgrade(&live.declarations)));
    }

    /// Everything that runs belongs to an older version from here on.
    fn leave_behind(&mut self) {
        self.leftovers.append(std::mem::take(&mut self.running));
    }

    /// Starts the work that is already in the mailbox, because nobody else would do it, and no more after that.
    pub(super) fn unload(&mut self, reason: &'static str, inbox: &Inbox) {
        inbox.mailbox.close();
        while let Some((work, busy)) = inbox.mailbox.try_take() {
            self.take(work, busy);
        }
        self.cog.services.presence.release(&self.cog.name);
        // Handlers finish, tasks do not: some wait for minutes.
        self.end_all_but_handlers();
        self.end_trial();
        if let Some(live) = self.current.take() {
            live.generation.retire(self.cog.services.clock.now());
            self.run_hooks(&live, Hook::Unload, reason, UNLOAD_LIMIT);
        }
    }

    /// Runs nothing any more until another version is committed: the cog is in quarantine.
    pub(super) fn keep_away(&mut self) {
        // Another version may have come first.
        if !self.cog.is_quarantined() {
            return;
        }
        self.end_version();
    }

    /// After a panic in this task: what is known about the running version may be wrong, so no handler of it starts any
    /// more, and the host builds the cog in a fresh VM. Running handlers end by themselves.
    pub fn give_up(&mut self) {
        self.has_failed = true;
        self.prepared = None;
        self.cog.discard_state();
        self.cog.declaring.take();
        self.end_version();
        if self.unloading.is_none() {
            self.cog.services.failed_cogs.add(&self.cog.name, ());
        }
    }

    fn end_version(&mut self) {
        self.stop_trial("the version that all other servers run was stopped");
        self.end_all_but_handlers();
        if let Some(live) = self.current.take() {
            live.generation.retire(self.cog.services.clock.now());
        }
    }

    /// Handlers and tasks that were ended early have left garbage in the VM, which stays in use.
    pub(super) fn collect_ended(&self) {
        let versions = &self.cog.budget.versions;
        if versions.have_ended() {
            if let Some(live) = &self.current {
                live.vm.collect();
            }
            versions.forget_ended();
        }
    }

    /// All cogs together need too much memory, and this one has the most: its garbage is collected, and if it still has
    /// the most, it is put into quarantine.
    pub(super) fn give_way(&mut self) {
        let Some(live) = self.current.clone() else {
            return;
        };
        live.vm.collect();
        live.vm.note_memory();
        let services = &self.cog.services;
        let limit = services.config.load().limits.total_memory();
        if let Some(share) = services.budgets.share_passed_by(&self.cog.budget, limit) {
            quarantine::give_way(&self.cog, &live, limit, share);
            self.keep_away();
        }
    }

    /// Ends timers and tasks. Running handlers end by themselves.
    pub(super) fn end_all_but_handlers(&mut self) {
        self.timers = Timers::default();
        self.cog.limits.set_timers(0);
        for spawned in self.spawned.values() {
            spawned.abort.abort();
        }
    }

    fn run_hooks(&mut self, live: &Live, hook: Hook, reason: &'static str, limit: Duration) {
        for function in live.hooks(hook) {
            self.start(live, None, function, reason, limit, |_, _| {});
        }
    }
}
