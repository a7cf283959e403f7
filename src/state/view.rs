//! What one VM reads and writes through.

use super::forget;
use super::journal::Journal;
use super::operations::{Change, Operation};
use super::outdated::{self, Outdated};
use super::spaces::Spaces;
use super::tree::{Space, is_listed};
use super::write;
use super::{
    CommitHandle, Defaults, DefaultsOf, Key, KeyRef, Namespace, ScopeKind, StateError, StateScope,
    StateTable, Text, Value, render_path,
};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::time::Instant;

/// One VM's view of one namespace. Clones share it.
///
/// Without a stage or transaction, writes go to the tree at once. All views of a VM are made from its first one with
/// [`View::beside`] and [`View::session_beside`]: then its writes between two flushes become durable together, and its
/// transactions and its stage span them all. In a shared namespace, another VM's flush may include the first half of
/// the writes between two yields; a transaction is never split.
#[derive(Clone, Debug)]
pub struct View(Arc<Inner>, u32);

#[derive(Debug)]
struct Inner {
    space: Arc<Space>,
    journal: Arc<Journal>,
    defaults: ArcSwap<Defaults>,
    spaces: Spaces,
}

impl View {
    pub(super) fn new(space: Arc<Space>, journal: Arc<Journal>, spaces: Spaces) -> Self {
        journal.join(&space);
        let inner = Inner {
            space,
            journal,
            defaults: ArcSwap::default(),
            spaces,
        };
        Self(Arc::new(inner), 0)
    }

    /// The same view for code of this version: entries that begin with what it writes are of it.
    #[must_use]
    pub fn at_version(mut self, version: u32) -> Self {
        self.1 = version;
        self
    }

    /// Another namespace for the same VM.
    #[must_use]
    pub fn beside(&self, namespace: &Namespace) -> Self {
        self.on(self.0.spaces.get(namespace, true))
    }

    /// Another namespace, in memory only, for the same VM.
    #[must_use]
    pub fn session_beside(&self, namespace: &Namespace) -> Self {
        self.on(self.0.spaces.get(namespace, false))
    }

    fn on(&self, space: Arc<Space>) -> Self {
        Self::new(space, Arc::clone(&self.0.journal), self.0.spaces.clone())
    }

    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.0.space.name
    }

    /// What this view shows where nothing is stored. Other views of the namespace have their own, so that a
    /// reload that fails has changed nothing.
    pub fn defaults(&self) -> Arc<Defaults> {
        self.0.defaults.load_full()
    }

    /// Replaces the defaults.
    fn set_defaults(&self, defaults: Arc<Defaults>) {
        self.0.defaults.store(defaults);
    }

    /// Adds to the defaults; see [`Defaults::add`].
    pub fn add_defaults(&self, of: &DefaultsOf, table: &StateTable) -> Result<(), StateError> {
        let mut defaults = Defaults::clone(&self.defaults());
        defaults.add(of, table)?;
        self.set_defaults(Arc::new(defaults));
        Ok(())
    }

    /// The value at `path`: what is stored, else the default. The empty path is the scope's whole table.
    pub fn get(&self, scope: &StateScope, path: &[Key]) -> Option<Value> {
        match path.split_last() {
            Some((last, parents)) => self.get_in(scope, parents, last.as_ref()),
            None => self.entries(scope, path).map(Value::Table),
        }
    }

    /// The value of an entry of the table at `path`. Allocates nothing.
    pub fn get_in(&self, scope: &StateScope, path: &[Key], key: KeyRef<'_>) -> Option<Value> {
        self.with(scope, path, |entry, defaults, path| {
            let (entry, defaults) = (entry.map(Arc::as_ref), defaults.map(Arc::as_ref));
            write::find(entry, defaults, path, key).cloned()
        })
    }

    /// The largest n with 1..n present in the table at `path`; nothing if there is no table.
    pub fn len(&self, scope: &StateScope, path: &[Key]) -> Option<usize> {
        self.with(scope, path, write::length)
    }

    /// How many entries are stored in the table at `path`; nothing if there is no table.
    pub fn count(&self, scope: &StateScope, path: &[Key]) -> Option<usize> {
        self.with(scope, path, |entry, _, path| {
            write::table(entry, None, path).map(|table| table.count())
        })
    }

    /// A snapshot of the table at `path`: of a scope, what is stored and the defaults that are not. Nothing if
    /// there is no table; a scope always is one.
    pub fn entries(&self, scope: &StateScope, path: &[Key]) -> Option<Arc<StateTable>> {
        self.with(scope, path, write::table)
    }

    /// Writes `value` at `path`, or removes what is there. The first write below a default copies it into the
    /// store; removing brings it back. The empty path is the whole scope.
    pub fn set(
        &self,
        scope: &StateScope,
        path: &[Key],
        value: Option<Value>,
    ) -> Result<(), StateError> {
        let is_entry = path.len() == scope.kind().depth();
        let change = match value {
            Some(Value::Table(table)) if is_entry => {
                Change::Set(Some(Value::Table(StateTable::of_version(table, self.1))))
            }
            value => Change::Set(value),
        };
        self.write(scope, path, change)
    }

    fn write(&self, scope: &StateScope, path: &[Key], change: Change) -> Result<(), StateError> {
        let (space, defaults) = (&self.0.space, self.0.defaults.load());
        let (writer, version) = (self.0.journal.writer(), self.1);
        let operation = Operation { change, version };
        match self.0.journal.overlays() {
            Some(mut overlays) => overlays.set(space, writer, &defaults, (*scope, path), operation),
            None => space.set(writer, &defaults, *scope, path, operation.value(), version),
        }
    }

    /// The entry into which a path leads, if it was written for an older version than this view's.
    pub fn outdated(&self, scope: &StateScope, path: &[Key]) -> Option<Outdated> {
        let at = path.get(..scope.kind().depth())?;
        let read = |root: Option<&Arc<StateTable>>| {
            let (entry, _) = write::entry(root, scope.kind(), path)?;
            entry.filter(|entry| entry.version() < self.1).cloned()
        };
        let table = match self.0.journal.overlays() {
            Some(mut overlays) => read(overlays.scope(&self.0.space, *scope).as_ref()),
            None => read(self.0.space.lock().scope(scope)),
        };
        Some(Outdated {
            scope: *scope,
            path: at.to_vec(),
            table: table?,
        })
    }

    /// Puts an entry of this view's version in the place of an outdated one, unless that has changed meanwhile: whether
    /// it has not.
    pub fn migrate(&self, outdated: &Outdated, entry: StateTable) -> Result<bool, StateError> {
        let now = self.outdated(&outdated.scope, &outdated.path);
        if now.is_none_or(|now| !Arc::ptr_eq(&now.table, &outdated.table)) {
            return Ok(false);
        }
        let entry = StateTable::of_version(Arc::new(entry), self.1);
        let from = Arc::clone(&outdated.table);
        let change = Change::Migrate(Value::Table(entry), from);
        self.write(&outdated.scope, &outdated.path, change)?;
        Ok(true)
    }

    /// Whether an entry could take the place of an outdated one, apart from the room that there is.
    pub fn check_entry(&self, outdated: &Outdated, entry: &StateTable) -> Result<(), StateError> {
        let limits = *self.0.space.lock().limits();
        let render = |path: &[Key]| render_path(&outdated.scope, path);
        limits.check(&render, &outdated.path, &Value::from(entry.clone()))
    }

    /// Entries of older versions than this view's, of the kinds (and names of rows) that are `wanted`, in order, after
    /// the one at `after`; and where to go on, if it is not yet all. As many are looked at as cost little.
    pub fn outdated_after(
        &self,
        after: Option<&(StateScope, Vec<Key>)>,
        wanted: &dyn Fn(ScopeKind, Option<&Text>) -> bool,
    ) -> (Vec<Outdated>, Option<(StateScope, Vec<Key>)>) {
        outdated::after(&self.0.space.lock(), self.1, after, wanted)
    }

    /// A write of the host's own, on behalf of the cog: it is charged, and never refused for want of room.
    pub fn keep(
        &self,
        scope: &StateScope,
        path: &[Key],
        value: Option<Value>,
    ) -> Result<(), StateError> {
        if self.0.journal.overlays().is_some() {
            return self.set(scope, path, value);
        }
        let (space, writer) = (&self.0.space, self.0.journal.writer());
        space.replay(&mut space.lock(), writer, *scope, path, value, self.1)
    }

    /// Removes everything that is stored for whom or what a scope is; `forget.rs` says what that is.
    pub fn forget(&self, scope: &StateScope) -> Result<(), StateError> {
        self.set(scope, &[], None)?;
        for kind in forget::other_kinds(*scope) {
            for (other, table) in self.stored_scopes(*kind, scope.guild()) {
                for path in forget::paths(*scope, other, &table) {
                    self.set(&other, &path, None)?;
                }
            }
        }
        Ok(())
    }

    /// The scopes of a kind for which something is stored, in order, with their tables and the defaults that are
    /// not stored. `guild` keeps those of one guild. Each table is a copy if there are defaults: whoever goes
    /// through many scopes fills one at a time, with [`Defaults::fill`].
    pub fn scopes(
        &self,
        kind: ScopeKind,
        guild: Option<u64>,
    ) -> Vec<(StateScope, Arc<StateTable>)> {
        let mut scopes = self.stored_scopes(kind, guild);
        let defaults = self.0.defaults.load();
        for (_, table) in &mut scopes {
            *table = defaults.fill(&DefaultsOf::Scope(kind), table);
        }
        scopes
    }

    /// The same without defaults, and without a copy of anything.
    pub fn stored_scopes(
        &self,
        kind: ScopeKind,
        guild: Option<u64>,
    ) -> Vec<(StateScope, Arc<StateTable>)> {
        let space = &self.0.space;
        let mut scopes = match self.0.journal.overlays() {
            Some(mut overlays) => overlays.scopes(space, kind, guild),
            None => space
                .lock()
                .scopes()
                .filter(|(scope, _)| is_listed(scope, kind, guild))
                .map(|(scope, table)| (*scope, Arc::clone(table)))
                .collect(),
        };
        scopes.sort_unstable_by_key(|(scope, _)| *scope);
        scopes
    }

    /// The version that the namespace's data has: 0 until [`View::set_version`].
    pub fn version(&self) -> u32 {
        let overlays = self.0.journal.overlays();
        let staged = overlays.and_then(|overlays| overlays.version(&self.0.space));
        staged.unwrap_or_else(|| self.0.space.lock().version())
    }

    /// Sets the version; it is staged, committed and flushed like every other write.
    pub fn set_version(&self, version: u32) {
        match self.0.journal.overlays() {
            Some(mut overlays) => overlays.set_version(&self.0.space, version),
            None => self.0.space.lock().set_version(version),
        }
    }

    /// The bytes that the namespace holds, as this view sees it.
    pub fn usage(&self) -> usize {
        let grown = self.0.journal.overlays();
        let grown = grown.map_or(0, |overlays| overlays.grown(&self.0.space));
        let bytes = self.0.space.lock().bytes();
        bytes.saturating_add_signed(grown)
    }

    /// What its cog has: in its own namespace and its session, or what it has written to shared ones, whichever is
    /// more. Each of the two may have [`StateLimits::namespace_bytes`](super::StateLimits::namespace_bytes).
    pub fn used(&self) -> usize {
        self.0.journal.writer().used()
    }

    /// The bytes that this namespace may hold, and its cog in all of them together.
    pub fn room(&self) -> usize {
        self.0.space.lock().limits().namespace_bytes
    }

    /// How often what its cog wrote had to wait for the disk because it had written more than its share.
    pub fn delays(&self) -> u64 {
        self.0.journal.writer().delays()
    }

    /// A version of the cog answers that says something new: what older ones have written to the disk, or still
    /// write, does not keep it waiting.
    pub fn begin_version(&self) {
        self.0.journal.writer().begin_version(Instant::now());
    }

    /// Whether what is written and flushed from now on is what an older version of the cog writes.
    pub fn set_works_for_older(&self, is_older: bool) {
        self.0.journal.set_works_for_older(is_older);
    }

    /// From now on, writes of this VM are kept apart: only it sees them, over what others go on writing. Does
    /// nothing while staged, or in a transaction.
    pub fn stage(&self) {
        self.0.journal.stage();
    }

    /// Applies what was staged, to what is there now, and writes directly again. A write into a table that
    /// somebody else has removed meanwhile is dropped and logged. Transactions left open are rolled back.
    pub fn commit(&self) {
        self.0.journal.commit_stage();
    }

    /// Drops what was staged and writes directly again.
    pub fn discard(&self) {
        self.0.journal.discard_stage();
    }

    /// Begins a transaction; they nest.
    pub fn begin_transaction(&self) {
        self.0.journal.begin();
    }

    /// Ends the innermost transaction: its writes go to the one around it, to the stage, or to the tree. Into the
    /// tree they go only if nobody else has changed a scope that the transaction has looked at; otherwise
    /// nothing is written, the transaction is over and the error is [`StateError::Conflict`]: run it again.
    pub fn commit_transaction(&self) -> Result<(), StateError> {
        self.0.journal.commit_transaction()
    }

    /// Drops the innermost transaction, if there is one.
    pub fn rollback_transaction(&self) {
        self.0.journal.roll_back();
    }

    /// How many transactions are open.
    pub fn transactions(&self) -> usize {
        self.0.journal.transactions()
    }

    /// Hands the writes of this VM since the last flush to the writer: together they become durable, or none of
    /// them. The handle of nothing is ready at once, unless earlier writes of these namespaces are still on
    /// their way: an answer built from them must not overtake them.
    pub fn flush(&self) -> CommitHandle {
        self.0.journal.flush()
    }

    /// Reads the entry into which a path of a scope leads, through the overlays or from the tree: what is stored, its
    /// defaults, the rest of the path. In a row that is not there is nothing to read.
    fn with<R>(
        &self,
        scope: &StateScope,
        path: &[Key],
        read: impl FnOnce(Option<&Arc<StateTable>>, Option<&Arc<StateTable>>, &[Key]) -> Option<R>,
    ) -> Option<R> {
        let defaults = self.0.defaults.load();
        let defaults = defaults.on(scope.kind(), path);
        let read = |root| {
            let (entry, path) = write::entry(root, scope.kind(), path)?;
            read(entry, defaults, path)
        };
        match self.0.journal.overlays() {
            Some(mut overlays) => read(overlays.scope(&self.0.space, *scope).as_ref()),
            None => read(self.0.space.lock().scope(scope)),
        }
    }
}
