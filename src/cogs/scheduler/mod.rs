//! Who runs on which thread, and who goes first: the executor of all cogs' tasks.
//!
//! ```text
//! task (woken) ─ run_queue (two lanes; in each, the cog that has used least runs first) ─ worker (a time slice on a thread, charged to the cog)
//! ```
//!
//! The kernel shares processors between threads, and knows nothing of cogs. So cogs that have used little lately and
//! are expected to be quick have threads of their own, which go before those of all others: the kernel takes the
//! processor away from a long slice the moment that a quick cog has something to do. A thread on which a slice turns
//! out to be long steps aside, and another one takes its place.

mod run_queue;
mod task;
mod worker;

use crate::lock::lock;
use crate::vm::cpu_usage::CpuMeter;
use crate::vm::fair_share::FairShare;
use run_queue::{Lane, RunQueues};
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use task::Task;
use tokio::runtime::Runtime;

/// The threads that drive cogs' clocks and sockets: they only wake others.
const DRIVERS: usize = 2;

/// Runs cogs' tasks. Clones share it.
#[derive(Clone, Debug)]
pub struct Scheduler(Arc<SchedulerState>);

/// What its threads share.
#[derive(Debug)]
struct SchedulerState {
    queue: Arc<RunQueues<Task>>,
    /// All that have not ended, for the end of the scheduler.
    tasks: Mutex<Vec<Weak<Task>>>,
    /// Threads that have stepped aside, until their task's time slice is over.
    aside: AtomicUsize,
    /// In its context tasks are polled.
    runtime: Option<Runtime>,
}

impl Drop for SchedulerState {
    fn drop(&mut self) {
        // A runtime that is simply dropped waits for its threads, which tokio forbids in asynchronous code.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Scheduler {
    /// Starts its threads. More for quick cogs than there are processors: one that is stuck in native code holds its
    /// thread, and must not hold up others. For all others one processor less than there are: in the end it is the
    /// kernel that lets quick cogs go first, but not everywhere does it do so at once.
    pub fn start() -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let (quick, patient) = ((2 * processors).max(6), (processors - 1).max(1));
        Self::with_threads((quick, processors.max(2)), patient)
    }

    /// So many threads for quick cogs, of which so many are woken before tasks wait, and so many for all others.
    fn with_threads((quick, woken): (usize, usize), patient: usize) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(DRIVERS)
            .thread_name("cogsmith-drive")
            .on_thread_start(worker::step_back)
            .enable_all()
            .build()?;
        let scheduler = Self(Arc::new(SchedulerState {
            queue: Arc::new(RunQueues::new(woken, patient)),
            tasks: Mutex::default(),
            aside: AtomicUsize::new(0),
            runtime: Some(runtime),
        }));
        let lanes = [(Lane::Quick, quick), (Lane::Patient, patient)];
        for (lane, threads) in lanes {
            for _ in 0..threads {
                worker::start(&scheduler.0, lane).inspect_err(|_| scheduler.stop())?;
            }
        }
        Ok(scheduler)
    }

    /// Runs a cog's task. All processor time that its time slices use is charged to both.
    pub fn spawn(
        &self,
        fair_share: &Arc<FairShare>,
        cpu_meter: &Arc<CpuMeter>,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = Task::new(
            Arc::clone(&self.0.queue),
            Arc::clone(fair_share),
            Arc::clone(cpu_meter),
            future,
        );
        let mut tasks = lock(&self.0.tasks);
        tasks.retain(|task| task.strong_count() > 0);
        tasks.push(Arc::downgrade(&task));
        drop(tasks);
        task.begin();
    }

    /// Ends all tasks where they wait, and the threads with them. Does not wait for either.
    pub fn stop(&self) {
        self.0.queue.stop();
    }
}

impl SchedulerState {
    /// Ends what is left, once nothing runs any more that could add to it.
    fn end_tasks(&self) {
        loop {
            let Some(task) = lock(&self.tasks).pop() else {
                return;
            };
            if let Some(task) = task.upgrade() {
                task.end();
            }
        }
    }

    /// A place for one more thread that steps aside, if there are not too many.
    fn take_place_aside(&self) -> bool {
        let taken = self.aside.fetch_add(1, Ordering::Relaxed) < worker::MOST_ASIDE;
        if !taken {
            self.give_place_back();
        }
        taken
    }

    fn give_place_back(&self) {
        self.aside.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
