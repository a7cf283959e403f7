//! What the connection should have, against what it has: which intents to ask for next, and when.

use std::time::Duration;

/// Intents that no cog needs any more are given up when the others have not changed for this long. Until then
/// their events come for nothing; a cog that switches an intent on and off costs no session each time.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60 * 60);

/// What the cogs need, except what Discord refuses.
#[derive(Debug)]
pub(super) struct Wishes {
    needed: u64,
    /// Since when it has been that.
    since: Duration,
}

/// The next change of the connection's intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IntentsChange {
    /// When, since the Unix epoch.
    pub(super) at: Duration,
    /// What to ask for.
    pub(super) intents: u64,
    /// What the cogs have waited for until then.
    pub(super) missing: u64,
}

impl Wishes {
    pub(super) fn new(needed: u64, now: Duration) -> Self {
        Self { needed, since: now }
    }

    /// What the cogs need from now on.
    pub(super) fn need(&mut self, needed: u64, now: Duration) {
        if self.needed != needed {
            *self = Self::new(needed, now);
        }
    }

    /// What to ask for, if the session has `current` and may be replaced from `free_at` on.
    pub(super) fn next(&self, current: u64, free_at: Duration) -> Option<IntentsChange> {
        let missing = self.needed & !current;
        let change = |at, intents| IntentsChange {
            at,
            intents,
            missing,
        };
        if missing != 0 {
            return Some(change(free_at, self.needed | current));
        }
        let is_idle = current & !self.needed != 0;
        let given_up = (self.since + GIVEN_UP_AFTER).max(free_at);
        is_idle.then(|| change(given_up, self.needed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    #[test]
    fn what_is_missing_comes_as_soon_as_it_may_and_what_is_idle_goes_late() {
        let mut wishes = Wishes::new(0b01, NOW);
        assert_eq!(wishes.next(0b01, NOW), None);
        wishes.need(0b10, NOW);
        let soon = NOW + Duration::from_secs(5);
        let change = wishes.next(0b01, soon).unwrap();
        assert_eq!((change.at, change.intents), (soon, 0b11));
        assert_eq!(change.missing, 0b10);
        // Both are there now, and neither is worth a session for a while.
        let change = wishes.next(0b11, soon).unwrap();
        let expected = (NOW + GIVEN_UP_AFTER, 0b10, 0);
        assert_eq!((change.at, change.intents, change.missing), expected);
        wishes.need(0b01, soon);
        let change = wishes.next(0b11, soon).unwrap();
        assert_eq!(change.at, soon + GIVEN_UP_AFTER);
    }
}
