//! What each server has set for itself: prefix, language, commands and cogs that are off or limited there.
//!
//! ```text
//! here (which server has set what; kept in the bot's database) ─ rules (may this be called there?)
//!                                                              └ prefix (what may be one)
//! ```
//!
//! Asked for with each message, so all of it is in memory: an entry for each server that has set something, which is
//! bounded ([`MOST_RULES`], [`MOST_PLACES`]).

mod prefix;
mod rules;

pub use prefix::{LONGEST_PREFIX, PrefixFault, prefix_fault};
pub use rules::{Place, Rule, Settings, Subject, Verdict};

use crate::commands::parse::first_letter;
use crate::hash::PersistentMap;
use crate::lock::lock;
use crate::state::{Key, KeyRef, Namespace, ScopeKind, StateError, StateScope, Store, Value, View};
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// How many commands and cogs may be off or limited in one server.
pub const MOST_RULES: usize = 100;
/// To how many channels and roles together one of them may be limited.
pub const MOST_PLACES: usize = 20;

/// The host's own namespace: no cog has a name with a colon.
const NAMESPACE: &str = "host:servers";
/// The entry of a server's scope that holds its settings.
const KEY: &str = "settings";

/// What all servers have set.
#[derive(Debug)]
pub struct GuildSettings {
    view: Mutex<View>,
    known: ArcSwap<Known>,
}

/// What is set, by server.
#[derive(Debug, Default)]
struct Known {
    settings: PersistentMap<u64, Arc<Settings>>,
    /// The first letters of the prefixes.
    first_letters: BTreeSet<char>,
}

impl Known {
    fn new(settings: PersistentMap<u64, Arc<Settings>>) -> Self {
        let prefixes = settings.values().filter_map(|it| it.prefix.as_deref());
        Self {
            first_letters: prefixes.filter_map(first_letter).collect(),
            settings,
        }
    }
}

impl GuildSettings {
    /// What is kept in `store`.
    pub fn open(store: &Store) -> Self {
        let view = store.view(&Namespace::new(NAMESPACE));
        let mut known = PersistentMap::default();
        for (scope, table) in view.stored_scopes(ScopeKind::Guild, None) {
            let StateScope::Guild(guild) = scope else {
                continue;
            };
            match read(table.get(KeyRef::Str(KEY.as_bytes()))) {
                Ok(settings) => known.insert_mut(guild, Arc::new(settings)),
                Err(error) => {
                    tracing::warn!(guild, %error, "The settings of a server cannot be read, so it has none");
                }
            }
        }
        Self {
            view: Mutex::new(view),
            known: ArcSwap::from_pointee(Known::new(known)),
        }
    }

    /// What a server has set; nothing outside of servers, and for most servers.
    pub fn of(&self, guild: Option<&str>) -> Option<Arc<Settings>> {
        let known = self.known.load();
        if known.settings.is_empty() {
            return None;
        }
        known.settings.get(&guild?.parse().ok()?).cloned()
    }

    /// The same by the server's number; 0 is none.
    pub fn of_id(&self, guild: u64) -> Option<Arc<Settings>> {
        self.known.load().settings.get(&guild).cloned()
    }

    /// Whether a server's prefix begins with this letter.
    pub fn is_first_of_a_prefix(&self, letter: char) -> bool {
        self.known.load().first_letters.contains(&letter)
    }

    /// Whether no server has set anything.
    pub fn is_empty(&self) -> bool {
        self.known.load().settings.is_empty()
    }

    /// Changes what a server has set. Returns when it is on the disk.
    pub async fn change(
        &self,
        guild: u64,
        change: impl FnOnce(&mut Settings),
    ) -> Result<(), StateError> {
        let flushed = {
            let view = lock(&self.view);
            let known = &self.known.load().settings;
            let mut settings = known
                .get(&guild)
                .map(|it| Settings::clone(it))
                .unwrap_or_default();
            change(&mut settings);
            let scope = StateScope::Guild(guild);
            let is_empty = settings == Settings::default();
            let stored = (!is_empty).then(|| written(&settings));
            // A write of the host's own: the limits of cogs are not meant for it.
            view.keep(&scope, &[Key::Str(KEY.into())], stored)?;
            let next = if is_empty {
                known.remove(&guild)
            } else {
                known.insert(guild, Arc::new(settings))
            };
            self.known.store(Arc::new(Known::new(next)));
            view.flush()
        };
        flushed.committed().await
    }
}

fn read(stored: Option<&Value>) -> Result<Settings, String> {
    let Some(Value::String(text)) = stored else {
        return Err("they are no text".to_owned());
    };
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

fn written(settings: &Settings) -> Value {
    let text = serde_json::to_string(settings).unwrap_or_default();
    text.as_str().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::text::Language;
    use crate::state::StoreOptions;

    #[tokio::test]
    async fn settings_are_kept_until_nothing_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            Store::open(StoreOptions {
                path: Some(folder.path().join("state.db")),
                ..StoreOptions::default()
            })
            .unwrap()
        };
        let store = open();
        let settings = GuildSettings::open(&store);
        assert!(settings.is_empty() && settings.of(Some("7")).is_none());
        settings
            .change(7, |it| {
                it.language = Some(Language::Indonesian);
                it.set("command:ping".parse().unwrap(), Some(Rule::Off));
            })
            .await
            .unwrap();
        store.close().await.unwrap();
        let store = open();
        let settings = GuildSettings::open(&store);
        let kept = settings.of(Some("7")).unwrap();
        assert_eq!(kept.language, Some(Language::Indonesian));
        assert!(kept.is_off("ping", "x"));
        assert!(settings.of(Some("8")).is_none() && settings.of(None).is_none());
        settings
            .change(7, |it| *it = Settings::default())
            .await
            .unwrap();
        assert!(settings.is_empty());
        store.close().await.unwrap();
        let store = open();
        assert!(GuildSettings::open(&store).is_empty());
    }
}
