//! Channels and threads.

use super::World;
use crate::discord::permissions::rules;
use crate::sim::ids::{Id, id_in};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The types of channels that the simulator treats differently.
pub(crate) mod kind {
    pub(crate) const TEXT: u64 = 0;
    pub(crate) const DIRECT: u64 = 1;
    pub(crate) const VOICE: u64 = 2;
    pub(crate) const CATEGORY: u64 = 4;
    pub(crate) const ANNOUNCEMENT: u64 = 5;
    pub(crate) const ANNOUNCEMENT_THREAD: u64 = 10;
    pub(crate) const PUBLIC_THREAD: u64 = 11;
    pub(crate) const PRIVATE_THREAD: u64 = 12;
    pub(crate) const STAGE: u64 = 13;
    pub(crate) const FORUM: u64 = 15;
    pub(crate) const MEDIA: u64 = 16;
}

/// A channel of any kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: Id,
    /// Discord's channel type.
    pub(crate) kind: u64,
    pub(crate) guild: Option<Id>,
    pub(crate) name: String,
    pub(crate) parent: Option<Id>,
    pub(crate) position: i64,
    pub(crate) overwrites: Vec<Overwrite>,
    /// Both people of a direct channel.
    pub(crate) recipients: Vec<Id>,
    pub(crate) last_message: Option<Id>,
    pub(crate) last_pin: Option<String>,
    /// Fields that nothing here depends on, under Discord's names: topic, nsfw, bitrate, …
    pub(crate) fields: Map<String, Value>,
    pub(crate) thread: Option<Thread>,
}

/// What makes a channel a thread.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Thread {
    pub(crate) owner: Id,
    /// Who joined, and when.
    pub(crate) members: Vec<(Id, String)>,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) auto_archive_minutes: u64,
    pub(crate) archive_timestamp: String,
    pub(crate) created: String,
    pub(crate) messages: u64,
}

/// What a channel allows or denies to one role or member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Overwrite {
    pub(crate) id: Id,
    pub(crate) for_member: bool,
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

impl Overwrite {
    /// The overwrite as Discord shows it.
    pub(crate) fn show(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "type": u8::from(self.for_member),
            "allow": self.allow.to_string(),
            "deny": self.deny.to_string(),
        })
    }

    /// What the rules of permissions need of it.
    pub(crate) fn rule(&self) -> rules::Overwrite {
        rules::Overwrite {
            id: self.id,
            for_member: self.for_member,
            allow: self.allow,
            deny: self.deny,
        }
    }

    /// An overwrite from Discord's JSON; nothing without an id.
    pub(crate) fn read(id: Option<Id>, body: &Value) -> Option<Self> {
        Some(Self {
            id: id.or_else(|| id_in(body, "id"))?,
            for_member: body.get("type").and_then(Value::as_u64) == Some(1),
            allow: id_in(body, "allow").unwrap_or(0),
            deny: id_in(body, "deny").unwrap_or(0),
        })
    }
}

impl Channel {
    /// A channel of a guild, with nothing set.
    pub(crate) fn in_guild(id: Id, guild: Id, kind: u64, name: &str) -> Self {
        Self {
            id,
            kind,
            guild: Some(guild),
            name: name.into(),
            parent: None,
            position: 0,
            overwrites: Vec::new(),
            recipients: Vec::new(),
            last_message: None,
            last_pin: None,
            fields: default_fields(kind),
            thread: None,
        }
    }

    /// The direct channel of two people.
    pub(crate) fn direct(id: Id, people: [Id; 2]) -> Self {
        Self {
            guild: None,
            recipients: people.to_vec(),
            fields: Map::new(),
            ..Self::in_guild(id, 0, kind::DIRECT, "")
        }
    }

    /// Whether messages can be sent here (voice and stage channels have a chat, too).
    pub(crate) fn is_for_text(&self) -> bool {
        !matches!(self.kind, kind::CATEGORY | kind::FORUM | kind::MEDIA | 14)
    }

    /// Whether this is a direct channel.
    pub(crate) fn is_direct(&self) -> bool {
        self.guild.is_none()
    }
}

fn default_fields(kind: u64) -> Map<String, Value> {
    let fields = match kind {
        kind::TEXT | kind::ANNOUNCEMENT => {
            json!({"topic": null, "nsfw": false, "rate_limit_per_user": 0})
        }
        kind::FORUM | kind::MEDIA => json!({
            "topic": null, "nsfw": false, "rate_limit_per_user": 0, "available_tags": [],
            "default_reaction_emoji": null, "default_sort_order": null,
        }),
        kind::VOICE | kind::STAGE => json!({
            "bitrate": 64000, "user_limit": 0, "rtc_region": null, "nsfw": false,
            "rate_limit_per_user": 0,
        }),
        kind::PUBLIC_THREAD | kind::PRIVATE_THREAD | kind::ANNOUNCEMENT_THREAD => {
            json!({"rate_limit_per_user": 0})
        }
        _ => json!({}),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl World {
    /// Keeps a changed channel, and dispatches that.
    pub(crate) fn keep_channel(&mut self, channel: Channel) {
        let id = channel.id;
        let name = if channel.thread.is_some() {
            "THREAD_UPDATE"
        } else {
            "CHANNEL_UPDATE"
        };
        self.channels.insert(id, channel);
        self.tell_of_channel(id, name);
    }

    /// Dispatches an event about a channel that exists, to each bot as it is shown to it.
    pub(crate) fn tell_of_channel(&mut self, id: Id, name: &'static str) {
        let Some(channel) = self.channels.get(&id) else {
            return;
        };
        let (data, views) = self.views(|viewer| self.show_channel(channel, viewer));
        self.tell_channel(id, name, data);
        if let Some(event) = self.outbox.last_mut() {
            event.views = views;
        }
    }

    /// Whoever writes into a thread takes it out of the archive. A member is in it from then on; a webhook is none.
    pub(crate) fn enter_thread(&mut self, id: Id, user: Option<Id>) {
        let now = self.now();
        let Some(mut channel) = self.channels.get(&id).cloned() else {
            return;
        };
        let Some(thread) = &mut channel.thread else {
            return;
        };
        let new = user.filter(|user| !thread.members.iter().any(|(member, _)| member == user));
        thread.members.extend(new.map(|user| (user, now.clone())));
        let was_archived = std::mem::replace(&mut thread.archived, false);
        if was_archived {
            thread.archive_timestamp.clone_from(&now);
        }
        let count = thread.members.len().min(50);
        let guild = channel.guild;
        if was_archived {
            self.keep_channel(channel);
        } else if new.is_some() {
            self.channels.insert(id, channel);
        }
        if let Some((guild, user)) = guild.zip(new) {
            let data = json!({
                "id": id.to_string(), "guild_id": guild.to_string(), "member_count": count,
                "added_members": [Self::show_thread_member(id, user, &now)],
                "removed_member_ids": [],
            });
            self.tell_channel(id, "THREAD_MEMBERS_UPDATE", data);
        }
    }

    /// The channel as Discord shows it to `viewer`.
    pub(crate) fn show_channel(&self, channel: &Channel, viewer: Id) -> Value {
        let mut shown = json!({
            "id": channel.id.to_string(),
            "type": channel.kind,
            "flags": 0,
            "last_message_id": channel.last_message.map(|id| id.to_string()),
        });
        if let Some(last_pin) = &channel.last_pin {
            shown["last_pin_timestamp"] = last_pin.as_str().into();
        }
        if channel.is_direct() {
            let others = channel.recipients.iter().filter(|id| **id != viewer);
            shown["recipients"] = others.map(|id| self.show_user(*id)).collect();
            return shown;
        }
        shown["guild_id"] = channel.guild.map(|id| id.to_string()).into();
        shown["name"] = channel.name.as_str().into();
        shown["parent_id"] = channel.parent.map(|id| id.to_string()).into();
        for (name, value) in &channel.fields {
            shown[name.as_str()] = value.clone();
        }
        if let Some(thread) = &channel.thread {
            show_thread(&mut shown, channel, thread, viewer);
        } else {
            let overwrites = channel.overwrites.iter().map(Overwrite::show);
            shown["permission_overwrites"] = overwrites.collect();
            shown["position"] = channel.position.into();
        }
        shown
    }

    /// A new thread member as Discord shows it.
    pub(crate) fn show_thread_member(thread: Id, user: Id, joined: &str) -> Value {
        json!({
            "id": thread.to_string(), "user_id": user.to_string(),
            "join_timestamp": joined, "flags": 0,
        })
    }
}

fn show_thread(shown: &mut Value, channel: &Channel, thread: &Thread, viewer: Id) {
    shown["owner_id"] = thread.owner.to_string().into();
    shown["message_count"] = thread.messages.into();
    shown["total_message_sent"] = thread.messages.into();
    shown["member_count"] = thread.members.len().min(50).into();
    shown["thread_metadata"] = json!({
        "archived": thread.archived,
        "auto_archive_duration": thread.auto_archive_minutes,
        "archive_timestamp": thread.archive_timestamp,
        "locked": thread.locked,
        "create_timestamp": thread.created,
        "invitable": true,
    });
    let own = thread.members.iter().find(|(id, _)| *id == viewer);
    if let Some((user, joined)) = own {
        shown["member"] = World::show_thread_member(channel.id, *user, joined);
    }
}
