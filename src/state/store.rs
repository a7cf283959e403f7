//! Opens the database, keeps the namespaces, closes it.

use super::account::Account;
use super::journal::{Journal, flush};
use super::spaces::Spaces;
use super::tree::Space;
use super::writer::Outbox;
use super::{
    CommitHandle, Forgotten, Loaded, Namespace, SqliteBackend, StateBackend, StateError,
    StateLimits, StateScope, View,
};
use std::path::PathBuf;
use std::sync::Arc;

/// How a store is opened.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// The database file; nothing keeps everything in memory.
    pub path: Option<PathBuf>,
    /// The limits of each namespace.
    pub limits: StateLimits,
}

/// All state of a bot. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    spaces: Spaces,
    outbox: Option<Arc<Outbox>>,
}

impl Store {
    /// Opens the database and loads all of it. Blocks for as long as that takes.
    pub fn open(options: StoreOptions) -> Result<Self, StateError> {
        let Some(path) = options.path else {
            return Ok(Self {
                spaces: Spaces::new(options.limits, false),
                outbox: None,
            });
        };
        let mut backend = SqliteBackend::open(&path)?;
        let loaded = backend.load_now()?;
        Self::start(Box::new(backend), loaded, options.limits)
    }

    /// Opens a store on another database.
    pub async fn with_backend(
        mut backend: impl StateBackend,
        limits: StateLimits,
    ) -> Result<Self, StateError> {
        let loaded = backend.load().await?;
        Self::start(Box::new(backend), loaded, limits)
    }

    fn start(
        backend: Box<dyn StateBackend>,
        loaded: Loaded,
        limits: StateLimits,
    ) -> Result<Self, StateError> {
        let spaces = Spaces::new(limits, true);
        for (namespace, version) in loaded.versions {
            spaces.get(&namespace, true).lock().load_version(version);
        }
        for (namespace, scopes) in loaded.scopes {
            spaces.get(&namespace, true).load(scopes);
        }
        for (namespace, writer, charged) in loaded.writers {
            let account = spaces.account(&writer);
            spaces.get(&namespace, true).load_writer(&account, charged);
        }
        let rate = limits.write_bytes_per_second;
        let outbox = Outbox::start(backend, rate).map_err(|error| StateError::Open {
            path: "state".into(),
            reason: format!("its thread does not start: {error}"),
        })?;
        Ok(Self {
            spaces,
            outbox: Some(Arc::new(outbox)),
        })
    }

    /// A view of a namespace, for a VM that has none yet; see [`View::beside`].
    pub fn view(&self, namespace: &Namespace) -> View {
        self.on(self.spaces.get(namespace, true))
    }

    /// The same in memory only: it survives reloads, not restarts. It has nothing in common with the stored
    /// namespace of that name.
    pub fn session(&self, namespace: &Namespace) -> View {
        self.on(self.spaces.get(namespace, false))
    }

    fn on(&self, space: Arc<Space>) -> View {
        let writer = self.spaces.account(&space.name);
        let journal = Arc::new(Journal::new(self.outbox.clone(), writer));
        View::new(space, journal, self.spaces.clone())
    }

    /// Removes everything that is stored for a user, in every namespace and session, also of cogs that do not run;
    /// `forget.rs` says what that is. Returns where there was something.
    pub fn forget_user(&self, user: u64) -> (Vec<Forgotten>, CommitHandle) {
        let spaces = self.spaces.all();
        let nobody = nobody();
        let forgotten = spaces.iter().map(|space| Forgotten {
            namespace: space.name.clone(),
            entries: space.forget(&nobody, StateScope::User(user)),
        });
        let forgotten = forgotten.filter(|it| it.entries > 0).collect();
        (forgotten, self.flush())
    }

    /// The bytes that a namespace holds; see [`StateTable::bytes`](super::StateTable::bytes).
    pub fn usage(&self, namespace: &Namespace) -> usize {
        let space = self.spaces.find(namespace);
        space.map_or(0, |space| space.lock().bytes())
    }

    /// The version that a namespace's data has: 0 if it never had one.
    pub fn version(&self, namespace: &Namespace) -> u32 {
        let space = self.spaces.find(namespace);
        space.map_or(0, |space| space.lock().version())
    }

    /// The stored namespaces that have ever been viewed or written, by name.
    pub fn namespaces(&self) -> Vec<Namespace> {
        let spaces = self.spaces.all();
        let stored = spaces.iter().filter(|space| space.is_stored);
        let mut names: Vec<_> = stored.map(|space| space.name.clone()).collect();
        names.sort_unstable();
        names
    }

    /// Changes the limits from the next write on.
    pub fn set_limits(&self, limits: StateLimits) {
        self.spaces.set_limits(limits);
        for space in self.spaces.all() {
            space.lock().set_limits(limits);
        }
        if let Some(outbox) = &self.outbox {
            outbox.set_rate(limits.write_bytes_per_second);
        }
    }

    /// Writes what is left and closes the database: it may be opened again when this returns. An error says
    /// what could not be written.
    pub async fn close(&self) -> Result<(), StateError> {
        let Some(outbox) = &self.outbox else {
            return Ok(());
        };
        drop(self.flush());
        outbox.close().await
    }

    /// Sends everything to the writer, of all cogs.
    fn flush(&self) -> CommitHandle {
        let Some(outbox) = &self.outbox else {
            return CommitHandle::ready();
        };
        let mut spaces = self.spaces.all();
        spaces.retain(|space| space.is_stored);
        flush(&spaces, outbox, &nobody(), false)
    }
}

/// An account for the bot's own writes, which are not charged to any cog.
fn nobody() -> Arc<Account> {
    Arc::new(Account::new(Namespace::new("")))
}
