//! Parts of a channel's messages, for who shows them piece by piece.

use super::Sim;
use crate::sim::ids::Id;
use crate::sim::world::Message;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// Which of a channel's messages are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePage {
    /// The newest.
    Newest,
    /// Those right before this id.
    Before(Id),
    /// Those right after this id.
    After(Id),
    /// The message with this id, if it is there, and as many on both sides.
    Around(Id),
}

/// Messages that follow each other without a gap.
#[derive(Clone, Debug)]
pub struct MessageWindow {
    /// The oldest first, as the bot would see them; ephemeral ones too.
    pub messages: Vec<Value>,
    /// Whether there are older ones in the channel.
    pub older: bool,
    /// Whether there are newer ones in the channel.
    pub newer: bool,
}

impl Sim {
    /// At most `most` messages of a channel. It costs as much as these, however many others there are.
    pub fn message_page(&self, channel: Id, page: MessagePage, most: usize) -> MessageWindow {
        self.hub().look(|state| {
            let none = BTreeMap::new();
            let all = state.world.messages.get(&channel).unwrap_or(&none);
            let found = select(all, page, most);
            let first = found.first().map(|message| message.id);
            let last = found.last().map(|message| message.id);
            // Of an empty page it is its place that has others before and after it.
            let (first, last) = match (page, first, last) {
                (_, Some(first), Some(last)) => (first, last),
                (MessagePage::Newest, ..) => (0, 0),
                (
                    MessagePage::Before(id) | MessagePage::After(id) | MessagePage::Around(id),
                    ..,
                ) => (id, id),
            };
            MessageWindow {
                older: all.range(..first).next().is_some(),
                newer: all.range((Excluded(last), Unbounded)).next().is_some(),
                messages: found
                    .into_iter()
                    .map(|message| message.show(state.world.bot))
                    .collect(),
            }
        })
    }
}

/// The oldest first.
fn select(all: &BTreeMap<Id, Message>, page: MessagePage, most: usize) -> Vec<&Message> {
    let before = |id: Id, most: usize| {
        let mut found: Vec<_> = all.range(..id).rev().take(most).map(|(_, it)| it).collect();
        found.reverse();
        found
    };
    let from = |start, most| all.range((start, Unbounded)).take(most).map(|(_, it)| it);
    match page {
        MessagePage::Newest => {
            let mut found: Vec<_> = all.values().rev().take(most).collect();
            found.reverse();
            found
        }
        MessagePage::Before(id) => before(id, most),
        MessagePage::After(id) => from(Excluded(id), most).collect(),
        MessagePage::Around(id) => {
            let mut found = before(id, most / 2);
            found.extend(from(Included(id), most - most / 2));
            found
        }
    }
}
