//! The members of one guild that were seen lately, never more than a bound.

use crate::hash::HashMap;
use crate::json::Json;

/// As many members are kept of one guild, at most.
pub(super) const OF_A_GUILD: usize = 1_000;

/// As many members are kept of all guilds together, roughly; a member takes about a kilobyte.
pub(super) const OF_ALL: usize = 50_000;

/// However many guilds there are, each keeps so many.
const LEAST: usize = 20;

/// Two generations: when the young one has half of the maximum, it becomes the old one, and members of the former old
/// one that were not seen again are forgotten.
#[derive(Default)]
pub(super) struct Members {
    /// The bot's own member, which is never forgotten: permissions depend on it.
    own: Option<(u64, Json)>,
    young: HashMap<u64, Json>,
    old: HashMap<u64, Json>,
}

impl Members {
    /// How many members are kept of one of so many guilds.
    pub(super) fn bound(guilds: usize) -> usize {
        (OF_ALL / guilds.max(1)).clamp(LEAST, OF_A_GUILD)
    }

    pub(super) fn get(&self, id: u64) -> Option<Json> {
        let own = self.own.as_ref().filter(|(own, _)| *own == id);
        let own = own.map(|(_, member)| member);
        own.or_else(|| self.young.get(&id))
            .or_else(|| self.old.get(&id))
            .cloned()
    }

    pub(super) fn insert_own(&mut self, id: u64, member: Json) {
        self.own = Some((id, member));
    }

    /// `guilds`: among how many guilds the room is shared.
    pub(super) fn insert(&mut self, id: u64, member: Json, guilds: usize) {
        self.old.remove(&id);
        self.young.insert(id, member);
        if self.young.len() >= Self::bound(guilds) / 2 {
            self.old = std::mem::take(&mut self.young);
        }
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.young.remove(&id);
        self.old.remove(&id);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Json> {
        let own = self.own.as_ref().map(|(_, member)| member);
        let seen = self.young.values().chain(self.old.values());
        own.into_iter().chain(seen)
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.own.is_some()) + self.young.len() + self.old.len()
    }
}
