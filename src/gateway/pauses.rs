//! How long a shard waits before its next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A connection that was ready for this long counts as a good one.
pub(super) const GOOD: Duration = Duration::from_secs(5);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// As many connections in a row may end early, though they were ready, before there are pauses.
const QUICK: u32 = 3;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was ready for at least [`GOOD`].
    AfterLong,
    /// It was ready only shortly, or the server had forgotten the session that was to be resumed.
    Early,
    /// It never became ready.
    Failed,
}

/// Counts the bad connections in a row.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    bad: u32,
}

impl Pauses {
    /// The pause after a connection that ended so: none after a good one and after the first few
    /// that ended early, else 1, 2, 4, … 60 s, a quarter more or less.
    pub(super) fn after(&mut self, ending: Ending) -> Duration {
        self.bad = match ending {
            Ending::AfterLong => 0,
            Ending::Early => self.bad.saturating_add(1),
            Ending::Failed => self.bad.max(QUICK).saturating_add(1),
        };
        let Some(doublings) = self.bad.checked_sub(QUICK + 1) else {
            return Duration::ZERO;
        };
        let seconds = 1_u32 << doublings.min(6);
        jitter(Duration::from_secs(seconds.into())).min(LONGEST)
    }
}

/// Between three and five quarters of `pause`: many shards must not come back at the same moment.
fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 501;
    let per_mille = 750 + u32::try_from(random).unwrap_or(250);
    pause * per_mille / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_end_with_a_good_connection() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.after(Ending::AfterLong), Duration::ZERO);
        let mut near = 1.0;
        for _ in 0..12 {
            let pause = pauses.after(Ending::Failed).as_secs_f64();
            assert!(
                pause <= 60.0 && pause >= f64::min(near * 0.75, 48.0),
                "{pause}"
            );
            assert!(pause <= near * 1.25, "{pause}");
            near *= 2.0;
        }
        assert_eq!(pauses.after(Ending::AfterLong), Duration::ZERO);
        for _ in 0..QUICK {
            assert_eq!(pauses.after(Ending::Early), Duration::ZERO);
        }
        assert!(pauses.after(Ending::Early) >= Duration::from_millis(750));
    }
}
