//! The rule: what a version must do that it counts as worse than the one before. A pure function, whose defaults
//! `simulation.rs` tries on the noise of busy cogs.

use std::time::Duration;

/// The first calls of a handler of a new version, which are compared with the last ones before.
pub const FIRST: u32 = 5;
/// So many of these must have failed.
pub const FAILED_OF_FIRST: u32 = 3;
/// The last calls of a handler before the new version, none of which may have failed.
pub const LAST: u32 = 20;
/// With fewer calls before, nothing is known of a handler that could have changed: as many as are looked at afterwards.
pub const LEAST_BEFORE: u32 = 5;
/// How many times as much a cog must fail within a minute.
pub const TIMES: u32 = 5;
/// And at least so often.
pub const LEAST_FAILURES: u32 = 5;
/// What counts as a minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// The time before a version in which the worst minute is what its cog's failures "were". Use comes in bursts, and with
/// it failures: ten minutes are often without one.
pub const LOOKED_BACK: Duration = Duration::from_secs(3_600);
/// For so long a version is watched for its failures within a minute, and for limits.
pub const WATCHED: Duration = Duration::from_secs(600);
/// For so long the first calls of its handlers are watched: one that is called rarely comes to its fifth call late.
pub const WATCHED_CALLS: Duration = Duration::from_secs(24 * 3_600);

/// Calls, and how many of them failed because of the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All that have ended.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
}

/// One handler: its last calls before the version, at most [`LAST`], and the first ones of the version, at most [`FIRST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfHandler {
    /// Before.
    pub before: Calls,
    /// Of the version.
    pub now: Calls,
}

/// All handlers of a cog together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfCog {
    /// Within the last hour before the version.
    pub before: Calls,
    /// The most failures within one minute of these.
    pub worst_before: u32,
    /// Within the last minute, of the version.
    pub now: Calls,
    /// The handler in which most failures of the version were, if there is one: its last calls before, and all of the
    /// version.
    pub in_one: Option<OfHandler>,
}

/// Limits, one bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitSet(pub u32);

/// Limits that a cog has met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfLimits {
    /// Before the version.
    pub before: LimitSet,
    /// With the version.
    pub now: LimitSet,
    /// Those of all that say how much a cog is used, and not only what its code does.
    pub of_use: LimitSet,
    /// For how long the cog ran before the version.
    pub ran_before: Duration,
}

/// What is seen of a version while it is young.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The handler whose call has just ended, as long as it is watched.
    pub handler: Option<OfHandler>,
    /// All handlers, as long as they are watched.
    pub cog: Option<OfCog>,
    /// The limits, as long as they are watched.
    pub limits: Option<OfLimits>,
}

/// What is worse than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A handler that did not fail fails.
    Handler(OfHandler),
    /// The cog fails much more often.
    Failures(OfCog),
    /// The cog meets limits that it never met.
    Limits(LimitSet),
}

/// Whether a version is worse than the one before: the whole rule.
pub fn judge(seen: &Seen) -> Option<Finding> {
    let handler = seen.handler.filter(|it| has_begun_to_fail(*it));
    let cog = seen.cog.filter(|it| fails_more(*it));
    let limits = seen.limits.map(new_limits);
    let limits = limits.filter(|new| *new != LimitSet::default());
    handler
        .map(Finding::Handler)
        .or(limits.map(Finding::Limits))
        .or(cog.map(Finding::Failures))
}

/// Those that it never met. That a limit of use was not met proves something only after a while: as long as the version
/// is watched for it.
fn new_limits(limits: OfLimits) -> LimitSet {
    let new = limits.now.0 & !limits.before.0;
    let proves_little = limits.ran_before < WATCHED;
    LimitSet(if proves_little {
        new & !limits.of_use.0
    } else {
        new
    })
}

/// It failed in none of its last calls, and fails in three of its first five.
fn has_begun_to_fail(OfHandler { before, now }: OfHandler) -> bool {
    before.calls >= LEAST_BEFORE
        && before.failures == 0
        && now.calls <= FIRST
        && now.failures >= FAILED_OF_FIRST
}

/// Its failures in a minute are five times what they were, and at least five. What they were is the worst of the
/// minutes before, as failures come in bursts. Two things more keep use from looking like failures. At an hour at which
/// five times as many people use a cog, it fails five times as often: so the failures are also five times as many of
/// the calls. And a handler that always failed now and then may be called more than the others: so it fails at least
/// twice as often as it did itself.
fn fails_more(cog: OfCog) -> bool {
    let OfCog {
        before,
        worst_before,
        now,
        in_one,
    } = cog;
    let at_least = u64::from(TIMES) * u64::from(worst_before);
    now.failures >= LEAST_FAILURES
        && u64::from(now.failures) >= at_least
        && is_times_the_share(before, TIMES, now)
        && in_one.is_none_or(|it| is_times_the_share(it.before, 2, it.now))
}

/// Whether so many times the share of calls fails. One failure is added to those before, among two calls (Laplace's
/// rule of succession), so that few calls without a failure prove little.
fn is_times_the_share(before: Calls, times: u32, now: Calls) -> bool {
    let wide = u128::from;
    let (failures, calls) = (wide(before.failures) + 1, wide(before.calls) + 2);
    wide(now.failures) * calls >= wide(times) * failures * wide(now.calls.max(now.failures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls((calls, failures): (u32, u32)) -> Calls {
        Calls { calls, failures }
    }

    fn handler(before: (u32, u32), now: (u32, u32)) -> Option<Finding> {
        judge(&Seen {
            handler: Some(OfHandler {
                before: calls(before),
                now: calls(now),
            }),
            ..Seen::default()
        })
    }

    fn cog(before: (u32, u32), worst_before: u32, now: (u32, u32)) -> Option<Finding> {
        judge(&Seen {
            cog: Some(OfCog {
                before: calls(before),
                worst_before,
                now: calls(now),
                in_one: None,
            }),
            ..Seen::default()
        })
    }

    fn limits(before: u32, now: u32) -> Option<Finding> {
        limits_after(WATCHED, before, now)
    }

    /// The lowest bit is a limit of use.
    fn limits_after(ran_before: Duration, before: u32, now: u32) -> Option<Finding> {
        judge(&Seen {
            limits: Some(OfLimits {
                before: LimitSet(before),
                now: LimitSet(now),
                of_use: LimitSet(1),
                ran_before,
            }),
            ..Seen::default()
        })
    }

    #[test]
    fn a_handler_that_did_not_fail_and_fails_in_three_of_its_first_five_calls() {
        let table = [
            ((20, 0), (3, 3), true),
            ((20, 0), (5, 3), true),
            ((5, 0), (4, 3), true),
            // It fails now and then.
            ((20, 0), (5, 2), false),
            // It did before as well.
            ((20, 1), (5, 5), false),
            // Hardly anything is known of it.
            ((4, 0), (5, 5), false),
            ((0, 0), (5, 5), false),
        ];
        for (before, now, fires) in table {
            assert_eq!(
                handler(before, now).is_some(),
                fires,
                "{before:?} then {now:?}"
            );
        }
    }

    #[test]
    fn a_cog_that_fails_five_times_as_often_as_in_its_worst_minute() {
        let table = [
            ((1_000, 0), 0, (100, 5), true),
            ((1_000, 0), 0, (100, 4), false),
            ((1_000, 2), 1, (100, 5), true),
            ((1_000, 10), 2, (100, 9), false),
            ((1_000, 10), 2, (100, 10), true),
            // The same share of ten times as many calls.
            ((100, 5), 1, (1_000, 50), false),
            // Few calls before say little.
            ((0, 0), 0, (5, 5), false),
            ((3, 0), 0, (20, 10), false),
            ((10, 0), 0, (6, 6), true),
        ];
        for (before, worst, now, fires) in table {
            assert_eq!(
                cog(before, worst, now).is_some(),
                fires,
                "{before:?}, {worst} then {now:?}"
            );
        }
    }

    #[test]
    fn a_handler_that_always_failed_now_and_then_is_only_called_more() {
        let cog = |before, now| {
            let in_one = Some(OfHandler {
                before: calls(before),
                now: calls(now),
            });
            let cog = OfCog {
                before: calls((1_000, 1)),
                worst_before: 1,
                now: calls((100, 10)),
                in_one,
            };
            let cog = Some(cog);
            judge(&Seen {
                cog,
                ..Seen::default()
            })
        };
        assert!(cog((20, 2), (90, 10)).is_none());
        assert!(cog((20, 2), (30, 10)).is_some());
        assert!(cog((0, 0), (11, 10)).is_none(), "nothing is known of it");
        assert!(cog((0, 0), (10, 10)).is_some());
    }

    #[test]
    fn a_cog_that_meets_a_limit_it_never_met() {
        assert_eq!(limits(0, 0b100), Some(Finding::Limits(LimitSet(0b100))));
        assert_eq!(limits(0b100, 0b100), None);
        assert_eq!(limits(0b101, 0b011), Some(Finding::Limits(LimitSet(0b010))));
        assert_eq!(limits(0b111, 0), None);
        assert_eq!(limits(0, 1), Some(Finding::Limits(LimitSet(1))));
        // That it was not used much in its first minutes proves nothing.
        assert_eq!(limits_after(MINUTE, 0, 1), None);
        assert_eq!(
            limits_after(MINUTE, 0, 3),
            Some(Finding::Limits(LimitSet(2)))
        );
    }

    #[test]
    fn what_is_not_watched_is_not_judged() {
        assert_eq!(judge(&Seen::default()), None);
    }

    proptest! {
        #[test]
        fn more_failures_before_never_raise_an_alarm(
            before in 0u32..2_000, failed in 0u32..2_000, more in 0u32..100,
            worst in 0u32..100, now in 0u32..2_000, failures in 0u32..2_000,
        ) {
            let worse = (before, failed.saturating_add(more));
            if cog(worse, worst + more, (now, failures)).is_some() {
                prop_assert!(cog((before, failed), worst, (now, failures)).is_some());
            }
            if handler((before, failed + more), (now, failures)).is_some() {
                prop_assert!(handler((before, failed), (now, failures)).is_some());
            }
        }

        #[test]
        fn fewer_than_the_least_never_raise_one(
            before in any::<u32>(), worst in any::<u32>(), now in any::<u32>(),
        ) {
            prop_assert_eq!(cog((before, 0), worst, (now, LEAST_FAILURES - 1)), None);
            prop_assert_eq!(handler((before, 0), (now, FAILED_OF_FIRST - 1)), None);
        }

        #[test]
        fn a_version_that_does_what_the_former_did_is_well(
            calls in any::<u32>(), failures in any::<u32>(), limits_met in any::<u32>(),
        ) {
            let failures = failures.min(calls);
            prop_assert_eq!(cog((calls, failures), failures, (calls, failures)), None);
            prop_assert_eq!(limits(limits_met, limits_met), None);
        }

        #[test]
        fn no_numbers_are_too_large(
            before in any::<(u32, u32)>(), worst in any::<u32>(), now in any::<(u32, u32)>(),
            met in any::<(u32, u32)>(),
        ) {
            let _any = (cog(before, worst, now), handler(before, now), limits(met.0, met.1));
        }
    }
}
