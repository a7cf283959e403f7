//! Fair shares of the processors: how much processor time a cog has used lately, how long its slices are expected to
//! be, and whether its present time slice is over. From that `cogs::scheduler` decides which cog runs first.
//!
//! A *time slice* is one poll of the cog's task by the scheduler. It may hold several *slices*, which are single calls
//! into Luau.
//!
//! A cog may use a tenth of a processor, and some more for a moment. One that uses more is *greedy* until its use,
//! averaged over time, is back within that share.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// How long a time slice is: after this long a cog starts no further slice in it. A slice that is running is not cut
/// short; `limits.cpu_ms` does that.
const TIME_SLICE: Duration = Duration::from_millis(10);
/// How many seconds it takes to recover from one second of processor time: a share is a tenth of a processor.
const RECOVERY: u32 = 10;
/// A cog that will have recovered within this time is not greedy: it may use 50 ms of processor time at once.
const BURST: Duration = Duration::from_millis(500);
/// Recovery never takes longer than this: a cog that has stopped using much is soon treated like any other.
const LONGEST_RECOVERY: Duration = Duration::from_secs(30);
/// A slice that is longer than this delays others.
const LONG_SLICE: Duration = Duration::from_millis(10);
/// A slice is remembered for so many times its length, and counts less and less meanwhile. So after a slice of a
/// quarter of a second, another one is expected for more than a minute.
const MEMORY: u32 = 300;
/// Nothing is remembered for longer than this.
const LONGEST_MEMORY: Duration = Duration::from_secs(120);

/// After so many seconds, what a cog has used counts half.
const HALF_LIFE: f64 = 10.0;
/// Less than this, in seconds, counts as nothing: cogs that have used less run in the order in which they ask.
const NOTHING: f64 = 0.000_1;

/// The origin of all times, so that those of different cogs can be compared.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What one cog has used of its share. Times are in microseconds since the origin.
#[derive(Debug)]
pub struct FairShare {
    /// When the present time slice began.
    began: AtomicU64,
    /// When the cog will have recovered from all that it has used.
    recovered_at: AtomicU64,
    /// When its longest slice will be forgotten.
    forgotten_at: AtomicU64,
    /// What it has used, as the bits of a number: see [`level`].
    level: AtomicU64,
    /// How many things the host needs from the cog now: others wait for them, so the cog runs at once.
    boosts: AtomicUsize,
}

/// The host needs something from a cog, which runs before others until this is dropped.
#[derive(Debug)]
pub struct Boost(Arc<FairShare>);

impl Drop for Boost {
    fn drop(&mut self) {
        self.0.boosts.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for FairShare {
    fn default() -> Self {
        Self {
            began: AtomicU64::new(0),
            recovered_at: AtomicU64::new(0),
            forgotten_at: AtomicU64::new(0),
            level: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            boosts: AtomicUsize::new(0),
        }
    }
}

/// The logarithm of the time used until now, in seconds, seen from any later time. As all use loses its weight at the
/// same rate, the values of two cogs can be compared however old they are.
fn level(used: f64, now: u64) -> f64 {
    used.log2() + half_lives(now)
}

fn half_lives(now: u64) -> f64 {
    Duration::from_micros(now).as_secs_f64() / HALF_LIFE
}

fn now() -> u64 {
    micros(ORIGIN.elapsed())
}

impl FairShare {
    /// A time slice begins. If a greedy cog gets it only because of a boost, it has no room for the cog's own slices.
    pub fn begin_time_slice(&self) {
        let now = now();
        let is_over = self.is_boosted() && !self.keeps_to_its_share(now);
        let began = now.saturating_sub(if is_over { micros(TIME_SLICE) } else { 0 });
        self.began.store(began, Ordering::Relaxed);
    }

    /// Lets the cog run before others, because the host needs something from it.
    pub fn boost(self: &Arc<Self>) -> Boost {
        self.boosts.fetch_add(1, Ordering::Relaxed);
        Boost(Arc::clone(self))
    }

    /// Whether the host needs something from the cog now.
    pub fn is_boosted(&self) -> bool {
        self.boosts.load(Ordering::Relaxed) > 0
    }

    /// Whether the present time slice is over: a slice that would begin now waits for the next one.
    pub fn is_time_slice_over(&self) -> bool {
        let began = self.began.load(Ordering::Relaxed);
        now().saturating_sub(began) >= micros(TIME_SLICE)
    }

    /// Adds the processor time that one time slice used.
    pub fn charge(&self, used: Duration) {
        if !used.is_zero() {
            self.charge_at(now(), used);
        }
    }

    fn charge_at(&self, now: u64, used: Duration) {
        let recovery = self
            .recovered_at
            .load(Ordering::Relaxed)
            .saturating_sub(now);
        let recovery = (recovery + micros(used * RECOVERY)).min(micros(LONGEST_RECOVERY));
        self.recovered_at.store(now + recovery, Ordering::Relaxed);
        let level = level(self.used_at(now) + used.as_secs_f64(), now);
        self.level.store(level.to_bits(), Ordering::Relaxed);
        // A time slice ends with the first slice that outlasts it.
        let slice = used.saturating_sub(TIME_SLICE);
        let remembered = (slice * MEMORY).min(LONGEST_MEMORY);
        self.forgotten_at
            .fetch_max(now + micros(remembered), Ordering::Relaxed);
    }

    /// Whether it runs before others: the host needs something from it, or it has kept to its share lately and is not
    /// expected to run a long slice.
    pub fn is_quick(&self) -> bool {
        self.is_boosted() || self.keeps_to_its_share(now())
    }

    fn keeps_to_its_share(&self, now: u64) -> bool {
        !self.is_greedy_at(now) && self.expected_at(now) <= LONG_SLICE
    }

    /// Whether it has used more than its share lately.
    fn is_greedy_at(&self, now: u64) -> bool {
        self.recovered_at.load(Ordering::Relaxed) > now + micros(BURST)
    }

    /// How long its next slice may be.
    fn expected_at(&self, now: u64) -> Duration {
        let remembered = self.forgotten_at.load(Ordering::Relaxed);
        Duration::from_micros(remembered.saturating_sub(now)) / MEMORY
    }

    /// What it has used lately, in seconds.
    fn used_at(&self, now: u64) -> f64 {
        let level = f64::from_bits(self.level.load(Ordering::Relaxed));
        (level - half_lives(now)).exp2()
    }

    /// What it will have used after its next time slice, the *finish tag* of fair queueing: of the cogs that wait, the
    /// one with the lowest tag runs first. While a cog waits its tag stays the same, and the tags of those that come
    /// later are higher and higher: no cog waits for ever.
    pub fn finish_tag(&self) -> u64 {
        self.finish_tag_at(now())
    }

    fn finish_tag_at(&self, now: u64) -> u64 {
        let used = self.used_at(now) + self.expected_at(now).as_secs_f64() + NOTHING;
        // From a millionth of a half-life on; the logarithm of nothing is above -14.
        let tag = (level(used, now) + 14.0) * 1_000_000.0;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive, and 2^53 of it take 2,000 years"
        )]
        let tag = tag as u64;
        tag
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::FairShare;
    use std::sync::Arc;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn what_the_host_wants_runs_at_once_and_brings_the_cog_no_time_slice() {
        let share = Arc::new(FairShare::default());
        share.charge(ms(1_000));
        assert!(!share.is_quick());
        let boost = share.boost();
        std::thread::sleep(super::TIME_SLICE);
        share.begin_time_slice();
        assert!(share.is_quick() && share.is_time_slice_over());
        drop(boost);
        share.begin_time_slice();
        assert!(!share.is_quick() && !share.is_time_slice_over());
    }

    #[test]
    fn a_tenth_of_a_processor_is_never_greedy() {
        let share = FairShare::default();
        for step in 0..10_000 {
            let now = step * 50_000;
            share.charge_at(now, ms(5));
            assert!(share.keeps_to_its_share(now), "after {step} steps");
        }
    }

    #[test]
    fn more_than_a_tenth_is_greedy_sooner_or_later() {
        let share = FairShare::default();
        let greedy = (0..100).find(|step| {
            share.charge_at(step * 50_000, ms(10));
            share.is_greedy_at(step * 50_000)
        });
        assert_eq!(greedy, Some(9));
    }

    #[test]
    fn one_slice_that_ran_into_its_limit_is_made_up_for_in_two_seconds() {
        let share = FairShare::default();
        share.charge_at(0, ms(250));
        assert!(share.is_greedy_at(0));
        assert!(share.is_greedy_at(2 * SECOND - 1));
        assert!(!share.is_greedy_at(2 * SECOND));
    }

    #[test]
    fn whatever_was_used_is_made_up_for_in_half_a_minute() {
        let share = FairShare::default();
        share.charge_at(0, ms(3_600_000));
        assert!(share.is_greedy_at(29 * SECOND));
        assert!(!share.is_greedy_at(30 * SECOND));
    }

    /// Below a tenth of a processor on average, but still delaying others.
    #[test]
    fn a_long_slice_is_expected_again_for_a_minute_and_not_for_ever() {
        let share = FairShare::default();
        share.charge_at(0, ms(210));
        assert!(!share.is_greedy_at(3 * SECOND));
        assert!(!share.keeps_to_its_share(3 * SECOND));
        assert!(!share.keeps_to_its_share(56 * SECOND));
        assert!(share.keeps_to_its_share(58 * SECOND));
    }

    #[test]
    fn a_long_slice_is_not_forgotten_over_short_ones() {
        let share = FairShare::default();
        share.charge_at(0, ms(210));
        for step in 0..1_000 {
            share.charge_at(step * 10_000, ms(1));
        }
        assert!(!share.keeps_to_its_share(11 * SECOND));
    }

    #[test]
    fn whoever_has_used_less_and_takes_less_goes_first() {
        let (idle, short, long, greedy) = <(FairShare, FairShare, FairShare, FairShare)>::default();
        short.charge_at(0, ms(1));
        long.charge_at(0, ms(100));
        greedy.charge_at(9 * SECOND, ms(3_000));
        let tags = [&idle, &short, &long, &greedy].map(|share| share.finish_tag_at(10 * SECOND));
        assert!(tags.is_sorted_by(|one, other| one < other), "{tags:?}");
    }

    #[test]
    fn what_was_used_counts_half_after_each_half_life() {
        let (early, late) = <(FairShare, FairShare)>::default();
        early.charge_at(0, ms(8));
        late.charge_at(20 * SECOND, ms(2));
        let used = [&early, &late].map(|share| share.used_at(40 * SECOND));
        assert!((used[0] - 0.000_5).abs() < 1e-9, "{used:?}");
        assert!((used[1] - 0.000_5).abs() < 1e-9, "{used:?}");
    }

    /// However little the others use who come later.
    #[test]
    fn nobody_waits_for_ever() {
        let (greedy, idle) = <(FairShare, FairShare)>::default();
        greedy.charge_at(0, ms(60_000));
        let waits_since = greedy.finish_tag_at(0);
        assert!(idle.finish_tag_at(0) < waits_since);
        assert!(idle.finish_tag_at(300 * SECOND) > waits_since);
    }
}
