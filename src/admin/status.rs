//! `!reload status`: what is watched, what runs, what went wrong, and how it is configured.

use super::code_block;
use super::intents;
use super::report::names;
use super::text::Say;
use super::trial;
use crate::api::condition::Condition;
use crate::api::limit_view::limits_of;
use crate::cogs::handle::CogHandle;
use crate::cogs::host::Cogs;
use crate::cogs::live::Status;
use crate::commands::text::Language;
use crate::discord::outbound::{WaitingCalls, WaitsFor};
use crate::problem::Problem;
use crate::reload::controller::{HotReloadView, Reload};
use crate::reload::report::{CogOutcome, CogReport, Outcome, Report, Trigger};
use std::sync::Arc;

/// Characters that the list of cogs may take within the status; the whole of it is an answer by itself.
const STATUS_LIST: usize = 700;
/// Reports that are listed.
const MOST_REPORTS: usize = 3;
/// Names listed for one report.
const MOST_NAMES: usize = 3;
/// Characters of a problem in one line.
const PROBLEM_LINE: usize = 120;
/// The widest column of names; longer ones push their line to the right.
const WIDEST_NAME: usize = 24;

/// The whole status.
pub(super) fn status(cogs: &Cogs, reload: &Reload, prefix: &str, language: Language) -> String {
    let view = reload.view();
    let all = cogs.all();
    let running = all.iter().filter(|cog| cog.has_version()).count();
    let mut parts = vec![
        heading(&view, language),
        Say::Counts {
            running: &running.to_string(),
            cogs: &all.len().to_string(),
            modules: &view.modules.to_string(),
        }
        .say(language),
        if all.is_empty() {
            Say::NoCogs {}.say(language)
        } else {
            let command = &format!("{prefix}cogs");
            code_block(&cog_lines(cogs, Some((STATUS_LIST, command)), language))
        },
    ];
    parts.extend(pending(&view, language));
    parts.extend(intents::waiting(&cogs.services, reload, language));
    parts.extend(last_reloads(reload, language));
    parts.push(configuration(cogs, language));
    if !view.config_problems.is_empty() {
        parts.push(Say::ConfigBroken {}.say(language));
        parts.extend(view.config_problems.iter().map(shown));
    }
    let failing = all.iter().filter_map(|cog| cog.problem());
    parts.extend(failing.map(|problem| shown(&problem)));
    let trials = all
        .iter()
        .filter_map(|cog| on_trial(cogs, cog, prefix, language));
    parts.extend(trials);
    let notices = all.iter().filter_map(|cog| cog.guard_notice());
    parts.extend(notices.map(|notice| shown(&notice.problem())));
    parts.join("\n")
}

fn shown(problem: &Problem) -> String {
    code_block(&problem.to_string())
}

/// On or off, and what is watched.
fn heading(view: &HotReloadView, language: Language) -> String {
    let state = if view.enabled {
        Say::On {}
    } else {
        Say::Off {}
    };
    let folders = &view.folders.join(", ");
    let mut text = format!(
        "{}\n{}",
        state.say(language),
        Say::Watching { folders }.say(language)
    );
    if let Some(limit) = &view.limit {
        text = format!("{text}\n⚠️ {limit}");
    }
    text
}

fn pending(view: &HotReloadView, language: Language) -> Option<String> {
    let files = &listed(&view.pending, usize::MAX);
    (!view.pending.is_empty()).then(|| Say::Pending { files }.say(language))
}

fn last_reloads(reload: &Reload, language: Language) -> Option<String> {
    let reports = reload.reports.recent();
    let last = reports.iter().rev().take(MOST_REPORTS);
    let lines: Vec<_> = last.map(|report| report_line(report, language)).collect();
    let heading = Say::LastReloads {}.say(language);
    (!lines.is_empty()).then(|| format!("{heading}\n{}", lines.join("\n")))
}

fn configuration(cogs: &Cogs, language: Language) -> String {
    let config = cogs.services.config.load();
    let hot = &config.hot_reload;
    let yes_no = |on: bool| if on { Say::Yes {} } else { Say::No {} }.say(language);
    Say::Configuration {
        delay: &hot.reload_delay.to_string(),
        extensions: &hot.watch_extensions.join(" "),
        automatic: &yes_no(hot.auto_reload_cogs),
        log: &yes_no(hot.log_reloads),
        guard: hot.guard.word(),
    }
    .say(language)
}

/// A line for each cog: name, version, age, memory, and what is wrong. Those with trouble come first; what
/// is beyond `budget` characters is counted, with the command that shows it.
pub(super) fn cog_lines(cogs: &Cogs, budget: Option<(usize, &str)>, language: Language) -> String {
    let now = cogs.services.clock.unix();
    let mut all: Vec<(Arc<CogHandle>, Condition)> = cogs
        .all()
        .into_iter()
        .map(|cog| {
            let condition = cog.condition();
            (cog, condition)
        })
        .collect();
    let is_well = |cog: &CogHandle, condition: &Condition| {
        let is_well = |status: &Status| {
            status.undone.is_none() && status.trial.is_none() && status.guard.is_none()
        };
        condition.is_current() && cog.peek(is_well)
    };
    all.sort_by_key(|(cog, condition)| is_well(cog, condition));
    let longest = all.iter().map(|(cog, _)| cog.name.chars().count()).max();
    let width = longest.unwrap_or_default().min(WIDEST_NAME);
    let mut lines = Vec::new();
    let mut used = 0;
    for (place, (cog, condition)) in all.iter().enumerate() {
        let line = cog_line(cog, condition, width, now, language);
        used += line.chars().count() + 1;
        if let Some((budget, command)) = budget
            && used > budget
        {
            let count = &(all.len() - place).to_string();
            lines.push(Say::More { count, command }.say(language));
            break;
        }
        lines.push(line);
    }
    lines.join("\n")
}

fn cog_line(
    cog: &CogHandle,
    condition: &Condition,
    width: usize,
    now: f64,
    language: Language,
) -> String {
    let name = &cog.name;
    let (undone, is_on_trial) = cog.peek(|status| {
        let undone = status.undone.as_ref().map(|undone| undone.kept.number);
        (undone, status.trial.is_some())
    });
    if is_on_trial && condition.is_current() {
        let wrong = Say::CogOnTrial {}.say(language);
        return version_line(cog, condition, width, now, &wrong);
    }
    let is_worse = cog.peek(|status| status.guard.is_some());
    let wrong = what_is_wrong(condition, undone, is_worse, cog.dropped(), language);
    if !condition.has_version() {
        return format!("{name:width$}  {wrong}");
    }
    version_line(cog, condition, width, now, &wrong)
}

fn version_line(
    cog: &CogHandle,
    condition: &Condition,
    width: usize,
    now: f64,
    wrong: &str,
) -> String {
    let name = &cog.name;
    let loaded_at = cog.peek(|status| status.loaded_at);
    let (version, age) = (format!("v{}", condition.version()), age(now - loaded_at));
    let memory = cog.context.memory() / 1024;
    let line = format!("{name:width$}  {version:<5} {age:>7}  {memory:>6} KB  {wrong}");
    line.trim_end().to_owned()
}

/// Nothing for a cog that is well.
fn what_is_wrong(
    condition: &Condition,
    undone: Option<u32>,
    is_worse: bool,
    dropped: u64,
    language: Language,
) -> String {
    let cogs = &condition.held_by().join(", ");
    let count = &dropped.to_string();
    let is_held = !cogs.is_empty();
    match condition {
        Condition::Quarantined { .. } => Say::CogQuarantined {}.say(language),
        Condition::NeverRan { .. } if is_held => Say::CogHeldOut { cogs }.say(language),
        Condition::NeverRan { .. } => Say::CogWaits {}.say(language),
        Condition::Running { .. } if is_held => Say::CogHeldBack { cogs }.say(language),
        Condition::Running { .. } if condition.is_failing() => Say::CogFailing {}.say(language),
        Condition::Running { .. } if undone.is_some() => {
            let number = &undone.unwrap_or_default().to_string();
            Say::CogUndone { number }.say(language)
        }
        Condition::Running { .. } if is_worse => Say::CogWorse {}.say(language),
        Condition::Running { .. } if dropped > 0 => Say::CogDropped { count }.say(language),
        Condition::Running { .. } => String::new(),
    }
}

/// A heading, and a line for each limit. No column is wider than it must be: with what is wrong, all of it is to fit into
/// one message.
fn limit_table(cog: &CogHandle, language: Language) -> Vec<String> {
    let headings = [Say::Limit {}, Say::Used {}, Say::Allowed {}, Say::Met {}];
    let mut rows = vec![headings.map(|heading| heading.say(language))];
    rows.extend(limits_of(&cog.context).into_iter().map(|view| {
        let used = view.used.map_or_else(|| "-".to_owned(), shown_number);
        [
            view.key.to_owned(),
            used,
            view.limit.to_string(),
            view.met.to_string(),
        ]
    }));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let [first, second, third, fourth] = [0, 1, 2, 3].map(width);
    let line = |[key, used, most, met]: &[String; 4]| {
        format!("{key:<first$}  {used:>second$}  {most:>third$}  {met:>fourth$}")
    };
    rows.iter().map(line).collect()
}

/// One cog with what it uses of each limit, and what is wrong with it.
pub(super) fn cog_details(
    cogs: &Cogs,
    cog: &CogHandle,
    prefix: &str,
    language: Language,
) -> String {
    let condition = cog.condition();
    let width = cog.name.chars().count();
    let now = cogs.services.clock.unix();
    let mut lines = vec![
        cog_line(cog, &condition, width, now, language),
        String::new(),
    ];
    lines.extend(limit_table(cog, language));
    let mut parts = vec![code_block(&lines.join("\n"))];
    let waiting = cogs.services.outbound.waiting_of(&cog.name).into_iter();
    parts.extend(waiting.map(|calls| waiting_line(&calls, now, language)));
    parts.extend(jobs_line(cog, language));
    parts.extend(room_line(cog, language));
    parts.extend(condition.problem().map(shown));
    parts.extend(on_trial(cogs, cog, prefix, language));
    parts.extend(cog.guard_notice().map(|notice| shown(&notice.problem())));
    parts.join("\n")
}

/// Which server tries another version of a cog, and what is wrong with its newest text.
fn on_trial(cogs: &Cogs, cog: &CogHandle, prefix: &str, language: Language) -> Option<String> {
    let trial = cog.trial()?;
    let told = trial::told(
        &cogs.services,
        &cog.name,
        &(&*trial).into(),
        prefix,
        language,
    );
    let problem = trial.problem.as_deref().map(shown);
    let parts = [Some(told), problem];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// That the state has little room left.
fn room_line(cog: &CogHandle, language: Language) -> Option<String> {
    let limits = limits_of(&cog.context);
    let state = limits.iter().find(|limit| limit.is_near)?;
    let used = &state.used.map(shown_number).unwrap_or_default();
    let limit = &state.limit.to_string();
    Some(Say::NearlyFull { used, limit }.say(language))
}

/// How many jobs are given up, and why one of them is.
fn jobs_line(cog: &CogHandle, language: Language) -> Option<String> {
    let jobs = cog.context.state.live().jobs;
    let (job, why) = jobs.last_given_up()?;
    let (job, why) = (&one_line(&job), &one_line(&why));
    let count = &jobs.given_up().to_string();
    Some(Say::JobsGivenUp { count, job, why }.say(language))
}

/// `2 requests wait for Discord (503) since 5s`
fn waiting_line(calls: &WaitingCalls, now: f64, language: Language) -> String {
    let what = match &calls.waits_for {
        WaitsFor::Discord(why) => Say::WaitsForDiscord { why }.say(language),
        WaitsFor::RateLimit => Say::WaitsForRateLimit {}.say(language),
        WaitsFor::OwnLimit => Say::WaitsForTurn {}.say(language),
    };
    let (what, age) = (&what, &age(now - calls.since.as_secs_f64()));
    match calls.count {
        1 => Say::RequestWaits { what, age }.say(language),
        count => {
            let count = &count.to_string();
            Say::RequestsWait { count, what, age }.say(language)
        }
    }
}

/// Whole numbers whole, others with one decimal.
fn shown_number(number: f64) -> String {
    if number.fract() == 0.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

/// The two largest units: `4s`, `3m 20s`, `5h 1m`, `12d 3h`.
fn age(seconds: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a negative age is none, and no bot runs for 2^64 seconds"
    )]
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

fn report_line(report: &Report, language: Language) -> String {
    let mark = match report.outcome {
        Outcome::Applied => "✅",
        Outcome::Failed => "❌",
        Outcome::Pending => "⏸️",
    };
    let is_live = |cog: &&CogReport| {
        report.problems.is_empty()
            || !matches!(cog.outcome, CogOutcome::Kept | CogOutcome::NotRunning)
    };
    let (live, hurt): (Vec<&CogReport>, Vec<&CogReport>) = report.cogs.iter().partition(is_live);
    let named = |cogs: &[&CogReport]| -> String {
        let cogs: Vec<&str> = cogs.iter().map(|cog| cog.name.as_str()).collect();
        names(&cogs, MOST_NAMES)
    };
    // What went live beside what failed is shown after it.
    let (cogs, beside) = match (live.is_empty(), hurt.is_empty()) {
        (false, false) => (hurt, format!(" · ✅ {}", named(&live))),
        (true, _) => (hurt, String::new()),
        (false, true) => (live, String::new()),
    };
    let what = match (report.trigger, cogs.is_empty()) {
        (Trigger::Start, _) => Say::Start {}.say(language),
        (_, true) => listed(&report.changed, MOST_NAMES),
        (_, false) => named(&cogs),
    };
    #[allow(
        clippy::cast_possible_truncation,
        reason = "Unix seconds fit for 292 billion years"
    )]
    let at = report.at as i64;
    let took = format!("{:.1} ms", report.took_ms);
    match report.problems.first() {
        Some(problem) => format!(
            "{mark} <t:{at}:T> {what}: {}{beside}",
            problem_line(problem)
        ),
        None if report.outcome == Outcome::Pending => format!("{mark} <t:{at}:T> {what}"),
        None => format!("{mark} <t:{at}:T> {what} ({took})"),
    }
}

/// A problem in one line, as inline code: nothing in it may turn into a mention or a format.
fn problem_line(problem: &Problem) -> String {
    let place = problem.place.as_ref();
    let place = place.map(|place| format!("{}:{}: ", place.file, place.line));
    one_line(&format!("{}{}", place.unwrap_or_default(), problem.message))
}

/// A text in one line, as inline code.
pub(super) fn one_line(text: &str) -> String {
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    let short: String = line.chars().take(PROBLEM_LINE).collect();
    let end = if short.len() < line.len() { "…" } else { "" };
    format!("`{}{end}`", short.replace('`', "'"))
}

/// Files as inline code.
pub(super) fn listed(files: &[String], most: usize) -> String {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    names(&files, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_its_two_largest_units() {
        let ages = [-1.0, 0.9, 59.0, 60.0, 3_599.0, 3_600.0, 86_399.0, 90_061.0];
        let shown = ages.map(age);
        assert_eq!(
            shown,
            [
                "0s", "0s", "59s", "1m 0s", "59m 59s", "1h 0m", "23h 59m", "1d 1h"
            ]
        );
    }
}
