//! What the guard has found and done, as the log, the page and the chat tell it.

use super::alarm::Alarm;
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
        let found = self.alarm.sentence();
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
