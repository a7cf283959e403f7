//! The run queues: tasks that are ready, one queue for each lane.

use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

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

impl<T> Default for RunQueues<T> {
    fn default() -> Self {
        Self {
            quick: RunQueue::default(),
            patient: RunQueue::default(),
        }
    }
}

/// Ready tasks of one lane, taken out in the order of their finish tags, and of arrival where these are the same.
#[derive(Debug)]
struct RunQueue<T> {
    ready: Mutex<Ready<T>>,
    arrivals: Condvar,
}

impl<T> Default for RunQueue<T> {
    fn default() -> Self {
        let ready = Ready {
            tasks: BTreeMap::new(),
            arrived: 0,
            is_stopped: false,
        };
        Self {
            ready: Mutex::new(ready),
            arrivals: Condvar::new(),
        }
    }
}

#[derive(Debug)]
struct Ready<T> {
    tasks: BTreeMap<(u64, u64), Arc<T>>,
    /// Counts arrivals.
    arrived: u64,
    is_stopped: bool,
}

impl<T> RunQueues<T> {
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
        drop(ready);
        self.arrivals.notify_one();
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
            let waited = self.arrivals.wait(ready);
            ready = waited.unwrap_or_else(PoisonError::into_inner);
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
