//! Whose work a cog's task does now: that of the current version, that of an older one, or that of one on trial. What it
//! uses meanwhile is charged accordingly: a trial has what older versions have, so the current version loses nothing by
//! it.

use super::budget::Budget;
use super::slots::Slots;
use crate::state::View;
use crate::vm::cpu_usage::{CpuMeter, ThreadTime};
use crate::vm::life::Life;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The lane in which a cog's task works.
#[derive(Debug)]
pub(super) struct Lane {
    is_older: AtomicBool,
    is_on_trial: AtomicBool,
    budget: Arc<Budget>,
    /// The processor time that the cog's code uses.
    pub(super) cpu_meter: Arc<CpuMeter>,
}

impl Lane {
    /// The current version has it.
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            is_older: AtomicBool::new(false),
            is_on_trial: AtomicBool::new(false),
            budget: Arc::clone(budget),
            cpu_meter: Arc::new(CpuMeter::new(&budget.cpu)),
        }
    }

    /// Whether what the cog's task does now is the work of a version on trial.
    pub(super) fn is_on_trial(&self) -> bool {
        self.is_on_trial.load(Ordering::Relaxed)
    }

    /// Whether what the cog's task does now is the work of another version than the current one.
    pub(super) fn is_older(&self) -> bool {
        self.is_older.load(Ordering::Relaxed)
    }

    /// What the requests may use of the version whose work is done now.
    pub(super) fn slots(&self) -> &Slots {
        self.budget.slots(self.is_older())
    }

    /// The number of the version whose work is done now.
    pub(super) fn version(&self) -> u64 {
        self.budget.version(self.is_older())
    }

    /// Does a part of the work of an older version, or of one on trial, with this life, on the thread of the cog's task. What that takes is
    /// not charged to the one that answers.
    pub(super) fn work_for_other<R>(
        &self,
        life: &Life,
        stored: &View,
        work: impl FnOnce() -> R,
    ) -> R {
        let mut time = ThreadTime::of_this_thread();
        let charged = self.cpu_meter.charged();
        self.is_older.store(true, Ordering::Relaxed);
        self.is_on_trial
            .store(life.is_on_trial(), Ordering::Relaxed);
        stored.set_works_for_older(true);
        let done = work();
        stored.set_works_for_older(false);
        self.is_on_trial.store(false, Ordering::Relaxed);
        self.is_older.store(false, Ordering::Relaxed);
        // Slices are charged by themselves.
        let slices = self.cpu_meter.charged().saturating_sub(charged);
        let around = time.lap().saturating_sub(slices);
        life.cpu_usage().charge(around, Instant::now());
        self.cpu_meter.note_charged(around);
        done
    }
}
