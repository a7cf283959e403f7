//! Counts the work that is under way, so that a test can wait until the bot has settled.
//!
//! Whoever takes up work (a mailbox entry, a running handler, a request, a batch of writes) holds a
//! [`Busy`] until it is done. Work that waits for the clock or for a user releases its `Busy` meanwhile.
//!
//! All threads count, quick and slow ones, so nobody holds a lock for it but who begins or ends the activity as a
//! whole: the kernel could stop a slow thread just then, and all others would wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use tokio::sync::watch;

/// The number of things under way in one bot.
#[derive(Clone, Debug)]
pub struct Activity(Arc<Count>);

#[derive(Debug)]
struct Count {
    now: AtomicUsize,
    /// The count when it last came to or from zero while somebody looked on.
    turned: watch::Sender<usize>,
}

impl Count {
    /// To be called whenever the count has come to or from zero. Who does it last tells what is so in the end.
    fn turn(&self) {
        // To tell nobody costs as much as all else that happens to most events. Either this sees who has come to look
        // on, or they see the count as it is now.
        fence(Ordering::SeqCst);
        if self.turned.receiver_count() > 0 {
            self.tell();
        }
    }

    fn tell(&self) {
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
        let mut changes = self.0.turned.subscribe();
        fence(Ordering::SeqCst);
        self.0.tell();
        changes.mark_unchanged();
        changes
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_comes_to_look_on_sees_what_is_so_and_what_follows() {
        let activity = Activity::new();
        for _ in 0..2_000 {
            let busy = activity.begin();
            let ending = tokio::spawn(async move { drop(busy) });
            let idle = tokio::time::timeout(Duration::from_secs(60), activity.idle());
            idle.await.expect("it is told that nothing is under way");
            ending.await.unwrap();
        }
        let changes = activity.subscribe();
        let busy = activity.begin();
        assert_eq!(*changes.borrow(), 1);
        drop(changes);
        drop(busy);
        assert_eq!(*activity.subscribe().borrow(), 0);
    }
}
