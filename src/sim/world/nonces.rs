//! The nonces of the last minutes, by which Discord knows a message that is sent again.

use super::World;
use crate::sim::ids::Id;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Discord's documentation of `enforce_nonce`: "in the past few minutes".
const KEPT: Duration = Duration::from_secs(300);

/// Who sent a message, with which nonce.
type Key = (Id, Arc<str>);

/// A message, by its channel and id, and when it was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Duration,
    message: (Id, Id),
}

/// Where the messages with nonces are.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    messages: HashMap<Key, Sent>,
    /// The oldest first.
    order: VecDeque<(Duration, Key)>,
}

impl World {
    /// A message was sent with a nonce.
    pub(crate) fn note_nonce(&mut self, author: Id, nonce: &str, message: (Id, Id)) {
        let now = self.clock.now();
        while let Some((at, old)) = self.nonces.order.pop_front() {
            // It may have come again since.
            let sent = self.nonces.messages.get(&old).copied();
            let sent = sent.filter(|sent| sent.at == at);
            if sent.is_some_and(|sent| at + KEPT >= now && self.keeps(sent.message)) {
                self.nonces.order.push_front((at, old));
                break;
            }
            if sent.is_some() {
                self.nonces.messages.remove(&old);
            }
        }
        let nonces = &mut self.nonces;
        let key: Key = (author, nonce.into());
        nonces.order.push_back((now, key.clone()));
        nonces.messages.insert(key, Sent { at: now, message });
    }

    /// Whether a message is still there: the oldest ones of a channel are forgotten, and their nonces with them.
    fn keeps(&self, (channel, id): (Id, Id)) -> bool {
        let messages = self.messages.get(&channel);
        messages.is_some_and(|messages| messages.contains_key(&id))
    }

    /// Channel and id of the message that `author` has sent with a nonce lately.
    pub(crate) fn message_of_nonce(&self, author: Id, nonce: &str) -> Option<(Id, Id)> {
        let sent = self.nonces.messages.get(&(author, nonce.into()))?;
        (sent.at + KEPT >= self.clock.now()).then_some(sent.message)
    }
}
