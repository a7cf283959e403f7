//! The difference between what is in memory and what is on disk: one change for each path, however many writes made it,
//! so that a loop over one key costs one row.

use super::encode::subtree_end;
use super::{Namespace, StateScope, Text, Value};
use std::collections::BTreeMap;
use std::ops::Bound::Excluded;

/// What a row has besides its path and its value: ids, and its part of a page that is written whole.
pub(super) const ROW_BYTES: usize = 64;

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

/// The change of one path. Changes are applied in the order of their paths: a table before what is in it.
#[derive(Clone, Debug, PartialEq)]
pub struct PathChange {
    /// What is to be deleted first.
    pub clear: Clear,
    /// What is stored there afterwards: nothing, a leaf, or a table with everything in it.
    pub value: Option<Value>,
}

/// The changes of one namespace since the last flush.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// By scope and encoded path: one map, as each of a million may have one entry.
    changes: BTreeMap<(StateScope, Text), PathChange>,
    version: Option<u32>,
    /// About how many bytes the changes are.
    bytes: usize,
    /// What each of them is charged for by now, who has written to a shared namespace.
    writers: BTreeMap<Namespace, usize>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.version.is_none() && self.writers.is_empty()
    }

    pub(super) fn set_writer(&mut self, writer: Namespace, charged: usize) {
        self.writers.insert(writer, charged);
    }

    pub(super) fn set_version(&mut self, version: u32) {
        self.version = Some(version);
    }

    /// Adds a change; earlier changes at the path and below are replaced by it.
    pub(super) fn add(&mut self, scope: StateScope, path: Text, mut change: PathChange) {
        let place = (scope, path);
        if change.clear == Clear::Range {
            let mut removed = 0;
            remove_below(&mut self.changes, &place, |(_, path), change| {
                removed += size(path, change);
            });
            self.bytes -= removed;
        }
        let earlier = self.changes.remove(&place);
        self.bytes -= earlier
            .as_ref()
            .map_or(0, |earlier| size(&place.1, earlier));
        // The earlier change knows what the disk has; memory has since held only what it put there.
        match earlier.map(|earlier| earlier.clear) {
            Some(Clear::Nothing) => change.clear = Clear::Nothing,
            Some(on_disk) => change.clear = on_disk.max(change.clear),
            None => {}
        }
        if change.value.is_some() || change.clear != Clear::Nothing {
            self.bytes += size(&place.1, &change);
            self.changes.insert(place, change);
        }
    }

    /// Adds what came after.
    fn absorb(&mut self, later: Self) {
        if self.changes.is_empty() {
            (self.changes, self.bytes) = (later.changes, later.bytes);
        } else {
            for ((scope, path), change) in later.changes {
                self.add(scope, path, change);
            }
        }
        self.version = later.version.or(self.version);
        self.writers.extend(later.writers);
    }
}

/// About how many bytes a change is on the disk.
fn size(path: &Text, change: &PathChange) -> usize {
    ROW_BYTES + path.len() + change.value.as_ref().map_or(0, Value::bytes)
}

/// Removes the changes below a path; tells of each.
pub(super) fn remove_below<S: Copy + Ord, T>(
    changes: &mut BTreeMap<(S, Text), T>,
    (scope, path): &(S, Text),
    mut removed: impl FnMut(&(S, Text), &T),
) {
    let end = (*scope, Text::from(subtree_end(path)));
    let start = (*scope, path.clone());
    let below = changes.range((Excluded(&start), Excluded(&end)));
    let below: Vec<_> = below.map(|(below, _)| below.clone()).collect();
    for place in below {
        if let Some(change) = changes.remove(&place) {
            removed(&place, &change);
        }
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

    /// About how many bytes it is on the disk.
    pub(super) fn bytes(&self) -> usize {
        self.namespaces.values().map(|pending| pending.bytes).sum()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.namespaces.values().all(Pending::is_empty)
    }

    /// The namespaces that are written to.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.namespaces.keys()
    }

    /// The versions that are set.
    pub fn versions(&self) -> impl Iterator<Item = (&Namespace, u32)> {
        let version = |(namespace, pending): (_, &Pending)| Some((namespace, pending.version?));
        self.namespaces.iter().filter_map(version)
    }

    /// The writers of shared namespaces, and how much each is now charged for; 0 if it is no longer charged.
    pub fn writers(&self) -> impl Iterator<Item = (&Namespace, &Namespace, usize)> {
        self.namespaces.iter().flat_map(|(namespace, pending)| {
            let charged = move |(writer, charged): (_, &usize)| (namespace, writer, *charged);
            pending.writers.iter().map(charged)
        })
    }

    /// The changes; those of one scope in the order of their encoded paths.
    pub fn changes(&self) -> impl Iterator<Item = (&Namespace, StateScope, &[u8], &PathChange)> {
        self.namespaces.iter().flat_map(|(namespace, pending)| {
            let changes = pending.changes.iter();
            changes.map(move |((scope, path), change)| (namespace, *scope, &**path, change))
        })
    }
}
