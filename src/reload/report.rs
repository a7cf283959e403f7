//! What one reload did, in a form that the log, the chat and the page all show.

use crate::api::condition::Condition;
use crate::cogs::live::Trial;
use crate::history::Undone;
use crate::lock::lock;
use crate::problem::Problem;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast;

/// How many reports are kept for `!reload status` and the page.
const KEPT: usize = 100;

/// One reload from its trigger to its end.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Counts up from 1 within one run of the bot.
    pub id: u64,
    /// Unix seconds at the end of the reload.
    pub at: f64,
    /// What began it.
    pub trigger: Trigger,
    /// The files that changed, relative to the folder of `config.json` (`lua/cogs/ping.luau`).
    pub changed: Vec<String>,
    /// How it ended, as a whole.
    pub outcome: Outcome,
    /// How it ended for each cog that it touched, in order of name.
    pub cogs: Vec<CogReport>,
    /// What went wrong, the cause first. Empty for a success.
    pub problems: Vec<Problem>,
    /// From the end of the debounce window (or the command) to the commit, in milliseconds.
    pub took_ms: f64,
}

/// What began a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The start of the bot.
    Start,
    /// A file was saved, created, renamed or deleted.
    Files,
    /// An admin's command.
    Command,
}

/// How a reload ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every affected cog runs the new code.
    Applied,
    /// At least one affected cog could not load the new code; see each cog.
    Failed,
    /// Noticed, and waiting for an admin (`auto_reload_cogs` is off, or hot reload is).
    Pending,
}

/// How a reload ended for one cog.
#[derive(Clone, Debug, Serialize)]
pub struct CogReport {
    /// The cog's name (`fun.dice`).
    pub name: String,
    /// What happened to it.
    pub outcome: CogOutcome,
    /// The version that runs now: 1 after the first load. 0 when none does.
    pub version: u64,
    /// The modules that were executed again, in order (`services.levels`).
    pub executed: Vec<String>,
    /// Set when it runs an earlier version than its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<UndoneReport>,
    /// Set while one guild tries another version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<TrialReport>,
}

/// That one guild tries another version of a cog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialReport {
    /// The guild's id.
    pub guild: String,
    /// Since when, in Unix seconds.
    pub since: f64,
    /// Who wanted it.
    pub by: String,
}

impl From<&Trial> for TrialReport {
    fn from(trial: &Trial) -> Self {
        Self {
            guild: trial.guild.to_string(),
            since: trial.since,
            by: trial.by.clone(),
        }
    }
}

/// That a cog runs an earlier version than its files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UndoneReport {
    /// The version's number in the cog's history.
    pub version: u32,
    /// Since when, in Unix seconds.
    pub since: f64,
    /// Who wanted it.
    pub by: String,
}

impl From<&Undone> for UndoneReport {
    fn from(undone: &Undone) -> Self {
        Self {
            version: undone.kept.number,
            since: undone.since,
            by: undone.by.clone(),
        }
    }
}

/// What a reload did to one cog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CogOutcome {
    /// It had not run before and does now.
    Loaded,
    /// It runs the new code.
    Reloaded,
    /// One guild runs the new code, and all others the old code.
    Tried,
    /// The guild that has tried another version runs what all others run.
    Dropped,
    /// It no longer runs; its state stays.
    Unloaded,
    /// It, or a cog connected with it, could not load the new code, and it runs the old code.
    Kept,
    /// It, or a cog connected with it, could not load the new code, and it does not run.
    #[serde(rename = "waiting")]
    NotRunning,
}

impl CogOutcome {
    /// Of a cog that was committed.
    pub(super) fn of_commit(condition: &Condition) -> Self {
        if condition.version() == 1 {
            Self::Loaded
        } else {
            Self::Reloaded
        }
    }

    /// Of a cog that could not load the new code, or was held back.
    pub(super) fn of_refusal(condition: &Condition) -> Self {
        if condition.answers() {
            Self::Kept
        } else {
            Self::NotRunning
        }
    }
}

/// The last reports, and a feed of those to come. Clones share both.
#[derive(Clone, Debug)]
pub struct ReportLog {
    recent: Arc<Mutex<VecDeque<Arc<Report>>>>,
    feed: broadcast::Sender<Arc<Report>>,
}

impl ReportLog {
    /// No reports yet.
    pub fn new() -> Self {
        Self {
            recent: Arc::default(),
            feed: broadcast::Sender::new(KEPT),
        }
    }

    /// Adds a report and tells everybody who listens.
    pub fn add(&self, report: Report) -> Arc<Report> {
        let report = Arc::new(report);
        let mut recent = lock(&self.recent);
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(Arc::clone(&report));
        drop(recent);
        // Without a listener the report is still in `recent`.
        let _heard = self.feed.send(Arc::clone(&report)).is_ok();
        report
    }

    /// The last reports, oldest first.
    pub fn recent(&self) -> Vec<Arc<Report>> {
        let recent = lock(&self.recent);
        recent.iter().cloned().collect()
    }

    /// The reports to come.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Report>> {
        self.feed.subscribe()
    }
}

impl Default for ReportLog {
    fn default() -> Self {
        Self::new()
    }
}
