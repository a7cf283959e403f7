//! What exists: users, guilds, channels, messages, commands, interactions.
//!
//! The world knows no sockets. Whoever changes it (`rest/`, the handle) pushes an [`Event`] for each
//! change that Discord would dispatch; `hub.rs` empties that outbox into the gateway's sessions.
//!
//! `start.rs` makes the first guild, `saved.rs` writes all of it down and reads it again, `application.rs` has the bots, `bots.rs` lets them in and out, `guild.rs`, `channel.rs`, `message.rs` and `user.rs` hold the
//! types and how Discord shows each, `collections.rs` what is kept as Discord shows it, `poll.rs` polls and `poll_end.rs` what comes of them, `audit.rs` the audit log, `pictures.rs` what emoji and avatars look like,
//! `nonces.rs` what was sent once already.

mod application;
mod audit;
mod bots;
mod channel;
mod collections;
mod guild;
mod interaction;
mod message;
mod nonces;
mod pictures;
mod poll;
mod poll_end;
mod presence;
mod saved;
mod scheduled_event;
pub(crate) mod start;
mod user;
mod voice;

pub(crate) use application::Application;
pub(crate) use audit::{AuditEntry, Audited};
pub(crate) use channel::{Channel, Overwrite, Thread, kind};
pub use collections::Switches;
pub(crate) use collections::{
    ApplicationCollections, Collection, GuildCollections, InviteTargets, VoiceState,
    without_creator,
};
pub(crate) use guild::{Guild, Member, Role};
pub(crate) use interaction::{
    CalledCommand, Command, Interaction, Invite, OpenModal, Stage, Webhook,
};
pub(crate) use message::{Emoji, Message, Reaction, THREAD_STARTER, Upload, collect_components};
pub(crate) use pictures::Pictures;
pub(crate) use poll::Poll;
pub(crate) use presence::Presence;
pub use saved::SavedWorld;
pub(crate) use saved::save;
pub(crate) use user::User;

use super::errors::{ApiError, UNKNOWN_CHANNEL, UNKNOWN_GUILD, UNKNOWN_MESSAGE, UNKNOWN_USER};
use super::ids::{Id, Snowflakes, timestamp};
use super::lacking;
use crate::clock::Clock;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Something that Discord would dispatch.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// `MESSAGE_CREATE`
    pub(crate) name: &'static str,
    /// The dispatch's `d`.
    pub(crate) data: Value,
    /// The guild it happened in; none for direct channels and for the application itself.
    pub(crate) guild: Option<Id>,
    /// Only for those who see this channel.
    pub(crate) channel: Option<Id>,
    /// Which bots learn of it.
    pub(crate) audience: Audience,
    /// What is shown to some of them instead of `data`.
    pub(crate) views: Vec<(Id, Value)>,
}

/// Which bots may learn of an event, before intents and permissions decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// All of them.
    Everybody,
    /// This application alone.
    Only(Id),
    /// All but this application, which learns of the same in another event.
    AllBut(Id),
    /// None: the page and tests see it. Messages for one person's eyes.
    People,
}

/// All state of the simulated Discord.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct World {
    #[serde(skip, default = "Clock::system")]
    pub(crate) clock: Clock,
    /// `http://127.0.0.1:PORT`, for the addresses of attachments.
    pub(crate) address: String,
    /// What nobody knows who has not been told a token of this world's.
    pub(crate) secret: String,
    pub(crate) users: IndexMap<Id, User>,
    /// Those that were changed.
    pub(crate) presences: HashMap<Id, Presence>,
    pub(crate) guilds: IndexMap<Id, Guild>,
    pub(crate) channels: IndexMap<Id, Channel>,
    /// By channel, then by id, which is the order of time.
    pub(crate) messages: HashMap<Id, BTreeMap<Id, Message>>,
    pub(crate) commands: IndexMap<Id, Command>,
    pub(crate) interactions: IndexMap<Id, Interaction>,
    pub(crate) modals: HashMap<Id, OpenModal>,
    pub(crate) webhooks: IndexMap<Id, Webhook>,
    pub(crate) invites: IndexMap<String, Invite>,
    /// The files of attachments, by attachment.
    pub(crate) files: IndexMap<Id, Upload>,
    /// Emoji, avatars, icons and their like.
    pub(crate) pictures: Pictures,
    /// The bots that can connect, by application. There is always one.
    pub(crate) applications: IndexMap<Id, Application>,
    /// The first application, whose view people's clients and tests have.
    pub(crate) bot: Id,
    /// Who owns the applications and the first guild.
    pub(crate) owner: Id,
    /// How many messages of a channel are kept.
    #[serde(skip)]
    pub(crate) messages_kept: usize,
    /// How long an interaction waits for its first answer.
    #[serde(skip)]
    pub(crate) interaction_deadline: std::time::Duration,
    /// What `GET /gateway/bot` recommends.
    #[serde(skip)]
    pub(crate) shards: u32,
    #[serde(skip)]
    pub(crate) max_concurrency: u64,
    #[serde(skip)]
    pub(crate) outbox: Vec<Event>,
    /// Events that come from outside as they are, whatever they hold.
    #[serde(skip)]
    pub(crate) injected: Vec<Event>,
    /// The messages of its channel that answer a message, and show it.
    answers: HashMap<Id, Vec<Id>>,
    /// When which poll of which channel ends.
    open_polls: BTreeSet<(Duration, Id, Id)>,
    snowflakes: Snowflakes,
    #[serde(skip)]
    nonces: nonces::Nonces,
}

impl World {
    /// An id that was never used.
    pub(crate) fn new_id(&mut self) -> Id {
        self.snowflakes.next(self.clock.now())
    }

    /// The token of a webhook or an interaction, which is enough to speak for it.
    pub(crate) fn token_of(&self, kind: &str, id: Id) -> String {
        format!("sim-{kind}-{id:x}-{}", self.secret)
    }

    /// The present as Discord writes it.
    pub(crate) fn now(&self) -> String {
        timestamp(self.clock.now())
    }

    /// The channel, or Discord's error.
    pub(crate) fn channel(&self, id: Id) -> Result<&Channel, ApiError> {
        self.channels.get(&id).ok_or_else(|| UNKNOWN_CHANNEL.into())
    }

    /// The guild, if it exists and `actor` is in it.
    pub(crate) fn guild_for(&self, id: Id, actor: Id) -> Result<&Guild, ApiError> {
        let guild = self.guilds.get(&id).ok_or(UNKNOWN_GUILD)?;
        if guild.members.contains_key(&actor) {
            Ok(guild)
        } else {
            Err(lacking::not_a_member(self, guild, actor))
        }
    }

    /// The guild for a change.
    pub(crate) fn guild_mut(&mut self, id: Id) -> Result<&mut Guild, ApiError> {
        self.guilds.get_mut(&id).ok_or_else(|| UNKNOWN_GUILD.into())
    }

    /// The user, or Discord's error.
    pub(crate) fn user(&self, id: Id) -> Result<&User, ApiError> {
        self.users.get(&id).ok_or_else(|| UNKNOWN_USER.into())
    }

    /// The message if it exists and `viewer` may see it; Discord's error otherwise.
    pub(crate) fn message(&self, channel: Id, id: Id, viewer: Id) -> Result<&Message, ApiError> {
        let messages = self.messages.get(&channel);
        let message = messages.and_then(|messages| messages.get(&id));
        message
            .filter(|message| message.only_for.is_none_or(|one| one == viewer))
            .ok_or_else(|| UNKNOWN_MESSAGE.into())
    }

    /// The message for a change.
    pub(crate) fn message_mut(&mut self, channel: Id, id: Id) -> Result<&mut Message, ApiError> {
        let messages = self.messages.get_mut(&channel);
        messages
            .and_then(|messages| messages.get_mut(&id))
            .ok_or_else(|| UNKNOWN_MESSAGE.into())
    }

    /// Forgets the invites whose time is over. Discord tells nobody of that.
    pub(crate) fn end_invites(&mut self) {
        if !self.invites.is_empty() {
            let now = self.clock.now();
            self.invites
                .retain(|_, invite| invite.expires.is_none_or(|end| end > now));
        }
    }

    /// The guild that a channel is in.
    pub(crate) fn guild_of(&self, channel: Id) -> Option<Id> {
        self.channels
            .get(&channel)
            .and_then(|channel| channel.guild)
    }

    /// The channel's guild.
    pub(crate) fn home(&self, channel: &Channel) -> Option<&Guild> {
        channel.guild.and_then(|id| self.guilds.get(&id))
    }

    /// Dispatches something that everybody in the guild learns.
    pub(crate) fn tell_guild(&mut self, guild: Id, name: &'static str, data: Value) {
        self.outbox.push(Event {
            name,
            data,
            guild: Some(guild),
            channel: None,
            audience: Audience::Everybody,
            views: Vec::new(),
        });
    }

    /// Dispatches something that those who see the channel learn.
    pub(crate) fn tell_channel(&mut self, channel: Id, name: &'static str, data: Value) {
        self.outbox.push(Event {
            name,
            data,
            guild: self.guild_of(channel),
            channel: Some(channel),
            audience: Audience::Everybody,
            views: Vec::new(),
        });
    }
}
