//! What the guard raises about a version of a cog.

use super::handler::{Handler, HandlerKind};
use super::rule::{Calls, FIRST, Finding, LAST};
use std::sync::Arc;

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

    /// What was found, with the first error, in one sentence.
    pub fn sentence(&self) -> String {
        let told = match self.finding {
            Finding::Handler(it) => {
                let (now, before) = (it.now, it.before);
                format!(
                    "{} failed in {} of its first {} calls since the reload, and in none of its last {} before",
                    self.handler_in_words()
                        .unwrap_or_else(|| "a handler".to_owned()),
                    now.failures,
                    now.calls.min(FIRST),
                    before.calls.min(LAST),
                )
            }
            Finding::Failures(it) => {
                let mostly = self
                    .handler_in_words()
                    .map(|it| format!(", most of them in {it}"));
                format!(
                    "since the reload handlers fail {} times a minute{}, and at most {} times a minute before",
                    it.now.failures,
                    mostly.unwrap_or_default(),
                    it.worst_before
                )
            }
            Finding::Limits(_) => format!(
                "since the reload it meets limits.{}, which it never met before",
                self.limit.unwrap_or_default()
            ),
        };
        match &self.error {
            Some(error) => format!("{told}; the first error: {error}"),
            None => told,
        }
    }

    fn handler_in_words(&self) -> Option<String> {
        let handler = self.handler.as_ref()?;
        let the = match handler.kind {
            HandlerKind::Event => "the handler of the event",
            HandlerKind::Component => "the handler of the component",
            HandlerKind::Modal => "the handler of the modal",
            HandlerKind::Command => "the command",
            HandlerKind::Timer => "the timer",
            HandlerKind::Job => "the job",
        };
        Some(format!("{the} \"{}\"", handler.name))
    }
}
