//! Who waits for a bucket: one line for each caller, served in turn, so that one who asks for much holds nobody
//! else up for longer than a request of each.

use std::collections::VecDeque;
use std::sync::Arc;

/// Who calls: a cog by its name, or the bot itself.
pub(super) type Caller = Option<Arc<str>>;

/// The tickets of those who wait, by caller. No line is empty.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<(Caller, VecDeque<u64>)>);

impl Queue {
    /// Puts a ticket at the end of its caller's line.
    pub(super) fn join(&mut self, caller: &Caller, ticket: u64) {
        match self.0.iter_mut().find(|(of, _)| of == caller) {
            Some((_, line)) => line.push_back(ticket),
            None => self.0.push_back((caller.clone(), VecDeque::from([ticket]))),
        }
    }

    /// Adds those who have waited elsewhere, in their order.
    pub(super) fn absorb(&mut self, others: Self) {
        for (caller, line) in others.0 {
            for ticket in line {
                self.join(&caller, ticket);
            }
        }
    }

    /// Whose turn it is.
    pub(super) fn first(&self) -> Option<u64> {
        self.0.front()?.1.front().copied()
    }

    /// Takes a ticket out. If it was its turn, the next caller's comes.
    pub(super) fn leave(&mut self, ticket: u64) {
        let had_turn = self.first() == Some(ticket);
        for (_, line) in &mut self.0 {
            line.retain(|waiting| *waiting != ticket);
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

    #[test]
    fn callers_take_turns_and_each_keeps_its_order() {
        let (one, other): (Caller, Caller) = (Some("one".into()), Some("other".into()));
        let mut queue = Queue::default();
        for ticket in 1..=4 {
            queue.join(&one, ticket);
        }
        queue.join(&None, 5);
        queue.join(&other, 6);
        queue.join(&other, 7);
        assert_eq!(served(&mut queue), [1, 5, 6, 2, 7, 3, 4]);
        assert!(queue.is_empty());
    }

    #[test]
    fn who_leaves_before_its_turn_changes_nobody_elses() {
        let mut queue = Queue::default();
        let (one, other): (Caller, Caller) = (Some("one".into()), Some("other".into()));
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
