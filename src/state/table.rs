//! A table with Luau's idea of order and length. Cloning an `Arc<Table>` is a snapshot; writing copies the tables
//! on the path to the write that a snapshot still holds, and nothing else.

use super::many::Many;
use super::memory::allocation;
use super::{Key, KeyRef, Text, Value};
use std::sync::Arc;

/// Up to so many entries are a sorted list of exactly their size; more are a [`Many`]. Most tables have few.
const MOST_FEW: usize = 16;

/// Entries by key: integers first, ascending, then strings by byte.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateTable {
    entries: Entries,
    /// What keys and values have in memory outside of the entries.
    outside: usize,
    /// Whether it is an object in JSON, also when it is empty.
    is_object: bool,
    /// Of an entry (a whole scope, or a row): the version of the code that it was written for. 0 for everything else.
    version: u32,
}

/// The number of entries decides which of the two is used, and so how much memory they take.
#[derive(Clone, Debug, PartialEq)]
enum Entries {
    Few(Vec<(Key, Value)>),
    Many(Box<Many>),
}

impl Default for Entries {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl StateTable {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// No entries, and an object in JSON.
    pub fn object() -> Self {
        Self {
            is_object: true,
            ..Self::default()
        }
    }

    /// Whether it is known to be an object in JSON, also when it is empty. For any other table its entries decide.
    pub fn is_object(&self) -> bool {
        self.is_object
    }

    /// The version of the code for which this entry was written: 0 until there was a `state.migrate`.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The same table as an entry of this version; 0 for what is no entry.
    #[must_use]
    pub fn of_version(mut table: Arc<Self>, version: u32) -> Arc<Self> {
        if table.version != version {
            Arc::make_mut(&mut table).version = version;
        }
        table
    }

    pub(super) fn set_version(&mut self, version: u32) {
        self.version = version;
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The largest n with 1..n present, like Luau's `#`.
    pub fn len(&self) -> usize {
        let few = match &self.entries {
            Entries::Many(many) => return many.len(),
            Entries::Few(few) => few,
        };
        let first = few.partition_point(|(key, _)| key.as_ref() < KeyRef::Int(1));
        let numbers = few.iter().skip(first).zip(1..);
        numbers
            .take_while(|((key, _), number)| *key == Key::Int(*number))
            .count()
    }

    /// The number of entries.
    pub fn count(&self) -> usize {
        match &self.entries {
            Entries::Few(few) => few.len(),
            Entries::Many(many) => many.count(),
        }
    }

    /// What the entries count towards the limits: what they cost in memory, all that is in them included.
    pub fn bytes(&self) -> usize {
        let entries = match &self.entries {
            Entries::Few(few) if few.is_empty() => 0,
            Entries::Few(few) => allocation(size_of_val(few.as_slice())),
            Entries::Many(many) => many.bytes(),
        };
        entries + self.outside
    }

    /// The value of an entry.
    pub fn get(&self, key: KeyRef<'_>) -> Option<&Value> {
        match &self.entries {
            Entries::Few(few) => {
                let at = place(few, key).ok()?;
                few.get(at).map(|(_, value)| value)
            }
            Entries::Many(many) => many.get(key),
        }
    }

    /// The value at the end of a path.
    pub(super) fn get_at(&self, path: &[Key]) -> Option<&Value> {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(self, |table, key| {
            table
                .get(key.as_ref())
                .and_then(Value::as_table)
                .map(Arc::as_ref)
        })?;
        parent.get(last.as_ref())
    }

    /// Sets an entry, or removes it if `value` is none; returns the former value.
    pub fn set(&mut self, key: Key, value: Option<Value>) -> Option<Value> {
        let of_key = key.outside();
        let of = |value: &Value| of_key + value.outside();
        self.outside += value.as_ref().map_or(0, of);
        let old = match value {
            Some(value) => self.insert(key, value),
            None => self.remove(key.as_ref()),
        };
        self.outside -= old.as_ref().map_or(0, of);
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
        let before = child.bytes();
        let child = Arc::make_mut(child);
        let old = child.set_at(rest, value);
        let after = child.bytes();
        self.outside = self.outside - before + after;
        old
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (KeyRef<'_>, &Value)> {
        let (few, many) = match &self.entries {
            Entries::Few(few) => (few.as_slice(), None),
            Entries::Many(many) => (&[][..], Some(many.iter())),
        };
        few.iter().map(entry).chain(many.into_iter().flatten())
    }

    /// The entries whose keys are strings that begin with `prefix`, by byte; from the last if `is_backwards`. Finding
    /// the first of them does not walk over the others.
    pub fn named_with<'t>(
        &'t self,
        prefix: &'t [u8],
        is_backwards: bool,
    ) -> impl Iterator<Item = (&'t Text, &'t Value)> {
        let (few, many) = match &self.entries {
            Entries::Few(few) => (few.as_slice(), None),
            Entries::Many(many) => (&[][..], Some(many.named_with(prefix, is_backwards))),
        };
        let named = |(key, value): &'t (Key, Value)| match key {
            Key::Str(text) if text.starts_with(prefix) => Some((text, value)),
            _ => None,
        };
        let (forwards, backwards) = if is_backwards {
            (&[][..], few)
        } else {
            (few, &[][..])
        };
        let few = forwards.iter().chain(backwards.iter().rev());
        few.filter_map(named).chain(many.into_iter().flatten())
    }

    /// The entry that comes after the one with the key `last` in [`StateTable::named_with`]; the first one without it.
    pub fn named_next<'t>(
        &'t self,
        prefix: &'t [u8],
        last: Option<&Text>,
        is_backwards: bool,
    ) -> Option<(&'t Text, &'t Value)> {
        let mut all = self.named_with(prefix, is_backwards);
        match (&self.entries, last) {
            (_, None) => all.next(),
            (Entries::Many(many), Some(last)) => many.named_next(prefix, last, is_backwards),
            (Entries::Few(_), Some(last)) if is_backwards => all.find(|(key, _)| *key < last),
            (Entries::Few(_), Some(last)) => all.find(|(key, _)| *key > last),
        }
    }

    /// The entry after `key`, which need not exist; the first one without a key. Like Luau's `next`.
    pub fn next_after(&self, key: Option<KeyRef<'_>>) -> Option<(KeyRef<'_>, &Value)> {
        let Some(key) = key else {
            return self.iter().next();
        };
        match &self.entries {
            Entries::Few(few) => {
                let next = few.partition_point(|(other, _)| other.as_ref() <= key);
                few.get(next).map(entry)
            }
            Entries::Many(many) => many.next_after(key),
        }
    }

    fn get_mut(&mut self, key: KeyRef<'_>) -> Option<&mut Value> {
        match &mut self.entries {
            Entries::Few(few) => {
                let at = place(few, key).ok()?;
                few.get_mut(at).map(|(_, value)| value)
            }
            Entries::Many(many) => many.get_mut(key),
        }
    }

    fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        let few = match &mut self.entries {
            Entries::Many(many) => return many.insert(key, value),
            Entries::Few(few) => few,
        };
        match place(few, key.as_ref()) {
            Ok(at) => few
                .get_mut(at)
                .map(|(_, old)| std::mem::replace(old, value)),
            Err(at) if few.len() < MOST_FEW => {
                few.reserve_exact(1);
                few.insert(at, (key, value));
                None
            }
            Err(_) => {
                let all = std::mem::take(few).into_iter().chain([(key, value)]);
                self.entries = Entries::Many(Box::new(all.collect()));
                None
            }
        }
    }

    fn remove(&mut self, key: KeyRef<'_>) -> Option<Value> {
        match &mut self.entries {
            Entries::Few(few) => {
                let (_, old) = few.remove(place(few, key).ok()?);
                few.shrink_to_fit();
                Some(old)
            }
            Entries::Many(many) => {
                let old = many.remove(key);
                if many.count() <= MOST_FEW {
                    let few = std::mem::take(&mut **many).into_iter().collect();
                    self.entries = Entries::Few(few);
                }
                old
            }
        }
    }
}

fn place(few: &[(Key, Value)], key: KeyRef<'_>) -> Result<usize, usize> {
    few.binary_search_by(|(other, _)| other.as_ref().cmp(&key))
}

fn entry((key, value): &(Key, Value)) -> (KeyRef<'_>, &Value) {
    (key.as_ref(), value)
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for StateTable {
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
    use std::collections::BTreeMap;

    fn keys(table: &StateTable) -> Vec<Key> {
        table.iter().map(|(key, _)| key.to_key()).collect()
    }

    #[test]
    fn the_length_follows_holes_and_their_filling() {
        let mut table = StateTable::new();
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
        let inner: StateTable = [("a", 1.0)].into_iter().collect();
        let mut tree = Arc::new([("inner", inner)].into_iter().collect::<StateTable>());
        let snapshot = Arc::clone(&tree);
        Arc::make_mut(&mut tree).set_at(&["inner".into(), "a".into()], Some(2.0.into()));
        let at = |tree: &StateTable| tree.get_at(&["inner".into(), "a".into()]).cloned();
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
            let mut table = StateTable::new();
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
            let again: StateTable = model.into_iter().collect();
            prop_assert_eq!(table.bytes(), again.bytes(), "the count follows from the content alone");
            prop_assert_eq!(&table, &again);
            let mut walked = Vec::new();
            while let Some((key, _)) = table.next_after(walked.last().map(Key::as_ref)) {
                let key = key.to_key();
                walked.push(key);
            }
            prop_assert_eq!(walked, keys(&table));
        }
    }
}
