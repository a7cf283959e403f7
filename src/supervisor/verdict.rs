//! Decides which cog caused the death of the process.
//!
//! - The thread that died ran a cog: that one.
//! - A signal came from outside, such as `kill -ABRT`: the cog that used the processor just then without
//!   waiting, if it was the only one.
//! - SIGKILL, also from a system that is out of memory, says nothing about its reason. A cog that used the processor
//!   without waiting at two of the last three such deaths is put into quarantine.

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

/// What ran on the thread that died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thread {
    /// No thread in particular died.
    Unknown,
    /// The host's own code.
    Host,
    /// A cog.
    Cog(Tag),
}

/// What the record says about a death.
#[derive(Clone, Debug)]
pub(super) struct Death {
    pub(super) cause: Cause,
    pub(super) thread: Thread,
    /// The cogs that used the processor without waiting.
    pub(super) busy: Vec<Tag>,
    /// Since any fixed time.
    pub(super) at: Duration,
}

/// The last deaths that had no other explanation.
#[derive(Debug, Default)]
pub(super) struct History(VecDeque<(Duration, Vec<Tag>)>);

impl History {
    /// Which cog caused the death, and by which rule.
    pub(super) fn judge(&mut self, death: &Death) -> Vec<(Tag, Rule)> {
        match (death.thread, &death.busy[..]) {
            (Thread::Cog(culprit), _) => vec![(culprit, Rule::Ran)],
            (Thread::Host, _) => Vec::new(),
            (Thread::Unknown, [culprit]) if !is_kill(death.cause) => vec![(*culprit, Rule::Ran)],
            (Thread::Unknown, _) => self.suspect(death),
        }
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

    /// Judges one death after the other: what of, on which thread, who was busy, in which minute.
    fn judge() -> impl FnMut(Cause, Thread, &[Tag], u64) -> Vec<(Tag, Rule)> {
        let mut history = History::default();
        move |cause, thread, busy, minute| {
            history.judge(&Death {
                cause,
                thread,
                busy: busy.to_vec(),
                at: Duration::from_secs(60 * minute),
            })
        }
    }

    #[test]
    fn the_thread_that_died_tells_whose_fault_it_is() {
        let mut judge = judge();
        let blamed = judge(SEGV, Thread::Cog(7), &[7, 8, 9], 0);
        assert_eq!(blamed, [(7, Rule::Ran)]);
        assert_eq!(judge(SEGV, Thread::Host, &[8], 0), []);
    }

    #[test]
    fn a_signal_from_outside_is_for_the_only_cog_that_is_busy() {
        let mut judge = judge();
        let blamed = judge(SEGV, Thread::Unknown, &[7], 0);
        assert_eq!(blamed, [(7, Rule::Ran)]);
        assert_eq!(judge(SEGV, Thread::Unknown, &[], 0), []);
        assert_eq!(judge(SEGV, Thread::Unknown, &[7, 8], 0), []);
    }

    #[test]
    fn after_sigkill_suspicion_counts() {
        let mut judge = judge();
        let mut kill = |busy: &[Tag], minute| judge(KILL, Thread::Unknown, busy, minute);
        assert_eq!(kill(&[7], 0), []);
        assert_eq!(kill(&[8], 1), []);
        assert_eq!(kill(&[7, 9], 2), [(7, Rule::RanOften)]);
        // Two of three, not of four.
        assert_eq!(kill(&[], 3), []);
        assert_eq!(kill(&[8], 4), []);
        // And within an hour.
        assert_eq!(kill(&[8], 64), []);
    }
}
