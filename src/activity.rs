//! Counts the work that is under way, so that a test can wait until the bot has settled.
//!
//! Whoever takes up work (a mailbox entry, a running handler, a request, a batch of writes) holds a
//! [`Busy`] until it is done. Work that waits for the clock or for a user releases its `Busy` meanwhile.

use std::sync::Arc;
use tokio::sync::watch;

/// The number of things under way in one bot.
#[derive(Clone, Debug)]
pub struct Activity {
    count: Arc<watch::Sender<usize>>,
}

/// One thing under way; it ends when this is dropped.
#[derive(Debug)]
pub struct Busy {
    activity: Activity,
}

impl Activity {
    /// Nothing is under way.
    pub fn new() -> Self {
        Self {
            count: Arc::new(watch::Sender::new(0)),
        }
    }

    /// One more thing is under way until the returned guard is dropped.
    pub fn begin(&self) -> Busy {
        self.count.send_modify(|count| *count += 1);
        Busy {
            activity: self.clone(),
        }
    }

    /// How many things are under way now.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Sees every change of the count.
    pub fn subscribe(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// Returns as soon as nothing is under way.
    pub async fn idle(&self) {
        let mut changes = self.count.subscribe();
        // The sender lives in `self`, so waiting cannot end with an error.
        let _closed = changes.wait_for(|count| *count == 0).await.is_err();
    }
}

impl Default for Activity {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.count.send_modify(|count| *count -= 1);
    }
}
