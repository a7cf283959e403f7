//! Limits the uses of a command in a time window, by user, member, channel, guild or for all.
//!
//! The times of the last uses are kept, command by command and scope by scope: every cooldown of a
//! scope reads the same times, so that several windows agree, an edited cooldown applies at once to
//! what was used before a reload, and a use can be given back. (`governor` spreads uses evenly
//! instead of counting them in a window, cannot give one back, and would need a limiter for each
//! command and cooldown that an edit throws away.)

use super::definition::{Cooldown, CooldownScope};
use crate::lock::lock;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// How many scopes are remembered at most; when there are more, those that are free soonest are forgotten.
const CAPACITY: usize = 100_000;

/// How many uses one window may count: each is remembered.
pub(super) const MAX_USES: u32 = 1_000;

/// Below this number nothing is swept.
const SWEPT_FROM: usize = 1_024;

/// Who called, and where: what the scopes are made of.
#[derive(Clone, Copy, Debug)]
pub struct ScopeIds<'a> {
    /// The caller's id.
    pub user: &'a str,
    /// The channel's id.
    pub channel: &'a str,
    /// The guild's id, in a guild.
    pub guild: Option<&'a str>,
}

/// One command in one scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    command: Box<str>,
    scope: CooldownScope,
    id: Box<str>,
}

impl Key {
    /// Outside of guilds a member is the user, and a guild is the channel.
    pub(super) fn new(command: &str, scope: CooldownScope, ids: &ScopeIds<'_>) -> Self {
        let id = match (scope, ids.guild) {
            (CooldownScope::User, _) | (CooldownScope::Member, None) => ids.user.into(),
            (CooldownScope::Member, Some(guild)) => format!("{guild} {}", ids.user).into(),
            (CooldownScope::Channel, _) | (CooldownScope::Guild, None) => ids.channel.into(),
            (CooldownScope::Guild, Some(guild)) => guild.into(),
            (CooldownScope::Global, _) => "".into(),
        };
        Self {
            command: command.into(),
            scope,
            id,
        }
    }
}

/// The uses of all commands. It survives every reload, because it knows commands only by their names.
#[derive(Debug)]
pub struct Cooldowns {
    uses: Mutex<Uses>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Uses {
    by_key: HashMap<Key, RecentUses>,
    /// The number of keys at which the next sweep is due.
    sweep_at: usize,
}

/// The last uses of one command in one scope.
#[derive(Debug, Default)]
struct RecentUses {
    /// Oldest first.
    times: VecDeque<Duration>,
    /// When the last of them no longer counts.
    free_at: Duration,
}

/// A use that was taken; [`Cooldowns::refund`] gives it back.
#[derive(Debug)]
#[must_use = "a use that is not kept cannot be refunded"]
pub struct Taken {
    keys: Vec<Key>,
    at: Duration,
}

impl Cooldowns {
    /// Nothing was used yet.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            uses: Mutex::default(),
            capacity,
        }
    }

    /// Takes one use from every cooldown of `command` (the words that call it, `tag add`), or from
    /// none of them when one has none left: the error is the time until all have. `now` is the time
    /// since the Unix epoch.
    pub fn take(
        &self,
        command: &str,
        ids: &ScopeIds<'_>,
        cooldowns: &[Cooldown],
        now: Duration,
    ) -> Result<Taken, Duration> {
        let mut uses = self.lock();
        let mut left = Duration::ZERO;
        for cooldown in cooldowns {
            let key = Key::new(command, cooldown.scope, ids);
            if let Some(recent) = uses.by_key.get_mut(&key) {
                left = left.max(recent.left(cooldown, now));
            }
        }
        if left > Duration::ZERO {
            return Err(left);
        }
        let mut keys: Vec<Key> = Vec::new();
        for cooldown in cooldowns {
            let key = Key::new(command, cooldown.scope, ids);
            let recent = uses.by_key.entry(key.clone()).or_default();
            if !keys.contains(&key) {
                recent.times.push_back(now);
                keys.push(key);
            }
            recent.free_at = recent.free_at.max(now.saturating_add(cooldown.per));
        }
        for key in &keys {
            let kept = cooldowns
                .iter()
                .filter(|cooldown| cooldown.scope == key.scope)
                .map(counted)
                .max();
            if let Some(recent) = uses.by_key.get_mut(key) {
                let surplus = recent.times.len().saturating_sub(kept.unwrap_or(1));
                recent.times.drain(..surplus);
            }
        }
        uses.sweep(self.capacity, now);
        Ok(Taken { keys, at: now })
    }

    /// Takes back what [`Cooldowns::take`] counted.
    pub fn refund(&self, taken: Taken) {
        let mut uses = self.lock();
        for key in taken.keys {
            let Some(recent) = uses.by_key.get_mut(&key) else {
                continue;
            };
            if let Some(at) = recent.times.iter().rposition(|time| *time == taken.at) {
                recent.times.remove(at);
            }
            if recent.times.is_empty() {
                uses.by_key.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Uses> {
        lock(&self.uses)
    }
}

impl Default for Cooldowns {
    fn default() -> Self {
        Self::new()
    }
}

/// The uses that a cooldown counts.
fn counted(cooldown: &Cooldown) -> usize {
    usize::try_from(cooldown.uses.clamp(1, MAX_USES)).unwrap_or(1)
}

impl RecentUses {
    /// How long until `cooldown` has a use again; zero when it has one now.
    fn left(&mut self, cooldown: &Cooldown, now: Duration) -> Duration {
        // A clock that was set back would otherwise lock users out until it catches up.
        self.times.retain(|time| *time <= now);
        let oldest_that_counts = self
            .times
            .len()
            .checked_sub(counted(cooldown))
            .and_then(|index| self.times.get(index));
        oldest_that_counts.map_or(Duration::ZERO, |time| {
            time.saturating_add(cooldown.per).saturating_sub(now)
        })
    }
}

impl Uses {
    /// Forgets uses that no longer count; a sweep is due when the number of keys has doubled since the last.
    fn sweep(&mut self, capacity: usize, now: Duration) {
        if self.by_key.len() < self.sweep_at.max(SWEPT_FROM).min(capacity) {
            return;
        }
        self.by_key.retain(|_, recent| recent.free_at > now);
        if self.by_key.len() >= capacity {
            self.forget_soonest(capacity - capacity / 8);
        }
        self.sweep_at = self.by_key.len() * 2;
    }

    fn forget_soonest(&mut self, keep: usize) {
        let mut times: Vec<Duration> = self.by_key.values().map(|recent| recent.free_at).collect();
        let surplus = times.len().saturating_sub(keep);
        if surplus == 0 {
            return;
        }
        let (_, limit, _) = times.select_nth_unstable(surplus - 1);
        let limit = *limit;
        let mut left = surplus;
        self.by_key.retain(|_, recent| {
            let forgotten = left > 0 && recent.free_at <= limit;
            left -= usize::from(forgotten);
            !forgotten
        });
    }
}

#[cfg(test)]
mod tests;
