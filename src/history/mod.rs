//! What each cog has run: its last versions with their sources, so that an admin can look back, and go back.
//!
//! ```text
//! a commit (version) ─ queue (here) ─ SQLite (store) ─▶ a list, or the sources of one version (kept)
//! ```
//!
//! Recording holds nobody up: what is recorded waits in a queue, which a thread for blocking work writes. Whoever reads
//! sees all that was recorded before. Nothing is executed from here, unless an admin goes back to a version.

mod kept;
mod store;
#[cfg(test)]
mod tests;
mod version;

pub use kept::{Kept, KeptSources, Undone, UndoneRecord};
pub use store::{MOST_ATTEMPTS, MOST_VERSIONS};
pub use version::{Cause, FailedLoad, FileChange, HistoryOf, NewVersion, Version};

use crate::host_tasks;
use crate::lock::lock;
use crate::vm::resolve::Source;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use store::Store;

/// Why the history does not tell something.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum HistoryError {
    /// There is none of this cog.
    #[error("nothing is known of earlier versions of the cog \"{0}\"")]
    Unknown(String),
    /// The cog has no such version, or it is too old.
    #[error("version {number} of the cog \"{cog}\" is not kept; kept are {}", numbers(.kept))]
    NotKept {
        /// The cog.
        cog: String,
        /// The version that was asked for.
        number: u32,
        /// Those that are kept.
        kept: Vec<u32>,
    },
    /// No version before the one that runs is kept.
    #[error("no version of the cog \"{0}\" before this one is kept")]
    NoneBefore(String),
    /// The database cannot be read or written.
    #[error("the history of the cogs cannot be read: {0}")]
    Disk(String),
    /// The bot keeps none, as it was started without a folder for it.
    #[error("this bot keeps no history")]
    Off,
}

fn numbers(kept: &[u32]) -> String {
    let numbers: Vec<String> = kept.iter().map(u32::to_string).collect();
    if numbers.is_empty() {
        "none".to_owned()
    } else {
        numbers.join(", ")
    }
}

/// What is to be written.
#[derive(Debug)]
enum Entry {
    /// A cog runs something.
    Version(Box<NewVersion>),
    /// A cog could not be loaded.
    Failed(String, FailedLoad),
    /// More modules of what a cog runs: handlers have required them.
    Modules(String, Vec<Arc<Source>>),
    /// Handlers of what a cog runs, and how many of them failed.
    Ran(String, u64, u64),
    /// A cog runs an earlier version.
    Undone(Box<UndoneRecord>),
    /// A cog runs its files again.
    Redone(String),
}

/// The versions of all cogs. Clones share it; the default keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct History {
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    store: Mutex<Store>,
    queue: Mutex<VecDeque<Entry>>,
}

impl Shared {
    /// Writes what waits. The store is locked before the queue is emptied, so that nothing is written out of order.
    fn write(&self) -> std::sync::MutexGuard<'_, Store> {
        let mut store = lock(&self.store);
        let waiting: Vec<Entry> = lock(&self.queue).drain(..).collect();
        if !waiting.is_empty()
            && let Err(error) = store.write(waiting)
        {
            tracing::warn!(%error, "What the cogs have run could not be recorded");
        }
        store
    }
}

impl History {
    /// Opens the database, or makes it. A damaged one is put aside, as the bot can do without.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Store::open(path).map(Self::of_store)
    }

    /// Reads a database beside a bot that may be writing to it.
    pub fn read(path: &Path) -> Result<Self, HistoryError> {
        Store::read(path).map(Self::of_store)
    }

    fn of_store(store: Store) -> Self {
        let (store, queue) = (Mutex::new(store), Mutex::default());
        Self {
            shared: Some(Arc::new(Shared { store, queue })),
        }
    }

    /// Whether nothing is kept.
    pub fn is_off(&self) -> bool {
        self.shared.is_none()
    }

    /// A cog runs something, or the same as before.
    pub fn record(&self, version: NewVersion) {
        self.add(|| Entry::Version(Box::new(version)));
    }

    /// A cog could not be loaded.
    pub fn failed(&self, cog: &str, failed: FailedLoad) {
        self.add(|| Entry::Failed(cog.to_owned(), failed));
    }

    /// Handlers have required more modules.
    pub fn add_modules(&self, cog: &str, modules: Vec<Arc<Source>>) {
        self.add(|| Entry::Modules(cog.to_owned(), modules));
    }

    /// So many handlers of what a cog runs have begun since the last call, and so many have failed.
    pub fn ran(&self, cog: &str, handlers: u64, failures: u64) {
        if handlers > 0 {
            self.add(|| Entry::Ran(cog.to_owned(), handlers, failures));
        }
    }

    /// A cog runs an earlier version, also after a restart, until [`History::redone`].
    pub fn undone(&self, undone: UndoneRecord) {
        self.add(|| Entry::Undone(Box::new(undone)));
    }

    /// A cog runs its files again.
    pub fn redone(&self, cog: &str) {
        self.add(|| Entry::Redone(cog.to_owned()));
    }

    fn add(&self, entry: impl FnOnce() -> Entry) {
        let Some(shared) = &self.shared else {
            return;
        };
        let mut queue = lock(&shared.queue);
        queue.push_back(entry());
        // Whoever empties the queue takes this with it.
        if queue.len() > 1 {
            return;
        }
        drop(queue);
        let shared = Arc::clone(shared);
        let write = move || drop(shared.write());
        match tokio::runtime::Handle::try_current() {
            Ok(_) => drop(host_tasks::errand(async move {
                // A panic there is a bug in the host; what was recorded then is lost.
                let _written = tokio::task::spawn_blocking(write).await.is_ok();
            })),
            Err(_) => write(),
        }
    }

    /// The versions of a cog, newest first, and its last attempts to load that failed.
    pub async fn of(&self, cog: &str) -> Result<HistoryOf, HistoryError> {
        let cog = cog.to_owned();
        self.ask(move |store| store.list(&cog)).await
    }

    /// The same on this thread.
    pub fn of_now(&self, cog: &str) -> Result<HistoryOf, HistoryError> {
        self.ask_now(|store| store.list(cog))
    }

    /// The cogs of which there is a history, in order.
    pub fn cogs_now(&self) -> Result<Vec<String>, HistoryError> {
        self.ask_now(Store::cogs)
    }

    /// The sources of one version.
    pub fn sources_now(&self, cog: &str, number: u32) -> Result<Kept, HistoryError> {
        self.ask_now(|store| store.sources(cog, number))
    }

    /// The sources of a version; of the one before that which runs if no number is given.
    pub async fn sources(&self, cog: &str, number: Option<u32>) -> Result<Kept, HistoryError> {
        let cog = cog.to_owned();
        self.ask(move |store| match number {
            Some(number) => store.sources(&cog, number),
            None => store.before(&cog),
        })
        .await
    }

    /// The cogs that run earlier versions.
    pub async fn all_undone(&self) -> Vec<UndoneRecord> {
        let undone = self.ask(Store::all_undone).await;
        undone.unwrap_or_else(|error| {
            if error != HistoryError::Off {
                tracing::warn!(%error, "Which cogs had been put back to earlier versions is not known");
            }
            Vec::new()
        })
    }

    /// Returns when all that was recorded is in the database.
    pub async fn flush(&self) {
        let _written = self.ask(|_| Ok(())).await.is_ok();
    }

    async fn ask<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&Store) -> Result<R, HistoryError> + Send + 'static,
    ) -> Result<R, HistoryError> {
        let history = self.clone();
        let asked = tokio::task::spawn_blocking(move || history.ask_now(ask));
        let failed = |error: tokio::task::JoinError| HistoryError::Disk(error.to_string());
        asked.await.map_err(failed)?
    }

    fn ask_now<R>(
        &self,
        ask: impl FnOnce(&Store) -> Result<R, HistoryError>,
    ) -> Result<R, HistoryError> {
        let shared = self.shared.as_ref().ok_or(HistoryError::Off)?;
        ask(&shared.write())
    }
}
