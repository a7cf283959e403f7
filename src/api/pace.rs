//! How often a cog may do something, by the bot's own clock.

use crate::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

/// So many uses in a stretch of time, which may all be taken at once.
#[derive(Debug)]
pub struct Pace(RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>);

impl Pace {
    /// `uses` in each `per`; at least one.
    pub fn new(uses: u32, per: Duration, clock: &Clock) -> Self {
        let uses = NonZeroU32::new(uses).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(per / uses.get())
            .unwrap_or_else(|| Quota::per_second(uses))
            .allow_burst(uses);
        Self(RateLimiter::direct_with_clock(quota, Time(clock.clone())))
    }

    /// Takes one use; false when there is none left.
    pub fn take(&self) -> bool {
        self.0.check().is_ok()
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
        let pace = Pace::new(5, Duration::from_secs(10), &clock);
        let taken = (0..20).filter(|_| pace.take()).count();
        assert_eq!(taken, 5);
        clock.advance_to_next(Duration::from_secs(1_002));
        assert!(pace.take());
        assert!(!pace.take());
    }
}
