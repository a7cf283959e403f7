//! How much processor time a cog has used lately, and how long its present turn may still last.
//!
//! A cog may use a tenth of a processor, and some more for a moment. One that uses more is *greedy* until it
//! has made up for it, and then waits for its turn: see `cogs::turns`.

use std::sync::atomic::{AtomicU64, Ordering};
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

/// One cog's account.
#[derive(Debug)]
pub struct Turn {
    /// What the other times count from.
    origin: Instant,
    /// When the present turn began, in microseconds.
    began: AtomicU64,
    /// When all that was used will have been paid for, in microseconds.
    paid_at: AtomicU64,
}

impl Turn {
    /// Nothing is used yet.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
            began: AtomicU64::new(0),
            paid_at: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        micros(self.origin.elapsed())
    }

    /// A turn begins.
    pub fn begin(&self) {
        self.began.store(self.now(), Ordering::Relaxed);
    }

    /// Whether the present turn has lasted long enough: who is asked for another slice now puts it off.
    pub fn is_over(&self) -> bool {
        let began = self.began.load(Ordering::Relaxed);
        self.now().saturating_sub(began) >= micros(TURN)
    }

    /// Adds processor time that was used.
    pub fn charge(&self, used: Duration) {
        if !used.is_zero() {
            self.charge_at(self.now(), used);
        }
    }

    fn charge_at(&self, now: u64, used: Duration) {
        let unpaid = self.paid_at.load(Ordering::Relaxed).saturating_sub(now);
        let unpaid = (unpaid + micros(used * PRICE)).min(micros(MOST_UNPAID));
        self.paid_at.store(now + unpaid, Ordering::Relaxed);
    }

    /// Whether it has used more than its share lately.
    pub fn is_greedy(&self) -> bool {
        self.is_greedy_at(self.now())
    }

    fn is_greedy_at(&self, now: u64) -> bool {
        self.paid_at.load(Ordering::Relaxed) > now + micros(CREDIT)
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self::new()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Turn;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_tenth_of_a_processor_is_never_greedy() {
        let turn = Turn::new();
        for step in 0..10_000 {
            let now = step * 50_000;
            turn.charge_at(now, ms(5));
            assert!(!turn.is_greedy_at(now), "after {step} steps");
        }
    }

    #[test]
    fn more_than_a_tenth_is_greedy_sooner_or_later() {
        let turn = Turn::new();
        let greedy = (0..100).find(|step| {
            turn.charge_at(step * 50_000, ms(10));
            turn.is_greedy_at(step * 50_000)
        });
        assert_eq!(greedy, Some(9));
    }

    #[test]
    fn one_slice_that_ran_into_its_limit_is_made_up_for_in_two_seconds() {
        let turn = Turn::new();
        turn.charge_at(0, ms(250));
        assert!(turn.is_greedy_at(0));
        assert!(turn.is_greedy_at(2 * SECOND - 1));
        assert!(!turn.is_greedy_at(2 * SECOND));
    }

    #[test]
    fn whatever_was_used_is_made_up_for_in_half_a_minute() {
        let turn = Turn::new();
        turn.charge_at(0, ms(3_600_000));
        assert!(turn.is_greedy_at(29 * SECOND));
        assert!(!turn.is_greedy_at(30 * SECOND));
    }
}
