//! What a cog uses of its limits: the counts. `limit_checks` adds to them, and refuses where there is no more.

use super::log_usage::LogUsage;
use super::rate_limit_queue::RateLimitQueue;
use super::rate_limiter::{PERIOD, RateLimiter};
use crate::clock::Clock;
use crate::discord::outbound::REFUSALS_COUNT;
use crate::sliding_window::SlidingWindow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The counts of one cog.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Coroutines of the VM that was built last, and those that are garbage by now.
    pub(super) coroutines: Mutex<Arc<AtomicUsize>>,
    /// Timers of the committed generation.
    pub(super) timers: AtomicUsize,
    /// Work in the mailbox.
    pub(super) waiting: AtomicUsize,
    /// Bytes of it.
    pub(super) waiting_bytes: AtomicUsize,
    /// Tasks of the committed generation.
    pub(super) tasks: Mutex<Arc<AtomicUsize>>,
    /// Tasks of the one that a guild tries; a counter of nothing if there is none.
    pub(super) tasks_on_trial: Mutex<Arc<AtomicUsize>>,
    /// Messages that are to be deleted later, each of which takes the place of a task.
    pub(super) deletions: Arc<AtomicUsize>,
}

/// What a cog has used of the limits over a time. It is counted by the cog's name.
#[derive(Debug)]
pub(super) struct Spent {
    /// Calls to Discord.
    pub(super) calls: RateLimitQueue,
    /// Calls that Discord has refused.
    pub(super) refused_calls: Mutex<SlidingWindow>,
    /// Requests to other servers.
    pub(super) requests: RateLimiter,
    /// Requests for members to the gateway.
    pub(super) member_requests: RateLimiter,
    /// What it writes into the log.
    pub(super) log: LogUsage,
    /// How often users are told that the mailbox is full.
    pub(super) refusals: RateLimiter,
}

impl Spent {
    pub(super) fn new(clock: &Clock) -> Self {
        let limiter = || RateLimiter::new(PERIOD, clock);
        Self {
            // As Discord's own limits, in real time, also under a paused clock.
            calls: RateLimitQueue::new(PERIOD, &Clock::system()),
            refused_calls: Mutex::new(SlidingWindow::new(REFUSALS_COUNT)),
            requests: limiter(),
            member_requests: RateLimiter::new(Duration::from_secs(60), &Clock::system()),
            log: LogUsage::new(clock),
            refusals: limiter(),
        }
    }
}

/// What may wait in a cog's mailbox.
#[derive(Clone, Copy, Debug)]
pub struct MailboxLimits {
    /// Events and commands.
    pub count: usize,
    /// Bytes of them.
    pub bytes: usize,
}

/// A task counts until this is dropped.
#[derive(Debug)]
pub struct TaskSlot(pub(super) Arc<AtomicUsize>);

impl Drop for TaskSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
