//! How long to pause before the next start: not at all for the first deaths, then with exponential backoff.

use crate::backoff::exponential;
use std::time::Duration;

/// After so many deaths in a row without a known cause, the bot is still started again at once.
const AT_ONCE: u32 = 2;
/// The first pause; each one after it is twice as long as the one before.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const MAXIMUM: Duration = Duration::from_secs(60);
/// A bot that ran for so long has run well: earlier deaths do not count any more.
const WELL: Duration = Duration::from_secs(60);

/// Counts deaths.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    /// Deaths in a row that no cog is known to have caused.
    unexplained: u32,
}

impl Backoff {
    /// How long to pause after a death. `lived` is how long that process ran. If a cog was put into quarantine for it,
    /// the cause of the death is removed.
    pub(super) fn pause(&mut self, lived: Duration, is_explained: bool) -> Duration {
        if lived >= WELL {
            self.unexplained = 0;
        }
        if is_explained {
            return Duration::ZERO;
        }
        self.unexplained += 1;
        match self.unexplained.checked_sub(AT_ONCE + 1) {
            None => Duration::ZERO,
            Some(before) => exponential(FIRST, before, MAXIMUM),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_maximum_and_begin_anew_after_a_good_run() {
        let mut backoff = Backoff::default();
        let mut after = |lived: u64, explained| {
            let lived = Duration::from_secs(lived);
            backoff.pause(lived, explained).as_secs()
        };
        let pauses: Vec<_> = (0..10).map(|_| after(1, false)).collect();
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(after(1, true), 0);
        assert_eq!(after(1, false), 60);
        assert_eq!(after(60, false), 0);
        assert_eq!(after(1, false), 0);
        assert_eq!(after(1, false), 1);
    }
}
