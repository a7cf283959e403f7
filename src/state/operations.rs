//! The writes of an overlay, each with its scope and path, until they are applied.

use super::account::Account;
use super::pending::remove_below;
use super::tree::{Space, Tree};
use super::write::Written;
use super::{Clear, Key, StateScope, StateTable, Text, Value, decode_path, encode_path};
use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};
use std::sync::Arc;
use tracing::warn;

/// A scope, with the number of its namespace.
pub(super) type ScopeAddress = (u64, StateScope);
/// By scope and encoded path, so that a table is written before what is in it.
pub(super) type Operations = BTreeMap<(ScopeAddress, Text), Operation>;

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) change: Change,
    /// The version of the code that writes it, for entries that begin with it.
    pub(super) version: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Set(Option<Value>),
    /// A copied default, which is written only if nothing is stored there by then.
    Copy(Value),
    /// An entry that was brought to another version, and the one from which it was made.
    Migrate(Value, Arc<StateTable>),
}

impl Operation {
    /// Whether there is something to write: not for a copied default if something is stored there.
    pub(super) fn is_due(&self, is_taken: bool) -> bool {
        !matches!(self.change, Change::Copy(_)) || !is_taken
    }

    /// Whether it was made from an entry that somebody has changed since.
    pub(super) fn is_outdated(&self, root: Option<&Arc<StateTable>>, path: &[Key]) -> bool {
        let Change::Migrate(_, from) = &self.change else {
            return false;
        };
        let entry = match path {
            [] => root,
            _ => root
                .and_then(|root| root.get_at(path))
                .and_then(Value::as_table),
        };
        entry.is_none_or(|entry| !Arc::ptr_eq(entry, from))
    }

    pub(super) fn replay(
        &self,
        space: &Space,
        tree: &mut Tree,
        writer: &Arc<Account>,
        scope: StateScope,
        path: &[u8],
    ) {
        let Some(path) = decode_path(path) else {
            return;
        };
        let there = tree.scope(&scope).is_some_and(|table| has(table, &path));
        if self.is_due(there)
            && let Err(error) = space.replay(tree, writer, scope, &path, self.value(), self.version)
        {
            warn!(namespace = %space.name, %error, "A staged write was dropped: its table was removed meanwhile");
        }
    }

    pub(super) fn value(&self) -> Option<Value> {
        match &self.change {
            Change::Set(value) => value.clone(),
            Change::Copy(value) | Change::Migrate(value, _) => Some(value.clone()),
        }
    }
}

/// Adds what a change did to the operations of a scope.
pub(super) fn note(
    operations: &mut Operations,
    place: ScopeAddress,
    path: &[Key],
    operation: Operation,
    written: Written,
) {
    let version = operation.version;
    if written.same && matches!(operation.change, Change::Set(None)) {
        return;
    }
    if let Some((length, copied)) = written.copied {
        let at = path.get(..length).unwrap_or(path);
        let at = (place, encode_path(at).into());
        let change = match operations.get(&at) {
            None => Change::Copy(copied),
            // It was removed here before, so what others have stored there meanwhile is removed, too.
            Some(_) => Change::Set(Some(copied)),
        };
        operations.insert(at, Operation { change, version });
    }
    let at = (place, encode_path(path).into());
    if written.before == Clear::Range {
        remove_below(operations, &at, |_, _| {});
    }
    operations.insert(at, operation);
}

/// Takes out what was made from entries of a scope that others have changed since, unless something was written into
/// it: it is made again when it is looked at. What was written is kept as it is.
pub(super) fn drop_outdated(
    operations: &mut Operations,
    place: ScopeAddress,
    root: Option<&Arc<StateTable>>,
) {
    let mut outdated: Vec<(ScopeAddress, Text)> = Vec::new();
    for (at, operation) in of_place(operations, place) {
        if outdated
            .last()
            .is_some_and(|last| at.1.starts_with(&last.1))
        {
            outdated.pop();
        }
        let path = decode_path(&at.1);
        if path.is_some_and(|path| operation.is_outdated(root, &path)) {
            outdated.push(at.clone());
        }
    }
    for at in outdated {
        operations.remove(&at);
    }
}

pub(super) fn of_place(
    operations: &Operations,
    place: ScopeAddress,
) -> impl Iterator<Item = (&(ScopeAddress, Text), &Operation)> {
    let first = (place, Text::from(""));
    let from = operations.range((Included(first), Unbounded));
    from.take_while(move |((of, _), _)| *of == place)
}

pub(super) fn has(table: &StateTable, path: &[Key]) -> bool {
    table.get_at(path).is_some()
}
