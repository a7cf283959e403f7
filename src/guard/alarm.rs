//! Alarms on their way to the reload controller.

use super::handler::Handler;
use super::rule::{Calls, Finding};
use crate::activity::Busy;
use crate::lock::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// A version of a cog is worse than the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// The number of the version in its cog's record.
    pub version: u64,
    /// What is worse.
    pub finding: Finding,
    /// The handler that it is about, if it is one.
    pub handler: Option<Handler>,
    /// The first error that belongs to it, with file and line, in one line.
    pub error: Option<Arc<str>>,
    /// The limit that it is about: its key below `limits` in config.json.
    pub limit: Option<&'static str>,
}

impl Alarm {
    /// How the calls ended, before and now, if it is about calls. Of a cog they are those of its worst minute and of
    /// the last one.
    pub fn calls(&self) -> Option<(Calls, Calls)> {
        match self.finding {
            Finding::Handler(it) => Some((it.before, it.now)),
            Finding::Failures(it) => {
                let worst = Calls {
                    calls: it.before.calls,
                    failures: it.worst_before,
                };
                Some((worst, it.now))
            }
            Finding::Limits(_) => None,
        }
    }
}

/// The alarms that nobody has looked at. A cog has one at most.
#[derive(Debug, Default)]
pub struct Alarms {
    waiting: Mutex<BTreeMap<Arc<str>, (Alarm, Busy)>>,
    /// Rings when one is added.
    pub added: Notify,
}

impl Alarms {
    /// Adds one; the bot is busy with it until it is dropped.
    pub fn add(&self, cog: &Arc<str>, alarm: Alarm, busy: Busy) {
        lock(&self.waiting).insert(Arc::clone(cog), (alarm, busy));
        self.added.notify_one();
    }

    /// Those that were added since the last call.
    pub fn take(&self) -> BTreeMap<Arc<str>, (Alarm, Busy)> {
        std::mem::take(&mut lock(&self.waiting))
    }
}
