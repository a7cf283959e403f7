//! The requests that wait for a bucket: one line for each caller, served in turn, so that a caller with many requests
//! delays another one by at most one request of each.

use std::collections::VecDeque;
use std::sync::Arc;

/// The caller: a cog by its name, or the bot itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller {
    /// The cog.
    pub(super) name: Option<Arc<str>>,
    /// The number of its version.
    pub(super) version: u64,
}

/// The tickets of waiting requests, by the caller's name; in each line those of newer versions first. No line is empty.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<(Option<Arc<str>>, Line)>);

/// Versions and tickets.
type Line = VecDeque<(u64, u64)>;

impl Queue {
    /// Puts a ticket into its caller's line: behind those of its own version and of newer ones.
    pub(super) fn join(&mut self, caller: &Caller, ticket: u64) {
        let waiting = (caller.version, ticket);
        match self.0.iter_mut().find(|(of, _)| *of == caller.name) {
            Some((_, line)) => {
                let newer = line.iter().rposition(|(of, _)| *of >= caller.version);
                line.insert(newer.map_or(0, |last| last + 1), waiting);
            }
            None => self
                .0
                .push_back((caller.name.clone(), Line::from([waiting]))),
        }
    }

    /// Adds requests that have waited in another queue, in their order.
    pub(super) fn absorb(&mut self, others: Self) {
        for (name, line) in others.0 {
            for (version, ticket) in line {
                let name = name.clone();
                self.join(&Caller { name, version }, ticket);
            }
        }
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<u64> {
        self.0.front()?.1.front().map(|(_, ticket)| *ticket)
    }

    /// Removes a ticket. If it was its turn, the next caller is served.
    pub(super) fn leave(&mut self, ticket: u64) {
        let had_turn = self.first() == Some(ticket);
        for (_, line) in &mut self.0 {
            line.retain(|(_, waiting)| *waiting != ticket);
        }
        if had_turn {
            self.0.rotate_left(1);
        }
        self.0.retain(|(_, line)| !line.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| {
            let first = queue.first()?;
            queue.leave(first);
            Some(first)
        })
        .collect()
    }

    fn version_of(name: &str, version: u64) -> Caller {
        let name = Some(name.into());
        Caller { name, version }
    }

    /// A version that floods a channel keeps the answers of the fixed one waiting for nothing.
    #[test]
    fn a_newer_version_goes_before_older_ones_of_the_same_cog_alone() {
        let mut queue = Queue::default();
        for ticket in 1..=3 {
            queue.join(&version_of("wild", 4), ticket);
        }
        queue.join(&version_of("other", 1), 4);
        queue.join(&version_of("other", 1), 5);
        queue.join(&version_of("wild", 5), 6);
        queue.join(&version_of("wild", 5), 7);
        // What the old one begins now.
        queue.join(&version_of("wild", 0), 8);
        assert_eq!(served(&mut queue), [6, 4, 7, 5, 1, 2, 3, 8]);
    }

    #[test]
    fn callers_take_turns_and_each_keeps_its_order() {
        let (one, other) = (version_of("one", 1), version_of("other", 1));
        let mut queue = Queue::default();
        for ticket in 1..=4 {
            queue.join(&one, ticket);
        }
        queue.join(&Caller::default(), 5);
        queue.join(&other, 6);
        queue.join(&other, 7);
        assert_eq!(served(&mut queue), [1, 5, 6, 2, 7, 3, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn who_leaves_before_its_turn_changes_nobody_elses() {
        let mut queue = Queue::default();
        let (one, other) = (version_of("one", 1), version_of("other", 1));
        queue.join(&one, 1);
        queue.join(&one, 2);
        queue.join(&other, 3);
        queue.join(&other, 4);
        queue.leave(2);
        queue.leave(4);
        queue.leave(9);
        assert_eq!(served(&mut queue), [1, 3]);
    }
}
