//! Which cog is to blame for a death.
//!
//! - The thread that died ran a cog: that one.
//! - A signal came from outside, such as `kill -ABRT`: the cog that used the processor just then without
//!   waiting, if it was the only one.
//! - SIGKILL, also from a system that is out of memory, says nothing about its reason. A cog that used the
//!   processor without waiting at two of the last three such deaths is taken for it.

use super::cause::Cause;
use super::record::Rule;
use std::collections::VecDeque;
use std::time::Duration;

/// So many deaths are compared, …
const COMPARED: usize = 3;
/// … at so many of them a cog must have run to be blamed, …
const TOO_OFTEN: usize = 2;
/// … and none of them is older than this.
const REMEMBERED: Duration = Duration::from_secs(3_600);

/// A cog by the number of its name (see `record::tag`).
type Tag = u64;

/// What the record says about a death.
#[derive(Clone, Debug)]
pub(super) struct Death {
    pub(super) cause: Cause,
    /// What ran on the thread that died: nothing if no thread is known, `None` within if it was no cog.
    pub(super) thread: Option<Option<Tag>>,
    /// The cogs that used the processor without waiting.
    pub(super) busy: Vec<Tag>,
    /// Since any fixed time.
    pub(super) at: Duration,
}

/// The last deaths that had no other explanation.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<(Duration, Vec<Tag>)>);

impl History {
    /// Who is to blame, and by which rule.
    pub(super) fn judge(&mut self, death: &Death) -> Vec<(Tag, Rule)> {
        if let Some(Some(culprit)) = death.thread {
            return vec![(culprit, Rule::Ran)];
        }
        // The host's own code failed.
        if death.thread.is_some() {
            return Vec::new();
        }
        if let (false, [culprit]) = (is_kill(death.cause), &death.busy[..]) {
            return vec![(*culprit, Rule::Ran)];
        }
        self.suspect(death)
    }

    fn suspect(&mut self, death: &Death) -> Vec<(Tag, Rule)> {
        self.0
            .retain(|(at, _)| death.at.saturating_sub(*at) < REMEMBERED);
        self.0.push_back((death.at, death.busy.clone()));
        if self.0.len() > COMPARED {
            self.0.pop_front();
        }
        let times = |tag: &Tag| self.0.iter().filter(|(_, busy)| busy.contains(tag)).count();
        let suspects = death.busy.iter().filter(|tag| times(tag) >= TOO_OFTEN);
        suspects.map(|tag| (*tag, Rule::RanOften)).collect()
    }
}

fn is_kill(cause: Cause) -> bool {
    cause == Cause::Signal(libc::SIGKILL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGV: Cause = Cause::Signal(libc::SIGSEGV);
    const KILL: Cause = Cause::Signal(libc::SIGKILL);

    fn death(cause: Cause, thread: Option<Option<Tag>>, busy: &[Tag], minute: u64) -> Death {
        Death {
            cause,
            thread,
            busy: busy.to_vec(),
            at: Duration::from_secs(60 * minute),
        }
    }

    #[test]
    fn the_thread_that_died_tells_whose_fault_it_is() {
        let mut history = History::default();
        let blamed = history.judge(&death(SEGV, Some(Some(7)), &[7, 8, 9], 0));
        assert_eq!(blamed, [(7, Rule::Ran)]);
        assert!(history.judge(&death(SEGV, Some(None), &[8], 0)).is_empty());
    }

    #[test]
    fn a_signal_from_outside_is_for_the_only_cog_that_is_busy() {
        let mut history = History::default();
        let blamed = history.judge(&death(SEGV, None, &[7], 0));
        assert_eq!(blamed, [(7, Rule::Ran)]);
        assert!(history.judge(&death(SEGV, None, &[], 0)).is_empty());
        assert!(history.judge(&death(SEGV, None, &[7, 8], 0)).is_empty());
    }

    #[test]
    fn after_sigkill_suspicion_counts() {
        let mut history = History::default();
        assert!(history.judge(&death(KILL, None, &[7], 0)).is_empty());
        assert!(history.judge(&death(KILL, None, &[8], 1)).is_empty());
        let blamed = history.judge(&death(KILL, None, &[7, 9], 2));
        assert_eq!(blamed, [(7, Rule::RanOften)]);
        // Two of three, not of four.
        assert!(history.judge(&death(KILL, None, &[], 3)).is_empty());
        assert!(history.judge(&death(KILL, None, &[8], 4)).is_empty());
        // And within an hour.
        assert!(history.judge(&death(KILL, None, &[8], 64)).is_empty());
    }
}
