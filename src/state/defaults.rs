//! The values seen where nothing is stored.

use super::scope::render_default;
use super::{Key, ScopeKind, StateError, StateLimits, StateTable, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A default table for each kind of scope, gathered from the calls of `state.defaults` in a cog and its services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Defaults(BTreeMap<ScopeKind, Arc<StateTable>>);

impl Defaults {
    /// No defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the defaults of one call. The same default may be given twice; two different ones are an error, and then
    /// nothing of `table` is added. Tables are merged entry by entry.
    pub fn add(&mut self, kind: ScopeKind, table: &StateTable) -> Result<(), StateError> {
        let render = |path: &[Key]| render_default(kind, path);
        let limits = StateLimits::default();
        limits.check(&render, &[], &table.clone().into())?;
        let mut merged = self
            .0
            .get(&kind)
            .map_or_else(StateTable::new, |old| (**old).clone());
        merge(&mut merged, table, &mut Vec::new()).map_err(|path| StateError::DefaultConflict {
            path: render(&path),
        })?;
        self.0.insert(kind, Arc::new(merged));
        Ok(())
    }

    /// What is stored for a scope of a kind, filled up with defaults where nothing is stored.
    pub fn fill(&self, kind: ScopeKind, stored: &Arc<StateTable>) -> Arc<StateTable> {
        super::write::table(Some(stored), self.of(kind), &[]).unwrap_or_default()
    }

    /// The default table of a kind of scope.
    pub fn of(&self, kind: ScopeKind) -> Option<&Arc<StateTable>> {
        self.0.get(&kind)
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
        let first = table([
            ("xp", 0.0.into()),
            ("bag", table([("coins", 1.0.into())]).into()),
        ]);
        let second = table([
            ("xp", 0.0.into()),
            ("bag", table([("gems", 2.0.into())]).into()),
        ]);
        defaults.add(ScopeKind::Member, &first).unwrap();
        defaults.add(ScopeKind::Member, &second).unwrap();
        let seen = Arc::clone(defaults.of(ScopeKind::Member).unwrap());
        assert_eq!(
            seen.get_at(&["bag".into(), "coins".into()]),
            Some(&1.0.into())
        );
        assert_eq!(
            seen.get_at(&["bag".into(), "gems".into()]),
            Some(&2.0.into())
        );

        let third = table([("new", true.into()), ("xp", 5.0.into())]);
        let error = defaults.add(ScopeKind::Member, &third).unwrap_err();
        assert!(error.to_string().starts_with("state.member.xp has two"));
        assert_eq!(defaults.of(ScopeKind::Member), Some(&seen));
    }
}
