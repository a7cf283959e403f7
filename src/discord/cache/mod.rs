//! What the gateway has told about guilds, channels, roles and members:
//!
//! ```text
//! a guild ─ announcement (read from its text) ┐
//! a dispatch ─ apply (which part changes) ────┴ guild (one guild's parts) ─ mod (reads) ─▶ Discord's objects
//!                                                └ members (bounded)
//! ```
//!
//! A read takes a lock for the time of a look-up, and nothing is awaited. It copies the channel or the role that it
//! finds, and shares a guild or a member: what somebody holds keeps nothing else of the cache alive.

mod announcement;
mod apply;
mod guild;
mod members;

use super::event::Event;
use super::permissions;
use crate::hash::{HashMap, HashSet};
use crate::json::{Json, JsonRef};
use announcement::Announcement;
use guild::Guild;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

/// What is known about the guilds that the bot is in. Clones share it.
#[derive(Clone, Default)]
pub struct Cache {
    table: Arc<RwLock<GuildTable>>,
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

impl GuildTable {
    /// How many guilds there are, with those of which only the id is known.
    fn size(&self) -> usize {
        self.guilds.len() + self.awaited.len()
    }
}

impl Cache {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a dispatch. Of an event that changes nothing here the data is not read, and of a guild that is
    /// announced, only what is kept.
    pub fn hear(&self, event: &Event) {
        match super::events::event(&event.name).map(|event| event.gateway_name) {
            Some("GUILD_CREATE") => {
                if let Some(told) = event.read_as() {
                    apply::announce(self, &told);
                }
            }
            Some(name) => apply::apply(self, name, || event.data().view()),
            None => {}
        }
    }

    /// Takes in data as a dispatch would have it, by the event's name in cogs (`guild_update`). Guilds come by
    /// [`Self::hear`] and [`Self::supplement`].
    pub fn apply(&self, event_name: &str, data: &Json) {
        if let Some(event) = super::events::event(event_name) {
            apply::apply(self, event.gateway_name, || data.view());
        }
    }

    /// Adds a guild that was requested from Discord, with its `channels` and `threads`. Until the gateway announces it,
    /// it is `unavailable`; data that the gateway has sent meanwhile is newer and stays.
    pub fn supplement(&self, guild: &Json) {
        // Guilds come as texts, but for the few that are asked for.
        let text = serde_json::to_string(guild).unwrap_or_default();
        if let Ok(told) = serde_json::from_str::<Announcement<'_>>(&text) {
            apply::supplement(self, &told);
        }
    }

    /// A guild with its roles; nothing when it is unknown. `unavailable` is true during an outage.
    pub fn guild(&self, id: &str) -> Option<Json> {
        self.look(id, |guild| Some(guild.own().clone()))
    }

    /// Whether more than the id of a guild is known.
    pub fn knows_guild(&self, id: &str) -> bool {
        number(id).and_then(|id| self.shelf(id)).is_some()
    }

    /// A guild's channel or active thread.
    pub fn channel(&self, id: &str) -> Option<Json> {
        let id = number(id)?;
        let guild = self.shelf_of_channel(id)?;
        read(&guild).channel(id)
    }

    /// A guild's role.
    pub fn role(&self, guild_id: &str, id: &str) -> Option<Json> {
        let id = number(id)?;
        self.look(guild_id, |guild| guild.role(id).map(JsonRef::detached))
    }

    /// A member with `user` and `guild_id`. Known are the bot itself and members that were seen lately.
    pub fn member(&self, guild_id: &str, user_id: &str) -> Option<Json> {
        let id = number(user_id)?;
        self.look(guild_id, |guild| guild.members.get(id))
    }

    /// All channels of a guild, threads left out, in no order.
    pub fn channels(&self, guild_id: &str) -> Vec<Json> {
        let channels = |guild: &Guild| Some(guild.channels().collect());
        self.look(guild_id, channels).unwrap_or_default()
    }

    /// All roles of a guild, in no order.
    pub fn roles(&self, guild_id: &str) -> Vec<Json> {
        let roles = |guild: &Guild| Some(guild.roles().map(JsonRef::detached).collect());
        self.look(guild_id, roles).unwrap_or_default()
    }

    /// A guild's own emoji.
    pub fn emojis(&self, guild_id: &str) -> Vec<Json> {
        let emojis =
            |guild: &Guild| Some(guild.own().list("emojis").map(JsonRef::detached).collect());
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

    /// What a known member may do in a channel or thread; nothing when one of them is unknown. The guild's owner is
    /// always known.
    pub fn permissions(&self, channel_id: &str, user_id: &str, now: Duration) -> Option<u64> {
        let id = number(channel_id)?;
        let guild = self.shelf_of_channel(id)?;
        let guild = read(&guild);
        if let Some(member) = number(user_id).and_then(|user| guild.members.get(user)) {
            return guild.permissions_of(id, member.view(), now);
        }
        let is_owner = guild.own().str("owner_id") == Some(user_id);
        is_owner.then_some(permissions::ALL)
    }

    /// What a member with `user` may do in a channel or thread; nothing when that is unknown.
    pub fn permissions_of(&self, channel_id: &str, member: &Json, now: Duration) -> Option<u64> {
        let id = number(channel_id)?;
        let guild = self.shelf_of_channel(id)?;
        read(&guild).permissions_of(id, member.view(), now)
    }

    /// Whether one known member stands higher than another.
    pub fn outranks(&self, guild_id: &str, above: &str, below: &str) -> Option<bool> {
        let (above, below) = (number(above)?, number(below)?);
        self.look(guild_id, |guild| {
            let (above, below) = (guild.members.get(above)?, guild.members.get(below)?);
            let guild = guild.own().view();
            Some(permissions::outranks(guild, above.view(), below.view()))
        })
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

    /// The guild that a channel or thread belongs to.
    fn shelf_of_channel(&self, id: u64) -> Option<Arc<RwLock<Guild>>> {
        let table = self.table();
        table.guilds.get(table.channels.get(&id)?).cloned()
    }

    fn shelf(&self, id: u64) -> Option<Arc<RwLock<Guild>>> {
        self.table().guilds.get(&id).cloned()
    }

    fn table(&self) -> RwLockReadGuard<'_, GuildTable> {
        read(&self.table)
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, GuildTable> {
        write(&self.table)
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
