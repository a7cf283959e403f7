//! The difference between what is in memory and what is on disk: one change a path, whatever number of writes
//! made it, so that a loop over one key costs one row.

use super::encode::subtree_end;
use super::{Namespace, Scope, Value};
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::Excluded;

/// What a database has at a path before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clear {
    /// Nothing.
    Nothing,
    /// One row.
    Row,
    /// Perhaps rows at the path and below it: a range.
    Range,
}

/// What becomes of one path. Changes are applied in the order of their paths: a table before what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What is to be deleted first.
    pub clear: Clear,
    /// What is there then: nothing, a leaf, or a table with all that is in it.
    pub value: Option<Value>,
}

/// The changes of one scope by encoded path.
pub(super) type Changes = BTreeMap<Vec<u8>, Change>;

/// The changes of one namespace since the last flush.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    scopes: HashMap<Scope, Changes>,
    version: Option<u32>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.version.is_none()
    }

    pub(super) fn set_version(&mut self, version: u32) {
        self.version = Some(version);
    }

    /// Adds a change; those before it at the path and below have become void.
    pub(super) fn add(&mut self, scope: Scope, path: Vec<u8>, mut change: Change) {
        let changes = self.scopes.entry(scope).or_default();
        if change.clear == Clear::Range {
            remove_below(changes, &path);
        }
        // The earlier change knows what the disk has; memory has since held only what it put there.
        match changes.remove(&path).map(|earlier| earlier.clear) {
            Some(Clear::Nothing) => change.clear = Clear::Nothing,
            Some(on_disk) => change.clear = on_disk.max(change.clear),
            None => {}
        }
        if change.value.is_some() || change.clear != Clear::Nothing {
            changes.insert(path, change);
        } else if changes.is_empty() {
            self.scopes.remove(&scope);
        }
    }

    /// Adds what came after.
    fn absorb(&mut self, later: Self) {
        for (scope, changes) in later.scopes {
            for (path, change) in changes {
                self.add(scope, path, change);
            }
        }
        self.version = later.version.or(self.version);
    }
}

/// Removes the changes below `path`.
pub(super) fn remove_below<T>(changes: &mut BTreeMap<Vec<u8>, T>, path: &[u8]) {
    let end = subtree_end(path);
    let bounds = (Excluded(path), Excluded(end.as_slice()));
    let below: Vec<_> = changes
        .range::<[u8], _>(bounds)
        .map(|(below, _)| below.clone())
        .collect();
    for path in below {
        changes.remove(&path);
    }
}

/// Writes that become durable together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    namespaces: BTreeMap<Namespace, Pending>,
}

impl Batch {
    pub(super) fn add(&mut self, namespace: Namespace, pending: Pending) {
        self.namespaces
            .entry(namespace)
            .or_default()
            .absorb(pending);
    }

    /// Adds a batch that came after this one, so that both are written in one commit.
    pub(super) fn absorb(&mut self, later: Self) {
        for (namespace, pending) in later.namespaces {
            self.add(namespace, pending);
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.namespaces.values().all(Pending::is_empty)
    }

    /// The namespaces that are written to.
    pub fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.keys()
    }

    /// The versions that are set.
    pub fn versions(&self) -> impl Iterator<Item = (&Namespace, u32)> {
        let version = |(namespace, pending): (_, &Pending)| Some((namespace, pending.version?));
        self.namespaces.iter().filter_map(version)
    }

    /// The changes; those of one scope in the order of their encoded paths.
    pub fn changes(&self) -> impl Iterator<Item = (&Namespace, Scope, &[u8], &Change)> {
        let scopes = self.namespaces.iter().flat_map(|(namespace, pending)| {
            let scope = move |(scope, changes)| (namespace, scope, changes);
            pending.scopes.iter().map(scope)
        });
        scopes.flat_map(|(namespace, scope, changes): (_, &Scope, &Changes)| {
            let change = move |(path, change)| (namespace, *scope, Vec::as_slice(path), change);
            changes.iter().map(change)
        })
    }
}
