//! Writes that are not applied yet: those of a reload that is being prepared, and of transactions, which nest.
//!
//! An overlay holds, for each scope that it touched, the table on which it was built and the table as it is seen
//! through it, and the writes between the two.
//!
//! - While writes are staged, the tree below may change; then the writes are replayed onto its new content. So a read
//!   while staged gives what a commit would give at that moment.
//! - A transaction reads what was there when it first looked at a scope, and is refused at its end if somebody
//!   else has changed a scope that it looked at.

use super::account::Account;
use super::defaults::Defaults;
use super::operations::{Operation, Operations, ScopeAddress, drop_outdated, has, note, of_place};
use super::tree::{Space, Tree, is_listed};
use super::write::{Bounds, Written, write};
use super::{Key, ScopeKind, StateError, StateScope, StateTable, decode_path, render_path};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, MutexGuard};

/// The overlays of one VM, the innermost last. If staged, the first is the stage.
#[derive(Debug, Default)]
pub(super) struct Overlays {
    pub(super) is_staged: bool,
    stack: Vec<Overlay>,
}

#[derive(Debug, Default)]
struct Overlay {
    entries: BTreeMap<ScopeAddress, Entry>,
    operations: Operations,
    versions: BTreeMap<u64, (Arc<Space>, u32)>,
    /// By how many bytes each namespace grew in this overlay, and whether cogs share it.
    grown: HashMap<u64, (bool, isize)>,
    /// How many operations this overlay has more than the one below.
    changes: isize,
    /// The limit of scopes, if more were read: it is unknown whether the others have changed.
    overlooked: Option<usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    space: Arc<Space>,
    base: Option<Arc<StateTable>>,
    seen: Option<Arc<StateTable>>,
}

impl Overlays {
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    pub(super) fn begin(&mut self) {
        self.stack.push(Overlay::default());
    }

    /// Drops the innermost overlay; whether there was one.
    pub(super) fn roll_back(&mut self) -> bool {
        self.stack.pop().is_some()
    }

    /// Ends the innermost overlay: into the one below, or into the tree. Returns the namespaces written to.
    pub(super) fn commit(&mut self, writer: &Arc<Account>) -> Result<Vec<Arc<Space>>, StateError> {
        let Some(overlay) = self.stack.pop() else {
            return Err(StateError::NoTransaction);
        };
        if let Some(below) = self.stack.last_mut() {
            below.absorb(overlay);
            return Ok(Vec::new());
        }
        overlay.apply(writer, !self.is_staged)
    }

    /// The table of a scope as it is seen through the overlays.
    pub(super) fn scope(
        &mut self,
        space: &Arc<Space>,
        scope: StateScope,
    ) -> Option<Arc<StateTable>> {
        let is_staged = self.is_staged;
        let place = (space.id, scope);
        if let Some(overlay) = self.overlay_of(place) {
            if is_staged {
                overlay.refresh(place);
            }
            return overlay.entries.get(&place)?.seen.clone();
        }
        let (live, most) = {
            let tree = space.lock();
            (tree.scope(&scope).cloned(), tree.limits().changes)
        };
        if !is_staged && let Some(top) = self.stack.last_mut() {
            if top.entries.len() < most {
                let entry = Entry::new(Arc::clone(space), live.clone());
                top.entries.insert(place, entry);
            } else {
                top.overlooked = Some(most);
            }
        }
        live
    }

    /// The scopes of a kind as they are seen through the overlays. A change of a scope that was only listed does not
    /// cause a transaction to be refused.
    pub(super) fn scopes(
        &mut self,
        space: &Arc<Space>,
        kind: ScopeKind,
        guild: Option<u64>,
    ) -> Vec<(StateScope, Arc<StateTable>)> {
        let meant = |scope: &StateScope| is_listed(scope, kind, guild);
        let mut found: HashMap<StateScope, Arc<StateTable>> = space
            .lock()
            .scopes()
            .filter(|(scope, _)| meant(scope))
            .map(|(scope, table)| (*scope, Arc::clone(table)))
            .collect();
        let touched = self.stack.iter().flat_map(|overlay| overlay.entries.keys());
        let touched: Vec<StateScope> = touched
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
        writer: &Arc<Account>,
        defaults: &Defaults,
        (scope, path): (StateScope, &[Key]),
        operation: Operation,
    ) -> Result<(), StateError> {
        let (used, limits) = {
            let tree = space.lock();
            (tree.bytes(), *tree.limits())
        };
        let changes: isize = self.stack.iter().map(|overlay| overlay.changes).sum();
        if changes >= limits.changes.cast_signed() {
            return Err(StateError::Changes {
                path: render_path(&scope, path),
                limit: limits.changes,
            });
        }
        let mut rooms = space.rooms(writer, &limits, used);
        for room in &mut rooms {
            let grown = if space.is_shared() && !room.is_of_writer {
                self.grown(space)
            } else {
                self.grown_where(room.is_of_writer)
            };
            room.used = room.used.saturating_add_signed(grown);
        }
        let bounds = Bounds {
            limits: &limits,
            rooms: &rooms,
        };
        let place = (space.id, scope);
        self.take_up(space, place);
        let is_staged = self.is_staged;
        let Some(top) = self.stack.last_mut() else {
            return Err(StateError::NoTransaction);
        };
        if is_staged {
            top.refresh(place);
        }
        let Some(entry) = top.entries.get_mut(&place) else {
            return Err(StateError::NoTransaction);
        };
        let defaults = defaults.on(scope.kind(), path).map(Arc::as_ref);
        let written = entry.write(defaults, scope, path, &operation, Some(&bounds))?;
        let (_, grown) = top.grown.entry(space.id).or_insert((space.is_shared(), 0));
        *grown += written.grown;
        let had = top.operations.len();
        note(&mut top.operations, place, path, operation, written);
        top.changes += top.operations.len().cast_signed() - had.cast_signed();
        Ok(())
    }

    /// Adds a scope to the innermost overlay: as the overlays below it or the tree have it.
    fn take_up(&mut self, space: &Arc<Space>, place: ScopeAddress) {
        if self
            .stack
            .last()
            .is_some_and(|top| top.entries.contains_key(&place))
        {
            return;
        }
        let below = self.overlay_of(place).and_then(|overlay| {
            let entry = overlay.entries.get(&place)?.clone();
            let operations = of_place(&overlay.operations, place);
            let operations = operations.map(|(at, operation)| (at.clone(), operation.clone()));
            Some((entry, operations.collect::<Vec<_>>()))
        });
        let Some(top) = self.stack.last_mut() else {
            return;
        };
        let (entry, operations) = below.unwrap_or_else(|| {
            let live = space.lock().scope(&place.1).cloned();
            (Entry::new(Arc::clone(space), live), Vec::new())
        });
        top.entries.insert(place, entry);
        top.operations.extend(operations);
    }

    pub(super) fn version(&self, space: &Space) -> Option<u32> {
        let mut overlays = self.stack.iter().rev();
        overlays.find_map(|overlay| overlay.versions.get(&space.id).map(|(_, version)| *version))
    }

    pub(super) fn set_version(&mut self, space: &Arc<Space>, version: u32) {
        if let Some(top) = self.stack.last_mut() {
            top.versions.insert(space.id, (Arc::clone(space), version));
        }
    }

    /// By how many bytes the namespace grew in all overlays.
    pub(super) fn grown(&self, space: &Space) -> isize {
        let grown = |overlay: &Overlay| overlay.grown.get(&space.id).map(|(_, grown)| *grown);
        self.stack.iter().filter_map(grown).sum()
    }

    /// By how many bytes all namespaces that cogs share grew in all overlays, or all others.
    fn grown_where(&self, is_shared: bool) -> isize {
        let grown = self.stack.iter().flat_map(|overlay| overlay.grown.values());
        grown
            .filter(|(shared, _)| *shared == is_shared)
            .map(|(_, grown)| grown)
            .sum()
    }

    /// The innermost overlay that knows a scope.
    fn overlay_of(&mut self, place: ScopeAddress) -> Option<&mut Overlay> {
        let mut overlays = self.stack.iter_mut().rev();
        overlays.find(|overlay| overlay.entries.contains_key(&place))
    }
}

impl Overlay {
    /// Takes over the contents of the overlay above; its entries began as copies of ours.
    fn absorb(&mut self, above: Self) {
        for place in above.entries.keys() {
            let ours = of_place(&self.operations, *place);
            let ours: Vec<_> = ours.map(|(at, _)| at.clone()).collect();
            for at in ours {
                self.operations.remove(&at);
            }
        }
        self.operations.extend(above.operations);
        self.entries.extend(above.entries);
        self.overlooked = self.overlooked.or(above.overlooked);
        self.versions.extend(above.versions);
        self.changes += above.changes;
        for (space, (is_shared, by)) in above.grown {
            let (_, grown) = self.grown.entry(space).or_insert((is_shared, 0));
            *grown += by;
        }
    }

    /// Rebuilds the visible state of a scope if the tree below has changed.
    fn refresh(&mut self, place: ScopeAddress) {
        let Some(entry) = self.entries.get_mut(&place) else {
            return;
        };
        if !entry.rebase(place.1) {
            return;
        }
        drop_outdated(&mut self.operations, place, entry.base.as_ref());
        for ((_, path), operation) in of_place(&self.operations, place) {
            let Some(path) = decode_path(path) else {
                continue;
            };
            let there = entry.seen.as_ref().is_some_and(|table| has(table, &path));
            if operation.is_due(there) {
                // An entry without a parent is not visible; the commit reports it.
                let _seen = entry.write(None, place.1, &path, operation, None).is_ok();
            }
        }
    }

    /// Replays the writes onto the tree, all under its locks.
    fn apply(
        mut self,
        writer: &Arc<Account>,
        must_be_unchanged: bool,
    ) -> Result<Vec<Arc<Space>>, StateError> {
        if self.versions.is_empty() && self.operations.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(limit) = self.overlooked
            && must_be_unchanged
        {
            return Err(StateError::Looks { limit });
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
        } else {
            for place in self.entries.keys() {
                let root = trees.get(&place.0).and_then(|tree| tree.scope(&place.1));
                drop_outdated(&mut self.operations, *place, root);
            }
        }
        for (((id, scope), path), operation) in &self.operations {
            if let (Some(space), Some(tree)) = (spaces.get(id), trees.get_mut(id)) {
                operation.replay(space, tree, writer, *scope, path);
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
    fn new(space: Arc<Space>, live: Option<Arc<StateTable>>) -> Self {
        Self {
            space,
            seen: live.clone(),
            base: live,
        }
    }

    fn write(
        &mut self,
        defaults: Option<&StateTable>,
        scope: StateScope,
        path: &[Key],
        operation: &Operation,
        bounds: Option<&Bounds<'_>>,
    ) -> Result<Written, StateError> {
        let mut root = self.seen.take().unwrap_or_default();
        let (value, version) = (operation.value(), operation.version);
        let written = write(&mut root, defaults, &scope, path, value, version, bounds);
        self.seen = Some(root).filter(|root| !root.is_empty());
        written
    }

    /// Shows what the tree has now, without any operation, if it has changed.
    fn rebase(&mut self, scope: StateScope) -> bool {
        let live = self.space.lock().scope(&scope).cloned();
        if is_one(live.as_ref(), self.base.as_ref()) {
            return false;
        }
        self.seen.clone_from(&live);
        self.base = live;
        true
    }
}

/// Whether both are the same table, not only equal ones: while one is kept, every write makes a copy.
fn is_one(one: Option<&Arc<StateTable>>, two: Option<&Arc<StateTable>>) -> bool {
    match (one, two) {
        (None, None) => true,
        (Some(one), Some(two)) => Arc::ptr_eq(one, two),
        _ => false,
    }
}
