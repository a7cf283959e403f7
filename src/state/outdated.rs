//! Entries that were written for an older version of the code. An entry is what `state.migrate` brings to the next
//! version: the table of a scope, or a row. Each knows its version, in memory and on the disk, beside its content: so it
//! is brought to another version once, whatever happens in between.

use super::tree::Tree;
use super::{Key, KeyRef, ScopeKind, StateScope, StateTable, Text, Value};
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;

/// Entries that are looked at under one lock.
const MOST_LOOKED_AT: usize = 1_000;

/// An entry of an older version.
#[derive(Clone, Debug)]
pub struct Outdated {
    /// The scope.
    pub scope: StateScope,
    /// Where it is in the scope: the name and the key of a row, nothing otherwise.
    pub path: Vec<Key>,
    /// What is stored.
    pub table: Arc<StateTable>,
}

/// Where an entry is.
type Place = (StateScope, Vec<Key>);

/// Goes through the entries of a tree.
struct Looking<'a> {
    version: u32,
    left: usize,
    found: Vec<Outdated>,
    wanted: &'a dyn Fn(ScopeKind, Option<&Text>) -> bool,
}

/// Some of the entries after a place that are older than `version`, and where to go on, if there may be more.
pub(super) fn after(
    tree: &Tree,
    version: u32,
    after: Option<&Place>,
    wanted: &dyn Fn(ScopeKind, Option<&Text>) -> bool,
) -> (Vec<Outdated>, Option<Place>) {
    let mut looking = Looking {
        version,
        left: MOST_LOOKED_AT,
        found: Vec::new(),
        wanted,
    };
    let from = after.map_or(Unbounded, |(scope, _)| Included(*scope));
    for (scope, root) in tree.scopes_from(from) {
        let last = after.filter(|(last, _)| last == scope);
        let last = last.map(|(_, path)| path.as_slice());
        if let Some(place) = looking.scope(*scope, root, last) {
            return (looking.found, Some(place));
        }
    }
    (looking.found, None)
}

impl Looking<'_> {
    /// Looks at a scope, after the path of the last one that was looked at; returns where it has to stop.
    fn scope(
        &mut self,
        scope: StateScope,
        root: &Arc<StateTable>,
        last: Option<&[Key]>,
    ) -> Option<Place> {
        if scope.kind().is_of_rows() {
            return self.rows(scope, root, last);
        }
        if last.is_none() && (self.wanted)(scope.kind(), None) {
            self.entry(scope, Vec::new(), root);
        }
        (self.left == 0).then(|| (scope, Vec::new()))
    }

    fn rows(
        &mut self,
        scope: StateScope,
        root: &StateTable,
        last: Option<&[Key]>,
    ) -> Option<Place> {
        let (last_name, last_key) = match last {
            Some([name, key]) => (Some(name), Some(key)),
            _ => (None, None),
        };
        for (name, rows) in root.iter() {
            let (KeyRef::Str(text), Value::Table(rows)) = (name, rows) else {
                continue;
            };
            let is_last = last_name.is_some_and(|last| last.as_ref() == name);
            let is_before = last_name.is_some_and(|last| name < last.as_ref());
            if is_before || !(self.wanted)(scope.kind(), Some(&text.into())) {
                continue;
            }
            let mut key = last_key.filter(|_| is_last).cloned();
            while let Some((next, row)) = rows.next_after(key.as_ref().map(Key::as_ref)) {
                let path = vec![name.to_key(), next.to_key()];
                if let Value::Table(row) = row {
                    self.entry(scope, path.clone(), row);
                }
                if self.left == 0 {
                    return Some((scope, path));
                }
                key = Some(next.to_key());
            }
        }
        None
    }

    fn entry(&mut self, scope: StateScope, path: Vec<Key>, table: &Arc<StateTable>) {
        self.left = self.left.saturating_sub(1);
        if table.version() < self.version {
            let table = Arc::clone(table);
            self.found.push(Outdated { scope, path, table });
        }
    }
}
