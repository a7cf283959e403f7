//! The schedule of `cog.every`: a timer keeps it across reloads, by its name.

use crate::api::declarations::Timer;
use crate::backoff::exponential;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time that a timer of a new version waits for the older version's timer of that name to finish.
const WAIT_FOR_OLDER: Duration = Duration::from_secs(2);

/// The number of failures in a row after which the pause between two calls grows no longer.
const MOST_DOUBLINGS: u32 = 6;

/// The timers of one cog.
#[derive(Debug, Default)]
pub(super) struct Timers {
    entries: BTreeMap<String, Entry>,
    /// The number of the last run.
    last_run: u64,
}

#[derive(Debug)]
struct Entry {
    timer: Timer,
    /// Since the Unix epoch.
    due: Duration,
    run: Option<RunOfTimer>,
    failures: u32,
}

/// A timer's function is under way.
#[derive(Clone, Copy, Debug)]
struct RunOfTimer {
    number: u64,
    /// It belongs to an older version, and is waited for until then.
    given_up_at: Option<Duration>,
}

impl Entry {
    /// When the call after the one that is under way is due.
    fn due_after_run(&self) -> Duration {
        self.due + self.timer.interval
    }

    /// When it is to be called, unless it waits for the end of its last call.
    fn next(&self) -> Option<Duration> {
        match self.run {
            None => Some(self.due),
            Some(run) => run.given_up_at.map(|until| until.max(self.due_after_run())),
        }
    }
}

impl Timers {
    /// Takes a generation's timers: those that were there keep their time, those that are gone end. How often the
    /// older version's failed says nothing of the new one's.
    pub(super) fn replace(&mut self, timers: Vec<Timer>, now: Duration) {
        let mut former = std::mem::take(&mut self.entries);
        for timer in timers {
            let kept = former.remove(&timer.name);
            let soonest = now + timer.interval;
            let entry = match kept {
                Some(entry) => Entry {
                    // A shorter interval applies at once.
                    due: entry.due.min(soonest),
                    timer,
                    run: entry.run.map(|run| RunOfTimer {
                        given_up_at: run.given_up_at.or(Some(now + WAIT_FOR_OLDER)),
                        ..run
                    }),
                    failures: 0,
                },
                None => Entry {
                    due: if timer.immediately { now } else { soonest },
                    timer,
                    run: None,
                    failures: 0,
                },
            };
            self.entries.insert(entry.timer.name.clone(), entry);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the next one is due, since the Unix epoch.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.entries.values().filter_map(Entry::next).min()
    }

    /// The timers that are due, each with the number of the run that begins and lasts until [`Timers::ended`].
    pub(super) fn take_due(&mut self, now: Duration) -> Vec<(u64, Timer)> {
        let mut due = Vec::new();
        for entry in self.entries.values_mut() {
            if entry.next().is_some_and(|next| next <= now) {
                if entry.run.is_some() {
                    entry.due = entry.due_after_run();
                }
                self.last_run += 1;
                entry.run = Some(RunOfTimer {
                    number: self.last_run,
                    given_up_at: None,
                });
                due.push((self.last_run, entry.timer.clone()));
            }
        }
        due
    }

    /// A run of a timer's function has ended. One that was given up says nothing any more, and one of an older version
    /// does not say how the new one fares. The next call comes one interval after the last was due, never before
    /// now, and later after failures.
    pub(super) fn ended(&mut self, name: &str, number: u64, failed: bool, now: Duration) {
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        let Some(run) = entry.run.take_if(|run| run.number == number) else {
            return;
        };
        entry.failures = match (failed, run.given_up_at) {
            (true, None) => entry.failures + 1,
            _ => 0,
        };
        let pause = exponential(
            entry.timer.interval,
            entry.failures.min(MOST_DOUBLINGS),
            Duration::MAX,
        );
        entry.due = (entry.due + pause).max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::Lua;

    const SECOND: Duration = Duration::from_secs(1);

    /// Timers of one version, called `a` and due each second.
    fn version(lua: &Lua, seconds: u32) -> Vec<Timer> {
        let handler = lua.create_function(|_, ()| Ok(())).unwrap();
        vec![Timer {
            name: "a".to_owned(),
            handler,
            interval: SECOND * seconds,
            immediately: true,
        }]
    }

    fn begin(timers: &mut Timers, now: Duration) -> Option<u64> {
        let due = timers.take_due(now);
        due.first().map(|(number, _)| *number)
    }

    #[test]
    fn what_an_older_version_does_moves_no_call_forward() {
        let (lua, mut timers) = (Lua::new(), Timers::default());
        timers.replace(version(&lua, 60), SECOND);
        assert!(begin(&mut timers, SECOND).is_some());
        timers.replace(version(&lua, 60), SECOND * 5);
        assert_eq!(timers.next_due(), Some(SECOND * 61));
        let new = begin(&mut timers, SECOND * 61).unwrap();
        timers.ended("a", new, false, SECOND * 62);
        assert_eq!(timers.next_due(), Some(SECOND * 121));
    }

    #[test]
    fn what_an_older_version_does_holds_up_the_new_one_for_a_moment_at_most() {
        let (lua, mut timers) = (Lua::new(), Timers::default());
        timers.replace(version(&lua, 1), SECOND);
        let old = begin(&mut timers, SECOND).unwrap();
        assert_eq!(timers.next_due(), None, "it does not overlap itself");
        for seconds in 10..12 {
            timers.replace(version(&lua, 1), SECOND * seconds);
            assert_eq!(timers.next_due(), Some(SECOND * 12));
        }
        assert_eq!(begin(&mut timers, SECOND * 11), None);
        let new = begin(&mut timers, SECOND * 12).unwrap();
        timers.ended("a", old, true, SECOND * 13);
        assert_eq!(timers.next_due(), None, "the new one is still under way");
        timers.ended("a", new, false, SECOND * 13);
        assert_eq!(timers.next_due(), Some(SECOND * 13));
    }

    #[test]
    fn failures_of_an_older_version_are_not_those_of_the_new_one() {
        let (lua, mut timers) = (Lua::new(), Timers::default());
        timers.replace(version(&lua, 10), Duration::ZERO);
        for _ in 0..8 {
            let now = timers.next_due().unwrap();
            let run = begin(&mut timers, now).unwrap();
            timers.ended("a", run, true, now);
        }
        let now = timers.next_due().unwrap();
        let old = begin(&mut timers, now).unwrap();
        timers.replace(version(&lua, 10), now);
        timers.ended("a", old, true, now);
        let due = timers.next_due().unwrap();
        assert_eq!(due, now + SECOND * 10);
        let run = begin(&mut timers, due).unwrap();
        timers.ended("a", run, true, due);
        assert_eq!(timers.next_due(), Some(due + SECOND * 20));
    }
}
