//! The nonces of the last minutes, by which Discord knows a message that is sent again.

use super::World;
use crate::sim::ids::Id;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Discord's documentation of `enforce_nonce`: "in the past few minutes".
const KEPT: Duration = Duration::from_secs(300);

/// Who sent a message, with which nonce.
type Key = (Id, String);

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
    pub(crate) fn note_nonce(&mut self, author: Id, nonce: String, message: (Id, Id)) {
        let now = self.clock.now();
        let nonces = &mut self.nonces;
        while let Some((at, old)) = nonces.order.pop_front() {
            if at + KEPT >= now {
                nonces.order.push_front((at, old));
                break;
            }
            // It may have come again since.
            if nonces.messages.get(&old).is_some_and(|sent| sent.at == at) {
                nonces.messages.remove(&old);
            }
        }
        let key = (author, nonce);
        nonces.order.push_back((now, key.clone()));
        nonces.messages.insert(key, Sent { at: now, message });
    }

    /// Channel and id of the message that `author` has sent with a nonce lately.
    pub(crate) fn message_of_nonce(&self, author: Id, nonce: &str) -> Option<(Id, Id)> {
        let sent = self.nonces.messages.get(&(author, nonce.to_owned()))?;
        (sent.at + KEPT >= self.clock.now()).then_some(sent.message)
    }
}
