//! One namespace in memory, with the changes that are not on the disk yet.

use super::account::{Account, Room, Writers};
use super::defaults::Defaults;
use super::forget;
use super::memory::SCOPE_BYTES;
use super::pending::Pending;
use super::write::{Bounds, Written, write};
use super::{
    Clear, Key, Namespace, PathChange, ScopeKind, StateError, StateLimits, StateScope, StateTable,
    Text, Value, encode_path,
};
use crate::lock::lock;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

/// A namespace. Several views, on several threads, may read and write it; nobody awaits under its lock.
#[derive(Debug)]
pub(super) struct Space {
    /// The order in which several are locked.
    pub(super) id: u64,
    pub(super) name: Namespace,
    /// Whether it goes to the disk; a session lives in memory alone.
    pub(super) is_stored: bool,
    /// The cog that it belongs to; none if cogs share it.
    owner: Option<Arc<Account>>,
    tree: Mutex<Tree>,
}

#[derive(Debug)]
pub(super) struct Tree {
    scopes: BTreeMap<StateScope, Arc<StateTable>>,
    bytes: usize,
    /// Who is charged for what of it, if cogs share it.
    writers: Writers,
    version: u32,
    limits: StateLimits,
    /// Nothing where nothing is stored on disk.
    pending: Option<Pending>,
    /// The number of the last group that had writes of this namespace; 0 before the first.
    pub(super) last_group: u64,
}

impl Space {
    /// A namespace of `owner`'s, or one that cogs share.
    pub(super) fn new(
        id: u64,
        name: Namespace,
        is_stored: bool,
        has_disk: bool,
        limits: StateLimits,
        owner: Option<Arc<Account>>,
    ) -> Self {
        let tree = Mutex::new(Tree {
            scopes: BTreeMap::new(),
            bytes: 0,
            writers: Writers::default(),
            version: 0,
            limits,
            pending: has_disk.then(Pending::default),
            last_group: 0,
        });
        Self {
            id,
            name,
            is_stored,
            owner,
            tree,
        }
    }

    /// Whether several cogs may write to it.
    pub(super) fn is_shared(&self) -> bool {
        self.owner.is_none()
    }

    /// All that must have room for what `writer` writes here, the namespace having so many bytes.
    pub(super) fn rooms<'a>(
        &'a self,
        writer: &'a Account,
        limits: &StateLimits,
        bytes: usize,
    ) -> [Room<'a>; 2] {
        if let Some(owner) = &self.owner {
            return [owner.own_room(limits); 2];
        }
        let of_all = Room {
            whose: &self.name,
            is_of_writer: false,
            used: bytes,
            limit: limits.namespace_bytes,
        };
        [writer.shared_room(limits), of_all]
    }

    /// Puts in what was loaded; it is on disk already.
    pub(super) fn load(&self, scopes: Vec<(StateScope, StateTable)>) {
        let mut bytes = 0;
        let scopes = scopes.into_iter().filter(|(_, table)| !table.is_empty());
        let scopes = scopes.map(|(scope, table)| {
            bytes += SCOPE_BYTES + table.bytes();
            (scope, Arc::new(table))
        });
        // Made in one go, a map is filled to the brim.
        let mut scopes: BTreeMap<_, _> = scopes.collect();
        let mut tree = self.lock();
        tree.scopes.append(&mut scopes);
        tree.bytes += bytes;
        if let Some(owner) = &self.owner {
            owner.change_own(bytes.cast_signed());
        }
    }

    /// Notes who was charged for it, once all of it is loaded.
    pub(super) fn load_writer(&self, writer: &Arc<Account>, charged: usize) {
        let mut tree = self.lock();
        let bytes = tree.bytes;
        tree.writers.load(writer, charged, bytes);
    }

    /// An author's write: bounded by the limits, below defaults a copy of them first.
    pub(super) fn set(
        &self,
        writer: &Arc<Account>,
        defaults: &Defaults,
        scope: StateScope,
        path: &[Key],
        value: Option<Value>,
        version: u32,
    ) -> Result<(), StateError> {
        let mut tree = self.lock();
        let limits = tree.limits;
        let bounds = Bounds {
            limits: &limits,
            rooms: &self.rooms(writer, &limits, tree.bytes),
        };
        let defaults = defaults.on(scope.kind(), path).map(Arc::as_ref);
        let grown = tree.write(defaults, scope, path, value, version, Some(&bounds))?;
        self.charge(&mut tree, writer, grown);
        Ok(())
    }

    /// A write of `writer`'s that was allowed before, in an overlay.
    pub(super) fn replay(
        &self,
        tree: &mut Tree,
        writer: &Arc<Account>,
        scope: StateScope,
        path: &[Key],
        value: Option<Value>,
        version: u32,
    ) -> Result<(), StateError> {
        let grown = tree.write(None, scope, path, value, version, None)?;
        self.charge(tree, writer, grown);
        Ok(())
    }

    /// Removes what belongs to `forgotten`, on behalf of `writer`; returns how many entries there were.
    pub(super) fn forget(&self, writer: &Arc<Account>, forgotten: StateScope) -> usize {
        let mut tree = self.lock();
        let meant = tree.scopes.iter().flat_map(|(scope, table)| {
            let paths = forget::paths(forgotten, *scope, table).into_iter();
            paths.map(|path| (*scope, path))
        });
        let meant: Vec<_> = meant.collect();
        for (scope, path) in &meant {
            // Removing what is there cannot fail.
            let _removed = self
                .replay(&mut tree, writer, *scope, path, None, 0)
                .is_ok();
        }
        meant.len()
    }

    fn charge(&self, tree: &mut Tree, writer: &Arc<Account>, grown: isize) {
        let Tree {
            writers, pending, ..
        } = tree;
        match &self.owner {
            _ if grown == 0 => {}
            Some(owner) => owner.change_own(grown),
            None => writers.charge(writer, grown, |name, charged| {
                if let Some(pending) = pending {
                    pending.set_writer(name.clone(), charged);
                }
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Tree> {
        lock(&self.tree)
    }
}

impl Tree {
    pub(super) fn load_version(&mut self, version: u32) {
        self.version = version;
    }

    pub(super) fn scope(&self, scope: &StateScope) -> Option<&Arc<StateTable>> {
        self.scopes.get(scope)
    }

    pub(super) fn scopes(&self) -> impl Iterator<Item = (&StateScope, &Arc<StateTable>)> {
        self.scopes.iter()
    }

    /// The scopes from one on, in order.
    pub(super) fn scopes_from(
        &self,
        from: Bound<StateScope>,
    ) -> impl Iterator<Item = (&StateScope, &Arc<StateTable>)> {
        self.scopes.range((from, Bound::Unbounded))
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

    /// Writes; returns by how many bytes the namespace has grown.
    fn write(
        &mut self,
        defaults: Option<&StateTable>,
        scope: StateScope,
        path: &[Key],
        value: Option<Value>,
        version: u32,
        bounds: Option<&Bounds<'_>>,
    ) -> Result<isize, StateError> {
        let pending = self.pending.is_some().then(|| value.clone());
        let written = if let Some(root) = self.scopes.get_mut(&scope) {
            let written = write(root, defaults, &scope, path, value, version, bounds)?;
            if root.is_empty() {
                self.scopes.remove(&scope);
            }
            written
        } else {
            let mut root = Arc::default();
            let written = write(&mut root, defaults, &scope, path, value, version, bounds)?;
            if !root.is_empty() {
                self.scopes.insert(scope, root);
            }
            written
        };
        let grown = written.grown;
        self.bytes = self.bytes.saturating_add_signed(grown);
        if let (Some(pending), Some(value), false) = (&mut self.pending, pending, written.same) {
            note(pending, scope, path, value, written);
        }
        Ok(grown)
    }
}

/// Notes a write for the disk.
fn note(
    pending: &mut Pending,
    scope: StateScope,
    path: &[Key],
    value: Option<Value>,
    written: Written,
) {
    if let Some((version, is_there)) = written.version
        && !path.is_empty()
    {
        let mut table = StateTable::new();
        table.set_version(version);
        // There may be rows below it on the disk.
        let change = PathChange {
            clear: Clear::Row,
            value: is_there.then(|| table.into()),
        };
        pending.add(scope, Text::from(""), change);
    }
    if let Some((length, copied)) = written.copied {
        let change = PathChange {
            clear: Clear::Nothing,
            value: Some(copied),
        };
        let at = path.get(..length).unwrap_or(path);
        pending.add(scope, encode_path(at).into(), change);
    }
    let change = PathChange {
        clear: written.before,
        value,
    };
    pending.add(scope, encode_path(path).into(), change);
}

/// Whether a scope is of a kind and, if a guild is given, of that guild.
pub(super) fn is_listed(scope: &StateScope, kind: ScopeKind, guild: Option<u64>) -> bool {
    scope.kind() == kind && (guild.is_none() || scope.guild() == guild)
}
