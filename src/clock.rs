//! The bot's only source of time: the system's, or a paused one that a test moves.

use crate::lock::lock;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Sleeping counts time that passes, and does not notice that the system's time was set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

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
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<Woken>>,
    arrivals: u64,
    /// Sleepers that were woken and have not taken up their work yet.
    waking: Arc<AtomicUsize>,
}

/// Held by a sleeper from its waking until it has taken up its work: without it, a test that moves the
/// clock could find the bot idle in between.
#[derive(Debug)]
pub struct Woken(Option<Arc<AtomicUsize>>);

impl Drop for Woken {
    fn drop(&mut self) {
        if let Some(waking) = &self.0 {
            waking.fetch_sub(1, Ordering::SeqCst);
        }
    }
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
            waking: Arc::default(),
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
        let _woken = self.alarm(duration).await;
    }

    /// Like [`Clock::sleep`], but the time counts from this call on, not from the first poll, and what it
    /// returns is to be held until the work that follows counts as begun.
    pub fn alarm(&self, duration: Duration) -> impl Future<Output = Woken> + Send + use<> {
        let woken = match &self.0 {
            // Waiting for no time ends at once, also on a paused clock.
            Source::System => None,
            Source::Paused(_) if duration.is_zero() => None,
            Source::Paused(paused) => Some(lock(paused).add_sleeper(duration)),
        };
        async move {
            let Some(woken) = woken else {
                tokio::time::sleep(duration).await;
                return Woken(None);
            };
            match woken.await {
                Ok(woken) => woken,
                // A dropped clock never wakes anybody: its bot is gone.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// Returns once the time is `due`, since the Unix epoch, also when the system slept meanwhile or its time was set.
    pub fn alarm_at(&self, due: Duration) -> impl Future<Output = Woken> + Send + use<> {
        let clock = self.clone();
        let set = move |clock: &Self| {
            let left = due.saturating_sub(clock.now());
            (!left.is_zero()).then(|| Box::pin(clock.alarm(clock.in_steps(left))))
        };
        let mut alarm = set(&clock);
        async move {
            let mut woken = Woken(None);
            while let Some(next) = alarm.take() {
                woken = next.await;
                alarm = set(&clock);
            }
            woken
        }
    }

    /// How long to sleep before the system's time is looked at again.
    fn in_steps(&self, left: Duration) -> Duration {
        match &self.0 {
            Source::System => left.min(LONGEST_SLEEP),
            Source::Paused(_) => left,
        }
    }

    /// How many wait for a paused clock; those that have given up do not count.
    pub fn sleepers(&self) -> usize {
        match &self.0 {
            Source::System => 0,
            Source::Paused(paused) => {
                let paused = lock(paused);
                let waiting = paused.sleepers.values();
                waiting.filter(|wake| !wake.is_closed()).count()
            }
        }
    }

    /// Whether sleepers were woken that have not taken up their work yet. To be asked before
    /// [`crate::activity::Activity::count`].
    pub fn is_waking(&self) -> bool {
        match &self.0 {
            Source::System => false,
            Source::Paused(paused) => lock(paused).waking.load(Ordering::SeqCst) > 0,
        }
    }

    /// Whether time passes only when somebody moves the clock.
    pub fn is_paused(&self) -> bool {
        matches!(self.0, Source::Paused(_))
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
            paused.waking.fetch_add(1, Ordering::SeqCst);
            let woken = Woken(Some(Arc::clone(&paused.waking)));
            // A sleeper that was cancelled does not count as woken.
            if wake.send(woken).is_ok() {
                return true;
            }
        }
    }
}

impl Paused {
    fn add_sleeper(&mut self, duration: Duration) -> oneshot::Receiver<Woken> {
        let (wake, woken) = oneshot::channel();
        // Those that have given up would stay until their time has come.
        self.sleepers.retain(|_, wake| !wake.is_closed());
        self.arrivals += 1;
        let due = self.now.saturating_add(duration);
        self.sleepers.insert((due, self.arrivals), wake);
        woken
    }
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

    #[tokio::test]
    async fn a_sleeper_counts_as_waking_until_it_lets_go() {
        let clock = Clock::paused(1_000);
        let alarm = clock.alarm(Duration::from_secs(1));
        assert!(clock.advance_to_next(Duration::from_secs(1_001)));
        assert!(clock.is_waking());
        let woken = alarm.await;
        assert!(clock.is_waking());
        drop(woken);
        assert!(!clock.is_waking());
        let alarm = clock.alarm(Duration::from_secs(1));
        assert_eq!(clock.sleepers(), 1);
        drop(alarm);
        assert_eq!(clock.sleepers(), 0);
        assert!(!clock.advance_to_next(Duration::from_secs(1_010)));
        assert!(!clock.is_waking());
    }
}
