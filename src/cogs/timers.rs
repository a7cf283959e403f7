//! The schedules of `cog.every` and `cog.cron`: a timer keeps its own across reloads, by its name.

use crate::api::declarations::{Schedule, Timer};
use crate::backoff::exponential;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest time that a timer of a new version waits for the older version's timer of that name to finish.
const WAIT_FOR_OLDER: Duration = Duration::from_secs(2);

/// The number of failures in a row after which the pause between two calls grows no longer.
const MOST_DOUBLINGS: u32 = 6;

/// The pause after the first failure of a `cog.cron`, and the longest one.
const CRON_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_CRON_PAUSE: Duration = Duration::from_secs(3_600);

impl Schedule {
    /// When the first call is due.
    fn first(&self, now: Duration) -> Duration {
        match self {
            Self::Every {
                immediately: true, ..
            } => now,
            Self::Every { .. } | Self::Cron(_) => self.following(now),
        }
    }

    /// When the call after one that was due at `due` is due.
    fn following(&self, due: Duration) -> Duration {
        match self {
            Self::Every { interval, .. } => due + *interval,
            Self::Cron(cron) => cron.next(due).unwrap_or(Duration::MAX),
        }
    }

    /// When the next call is due, after one that was due at `due` has ended with the last of so many failures in a row.
    /// What `cog.cron` has missed meanwhile is left out.
    fn after_run(&self, due: Duration, failures: u32, now: Duration) -> Duration {
        match self {
            Self::Every { interval, .. } => {
                let doublings = failures.min(MOST_DOUBLINGS);
                let pause = exponential(*interval, doublings, Duration::MAX);
                due.saturating_add(pause).max(now)
            }
            Self::Cron(_) => {
                let pause = match failures.checked_sub(1) {
                    None => Duration::ZERO,
                    Some(more) => {
                        let doublings = more.min(MOST_DOUBLINGS);
                        exponential(CRON_PAUSE, doublings, LONGEST_CRON_PAUSE)
                    }
                };
                self.following(due.max(now + pause))
            }
        }
    }

    /// When the next call is due that was due at `due` by the schedule that a timer of this name had before, if a call
    /// of it is under way or not.
    fn taken_over(&self, former: &Self, due: Duration, runs: bool, now: Duration) -> Duration {
        match (self, former) {
            // A shorter interval applies at once.
            (Self::Every { interval, .. }, Self::Every { .. }) => due.min(now + *interval),
            (Self::Cron(_), _) if self == former => due.min(self.following(now)),
            // From the end of that call on.
            _ if runs => now,
            _ => self.following(now),
        }
    }
}

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
        self.timer.schedule.following(self.due)
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
            let entry = match kept {
                Some(entry) => Entry {
                    due: timer.schedule.taken_over(
                        &entry.timer.schedule,
                        entry.due,
                        entry.run.is_some(),
                        now,
                    ),
                    timer,
                    run: entry.run.map(|run| RunOfTimer {
                        given_up_at: run.given_up_at.or(Some(now + WAIT_FOR_OLDER)),
                        ..run
                    }),
                    failures: 0,
                },
                None => Entry {
                    due: timer.schedule.first(now),
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
    /// does not say how the new one fares. The next call never comes before now, and later after failures.
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
        let schedule = &entry.timer.schedule;
        entry.due = schedule.after_run(entry.due, entry.failures, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cron::Cron;
    use jiff::tz::TimeZone;
    use mlua::Lua;
    use std::sync::Arc;

    const SECOND: Duration = Duration::from_secs(1);

    /// Timers of one version, called `a` and due each second.
    fn version(lua: &Lua, seconds: u32) -> Vec<Timer> {
        let handler = lua.create_function(|_, ()| Ok(())).unwrap();
        vec![Timer {
            name: "a".to_owned(),
            handler,
            schedule: Schedule::Every {
                interval: SECOND * seconds,
                immediately: true,
            },
        }]
    }

    /// One that is due by this expression.
    fn cron(lua: &Lua, expression: &str) -> Vec<Timer> {
        let handler = lua.create_function(|_, ()| Ok(())).unwrap();
        let cron = Cron::parse(expression, TimeZone::UTC).unwrap();
        vec![Timer {
            name: "a".to_owned(),
            handler,
            schedule: Schedule::Cron(Arc::new(cron)),
        }]
    }

    #[test]
    fn a_cron_leaves_out_what_comes_while_it_runs_or_pauses_after_failures() {
        let (lua, mut timers) = (Lua::new(), Timers::default());
        timers.replace(cron(&lua, "* * * * *"), SECOND * 30);
        assert_eq!(timers.next_due(), Some(SECOND * 60));
        let run = begin(&mut timers, SECOND * 61).unwrap();
        timers.ended("a", run, false, SECOND * 200);
        assert_eq!(timers.next_due(), Some(SECOND * 240));
        for next in [360, 540, 840] {
            let now = timers.next_due().unwrap();
            let run = begin(&mut timers, now).unwrap();
            timers.ended("a", run, true, now);
            assert_eq!(timers.next_due(), Some(SECOND * next));
        }
        // What is due rarely is not held up.
        timers.replace(cron(&lua, "0 * * * *"), SECOND * 850);
        let run = begin(&mut timers, SECOND * 3_600).unwrap();
        timers.ended("a", run, true, SECOND * 3_601);
        assert_eq!(timers.next_due(), Some(SECOND * 7_200));
    }

    #[test]
    fn a_cron_keeps_its_schedule_unless_its_expression_changes() {
        let (lua, mut timers) = (Lua::new(), Timers::default());
        timers.replace(cron(&lua, "*/10 * * * *"), SECOND * 30);
        // It is overdue: the new version does what the old one could not do any more.
        timers.replace(cron(&lua, "*/10 * * * *"), SECOND * 700);
        assert_eq!(timers.next_due(), Some(SECOND * 600));
        let run = begin(&mut timers, SECOND * 700).unwrap();
        timers.replace(cron(&lua, "*/20 * * * *"), SECOND * 701);
        timers.ended("a", run, false, SECOND * 702);
        assert_eq!(timers.next_due(), Some(SECOND * 1_200));
        timers.replace(cron(&lua, "*/30 * * * *"), SECOND * 703);
        assert_eq!(timers.next_due(), Some(SECOND * 1_800));
        timers.replace(version(&lua, 5), SECOND * 704);
        assert_eq!(timers.next_due(), Some(SECOND * 709));
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
