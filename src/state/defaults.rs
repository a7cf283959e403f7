//! The values seen where nothing is stored.

use super::scope::render_default;
use super::{Key, ScopeKind, StateError, StateLimits, StateTable, Text, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What defaults are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DefaultsOf {
    /// Each scope of a kind: `state.defaults`.
    Scope(ScopeKind),
    /// Each row of this name: `state.rows`.
    Rows(ScopeKind, Text),
}

/// A default table for each kind of scope, gathered from the calls of `state.defaults` in a cog and its services, and
/// one for the rows of each name, from those of `state.rows`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults(BTreeMap<DefaultsOf, Arc<StateTable>>);

impl Defaults {
    /// No defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the defaults of one call. The same default may be given twice; two different ones are an error, and then
    /// nothing of `table` is added. Tables are merged entry by entry.
    pub fn add(&mut self, of: &DefaultsOf, table: &StateTable) -> Result<(), StateError> {
        let render = |path: &[Key]| of.render(path);
        let limits = StateLimits::default();
        limits.check(&render, &[], &table.clone().into())?;
        let mut merged = self
            .0
            .get(of)
            .map_or_else(StateTable::new, |old| (**old).clone());
        merge(&mut merged, table, &mut Vec::new()).map_err(|path| StateError::DefaultConflict {
            path: render(&path),
        })?;
        self.0.insert(of.clone(), Arc::new(merged));
        Ok(())
    }

    /// What is stored, filled up with defaults where nothing is stored.
    pub fn fill(&self, of: &DefaultsOf, stored: &Arc<StateTable>) -> Arc<StateTable> {
        super::write::table(Some(stored), self.of(of), &[]).unwrap_or_default()
    }

    /// The default table of what.
    pub fn of(&self, of: &DefaultsOf) -> Option<&Arc<StateTable>> {
        self.0.get(of)
    }

    /// The default table of the entry into which a path of a scope of this kind leads, if it leads into one.
    pub(super) fn on(&self, kind: ScopeKind, path: &[Key]) -> Option<&Arc<StateTable>> {
        if !kind.is_of_rows() {
            return self.0.get(&DefaultsOf::Scope(kind));
        }
        match path.get(..kind.depth()) {
            Some([Key::Str(name), ..]) => self.0.get(&DefaultsOf::Rows(kind, name.clone())),
            _ => None,
        }
    }
}

impl DefaultsOf {
    fn render(&self, path: &[Key]) -> String {
        match self {
            Self::Scope(kind) => render_default(*kind, None, path),
            Self::Rows(kind, name) => render_default(*kind, Some(&Key::Str(name.clone())), path),
        }
    }
}

/// Adds `from` to `into`; an error is the path at which they disagree.
fn merge(into: &mut StateTable, from: &StateTable, path: &mut Vec<Key>) -> Result<(), Vec<Key>> {
    for (key, value) in from.iter() {
        path.push(key.to_key());
        let merged = match (into.get(key), value) {
            (None, _) => value.clone(),
            (Some(Value::Table(old)), Value::Table(new)) => {
                let mut merged = (**old).clone();
                merge(&mut merged, new, path)?;
                merged.into()
            }
            (Some(old), _) if old.is_same_leaf(value) => old.clone(),
            _ => return Err(std::mem::take(path)),
        };
        into.set(key.to_key(), Some(merged));
        path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table<const N: usize>(entries: [(&str, Value); N]) -> StateTable {
        entries.into_iter().collect()
    }

    #[test]
    fn calls_add_up_and_disagreement_is_an_error() {
        let mut defaults = Defaults::new();
        let of = DefaultsOf::Scope(ScopeKind::Member);
        let first = table([
            ("xp", 0.0.into()),
            ("bag", table([("coins", 1.0.into())]).into()),
        ]);
        let second = table([
            ("xp", 0.0.into()),
            ("bag", table([("gems", 2.0.into())]).into()),
        ]);
        defaults.add(&of, &first).unwrap();
        defaults.add(&of, &second).unwrap();
        let seen = Arc::clone(defaults.of(&of).unwrap());
        assert_eq!(
            seen.get_at(&["bag".into(), "coins".into()]),
            Some(&1.0.into())
        );
        assert_eq!(
            seen.get_at(&["bag".into(), "gems".into()]),
            Some(&2.0.into())
        );

        let third = table([("new", true.into()), ("xp", 5.0.into())]);
        let error = defaults.add(&of, &third).unwrap_err();
        assert!(error.to_string().starts_with("state.member.xp has two"));
        assert_eq!(defaults.of(&of), Some(&seen));
    }
}
