//! The open connections: which have a place, which lose it, and which are overdue.

use super::Limits;
use super::stream::Progress;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, Id, JoinSet};

/// A connection whose request has moved no data for this long is closed when a new connection needs its place.
const PATIENCE: Duration = Duration::from_secs(5);

/// All connections of a server that are not upgraded.
pub(super) struct Connections {
    limits: Limits,
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
}

struct Open {
    task: AbortHandle,
    progress: Arc<Progress>,
}

impl Open {
    /// Whether it may be ended for another one.
    fn may_go(&self) -> bool {
        !self.progress.is_busy() || self.progress.still() >= PATIENCE
    }
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            tasks: JoinSet::new(),
            open: HashMap::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        connection: impl Future<Output = ()> + Send + 'static,
        progress: Arc<Progress>,
    ) {
        let task = self.tasks.spawn(connection);
        self.open.insert(task.id(), Open { task, progress });
    }

    pub(super) fn are_none(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Returns when a connection has ended; never while there is none.
    pub(super) async fn ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => drop(self.open.remove(&id)),
            Some(Err(error)) => drop(self.open.remove(&error.id())),
            None => std::future::pending().await,
        }
    }

    /// Whether a further connection has a place, or can take that of another one.
    pub(super) fn have_room(&self) -> bool {
        self.open.len() < self.limits.connections || self.open.values().any(Open::may_go)
    }

    /// Ends a connection if there are as many as there may be. False if there is no room then, either.
    pub(super) fn make_room(&mut self) -> bool {
        self.open.len() < self.limits.connections || self.end_one()
    }

    /// Ends the connection that does nothing for the longest time: first one that never had a whole request, then
    /// one that waits for its next. False if all are busy.
    pub(super) fn end_one(&mut self) -> bool {
        let idle = self.open.iter().filter(|(_, open)| open.may_go());
        let rank = |open: &Open| {
            let progress = &open.progress;
            (
                progress.is_busy(),
                progress.is_known(),
                std::cmp::Reverse(progress.still()),
            )
        };
        let first = idle.min_by_key(|(_, open)| rank(open)).map(|(id, _)| *id);
        let ended = first.and_then(|id| self.open.remove(&id));
        ended.inspect(|open| open.task.abort()).is_some()
    }

    pub(super) fn end_overdue(&mut self) {
        let limits = self.limits;
        for open in self.open.values() {
            if open.progress.is_overdue(&limits) {
                open.task.abort();
            }
        }
    }
}
