//! `!reload status`: what is watched, what runs, what went wrong, and how it is configured.

use super::code_block;
use super::text::Say;
use crate::cogs::host::Cogs;
use crate::commands::text::Language;
use crate::reload::controller::Reload;
use crate::reload::render;
use crate::reload::report::{Outcome, Report};
use std::fmt::Write as _;
use std::time::Duration;

/// Cogs, files and reports that are listed.
const MOST_COGS: usize = 15;
const MOST_REPORTS: usize = 3;
const MOST_PENDING: usize = 8;

/// The whole status.
pub(super) fn status(cogs: &Cogs, reload: &Reload, language: Language) -> String {
    let view = reload.view();
    let config = cogs.services.config.load();
    let hot = &config.hot_reload;
    let state = if view.enabled {
        Say::On {}
    } else {
        Say::Off {}
    };
    let mut text = state.say(language);
    let all = cogs.all();
    let running = all.iter().filter(|cog| cog.status().is_running()).count();
    let _always = write!(
        text,
        "\n**Watching** {} folders of `lua/`: {}\n**Loaded** {running} of {} cogs, {} modules\n",
        view.folders.len(),
        view.folders.join(", "),
        all.len(),
        view.modules
    );
    if let Some(limit) = &view.limit {
        let _always = writeln!(text, "⚠️ {limit}");
    }
    text += &code_block(&cog_lines(cogs));
    if !view.pending.is_empty() {
        let shown: Vec<_> = view.pending.iter().take(MOST_PENDING).cloned().collect();
        let _always = write!(
            text,
            "\n**Pending** {} changed: {}",
            view.pending.len(),
            shown.join(", ")
        );
    }
    let reports = reload.reports.recent();
    let last = reports.iter().rev().take(MOST_REPORTS);
    let lines: Vec<_> = last.map(|report| report_line(report)).collect();
    if !lines.is_empty() {
        let _always = write!(text, "\n**Last reloads**\n{}", lines.join("\n"));
    }
    let _always = write!(
        text,
        "\n**Configuration** delay {} s, extensions {}, auto reload {}, log {}",
        hot.reload_delay,
        hot.watch_extensions.join(" "),
        on_off(hot.auto_reload_cogs),
        on_off(hot.log_reloads)
    );
    let failing: Vec<_> = all.iter().filter_map(|cog| cog.status().problem).collect();
    for problem in failing.iter().take(2) {
        let _always = write!(text, "\n{}", code_block(&render::problem(problem)));
    }
    text
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A line for each cog: name, version, age, memory, and what is wrong.
pub(super) fn cog_lines(cogs: &Cogs) -> String {
    let now = cogs.services.clock.unix();
    let all = cogs.all();
    let mut lines: Vec<_> = all
        .iter()
        .take(MOST_COGS)
        .map(|cog| {
            let status = cog.status();
            if !status.is_running() {
                return format!("{:<16} waits for its file to be fixed", cog.name);
            }
            let age = Duration::from_secs_f64((now - status.loaded_at).max(0.0).floor());
            let wrong = match (status.failing, cog.dropped()) {
                (true, _) => " (old code: the last reload failed)".to_owned(),
                (false, 0) => String::new(),
                (false, dropped) => format!(" ({dropped} events dropped)"),
            };
            format!(
                "{:<16} v{:<4} {:>10}  {:>6} KB{wrong}",
                cog.name,
                status.version,
                humantime::format_duration(age).to_string(),
                status.memory / 1024
            )
        })
        .collect();
    if all.len() > MOST_COGS {
        lines.push(format!("and {} more: see the page", all.len() - MOST_COGS));
    }
    lines.join("\n")
}

fn report_line(report: &Report) -> String {
    let mark = match report.outcome {
        Outcome::Applied => "✅",
        Outcome::Failed => "❌",
        Outcome::Pending => "⏸️",
    };
    let mut what: Vec<_> = report.cogs.iter().map(|cog| cog.name.clone()).collect();
    what.truncate(6);
    let problem = report.problems.first().map(|problem| {
        let place = problem.place.as_ref();
        let place = place.map(|place| format!(" ({}:{})", place.file, place.line));
        format!(": {}{}", problem.message, place.unwrap_or_default())
    });
    #[allow(
        clippy::cast_possible_truncation,
        reason = "Unix seconds fit for 292 billion years"
    )]
    let at = report.at as i64;
    format!(
        "{mark} <t:{at}:T> {} in {:.1} ms{}",
        what.join(", "),
        report.took_ms,
        problem.unwrap_or_default().replace('`', "'")
    )
}
