//! The life of a generation: whether it is current, and what still runs of it. It is separate from the generation,
//! which refers into its VM: code that looks at many generations must not drop the last reference to a running VM.

use super::cpu_usage::CpuUsage;
use super::memory::pressure::Pressure;
use super::trace::Fault;
use crate::lock::lock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// The life of one generation after it was committed.
#[derive(Debug)]
pub struct Life {
    /// Since when its cog runs a later version, or none any more.
    retired: watch::Sender<Option<Duration>>,
    /// Set once it was committed for one guild alone, beside the version that answers everywhere else.
    on_trial: AtomicBool,
    /// Set when its cog is in quarantine, or when its time after it was retired is over.
    closed: AtomicBool,
    /// Why it is ended early; none as long as it is not.
    ended: watch::Sender<Option<Pressure>>,
    /// Handlers that are running.
    handlers: AtomicUsize,
    /// How many have begun, and how many of them have failed.
    pub tally: Tally,
    /// Turns that were given.
    started: AtomicUsize,
    /// Turns that are over.
    begun: AtomicUsize,
    /// Tasks that have been made and have not ended.
    pub tasks: Arc<AtomicUsize>,
    /// Handlers that were cut off after it was closed.
    cut_off: AtomicUsize,
    /// The processor time that it has used since it became the current version, or since it no longer is.
    cpu_usage: Mutex<Arc<CpuUsage>>,
}

impl Default for Life {
    fn default() -> Self {
        Self {
            retired: watch::Sender::new(None),
            on_trial: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ended: watch::Sender::new(None),
            handlers: AtomicUsize::new(0),
            tally: Tally::default(),
            started: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            tasks: Arc::default(),
            cut_off: AtomicUsize::new(0),
            cpu_usage: Mutex::default(),
        }
    }
}

/// Counts handlers.
#[derive(Debug, Default)]
pub struct Tally {
    begun: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    /// A handler has begun.
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// A handler has failed because of its code.
    pub fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have begun since the last call, and how many have failed.
    pub fn take(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (take(&self.begun), take(&self.failed))
    }

    /// How many have begun since they were taken, and how many have failed.
    pub fn now(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.begun), load(&self.failed))
    }
}

/// The place of a handler among those that have been started: it begins after those before it. It gives way to the next
/// one when it is dropped.
#[derive(Debug)]
pub struct Turn {
    life: Arc<Life>,
    number: usize,
}

impl Turn {
    /// Whether all before it have begun, or never will.
    pub fn has_come(&self) -> bool {
        self.life.begun.load(Ordering::Relaxed) >= self.number
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.life.begun.fetch_add(1, Ordering::Relaxed);
    }
}

/// A handler counts as running until this is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<Life>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.handlers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Life {
    /// It is the current version from now on, and the processor time that it uses is added to `usage`.
    pub fn begin_usage(&self, usage: &Arc<CpuUsage>) {
        *lock(&self.cpu_usage) = Arc::clone(usage);
    }

    /// The processor time that it has used since it became the current version, or since it no longer is.
    pub fn cpu_usage(&self) -> Arc<CpuUsage> {
        Arc::clone(&lock(&self.cpu_usage))
    }

    /// It is an older version from now on: the processor time that it uses is counted apart from that of the current
    /// one.
    pub(super) fn retire(&self, now: Duration) {
        *lock(&self.cpu_usage) = Arc::default();
        self.retired.send_replace(Some(now));
    }

    /// Whether its cog runs a later version, or none any more.
    pub fn is_retired(&self) -> bool {
        self.retired.borrow().is_some()
    }

    /// It answers in one guild from now on, beside the current version.
    pub(super) fn begin_trial(&self) {
        self.on_trial.store(true, Ordering::Relaxed);
    }

    /// Whether it was committed for one guild alone, perhaps until it was retired.
    pub fn is_on_trial(&self) -> bool {
        self.on_trial.load(Ordering::Relaxed)
    }

    /// Whether it is the one to do without where there is not enough for it and the current version.
    pub fn gives_way(&self) -> bool {
        self.is_retired() || self.is_on_trial()
    }

    pub(super) async fn retired(&self) -> Duration {
        let mut retired = self.retired.subscribe();
        // The sender lives in `self`, so waiting cannot end with an error.
        let since = retired.wait_for(Option::is_some).await.map(|since| *since);
        since.ok().flatten().unwrap_or_default()
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Ends what still runs of it early, because others need the room.
    pub fn end(&self, why: Pressure) {
        self.close();
        self.ended.send_replace(Some(why));
    }

    /// Returns once it is ended early, with the reason.
    pub async fn ended(&self) -> Pressure {
        let mut ended = self.ended.subscribe();
        let why = ended.wait_for(Option::is_some).await.map(|why| *why);
        match why {
            Ok(Some(why)) => why,
            // The sender lives in `self`.
            _ => std::future::pending().await,
        }
    }

    /// The fault with which anything ends that would still run after it was closed.
    pub(super) fn why_closed(&self) -> Fault {
        let why = *self.ended.borrow();
        why.map_or(Fault::Closed, Fault::GaveWay)
    }

    /// A handler of it begins.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        self.handlers.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// The next turn to begin.
    pub fn turn(self: &Arc<Self>) -> Turn {
        Turn {
            life: Arc::clone(self),
            number: self.started.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// How many handlers are running.
    pub fn handlers(&self) -> usize {
        self.handlers.load(Ordering::Relaxed)
    }

    /// Whether tasks are running.
    pub fn has_tasks(&self) -> bool {
        self.tasks.load(Ordering::Relaxed) > 0
    }

    /// How many handlers and tasks are running.
    pub fn running(&self) -> usize {
        self.handlers() + self.tasks.load(Ordering::Relaxed)
    }

    /// Whether to collect garbage now that a handler was cut off. When all handlers of a closed generation are cut off,
    /// collecting after each one would take too long: it is done after some of them, and after the last.
    pub fn is_worth_collecting(&self) -> bool {
        if !self.is_closed() {
            return true;
        }
        let count = self.cut_off.fetch_add(1, Ordering::Relaxed) + 1;
        count.is_power_of_two() || self.running() <= 1
    }
}
