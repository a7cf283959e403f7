//! The faults of handlers that happened lately, for callers that cannot read the log.

use crate::lock::lock;
use crate::problem::Problem;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// How many faults are kept.
const KEPT: usize = 100;
/// How many are kept for one cog: a cog that fails all the time must not hide the faults of others.
const KEPT_OF_A_COG: usize = 20;

/// The last faults of handlers. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FaultLog(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// How many there were, also those that are no longer kept.
    count: usize,
    /// Each with how many came before it, oldest first.
    recent: VecDeque<(usize, Arc<Problem>)>,
}

impl FaultLog {
    /// Adds a fault; its cog is named in it.
    pub fn add(&self, problem: Problem) {
        let mut kept = self.lock();
        let is_own = |(_, it): &(usize, Arc<Problem>)| it.cog == problem.cog;
        let own = kept.recent.iter().filter(|it| is_own(it)).count();
        let oldest = kept.recent.iter().position(is_own);
        if own >= KEPT_OF_A_COG {
            kept.recent.remove(oldest.unwrap_or_default());
        } else if kept.recent.len() >= KEPT {
            kept.recent.pop_front();
        }
        let number = kept.count;
        kept.recent.push_back((number, Arc::new(problem)));
        kept.count += 1;
    }

    /// How many there were so far.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// Those that came after the first `seen`, as far as they are kept.
    pub fn since(&self, seen: usize) -> Vec<Arc<Problem>> {
        let kept = self.lock();
        let new = kept.recent.iter().filter(|(number, _)| *number >= seen);
        new.map(|(_, problem)| Arc::clone(problem)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        lock(&self.0)
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
                cog: Some(format!("cog {}", number % 10)),
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

    #[test]
    fn one_cog_fills_no_more_than_its_share() {
        let log = FaultLog::default();
        for number in 0..200 {
            log.add(Problem {
                cog: (number > 0).then(|| "greedy".to_owned()),
                message: number.to_string(),
                ..Problem::default()
            });
        }
        let kept = log.since(0);
        assert_eq!(kept.len(), 21);
        assert_eq!(
            (kept[0].message.as_str(), kept[1].message.as_str()),
            ("0", "180")
        );
        assert_eq!(log.since(195).len(), 5);
    }
}
