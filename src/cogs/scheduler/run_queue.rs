//! The run queues: tasks that are ready, one queue for each lane.

use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Which threads run a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Of cogs that have used little lately and are expected to be quick.
    Quick,
    /// Of all others: they wait for each other.
    Patient,
}

/// One run queue for each lane. They share no lock: the kernel may stop a patient thread at any place, and no quick
/// thread waits for a lock that it holds.
#[derive(Debug)]
pub(super) struct RunQueues<T> {
    quick: RunQueue<T>,
    patient: RunQueue<T>,
}

/// Ready tasks of one lane, taken out in the order of their finish tags, and of arrival where these are the same.
///
/// To wake a thread costs more than most slices. So a task that arrives wakes one only while fewer run than there are
/// processors: otherwise one that runs takes it next. A thread whose slice turns out to be long does not count.
#[derive(Debug)]
struct RunQueue<T> {
    ready: Mutex<Ready<T>>,
    arrivals: Condvar,
    /// How many threads are woken before others have to wait.
    most_running: usize,
}

#[derive(Debug)]
struct Ready<T> {
    tasks: BTreeMap<(u64, u64), Arc<T>>,
    /// Counts arrivals.
    arrived: u64,
    /// Threads that run tasks, or have been woken for that, without those whose slices are long.
    running: usize,
    /// Threads that wait for a task.
    waiting: usize,
    /// Threads that have been woken and do not run yet.
    woken: usize,
    is_stopped: bool,
}

impl<T> RunQueues<T> {
    /// Queues in which arriving tasks wake up to `quick` and `patient` threads.
    pub(super) fn new(quick: usize, patient: usize) -> Self {
        Self {
            quick: RunQueue::new(quick),
            patient: RunQueue::new(patient),
        }
    }

    /// A thread begins to serve a lane.
    pub(super) fn begin(&self, lane: Lane) {
        lock(&self.of(lane).ready).running += 1;
    }

    /// The slice of a thread of a lane is long: others run what waits.
    pub(super) fn step_aside(&self, lane: Lane) {
        self.of(lane).step_aside();
    }

    /// It is over, and the thread runs tasks as before.
    pub(super) fn come_back(&self, lane: Lane) {
        self.begin(lane);
    }

    fn of(&self, lane: Lane) -> &RunQueue<T> {
        match lane {
            Lane::Quick => &self.quick,
            Lane::Patient => &self.patient,
        }
    }

    /// Adds a task that is ready. After the stop it is dropped.
    pub(super) fn push(&self, task: Arc<T>, lane: Lane, tag: u64) {
        self.of(lane).push(task, tag);
    }

    /// Waits for a task and takes it out; nothing after the stop.
    pub(super) fn pop(&self, lane: Lane) -> Option<Arc<T>> {
        self.of(lane).pop()
    }

    /// Stops the queue: no worker gets a task any more.
    pub(super) fn stop(&self) {
        // In this order, as `is_stopped` looks at the former: quick threads, which are many, see it.
        self.patient.stop();
        self.quick.stop();
    }

    pub(super) fn is_stopped(&self) -> bool {
        lock(&self.patient.ready).is_stopped
    }
}

impl<T> RunQueue<T> {
    fn new(most_running: usize) -> Self {
        let ready = Ready {
            tasks: BTreeMap::new(),
            arrived: 0,
            running: 0,
            waiting: 0,
            woken: 0,
            is_stopped: false,
        };
        Self {
            ready: Mutex::new(ready),
            arrivals: Condvar::new(),
            most_running,
        }
    }

    fn push(&self, task: Arc<T>, tag: u64) {
        let mut ready = lock(&self.ready);
        if ready.is_stopped {
            // What the task holds may wake others when it goes: not under the lock.
            drop(ready);
            return;
        }
        ready.arrived += 1;
        let place = (tag, ready.arrived);
        ready.tasks.insert(place, task);
        self.wake(ready);
    }

    /// Wakes a thread if fewer run than may.
    fn wake(&self, mut ready: MutexGuard<'_, Ready<T>>) {
        let is_useful = ready.running < self.most_running && ready.waiting > ready.woken;
        if is_useful {
            ready.running += 1;
            ready.woken += 1;
        }
        drop(ready);
        if is_useful {
            self.arrivals.notify_one();
        }
    }

    fn step_aside(&self) {
        let mut ready = lock(&self.ready);
        ready.running = ready.running.saturating_sub(1);
        if !ready.tasks.is_empty() {
            self.wake(ready);
        }
    }

    fn pop(&self) -> Option<Arc<T>> {
        let mut ready = lock(&self.ready);
        loop {
            if ready.is_stopped {
                return None;
            }
            if let Some((_, task)) = ready.tasks.pop_first() {
                return Some(task);
            }
            ready.running = ready.running.saturating_sub(1);
            ready.waiting += 1;
            while ready.woken == 0 && !ready.is_stopped {
                let waited = self.arrivals.wait(ready);
                ready = waited.unwrap_or_else(PoisonError::into_inner);
            }
            ready.waiting -= 1;
            // Whoever has woken it has counted it as running.
            ready.woken = ready.woken.saturating_sub(1);
        }
    }

    fn stop(&self) {
        let mut ready = lock(&self.ready);
        ready.is_stopped = true;
        let left = std::mem::take(&mut ready.tasks);
        drop(ready);
        self.arrivals.notify_all();
        // As above.
        drop(left);
    }
}
