//! Reading and writing one scope's table: the rules that hold for the tree and for an overlay over it alike.

use super::account::Room;
use super::memory::{ENTRY_AT_MOST, SCOPE_BYTES};
use super::{
    Clear, Key, KeyRef, ScopeKind, StateError, StateLimits, StateScope, StateTable, Value,
    render_path,
};
use std::sync::Arc;

/// The limits for a write by an author. A replay of writes that were allowed before is not limited again.
pub(super) struct Bounds<'a> {
    pub(super) limits: &'a StateLimits,
    /// All that has to have room for it.
    pub(super) rooms: &'a [Room<'a>],
}

/// What a write did.
#[derive(Debug)]
pub(super) struct Written {
    /// The table that was put at the first so many keys of the path before: a default, or the one for rows of a name.
    pub(super) copied: Option<(usize, Value)>,
    /// What was there.
    pub(super) before: Clear,
    /// Whether the same leaf was there already.
    pub(super) same: bool,
    /// By how many bytes the scope grew.
    pub(super) grown: isize,
    /// The version of the scope's table, and true if that table is there since this write, or false if it was there until
    /// then.
    pub(super) version: Option<(u32, bool)>,
}

/// The value that is seen at the end of `path`, a leaf or a table; nothing for an empty path.
pub(super) fn find<'t>(
    root: Option<&'t StateTable>,
    defaults: Option<&'t StateTable>,
    path: &[Key],
    last: KeyRef<'_>,
) -> Option<&'t Value> {
    let Some((first, rest)) = path.split_first() else {
        return first_of(root, defaults, last);
    };
    let mut table = first_of(root, defaults, first.as_ref())?.as_table()?;
    for key in rest {
        table = table.get(key.as_ref())?.as_table()?;
    }
    table.get(last)
}

/// The table that is seen at `path`: of the scope itself, what is stored and the defaults that are not.
pub(super) fn table(
    root: Option<&Arc<StateTable>>,
    defaults: Option<&Arc<StateTable>>,
    path: &[Key],
) -> Option<Arc<StateTable>> {
    let stored = root.map(Arc::as_ref);
    match path.split_last() {
        Some((last, parents)) => {
            let defaults = defaults.map(Arc::as_ref);
            let value = find(stored, defaults, parents, last.as_ref())?;
            value.as_table().map(Arc::clone)
        }
        None => Some(match (root, defaults) {
            (None, None) => Arc::default(),
            (Some(table), None) | (None, Some(table)) => Arc::clone(table),
            (Some(root), Some(defaults)) => fill(root, defaults),
        }),
    }
}

/// The length of the table at `path`; nothing if there is none.
pub(super) fn length(
    root: Option<&Arc<StateTable>>,
    defaults: Option<&Arc<StateTable>>,
    path: &[Key],
) -> Option<usize> {
    if !path.is_empty() {
        return table(root, defaults, path).map(|table| table.len());
    }
    let has = |table: Option<&Arc<StateTable>>, number| {
        table.is_some_and(|table| table.get(KeyRef::Int(number)).is_some())
    };
    let stored = root.map_or(0, |table| table.len());
    let mut length = stored;
    while let Ok(next) = i64::try_from(length + 1)
        && (has(root, next) || has(defaults, next))
    {
        length += 1;
    }
    Some(length)
}

/// Where a path of a scope's table leads: the entry that has defaults, and the rest of the path in it. Nothing if it
/// leads into a row that is not there.
pub(super) fn entry<'t, 'p>(
    root: Option<&'t Arc<StateTable>>,
    kind: ScopeKind,
    path: &'p [Key],
) -> Option<(Option<&'t Arc<StateTable>>, &'p [Key])> {
    match path.split_at_checked(kind.depth()) {
        Some((at, rest)) if !at.is_empty() => {
            let row = root?.get_at(at)?.as_table()?;
            Some((Some(row), rest))
        }
        _ => Some((root, path)),
    }
}

/// Writes `value` (nothing removes) at `path` of a scope's table, which is empty where nothing is stored. `defaults`
/// are those of the entry into which the path leads, and `version` is that of an entry that begins with this write. An
/// error has changed nothing.
pub(super) fn write(
    root: &mut Arc<StateTable>,
    defaults: Option<&StateTable>,
    scope: &StateScope,
    path: &[Key],
    value: Option<Value>,
    version: u32,
    bounds: Option<&Bounds<'_>>,
) -> Result<Written, StateError> {
    let (was_there, former) = (!root.is_empty(), root.version());
    let mut written = write_in(root, defaults, scope, path, value, bounds)?;
    let is_there = !root.is_empty();
    if is_there && !was_there && !path.is_empty() && !scope.kind().is_of_rows() && version > 0 {
        Arc::make_mut(root).set_version(version);
        written.version = Some((version, true));
    } else if was_there && !is_there && former > 0 {
        written.version = Some((former, false));
    }
    Ok(written)
}

fn write_in(
    root: &mut Arc<StateTable>,
    defaults: Option<&StateTable>,
    scope: &StateScope,
    path: &[Key],
    value: Option<Value>,
    bounds: Option<&Bounds<'_>>,
) -> Result<Written, StateError> {
    if let (Some(bounds), Some(value)) = (bounds, &value) {
        let render = |path: &[Key]| render_path(scope, path);
        bounds.limits.check(&render, path, value)?;
    }
    let Some((last, parents)) = path.split_last() else {
        return replace(root, scope, value, bounds);
    };
    let place = Place::new(root, defaults, scope, path)?;
    let of_rows = place.is_row.then(|| Value::from(StateTable::new()));
    let depth = place.depth;
    let inside = &parents[depth..];
    // A default at the very path is not stored: it is neither replaced nor removed, only covered.
    let below = place.defaults.filter(|_| !inside.is_empty());
    let copied = if let Some(rows) = &of_rows {
        missing_rows(root, parents, rows)
    } else {
        check_parents(&place, scope, path)?;
        copied_default(Some(place.entry), below, inside)
    };
    let old = find(Some(place.entry), below, inside, last.as_ref());
    let mut written = Written {
        copied: None,
        before: before(old),
        same: false,
        grown: 0,
        version: None,
    };
    let removes_no_row = place.is_row && old.is_none() && value.is_none();
    if removes_no_row || is_same(old, value.as_ref(), copied.is_some()) {
        written.same = true;
        return Ok(written);
    }
    let before = held(root);
    if let Some(bounds) = bounds {
        // What it will be exactly depends on how the tables keep it; hardly ever more than this.
        let copied = path.get(depth).map_or(0, |first| at_most(first, copied));
        let new = copied + at_most(last, value.as_ref());
        let of_scope = if before == 0 && new > 0 {
            SCOPE_BYTES
        } else {
            0
        };
        let grown = difference(of_scope + new, at_most(last, old));
        bounds.check(scope, path, grown)?;
    }
    written.copied = copied.map(|copied| (depth + 1, copied.clone()));
    let table = Arc::make_mut(root);
    if let Some((length, copied)) = &written.copied {
        table.set_at(&path[..*length], Some(copied.clone()));
    }
    table.set_at(path, value);
    written.grown = difference(held(root), before);
    Ok(written)
}

/// What a scope's table costs, with the scope; an empty one is not kept.
fn held(root: &StateTable) -> usize {
    if root.is_empty() {
        return 0;
    }
    SCOPE_BYTES + root.bytes()
}

/// What an entry costs at most; one that is not there costs nothing.
fn at_most(key: &Key, value: Option<&Value>) -> usize {
    value.map_or(0, |value| ENTRY_AT_MOST + key.outside() + value.outside())
}

impl Bounds<'_> {
    fn check(&self, scope: &StateScope, path: &[Key], grown: isize) -> Result<(), StateError> {
        if grown <= 0 {
            return Ok(());
        }
        for room in self.rooms {
            let got = room.used.saturating_add_signed(grown);
            if got > room.limit {
                return Err(StateError::NamespaceSize {
                    path: render_path(scope, path),
                    what: room.what(),
                    limit: room.limit,
                    got,
                });
            }
        }
        Ok(())
    }
}

/// Whether a write would change nothing at all.
fn is_same(old: Option<&Value>, new: Option<&Value>, copies: bool) -> bool {
    match (old, new) {
        (None, None) => true,
        (Some(old), Some(new)) => !copies && old.is_same_leaf(new),
        _ => false,
    }
}

/// Puts a table in the place of a whole scope, or removes it.
fn replace(
    root: &mut Arc<StateTable>,
    scope: &StateScope,
    value: Option<Value>,
    bounds: Option<&Bounds<'_>>,
) -> Result<Written, StateError> {
    let table = match value {
        None => Arc::default(),
        Some(Value::Table(table)) => table,
        Some(_) => {
            return Err(StateError::Root {
                path: render_path(scope, &[]),
            });
        }
    };
    let (old, new) = (held(root), held(&table));
    if let Some(bounds) = bounds {
        bounds.check(scope, &[], difference(new, old))?;
    }
    let written = Written {
        copied: None,
        before: if root.is_empty() {
            Clear::Nothing
        } else {
            Clear::Range
        },
        same: root.is_empty() && table.is_empty(),
        grown: difference(new, old),
        version: None,
    };
    *root = table;
    Ok(written)
}

fn first_of<'t>(
    root: Option<&'t StateTable>,
    defaults: Option<&'t StateTable>,
    key: KeyRef<'_>,
) -> Option<&'t Value> {
    root.and_then(|root| root.get(key))
        .or_else(|| defaults?.get(key))
}

/// What is stored, and the defaults that are not.
fn fill(root: &Arc<StateTable>, defaults: &StateTable) -> Arc<StateTable> {
    let mut filled = Arc::clone(root);
    for (key, value) in defaults.iter() {
        if root.get(key).is_none() {
            Arc::make_mut(&mut filled).set(key.to_key(), Some(value.clone()));
        }
    }
    filled
}

/// The default that a write below `parents` copies: that of the first key, if nothing is stored there.
fn copied_default<'t>(
    root: Option<&StateTable>,
    defaults: Option<&'t StateTable>,
    parents: &[Key],
) -> Option<&'t Value> {
    let first = parents.first()?.as_ref();
    match root.and_then(|root| root.get(first)) {
        Some(_) => None,
        None => defaults?.get(first),
    }
}

/// Where a write goes.
struct Place<'t> {
    /// The entry that is written to. For a row, or what has no entries, it is the scope itself.
    entry: &'t StateTable,
    /// How many keys of the path lead to the entry.
    depth: usize,
    /// What is seen in it where nothing is stored.
    defaults: Option<&'t StateTable>,
    /// Whether a whole row is written: the table that it is in is made if it is not there.
    is_row: bool,
}

impl<'t> Place<'t> {
    fn new(
        root: &'t StateTable,
        defaults: Option<&'t StateTable>,
        scope: &StateScope,
        path: &[Key],
    ) -> Result<Self, StateError> {
        let depth = scope.kind().depth();
        if depth == 0 || path.len() <= depth {
            return Ok(Self {
                entry: root,
                depth: 0,
                defaults: defaults.filter(|_| depth == 0),
                is_row: depth > 0,
            });
        }
        let entry = root.get_at(&path[..depth]).and_then(Value::as_table);
        Ok(Self {
            entry: entry.ok_or_else(|| missing_parent(scope, path, depth))?,
            depth,
            defaults,
            is_row: false,
        })
    }
}

/// The table of rows that the first row of a name needs.
fn missing_rows<'v>(root: &StateTable, parents: &[Key], rows: &'v Value) -> Option<&'v Value> {
    let name = parents.first()?;
    root.get(name.as_ref()).is_none().then_some(rows)
}

/// Whether everything between the entry and the end of a path is a table.
fn check_parents(place: &Place<'_>, scope: &StateScope, path: &[Key]) -> Result<(), StateError> {
    let depth = place.depth;
    // Each of them is below the entry, where defaults are seen.
    for length in depth + 1..path.len() {
        let (parents, last) = path[depth..length].split_at(length - depth - 1);
        let parent = find(Some(place.entry), place.defaults, parents, last[0].as_ref());
        if parent.and_then(Value::as_table).is_none() {
            return Err(missing_parent(scope, path, length));
        }
    }
    Ok(())
}

fn missing_parent(scope: &StateScope, path: &[Key], length: usize) -> StateError {
    StateError::MissingParent {
        path: render_path(scope, path),
        parent: render_path(scope, &path[..length]),
    }
}

fn before(old: Option<&Value>) -> Clear {
    match old {
        None => Clear::Nothing,
        Some(Value::Table(_)) => Clear::Range,
        Some(_) => Clear::Row,
    }
}

fn difference(new: usize, old: usize) -> isize {
    new.cast_signed() - old.cast_signed()
}
