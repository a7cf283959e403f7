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
/// processors: otherwise one that runs takes it next. A thread whose slice turns out to be long does not count. The one
/// that has waited for the shortest time is woken: its stack and its memory are still in the processor's caches.
#[derive(Debug)]
struct RunQueue<T> {
    ready: Mutex<Ready<T>>,
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
    /// Threads that wait for a task, and have not been woken: the last one has come last.
    waiting: Vec<Arc<Condvar>>,
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

    /// The same for a task that ran on a thread of this lane, which looks for its next one now.
    pub(super) fn push_again(&self, task: Arc<T>, lane: Lane, tag: u64) {
        let refused = lock(&self.of(lane).ready).add(task, tag);
        // What the task holds may wake others when it goes: not under the lock.
        drop(refused);
    }

    /// Waits for a task and takes it out; nothing after the stop. `arrival` is the thread's own.
    pub(super) fn pop(&self, lane: Lane, arrival: &Arc<Condvar>) -> Option<Arc<T>> {
        self.of(lane).pop(arrival)
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
            waiting: Vec::new(),
            is_stopped: false,
        };
        Self {
            ready: Mutex::new(ready),
            most_running,
        }
    }

    fn push(&self, task: Arc<T>, tag: u64) {
        let mut ready = lock(&self.ready);
        let refused = ready.add(task, tag);
        if refused.is_none() {
            self.wake(ready);
        } else {
            // As above.
            drop(ready);
        }
    }

    /// Wakes a thread if fewer run than may.
    fn wake(&self, mut ready: MutexGuard<'_, Ready<T>>) {
        if ready.running >= self.most_running {
            return;
        }
        let Some(arrival) = ready.waiting.pop() else {
            return;
        };
        ready.running += 1;
        drop(ready);
        arrival.notify_one();
    }

    fn step_aside(&self) {
        let mut ready = lock(&self.ready);
        ready.running = ready.running.saturating_sub(1);
        if !ready.tasks.is_empty() {
            self.wake(ready);
        }
    }

    fn pop(&self, arrival: &Arc<Condvar>) -> Option<Arc<T>> {
        let mut ready = lock(&self.ready);
        loop {
            if ready.is_stopped {
                return None;
            }
            // Those that run now take what waits, unless too few do.
            let may_run = ready.running <= self.most_running;
            if may_run && let Some((_, task)) = ready.tasks.pop_first() {
                return Some(task);
            }
            ready.running = ready.running.saturating_sub(1);
            ready.waiting.push(Arc::clone(arrival));
            // Whoever wakes it takes it out, and counts it as running.
            while ready.waiting.iter().any(|one| Arc::ptr_eq(one, arrival)) {
                let waited = arrival.wait(ready);
                ready = waited.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn stop(&self) {
        let mut ready = lock(&self.ready);
        ready.is_stopped = true;
        let left = std::mem::take(&mut ready.tasks);
        let waiting = std::mem::take(&mut ready.waiting);
        drop(ready);
        for arrival in waiting {
            arrival.notify_one();
        }
        // As above.
        drop(left);
    }
}

impl<T> Ready<T> {
    /// Adds a task, or returns it after the stop.
    fn add(&mut self, task: Arc<T>, tag: u64) -> Option<Arc<T>> {
        if self.is_stopped {
            return Some(task);
        }
        self.arrived += 1;
        self.tasks.insert((tag, self.arrived), task);
        None
    }
}
