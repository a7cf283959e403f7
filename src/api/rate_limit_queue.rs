//! How often a cog may do something, where whatever is too much waits in a queue: in the order of arrival, but what a
//! newer version of the cog does goes before what older ones have left.
//!
//! [`RateLimiter`](super::rate_limiter::RateLimiter) is for what is refused instead.

use crate::clock::Clock;
use crate::lock::lock;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;

/// A call that is not the first in the queue looks again after this at the earliest.
const SOON: Duration = Duration::from_millis(1);

/// So many uses in a stretch of time, which may all be taken at once. How many is said with each look, since an edit
/// of the configuration may change it.
#[derive(Debug)]
pub(super) struct RateLimitQueue {
    per: Duration,
    clock: Clock,
    state: Mutex<State>,
    /// Rings when a call leaves the queue before it was let through: those behind it come sooner.
    slot_left: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When all uses that were taken are there again (the "theoretical arrival time" of GCRA).
    full: Duration,
    waiting: BTreeSet<Key>,
    last: u64,
}

/// The version of the cog, and when it came.
type Key = (Reverse<u64>, u64);

/// A call's slot in the queue, which it leaves when this is dropped.
#[derive(Debug)]
pub(super) struct QueueSlot<'a> {
    queue: &'a RateLimitQueue,
    key: Key,
}

impl RateLimitQueue {
    /// Uses are counted in each `per`.
    pub(super) fn new(per: Duration, clock: &Clock) -> Self {
        Self {
            per,
            clock: clock.clone(),
            state: Mutex::default(),
            slot_left: Notify::new(),
        }
    }

    /// The last slot for a version; nothing when `most` calls wait already for it and newer ones.
    pub(super) fn join(&self, version: u64, most: usize) -> Option<QueueSlot<'_>> {
        let mut state = lock(&self.state);
        state.last += 1;
        let key = (Reverse(version), state.last);
        if state.waiting.range(..key).count() >= most {
            return None;
        }
        state.waiting.insert(key);
        Some(QueueSlot { queue: self, key })
    }
}

impl QueueSlot<'_> {
    /// Takes one of `uses`, of which there is at least one, if this slot is the first and one is left; otherwise tells
    /// how long that takes if no other call leaves.
    pub(super) fn take_or_wait_time(&self, uses: u32) -> Option<Duration> {
        let RateLimitQueue { per, clock, .. } = self.queue;
        let each = *per / uses.max(1);
        let now = clock.now();
        let mut state = lock(&self.queue.state);
        let before = state.waiting.range(..self.key).count();
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        let full = state.full.max(now);
        let comes = full + each.saturating_mul(before.saturating_add(1));
        let wait = comes.saturating_sub(*per).saturating_sub(now);
        if before > 0 {
            return Some(wait.max(SOON));
        }
        if wait.is_zero() {
            state.full = comes;
            state.waiting.remove(&self.key);
            return None;
        }
        Some(wait)
    }

    /// Returns when one of `uses` has been taken.
    pub(super) async fn wait(self, uses: impl Fn() -> u32) {
        loop {
            let mut left = pin!(self.queue.slot_left.notified());
            // A call that leaves after this look wakes this one.
            left.as_mut().enable();
            let Some(wait) = self.take_or_wait_time(uses()) else {
                return;
            };
            tokio::select! {
                () = self.queue.clock.sleep(wait) => {}
                () = left => {}
            }
        }
    }
}

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        if lock(&self.queue.state).waiting.remove(&self.key) {
            self.queue.slot_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER: Duration = Duration::from_secs(10);

    fn queue() -> (Clock, RateLimitQueue) {
        let clock = Clock::paused(1_000);
        let queue = RateLimitQueue::new(PER, &clock);
        (clock, queue)
    }

    #[test]
    fn turns_come_back_with_the_clock_and_in_order() {
        let (clock, queue) = queue();
        let taken = (0..5).filter(|_| queue.join(1, 9).unwrap().take_or_wait_time(5).is_none());
        assert_eq!(taken.count(), 5);
        let slots: Vec<_> = (0..3).map(|_| queue.join(1, 9).unwrap()).collect();
        let waits = |uses| slots.iter().map(move |it| it.take_or_wait_time(uses));
        let seconds = |count| Some(Duration::from_secs(count));
        assert!(waits(5).eq([seconds(2), seconds(4), seconds(6)]));
        clock.advance_to_next(Duration::from_secs(1_004));
        // Also where there would be room for two, the first goes first.
        assert_eq!(slots[1].take_or_wait_time(5), Some(SOON));
        assert_eq!(slots[0].take_or_wait_time(5), None);
        assert_eq!(slots[1].take_or_wait_time(5), None);
        assert_eq!(slots[2].take_or_wait_time(5), seconds(2));
    }

    #[test]
    fn who_leaves_gives_the_place_to_those_behind() {
        let (_clock, queue) = queue();
        assert!(queue.join(1, 9).unwrap().take_or_wait_time(1).is_none());
        let (first, second) = (queue.join(1, 9).unwrap(), queue.join(1, 9).unwrap());
        assert_eq!(second.take_or_wait_time(1), Some(PER * 2));
        drop(first);
        assert_eq!(second.take_or_wait_time(1), Some(PER));
    }

    #[test]
    fn no_more_wait_than_may() {
        let (_clock, queue) = queue();
        let _slots: Vec<_> = (0..3).map(|_| queue.join(1, 3).unwrap()).collect();
        assert!(queue.join(1, 3).is_none());
    }

    #[test]
    fn newer_versions_go_before_what_older_ones_left() {
        let (_clock, queue) = queue();
        assert!(queue.join(1, 2).unwrap().take_or_wait_time(1).is_none());
        let older = [queue.join(1, 2).unwrap(), queue.join(1, 2).unwrap()];
        assert!(queue.join(1, 2).is_none());
        let newer = queue.join(2, 2).unwrap();
        assert_eq!(newer.take_or_wait_time(1), Some(PER));
        assert_eq!(older[0].take_or_wait_time(1), Some(PER * 2));
    }

    #[test]
    fn another_number_holds_from_the_next_look_on() {
        let (_clock, queue) = queue();
        assert!(queue.join(1, 9).unwrap().take_or_wait_time(1).is_none());
        let waiting = queue.join(1, 9).unwrap();
        assert_eq!(waiting.take_or_wait_time(1), Some(PER));
        assert_eq!(waiting.take_or_wait_time(10), Some(PER / 10));
        assert_eq!(
            queue.join(1, 9).unwrap().take_or_wait_time(1),
            Some(PER * 2)
        );
    }
}
