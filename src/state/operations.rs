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
pub(super) enum Operation {
    Set(Option<Value>),
    /// A copied default, which is written only if nothing is stored there by then.
    Copy(Value),
}

impl Operation {
    /// Whether there is something to write: not for a copied default if something is stored there.
    pub(super) fn is_due(&self, is_taken: bool) -> bool {
        matches!(self, Self::Set(_)) || !is_taken
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
            && let Err(error) = space.replay(tree, writer, scope, &path, self.value())
        {
            warn!(namespace = %space.name, %error, "A staged write was dropped: its table was removed meanwhile");
        }
    }

    pub(super) fn value(&self) -> Option<Value> {
        match self {
            Self::Set(value) => value.clone(),
            Self::Copy(value) => Some(value.clone()),
        }
    }
}

/// Adds what a write did to the operations of a scope.
pub(super) fn note(
    operations: &mut Operations,
    place: ScopeAddress,
    path: &[Key],
    value: Option<Value>,
    written: Written,
) {
    if written.same && value.is_none() {
        return;
    }
    if let Some((length, copied)) = written.copied {
        let at = path.get(..length).unwrap_or(path);
        let at = (place, encode_path(at).into());
        let operation = match operations.get(&at) {
            None => Operation::Copy(copied),
            // It was removed here before, so what others have stored there meanwhile is removed, too.
            Some(_) => Operation::Set(Some(copied)),
        };
        operations.insert(at, operation);
    }
    let at = (place, encode_path(path).into());
    if written.before == Clear::Range {
        remove_below(operations, &at, |_, _| {});
    }
    operations.insert(at, Operation::Set(value));
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
