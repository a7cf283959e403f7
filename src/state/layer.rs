//! Writes that are not applied yet: those of a reload that is being prepared, and of transactions, which nest.
//!
//! A layer holds, for each scope that it touched, the table on which it was built and the table as it is seen
//! through it, and the writes between the two.
//!
//! - While staged, the tree goes on living below: when it has changed, the writes are replayed onto what is there
//!   now. So what is read while staged is what a commit would give at that moment.
//! - A transaction reads what was there when it first looked at a scope, and is refused at its end if somebody
//!   else has changed a scope that it looked at.

use super::defaults::Defaults;
use super::pending::remove_below;
use super::tree::{Space, Tree, is_listed};
use super::write::{Bounds, Written, write};
use super::{
    Clear, Key, Scope, ScopeKind, StateError, Table, Value, decode_path, encode_path, render_path,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, MutexGuard};
use tracing::warn;

/// The layers of one VM, the innermost last. If staged, the first is the stage.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) is_staged: bool,
    stack: Vec<Layer>,
}

#[derive(Debug, Default)]
struct Layer {
    entries: HashMap<(u64, Scope), Entry>,
    versions: BTreeMap<u64, (Arc<Space>, u32)>,
    /// By how many bytes each namespace grew in this layer.
    grown: HashMap<u64, isize>,
    /// How many operations this layer has more than the one below.
    changes: isize,
}

#[derive(Clone, Debug)]
struct Entry {
    space: Arc<Space>,
    base: Option<Arc<Table>>,
    seen: Option<Arc<Table>>,
    /// By encoded path, so that a table is written before what is in it.
    operations: BTreeMap<Vec<u8>, Operation>,
}

#[derive(Clone, Debug)]
enum Operation {
    Set(Option<Value>),
    /// A default that was copied, if nothing is stored there by then.
    Copy(Value),
}

impl Layers {
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    pub(super) fn begin(&mut self) {
        self.stack.push(Layer::default());
    }

    /// Drops the innermost layer; whether there was one.
    pub(super) fn roll_back(&mut self) -> bool {
        self.stack.pop().is_some()
    }

    /// Ends the innermost layer: into the one below, or into the tree. Returns the namespaces written to.
    pub(super) fn commit(&mut self) -> Result<Vec<Arc<Space>>, StateError> {
        let Some(layer) = self.stack.pop() else {
            return Err(StateError::NoTransaction);
        };
        if let Some(below) = self.stack.last_mut() {
            below.absorb(layer);
            return Ok(Vec::new());
        }
        layer.apply(!self.is_staged)
    }

    /// The table of a scope as it is seen through the layers.
    pub(super) fn scope(&mut self, space: &Arc<Space>, scope: Scope) -> Option<Arc<Table>> {
        let is_staged = self.is_staged;
        if let Some(entry) = self.entry(space, scope) {
            if is_staged {
                entry.refresh(scope);
            }
            return entry.seen.clone();
        }
        let live = space.lock().scope(&scope).cloned();
        if !is_staged && let Some(top) = self.stack.last_mut() {
            let entry = Entry::new(Arc::clone(space), live.clone());
            top.entries.insert((space.id, scope), entry);
        }
        live
    }

    /// The scopes of a kind as they are seen through the layers. A transaction is not refused for a change in
    /// what was only listed.
    pub(super) fn scopes(
        &mut self,
        space: &Arc<Space>,
        kind: ScopeKind,
        guild: Option<u64>,
    ) -> Vec<(Scope, Arc<Table>)> {
        let meant = |scope: &Scope| is_listed(scope, kind, guild);
        let mut found: HashMap<Scope, Arc<Table>> = space
            .lock()
            .scopes()
            .filter(|(scope, _)| meant(scope))
            .map(|(scope, table)| (*scope, Arc::clone(table)))
            .collect();
        let touched = self.stack.iter().flat_map(|layer| layer.entries.keys());
        let touched: Vec<Scope> = touched
            .filter(|(id, scope)| *id == space.id && meant(scope))
            .map(|(_, scope)| *scope)
            .collect();
        for scope in touched {
            match self.scope(space, scope) {
                Some(table) => found.insert(scope, table),
                None => found.remove(&scope),
            };
        }
        found.into_iter().collect()
    }

    pub(super) fn set(
        &mut self,
        space: &Arc<Space>,
        defaults: &Defaults,
        scope: Scope,
        path: &[Key],
        value: Option<Value>,
    ) -> Result<(), StateError> {
        let (used, limits) = {
            let tree = space.lock();
            (tree.bytes(), *tree.limits())
        };
        let changes: isize = self.stack.iter().map(|layer| layer.changes).sum();
        if changes >= limits.changes.cast_signed() {
            return Err(StateError::Changes {
                path: render_path(&scope, path),
                limit: limits.changes,
            });
        }
        let bounds = Bounds {
            limits: &limits,
            used: used.saturating_add_signed(self.grown(space)),
            namespace: space.name.as_str(),
        };
        let is_staged = self.is_staged;
        let place = (space.id, scope);
        let is_known = |layer: &Layer| layer.entries.contains_key(&place);
        let below = match self.stack.last() {
            Some(top) if is_known(top) => None,
            _ => self.entry(space, scope).cloned(),
        };
        let Some(top) = self.stack.last_mut() else {
            return Err(StateError::NoTransaction);
        };
        let entry = top.entries.entry(place).or_insert_with(|| {
            let new = || Entry::new(Arc::clone(space), space.lock().scope(&scope).cloned());
            below.unwrap_or_else(new)
        });
        if is_staged {
            entry.refresh(scope);
        }
        let had = entry.operations.len();
        let defaults = defaults.of(scope.kind()).map(Arc::as_ref);
        let written = entry.write(defaults, scope, path, value.clone(), Some(&bounds))?;
        let grown = written.grown;
        entry.note(path, value, written);
        top.changes += entry.operations.len().cast_signed() - had.cast_signed();
        *top.grown.entry(space.id).or_default() += grown;
        Ok(())
    }

    pub(super) fn version(&self, space: &Space) -> Option<u32> {
        let mut layers = self.stack.iter().rev();
        layers.find_map(|layer| layer.versions.get(&space.id).map(|(_, version)| *version))
    }

    pub(super) fn set_version(&mut self, space: &Arc<Space>, version: u32) {
        if let Some(top) = self.stack.last_mut() {
            top.versions.insert(space.id, (Arc::clone(space), version));
        }
    }

    /// By how many bytes the namespace grew in all layers.
    pub(super) fn grown(&self, space: &Space) -> isize {
        let grown = |layer: &Layer| layer.grown.get(&space.id).copied();
        self.stack.iter().filter_map(grown).sum()
    }

    fn entry(&mut self, space: &Space, scope: Scope) -> Option<&mut Entry> {
        let mut layers = self.stack.iter_mut().rev();
        layers.find_map(|layer| layer.entries.get_mut(&(space.id, scope)))
    }
}

impl Layer {
    /// Takes over what the layer above has; its entries began as copies of ours.
    fn absorb(&mut self, above: Self) {
        self.entries.extend(above.entries);
        self.versions.extend(above.versions);
        self.changes += above.changes;
        for (space, grown) in above.grown {
            *self.grown.entry(space).or_default() += grown;
        }
    }

    /// Replays the writes onto the tree, all under its locks.
    fn apply(self, must_be_unchanged: bool) -> Result<Vec<Arc<Space>>, StateError> {
        let is_written = |entry: &Entry| !entry.operations.is_empty();
        if self.versions.is_empty() && !self.entries.values().any(is_written) {
            return Ok(Vec::new());
        }
        let entries = self.entries.values().map(|entry| &entry.space);
        let versions = self.versions.values().map(|(space, _)| space);
        let spaces: BTreeMap<u64, Arc<Space>> = entries
            .chain(versions)
            .map(|space| (space.id, Arc::clone(space)))
            .collect();
        // In order of their numbers, so that two that lock several never wait for each other.
        let mut trees: BTreeMap<u64, MutexGuard<'_, Tree>> = spaces
            .iter()
            .map(|(id, space)| (*id, space.lock()))
            .collect();
        if must_be_unchanged {
            self.check_unchanged(&trees)?;
        }
        for ((id, scope), entry) in &self.entries {
            if let Some(tree) = trees.get_mut(id) {
                entry.replay(*scope, tree);
            }
        }
        for (id, (_, version)) in &self.versions {
            if let Some(tree) = trees.get_mut(id) {
                tree.set_version(*version);
            }
        }
        drop(trees);
        Ok(spaces.into_values().collect())
    }

    fn check_unchanged(
        &self,
        trees: &BTreeMap<u64, MutexGuard<'_, Tree>>,
    ) -> Result<(), StateError> {
        let changed = self.entries.iter().find(|((id, scope), entry)| {
            let live = trees.get(id).and_then(|tree| tree.scope(scope));
            !is_one(live, entry.base.as_ref())
        });
        match changed {
            None => Ok(()),
            Some(((_, scope), _)) => Err(StateError::Conflict {
                path: render_path(scope, &[]),
            }),
        }
    }
}

impl Entry {
    fn new(space: Arc<Space>, live: Option<Arc<Table>>) -> Self {
        Self {
            space,
            seen: live.clone(),
            base: live,
            operations: BTreeMap::new(),
        }
    }

    fn write(
        &mut self,
        defaults: Option<&Table>,
        scope: Scope,
        path: &[Key],
        value: Option<Value>,
        bounds: Option<&Bounds<'_>>,
    ) -> Result<Written, StateError> {
        let mut root = self.seen.take().unwrap_or_default();
        let written = write(&mut root, defaults, &scope, path, value, bounds);
        self.seen = Some(root).filter(|root| !root.is_empty());
        written
    }

    fn note(&mut self, path: &[Key], value: Option<Value>, written: Written) {
        if written.same && value.is_none() {
            return;
        }
        if let (Some(copied), Some(first)) = (written.copied, path.get(..1)) {
            let first = encode_path(first);
            let operation = match self.operations.get(&first) {
                None => Operation::Copy(copied),
                // It was removed here before, so what others put there is removed as well.
                Some(_) => Operation::Set(Some(copied)),
            };
            self.operations.insert(first, operation);
        }
        let path = encode_path(path);
        if written.before == Clear::Range {
            remove_below(&mut self.operations, &path);
        }
        self.operations.insert(path, Operation::Set(value));
    }

    /// Builds what is seen anew if the tree has changed below.
    fn refresh(&mut self, scope: Scope) {
        let live = self.space.lock().scope(&scope).cloned();
        if is_one(live.as_ref(), self.base.as_ref()) {
            return;
        }
        self.seen.clone_from(&live);
        self.base = live;
        for (path, operation) in self.operations.clone() {
            let Some(path) = decode_path(&path) else {
                continue;
            };
            let there = self.seen.as_ref().is_some_and(|table| has(table, &path));
            if operation.is_due(there) {
                let value = operation.value();
                // What no longer has a parent is not seen; the commit tells of it.
                let _seen = self.write(None, scope, &path, value, None).is_ok();
            }
        }
    }

    fn replay(&self, scope: Scope, tree: &mut Tree) {
        for (path, operation) in &self.operations {
            let Some(path) = decode_path(path) else {
                continue;
            };
            let there = tree.scope(&scope).is_some_and(|table| has(table, &path));
            if operation.is_due(there)
                && let Err(error) = tree.replay(scope, &path, operation.value())
            {
                warn!(namespace = %self.space.name, %error, "A staged write was dropped: its table was removed meanwhile");
            }
        }
    }
}

impl Operation {
    /// Whether there is something to do: not for a copied default that finds its place taken.
    fn is_due(&self, is_taken: bool) -> bool {
        matches!(self, Self::Set(_)) || !is_taken
    }

    fn value(&self) -> Option<Value> {
        match self {
            Self::Set(value) => value.clone(),
            Self::Copy(value) => Some(value.clone()),
        }
    }
}

fn has(table: &Table, path: &[Key]) -> bool {
    table.get_at(path).is_some()
}

/// Whether both are the same table, not only equal ones: whoever keeps one makes every write a copy.
fn is_one(one: Option<&Arc<Table>>, two: Option<&Arc<Table>>) -> bool {
    match (one, two) {
        (None, None) => true,
        (Some(one), Some(two)) => Arc::ptr_eq(one, two),
        _ => false,
    }
}
