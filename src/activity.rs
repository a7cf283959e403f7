//! Counts the work that is under way, so that a test can wait until the bot has settled.
//!
//! Whoever takes up work (a mailbox entry, a running handler, a request, a batch of writes) holds a
//! [`Busy`] until it is done. Work that waits for the clock or for a user releases its `Busy` meanwhile.
//!
//! All threads count, quick and slow ones, so nobody holds a lock for it but who begins or ends the activity as a
//! whole: the kernel could stop a slow thread just then, and all others would wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// The number of things under way in one bot.
#[derive(Clone, Debug)]
pub struct Activity(Arc<Count>);

#[derive(Debug)]
struct Count {
    now: AtomicUsize,
    /// The count when it last came to or from zero.
    turned: watch::Sender<usize>,
}

impl Count {
    /// To be called whenever the count has come to or from zero. Who does it last tells what is so in the end.
    fn turn(&self) {
        self.turned
            .send_modify(|count| *count = self.now.load(Ordering::SeqCst));
    }
}

/// One thing under way; it ends when this is dropped.
#[derive(Debug)]
pub struct Busy {
    activity: Activity,
}

impl Activity {
    /// Nothing is under way.
    pub fn new() -> Self {
        Self(Arc::new(Count {
            now: AtomicUsize::new(0),
            turned: watch::Sender::new(0),
        }))
    }

    /// One more thing is under way until the returned guard is dropped.
    pub fn begin(&self) -> Busy {
        if self.0.now.fetch_add(1, Ordering::SeqCst) == 0 {
            self.0.turn();
        }
        Busy {
            activity: self.clone(),
        }
    }

    /// How many things are under way now.
    pub fn count(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// Sees whenever the count comes to zero, and whenever it leaves it.
    pub fn subscribe(&self) -> watch::Receiver<usize> {
        self.0.turned.subscribe()
    }

    /// Returns as soon as nothing is under way.
    pub async fn idle(&self) {
        let mut changes = self.subscribe();
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
        let count = &self.activity.0;
        if count.now.fetch_sub(1, Ordering::SeqCst) == 1 {
            count.turn();
        }
    }
}
