//! Notices saves and delivers them as one batch for each burst.
//!
//! ```text
//! notify's thread ─ filter (does it matter?) ─ pending (what, since when) ─ a task that sleeps until the burst is over ─ Batch
//!                                              debounce (whether the burst is over)
//!                                              backend (inotify, or polling when its limits are reached: limits)
//!                                              unclosed (whose writer is not done)
//! ```
//!
//! Nothing is polled on the way: the task sleeps until the debounce window ends. A batch names what may
//! have changed; what did change is for [`sources`](super::sources) to say by content.

mod backend;
mod debounce;
mod filter;
mod limits;
mod pending;
mod unclosed;

pub use pending::Batch;

use super::sources::Rules;
use crate::host_tasks::{self, Task};
use backend::Backend;
use pending::WatchState;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

/// How often the files are read when inotify cannot be used.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Watches `lua/` until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<WatchState>,
    task: JoinHandle<()>,
}

/// Why `lua/` cannot be watched at all.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system refuses, and polling is no remedy.
    #[error("{path} cannot be watched: {cause}; check that the folder exists and may be read")]
    Refused {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        cause: String,
    },
}

impl Watcher {
    /// Watches the folder `root` (`lua/`), which need not exist yet; its parent has to. The watcher
    /// runs when this returns: every later change is in a batch. Batches are sent `window` after the
    /// last change of a burst (the debounce), and after 20 × `window`, at least 2 s, also while changes go on.
    ///
    /// When inotify's limits are reached or it cannot be used, and on drives that tell of no changes, the
    /// files are polled once a second; [`Watcher::limit`] and the log then say why. Must be called within a
    /// tokio runtime.
    pub fn start(
        root: &Path,
        rules: &Rules,
        window: Duration,
    ) -> Result<(Self, mpsc::Receiver<Batch>), WatchError> {
        Self::run(root, rules, window, Backend::native)
    }

    /// The same by reading the files every `interval`, for disks that do not report changes.
    pub fn start_polling(
        root: &Path,
        rules: &Rules,
        window: Duration,
        interval: Duration,
    ) -> Result<(Self, mpsc::Receiver<Batch>), WatchError> {
        Self::run(root, rules, window, |shared| {
            Backend::polling(shared, interval)
        })
    }

    fn run(
        root: &Path,
        rules: &Rules,
        window: Duration,
        open: impl FnOnce(&Arc<WatchState>) -> Result<Backend, WatchError>,
    ) -> Result<(Self, mpsc::Receiver<Batch>), WatchError> {
        let shared = Arc::new(WatchState::new(root, rules, window));
        let backend = open(&shared)?;
        // At most one batch waits: later changes become part of the next one.
        let (sender, receiver) = mpsc::channel(1);
        let delivery = Delivery {
            shared: Arc::clone(&shared),
            backend: Some(backend),
            batches: sender,
        };
        let task = host_tasks::spawn(Task::Batches, delivery, |delivery, again| {
            if again {
                // The batch that was being delivered may be lost.
                delivery.shared.rescan(Instant::now());
            }
            Box::pin(delivery.run())
        });
        Ok((Self { shared, task }, receiver))
    }

    /// Changes the debounce window, from the current burst on.
    pub fn set_debounce(&self, window: Duration) {
        self.shared.set_debounce(window);
    }

    /// Changes which files matter, and asks for a rescan.
    pub fn set_rules(&self, rules: &Rules) {
        self.shared.set_rules(rules);
        self.shared.rescan(Instant::now());
    }

    /// Puts unsettled files into a batch of their own, one debounce window from now.
    pub fn look_again(&self, paths: impl IntoIterator<Item = PathBuf>) {
        for path in paths {
            self.shared.change(path, Instant::now());
        }
    }

    /// Why the files are polled, and what to do about it, if they are.
    pub fn limit(&self) -> Option<String> {
        self.shared.limit()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands batches on.
struct Delivery {
    shared: Arc<WatchState>,
    /// Nothing while it is repaired, or when that failed.
    backend: Option<Backend>,
    batches: mpsc::Sender<Batch>,
}

impl Delivery {
    /// Sends a batch whenever a burst is over.
    async fn run(&mut self) {
        loop {
            host_tasks::point(Task::Batches);
            self.repair().await;
            let shared = &self.shared;
            let now = Instant::now();
            match shared.due() {
                None => tokio::select! {
                    () = shared.wake.notified() => {}
                    () = next_look(self.backend.as_ref()) => shared.look(Instant::now()),
                },
                Some(due) if due > now => tokio::select! {
                    () = tokio::time::sleep_until(due.into()) => {}
                    () = shared.wake.notified() => {}
                },
                Some(_) if shared.has_new_folders() => shared.check_new_folders(),
                Some(_) => {
                    let Ok(permit) = self.batches.reserve().await else {
                        return;
                    };
                    if let Some(batch) = shared.take_batch(Instant::now()) {
                        permit.send(batch);
                    }
                }
            }
        }
    }

    /// Repairs the watch. Watching a tree reads all its folders, which may take a while.
    async fn repair(&mut self) {
        let repair = self.shared.take_repair();
        let shared = Arc::clone(&self.shared);
        let repaired = match (self.backend.take(), repair) {
            (Some(backend), Some(repair)) => {
                tokio::task::spawn_blocking(move || backend.repair(&shared, repair))
                    .await
                    .ok()
            }
            (Some(backend), None) => Some(backend),
            // It was lost in a panic: a new one begins with all files.
            (None, _) => reopen(shared).await,
        };
        self.backend = repaired;
        if self.backend.is_none() {
            tokio::time::sleep(POLL_INTERVAL).await;
            self.shared.wake.notify_one();
        }
    }
}

/// Returns when all files are to be looked at again.
async fn next_look(backend: Option<&Backend>) {
    match backend {
        Some(backend) => backend.next_look().await,
        None => std::future::pending().await,
    }
}

/// Watches again. What has changed meanwhile is in the next batch.
async fn reopen(shared: Arc<WatchState>) -> Option<Backend> {
    let opening = tokio::task::spawn_blocking(move || {
        let opened = Backend::native(&shared);
        shared.rescan(Instant::now());
        opened
    });
    let opened = opening.await.ok()?;
    opened
        .inspect_err(|error| warn!(%error, "Changes of files are not noticed at the moment"))
        .ok()
}
