//! Counts how often handlers of a cog are stopped, which leads it into quarantine: it is taken out of the way then, until
//! somebody saves another version of it or an admin reloads it. Whether it is in quarantine is part of its condition.

use super::limits::at_most;
use crate::lock::lock;
use crate::sliding_window::SlidingWindow;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Stops count for this long.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The handlers of one cog that were stopped.
#[derive(Debug)]
pub struct Stops(Mutex<SlidingWindow>);

impl Default for Stops {
    fn default() -> Self {
        Self(Mutex::new(SlidingWindow::new(REMEMBERED)))
    }
}

impl Stops {
    fn lock(&self) -> MutexGuard<'_, SlidingWindow> {
        lock(&self.0)
    }

    /// Counts a handler that was stopped at `now`. True when there were `most` within ten minutes.
    pub fn is_due(&self, now: Duration, most: u32) -> bool {
        self.lock().add(now) >= at_most(most)
    }

    /// Forgets all stops: another version runs, which begins with a clean record.
    pub(super) fn forget(&self) {
        *self.lock() = SlidingWindow::new(REMEMBERED);
    }

    /// How many handlers were stopped within ten minutes.
    pub fn count(&self, now: Duration) -> usize {
        self.lock().count(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stops_of_the_last_ten_minutes_count() {
        let stops = Stops::default();
        let at = |minutes: u64| Duration::from_secs(1_000_000 + minutes * 60);
        assert!(!stops.is_due(at(0), 3));
        assert!(!stops.is_due(at(9), 3));
        assert!(!stops.is_due(at(10), 3));
        assert!(stops.is_due(at(18), 3));
        stops.forget();
        assert_eq!(stops.count(at(18)), 0);
    }
}
