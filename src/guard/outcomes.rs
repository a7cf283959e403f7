//! How the last calls of a handler have ended, and those of a cog within the last minutes.

use super::rule::{Calls, FIRST, LAST, LOOKED_BACK, MINUTE};
use std::collections::VecDeque;
use std::time::Duration;

/// The last [`LAST`] calls of one handler, a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastCalls {
    /// Set where one failed; the newest is the lowest.
    failed: u32,
    count: u32,
}

impl LastCalls {
    pub(super) fn add(&mut self, failed: bool) {
        self.failed = ((self.failed << 1) | u32::from(failed)) & ((1 << LAST) - 1);
        self.count = (self.count + 1).min(LAST);
    }

    pub(super) fn calls(self) -> Calls {
        Calls {
            calls: self.count,
            failures: self.failed.count_ones(),
        }
    }
}

/// Adds one of the first [`FIRST`] calls; later ones do not count.
pub(super) fn add_first(first: &mut Calls, failed: bool) -> bool {
    if first.calls >= FIRST {
        return false;
    }
    first.calls += 1;
    first.failures += u32::from(failed);
    true
}

/// Calls are counted in steps of so many seconds, of which a minute consists.
const STEP: u64 = 10;
const STEPS: u64 = MINUTE.as_secs() / STEP;
/// Older ones are kept in blocks of so many seconds.
const BLOCK: u64 = 600;
const BLOCKS: u64 = LOOKED_BACK.as_secs() / BLOCK;
/// So many steps and blocks are kept, also when versions change within them.
const MOST: usize = 24;

/// The calls of one version within a step or a block.
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    /// Its number since the Unix epoch.
    at: u64,
    version: u64,
    calls: Calls,
    /// Of a block: the most failures within a minute that ended in it.
    worst: u32,
}

/// The calls of a cog within the last minute, and within the last hour.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    steps: VecDeque<Span>,
    blocks: VecDeque<Span>,
}

/// The last of `spans`, which is that of now.
fn current(spans: &mut VecDeque<Span>, at: u64, version: u64, kept: u64) -> Option<&mut Span> {
    let last = spans.back();
    if last.is_none_or(|last| (last.at, last.version) != (at, version)) {
        while spans.front().is_some_and(|it| it.at + kept <= at) || spans.len() >= MOST {
            spans.pop_front();
        }
        let span = Span {
            at,
            version,
            ..Span::default()
        };
        spans.push_back(span);
    }
    spans.back_mut()
}

impl Minutes {
    /// A call has ended.
    pub(super) fn add_call(&mut self, now: Duration, version: u64) {
        self.add(now, version, |calls| &mut calls.calls);
    }

    /// A call has failed.
    pub(super) fn add_failure(&mut self, now: Duration, version: u64) {
        self.add(now, version, |calls| &mut calls.failures);
        let last = self.last(now, version).failures;
        if let Some(block) = self.blocks.back_mut() {
            block.worst = block.worst.max(last);
        }
    }

    fn add(&mut self, now: Duration, version: u64, which: fn(&mut Calls) -> &mut u32) {
        let (step, block) = (now.as_secs() / STEP, now.as_secs() / BLOCK);
        let step = current(&mut self.steps, step, version, STEPS);
        let block = current(&mut self.blocks, block, version, BLOCKS + 1);
        for span in step.into_iter().chain(block) {
            let count = which(&mut span.calls);
            *count = count.saturating_add(1);
        }
    }

    /// The calls of a version within the last minute.
    pub(super) fn last(&self, now: Duration, version: u64) -> Calls {
        let step = now.as_secs() / STEP;
        let steps = self.steps.iter();
        total(steps.filter(|it| it.version == version && it.at + STEPS > step))
    }

    /// The calls of the last hour, and the most failures within one minute of them.
    pub(super) fn before(&self, now: Duration) -> (Calls, u32) {
        let block = now.as_secs() / BLOCK;
        let blocks = self.blocks.iter();
        let blocks = blocks.filter(|it| it.at + BLOCKS >= block);
        let worst = blocks.clone().map(|it| it.worst).max();
        (total(blocks), worst.unwrap_or(0))
    }

    /// Forgets what a version has done.
    pub(super) fn forget(&mut self, version: u64) {
        self.steps.retain(|span| span.version != version);
        self.blocks.retain(|span| span.version != version);
    }
}

fn total<'a>(spans: impl Iterator<Item = &'a Span>) -> Calls {
    spans.fold(Calls::default(), |sum, span| Calls {
        calls: sum.calls.saturating_add(span.calls.calls),
        failures: sum.failures.saturating_add(span.calls.failures),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(1_200_000 + seconds)
    }

    fn add(minutes: &mut Minutes, at: u64, version: u64, failures: u32) {
        minutes.add_call(seconds(at), version);
        for _ in 0..failures {
            minutes.add_call(seconds(at), version);
            minutes.add_failure(seconds(at), version);
        }
    }

    #[test]
    fn only_the_last_twenty_calls_of_a_handler_are_known() {
        let mut last = LastCalls::default();
        last.add(true);
        for _ in 0..19 {
            last.add(false);
        }
        let of = |calls, failures| Calls { calls, failures };
        assert_eq!(last.calls(), of(20, 1));
        last.add(false);
        assert_eq!(last.calls(), of(20, 0));
    }

    #[test]
    fn the_minute_of_a_version_begins_with_it_and_ends_now() {
        let mut minutes = Minutes::default();
        add(&mut minutes, 0, 1, 7);
        add(&mut minutes, 5, 2, 3);
        assert_eq!(minutes.last(seconds(5), 2).failures, 3);
        add(&mut minutes, 40, 2, 1);
        assert_eq!(minutes.last(seconds(59), 2).failures, 4);
        assert_eq!(minutes.last(seconds(60), 2).failures, 1);
        assert_eq!(minutes.last(seconds(100), 2).failures, 0);
    }

    #[test]
    fn the_worst_minute_of_an_hour_may_begin_at_any_step() {
        let mut minutes = Minutes::default();
        for at in [0, 50, 60, 100, 110, 300] {
            add(&mut minutes, at, 1, 1);
        }
        let (all, worst) = minutes.before(seconds(310));
        assert_eq!((all.calls, all.failures, worst), (12, 6, 3));
        add(&mut minutes, 3_000, 1, 2);
        let (all, worst) = minutes.before(seconds(4_199));
        assert_eq!((all.failures, worst), (8, 3));
        let (all, worst) = minutes.before(seconds(4_200));
        assert_eq!((all.failures, worst), (2, 2));
    }

    #[test]
    fn a_version_is_forgotten_alone() {
        let mut minutes = Minutes::default();
        add(&mut minutes, 0, 1, 1);
        add(&mut minutes, 5, 2, 9);
        assert_eq!(minutes.before(seconds(9)).1, 9);
        minutes.forget(2);
        assert_eq!(minutes.before(seconds(9)).1, 1);
        assert_eq!(minutes.last(seconds(9), 1).failures, 1);
    }

    #[test]
    fn however_long_it_lasts_there_are_not_more_spans() {
        let mut minutes = Minutes::default();
        for second in 0..100_000 {
            add(&mut minutes, second, second, 1);
            assert!(minutes.steps.len() <= MOST && minutes.blocks.len() <= MOST);
        }
        let mut minutes = Minutes::default();
        for second in 0..100_000 {
            add(&mut minutes, second, 1, 0);
        }
        assert_eq!((minutes.steps.len(), minutes.blocks.len()), (6, 7));
    }
}
