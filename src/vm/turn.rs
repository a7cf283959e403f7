//! How much processor time a cog has used lately, how long its slices are expected to be, and how long its present
//! turn may still last. From that `cogs::scheduler` knows who goes first.
//!
//! A cog may use a tenth of a processor, and some more for a moment. One that uses more is *greedy* until it has
//! made up for it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// After this long in one turn a cog starts no further slice. A slice that is under way is not cut: that is
/// `limits.cpu_ms`.
const TURN: Duration = Duration::from_millis(10);
/// How long a cog pays for a second of processor time, in seconds.
const PRICE: u32 = 10;
/// What may be unpaid without being greedy: 50 ms of processor time.
const CREDIT: Duration = Duration::from_millis(500);
/// What is unpaid is never more than this, so that a cog that has come to its senses is free again.
const MOST_UNPAID: Duration = Duration::from_secs(30);
/// A slice beyond this holds up others.
const LONG_SLICE: Duration = Duration::from_millis(10);
/// A slice is remembered for so many times its length, and counts for less and less meanwhile. So slices of a
/// quarter of a second are expected again for more than a minute.
const MEMORY: u32 = 300;
/// Nothing is remembered for longer than this.
const LONGEST_MEMORY: Duration = Duration::from_secs(120);

/// In so many seconds what a cog has used counts half.
const HALF_LIFE: f64 = 10.0;
/// Less than this, in seconds, is nothing: those who have used less go in the order in which they ask.
const NOTHING: f64 = 0.000_1;

/// What all times count from, so that those of different cogs can be compared.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One cog's account. Times are in microseconds since the origin.
#[derive(Debug)]
pub struct Turn {
    /// When the present turn began.
    began: AtomicU64,
    /// When all that was used will have been paid for.
    paid_at: AtomicU64,
    /// When its longest slice will be forgotten.
    forgotten_at: AtomicU64,
    /// What it has used, as the bits of a number: see [`level`].
    level: AtomicU64,
    /// What the host asks of the cog now: others wait for it, so it waits for no turn.
    errands: AtomicUsize,
}

/// Something that the host asks of a cog, until this is dropped.
#[derive(Debug)]
pub struct Errand(Arc<Turn>);

impl Drop for Errand {
    fn drop(&mut self) {
        self.0.errands.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            began: AtomicU64::new(0),
            paid_at: AtomicU64::new(0),
            forgotten_at: AtomicU64::new(0),
            level: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            errands: AtomicUsize::new(0),
        }
    }
}

/// The logarithm of what was used until now, in seconds, as it will look from any later time. As all that was used
/// loses its weight at the same pace, those of two cogs can be compared however old they are.
fn level(used: f64, now: u64) -> f64 {
    used.log2() + half_lives(now)
}

fn half_lives(now: u64) -> f64 {
    Duration::from_micros(now).as_secs_f64() / HALF_LIFE
}

fn now() -> u64 {
    micros(ORIGIN.elapsed())
}

impl Turn {
    /// A turn begins. One that a cog has only for an errand is over for its own slices.
    pub fn begin(&self) {
        let now = now();
        let is_over = self.has_errand() && !self.keeps_to_its_share(now);
        let began = now.saturating_sub(if is_over { micros(TURN) } else { 0 });
        self.began.store(began, Ordering::Relaxed);
    }

    /// The host asks something of the cog.
    pub fn errand(self: &Arc<Self>) -> Errand {
        self.errands.fetch_add(1, Ordering::Relaxed);
        Errand(Arc::clone(self))
    }

    /// Whether the host asks something of the cog now.
    pub fn has_errand(&self) -> bool {
        self.errands.load(Ordering::Relaxed) > 0
    }

    /// Whether the present turn has lasted long enough: who is asked for another slice now puts it off.
    pub fn is_over(&self) -> bool {
        let began = self.began.load(Ordering::Relaxed);
        now().saturating_sub(began) >= micros(TURN)
    }

    /// Adds the processor time of one turn.
    pub fn charge(&self, used: Duration) {
        if !used.is_zero() {
            self.charge_at(now(), used);
        }
    }

    fn charge_at(&self, now: u64, used: Duration) {
        let unpaid = self.paid_at.load(Ordering::Relaxed).saturating_sub(now);
        let unpaid = (unpaid + micros(used * PRICE)).min(micros(MOST_UNPAID));
        self.paid_at.store(now + unpaid, Ordering::Relaxed);
        let level = level(self.used_at(now) + used.as_secs_f64(), now);
        self.level.store(level.to_bits(), Ordering::Relaxed);
        // A turn ends with the first slice that outlasts it.
        let slice = used.saturating_sub(TURN);
        let remembered = (slice * MEMORY).min(LONGEST_MEMORY);
        self.forgotten_at
            .fetch_max(now + micros(remembered), Ordering::Relaxed);
    }

    /// Whether it goes before others: the host asks something of it, or it has kept to its share lately, and no long
    /// slice is to be expected of it.
    pub fn is_quick(&self) -> bool {
        self.has_errand() || self.keeps_to_its_share(now())
    }

    fn keeps_to_its_share(&self, now: u64) -> bool {
        !self.is_greedy_at(now) && self.expected_at(now) <= LONG_SLICE
    }

    /// Whether it has used more than its share lately.
    fn is_greedy_at(&self, now: u64) -> bool {
        self.paid_at.load(Ordering::Relaxed) > now + micros(CREDIT)
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

    /// What it will have used when it has had its turn: of those who wait, whoever has the lowest tag goes first.
    /// While it waits its tag stays as it is, and those of who comes later are higher and higher: nobody waits for
    /// ever.
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
    use super::Turn;
    use std::sync::Arc;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn what_the_host_asks_waits_for_no_turn_and_brings_none() {
        let turn = Arc::new(Turn::default());
        turn.charge(ms(1_000));
        assert!(!turn.is_quick());
        let errand = turn.errand();
        std::thread::sleep(super::TURN);
        turn.begin();
        assert!(turn.is_quick() && turn.is_over());
        drop(errand);
        turn.begin();
        assert!(!turn.is_quick() && !turn.is_over());
    }

    #[test]
    fn a_tenth_of_a_processor_is_never_greedy() {
        let turn = Turn::default();
        for step in 0..10_000 {
            let now = step * 50_000;
            turn.charge_at(now, ms(5));
            assert!(turn.keeps_to_its_share(now), "after {step} steps");
        }
    }

    #[test]
    fn more_than_a_tenth_is_greedy_sooner_or_later() {
        let turn = Turn::default();
        let greedy = (0..100).find(|step| {
            turn.charge_at(step * 50_000, ms(10));
            turn.is_greedy_at(step * 50_000)
        });
        assert_eq!(greedy, Some(9));
    }

    #[test]
    fn one_slice_that_ran_into_its_limit_is_made_up_for_in_two_seconds() {
        let turn = Turn::default();
        turn.charge_at(0, ms(250));
        assert!(turn.is_greedy_at(0));
        assert!(turn.is_greedy_at(2 * SECOND - 1));
        assert!(!turn.is_greedy_at(2 * SECOND));
    }

    #[test]
    fn whatever_was_used_is_made_up_for_in_half_a_minute() {
        let turn = Turn::default();
        turn.charge_at(0, ms(3_600_000));
        assert!(turn.is_greedy_at(29 * SECOND));
        assert!(!turn.is_greedy_at(30 * SECOND));
    }

    /// Below a tenth of a processor on average, and still in the way of others.
    #[test]
    fn a_long_slice_is_expected_again_for_a_minute_and_not_for_ever() {
        let turn = Turn::default();
        turn.charge_at(0, ms(210));
        assert!(!turn.is_greedy_at(3 * SECOND));
        assert!(!turn.keeps_to_its_share(3 * SECOND));
        assert!(!turn.keeps_to_its_share(56 * SECOND));
        assert!(turn.keeps_to_its_share(58 * SECOND));
    }

    #[test]
    fn a_long_slice_is_not_forgotten_over_short_ones() {
        let turn = Turn::default();
        turn.charge_at(0, ms(210));
        for step in 0..1_000 {
            turn.charge_at(step * 10_000, ms(1));
        }
        assert!(!turn.keeps_to_its_share(11 * SECOND));
    }

    #[test]
    fn whoever_has_used_less_and_takes_less_goes_first() {
        let (idle, short, long, greedy) = <(Turn, Turn, Turn, Turn)>::default();
        short.charge_at(0, ms(1));
        long.charge_at(0, ms(100));
        greedy.charge_at(9 * SECOND, ms(3_000));
        let tags = [&idle, &short, &long, &greedy].map(|turn| turn.finish_tag_at(10 * SECOND));
        assert!(tags.is_sorted_by(|one, other| one < other), "{tags:?}");
    }

    #[test]
    fn what_was_used_counts_half_after_each_half_life() {
        let (early, late) = <(Turn, Turn)>::default();
        early.charge_at(0, ms(8));
        late.charge_at(20 * SECOND, ms(2));
        let used = [&early, &late].map(|turn| turn.used_at(40 * SECOND));
        assert!((used[0] - 0.000_5).abs() < 1e-9, "{used:?}");
        assert!((used[1] - 0.000_5).abs() < 1e-9, "{used:?}");
    }

    /// However little the others use who come later.
    #[test]
    fn nobody_waits_for_ever() {
        let (greedy, idle) = <(Turn, Turn)>::default();
        greedy.charge_at(0, ms(60_000));
        let waits_since = greedy.finish_tag_at(0);
        assert!(idle.finish_tag_at(0) < waits_since);
        assert!(idle.finish_tag_at(300 * SECOND) > waits_since);
    }
}
