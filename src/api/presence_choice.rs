//! Who decides what Discord shows of the bot. It is told to Discord by whoever waits for `changed`.

use crate::config::{Config, Presence};
use crate::lock::lock;
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The choice of the cog that has asked last, if one has.
#[derive(Debug, Default)]
pub struct PresenceChoice {
    of_cog: Mutex<Option<(Arc<str>, Presence)>>,
    /// Rings when something else may be to be shown.
    pub changed: Notify,
}

impl PresenceChoice {
    /// A cog has chosen.
    pub(super) fn choose(&self, cog: &Arc<str>, presence: Presence) {
        *lock(&self.of_cog) = Some((Arc::clone(cog), presence));
        self.changed.notify_one();
    }

    /// A cog was unloaded: its choice is no longer wanted.
    pub fn release(&self, cog: &str) {
        let mut of_cog = lock(&self.of_cog);
        if of_cog.as_ref().is_some_and(|(name, _)| **name == *cog) {
            *of_cog = None;
            self.changed.notify_one();
        }
    }

    /// What is to be shown.
    pub fn now(&self, config: &Config) -> Presence {
        let of_cog = lock(&self.of_cog);
        let chosen = of_cog.as_ref().map(|(_, presence)| presence.clone());
        chosen.unwrap_or_else(|| config.bot.presence.clone())
    }
}
