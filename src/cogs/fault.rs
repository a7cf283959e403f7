//! A handler that failed: the log, the cog's `on_error`, its limits, and quarantine when it fails too often.

use super::handler;
use super::live::Live;
use crate::api::call::UNREACHABLE;
use crate::api::condition::Condition;
use crate::api::context::CogContext;
use crate::api::declarations::Hook;
use crate::api::invocation::Invocation;
use crate::api::limits::Limit;
use crate::commands::refusals::Refusal;
use crate::json::Json;
use crate::problem::{Problem, SourceLocation};
use crate::supervisor::{self, Rule};
use crate::vm::memory::pressure::Pressure;
use crate::vm::trace::{Fault, STACK_OVERFLOW};
use mlua::{MultiValue, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// `cog.on_error` has this long.
const HOOK_LIMIT: Duration = Duration::from_secs(5);

/// A short id under which the log has the rest.
pub(super) fn fault_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let count = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{count}", std::process::id() % 10_000)
}

/// Whether a handler failed because of how the world is, and of no mistake in its code.
pub(super) fn refusal(fault: &Fault) -> Option<Refusal> {
    let Fault::Raised(raised) = fault else {
        return None;
    };
    match raised.refused {
        Some((status, code)) => Refusal::of(status, code),
        // No answer came, or none that is Discord's.
        None if raised.kind.as_deref() == Some(UNREACHABLE) => Some(Refusal::Trouble),
        None => None,
    }
}

/// Logs a fault with its place, and tells the cog's `on_error`.
pub async fn report(
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
            // No mistake of the code's: a loop in `on_ready` comes to its end like this.
            if let Some([fault]) = cog.limits.may_log(|| None, || [fault.to_string()]) {
                tracing::warn!(cog = %cog.name, id, "A handler of an older version {fault}");
            }
            return;
        }
        _ if fault.told_to_user().is_some() => return,
        _ => {}
    }
    match refusal(fault) {
        Some(refusal) => note_refusal(cog, live, fault, refusal),
        None => log_failure(cog, live, fault, id),
    }
    call_hooks(cog, live, fault, told.map(|(_, context)| context)).await;
}

/// A line in the log about what Discord refused, which is no error of anybody's.
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
        tracing::warn!(cog = %cog.name, "Discord refused what a handler asked for: {text}");
    } else {
        tracing::info!(cog = %cog.name, "Discord refused what a handler asked for: {text}");
    }
    if let Some(problem) = problem {
        cog.services.refused.add(problem);
    }
}

fn log_failure(cog: &CogContext, live: &Live, fault: &Fault, id: &str) {
    // What leads to quarantine is few, and told in any case.
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
        let Ok(arguments) = hook_arguments(live, fault, context) else {
            return;
        };
        // A failure of the failure's handler goes no further than the log.
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

/// A fault with its source lines, from the sources that the code was loaded from.
fn problem_of(cog: &CogContext, live: &Live, fault: &Fault) -> Problem {
    let snapshot = live.generation.snapshot();
    let mut problem = fault.problem(&cog.name, &|file| {
        let source = snapshot.ids().find_map(|id| {
            let source = snapshot.source(id)?;
            (source.path.as_ref() == file).then_some(source)
        });
        source.map(|source| source.text.to_string())
    });
    if let Some(place) = problem.place.as_mut()
        && place.excerpt.is_empty()
    {
        place.add_excerpt("");
    }
    problem
}

/// Counts the limit that a handler met, and puts the cog into quarantine when its handlers were stopped too often.
pub(super) fn note(cog: &CogContext, live: &Live, fault: &Fault) {
    if let Some(limit) = limit_of(fault) {
        cog.limit_hits.count(limit);
    }
    let is_full = matches!(fault, Fault::Memory { .. }) && !live.generation.is_retired();
    if is_full && cog.budget.versions.make_all_room() {
        // It may have been the older ones that filled the VM.
        return;
    }
    if !leads_to_quarantine(live, fault) || cog.condition.is(Condition::is_quarantined) {
        return;
    }
    let most = cog.services.config.load().limits.faults_per_10min;
    if !cog.quarantine.is_due(cog.services.clock.now(), most) {
        return;
    }
    let times = cog.limit_hits.count(Limit::Faults);
    let last = problem_of(cog, live, fault);
    let problem = Problem {
        message: format!(
            "is in quarantine: its handlers were stopped {most} times within 10 minutes (limits.faults_per_10min), the last time because one {}",
            last.message
        ),
        hint: Some(format!(
            "save a version that is mended, or `!reload cog {}`",
            cog.name
        )),
        ..last
    };
    quarantine(cog, live, times, problem);
}

fn quarantine(cog: &CogContext, live: &Live, times: u64, problem: Problem) {
    live.generation.close();
    tracing::error!(cog = %cog.name, times, "A cog was put into quarantine: {problem}");
    cog.begin_quarantine(problem);
    // The next plan has to know that its failure must not hold back others.
    cog.services.graph_changed(&cog.name);
}

/// Puts a cog that is new in this process into quarantine if the process before died of it.
pub(super) fn begin_in_quarantine(cog: &CogContext) {
    let Some((rule, cause)) = supervisor::quarantined(&cog.name) else {
        return;
    };
    let why = match rule {
        Rule::Ran => format!("the process died while this cog ran: {cause}"),
        Rule::RanOften => format!(
            "the process died at two of the last three times while this cog used the processor without waiting, the last time of {cause}"
        ),
    };
    let problem = Problem {
        cog: Some(cog.name.to_string()),
        message: format!("is in quarantine: {why}"),
        hint: Some(format!(
            "save a version that is mended, or `!reload cog {}`",
            cog.name
        )),
        ..Problem::default()
    };
    tracing::error!(cog = %cog.name, "A cog starts in quarantine: {problem}");
    cog.begin_quarantine(problem);
}

/// Puts a cog into quarantine that has more than its share while all cogs together have too much.
pub(super) fn give_way(cog: &CogContext, live: &Live, limit: usize, share: usize) {
    let times = cog.limit_hits.count(Limit::TotalMemory);
    let problem = Problem {
        cog: Some(cog.name.to_string()),
        message: format!(
            "is in quarantine: all cogs together needed more than {} MB of memory (limits.total_memory_mb), and this one more than any other, {} MB, where its share is {} MB",
            limit >> 20,
            cog.memory() >> 20,
            share >> 20
        ),
        hint: Some(format!(
            "save a version that keeps less, or raise the limit and `!reload cog {}`",
            cog.name
        )),
        ..Problem::default()
    };
    quarantine(cog, live, times, problem);
    live.generation.life.end(Pressure::Process(limit));
}

/// Whether a handler was stopped. What still runs of an older version says nothing about the present one.
fn leads_to_quarantine(live: &Live, fault: &Fault) -> bool {
    let was_stopped = matches!(
        fault,
        Fault::Cpu { .. } | Fault::Memory { .. } | Fault::Panic
    );
    was_stopped && !live.generation.is_retired()
}

fn limit_of(fault: &Fault) -> Option<Limit> {
    match fault {
        Fault::Cpu { .. } => Some(Limit::Cpu),
        Fault::CpuPerMinute { .. } => Some(Limit::CpuPerMinute),
        Fault::Memory { .. } | Fault::GaveWay(Pressure::Versions(_)) => Some(Limit::Memory),
        Fault::Timeout { .. } | Fault::Outlived { .. } => Some(Limit::HandlerTime),
        Fault::GaveWay(Pressure::Process(_)) => Some(Limit::TotalMemory),
        Fault::Raised(raised) if raised.message.contains(STACK_OVERFLOW) => Some(Limit::CallDepth),
        _ => None,
    }
}

fn hook_arguments(
    live: &Live,
    fault: &Fault,
    context: Option<&Arc<Invocation>>,
) -> mlua::Result<MultiValue> {
    let lua = live.vm.lua();
    let context = match context {
        Some(context) => Value::UserData(context.to_ctx(lua)?),
        None => Value::Nil,
    };
    let error = match fault {
        Fault::Raised(raised) => crate::vm::host::plain(lua, &Json::from(raised.as_ref()))?,
        other => {
            let table = lua.create_table()?;
            table.raw_set("kind", "limit")?;
            table.raw_set("message", other.to_string())?;
            Value::Table(table)
        }
    };
    Ok(MultiValue::from_iter([context, error]))
}
