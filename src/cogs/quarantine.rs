//! What it means for a cog that a handler failed: limits that were met, and quarantine when handlers were stopped too
//! often, or the end of a trial.

use super::live::Live;
use crate::api::context::CogContext;
use crate::api::limits::Limit;
use crate::problem::Problem;
use crate::supervisor::{self, Rule};
use crate::vm::memory::pressure::Pressure;
use crate::vm::trace::{Fault, STACK_OVERFLOW};

/// Counts the limit that a handler reached, and puts the cog into quarantine when its handlers were stopped too often.
pub(super) fn note(cog: &CogContext, live: &Live, fault: &Fault) {
    if let Some(limit) = limit_of(fault) {
        let error = || Some(problem_of(cog, live, fault).in_one_line());
        cog.limits.meet(limit, error);
    }
    if live.generation.life.is_on_trial() {
        return note_in_trial(cog, live, fault);
    }
    let is_full = matches!(fault, Fault::Memory { .. }) && !live.generation.is_retired();
    if is_full && cog.budget.versions.make_all_room() {
        // It may have been the older ones that filled the VM.
        return;
    }
    if !leads_to_quarantine(live, fault) || cog.is_quarantined() {
        return;
    }
    let most = cog.services.config.load().limits.faults_per_10min;
    if !cog.stops.is_due(cog.services.clock.now(), most) {
        return;
    }
    let last = problem_of(cog, live, fault);
    let times = cog.limits.meet(Limit::Faults, || Some(last.in_one_line()));
    let why = format!(
        "its handlers were stopped {most} times within 10 minutes (limits.faults_per_10min), the last time because one {}",
        last.message
    );
    let Problem { message, hint, .. } = problem(cog, &why, "save a fixed version, or");
    let problem = Problem {
        message,
        hint,
        ..last
    };
    quarantine(cog, live, times, problem);
}

/// Handlers that were stopped too often end a trial: the version that all other guilds run is none the worse for it.
fn note_in_trial(cog: &CogContext, live: &Live, fault: &Fault) {
    let most = cog.services.config.load().limits.faults_per_10min;
    let now = cog.services.clock.now();
    if leads_to_quarantine(live, fault) && cog.stops_of_trial.is_due(now, most) {
        live.generation.life.end(Pressure::Stops(most));
    }
}

/// What is shown of a cog in quarantine: why it is there, and the ways out, of which `!reload cog` is the last.
fn problem(cog: &CogContext, why: &str, ways: &str) -> Problem {
    Problem {
        cog: Some(cog.name.to_string()),
        message: format!("is in quarantine: {why}"),
        hint: Some(format!("{ways} use `!reload cog {}`", cog.name)),
        ..Problem::default()
    }
}

fn quarantine(cog: &CogContext, live: &Live, times: u64, problem: Problem) {
    live.generation.close();
    tracing::error!(cog = %cog.name, times, "A cog was put into quarantine: {problem}");
    cog.begin_quarantine(problem);
    // The next plan has to know that its failure must not hold back others.
    cog.services.graph_changed(&cog.name);
}

/// Puts a cog that is new in this process into quarantine if the process before died because of it.
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
    let problem = problem(cog, &why, "save a fixed version, or");
    tracing::error!(cog = %cog.name, "A cog starts in quarantine: {problem}");
    cog.begin_quarantine(problem);
}

/// Puts a cog that has more than its share into quarantine, while all cogs together have too much.
pub(super) fn give_way(cog: &CogContext, live: &Live, limit: usize, share: usize) {
    let times = cog.limits.meet(Limit::TotalMemory, || None);
    let why = format!(
        "all cogs together needed more than {} MB of memory (limits.total_memory_mb), and this one more than any other, {} MB, where its share is {} MB",
        limit >> 20,
        cog.memory() >> 20,
        share >> 20
    );
    let ways = "save a version that needs less memory, or raise the limit and";
    let problem = problem(cog, &why, ways);
    quarantine(cog, live, times, problem);
    live.generation.life.end(Pressure::Process(limit));
}

/// Whether a handler was stopped. What still runs of an older version says nothing about the present one.
pub(super) fn leads_to_quarantine(live: &Live, fault: &Fault) -> bool {
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

/// A fault with its source lines, from the sources that the code was loaded from.
pub(super) fn problem_of(cog: &CogContext, live: &Live, fault: &Fault) -> Problem {
    let snapshot = live.generation.snapshot();
    let mut problem = fault.problem(&cog.name, &|file| {
        let source = snapshot.in_file(file)?;
        Some(source.text.to_string())
    });
    if let Some(place) = problem.place.as_mut()
        && place.excerpt.is_empty()
    {
        place.add_excerpt("");
    }
    problem
}
