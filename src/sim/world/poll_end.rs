//! The end of polls, and the message that tells their result.

use super::World;
use crate::sim::ids::Id;
use serde_json::{Value, json};

/// The type of the message that tells a poll's result.
const POLL_RESULT: u64 = 46;

impl World {
    /// Ends the polls whose time is over.
    pub(crate) fn end_polls(&mut self) {
        let now = self.clock.now();
        while let Some(&(expiry, channel, message)) = self.open_polls.first() {
            if expiry > now {
                return;
            }
            self.open_polls.pop_first();
            self.end_poll(channel, message);
        }
    }

    /// Ends the poll of a message, if it is not over yet, and dispatches that.
    pub(crate) fn end_poll(&mut self, channel: Id, message: Id) {
        let known = self.message_mut(channel, message).ok();
        let Some(poll) = known.and_then(|message| message.poll.as_mut()) else {
            return;
        };
        if std::mem::replace(&mut poll.is_over, true) {
            return;
        }
        let (key, result) = ((poll.expiry, channel, message), poll.result());
        self.open_polls.remove(&key);
        self.tell_message("MESSAGE_UPDATE", channel, message);
        self.post_poll_result((channel, message), &result);
    }

    /// The message with which Discord tells the result.
    fn post_poll_result(&mut self, (channel, poll): (Id, Id), fields: &Value) {
        let Some(author) = self.message_mut(channel, poll).ok().map(|it| it.author) else {
            return;
        };
        let guild = self.guild_of(channel).map(|guild| guild.to_string());
        let more = json!({
            "embeds": [{"type": "poll_result", "fields": fields}],
            "message_reference": {
                "type": 0, "channel_id": channel.to_string(), "message_id": poll.to_string(),
                "guild_id": guild,
            },
        });
        self.insert_system_message(channel, author, POLL_RESULT, more);
    }
}
