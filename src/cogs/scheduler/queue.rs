//! The run queue: tasks that are ready, in two lanes.

use super::task::Task;
use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Which threads a turn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Of cogs that have used little lately and are expected to be quick.
    Quick,
    /// Of all others: they wait for each other.
    Patient,
}

/// Ready tasks. Each lane is served in the order of finish tags, and of arrival where these are the same.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: Mutex<Ready>,
    quick: Condvar,
    patient: Condvar,
}

#[derive(Debug, Default)]
struct Ready {
    quick: BTreeMap<(u64, u64), Arc<Task>>,
    patient: BTreeMap<(u64, u64), Arc<Task>>,
    /// Counts arrivals.
    arrived: u64,
    is_stopped: bool,
}

impl Ready {
    fn lane(&mut self, lane: Lane) -> &mut BTreeMap<(u64, u64), Arc<Task>> {
        match lane {
            Lane::Quick => &mut self.quick,
            Lane::Patient => &mut self.patient,
        }
    }
}

impl Queue {
    fn arrivals(&self, lane: Lane) -> &Condvar {
        match lane {
            Lane::Quick => &self.quick,
            Lane::Patient => &self.patient,
        }
    }

    /// Adds a task that is ready. After the stop it is nobody's.
    pub(super) fn push(&self, task: Arc<Task>, lane: Lane, tag: u64) {
        let mut ready = lock(&self.ready);
        if ready.is_stopped {
            return;
        }
        ready.arrived += 1;
        let place = (tag, ready.arrived);
        ready.lane(lane).insert(place, task);
        drop(ready);
        self.arrivals(lane).notify_one();
    }

    /// Waits for a task and takes it out; nothing after the stop.
    pub(super) fn pop(&self, lane: Lane) -> Option<Arc<Task>> {
        let mut ready = lock(&self.ready);
        loop {
            if ready.is_stopped {
                return None;
            }
            if let Some((_, task)) = ready.lane(lane).pop_first() {
                return Some(task);
            }
            let waited = self.arrivals(lane).wait(ready);
            ready = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From now on nobody gets anything.
    pub(super) fn stop(&self) {
        let mut ready = lock(&self.ready);
        ready.is_stopped = true;
        let left = (
            std::mem::take(&mut ready.quick),
            std::mem::take(&mut ready.patient),
        );
        drop(ready);
        self.quick.notify_all();
        self.patient.notify_all();
        // What a task holds may wake others when it goes: not under the lock.
        drop(left);
    }

    pub(super) fn is_stopped(&self) -> bool {
        lock(&self.ready).is_stopped
    }
}
