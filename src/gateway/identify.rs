//! Which shard may identify, and when.

use super::address::IdentifiesLeft;
use super::session_budget::Budget;
use crate::clock::Clock;
use crate::host_tasks;
use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use twilight_gateway::queue::{IDENTIFY_DELAY, Queue};

/// Lets one shard of each bucket (shard number modulo `max_concurrency`) identify in five seconds.
/// All shards share one; clones are the same queue.
#[derive(Clone, Debug)]
pub(super) struct IdentifyQueue {
    clock: Clock,
    state: Arc<Mutex<State>>,
    /// Notified when it is this connection's turn to identify.
    turn: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    max_concurrency: u16,
    /// The time (since the Unix epoch) at which the bucket's next shard may identify.
    buckets: HashMap<u32, Arc<tokio::sync::Mutex<Duration>>>,
    budget: Budget,
}

impl IdentifyQueue {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Arc::default(),
            turn: Arc::default(),
        }
    }

    /// The same queue, for one connection.
    pub(super) fn of_connection(&self) -> Self {
        Self {
            turn: Arc::default(),
            ..self.clone()
        }
    }

    /// Returns when the connection may identify.
    pub(super) async fn admitted(&self) {
        self.turn.notified().await;
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Takes over what the server said last.
    pub(super) fn update(&self, max_concurrency: u16, left: Option<IdentifiesLeft>) {
        let mut state = self.lock();
        state.max_concurrency = max_concurrency;
        state.budget.learn(left, self.clock.now());
    }

    /// When identifying is possible again, if the server allows no more of it now.
    pub(super) fn exhausted_until(&self) -> Option<Duration> {
        self.lock().budget.exhausted_until(self.clock.now())
    }

    /// Lets a shard open a session now, or says when it may.
    pub(super) fn claim(&self) -> Result<(), Duration> {
        self.lock().budget.claim(self.clock.now())
    }

    /// When the intents of so many shards may be changed next.
    pub(super) fn next_change(&self, shards: u32) -> Duration {
        self.lock().budget.next_change(shards, self.clock.now())
    }

    /// The intents of so many shards are changed now; false when what is left of the day is kept for reconnects.
    pub(super) fn change(&self, shards: u32) -> bool {
        let now = self.clock.now();
        let budget = &mut self.lock().budget;
        let is_free = budget.reserved_until(shards, now).is_none();
        if is_free {
            budget.change(shards, now);
        }
        is_free
    }

    /// What has been used, for the next process.
    pub(super) fn budget(&self) -> Budget {
        self.lock().budget.clone()
    }

    /// Takes over what a former process has used.
    pub(super) fn restore(&self, former: Budget) {
        self.lock().budget.restore(former, self.clock.now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The bucket of `shard`; nothing when the server sets no limit.
    fn bucket(&self, shard: u32) -> Option<Arc<tokio::sync::Mutex<Duration>>> {
        let mut state = self.lock();
        let bucket = shard.checked_rem(state.max_concurrency.into())?;
        Some(state.buckets.entry(bucket).or_default().clone())
    }

    fn count(&self) {
        self.lock().budget.count(self.clock.now());
        self.turn.notify_one();
    }

    /// Waits for the shard's turn and gives it the permit. A shard that has gone away uses up
    /// nothing.
    async fn admit(self, shard: u32, permit: oneshot::Sender<()>) {
        if let Some(bucket) = self.bucket(shard) {
            // The lock is fair, so that shards of a bucket identify in the order in which they came.
            let mut next = bucket.lock().await;
            // The clock may have been set back meanwhile.
            let pause = next.saturating_sub(self.clock.now()).min(IDENTIFY_DELAY);
            if !permit.is_closed() && !pause.is_zero() {
                self.clock.sleep(pause).await;
            }
            if permit.send(()).is_ok() {
                *next = self.clock.now() + IDENTIFY_DELAY;
                self.count();
            }
        } else if permit.send(()).is_ok() {
            self.count();
        }
    }
}

impl Queue for IdentifyQueue {
    fn enqueue(&self, shard: u32) -> oneshot::Receiver<()> {
        let (permit, permitted) = oneshot::channel();
        host_tasks::errand(self.clone().admit(shard, permit));
        permitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_shard_of_a_bucket_identifies_in_five_seconds() {
        let clock = Clock::paused(1_000);
        let queue = IdentifyQueue::new(clock.clone());
        let left = IdentifiesLeft {
            total: 1_000,
            remaining: 3,
            reset_after: Duration::from_secs(60),
        };
        queue.update(2, Some(left));
        queue.enqueue(0).await.unwrap();
        queue.enqueue(1).await.unwrap();
        let gone = queue.enqueue(2);
        let mut third = queue.enqueue(4);
        drop(gone);
        while third.try_recv().is_err() {
            clock.advance_to_next(Duration::from_secs(1_005));
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.now(), Duration::from_secs(1_005));
        while queue.exhausted_until().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(queue.exhausted_until(), Some(Duration::from_secs(1_060)));
    }
}
