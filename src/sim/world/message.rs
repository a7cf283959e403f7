//! Messages, reactions and uploaded files.

use super::{Audience, Channel, Poll, World};
use crate::sim::ids::{Id, id_in};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Discord's type of the message with which a thread begins that was made of a message.
pub(crate) const THREAD_STARTER: u64 = 21;

/// A message. What nothing here depends on is in `fields`, under Discord's names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: Id,
    pub(crate) channel: Id,
    /// The user, or the webhook when `webhook` is set.
    pub(crate) author: Id,
    pub(crate) webhook: Option<Id>,
    pub(crate) fields: Map<String, Value>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) poll: Option<Poll>,
    /// Ephemeral: the only person who sees it.
    pub(crate) only_for: Option<Id>,
    /// When it was pinned.
    pub(crate) pinned_at: Option<String>,
}

/// Everybody who reacted with one emoji.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) emoji: Emoji,
    pub(crate) users: Vec<Id>,
}

/// An emoji: a character, or a guild's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Emoji {
    pub(crate) id: Option<Id>,
    pub(crate) name: String,
    pub(crate) animated: bool,
}

/// A file that was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// The number in `files[n]`.
    pub(crate) number: u64,
    pub(crate) filename: String,
    pub(crate) content_type: Option<String>,
    #[serde(with = "super::saved::base64")]
    pub(crate) bytes: axum::body::Bytes,
    /// Who has sent it ahead, and nobody else may use it; none for the file of a message.
    #[serde(default)]
    pub(crate) ahead: Option<Id>,
}

impl Emoji {
    /// The emoji of a path or of the handle: `👍`, or `name:id` with or without `<:` and `>`.
    /// Nothing when it is neither a known custom form nor looks like a Unicode emoji.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let inner = text.trim_start_matches("<a:").trim_start_matches("<:");
        let inner = inner.trim_end_matches('>').trim_start_matches("a:");
        if let Some((name, id)) = inner.rsplit_once(':') {
            return Some(Self {
                id: Some(id.parse().ok()?),
                name: name.into(),
                animated: false,
            });
        }
        let is_word = text.chars().all(|one| one.is_ascii_alphabetic());
        let is_plain = text.is_ascii() && !text.contains('\u{20e3}');
        let bad = text.is_empty() || text.chars().count() > 16 || is_word || is_plain;
        (!bad).then(|| Self {
            id: None,
            name: text.into(),
            animated: false,
        })
    }

    /// The emoji as Discord shows it inside reactions.
    pub(crate) fn show(&self) -> Value {
        let mut shown = json!({"id": self.id.map(|id| id.to_string()), "name": self.name});
        if self.animated {
            shown["animated"] = true.into();
        }
        shown
    }
}

impl Message {
    /// Discord's message flags.
    pub(crate) fn flags(&self) -> u64 {
        self.fields
            .get("flags")
            .and_then(Value::as_u64)
            .unwrap_or(0)
    }

    /// The message as Discord shows it to `viewer`.
    pub(crate) fn show(&self, viewer: Id) -> Value {
        let mut fields = self.fields.clone();
        fields.insert("pinned".into(), self.pinned_at.is_some().into());
        if !self.reactions.is_empty() {
            let shown = self.reactions.iter().map(|one| one.show(viewer)).collect();
            fields.insert("reactions".into(), shown);
        }
        if let Some(poll) = &self.poll {
            fields.insert("poll".into(), poll.show(viewer));
        }
        Value::Object(fields)
    }

    /// Who learns of it.
    fn audience(&self) -> Audience {
        match self.only_for {
            Some(_) => Audience::People,
            None => Audience::Everybody,
        }
    }

    /// The message as those show it that answer it: only one level of answers, and no reactions.
    pub(crate) fn show_referenced(&self, viewer: Id) -> Value {
        let mut shown = self.show(viewer);
        if let Some(fields) = shown.as_object_mut() {
            fields.shift_remove("referenced_message");
            fields.shift_remove("reactions");
        }
        shown
    }

    /// The message of the same channel that this one answers and shows.
    fn answers(&self) -> Option<Id> {
        self.fields.get("referenced_message")?.as_object()?;
        let reference = self.fields.get("message_reference")?;
        id_in(reference, "message_id")
            .filter(|_| id_in(reference, "channel_id") == Some(self.channel))
    }

    /// The components of all rows and sections, flattened.
    pub(crate) fn components(&self) -> Vec<&Value> {
        let mut found = Vec::new();
        if let Some(rows) = self.fields.get("components") {
            collect_components(rows, &mut found);
        }
        found
    }
}

/// Every component in a tree of components, parents first.
pub(crate) fn collect_components<'a>(tree: &'a Value, found: &mut Vec<&'a Value>) {
    match tree {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_components(item, found)),
        Value::Object(fields) => {
            found.push(tree);
            for name in ["components", "component", "accessory"] {
                if let Some(inner) = fields.get(name) {
                    collect_components(inner, found);
                }
            }
        }
        _ => {}
    }
}

impl Reaction {
    fn show(&self, viewer: Id) -> Value {
        json!({
            "emoji": self.emoji.show(),
            "count": self.users.len(),
            "count_details": {"burst": 0, "normal": self.users.len()},
            "burst_colors": [],
            "me_burst": false,
            "me": self.users.contains(&viewer),
        })
    }
}

impl World {
    /// A file that a user has sent ahead: for a message, an option or a modal. Nobody can use those of others.
    pub(crate) fn sent_ahead(&self, user: Id, id: Id) -> Option<&Upload> {
        self.files.get(&id).filter(|file| file.ahead == Some(user))
    }

    /// A custom emoji of any guild or application.
    pub(crate) fn custom_emoji(&self, id: Id) -> Option<&Value> {
        let mut guilds = self.guilds.values();
        let of_guilds = guilds.find_map(|guild| guild.collections.emojis.get(id));
        let mut applications = self.applications.values();
        of_guilds.or_else(|| applications.find_map(|one| one.collections.emojis.get(id)))
    }

    /// The message as its events show it to `viewer`: with its guild, its author's member without user, and the type of
    /// its channel, from which clients make a direct channel that they have not heard of.
    pub(crate) fn show_message_event(&self, message: &Message, viewer: Id) -> Value {
        let mut shown = message.show(viewer);
        if let Some(channel) = self.channels.get(&message.channel) {
            shown["channel_type"] = channel.kind.into();
        }
        if let Some(guild) = self.guild_of(message.channel) {
            shown["guild_id"] = guild.to_string().into();
            if let Some(member) = self.show_member_alone(guild, message.author) {
                shown["member"] = member;
            }
            // A client finds here whom a command is about, without having asked for all members.
            let mentions = shown["mentions"].as_array_mut();
            for user in mentions.into_iter().flatten() {
                let member = id_in(user, "id").and_then(|id| self.show_member_alone(guild, id));
                if let Some(member) = member {
                    user["member"] = member;
                }
            }
        }
        shown
    }

    /// Dispatches an event about a message that exists. Ephemeral ones are for the page alone.
    pub(crate) fn tell_message(&mut self, name: &'static str, channel: Id, id: Id) {
        let known = self.messages.get(&channel);
        let Some(message) = known.and_then(|messages| messages.get(&id)) else {
            return;
        };
        let (data, views) = self.views(|viewer| self.show_message_event(message, viewer));
        let audience = message.audience();
        self.tell_channel(channel, name, data);
        if let Some(event) = self.outbox.last_mut() {
            event.audience = audience;
            event.views = views;
        }
    }

    /// A message that Discord itself writes in the name of a user, with the fields of `more`. Returns its id.
    pub(crate) fn insert_system_message(
        &mut self,
        channel: Id,
        author: Id,
        kind: u64,
        more: Value,
    ) -> Id {
        let (id, now) = (self.new_id(), self.now());
        let plain = json!({
            "id": id.to_string(),
            "type": kind,
            "channel_id": channel.to_string(),
            "author": self.show_user(author),
            "content": "",
            "timestamp": now,
            "edited_timestamp": null,
            "tts": false,
            "attachments": [],
            "embeds": [],
            "components": [],
            "flags": 0,
            "mentions": [],
            "mention_roles": [],
            "mention_everyone": false,
        });
        let mut fields = Map::new();
        for part in [plain, more] {
            if let Value::Object(part) = part {
                fields.extend(part);
            }
        }
        self.insert_message(Message {
            id,
            channel,
            author,
            webhook: None,
            fields,
            reactions: Vec::new(),
            poll: None,
            only_for: None,
            pinned_at: None,
        });
        id
    }

    /// Keeps a new message, and dispatches it.
    pub(crate) fn insert_message(&mut self, message: Message) {
        let (channel, id) = (message.channel, message.id);
        let kept = self.messages_kept.max(1);
        let messages = self.messages.entry(channel).or_default();
        let only_for = message.only_for;
        let counts = message.fields.get("type").and_then(Value::as_u64) != Some(THREAD_STARTER);
        if let Some(poll) = &message.poll {
            self.open_polls.insert((poll.expiry, channel, id));
        }
        if let Some(answered) = message.answers() {
            self.answers.entry(answered).or_default().push(id);
        }
        messages.insert(id, message);
        if messages.len() > kept
            && let Some((old, _)) = messages.pop_first()
        {
            self.answers.remove(&old);
        }
        if let Some(channel) = self
            .channels
            .get_mut(&channel)
            .filter(|_| only_for.is_none())
        {
            note_last(channel, id, counts);
        }
        self.tell_message("MESSAGE_CREATE", channel, id);
    }

    /// Takes a message away: those that answer it show nothing of it any more.
    pub(crate) fn forget_message(&mut self, channel: Id, id: Id) -> Option<Message> {
        let messages = self.messages.get_mut(&channel)?;
        let message = messages.remove(&id)?;
        for answer in self.answers.remove(&id).unwrap_or_default() {
            if let Some(answer) = messages.get_mut(&answer) {
                answer
                    .fields
                    .insert("referenced_message".into(), Value::Null);
            }
        }
        Some(message)
    }

    /// Has the messages that answer one show it as it is now.
    pub(crate) fn refresh_answers(&mut self, channel: Id, id: Id) {
        let Some(messages) = self.messages.get_mut(&channel) else {
            return;
        };
        let answers = self.answers.get(&id).into_iter().flatten();
        let Some(shown) = messages.get(&id).map(|it| it.show_referenced(self.bot)) else {
            return;
        };
        for answer in answers {
            if let Some(answer) = messages.get_mut(answer) {
                answer
                    .fields
                    .insert("referenced_message".into(), shown.clone());
            }
        }
    }

    /// Removes messages of a channel at once, and dispatches that.
    pub(crate) fn remove_messages(&mut self, channel: Id, ids: &[Id]) {
        for id in ids {
            self.forget_message(channel, *id);
        }
        let mut data = json!({
            "ids": ids.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "channel_id": channel.to_string(),
        });
        if let Some(guild) = self.guild_of(channel) {
            data["guild_id"] = guild.to_string().into();
        }
        self.tell_channel(channel, "MESSAGE_DELETE_BULK", data);
    }

    /// Removes a message, and dispatches that.
    pub(crate) fn remove_message(&mut self, channel: Id, id: Id) {
        let Some(message) = self.forget_message(channel, id) else {
            return;
        };
        let mut data = json!({"id": id.to_string(), "channel_id": channel.to_string()});
        if let Some(guild) = self.guild_of(channel) {
            data["guild_id"] = guild.to_string().into();
        }
        self.tell_channel(channel, "MESSAGE_DELETE", data);
        if let Some(event) = self.outbox.last_mut() {
            event.audience = message.audience();
        }
    }
}

/// `counts`: whether it is one of the messages that a thread counts.
fn note_last(channel: &mut Channel, id: Id, counts: bool) {
    channel.last_message = Some(id);
    // The message that a post of a forum begins with is not counted.
    let is_first = channel.id == id;
    if let Some(thread) = channel.thread.as_mut().filter(|_| !is_first && counts) {
        thread.messages += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_read_in_every_form_that_clients_send() {
        let custom = Emoji::read("blob:123").unwrap();
        assert_eq!((custom.id, custom.name.as_str()), (Some(123), "blob"));
        assert_eq!(Emoji::read("<a:blob:123>"), Emoji::read("<:blob:123>"));
        assert_eq!(Emoji::read("👍").unwrap().name, "👍");
        assert_eq!(Emoji::read("1\u{fe0f}\u{20e3}").unwrap().id, None);
        assert_eq!(Emoji::read("thumbsup"), None);
        assert_eq!(Emoji::read("blob:x"), None);
        assert_eq!(Emoji::read(""), None);
    }
}
