//! What has to be done after a panic: of the controller's own, or of the host's in a cog's task.

use super::super::graph::Graph;
use super::super::report::Trigger;
use super::super::sources::Snapshot;
use super::Controller;
use crate::host_tasks::{self, Task};
use std::time::Instant;

impl Controller {
    /// Updates everything that is known about cogs and files, whatever a panic has left half-done, and repeats the
    /// reload that was running. A step that panics here again is skipped, so that requests are still answered.
    pub(super) async fn recover(&mut self) {
        let _busy = self.cogs.services.activity.begin();
        host_tasks::caught(Task::Reload, self.look_again()).await;
        self.show();
    }

    async fn look_again(&mut self) {
        let began = Instant::now();
        self.graph = Graph::new();
        for cog in self.cogs.all() {
            cog.begin_abort();
            self.put(&cog);
            self.graph.mark_dirty(&cog.name);
        }
        let changed = self.read(Snapshot::rescan_all).await;
        self.pending.extend(changed);
        self.pending.append(&mut self.being_taken);
        self.cogs
            .update_routes(self.cogs.all().iter().map(|cog| &*cog.name));
        if self.is_automatic() {
            self.catch_up(Trigger::Files, began).await;
        }
    }

    /// Rebuilds the cogs whose tasks the host has failed in.
    pub(super) async fn build_failed(&mut self) {
        for (cog, ()) in self.cogs.services.failed_cogs.take() {
            if self.cogs.get(&cog).is_some() && !self.unloaded.contains(&*cog) {
                self.again(cog.to_string(), Instant::now()).await;
            }
        }
    }
}
