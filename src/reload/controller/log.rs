//! Writes a reload to the log.

use super::super::report::{CogOutcome, CogReport, Report, Trigger};

/// Cogs of one outcome that get a line each; more share one.
const LINES_OF_COGS: usize = 3;
/// Names in a shared line.
const MOST_NAMES: usize = 20;

/// Logs one line for everything that went well, if `everything` is set, and all problems.
pub(super) fn report(report: &Report, everything: bool) {
    let took_ms = (report.took_ms * 10.0).round() / 10.0;
    let cogs = report.cogs.iter().filter(|_| everything);
    let mut outcomes: Vec<CogOutcome> = cogs.map(|cog| cog.outcome).collect();
    outcomes.sort_by_key(|outcome| *outcome as u8);
    outcomes.dedup();
    for outcome in outcomes {
        let cogs = report.cogs.iter().filter(|cog| cog.outcome == outcome);
        let cogs: Vec<&CogReport> = cogs.collect();
        if cogs.len() > LINES_OF_COGS {
            log_together(outcome, &cogs, took_ms);
        } else {
            for cog in cogs {
                log_one(cog, took_ms);
            }
        }
    }
    for problem in &report.problems {
        let what = match report.trigger {
            Trigger::Start => "Load",
            Trigger::Files | Trigger::Command => "Reload",
        };
        tracing::error!("{what} failed: {}", problem);
    }
}

fn log_one(cog: &CogReport, took_ms: f64) {
    let CogReport { name, version, .. } = cog;
    match cog.outcome {
        CogOutcome::Loaded => tracing::info!(cog = %name, took_ms, "Cog loaded"),
        CogOutcome::Reloaded => tracing::info!(cog = %name, version, took_ms, "Cog reloaded"),
        CogOutcome::Tried => {
            let guild = cog.trial.as_ref().map(|trial| trial.guild.as_str());
            tracing::info!(cog = %name, guild, took_ms, "One server tries the cog's new code");
        }
        CogOutcome::Dropped => {
            tracing::info!(cog = %name, "All servers run the same version of the cog again");
        }
        CogOutcome::Unloaded => tracing::info!(cog = %name, "Cog unloaded"),
        CogOutcome::Kept => tracing::warn!(cog = %name, "Cog goes on with its old code"),
        CogOutcome::NotRunning => tracing::warn!(cog = %name, "Cog waits for its file to be fixed"),
    }
}

fn log_together(outcome: CogOutcome, cogs: &[&CogReport], took_ms: f64) {
    let count = cogs.len();
    let shown = cogs.iter().take(MOST_NAMES).map(|cog| cog.name.as_str());
    let mut names = shown.collect::<Vec<_>>().join(", ");
    if count > MOST_NAMES {
        names += ", …";
    }
    match outcome {
        CogOutcome::Loaded => tracing::info!(names, took_ms, "{count} cogs loaded"),
        CogOutcome::Reloaded => tracing::info!(names, took_ms, "{count} cogs reloaded"),
        CogOutcome::Tried => {
            tracing::info!(
                names,
                took_ms,
                "One server tries the new code of {count} cogs"
            );
        }
        CogOutcome::Dropped => {
            tracing::info!(
                names,
                "All servers run the same version of {count} cogs again"
            );
        }
        CogOutcome::Unloaded => tracing::info!(names, "{count} cogs unloaded"),
        CogOutcome::Kept => tracing::warn!(names, "{count} cogs go on with their old code"),
        CogOutcome::NotRunning => {
            tracing::warn!(names, "{count} cogs wait for their files to be fixed");
        }
    }
}
