//! What the guard has found and done, as the log, the page and the chat tell it.

use super::alarm::Alarm;
use super::handler::HandlerKind;
use super::rule::{FIRST, Finding, LAST};
use crate::problem::Problem;

/// What the guard has done about an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing but telling of it.
    Warned(Why),
    /// It has put the version before back: the one with this number in the cog's history.
    Undone(u32),
    /// It wanted to, and could not: why.
    Refused(String),
}

/// Why it has not put the version before back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `hot_reload.guard` is `warn`.
    Configured,
    /// What runs is an earlier version already, put back by the guard or an admin.
    IsEarlier,
    /// It did so once, and somebody runs the same version all the same.
    OnlyOnce,
}

/// An alarm about a version of a cog, and what the guard has done.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The cog's name.
    pub cog: String,
    /// What was found.
    pub alarm: Alarm,
    /// What was done.
    pub action: Action,
}

impl Notice {
    /// In one sentence, without what to do.
    pub fn sentence(&self) -> String {
        let found = self.found();
        match &self.action {
            Action::Warned(_) => found,
            Action::Undone(number) => {
                format!("the guard has put version {number} back: {found}")
            }
            Action::Refused(why) => format!(
                "{found}; the guard wanted to put the version before back, and could not: {why}"
            ),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let cog = &self.cog;
        match self.action {
            Action::Warned(Why::Configured) => {
                format!("`!reload undo {cog}` puts the version before back")
            }
            Action::Warned(Why::IsEarlier) => format!(
                "this is an earlier version already, so what is wrong may be elsewhere; `!reload history {cog}` shows the others"
            ),
            Action::Warned(Why::OnlyOnce) => format!(
                "the guard has put the version before back once, and does so no more; `!reload undo {cog}` does"
            ),
            Action::Undone(_) => format!(
                "the files are as they were: save them when they are fixed, or run them all the same with `!reload redo {cog}`"
            ),
            Action::Refused(_) => format!("`!reload history {cog}` shows which versions there are"),
        }
    }

    /// What was found, with the first error.
    fn found(&self) -> String {
        let told = match self.alarm.finding {
            Finding::Handler(it) => {
                let (now, before) = (it.now, it.before);
                format!(
                    "{} failed in {} of its first {} calls since the reload, and in none of its last {} before",
                    self.handler().unwrap_or_else(|| "a handler".to_owned()),
                    now.failures,
                    now.calls.min(FIRST),
                    before.calls.min(LAST),
                )
            }
            Finding::Failures(it) => {
                let mostly = self.handler().map(|it| format!(", most of them in {it}"));
                format!(
                    "since the reload handlers fail {} times a minute{}, and at most {} times a minute before",
                    it.now.failures,
                    mostly.unwrap_or_default(),
                    it.worst_before
                )
            }
            Finding::Limits(_) => format!(
                "since the reload it meets limits.{}, which it never met before",
                self.alarm.limit.unwrap_or_default()
            ),
        };
        match &self.alarm.error {
            Some(error) => format!("{told}; the first error: {error}"),
            None => told,
        }
    }

    fn handler(&self) -> Option<String> {
        let handler = self.alarm.handler.as_ref()?;
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

    /// The same as a problem of the cog.
    pub fn problem(&self) -> Problem {
        Problem {
            cog: Some(self.cog.clone()),
            message: self.sentence(),
            hint: Some(self.hint()),
            ..Problem::default()
        }
    }
}
