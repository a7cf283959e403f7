//! The processor time that one cog has used within the last minute: its code, and all that the host does for it on
//! the threads of cogs. It outlives the cog's VMs.
//!
//! One [`CpuUsage`] counts for the cog's name, and one for each of its versions. A [`CpuMeter`] adds to both.

use super::raw::{cpu_time, thread_clock};
use crate::lock::lock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

const SECONDS: usize = 60;

/// The processor time that a cog, or one of its versions, has used within the last minute.
#[derive(Debug)]
pub struct CpuUsage {
    created: Instant,
    minute: Mutex<Minute>,
}

/// The processor time of the thread on which this was made, lap by lap.
#[derive(Debug)]
pub struct ThreadTime {
    clock: Option<libc::clockid_t>,
    last: Duration,
}

impl ThreadTime {
    /// That of the calling thread.
    pub fn of_this_thread() -> Self {
        let mut time = Self {
            clock: thread_clock(),
            last: Duration::ZERO,
        };
        time.lap();
        time
    }

    /// What the thread has used since the last call.
    pub fn lap(&mut self) -> Duration {
        let now = self.clock.and_then(cpu_time).unwrap_or(self.last);
        now.saturating_sub(std::mem::replace(&mut self.last, now))
    }
}

/// Time used in each of the last 60 seconds, as a ring.
#[derive(Debug)]
struct Minute {
    used: [Duration; SECONDS],
    total: Duration,
    /// The second that was charged last, counted from when this was created.
    second: u64,
    /// The longest slice so far.
    longest: Duration,
}

impl Minute {
    /// Forgets what was used more than a minute before `second`.
    fn move_to(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        for back in 0..passed.min(SECONDS as u64) {
            let place = place(second - back);
            self.total = self.total.saturating_sub(self.used[place]);
            self.used[place] = Duration::ZERO;
        }
        self.second = self.second.max(second);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the remainder is below 60")]
fn place(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

impl CpuUsage {
    /// Nothing was used yet.
    pub fn new() -> Self {
        Self {
            created: Instant::now(),
            minute: Mutex::new(Minute {
                used: [Duration::ZERO; SECONDS],
                total: Duration::ZERO,
                second: 0,
                longest: Duration::ZERO,
            }),
        }
    }

    fn at(&self, now: Instant) -> MutexGuard<'_, Minute> {
        let second = now.saturating_duration_since(self.created).as_secs();
        let mut minute = lock(&self.minute);
        minute.move_to(second);
        minute
    }

    /// Adds the time that was used up to `now`.
    pub fn charge(&self, used: Duration, now: Instant) {
        let mut minute = self.at(now);
        let place = place(minute.second);
        minute.used[place] += used;
        minute.total += used;
    }

    /// Notes the length of one slice. Its time is charged together with everything around it.
    pub(super) fn note_slice(&self, used: Duration) {
        if !used.is_zero() {
            let mut minute = lock(&self.minute);
            minute.longest = minute.longest.max(used);
        }
    }

    /// What was used within the minute before `now`, to the second.
    pub fn used(&self, now: Instant) -> Duration {
        self.at(now).total
    }

    /// The longest slice so far.
    pub fn longest(&self) -> Duration {
        self.at(Instant::now()).longest
    }
}

impl Default for CpuUsage {
    fn default() -> Self {
        Self::new()
    }
}

/// Charges the time slices of one cog to its name and to the current version. The time of older versions and of
/// preparations is charged to these.
#[derive(Debug, Default)]
pub struct CpuMeter {
    /// Of the name.
    all: Arc<CpuUsage>,
    /// Of the current version.
    current: Mutex<Arc<CpuUsage>>,
    /// Nanoseconds of the present time slice with which a version has been charged already.
    charged: AtomicU64,
}

impl CpuMeter {
    /// A meter that adds to `all`, what the cog has used under its name.
    pub fn new(all: &Arc<CpuUsage>) -> Self {
        Self {
            all: Arc::clone(all),
            ..Self::default()
        }
    }

    /// From now on the current version is the one with this usage.
    pub fn begin(&self, usage: &Arc<CpuUsage>) {
        *lock(&self.current) = Arc::clone(usage);
    }

    fn current(&self) -> Arc<CpuUsage> {
        Arc::clone(&lock(&self.current))
    }

    /// Charges for a time slice that has ended: the current version pays for the part that no other version was charged
    /// with.
    pub fn charge(&self, used: Duration, now: Instant) {
        self.all.charge(used, now);
        let charged = Duration::from_nanos(self.charged.swap(0, Ordering::Relaxed));
        self.current().charge(used.saturating_sub(charged), now);
    }

    /// A version has been charged with a part of the present time slice.
    pub fn note_charged(&self, used: Duration) {
        let used = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        self.charged.fetch_add(used, Ordering::Relaxed);
    }

    /// How much of the present time slice versions have been charged with so far.
    pub fn charged(&self) -> Duration {
        Duration::from_nanos(self.charged.load(Ordering::Relaxed))
    }

    /// Notes what one slice used, with which its version has been charged.
    pub(super) fn note_slice(&self, used: Duration) {
        self.all.note_slice(used);
        self.note_charged(used);
    }

    /// What the current version has used within the minute before `now`, to the second.
    pub fn used(&self, now: Instant) -> Duration {
        self.current().used(now)
    }

    /// The longest slice so far, of all versions.
    pub fn longest(&self) -> Duration {
        self.all.longest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn time_is_forgotten_after_a_minute() {
        let usage = CpuUsage::new();
        let at = |seconds| usage.created + Duration::from_secs(seconds);
        let ms = Duration::from_millis;
        usage.charge(ms(300), at(0));
        usage.charge(ms(200), at(30));
        assert_eq!(usage.used(at(59)), ms(500));
        assert_eq!(usage.used(at(60)), ms(200));
        assert_eq!(usage.used(at(90)), ms(0));
        usage.charge(ms(50), at(10_000));
        assert_eq!(usage.used(at(10_000)), ms(50));
        usage.note_slice(ms(300));
        usage.note_slice(ms(200));
        assert_eq!(usage.longest(), ms(300));
        assert_eq!(usage.used(at(10_000)), ms(50));
    }

    #[test]
    fn a_time_slice_is_charged_once_and_to_the_version_that_used_it() {
        let all = Arc::new(CpuUsage::new());
        let meter = CpuMeter::new(&all);
        let (old, new) = (Arc::new(CpuUsage::new()), Arc::new(CpuUsage::new()));
        let now = Instant::now();
        meter.begin(&old);
        meter.charge(Duration::from_secs(9), now);
        meter.begin(&new);
        assert_eq!(meter.used(now), Duration::ZERO);
        // Two seconds of the time slice are those of the old one.
        meter.note_charged(Duration::from_secs(2));
        meter.charge(Duration::from_secs(3), now);
        meter.charge(Duration::from_secs(1), now);
        assert_eq!(meter.used(now), Duration::from_secs(2));
        assert_eq!(all.used(now), Duration::from_secs(13));
        assert_eq!(old.used(now), Duration::from_secs(9));
    }

    proptest! {
        #[test]
        fn the_total_is_what_the_last_60_seconds_used(
            charges in prop::collection::vec((0u64..40, 0u64..1_000), 1..60),
        ) {
            let usage = CpuUsage::new();
            let mut second = 0;
            let mut all = Vec::new();
            for (pause, micros) in charges {
                second += pause;
                let now = usage.created + Duration::from_secs(second);
                usage.charge(Duration::from_micros(micros), now);
                all.push((second, micros));
                let within = all.iter().filter(|(at, _)| at + 60 > second);
                let expected: u64 = within.map(|(_, micros)| micros).sum();
                prop_assert_eq!(usage.used(now), Duration::from_micros(expected));
            }
        }
    }
}
