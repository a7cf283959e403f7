//! What the gateway has told about guilds, channels, roles and members:
//!
//! ```text
//! a dispatch ─ apply (which part changes) ─ guild (one guild's parts) ─ mod (reads) ─▶ Discord's objects
//!                                              └ members (bounded)
//! ```
//!
//! A read takes a lock for the time of a look-up and shares what it finds; nothing is awaited, and
//! nothing is copied but a guild that is asked for as a whole.

mod apply;
mod guild;
mod members;

use super::permissions;
use crate::json::{Json, JsonRef};
use guild::Guild;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

/// What is known about the guilds that the bot is in. Clones share it.
#[derive(Clone, Default)]
pub struct Cache {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    table: RwLock<GuildTable>,
}

#[derive(Default)]
struct GuildTable {
    /// Each behind a lock of its own, so that a busy guild does not hinder another.
    guilds: HashMap<u64, Arc<RwLock<Guild>>>,
    /// Guilds of which only the id is known.
    awaited: HashSet<u64>,
    /// The guild of each channel and thread.
    channels: HashMap<u64, u64>,
    /// The bot's own user.
    bot: Option<Json>,
}

impl Cache {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a dispatch, by its name in cogs (`guild_create`) or on the wire (`GUILD_CREATE`). Unknown
    /// events are ignored.
    pub fn apply(&self, event_name: &str, data: &Json) {
        if let Some(event) = super::events::event(event_name) {
            apply::apply(self, event.gateway_name, data.view());
        }
    }

    /// Adds a guild that was requested from Discord, with its `channels` and `threads`. Until the gateway announces it,
    /// it is `unavailable`; data that the gateway has sent meanwhile is newer and stays.
    pub fn supplement(&self, guild: &Json) {
        apply::supplement(self, guild.view());
    }

    /// A guild with its roles; nothing when it is unknown. `unavailable` is true during an outage.
    pub fn guild(&self, id: &str) -> Option<Json> {
        self.look(id, |guild| Some(guild.whole()))
    }

    /// Whether more than the id of a guild is known.
    pub fn knows_guild(&self, id: &str) -> bool {
        number(id).and_then(|id| self.shelf(id)).is_some()
    }

    /// A guild's channel or active thread.
    pub fn channel(&self, id: &str) -> Option<Json> {
        let id = number(id)?;
        let guild = *self.table().channels.get(&id)?;
        let guild = self.shelf(guild)?;
        read(&guild).channels.get(&id).cloned()
    }

    /// A guild's role.
    pub fn role(&self, guild_id: &str, id: &str) -> Option<Json> {
        let id = number(id)?;
        self.look(guild_id, |guild| guild.roles.get(&id).cloned())
    }

    /// A member with `user` and `guild_id`. Known are the bot itself and members that were seen lately.
    pub fn member(&self, guild_id: &str, user_id: &str) -> Option<Json> {
        let id = number(user_id)?;
        self.look(guild_id, |guild| guild.members.get(id))
    }

    /// All channels of a guild, threads left out, in no order.
    pub fn channels(&self, guild_id: &str) -> Vec<Json> {
        let channels = |guild: &Guild| Some(guild.channels.values().cloned().collect());
        self.look(guild_id, channels).unwrap_or_default()
    }

    /// All roles of a guild, in no order.
    pub fn roles(&self, guild_id: &str) -> Vec<Json> {
        let roles = |guild: &Guild| Some(guild.roles.values().cloned().collect());
        self.look(guild_id, roles).unwrap_or_default()
    }

    /// A guild's own emoji.
    pub fn emojis(&self, guild_id: &str) -> Vec<Json> {
        let emojis =
            |guild: &Guild| Some(guild.own.list("emojis").map(JsonRef::detached).collect());
        self.look(guild_id, emojis).unwrap_or_default()
    }

    /// The known members for whom `fits` is true, in no order.
    pub fn members_where(&self, guild_id: &str, fits: impl Fn(&Json) -> bool) -> Vec<Json> {
        self.look(guild_id, |guild| {
            let members = guild.members.iter();
            Some(members.filter(|member| fits(member)).cloned().collect())
        })
        .unwrap_or_default()
    }

    /// The guild that a channel or thread belongs to.
    fn guild_of_channel(&self, channel_id: &str) -> Option<String> {
        let id = number(channel_id)?;
        self.table().channels.get(&id).map(u64::to_string)
    }

    /// What a known member may do in a channel or thread; nothing when one of them is unknown. The guild's owner is
    /// always known.
    pub fn permissions(&self, channel_id: &str, user_id: &str, now: Duration) -> Option<u64> {
        let guild_id = self.guild_of_channel(channel_id)?;
        if let Some(member) = self.member(&guild_id, user_id) {
            return self.permissions_of(channel_id, &member, now);
        }
        let is_owner = |guild: &Guild| Some(guild.own.str("owner_id") == Some(user_id));
        self.look(&guild_id, is_owner)?.then_some(permissions::ALL)
    }

    /// What a member with `user` may do in a channel or thread; nothing when that is unknown.
    pub fn permissions_of(&self, channel_id: &str, member: &Json, now: Duration) -> Option<u64> {
        let guild = self.guild(&self.guild_of_channel(channel_id)?)?;
        let channel = self.channel(channel_id)?;
        if channel.get("thread_metadata").is_none() {
            let (guild, channel) = (guild.view(), channel.view());
            return Some(permissions::in_channel(guild, channel, member.view(), now));
        }
        let parent = self.channel(channel.str("parent_id")?)?;
        let (guild, parent) = (guild.view(), parent.view());
        Some(permissions::in_thread(guild, parent, member.view(), now))
    }

    /// Whether one known member stands higher than another.
    pub fn outranks(&self, guild_id: &str, above: &str, below: &str) -> Option<bool> {
        let guild = self.guild(guild_id)?;
        let above = self.member(guild_id, above)?;
        let below = self.member(guild_id, below)?;
        let (above, below) = (above.view(), below.view());
        Some(permissions::outranks(guild.view(), above, below))
    }

    /// The bot's own user; nothing before the gateway is ready.
    pub fn bot(&self) -> Option<Json> {
        self.table().bot.clone()
    }

    /// The ids of all guilds that the bot is in, known or awaited.
    #[cfg(test)]
    fn guild_ids(&self) -> Vec<String> {
        let table = self.table();
        let ids = table.guilds.keys().chain(&table.awaited);
        ids.map(u64::to_string).collect()
    }

    /// How many guilds, channels and members are known.
    pub fn counts(&self) -> (usize, usize, usize) {
        let guilds: Vec<_> = self.table().guilds.values().cloned().collect();
        let members = guilds.iter().map(|guild| read(guild).members.len()).sum();
        (guilds.len(), self.table().channels.len(), members)
    }

    fn look<T>(&self, guild_id: &str, find: impl FnOnce(&Guild) -> Option<T>) -> Option<T> {
        let guild = self.shelf(number(guild_id)?)?;
        let guild = read(&guild);
        find(&guild)
    }

    fn shelf(&self, id: u64) -> Option<Arc<RwLock<Guild>>> {
        self.table().guilds.get(&id).cloned()
    }

    fn table(&self) -> RwLockReadGuard<'_, GuildTable> {
        read(&self.shared.table)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, GuildTable> {
        write(&self.shared.table)
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (guilds, channels, members) = self.counts();
        write!(
            formatter,
            "Cache({guilds} guilds, {channels} channels, {members} members)"
        )
    }
}

/// An id as a number: digits, and no sign before them.
fn number(id: &str) -> Option<u64> {
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    id.parse().ok().filter(|_| digits)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
