//! The servers in which commands are listed because of `bot.dev_guilds`, kept in a file: one that is taken out of the
//! configuration while the bot is not running loses its commands when it runs again.

use crate::files;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use tracing::warn;

/// A file with more bytes than this is not read: the bot never writes one so large.
const MOST_BYTES: u64 = 1 << 20;

/// Ids of servers.
#[derive(Debug, Default)]
pub(super) struct Places {
    guilds: BTreeSet<String>,
    /// Where they are kept; nothing keeps them in memory.
    path: Option<PathBuf>,
}

impl Places {
    /// Those that are kept in a file. If it is missing or damaged, none are known.
    pub(super) fn open(path: Option<PathBuf>) -> Self {
        let text = path
            .as_deref()
            .and_then(|path| files::read(path, MOST_BYTES).ok());
        let guilds = text.and_then(|text| serde_json::from_slice(&text).ok());
        Self {
            guilds: guilds.unwrap_or_default(),
            path,
        }
    }

    /// Those that are in the list no more.
    pub(super) fn former(&self, wanted: &[String]) -> Vec<String> {
        let former = self.guilds.iter().filter(|id| !wanted.contains(id));
        former.cloned().collect()
    }

    /// Commands will be listed there.
    pub(super) fn add(&mut self, guild: &str) {
        if self.guilds.insert(guild.to_owned()) {
            self.save();
        }
    }

    /// No commands are listed there any more.
    pub(super) fn remove(&mut self, guild: &str) {
        if self.guilds.remove(guild) {
            self.save();
        }
    }

    fn save(&self) {
        let Some(path) = &self.path else {
            return;
        };
        let text = serde_json::to_vec(&self.guilds).unwrap_or_default();
        if let Err(error) = files::replace(path, |temporary| fs::write(temporary, &text)) {
            let path = path.display();
            warn!(%path, %error, "The record of the servers in bot.dev_guilds cannot be written; one that is taken out while the bot is not running may keep the bot's commands");
        }
    }
}
