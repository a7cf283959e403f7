//! What is to be done about cogs by whoever keeps track of them: one thing a cog, the newest.

use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Things that wait, by the names of their cogs.
#[derive(Debug)]
pub struct CogQueue<T> {
    waiting: Mutex<BTreeMap<Arc<str>, T>>,
    /// Rings when one is added.
    pub added: Notify,
}

impl<T> CogQueue<T> {
    /// Adds one, in the place of what waits for this cog.
    pub fn add(&self, cog: &Arc<str>, thing: T) {
        lock(&self.waiting).insert(Arc::clone(cog), thing);
        self.added.notify_one();
    }

    /// Those that were added since the last call.
    pub fn take(&self) -> BTreeMap<Arc<str>, T> {
        std::mem::take(&mut lock(&self.waiting))
    }
}

impl<T> Default for CogQueue<T> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            added: Notify::new(),
        }
    }
}
