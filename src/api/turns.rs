//! Whose turn it is where a cog may do something only so often: who comes too early waits, in order; what a newer
//! version of the cog does goes before what older ones have left.

use crate::clock::Clock;
use crate::lock::lock;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;

/// Those who are behind others that are late look again after this.
const SOON: Duration = Duration::from_millis(1);

/// So many turns in a stretch of time, which may all be taken at once. How many is said with each look, since an edit
/// of the configuration may change it.
#[derive(Debug)]
pub struct Turns {
    per: Duration,
    clock: Clock,
    line: Mutex<Line>,
    /// Rings when somebody leaves whose turn had not come: those behind come sooner.
    left: Notify,
}

#[derive(Debug, Default)]
struct Line {
    /// When all turns that were taken are there again (the "theoretical arrival time" of GCRA).
    full: Duration,
    waiting: BTreeSet<Key>,
    last: u64,
}

/// The version of the cog, and when it came.
type Key = (Reverse<u64>, u64);

/// A place in the line, left when this is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    turns: &'a Turns,
    key: Key,
}

impl Turns {
    /// Turns are counted in each `per`.
    pub fn new(per: Duration, clock: &Clock) -> Self {
        Self {
            per,
            clock: clock.clone(),
            line: Mutex::default(),
            left: Notify::new(),
        }
    }

    /// The last place for a version; nothing when `most` wait already for it and newer ones.
    pub fn join(&self, version: u64, most: usize) -> Option<Place<'_>> {
        let mut line = lock(&self.line);
        line.last += 1;
        let key = (Reverse(version), line.last);
        if line.waiting.range(..key).count() >= most {
            return None;
        }
        line.waiting.insert(key);
        Some(Place { turns: self, key })
    }
}

impl Place<'_> {
    /// Takes the turn if it has come; otherwise how long that takes if nobody leaves. `uses` is how many turns there
    /// are, at least one.
    pub fn step(&self, uses: u32) -> Option<Duration> {
        let Turns { per, clock, .. } = self.turns;
        let each = *per / uses.max(1);
        let now = clock.now();
        let mut line = lock(&self.turns.line);
        let before = line.waiting.range(..self.key).count();
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        let full = line.full.max(now);
        let comes = full + each.saturating_mul(before.saturating_add(1));
        let wait = comes.saturating_sub(*per).saturating_sub(now);
        if before > 0 {
            return Some(wait.max(SOON));
        }
        if wait.is_zero() {
            line.full = comes;
            line.waiting.remove(&self.key);
            return None;
        }
        Some(wait)
    }

    /// Returns when the turn has been taken.
    pub async fn comes(self, uses: impl Fn() -> u32) {
        loop {
            let mut left = pin!(self.turns.left.notified());
            // Whoever leaves after this look is heard of.
            left.as_mut().enable();
            let Some(wait) = self.step(uses()) else {
                return;
            };
            tokio::select! {
                () = self.turns.clock.sleep(wait) => {}
                () = left => {}
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if lock(&self.turns.line).waiting.remove(&self.key) {
            self.turns.left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PER: Duration = Duration::from_secs(10);

    fn turns() -> (Clock, Turns) {
        let clock = Clock::paused(1_000);
        let turns = Turns::new(PER, &clock);
        (clock, turns)
    }

    #[test]
    fn turns_come_back_with_the_clock_and_in_order() {
        let (clock, turns) = turns();
        let taken = (0..5).filter(|_| turns.join(1, 9).unwrap().step(5).is_none());
        assert_eq!(taken.count(), 5);
        let places: Vec<_> = (0..3).map(|_| turns.join(1, 9).unwrap()).collect();
        let waits = |uses| places.iter().map(move |it| it.step(uses));
        let seconds = |count| Some(Duration::from_secs(count));
        assert!(waits(5).eq([seconds(2), seconds(4), seconds(6)]));
        clock.advance_to_next(Duration::from_secs(1_004));
        // Also where there would be room for two, the first goes first.
        assert_eq!(places[1].step(5), Some(SOON));
        assert_eq!(places[0].step(5), None);
        assert_eq!(places[1].step(5), None);
        assert_eq!(places[2].step(5), seconds(2));
    }

    #[test]
    fn who_leaves_gives_the_place_to_those_behind() {
        let (_clock, turns) = turns();
        assert!(turns.join(1, 9).unwrap().step(1).is_none());
        let (first, second) = (turns.join(1, 9).unwrap(), turns.join(1, 9).unwrap());
        assert_eq!(second.step(1), Some(PER * 2));
        drop(first);
        assert_eq!(second.step(1), Some(PER));
    }

    #[test]
    fn no_more_wait_than_may() {
        let (_clock, turns) = turns();
        let _places: Vec<_> = (0..3).map(|_| turns.join(1, 3).unwrap()).collect();
        assert!(turns.join(1, 3).is_none());
    }

    #[test]
    fn newer_versions_go_before_what_older_ones_left() {
        let (_clock, turns) = turns();
        assert!(turns.join(1, 2).unwrap().step(1).is_none());
        let older = [turns.join(1, 2).unwrap(), turns.join(1, 2).unwrap()];
        assert!(turns.join(1, 2).is_none());
        let newer = turns.join(2, 2).unwrap();
        assert_eq!(newer.step(1), Some(PER));
        assert_eq!(older[0].step(1), Some(PER * 2));
    }

    #[test]
    fn another_number_holds_from_the_next_look_on() {
        let (_clock, turns) = turns();
        assert!(turns.join(1, 9).unwrap().step(1).is_none());
        let waiting = turns.join(1, 9).unwrap();
        assert_eq!(waiting.step(1), Some(PER));
        assert_eq!(waiting.step(10), Some(PER / 10));
        assert_eq!(turns.join(1, 9).unwrap().step(1), Some(PER * 2));
    }
}
