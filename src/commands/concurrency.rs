//! How many calls of a command run at once.

use super::cooldown::{Key, ScopeIds};
use super::definition::Concurrency;
use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The calls that run now, of all commands. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Running {
    counts: Arc<Mutex<HashMap<Key, u32>>>,
}

/// One call that runs; it ends when this is dropped.
#[derive(Debug)]
#[must_use = "the call counts only as long as its permit is kept"]
pub struct Permit {
    running: Running,
    key: Key,
}

impl Running {
    /// Nothing runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a call of `command` (the words that call it, and its version), unless as many as `limit` allows run.
    pub fn begin(&self, command: &str, ids: &ScopeIds<'_>, limit: &Concurrency) -> Option<Permit> {
        let key = Key::new(command, limit.scope, ids);
        let mut counts = self.lock();
        let count = counts.entry(key.clone()).or_default();
        // The entry is there because others run, so a refusal leaves nothing behind.
        if *count >= limit.limit.max(1) {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Permit {
            running: self.clone(),
            key,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, u32>> {
        lock(&self.counts)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.running.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::definition::CooldownScope;

    #[test]
    fn a_permit_ends_when_it_is_dropped() {
        let running = Running::new();
        let ids = ScopeIds {
            user: "1",
            channel: "2",
            guild: None,
        };
        let limit = Concurrency {
            limit: 2,
            scope: CooldownScope::User,
        };
        let first = running.begin("a", &ids, &limit);
        let second = running.begin("a", &ids, &limit);
        assert!(first.is_some() && second.is_some());
        assert!(running.begin("a", &ids, &limit).is_none());
        assert!(running.begin("b", &ids, &limit).is_some());
        drop(first);
        assert!(running.begin("a", &ids, &limit).is_some());
        drop(second);
        assert!(running.lock().is_empty());
    }
}
