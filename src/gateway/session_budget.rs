//! How many new sessions the bot may open, and what may use them.
//!
//! Discord allows a bot about a thousand identifies a day, and resets the token of one that exceeds them. Most are
//! for reconnects, which nobody can foresee. So changes of the intents, which follow what cogs ask for, have a pace
//! of their own and never touch the second half; and the last few are spread over the rest of the day.

use super::address::IdentifiesLeft;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What Discord allows a bot in few guilds within a day.
const USUAL_TOTAL: u32 = 1_000;
/// Changes of the intents use at most this part of a day's identifies in the long run.
const FOR_CHANGES: u32 = 4;
/// When less than this part of a day's identifies is left, they are spread.
const LAST_PART: u32 = 20;
/// The pause after a first change; each further one that is not forgiven yet makes it longer by this factor.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const GROWTH: u32 = 4;
/// The longest such pause, unless a change costs more than an hour's share.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// What is left of a day's identifies. All times are since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Budget {
    /// Nothing where the server sets no limit.
    left: Option<Left>,
    /// When a session was opened last.
    identified: Duration,
    /// When the intents were changed last, and how long it is until the next change.
    changed: Duration,
    pause: Duration,
    /// When all changes so far are forgiven: each moves this on by its share of the day.
    forgiven: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    total: u32,
    remaining: u32,
    /// When the full number is there again.
    resets_at: Duration,
}

impl Budget {
    /// Takes over what the server says. Of two numbers for the same day the smaller one counts: a proxy may answer
    /// with what it was told long ago.
    pub(super) fn learn(&mut self, said: Option<IdentifiesLeft>, now: Duration) {
        // The clock may have been set back.
        self.identified = self.identified.min(now);
        self.changed = self.changed.min(now);
        self.forgiven = self.forgiven.min(now + DAY);
        let known = self.left.filter(|left| left.resets_at > now);
        self.left = said.map(|said| {
            let resets_at = now.saturating_add(said.reset_after);
            let same_day = |left: &Left| left.resets_at.abs_diff(resets_at) < FIRST_PAUSE * 12;
            let known = known.filter(same_day).map(|left| left.remaining);
            Left {
                total: said.total.max(1),
                remaining: known.unwrap_or(u32::MAX).min(said.remaining),
                resets_at,
            }
        });
    }

    /// Takes over what a former process knew, unless the clock has been set back since.
    pub(super) fn restore(&mut self, former: Self, now: Duration) {
        let said = self.left;
        *self = former;
        let said = said.map(|left| IdentifiesLeft {
            total: left.total,
            remaining: left.remaining,
            reset_after: left.resets_at.saturating_sub(now),
        });
        self.learn(said, now);
    }

    /// Counts an identify.
    pub(super) fn count(&mut self, now: Duration) {
        self.identified = now;
        if let Some(left) = &mut self.left {
            if left.resets_at <= now {
                left.remaining = left.total;
                left.resets_at = now + DAY;
            }
            left.remaining = left.remaining.saturating_sub(1);
        }
    }

    /// When the number is full again, if nothing is left until then.
    pub(super) fn exhausted_until(&self, now: Duration) -> Option<Duration> {
        let left = self.today(now)?;
        (left.remaining == 0).then_some(left.resets_at)
    }

    /// Lets a shard open a session now, or says when it may.
    pub(super) fn claim(&mut self, now: Duration) -> Result<(), Duration> {
        let Some(left) = self.today(now) else {
            return Ok(());
        };
        if left.remaining == 0 {
            return Err(left.resets_at);
        }
        if left.remaining >= left.total / LAST_PART {
            return Ok(());
        }
        let rest_of_day = left.resets_at.saturating_sub(self.identified);
        let due = self.identified + rest_of_day / left.remaining;
        if due > now {
            return Err(due);
        }
        self.identified = now;
        Ok(())
    }

    /// When the intents of so many shards may be changed next: at once if that time is over.
    pub(super) fn next_change(&self, shards: u32, now: Duration) -> Duration {
        let paced = self.changed.min(now) + self.pause;
        match self.reserved_until(shards, now) {
            Some(reset) => paced.max(reset),
            None => paced,
        }
    }

    /// When there are enough identifies again to change the intents of so many shards and keep those for reconnects;
    /// nothing when there are enough now.
    pub(super) fn reserved_until(&self, shards: u32, now: Duration) -> Option<Duration> {
        let left = self.today(now)?;
        let reserve = (left.total / 2).min(left.total.saturating_sub(shards));
        (left.remaining < reserve.saturating_add(shards)).then_some(left.resets_at)
    }

    /// The intents of so many shards are changed now.
    pub(super) fn change(&mut self, shards: u32, now: Duration) {
        let share = self.share(shards);
        self.forgiven = self.forgiven.max(now) + share;
        let unforgiven = self.forgiven.saturating_sub(now).as_secs();
        let unforgiven = unforgiven.div_ceil(share.as_secs().max(1));
        let exponent = u32::try_from(unforgiven.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = FIRST_PAUSE.saturating_mul(GROWTH.saturating_pow(exponent));
        self.pause = pause.min(LONGEST_PAUSE.max(share));
        self.changed = now;
    }

    /// The part of a day that belongs to one change of the intents of so many shards.
    fn share(&self, shards: u32) -> Duration {
        let total = self.left.map_or(USUAL_TOTAL, |left| left.total.max(1));
        DAY * FOR_CHANGES * shards.max(1) / total
    }

    fn today(&self, now: Duration) -> Option<Left> {
        self.left.filter(|left| left.resets_at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn budget(remaining: u32) -> Budget {
        let mut budget = Budget::default();
        let left = IdentifiesLeft {
            total: 1_000,
            remaining,
            reset_after: DAY,
        };
        budget.learn(Some(left), NOW);
        budget
    }

    /// Changes whenever it may until a day has passed; how often that was.
    fn changes_in_a_day(budget: &mut Budget, shards: u32) -> u32 {
        let (mut now, mut changes) = (NOW, 0);
        loop {
            now = now.max(budget.next_change(shards, now));
            if now >= NOW + DAY {
                return changes;
            }
            budget.change(shards, now);
            (0..shards).for_each(|_| budget.count(now));
            changes += 1;
        }
    }

    #[test]
    fn changes_have_growing_pauses_that_are_forgiven() {
        let mut budget = budget(1_000);
        let mut now = NOW;
        let mut pauses = Vec::new();
        for _ in 0..4 {
            assert!(budget.next_change(1, now) <= now);
            budget.change(1, now);
            let next = budget.next_change(1, now);
            pauses.push(next.saturating_sub(now).as_secs());
            now = next;
        }
        assert_eq!(pauses, [5, 20, 80, 320]);
        now += DAY / 24;
        budget.change(1, now);
        assert_eq!(budget.next_change(1, now), now + FIRST_PAUSE);
    }

    #[test]
    fn changes_never_use_the_second_half_of_a_day() {
        for (shards, most) in [(1, 260), (2, 130), (10, 32), (100, 5), (400, 1)] {
            let mut budget = budget(1_000);
            let changes = changes_in_a_day(&mut budget, shards);
            assert!((1..=most).contains(&changes), "{shards}: {changes}");
            let remaining = budget.left.unwrap().remaining;
            assert!(remaining >= 500, "{shards}: {remaining}");
        }
        assert_eq!(changes_in_a_day(&mut budget(500), 1), 0);
        assert_eq!(changes_in_a_day(&mut budget(550), 1), 50);
        // Nothing is kept from a bot that is so large that a change takes all.
        assert!(budget(1_000).reserved_until(900, NOW).is_none());
    }

    #[test]
    fn the_last_sessions_are_spread_over_the_day() {
        let mut budget = budget(1_000);
        // A bot that connects again and again, every second.
        for second in 0..86_400 {
            let now = NOW + Duration::from_secs(second);
            if budget.claim(now).is_ok() {
                budget.count(now);
            }
            let left = budget.left.unwrap();
            assert!(left.remaining > 0, "used up after {second} s");
        }
        let tomorrow = NOW + DAY;
        assert!(budget.claim(tomorrow).is_ok());
        budget.count(tomorrow);
        assert_eq!(budget.left.unwrap().remaining, 999);
    }

    #[test]
    fn the_next_process_knows_what_the_former_one_did() {
        let mut former = budget(1_000);
        former.change(1, NOW);
        former.change(1, NOW);
        (0..600).for_each(|_| former.count(NOW));
        let text = serde_json::to_string(&former).unwrap();
        // The server, or a proxy before it, has not noticed.
        let mut next = budget(1_000);
        next.restore(serde_json::from_str(&text).unwrap(), NOW);
        assert_eq!(next, former);
        assert!(next.reserved_until(1, NOW).is_some());
        // The next day is another one.
        let mut next = Budget::default();
        let tomorrow = NOW + DAY;
        next.learn(
            Some(IdentifiesLeft {
                total: 1_000,
                remaining: 1_000,
                reset_after: DAY,
            }),
            tomorrow,
        );
        next.restore(former, tomorrow);
        assert_eq!(next.left.unwrap().remaining, 1_000);
    }
}
