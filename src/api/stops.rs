//! What leads a cog into quarantine: its handlers are stopped again and again. It is taken out of the way then, until
//! somebody saves another version of it or an admin reloads it. Whether it is in quarantine is part of its condition.

use super::limits::at_most;
use crate::lock::lock;
use crate::sliding_window::SlidingWindow;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Stops count for this long.
const REMEMBERED: Duration = Duration::from_secs(600);

/// What leads one cog into quarantine.
#[derive(Debug)]
pub struct Quarantine {
    /// Handlers that were stopped.
    stops: Mutex<SlidingWindow>,
    /// Rings when the quarantine begins.
    pub begun: Notify,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self {
            stops: Mutex::new(SlidingWindow::new(REMEMBERED)),
            begun: Notify::new(),
        }
    }
}

impl Quarantine {
    fn lock(&self) -> MutexGuard<'_, SlidingWindow> {
        lock(&self.stops)
    }

    /// Counts a handler that was stopped at `now`. True when there were `most` within ten minutes.
    pub fn is_due(&self, now: Duration, most: u32) -> bool {
        self.lock().add(now) >= at_most(most)
    }

    /// Forgets all stops: another version runs, which begins with a clean record.
    pub(super) fn forget_stops(&self) {
        *self.lock() = SlidingWindow::new(REMEMBERED);
    }

    /// How many handlers were stopped within ten minutes.
    pub fn stops(&self, now: Duration) -> usize {
        self.lock().count(now)
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
        quarantine.forget_stops();
        assert_eq!(quarantine.stops(at(18)), 0);
    }
}
