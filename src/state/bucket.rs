//! How much one cog may write to the disk: a token bucket whose tokens are bytes.

use std::time::{Duration, Instant};

/// The bucket holds what may be written in so many seconds, so a cog that has written little can write all of its state
/// at once.
const BURST_SECONDS: f64 = 8.0;

/// The used part of the bucket, which refills over time. The size of a commit is only known when it is done, so the
/// bucket may be overdrawn; then the next commit waits.
#[derive(Debug)]
pub(super) struct Bucket {
    used: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn full(now: Instant) -> Self {
        Self { used: 0.0, at: now }
    }

    /// Bytes that are left, refilled at this rate in bytes per second; below zero when it is overdrawn.
    pub(super) fn left(&mut self, now: Instant, rate: f64) -> f64 {
        let passed = now.saturating_duration_since(self.at);
        self.used = (self.used - passed.as_secs_f64() * rate).max(0.0);
        self.at = self.at.max(now);
        rate * BURST_SECONDS - self.used
    }

    /// How long it takes until something is left; zero if something is.
    pub(super) fn wait(&mut self, now: Instant, rate: f64) -> Duration {
        let missing = -self.left(now, rate);
        if missing < 0.0 {
            return Duration::ZERO;
        }
        // A little more, so that something is left then.
        Duration::try_from_secs_f64(missing / rate + 0.001).unwrap_or(Duration::MAX)
    }

    pub(super) fn take(&mut self, bytes: f64) {
        self.used += bytes;
    }

    /// Adds the used part of another bucket.
    pub(super) fn add(&mut self, other: &Self) {
        self.used += other.used;
        self.at = self.at.max(other.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_then_overdrawn_then_it_fills_up_again() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let mut bucket = Bucket::full(began);
        let near = |one: f64, two: f64| (one - two).abs() < 0.01;
        assert!(near(bucket.left(began, 100.0), 800.0));
        bucket.take(1_000.0);
        assert!(near(bucket.left(began, 100.0), -200.0));
        let wait = bucket.wait(began, 100.0);
        assert!(near(wait.as_secs_f64(), 2.001));
        assert!(bucket.wait(began + wait, 100.0).is_zero());
        assert!(near(bucket.left(after(5), 100.0), 300.0));
        // A clock that seems to go backwards gives nothing.
        assert!(near(bucket.left(after(4), 100.0), 300.0));
        assert!(near(bucket.left(after(60), 100.0), 800.0));
    }
}
