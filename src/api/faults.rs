//! The handlers that failed lately, for whoever wants to know without reading the log.

use crate::reload::report::Problem;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many faults are kept.
const KEPT: usize = 100;

/// The last faults of handlers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FaultLog(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// How many there were, also those that are no longer kept.
    count: usize,
    recent: VecDeque<Arc<Problem>>,
}

impl FaultLog {
    /// Adds a fault; its cog is named in it.
    pub fn add(&self, problem: Problem) {
        let mut kept = self.lock();
        if kept.recent.len() == KEPT {
            kept.recent.pop_front();
        }
        kept.recent.push_back(Arc::new(problem));
        kept.count += 1;
    }

    /// How many there were so far.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// Those that came after the first `seen`, as far as they are kept.
    pub fn since(&self, seen: usize) -> Vec<Arc<Problem>> {
        let kept = self.lock();
        let gone = kept.count - kept.recent.len();
        kept.recent
            .iter()
            .skip(seen.saturating_sub(gone))
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_faults_are_forgotten_and_still_counted() {
        let log = FaultLog::default();
        for number in 0..150 {
            log.add(Problem {
                message: number.to_string(),
                ..Problem::default()
            });
        }
        assert_eq!(log.count(), 150);
        assert_eq!(log.since(0).len(), 100);
        let last: Vec<_> = log.since(148).iter().map(|it| it.message.clone()).collect();
        assert_eq!(last, ["148", "149"]);
        assert!(log.since(150).is_empty());
    }
}
