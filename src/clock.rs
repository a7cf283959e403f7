//! The bot's only source of time: the system's, or a paused one that a test moves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Tells the time and wakes sleepers. Clones share the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Paused(Arc<Mutex<Paused>>),
}

#[derive(Debug)]
struct Paused {
    /// Time since the Unix epoch.
    now: Duration,
    /// Sleepers by the time at which they wake, in order of arrival among equals.
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    arrivals: u64,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now` (Unix seconds) until it is moved by [`Clock::advance_to_next`].
    pub fn paused(now: u64) -> Self {
        Self(Source::Paused(Arc::new(Mutex::new(Paused {
            now: Duration::from_secs(now),
            sleepers: BTreeMap::new(),
            arrivals: 0,
        }))))
    }

    /// Time since the Unix epoch.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
            Source::Paused(paused) => lock(paused).now,
        }
    }

    /// Unix seconds with their fraction, as authors see them.
    pub fn unix(&self) -> f64 {
        self.now().as_secs_f64()
    }

    /// Returns after `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System => tokio::time::sleep(duration).await,
            Source::Paused(paused) => {
                let woken = {
                    let mut paused = lock(paused);
                    let (wake, woken) = oneshot::channel();
                    paused.arrivals += 1;
                    let key = (paused.now + duration, paused.arrivals);
                    paused.sleepers.insert(key, wake);
                    woken
                };
                // A dropped clock never wakes anybody: its bot is gone.
                if woken.await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Moves a paused clock to the next sleeper that is due by `until` and wakes it. When there is
    /// none, moves it to `until` and returns false. The system's clock is never moved.
    pub fn advance_to_next(&self, until: Duration) -> bool {
        let Source::Paused(paused) = &self.0 else {
            return false;
        };
        let mut paused = lock(paused);
        loop {
            let due = paused
                .sleepers
                .first_key_value()
                .map(|(key, _)| *key)
                .filter(|key| key.0 <= until);
            let Some(key) = due else {
                paused.now = paused.now.max(until);
                return false;
            };
            let Some(wake) = paused.sleepers.remove(&key) else {
                return false;
            };
            paused.now = paused.now.max(key.0);
            // A sleeper that was cancelled does not count as woken.
            if wake.send(()).is_ok() {
                return true;
            }
        }
    }
}

fn lock(paused: &Mutex<Paused>) -> std::sync::MutexGuard<'_, Paused> {
    paused.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_paused_clock_wakes_sleepers_in_order_and_stops_where_asked() {
        let clock = Clock::paused(1_000);
        let (late, early) = (clock.clone(), clock.clone());
        let late = tokio::spawn(async move { late.sleep(Duration::from_secs(20)).await });
        let early = tokio::spawn(async move { early.sleep(Duration::from_secs(10)).await });
        tokio::task::yield_now().await;

        let until = Duration::from_secs(1_015);
        assert!(clock.advance_to_next(until));
        early.await.ok();
        assert_eq!(clock.now(), Duration::from_secs(1_010));
        assert!(!clock.advance_to_next(until));
        assert_eq!(clock.now(), until);
        assert!(!late.is_finished());
    }
}
