//! The list of waiting calls, which shows what a silent cog is doing.

use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Waiting that lasts longer than this is logged.
pub(super) const TOLD_AFTER: Duration = Duration::from_secs(2);

/// It is logged no more often than this, however many calls wait.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What a call waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitsFor {
    /// Discord fails, and the request is to be sent again: the status (`503`), or what the network does.
    Discord(String),
    /// A rate limit of Discord's.
    RateLimit,
    /// The cog's own `limits.discord_calls_per_10s`.
    OwnLimit,
}

/// The calls of one cog that wait for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingCalls {
    /// For what.
    pub waits_for: WaitsFor,
    /// How many.
    pub count: usize,
    /// Since when the first of them does, since the epoch.
    pub since: Duration,
}

/// All calls that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct WaitingList(Arc<Mutex<Calls>>);

#[derive(Debug, Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<u64, WaitingEntry>,
    told: Option<Duration>,
}

/// The cog, or none for a call of the bot itself; what it waits for, and since when.
type WaitingEntry = (Option<Arc<str>>, WaitsFor, Duration);

/// A call that waits until this is dropped.
#[derive(Debug)]
pub struct WaitingCall {
    all: WaitingList,
    number: u64,
}

impl WaitingList {
    pub(super) fn begin(
        &self,
        cog: Option<&Arc<str>>,
        waits_for: WaitsFor,
        since: Duration,
    ) -> WaitingCall {
        let mut calls = lock(&self.0);
        calls.last += 1;
        let number = calls.last;
        let call = (cog.cloned(), waits_for, since);
        calls.waiting.insert(number, call);
        WaitingCall {
            all: self.clone(),
            number,
        }
    }

    /// The calls of a cog that wait, by what they wait for.
    pub(super) fn of(&self, cog: &str) -> Vec<WaitingCalls> {
        let calls = lock(&self.0);
        let of_cog = calls.waiting.values();
        let of_cog = of_cog.filter(|(caller, ..)| caller.as_deref() == Some(cog));
        let mut found: BTreeMap<&WaitsFor, (usize, Duration)> = BTreeMap::new();
        for (_, waits_for, since) in of_cog {
            let (count, first) = found.entry(waits_for).or_insert((0, *since));
            *count += 1;
            *first = (*first).min(*since);
        }
        let found = found.into_iter();
        found
            .map(|(waits_for, (count, since))| WaitingCalls {
                waits_for: waits_for.clone(),
                count,
                since,
            })
            .collect()
    }

    /// How many wait for Discord to work again, if the log is to be told of it now.
    pub(super) fn to_be_told(&self, now: Duration) -> Option<usize> {
        let mut calls = lock(&self.0);
        if calls.told.is_some_and(|told| now < told + TOLD_EVERY) {
            return None;
        }
        calls.told = Some(now);
        let waiting = calls.waiting.values();
        let waiting = waiting.filter(|(_, waits_for, _)| matches!(waits_for, WaitsFor::Discord(_)));
        Some(waiting.count())
    }
}

impl WaitingCall {
    /// What Discord or the network does meanwhile.
    pub(super) fn why(&self) -> String {
        match lock(&self.all.0).waiting.get(&self.number) {
            Some((_, WaitsFor::Discord(why), _)) => why.clone(),
            _ => String::new(),
        }
    }
}

impl Drop for WaitingCall {
    fn drop(&mut self) {
        lock(&self.all.0).waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_together_by_what_they_wait_for() {
        let waiting = WaitingList::default();
        let (cog, other): (Arc<str>, Arc<str>) = ("cog".into(), "other".into());
        let at = Duration::from_secs;
        let fails = || WaitsFor::Discord("503".to_owned());
        let _held = [
            waiting.begin(Some(&cog), fails(), at(7)),
            waiting.begin(Some(&cog), fails(), at(5)),
            waiting.begin(Some(&other), fails(), at(1)),
            waiting.begin(None, fails(), at(1)),
        ];
        let gone = waiting.begin(Some(&cog), WaitsFor::OwnLimit, at(9));
        assert_eq!(waiting.of("cog").len(), 2);
        drop(gone);
        let told = WaitingCalls {
            waits_for: fails(),
            count: 2,
            since: at(5),
        };
        assert_eq!(waiting.of("cog"), [told]);
        assert_eq!(waiting.to_be_told(at(20)), Some(4));
        assert_eq!(waiting.to_be_told(at(29)), None);
        assert_eq!(waiting.to_be_told(at(30)), Some(4));
    }
}
