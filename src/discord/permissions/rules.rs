//! Computes permissions as Discord documents it, on plain values, which the bot takes from its cache and the simulator
//! from its world.

use super::table::{
    ADMINISTRATOR, ALL, ATTACH_FILES, CONNECT, EMBED_LINKS, MANAGE_CHANNELS, MANAGE_ROLES,
    MENTION_EVERYONE, OF_CHANNELS, OF_VOICE, READ_MESSAGE_HISTORY, SEND_MESSAGES,
    SEND_MESSAGES_IN_THREADS, SEND_TTS_MESSAGES, VIEW_CHANNEL,
};
use std::cmp::Reverse;
use std::time::Duration;

/// The permissions that a member keeps during a time-out.
const TIMED_OUT: u64 = VIEW_CHANNEL | READ_MESSAGE_HISTORY;

/// The permissions that need the permission to send.
const NEEDS_SENDING: u64 = MENTION_EVERYONE | SEND_TTS_MESSAGES | ATTACH_FILES | EMBED_LINKS;

/// The permissions in a voice channel that need the permission to connect.
const NEEDS_CONNECTING: u64 = OF_VOICE | MANAGE_CHANNELS | MANAGE_ROLES;

/// A member, as far as permissions depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The guild is theirs.
    pub is_owner: bool,
    /// What `@everyone` and all of their roles allow, together.
    pub roles: u64,
    /// They are timed out.
    pub is_timed_out: bool,
}

/// What a channel allows or denies to one role or member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwrite {
    /// The role or the member.
    pub id: u64,
    /// Whether it is for a member: the id alone does not say whether it is a member's or a role's.
    pub for_member: bool,
    /// What it grants.
    pub allow: u64,
    /// What it takes.
    pub deny: u64,
}

/// The kinds of channel that differ in what follows from the overwrites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Text and everything that has no rule of its own.
    Text,
    /// Voice and stage.
    Voice,
    /// A thread, whose overwrites are those of its parent.
    Thread,
}

impl ChannelKind {
    /// By Discord's type of channel.
    pub fn of_type(number: u64) -> Self {
        match number {
            2 | 13 => Self::Voice,
            10..=12 => Self::Thread,
            _ => Self::Text,
        }
    }
}

/// What one member is granted and denied in a channel, in the order in which it applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    everyone: LayerChange,
    roles: LayerChange,
    member: LayerChange,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LayerChange {
    allow: u64,
    deny: u64,
}

impl LayerChange {
    fn add(&mut self, overwrite: Overwrite) {
        self.allow |= overwrite.allow & OF_CHANNELS;
        self.deny |= overwrite.deny & OF_CHANNELS;
    }

    fn apply(self, held: u64) -> u64 {
        (held & !self.deny) | self.allow
    }
}

impl Layers {
    /// The overwrites that concern `user`, who holds the roles for which `holds` is true.
    pub fn of(
        guild: u64,
        user: u64,
        holds: impl Fn(u64) -> bool,
        overwrites: impl IntoIterator<Item = Overwrite>,
    ) -> Self {
        let mut layers = Self::default();
        for overwrite in overwrites {
            if overwrite.for_member {
                if overwrite.id == user {
                    layers.member.add(overwrite);
                }
            } else if overwrite.id == guild {
                layers.everyone.add(overwrite);
            } else if holds(overwrite.id) {
                layers.roles.add(overwrite);
            }
        }
        layers
    }
}

/// What a member may do in a guild as a whole.
pub fn in_guild(standing: Standing) -> u64 {
    if standing.is_owner || standing.roles & ADMINISTRATOR != 0 {
        ALL
    } else if standing.is_timed_out {
        standing.roles & TIMED_OUT
    } else {
        standing.roles
    }
}

/// What a member may do in a channel, with the implied rules. In a thread, `send_messages` is whether they may send
/// there, which `send_messages_in_threads` decides.
pub fn in_channel(standing: Standing, layers: Layers, place: ChannelKind) -> u64 {
    if standing.is_owner || standing.roles & ADMINISTRATOR != 0 {
        return ALL;
    }
    let changes = [layers.everyone, layers.roles, layers.member];
    let mut held = changes
        .iter()
        .fold(standing.roles, |held, change| change.apply(held));
    if standing.is_timed_out {
        held &= TIMED_OUT;
    }
    if place == ChannelKind::Thread {
        held &= !SEND_MESSAGES;
        if held & SEND_MESSAGES_IN_THREADS != 0 {
            held |= SEND_MESSAGES;
        }
    }
    if held & VIEW_CHANNEL == 0 {
        return 0;
    }
    if held & SEND_MESSAGES == 0 {
        held &= !NEEDS_SENDING;
    }
    if place == ChannelKind::Voice && held & CONNECT == 0 {
        held &= !NEEDS_CONNECTING;
    }
    held
}

/// Whether a time-out that lasts until `until`, as Discord writes times, holds at `now` since the epoch.
pub fn is_timed_out(until: Option<&str>, now: Duration) -> bool {
    let until = until.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let now = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX);
    until.is_some_and(|until| until.as_nanosecond() > now)
}

/// How high a role stands: by position, and of two at one position the older is the higher.
pub type Rank = (i64, Reverse<u64>);

/// The rank of the highest of these roles (position and id); without any, that of `@everyone`.
pub fn highest(roles: impl IntoIterator<Item = (i64, u64)>) -> Rank {
    let ranks = roles
        .into_iter()
        .map(|(position, id)| (position, Reverse(id)));
    ranks.max().unwrap_or((0, Reverse(u64::MAX)))
}
