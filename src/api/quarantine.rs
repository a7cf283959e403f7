//! Quarantine: a cog whose handlers are stopped again and again is taken out of the way, until somebody saves
//! another version of it or an admin reloads it.

use super::limits::at_most;
use crate::lock::lock;
use crate::problem::Problem;
use crate::sliding_window::SlidingWindow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Stops count for this long.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Whether one cog is in quarantine, and what led there.
#[derive(Debug, Default)]
pub struct Quarantine {
    is_on: AtomicBool,
    record: Mutex<Record>,
    /// Rings when the quarantine begins.
    pub begun: Notify,
}

#[derive(Debug)]
struct Record {
    /// Handlers that were stopped.
    stops: SlidingWindow,
    problem: Option<Problem>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            stops: SlidingWindow::new(REMEMBERED),
            problem: None,
        }
    }
}

impl Quarantine {
    fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Counts a handler that was stopped at `now`. True when there were `most` within ten minutes.
    pub fn is_due(&self, now: Duration, most: u32) -> bool {
        self.record().stops.add(now) >= at_most(most)
    }

    /// Begins it; `problem` is what is shown of it.
    pub fn begin(&self, problem: Problem) {
        self.record().problem = Some(problem);
        self.is_on.store(true, Ordering::Release);
        self.begun.notify_one();
    }

    /// Ends it: another version runs, which begins with a clean record.
    pub fn end(&self) {
        *self.record() = Record::default();
        self.is_on.store(false, Ordering::Release);
    }

    /// Whether the cog is in quarantine.
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Why it is in quarantine.
    pub fn problem(&self) -> Option<Problem> {
        self.record().problem.clone()
    }

    /// How many handlers were stopped within ten minutes.
    pub fn stops(&self, now: Duration) -> usize {
        self.record().stops.count(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stops_of_the_last_ten_minutes_count() {
        let quarantine = Quarantine::default();
        let at = |minutes: u64| Duration::from_secs(1_000_000 + minutes * 60);
        assert!(!quarantine.is_due(at(0), 3));
        assert!(!quarantine.is_due(at(9), 3));
        assert!(!quarantine.is_due(at(10), 3));
        assert!(quarantine.is_due(at(18), 3));
        quarantine.begin(Problem::default());
        assert!(quarantine.is_on());
        quarantine.end();
        assert!(!quarantine.is_on() && quarantine.problem().is_none());
        assert_eq!(quarantine.stops(at(18)), 0);
    }
}
