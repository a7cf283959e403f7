//! A handler that failed is told of: in the log, and to the cog's `on_error`.

use super::handler;
use super::live::Live;
use super::quarantine::{leads_to_quarantine, problem_of};
use super::watched::{self, refusal};
use crate::api::context::CogContext;
use crate::api::declarations::Hook;
use crate::api::invocation::Invocation;
use crate::commands::refusals::Refusal;
use crate::json::Json;
use crate::problem::SourceLocation;
use crate::vm::trace::Fault;
use mlua::{MultiValue, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// `cog.on_error` has this long.
const HOOK_LIMIT: Duration = Duration::from_secs(5);

/// A short id under which the log has the details.
pub(super) fn fault_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", std::process::id() % 10_000)
}

/// Logs a fault with its place, and calls the cog's `on_error`.
pub(super) async fn report(
    cog: &Arc<CogContext>,
    live: &Live,
    fault: &Fault,
    told: Option<(&str, &Arc<Invocation>)>,
) {
    let id = told.map_or("", |(id, _)| id);
    match fault {
        Fault::Cancelled => return,
        // A user was given the id, and finds it in the log.
        Fault::Closed if told.is_none() => return,
        Fault::Outlived { .. } | Fault::GaveWay(_) | Fault::Closed => {
            // Not a mistake in the code: a loop in `on_ready` ends like this.
            if let Some([fault]) = cog.limits.may_log(|| None, || [fault.to_string()]) {
                let whose = if live.generation.life.is_on_trial() {
                    "a version on trial"
                } else {
                    "an older version"
                };
                tracing::warn!(cog = %cog.name, id, "A handler of {whose} {fault}");
            }
            return;
        }
        _ if fault.told_to_user().is_some() => return,
        _ => {}
    }
    if let Some(refusal) = refusal(fault) {
        note_refusal(cog, live, fault, refusal);
    } else {
        live.generation.life.tally.fail();
        log_failure(cog, live, fault, id);
    }
    watched::failed(cog, live, fault);
    call_hooks(cog, live, fault, told.map(|(_, context)| context)).await;
}

/// A line in the log about what Discord refused, which is not an error of anybody's.
fn note_refusal(cog: &CogContext, live: &Live, fault: &Fault, refusal: Refusal) {
    let mut problem = None;
    let text = || {
        let problem = problem.insert(problem_of(cog, live, fault));
        let place = problem.place.as_ref();
        let place = place.map(|place| format!("{}:{}: ", place.file, place.line));
        [format!("{}{fault}", place.unwrap_or_default())]
    };
    let Some([text]) = cog.limits.may_log(|| place_of(fault), text) else {
        return;
    };
    if refusal.concerns_admins() {
        tracing::warn!(cog = %cog.name, "Discord refused a call of a handler: {text}");
    } else {
        tracing::info!(cog = %cog.name, "Discord refused a call of a handler: {text}");
    }
    if let Some(problem) = problem {
        cog.services.refused.add(problem);
    }
}

fn log_failure(cog: &CogContext, live: &Live, fault: &Fault, id: &str) {
    // Faults that lead to quarantine are few, and always logged.
    let mut problem = None;
    let mut text = || [problem.insert(problem_of(cog, live, fault)).to_string()];
    let text = if leads_to_quarantine(live, fault) {
        Some(text())
    } else {
        cog.limits.may_log(|| place_of(fault), text)
    };
    if let Some([text]) = text {
        tracing::error!(cog = %cog.name, id, "A handler failed: {text}");
        if let Some(problem) = problem {
            cog.services.faults.add(problem);
        }
    }
}

/// Tells the cog's `on_error`.
async fn call_hooks(
    cog: &Arc<CogContext>,
    live: &Live,
    fault: &Fault,
    context: Option<&Arc<Invocation>>,
) {
    for hook in live.hooks(Hook::Error) {
        let Ok(arguments) = hook_arguments(live, Some(fault), context) else {
            return;
        };
        // A failure in `on_error` itself is only logged.
        if let Err(second) = handler::run(cog, live, &hook, arguments, HOOK_LIMIT).await
            && !matches!(second, Fault::Closed | Fault::GaveWay(_))
            && let Some([second]) = cog
                .limits
                .may_log(|| place_of(&second), || [second.to_string()])
        {
            tracing::error!(cog = %cog.name, "cog.on_error failed: {second}");
        }
    }
}

fn place_of(fault: &Fault) -> Option<SourceLocation> {
    match fault {
        Fault::Raised(raised) => raised.place.clone(),
        _ => None,
    }
}

/// What a hook is called with: `ctx` and the error, where there are any.
pub(super) fn hook_arguments(
    live: &Live,
    fault: Option<&Fault>,
    context: Option<&Arc<Invocation>>,
) -> mlua::Result<MultiValue> {
    let lua = live.vm.lua();
    let context = match context {
        Some(context) => Value::UserData(context.to_ctx(lua)?),
        None => Value::Nil,
    };
    let error = match fault {
        None => Value::Nil,
        Some(Fault::Raised(raised)) => {
            crate::vm::host::plain(lua, Json::from(raised.as_ref()).view())?
        }
        Some(other) => {
            let table = lua.create_table()?;
            table.raw_set("kind", "limit")?;
            table.raw_set("message", other.to_string())?;
            Value::Table(table)
        }
    };
    Ok(MultiValue::from_iter([context, error]))
}
