//! The condition of a cog: whether it runs, and what keeps its newest text from running.
//!
//! One state machine, whose table is in the tests below. It is here and not with the handle of a cog, as both sides
//! pass it through transitions: the reload commits versions and notes what could not be taken, and the cog's own task
//! puts it into quarantine and out of it.

use crate::lock::lock;
use crate::problem::Problem;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The condition of one cog. Everything that follows from it is computed from it, and never stored separately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No version of it has run.
    NeverRan {
        /// Why not, if it was tried.
        obstacle: Option<Obstacle>,
    },
    /// It answers.
    Running {
        /// Counts what was committed.
        version: NonZeroU64,
        /// Why this is not its newest text, if it is not.
        obstacle: Option<Obstacle>,
    },
    /// It is in quarantine until another version of it runs.
    Quarantined {
        /// Counts what was committed; nothing if it began like this.
        version: Option<NonZeroU64>,
        /// Why it would not run its newest text in any case.
        obstacle: Option<Obstacle>,
        /// Why it is in quarantine.
        why: Arc<Problem>,
    },
}

/// What keeps the newest text of a cog from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It failed because of its own files.
    Failure(Arc<Problem>),
    /// These connected cogs failed.
    Siblings(Vec<String>),
}

/// What can happen to the condition of a cog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// A version of it was committed.
    Committed,
    /// Its newest text could not be loaded, because of its own files.
    LoadFailed(Problem),
    /// Its change was possible, but these connected cogs failed.
    HeldBack(Vec<String>),
    /// Nothing is known any more that prevents its newest text from running.
    Cleared,
    /// It is in quarantine from now on.
    Quarantined(Problem),
    /// Another version runs in its task: it is no longer in quarantine.
    Released,
}

impl Condition {
    /// A cog that was not tried yet.
    pub fn new() -> Self {
        Self::NeverRan { obstacle: None }
    }

    /// Makes a transition.
    pub fn pass(&mut self, transition: Transition) {
        match transition {
            Transition::Committed => self.commit(),
            Transition::LoadFailed(why) => {
                *self.obstacle_mut() = Some(Obstacle::Failure(Arc::new(why)));
            }
            Transition::HeldBack(by) => *self.obstacle_mut() = Some(Obstacle::Siblings(by)),
            Transition::Cleared => *self.obstacle_mut() = None,
            Transition::Quarantined(why) => {
                *self = Self::Quarantined {
                    version: self.committed(),
                    obstacle: self.obstacle_mut().take(),
                    why: Arc::new(why),
                };
            }
            Transition::Released => self.release(),
        }
    }

    fn commit(&mut self) {
        let version = self
            .committed()
            .map_or(NonZeroU64::MIN, |version| version.saturating_add(1));
        match self {
            // Its new version was stopped too often before the reload could note that it runs.
            Self::Quarantined {
                version: counted,
                obstacle,
                ..
            } => {
                *counted = Some(version);
                *obstacle = None;
            }
            Self::NeverRan { .. } | Self::Running { .. } => {
                *self = Self::Running {
                    version,
                    obstacle: None,
                };
            }
        }
    }

    fn release(&mut self) {
        let obstacle = self.obstacle_mut().take();
        *self = match self.committed() {
            Some(version) => Self::Running { version, obstacle },
            None => Self::NeverRan { obstacle },
        };
    }

    fn committed(&self) -> Option<NonZeroU64> {
        match self {
            Self::NeverRan { .. } => None,
            Self::Running { version, .. } => Some(*version),
            Self::Quarantined { version, .. } => *version,
        }
    }

    fn obstacle(&self) -> Option<&Obstacle> {
        let (Self::NeverRan { obstacle }
        | Self::Running { obstacle, .. }
        | Self::Quarantined { obstacle, .. }) = self;
        obstacle.as_ref()
    }

    fn obstacle_mut(&mut self) -> &mut Option<Obstacle> {
        let (Self::NeverRan { obstacle }
        | Self::Running { obstacle, .. }
        | Self::Quarantined { obstacle, .. }) = self;
        obstacle
    }

    /// Counts the versions that were committed; 0 before the first.
    pub fn version(&self) -> u64 {
        self.committed().map_or(0, NonZeroU64::get)
    }

    /// Whether a version was committed. It has commands and names from then on, also in quarantine.
    pub fn has_version(&self) -> bool {
        self.committed().is_some()
    }

    /// Whether a version of it answers, perhaps an old one.
    pub fn answers(&self) -> bool {
        matches!(self, Self::Running { .. })
    }

    /// Whether it answers with its newest text, as far as is known.
    pub fn is_current(&self) -> bool {
        self.answers() && self.obstacle().is_none()
    }

    /// Whether the last attempt to load it failed on its own account.
    pub fn is_failing(&self) -> bool {
        matches!(self.obstacle(), Some(Obstacle::Failure(_)))
    }

    /// The cogs whose failure keeps its newest text back.
    pub fn held_by(&self) -> &[String] {
        match self.obstacle() {
            Some(Obstacle::Siblings(by)) => by,
            Some(Obstacle::Failure(_)) | None => &[],
        }
    }

    /// Whether it is in quarantine.
    pub fn is_quarantined(&self) -> bool {
        matches!(self, Self::Quarantined { .. })
    }

    /// Why it is in quarantine, if it is.
    pub fn quarantine(&self) -> Option<&Problem> {
        match self {
            Self::Quarantined { why, .. } => Some(why),
            Self::NeverRan { .. } | Self::Running { .. } => None,
        }
    }

    /// What is wrong with it: why it is in quarantine, or otherwise why its newest text could not be loaded.
    pub fn problem(&self) -> Option<&Problem> {
        let failure = match self.obstacle() {
            Some(Obstacle::Failure(why)) => Some(&**why),
            Some(Obstacle::Siblings(_)) | None => None,
        };
        self.quarantine().or(failure)
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the condition of a cog is kept.
#[derive(Debug, Default)]
pub struct ConditionCell {
    condition: Mutex<Condition>,
    /// Rings when a quarantine begins.
    pub quarantined: Notify,
}

impl ConditionCell {
    /// How the cog stands now.
    pub fn now(&self) -> Condition {
        lock(&self.condition).clone()
    }

    /// Reads the condition, without a copy.
    pub fn is(&self, ask: impl FnOnce(&Condition) -> bool) -> bool {
        ask(&lock(&self.condition))
    }

    /// Makes a transition. Returns the new condition.
    pub fn pass(&self, transition: Transition) -> Condition {
        let begins_quarantine = matches!(transition, Transition::Quarantined(_));
        let mut condition = lock(&self.condition);
        condition.pass(transition);
        if begins_quarantine {
            self.quarantined.notify_one();
        }
        condition.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The transitions, as the columns of the table.
    fn transitions() -> [Transition; 6] {
        [
            Transition::Committed,
            Transition::LoadFailed(problem("fails")),
            Transition::HeldBack(vec!["sibling".to_owned()]),
            Transition::Cleared,
            Transition::Quarantined(problem("runs wild")),
            Transition::Released,
        ]
    }

    /// Every condition, and where each transition leads from there. `never`: it has never run; `runs`: it answers;
    /// `away`: it is in quarantine, and `away0` if it began like this. After a dash what keeps its newest text back.
    #[rustfmt::skip]
    const TABLE: [(&str, [&str; 6]); 12] = [
        //                committed      load failed     held back      cleared  quarantined    released
        ("never",        ["runs",        "never-fails",  "never-held",  "never", "away0",       "never"]),
        ("never-fails",  ["runs",        "never-fails",  "never-held",  "never", "away0-fails", "never-fails"]),
        ("never-held",   ["runs",        "never-fails",  "never-held",  "never", "away0-held",  "never-held"]),
        ("runs",         ["runs",        "runs-fails",   "runs-held",   "runs",  "away",        "runs"]),
        ("runs-fails",   ["runs",        "runs-fails",   "runs-held",   "runs",  "away-fails",  "runs-fails"]),
        ("runs-held",    ["runs",        "runs-fails",   "runs-held",   "runs",  "away-held",   "runs-held"]),
        ("away0",        ["away",        "away0-fails",  "away0-held",  "away0", "away0",       "never"]),
        ("away0-fails",  ["away",        "away0-fails",  "away0-held",  "away0", "away0-fails", "never-fails"]),
        ("away0-held",   ["away",        "away0-fails",  "away0-held",  "away0", "away0-held",  "never-held"]),
        ("away",         ["away",        "away-fails",   "away-held",   "away",  "away",        "runs"]),
        ("away-fails",   ["away",        "away-fails",   "away-held",   "away",  "away-fails",  "runs-fails"]),
        ("away-held",    ["away",        "away-fails",   "away-held",   "away",  "away-held",   "runs-held"]),
    ];

    fn problem(message: &str) -> Problem {
        Problem {
            message: message.to_owned(),
            ..Problem::default()
        }
    }

    /// A condition in which `version` was committed last, if the name says that something was.
    fn condition(name: &str, version: NonZeroU64) -> Condition {
        let (what, why) = name.split_once('-').unwrap_or((name, ""));
        let obstacle = match why {
            "fails" => Some(Obstacle::Failure(Arc::new(problem("fails")))),
            "held" => Some(Obstacle::Siblings(vec!["sibling".to_owned()])),
            _ => None,
        };
        let why = Arc::new(problem("runs wild"));
        let version = (!what.ends_with('0')).then_some(version);
        match (what, version) {
            ("runs", Some(version)) => Condition::Running { version, obstacle },
            ("never", _) => Condition::NeverRan { obstacle },
            _ => Condition::Quarantined {
                version,
                obstacle,
                why,
            },
        }
    }

    #[test]
    fn each_transition_leads_where_the_table_says() {
        let version = NonZeroU64::MIN.saturating_add(6);
        for (from, row) in TABLE {
            for (transition, to) in transitions().into_iter().zip(row) {
                let from_condition = condition(from, version);
                let committed = from_condition.version() + 1;
                let expected = match transition {
                    Transition::Committed => condition(to, NonZeroU64::new(committed).unwrap()),
                    _ => condition(to, version),
                };
                let mut after = from_condition;
                after.pass(transition.clone());
                assert_eq!(after, expected, "{from}, {transition:?}");
            }
        }
    }

    #[test]
    fn what_a_condition_means_follows_from_it() {
        for (name, _) in TABLE {
            let (what, why) = name.split_once('-').unwrap_or((name, ""));
            let condition = condition(name, NonZeroU64::MIN);
            assert_eq!(condition.answers(), what == "runs", "{name}");
            assert_eq!(condition.is_current(), name == "runs", "{name}");
            let has_version = matches!(what, "runs" | "away");
            assert_eq!(condition.has_version(), has_version, "{name}");
            assert_eq!(condition.version(), u64::from(has_version), "{name}");
            assert_eq!(condition.is_failing(), why == "fails", "{name}");
            assert_eq!(condition.held_by().is_empty(), why != "held", "{name}");
            assert_eq!(condition.is_quarantined(), what.starts_with("away"));
            let shown = condition.problem().map(|problem| &*problem.message);
            let expected = match (what, why) {
                ("away" | "away0", _) => Some("runs wild"),
                (_, "fails") => Some("fails"),
                _ => None,
            };
            assert_eq!(shown, expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_a_condition_is_a_whole_one(
            passed in prop::collection::vec(prop::sample::select(transitions().to_vec()), 0..30),
        ) {
            let mut condition = Condition::new();
            let (mut committed, mut is_away) = (0, false);
            for transition in passed {
                match transition {
                    Transition::Committed => committed += 1,
                    Transition::Quarantined(_) => is_away = true,
                    Transition::Released => is_away = false,
                    _ => {}
                }
                condition.pass(transition);
                prop_assert_eq!(condition.version(), committed);
                prop_assert_eq!(condition.is_quarantined(), is_away);
                prop_assert_eq!(condition.answers(), committed > 0 && !is_away);
                prop_assert!(!condition.is_failing() || condition.held_by().is_empty());
                let is_wrong = condition.is_failing() || condition.is_quarantined();
                prop_assert_eq!(condition.problem().is_some(), is_wrong);
                // A load that succeeds: its task runs the version, then the reload notes it.
                let mut loaded = condition.clone();
                loaded.pass(Transition::Released);
                loaded.pass(Transition::Committed);
                prop_assert!(loaded.is_current());
            }
        }
    }
}
