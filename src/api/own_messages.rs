//! Which cog has sent which message, and which messages have called it. Kept by the cog's name, so that it
//! outlives reloads and unloads; a restart of the bot forgets it.

use crate::hash::HashMap;
use crate::lock::lock;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Messages that a cog sent and that are known: the last ones.
const MOST_SENT: usize = 1_000;
/// Messages that called a cog and are known: `ctx` itself needs none of them.
const MOST_CALLED: usize = 200;
/// Messages of all cogs that are known, some 12 MB: files come and go, and each may bring a new name.
const MOST: usize = 200_000;

/// How a message came to be a cog's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// It called one of the cog's commands.
    Called,
    /// The cog answered with it where it was called.
    Answer,
    /// The cog sent it with this capability.
    Sent(&'static str),
}

/// The messages of all cogs.
#[derive(Debug, Default)]
pub struct OwnMessages(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Whose a message is, by its id.
    ties: HashMap<u64, (Arc<str>, Tie)>,
    cogs: HashMap<Arc<str>, Order>,
    /// Counts what is noted, so that the cog that has been silent for longest can be forgotten.
    noted: u64,
}

/// The messages of one cog, the oldest first.
#[derive(Debug, Default)]
struct Order {
    sent: VecDeque<u64>,
    called: VecDeque<u64>,
    last: u64,
}

impl OwnMessages {
    /// Notes a message. One that is another's stays so: with a `nonce`, Discord may give the message that
    /// somebody else sent before.
    pub fn note(&self, cog: &Arc<str>, message: &str, tie: Tie) {
        let Ok(id) = message.parse() else {
            return;
        };
        let mut known = lock(&self.0);
        if known.ties.contains_key(&id) && tie != Tie::Called {
            return;
        }
        if known.ties.len() >= MOST {
            known.forget_one_cog();
        }
        known.add(cog, id, tie);
    }

    /// The cog that has sent a message, or was called by it, as far as that is known.
    pub fn owner(&self, message: u64) -> Option<String> {
        let known = lock(&self.0);
        let (owner, _) = known.ties.get(&message)?;
        Some(owner.to_string())
    }

    /// How a message came to be this cog's; nothing when it is not.
    pub fn tie(&self, cog: &str, message: &str) -> Option<Tie> {
        let id: u64 = message.parse().ok()?;
        let known = lock(&self.0);
        let (owner, tie) = known.ties.get(&id)?;
        (owner.as_ref() == cog).then_some(*tie)
    }
}

impl Known {
    fn add(&mut self, cog: &Arc<str>, id: u64, tie: Tie) {
        self.noted += 1;
        let order = self.cogs.entry(Arc::clone(cog)).or_default();
        order.last = self.noted;
        let (ids, most) = match tie {
            Tie::Called => (&mut order.called, MOST_CALLED),
            _ => (&mut order.sent, MOST_SENT),
        };
        ids.push_back(id);
        let oldest = (ids.len() > most).then(|| ids.pop_front()).flatten();
        self.ties.insert(id, (Arc::clone(cog), tie));
        if let Some(oldest) = oldest {
            self.ties.remove(&oldest);
        }
    }

    fn forget_one_cog(&mut self) {
        let silent = self.cogs.iter().min_by_key(|(_, order)| order.last);
        let Some(name) = silent.map(|(name, _)| Arc::clone(name)) else {
            return;
        };
        self.cogs.remove(&name);
        self.ties.retain(|_, (owner, _)| *owner != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cog(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn a_message_is_the_cogs_that_sent_it_first() {
        let own = OwnMessages::default();
        let (one, other) = (cog("one"), cog("other"));
        own.note(&one, "5", Tie::Answer);
        own.note(&other, "5", Tie::Answer);
        own.note(&other, "not an id", Tie::Answer);
        assert_eq!(own.tie("one", "5"), Some(Tie::Answer));
        assert_eq!(own.tie("other", "5"), None);
        assert_eq!(own.tie("one", "6"), None);
        assert_eq!(own.tie("other", "not an id"), None);
    }

    #[test]
    fn the_oldest_message_of_a_cog_is_forgotten_and_no_other_cogs() {
        let own = OwnMessages::default();
        own.note(&cog("quiet"), "1", Tie::Answer);
        own.note(&cog("loud"), "2", Tie::Answer);
        for id in 1_000..1_000 + MOST_SENT {
            own.note(&cog("loud"), &id.to_string(), Tie::Sent("messages.send"));
            own.note(&cog("loud"), &(id + 10_000).to_string(), Tie::Called);
        }
        assert_eq!(own.tie("loud", "2"), None);
        assert_eq!(own.tie("loud", "1000"), Some(Tie::Sent("messages.send")));
        assert_eq!(own.tie("loud", "11000"), None);
        assert_eq!(own.tie("loud", "11999"), Some(Tie::Called));
        assert_eq!(own.tie("quiet", "1"), Some(Tie::Answer));
    }

    #[test]
    fn the_cog_that_was_silent_for_longest_is_forgotten() {
        let own = OwnMessages::default();
        for index in 0..=MOST {
            own.note(
                &cog(&format!("cog{index}")),
                &index.to_string(),
                Tie::Answer,
            );
        }
        assert_eq!(own.tie("cog0", "0"), None);
        assert_eq!(own.tie("cog1", "1"), Some(Tie::Answer));
        assert_eq!(lock(&own.0).ties.len(), MOST);
    }
}
