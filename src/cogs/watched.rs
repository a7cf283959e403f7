//! Tells the guard how the calls of a cog's handlers end. What users cause is no failure: `cog.fail`, wrong arguments,
//! refused checks. Nor is that Discord has trouble.

use super::live::Live;
use super::quarantine::problem_of;
use crate::api::call::UNREACHABLE;
use crate::api::context::CogContext;
use crate::commands::refusals::Refusal;
use crate::guard::{Alarm, HandlerKind, Outcome, Refused};
use crate::vm::trace::Fault;
use std::borrow::Cow;
use std::sync::Arc;

/// A call of a handler has ended, with a fault if there is one.
pub(super) fn handled(
    cog: &CogContext,
    live: &Live,
    handler: (HandlerKind, &str),
    fault: Option<&Fault>,
) {
    let now = cog.services.clock.now();
    tell(cog, live, fault, |outcome| {
        cog.budget.guard.handled(now, handler, outcome)
    });
}

/// A function of the cog has failed, be it a handler or not.
pub(super) fn failed(cog: &CogContext, live: &Live, fault: &Fault) {
    let now = cog.services.clock.now();
    tell(cog, live, Some(fault), |outcome| {
        cog.budget.guard.failed(now, outcome)
    });
}

/// A function of the cog has run.
pub(super) fn ran(cog: &CogContext, live: &Live) {
    if answers(live) {
        cog.budget.guard.ran(cog.services.clock.now());
    }
}

/// What an older version does, or one on trial, says nothing about the one that answers.
fn answers(version: &Live) -> bool {
    let life = &version.generation.life;
    !life.is_retired() && !life.is_on_trial()
}

fn tell(
    cog: &CogContext,
    live: &Live,
    fault: Option<&Fault>,
    note: impl FnOnce(&Outcome<'_>) -> Option<Alarm>,
) {
    if !answers(live) {
        return;
    }
    let error = || problem_of(cog, live, fault.unwrap_or(&Fault::Panic)).in_one_line();
    let Some(outcome) = outcome(fault, &error) else {
        return;
    };
    if let Some(alarm) = note(&outcome) {
        cog.services.raise(&cog.name, alarm);
    }
}

/// Whether a handler failed because of a refusal by Discord that is no mistake in its code.
pub(super) fn refusal(fault: &Fault) -> Option<Refusal> {
    let Fault::Raised(raised) = fault else {
        return None;
    };
    match raised.refused {
        Some((status, code)) => Refusal::of(status, code),
        // There was no response, or none from Discord.
        None if raised.kind.as_deref() == Some(UNREACHABLE) => Some(Refusal::Trouble),
        None => None,
    }
}

/// How a call has ended; nothing if that says nothing about its code.
fn outcome<'a>(fault: Option<&'a Fault>, error: &'a dyn Fn() -> String) -> Option<Outcome<'a>> {
    let Some(fault) = fault else {
        return Some(Outcome::Done);
    };
    let refused = match fault {
        Fault::Cancelled | Fault::Closed | Fault::Outlived { .. } | Fault::GaveWay(_) => {
            return None;
        }
        _ if fault.told_to_user().is_some() => return Some(Outcome::Done),
        _ if refusal(fault) == Some(Refusal::Trouble) => return None,
        Fault::Raised(raised) => raised.refused.map(|code| Refused {
            operation: raised.operation.as_deref().unwrap_or_default(),
            code,
        }),
        _ => None,
    };
    Some(Outcome::Failed { refused, error })
}

/// The name of a handler of an event: that of its function, or its place among the others.
pub(super) fn name_of_listener(
    event: &'static str,
    function: Option<&Arc<str>>,
    place: usize,
) -> Cow<'static, str> {
    match (function, place) {
        (Some(function), _) => format!("{event} {function}").into(),
        (None, 0) => event.into(),
        (None, place) => format!("{event} {}", place + 1).into(),
    }
}
