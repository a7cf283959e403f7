//! What the writer, those who send to it and those who wait for it have in common.

use super::queue::Queue;
use crate::lock::lock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// Where batches wait for the writer.
#[derive(Debug)]
pub(super) struct Desk {
    queue: Mutex<Queue>,
    /// Rings when something has come.
    pub(super) changed: Notify,
    /// Bytes a second that each cog may write.
    rate: AtomicUsize,
}

impl Desk {
    /// Nothing has come yet.
    pub(super) fn new(rate: usize) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Notify::new(),
            rate: AtomicUsize::new(rate),
        }
    }

    /// Changes how many bytes a second each cog may write.
    pub(super) fn set_rate(&self, rate: usize) {
        self.rate.store(rate, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    #[allow(clippy::cast_precision_loss, reason = "an amount, not a count")]
    pub(super) fn rate(&self) -> f64 {
        self.rate.load(Ordering::Relaxed).max(1) as f64
    }
}
