//! Exponential backoff: the pause before each further attempt is twice as long, up to a maximum.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The pause after so many pauses before it in a row: `first` doubled that often, and no longer than `maximum`.
pub(crate) fn exponential(first: Duration, before: u32, maximum: Duration) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(before))
        .min(maximum)
}

/// The pause with jitter, a quarter more or less, and no longer than `maximum`: many that failed together must not
/// all come back at the same moment.
pub(crate) fn with_jitter(pause: Duration, maximum: Duration) -> Duration {
    let thousandths = u32::try_from(random(750, 1_250)).unwrap_or(1_000);
    (pause.saturating_mul(thousandths) / 1_000).min(maximum)
}

/// A random time of `least` to `most` milliseconds.
pub(crate) fn random_milliseconds(least: u64, most: u64) -> Duration {
    Duration::from_millis(random(least, most))
}

fn random(least: u64, most: u64) -> u64 {
    let random = RandomState::new().hash_one(0_u8);
    least + random % (most - least + 1)
}

/// The pauses of one that fails again and again.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    maximum: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins with `first`; each further pause is twice as long, and none longer than `maximum`.
    pub(crate) fn new(first: Duration, maximum: Duration) -> Self {
        Self {
            first,
            maximum,
            next: first,
        }
    }

    /// The pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        self.pause_within(self.maximum)
    }

    /// The same where this failure must not have the bot wait for longer than `maximum`, nor make later pauses longer
    /// than twice that.
    pub(crate) fn pause_within(&mut self, maximum: Duration) -> Duration {
        let pause = self.next.min(maximum);
        self.next = pause.saturating_mul(2).min(self.maximum);
        pause
    }

    /// The next pause is the first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_up_to_the_maximum_and_begin_anew() {
        let mut backoff = Backoff::new(SECOND, 10 * SECOND);
        for _ in 0..2 {
            let pauses = [(); 6].map(|()| backoff.pause().as_secs());
            assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
            backoff.reset();
        }
        for (before, pause) in [1, 2, 4, 8, 10, 10].into_iter().enumerate() {
            let before = u32::try_from(before).unwrap();
            assert_eq!(exponential(SECOND, before, 10 * SECOND), pause * SECOND);
        }
        assert_eq!(exponential(SECOND, u32::MAX, 10 * SECOND), 10 * SECOND);
    }

    #[test]
    fn a_smaller_maximum_holds_for_later_pauses_as_well() {
        let mut backoff = Backoff::new(SECOND, 60 * SECOND);
        let maximums = [60, 60, 60, 60, 5, 5, 60, 60];
        let pauses = maximums.map(|most| backoff.pause_within(most * SECOND).as_secs());
        assert_eq!(pauses, [1, 2, 4, 8, 5, 5, 10, 20]);
    }

    #[test]
    fn jitter_is_a_quarter_and_never_more_than_the_maximum() {
        for _ in 0..1_000 {
            let pause = with_jitter(8 * SECOND, 9 * SECOND);
            assert!((6 * SECOND..=9 * SECOND).contains(&pause), "{pause:?}");
            let random = random_milliseconds(3, 5).as_millis();
            assert!((3..=5).contains(&random), "{random}");
        }
    }
}
