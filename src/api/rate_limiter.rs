//! How often a cog may do something, where whatever is too much is refused at once.
//!
//! [`RateLimitQueue`](super::rate_limit_queue::RateLimitQueue) is the other limiter of this folder: there, calls that
//! come too early wait in a queue, one use is taken at a time, and a changed limit keeps what was used before. Here,
//! nothing waits, several uses may be taken together, and a changed limit starts again.

use crate::clock::Clock;
use crate::lock::lock;
use governor::Quota;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

/// The period of the limits whose keys end with `_per_10s`.
pub(super) const PERIOD: Duration = Duration::from_secs(10);

/// So many uses in a stretch of time, which may all be taken at once. How many is said with each use, since an
/// edit of the configuration may change it.
#[derive(Debug)]
pub(super) struct RateLimiter {
    per: Duration,
    clock: Clock,
    limiter: Mutex<Option<(u32, Limiter)>>,
}

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>;

impl RateLimiter {
    /// Uses are counted in each `per`.
    pub(super) fn new(per: Duration, clock: &Clock) -> Self {
        Self {
            per,
            clock: clock.clone(),
            limiter: Mutex::default(),
        }
    }

    /// Takes one of `uses`, of which there is at least one; false when there is none left.
    pub(super) fn take(&self, uses: u32) -> bool {
        self.take_some(1, uses)
    }

    /// Takes `count` of `uses` at once, or none of them; false when so many are not left. More than there ever are
    /// count as all of them.
    pub(super) fn take_some(&self, count: u32, uses: u32) -> bool {
        let count = NonZeroU32::new(count.min(uses)).unwrap_or(NonZeroU32::MIN);
        let mut limiter = lock(&self.limiter);
        let has_taken = |limiter: &Limiter| matches!(limiter.check_n(count), Ok(Ok(())));
        match limiter.as_ref() {
            Some((made_for, limiter)) if *made_for == uses => has_taken(limiter),
            _ => {
                let (_, limiter) = limiter.insert((uses, self.limiter_for(uses)));
                has_taken(limiter)
            }
        }
    }

    fn limiter_for(&self, uses: u32) -> Limiter {
        let uses = NonZeroU32::new(uses).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(self.per / uses.get())
            .unwrap_or_else(|| Quota::per_second(uses))
            .allow_burst(uses);
        governor::RateLimiter::direct_with_clock(quota, Time(self.clock.clone()))
    }
}

/// The bot's clock, which a test may move.
#[derive(Clone, Debug)]
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_come_back_with_the_clock() {
        let clock = Clock::paused(1_000);
        let limiter = RateLimiter::new(Duration::from_secs(10), &clock);
        let taken = (0..20).filter(|_| limiter.take(5)).count();
        assert_eq!(taken, 5);
        clock.advance_to_next(Duration::from_secs(1_002));
        assert!(limiter.take(5));
        assert!(!limiter.take(5));
        assert!(limiter.take(6), "another number begins anew");
    }

    #[test]
    fn several_are_taken_together_or_not_at_all() {
        let clock = Clock::paused(1_000);
        let limiter = RateLimiter::new(Duration::from_secs(10), &clock);
        assert!(limiter.take_some(60, 100));
        assert!(!limiter.take_some(60, 100));
        assert!(limiter.take_some(40, 100));
        clock.advance_to_next(Duration::from_secs(1_010));
        assert!(limiter.take_some(1_000, 100), "more than all are all");
        assert!(!limiter.take(100));
    }
}
