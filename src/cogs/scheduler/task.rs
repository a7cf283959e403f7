//! One cog's task: a future, its place in the run queue, and what its time slices are charged to.

use super::run_queue::{Lane, RunQueues};
use crate::lock::lock;
use crate::vm::cpu_usage::{CpuMeter, ThreadTime};
use crate::vm::fair_share::FairShare;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Instant;

/// It waits to be woken.
const IDLE: u8 = 0;
/// It is in the queue, or about to be.
const READY: u8 = 1;
/// A thread polls it.
const RUNNING: u8 = 2;
/// The same, and it was woken meanwhile: it is to be polled again.
const WOKEN: u8 = 3;
/// It is over.
const ENDED: u8 = 4;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A task. Wakers hold it.
pub(super) struct Task {
    queue: Arc<RunQueues<Self>>,
    fair_share: Arc<FairShare>,
    cpu_meter: Arc<CpuMeter>,
    state: AtomicU8,
    /// Nothing once it is over.
    work: Mutex<Option<Work>>,
}

impl fmt::Debug for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Task").finish_non_exhaustive()
    }
}

impl Task {
    /// A task that waits for its beginning.
    pub(super) fn new(
        queue: Arc<RunQueues<Self>>,
        fair_share: Arc<FairShare>,
        cpu_meter: Arc<CpuMeter>,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            queue,
            fair_share,
            cpu_meter,
            state: AtomicU8::new(IDLE),
            work: Mutex::new(Some(Box::pin(work))),
        })
    }

    /// Wakes it for the first time. It ends at once if nothing runs any more.
    pub(super) fn begin(self: &Arc<Self>) {
        self.wake_by_ref();
        if self.queue.is_stopped() {
            self.end();
        }
    }

    fn enqueue(self: Arc<Self>) {
        let (lane, tag) = (self.lane(), self.fair_share.finish_tag());
        Arc::clone(&self.queue).push(self, lane, tag);
    }

    /// Goes on after what else is ready. The calling thread has run it; `lane` is the one that it serves, if it still
    /// does.
    pub(super) fn go_on(self: Arc<Self>, served: Option<Lane>) {
        let (lane, tag) = (self.lane(), self.fair_share.finish_tag());
        let queue = Arc::clone(&self.queue);
        if served == Some(lane) {
            queue.push_again(self, lane, tag);
        } else {
            queue.push(self, lane, tag);
        }
    }

    fn lane(&self) -> Lane {
        if self.fair_share.is_quick() {
            Lane::Quick
        } else {
            Lane::Patient
        }
    }

    /// One time slice, on a thread whose processor time is all charged: what passes between two of them to the second.
    /// Whether the task is to go on at once.
    pub(super) fn run(self: &Arc<Self>, time: &mut ThreadTime) -> bool {
        let begins =
            self.state
                .compare_exchange(READY, RUNNING, Ordering::AcqRel, Ordering::Acquire);
        if begins.is_err() {
            // It was in the queue twice, and has run already.
            return false;
        }
        self.fair_share.begin_time_slice();
        let is_over = self.poll();
        let used = time.lap();
        self.fair_share.charge(used);
        self.cpu_meter.charge(used, Instant::now());
        if is_over {
            self.state.store(ENDED, Ordering::Release);
            return false;
        }
        let rests = self
            .state
            .compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire);
        if rests.is_err() {
            self.state.store(READY, Ordering::Release);
        }
        rests.is_err()
    }

    /// Whether it is over. A panic ends it: the panic's own message is in the log.
    fn poll(self: &Arc<Self>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        let mut context = Context::from_waker(&waker);
        let mut work = lock(&self.work);
        let poll = || match work.as_mut() {
            Some(work) => work.as_mut().poll(&mut context).is_ready(),
            None => true,
        };
        let is_over = catch_unwind(AssertUnwindSafe(poll)).unwrap_or(true);
        if is_over {
            drop_quietly(work.take());
        }
        is_over
    }

    /// Ends it where it waits; if it runs, after its time slice.
    pub(super) fn end(&self) {
        let work = lock(&self.work).take();
        self.state.store(ENDED, Ordering::Release);
        drop_quietly(work);
    }
}

/// A panic in what it drops ends here.
fn drop_quietly(work: Option<Work>) {
    let _dropped = catch_unwind(AssertUnwindSafe(|| drop(work))).is_ok();
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let woken = |state| match state {
            IDLE => Some(READY),
            RUNNING => Some(WOKEN),
            _ => None,
        };
        let before = self
            .state
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, woken);
        match before {
            Ok(IDLE) => self.enqueue(),
            // The host wants something of it, perhaps since it was put into the slower lane.
            Err(READY) if self.fair_share.is_boosted() => self.enqueue(),
            _ => {}
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        Arc::clone(self).wake();
    }
}
