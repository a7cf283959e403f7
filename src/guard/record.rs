//! What is known of the calls of one cog, over all of its versions. It is bounded, whatever the cog declares.

use super::alarm::Alarm;
use super::handler::{Handler, HandlerKind};
use super::outcomes::{LastCalls, Minutes, add_first};
use super::rule::{
    Calls, Finding, LEAST_FAILURES, LimitSet, OfCog, OfHandler, OfLimits, Seen, WATCHED,
    WATCHED_CALLS, judge,
};
use crate::hash::HashMap;
use crate::lock::lock;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Handlers of one cog that are told apart. Those beyond count for the cog as a whole.
const MOST_HANDLERS: usize = 128;
/// Bytes of a handler's name that tell it apart.
const LONGEST_NAME: usize = 120;
/// Handlers of one version whose first errors are kept.
const MOST_ERRORS: usize = 16;
/// Characters of an error that is kept.
const LONGEST_ERROR: usize = 300;
/// Kinds of refusals that are told apart. Those beyond do not count as failures.
const MOST_REFUSALS: usize = 64;

/// A kind of refusal by Discord.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The operation; nothing if the error does not say.
    pub operation: &'a str,
    /// Discord's status and code.
    pub code: (i64, i64),
}

/// How a call has ended.
pub enum Outcome<'a> {
    /// Without an error, or with one that its user has caused.
    Done,
    /// With an error of the code's.
    Failed {
        /// What Discord has refused, if it was that.
        refused: Option<Refused<'a>>,
        /// The error with file and line.
        error: &'a dyn Fn() -> String,
    },
}

/// What is known of the calls of one cog.
#[derive(Debug, Default)]
pub struct Record(Mutex<Calling>);

#[derive(Debug, Default)]
struct Calling {
    /// Counts the versions with different texts.
    version: u64,
    /// What the version's modules say.
    text: u64,
    /// When the version began, and when the first one did.
    begun: Duration,
    first_begun: Duration,
    /// Whether there has been an alarm about the version.
    has_alarm: bool,
    /// Whether what it does counts as normal all the same.
    is_accepted: bool,
    handlers: [HashMap<Box<str>, Watched>; HandlerKind::COUNT],
    /// How often functions of the version have failed.
    failures: u32,
    /// First errors that are kept.
    errors: usize,
    /// The first one of the version.
    first_error: Option<Arc<str>>,
    minutes: Minutes,
    /// Before the version: the calls of an hour, and the failures of its worst minute.
    before: (Calls, u32),
    met_before: LimitSet,
    met: LimitSet,
    /// Each with the version that met it first.
    refusals: Vec<(Box<str>, (i64, i64), u64)>,
}

/// One handler.
#[derive(Debug, Default)]
struct Watched {
    /// As it was when the version began.
    before: LastCalls,
    last: LastCalls,
    /// Of the version.
    first: Calls,
    all: Calls,
    error: Option<Arc<str>>,
}

/// The part of a name that tells it apart.
fn fit(name: &str) -> &str {
    let end = (0..=name.len().min(LONGEST_NAME)).rev();
    let end = end.into_iter().find(|end| name.is_char_boundary(*end));
    name.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn shortened(error: &str) -> Arc<str> {
    error.chars().take(LONGEST_ERROR).collect::<String>().into()
}

impl Record {
    /// A version with this text answers from now on. One with the same text goes on with what is known of it.
    pub fn begin(&self, now: Duration, text: u64) {
        lock(&self.0).begin(now, text);
    }

    /// The number of the version that answers, and what it says.
    pub fn version(&self) -> (u64, u64) {
        let calling = lock(&self.0);
        (calling.version, calling.text)
    }

    /// What a version does counts as normal, although there has been an alarm about it.
    pub fn accept(&self, version: u64) {
        let mut calling = lock(&self.0);
        if calling.version == version {
            calling.is_accepted = true;
        }
    }

    /// A function of the version that answers has run.
    pub fn ran(&self, now: Duration) {
        let mut calling = lock(&self.0);
        let version = calling.version;
        calling.minutes.add_call(now, version);
    }

    /// A function of the version has failed because of its code.
    pub fn failed(&self, now: Duration, outcome: &Outcome<'_>) -> Option<Alarm> {
        lock(&self.0).failed(now, outcome)
    }

    /// A call of a handler has ended.
    pub fn handled(
        &self,
        now: Duration,
        (kind, name): (HandlerKind, &str),
        outcome: &Outcome<'_>,
    ) -> Option<Alarm> {
        lock(&self.0).handled(now, kind, fit(name), outcome)
    }

    /// The version has met a limit, number `limit` of all, of which `of_use` say how much a cog is used.
    pub fn met(
        &self,
        now: Duration,
        (limit, key): (usize, &'static str),
        of_use: LimitSet,
        error: impl FnOnce() -> Option<String>,
    ) -> Option<Alarm> {
        lock(&self.0).met(now, (limit, key), of_use, error)
    }
}

impl Calling {
    fn begin(&mut self, now: Duration, text: u64) {
        let is_first = self.version == 0;
        if !is_first && self.text == text {
            return;
        }
        if self.has_alarm && !self.is_accepted {
            self.forget_version();
        } else {
            self.take_as_normal(now);
        }
        self.version += 1;
        self.text = text;
        self.begun = now;
        if is_first {
            self.first_begun = now;
        }
        (self.has_alarm, self.is_accepted) = (false, false);
        self.met = LimitSet::default();
        (self.failures, self.errors, self.first_error) = (0, 0, None);
        let is_crowded = self.handlers.iter().map(HashMap::len).sum::<usize>() > MOST_HANDLERS / 2;
        for handlers in &mut self.handlers {
            // Handlers that there are no longer make room for new ones.
            handlers.retain(|_, handler| !is_crowded || handler.all.calls > 0);
            for handler in handlers.values_mut() {
                *handler = Watched {
                    before: handler.last,
                    last: handler.last,
                    ..Watched::default()
                };
            }
        }
    }

    /// What the version did is what its cog does.
    fn take_as_normal(&mut self, now: Duration) {
        self.before = self.minutes.before(now);
        self.met_before.0 |= self.met.0;
        for (_, _, since) in &mut self.refusals {
            *since = 0;
        }
    }

    /// What the version did is not what is normal: the next one is compared with what was before it.
    fn forget_version(&mut self) {
        let version = self.version;
        self.minutes.forget(version);
        self.refusals.retain(|(_, _, since)| *since != version);
        for handler in self.handlers.iter_mut().flat_map(HashMap::values_mut) {
            handler.last = handler.before;
        }
    }

    /// For how long the version has answered.
    fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.begun)
    }

    fn is_judged(&self) -> bool {
        self.version > 1 && !self.has_alarm
    }

    /// Whether an outcome is a failure: refusals that earlier versions met as well are none.
    fn is_failure(&mut self, outcome: &Outcome<'_>) -> bool {
        let refused = match outcome {
            Outcome::Done => return false,
            Outcome::Failed { refused: None, .. } => return true,
            Outcome::Failed {
                refused: Some(refused),
                ..
            } => refused,
        };
        let operation = fit(refused.operation);
        let mut known = self.refusals.iter();
        let known = known.find(|(of, code, _)| **of == *operation && *code == refused.code);
        if let Some((_, _, since)) = known {
            return *since == self.version;
        }
        if self.refusals.len() >= MOST_REFUSALS {
            return false;
        }
        self.refusals
            .push((operation.into(), refused.code, self.version));
        // What the first version is refused is normal.
        true
    }

    fn failed(&mut self, now: Duration, outcome: &Outcome<'_>) -> Option<Alarm> {
        if !self.is_failure(outcome) {
            return None;
        }
        let version = self.version;
        self.minutes.add_failure(now, version);
        if !self.is_judged() || self.age(now) > WATCHED {
            return None;
        }
        if self.first_error.is_none()
            && let Outcome::Failed { error, .. } = outcome
        {
            self.first_error = Some(shortened(&error()));
        }
        self.failures = self.failures.saturating_add(1);
        let now = self.minutes.last(now, version);
        if now.failures < LEAST_FAILURES {
            return None;
        }
        let worst = self.worst_handler();
        let worst = worst.filter(|(_, _, it)| it.all.failures >= self.failures / 2);
        let (before, worst_before) = self.before;
        let finding = judge(&Seen {
            cog: Some(OfCog {
                before,
                worst_before,
                now,
                in_one: worst.map(|(_, _, it)| OfHandler {
                    before: it.before.calls(),
                    now: it.all,
                }),
            }),
            ..Seen::default()
        })?;
        let error = worst.and_then(|(_, _, it)| it.error.clone());
        let error = error.or_else(|| self.first_error.clone());
        let handler = worst.map(|(kind, name, _)| Handler {
            kind,
            name: name.to_owned(),
        });
        Some(self.alarm(finding, handler, error))
    }

    /// The handler of the version that has failed most.
    fn worst_handler(&self) -> Option<(HandlerKind, &str, &Watched)> {
        let all = HandlerKind::ALL.iter().flat_map(|kind| {
            let handlers = self.handlers[*kind as usize].iter();
            handlers.map(move |(name, handler)| (*kind, &**name, handler))
        });
        let failing = all.filter(|(_, _, handler)| handler.all.failures > 0);
        failing.max_by_key(|(_, name, handler)| (handler.all.failures, *name))
    }

    fn handled(
        &mut self,
        now: Duration,
        kind: HandlerKind,
        name: &str,
        outcome: &Outcome<'_>,
    ) -> Option<Alarm> {
        let failed = self.is_failure(outcome);
        let count: usize = self.handlers.iter().map(HashMap::len).sum();
        let handlers = &mut self.handlers[kind as usize];
        if !handlers.contains_key(name) {
            if count >= MOST_HANDLERS {
                return None;
            }
            handlers.insert(name.into(), Watched::default());
        }
        let is_judged = self.is_judged() && self.age(now) <= WATCHED_CALLS;
        let may_keep = is_judged && self.errors < MOST_ERRORS;
        let handler = self.handlers[kind as usize].get_mut(name)?;
        handler.last.add(failed);
        handler.all.calls = handler.all.calls.saturating_add(1);
        handler.all.failures = handler.all.failures.saturating_add(u32::from(failed));
        let is_first = add_first(&mut handler.first, failed);
        if failed
            && may_keep
            && handler.error.is_none()
            && let Outcome::Failed { error, .. } = outcome
        {
            handler.error = Some(shortened(&error()));
            self.errors += 1;
        }
        if !failed || !is_first || !is_judged {
            return None;
        }
        let error = handler.error.clone();
        let finding = judge(&Seen {
            handler: Some(OfHandler {
                before: handler.before.calls(),
                now: handler.first,
            }),
            ..Seen::default()
        })?;
        let name = name.to_owned();
        Some(self.alarm(finding, Some(Handler { kind, name }), error))
    }

    fn met(
        &mut self,
        now: Duration,
        (limit, key): (usize, &'static str),
        of_use: LimitSet,
        error: impl FnOnce() -> Option<String>,
    ) -> Option<Alarm> {
        let bit = u32::try_from(limit)
            .ok()
            .and_then(|it| 1u32.checked_shl(it))?;
        if self.met.0 & bit != 0 {
            return None;
        }
        self.met.0 |= bit;
        if !self.is_judged() || self.age(now) > WATCHED {
            return None;
        }
        let finding = judge(&Seen {
            limits: Some(OfLimits {
                before: self.met_before,
                now: LimitSet(bit),
                of_use,
                ran_before: self.begun.saturating_sub(self.first_begun),
            }),
            ..Seen::default()
        })?;
        let error = error().map(|error| shortened(&error));
        let alarm = self.alarm(finding, None, error);
        Some(Alarm {
            limit: Some(key),
            ..alarm
        })
    }

    fn alarm(
        &mut self,
        finding: Finding,
        handler: Option<Handler>,
        error: Option<Arc<str>>,
    ) -> Alarm {
        self.has_alarm = true;
        Alarm {
            version: self.version,
            finding,
            handler,
            error,
            limit: None,
        }
    }
}

#[cfg(test)]
mod tests;
