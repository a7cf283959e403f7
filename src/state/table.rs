//! A table with Luau's idea of order and length. Cloning an `Arc<Table>` is a snapshot; writing copies the tables
//! on the path to the write that a snapshot still holds, and nothing else.

use super::{Key, KeyRef, Value};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

/// What an entry counts towards the limits besides its key and value: about what it occupies in memory.
const ENTRY_BYTES: usize = 32;

/// What an entry counts towards the limits; one that is not there counts nothing.
pub(super) fn entry_bytes(key: &Key, value: Option<&Value>) -> usize {
    value.map_or(0, |value| ENTRY_BYTES + key.bytes() + value.bytes())
}

/// Entries by key: integers first, ascending, then strings by byte.
///
/// `dense` holds 1..n for the largest such n, so that the length is known and arrays are arrays; every other
/// integer is in `sparse`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    dense: Vec<Value>,
    sparse: BTreeMap<i64, Value>,
    named: BTreeMap<Arc<[u8]>, Value>,
    bytes: usize,
}

impl Table {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.dense.is_empty() && self.sparse.is_empty() && self.named.is_empty()
    }

    /// The largest n with 1..n present, as Luau's `#` is meant.
    pub fn len(&self) -> usize {
        self.dense.len()
    }

    /// The number of entries.
    pub fn count(&self) -> usize {
        self.dense.len() + self.sparse.len() + self.named.len()
    }

    /// What the entries count towards the limits: 32 each, and the bytes of their keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value of an entry.
    pub fn get(&self, key: KeyRef<'_>) -> Option<&Value> {
        match key {
            KeyRef::Int(number) => match self.slot(number) {
                Some(slot) => self.dense.get(slot),
                None => self.sparse.get(&number),
            },
            KeyRef::Str(text) => self.named.get(text),
        }
    }

    /// The value at the end of a path.
    pub fn get_at(&self, path: &[Key]) -> Option<&Value> {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(self, |table, key| {
            table
                .get(key.as_ref())
                .and_then(Value::as_table)
                .map(Arc::as_ref)
        })?;
        parent.get(last.as_ref())
    }

    /// Sets an entry, or removes it with nothing; returns what was there.
    pub fn set(&mut self, key: Key, value: Option<Value>) -> Option<Value> {
        let fixed = ENTRY_BYTES + key.bytes();
        self.bytes += entry_bytes(&key, value.as_ref());
        let old = match (key, value) {
            (Key::Int(number), Some(value)) => self.put(number, value),
            (Key::Int(number), None) => self.take(number),
            (Key::Str(text), Some(value)) => self.named.insert(text, value),
            (Key::Str(text), None) => self.named.remove(&text),
        };
        self.bytes -= old.as_ref().map_or(0, |old| fixed + old.bytes());
        old
    }

    /// Sets the entry at the end of a path whose parents are tables; without them nothing happens.
    pub(super) fn set_at(&mut self, path: &[Key], value: Option<Value>) -> Option<Value> {
        let (first, rest) = path.split_first()?;
        if rest.is_empty() {
            return self.set(first.clone(), value);
        }
        let Value::Table(child) = self.get_mut(first.as_ref())? else {
            return None;
        };
        let before = child.bytes;
        let child = Arc::make_mut(child);
        let old = child.set_at(rest, value);
        let after = child.bytes;
        self.bytes = self.bytes - before + after;
        old
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (KeyRef<'_>, &Value)> {
        let dense = (1..).map(KeyRef::Int).zip(&self.dense);
        let below = self.sparse.range(..1).map(numbered);
        let above = self.sparse.range(1..).map(numbered);
        let named = self
            .named
            .iter()
            .map(|(text, value)| (KeyRef::Str(text), value));
        below.chain(dense).chain(above).chain(named)
    }

    /// The entry after `key`, which need not exist; the first one with nothing. What Luau's `next` does.
    pub fn next_after(&self, key: Option<KeyRef<'_>>) -> Option<(KeyRef<'_>, &Value)> {
        match key {
            None => self.iter().next(),
            Some(KeyRef::Int(number)) => self.next_number(number).or_else(|| self.first_named()),
            Some(KeyRef::Str(text)) => self
                .named
                .range::<[u8], _>((Excluded(text), Unbounded))
                .next()
                .map(|(text, value)| (KeyRef::Str(text), value)),
        }
    }

    fn next_number(&self, after: i64) -> Option<(KeyRef<'_>, &Value)> {
        if after < 1 {
            let below = self.sparse.range((Excluded(after), Excluded(1))).next();
            let first = || self.dense.first().map(|value| (KeyRef::Int(1), value));
            if let Some(found) = below.map(numbered).or_else(first) {
                return Some(found);
            }
        } else if let Some(slot) = self.slot(after)
            && let Some(value) = self.dense.get(slot + 1)
        {
            return Some((KeyRef::Int(after + 1), value));
        }
        // Whatever is sparse and at least 1 lies beyond the dense part.
        let mut above = self.sparse.range((Excluded(after.max(0)), Unbounded));
        above.next().map(numbered)
    }

    fn first_named(&self) -> Option<(KeyRef<'_>, &Value)> {
        let (text, value) = self.named.first_key_value()?;
        Some((KeyRef::Str(text), value))
    }

    fn get_mut(&mut self, key: KeyRef<'_>) -> Option<&mut Value> {
        match key {
            KeyRef::Int(number) => match self.slot(number) {
                Some(slot) => self.dense.get_mut(slot),
                None => self.sparse.get_mut(&number),
            },
            KeyRef::Str(text) => self.named.get_mut(text),
        }
    }

    /// Where an integer is in `dense`, if it is there.
    fn slot(&self, number: i64) -> Option<usize> {
        let slot = usize::try_from(number).ok()?.checked_sub(1)?;
        (slot < self.dense.len()).then_some(slot)
    }

    fn put(&mut self, number: i64, value: Value) -> Option<Value> {
        if let Some(old) = self.slot(number).and_then(|slot| self.dense.get_mut(slot)) {
            return Some(std::mem::replace(old, value));
        }
        if Some(number) != self.following() {
            return self.sparse.insert(number, value);
        }
        self.dense.push(value);
        while let Some(next) = self.following()
            && let Some(value) = self.sparse.remove(&next)
        {
            self.dense.push(value);
        }
        None
    }

    fn take(&mut self, number: i64) -> Option<Value> {
        let Some(slot) = self.slot(number) else {
            return self.sparse.remove(&number);
        };
        let tail = self.dense.split_off(slot + 1);
        self.sparse.extend((number + 1..).zip(tail));
        self.dense.pop()
    }

    /// The integer that would lengthen `dense`.
    fn following(&self) -> Option<i64> {
        i64::try_from(self.dense.len() + 1).ok()
    }
}

fn numbered<'t>((number, value): (&i64, &'t Value)) -> (KeyRef<'t>, &'t Value) {
    (KeyRef::Int(*number), value)
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Table {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut table = Self::new();
        for (key, value) in entries {
            table.set(key.into(), Some(value.into()));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(table: &Table) -> Vec<Key> {
        table.iter().map(|(key, _)| key.to_key()).collect()
    }

    #[test]
    fn the_length_follows_holes_and_their_filling() {
        let mut table = Table::new();
        for number in [1, 2, 3, 5, 6] {
            table.set(Key::Int(number), Some(true.into()));
        }
        assert_eq!(table.len(), 3);
        table.set(Key::Int(4), Some(true.into()));
        assert_eq!(table.len(), 6);
        table.set(Key::Int(2), None);
        assert_eq!((table.len(), table.count()), (1, 5));
        table.set(Key::Int(2), Some(true.into()));
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn a_snapshot_stays_as_it_was() {
        let inner: Table = [("a", 1.0)].into_iter().collect();
        let mut tree = Arc::new([("inner", inner)].into_iter().collect::<Table>());
        let snapshot = Arc::clone(&tree);
        Arc::make_mut(&mut tree).set_at(&["inner".into(), "a".into()], Some(2.0.into()));
        let at = |tree: &Table| tree.get_at(&["inner".into(), "a".into()]).cloned();
        assert_eq!(at(&snapshot), Some(1.0.into()));
        assert_eq!(at(&tree), Some(2.0.into()));
    }

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            (-3..12_i64).prop_map(Key::Int),
            any::<i64>().prop_map(Key::Int),
            prop::collection::vec(any::<u8>(), 0..3).prop_map(|text| Key::Str(text.into())),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_a_sorted_map(writes in prop::collection::vec((any_key(), any::<bool>()), 0..60)) {
            let mut table = Table::new();
            let mut model = BTreeMap::new();
            for (key, keep) in writes {
                let value = keep.then_some(Value::Number(1.5));
                let old = match value.clone() {
                    Some(value) => model.insert(key.clone(), value),
                    None => model.remove(&key),
                };
                prop_assert_eq!(table.set(key, value), old);
            }
            prop_assert_eq!(keys(&table), model.keys().cloned().collect::<Vec<_>>());
            let length = (1..100).take_while(|number| model.contains_key(&Key::Int(*number))).count();
            prop_assert_eq!(table.len(), length);
            let bytes: usize = model.keys().map(|key| ENTRY_BYTES + key.bytes() + 8).sum();
            prop_assert_eq!(table.bytes(), bytes);
            let mut walked = Vec::new();
            while let Some((key, _)) = table.next_after(walked.last().map(Key::as_ref)) {
                let key = key.to_key();
                walked.push(key);
            }
            prop_assert_eq!(walked, keys(&table));
        }
    }
}
