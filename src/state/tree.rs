//! One namespace in memory, and what of it the disk does not have yet.

use super::defaults::Defaults;
use super::pending::Pending;
use super::write::{Bounds, Written, write};
use super::{
    Change, Clear, Key, Namespace, Scope, ScopeKind, StateError, StateLimits, Table, Value,
    encode_path,
};
use crate::lock::lock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// A namespace. Several views, on several threads, may read and write it; nobody awaits under its lock.
#[derive(Debug)]
pub(super) struct Space {
    /// The order in which several are locked.
    pub(super) id: u64,
    pub(super) name: Namespace,
    /// Whether it goes to the disk; a session lives in memory alone.
    pub(super) is_stored: bool,
    tree: Mutex<Tree>,
}

#[derive(Debug)]
pub(super) struct Tree {
    scopes: HashMap<Scope, Arc<Table>>,
    bytes: usize,
    version: u32,
    limits: StateLimits,
    /// Nothing where nothing is stored on disk.
    pending: Option<Pending>,
    /// The number of the last batch that had writes of this namespace.
    pub(super) last_batch: u64,
}

impl Space {
    pub(super) fn new(id: u64, name: Namespace, is_stored: bool, limits: StateLimits) -> Self {
        let tree = Mutex::new(Tree {
            scopes: HashMap::new(),
            bytes: 0,
            version: 0,
            limits,
            pending: is_stored.then(Pending::default),
            last_batch: 0,
        });
        Self {
            id,
            name,
            is_stored,
            tree,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }
}

impl Tree {
    /// Puts in what was loaded; it is on disk already.
    pub(super) fn load(&mut self, scope: Scope, table: Table) {
        if !table.is_empty() {
            self.bytes += table.bytes();
            self.scopes.insert(scope, Arc::new(table));
        }
    }

    pub(super) fn load_version(&mut self, version: u32) {
        self.version = version;
    }

    pub(super) fn scope(&self, scope: &Scope) -> Option<&Arc<Table>> {
        self.scopes.get(scope)
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = (&Scope, &Arc<Table>)> {
        self.scopes.iter()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn limits(&self) -> &StateLimits {
        &self.limits
    }

    pub(super) fn set_limits(&mut self, limits: StateLimits) {
        self.limits = limits;
    }

    pub(super) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn set_version(&mut self, version: u32) {
        self.version = version;
        if let Some(pending) = &mut self.pending {
            pending.set_version(version);
        }
    }

    /// Takes the writes since the last time, if there are any.
    pub(super) fn take_pending(&mut self) -> Option<Pending> {
        let pending = self.pending.as_mut()?;
        (!pending.is_empty()).then(|| std::mem::take(pending))
    }

    /// An author's write: bounded by the limits, below defaults a copy of them first.
    pub(super) fn set(
        &mut self,
        namespace: &Namespace,
        defaults: &Defaults,
        scope: Scope,
        path: &[Key],
        value: Option<Value>,
    ) -> Result<(), StateError> {
        let limits = self.limits;
        let bounds = Bounds {
            limits: &limits,
            used: self.bytes,
            namespace: namespace.as_str(),
        };
        let defaults = defaults.of(scope.kind()).map(Arc::as_ref);
        self.write(defaults, scope, path, value, Some(&bounds))
    }

    /// A write that was allowed before, in a layer.
    pub(super) fn replay(
        &mut self,
        scope: Scope,
        path: &[Key],
        value: Option<Value>,
    ) -> Result<(), StateError> {
        self.write(None, scope, path, value, None)
    }

    /// Removes the scopes that `is_meant`; returns how many there were.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&Scope) -> bool) -> usize {
        let meant = self.scopes.keys().filter(|scope| is_meant(scope));
        let meant: Vec<Scope> = meant.copied().collect();
        for scope in &meant {
            // Removing a whole scope cannot fail.
            let _removed = self.replay(*scope, &[], None).is_ok();
        }
        meant.len()
    }

    fn write(
        &mut self,
        defaults: Option<&Table>,
        scope: Scope,
        path: &[Key],
        value: Option<Value>,
        bounds: Option<&Bounds<'_>>,
    ) -> Result<(), StateError> {
        let pending = self.pending.is_some().then(|| value.clone());
        let written = if let Some(root) = self.scopes.get_mut(&scope) {
            let written = write(root, defaults, &scope, path, value, bounds)?;
            if root.is_empty() {
                self.scopes.remove(&scope);
            }
            written
        } else {
            let mut root = Arc::default();
            let written = write(&mut root, defaults, &scope, path, value, bounds)?;
            if !root.is_empty() {
                self.scopes.insert(scope, root);
            }
            written
        };
        self.bytes = self.bytes.saturating_add_signed(written.grown);
        if let (Some(pending), Some(value), false) = (&mut self.pending, pending, written.same) {
            note(pending, scope, path, value, written);
        }
        Ok(())
    }
}

/// Notes a write for the disk.
fn note(pending: &mut Pending, scope: Scope, path: &[Key], value: Option<Value>, written: Written) {
    if let (Some(copied), Some(first)) = (written.copied, path.get(..1)) {
        let change = Change {
            clear: Clear::Nothing,
            value: Some(copied),
        };
        pending.add(scope, encode_path(first), change);
    }
    let change = Change {
        clear: written.before,
        value,
    };
    pending.add(scope, encode_path(path), change);
}

/// Whether a scope is of a kind and, if a guild is given, of that guild.
pub(super) fn is_listed(scope: &Scope, kind: ScopeKind, guild: Option<u64>) -> bool {
    scope.kind() == kind && (guild.is_none() || scope.guild() == guild)
}
