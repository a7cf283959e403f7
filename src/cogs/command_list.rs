//! Tells whoever keeps Discord's list of commands up to date that the cogs' commands may have changed.

use crate::activity::{Activity, Busy};
use crate::clock::Clock;
use crate::lock::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Where changes of the commands are noted.
#[derive(Debug, Default)]
pub struct CommandList {
    changed: Notify,
    /// The bot is busy until the list has been looked at. Only where no time passes by itself: elsewhere others would
    /// wait for the quiet time.
    busy: Mutex<Option<Busy>>,
    is_followed: AtomicBool,
}

impl CommandList {
    /// Somebody follows from now on.
    pub fn follow(&self) {
        self.is_followed.store(true, Ordering::Relaxed);
    }

    /// Notes that the commands may have changed.
    pub fn note(&self, clock: &Clock, activity: &Activity) {
        if clock.is_paused() && self.is_followed.load(Ordering::Relaxed) {
            *lock(&self.busy) = Some(activity.begin());
        }
        self.changed.notify_one();
    }

    /// Returns after the next change. What is returned is held until the list is up to date.
    pub async fn changed(&self) -> Option<Busy> {
        self.changed.notified().await;
        lock(&self.busy).take()
    }
}
