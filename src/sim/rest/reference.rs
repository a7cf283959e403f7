//! The message that another one answers or forwards.

use super::draft::Draft;
use crate::sim::errors::{ApiError, Invalid, NO_HISTORY};
use crate::sim::ids::{Id, id_in};
use crate::sim::permissions::{self, READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::sim::world::{Message, World};
use serde_json::{Map, Value, json};

/// The message that a new one answers or forwards.
#[derive(Debug, Default)]
pub(super) struct Reference {
    /// `message_reference`
    shown: Option<Value>,
    /// The author of the message that is answered.
    pub(super) author: Option<Id>,
    /// `referenced_message`
    pub(super) reply: Option<Value>,
    /// `message_snapshots`
    pub(super) forwarded: Option<Value>,
}

impl Reference {
    /// Looks up what the body refers to; its author must see it.
    pub(super) fn read(world: &World, draft: &Draft<'_>) -> Result<Self, ApiError> {
        let reference = &draft.body["message_reference"];
        let Some(id) = id_in(reference, "message_id") else {
            return Ok(Self::default());
        };
        let is_forward = reference["type"] == 1;
        let channel = id_in(reference, "channel_id").unwrap_or(draft.channel);
        let place = world.channels.get(&channel);
        let held = place.map_or(0, |place| {
            permissions::in_channel(world, place, draft.author)
        });
        let found = world.message(channel, id, draft.author);
        let found = found
            .ok()
            .filter(|_| held & VIEW_CHANNEL != 0 && (is_forward || channel == draft.channel));
        let Some(message) = found else {
            if reference["fail_if_not_exists"] == false && !is_forward {
                return Ok(Self::default());
            }
            let code = "REPLIES_UNKNOWN_MESSAGE";
            return Err(Invalid::one("message_reference", code, "Unknown message"));
        };
        if held & READ_MESSAGE_HISTORY == 0 {
            return Err(NO_HISTORY.into());
        }
        let mut shown = json!({
            "type": u8::from(is_forward),
            "channel_id": channel.to_string(),
            "message_id": id.to_string(),
        });
        if let Some(guild) = world.guild_of(channel) {
            shown["guild_id"] = guild.to_string().into();
        }
        let mut read = Self {
            shown: Some(shown),
            ..Self::default()
        };
        if is_forward {
            read.forwarded = Some(json!([{"message": snapshot(message)}]));
        } else {
            read.reply = Some(message.show_referenced(draft.author));
            read.author = message.webhook.is_none().then_some(message.author);
        }
        Ok(read)
    }

    /// Writes the reference into the new message's fields.
    pub(super) fn write(self, fields: &mut Map<String, Value>) {
        let parts = [
            ("message_reference", self.shown),
            ("referenced_message", self.reply),
            ("message_snapshots", self.forwarded),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                fields.insert(name.into(), value);
            }
        }
    }
}

fn snapshot(message: &Message) -> Value {
    let names = [
        "type",
        "content",
        "embeds",
        "attachments",
        "timestamp",
        "edited_timestamp",
        "flags",
        "mentions",
        "mention_roles",
        "components",
    ];
    let mut shown = Map::new();
    for name in names {
        if let Some(value) = message.fields.get(name) {
            shown.insert(name.into(), value.clone());
        }
    }
    Value::Object(shown)
}
