//! The schedule of `cog.every`: it goes on across reloads, by the timers' names.

use crate::api::declarations::Timer;
use std::collections::BTreeMap;
use std::time::Duration;

/// After so many failures in a row the pause between two calls no longer grows.
const MOST_DOUBLINGS: u32 = 6;

/// The timers of one cog.
#[derive(Debug, Default)]
pub struct Timers {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    timer: Timer,
    /// Since the Unix epoch.
    due: Duration,
    running: bool,
    failures: u32,
}

impl Timers {
    /// Takes a generation's timers: those that were there keep their time, those that are gone end.
    pub fn replace(&mut self, timers: Vec<Timer>, now: Duration) {
        let mut former = std::mem::take(&mut self.entries);
        for timer in timers {
            let kept = former.remove(&timer.name);
            let soonest = now + timer.interval;
            let entry = match kept {
                Some(entry) => Entry {
                    // A shorter interval applies at once.
                    due: entry.due.min(soonest),
                    timer,
                    ..entry
                },
                None => Entry {
                    due: if timer.immediately { now } else { soonest },
                    timer,
                    running: false,
                    failures: 0,
                },
            };
            self.entries.insert(entry.timer.name.clone(), entry);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When the next one is due, since the Unix epoch.
    pub fn next_due(&self) -> Option<Duration> {
        let waiting = self.entries.values().filter(|entry| !entry.running);
        waiting.map(|entry| entry.due).min()
    }

    /// The timers that are due; they count as running until [`Timers::ended`].
    pub fn take_due(&mut self, now: Duration) -> Vec<Timer> {
        let mut due = Vec::new();
        for entry in self.entries.values_mut() {
            if !entry.running && entry.due <= now {
                entry.running = true;
                due.push(entry.timer.clone());
            }
        }
        due
    }

    /// A timer's function has ended. The next call comes one interval after the last was due, never before
    /// now, and later after failures.
    pub fn ended(&mut self, name: &str, failed: bool, now: Duration) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.running = false;
        entry.failures = if failed { entry.failures + 1 } else { 0 };
        let pause = entry.timer.interval * 2_u32.pow(entry.failures.min(MOST_DOUBLINGS));
        entry.due = (entry.due + pause).max(now);
    }
}
