//! The entries of a table that has many.

use super::memory::allocation;
use super::sorted::Sorted;
use super::text::Text;
use super::{Key, KeyRef, Value};

/// What an entry costs in memory in each of the three, on the average: vectors are kept an eighth larger than they
/// need to be, and the nodes of sorted maps are two thirds full.
const DENSE_BYTES: usize = 27;
const SPARSE_BYTES: usize = 50;
const NAMED_BYTES: usize = 76;
/// One node of a sorted map with few entries: what even a single one costs.
const SPARSE_NODE: usize = allocation(16 + 32) + allocation(4 * (8 + 24));
const NAMED_NODE: usize = allocation(16 + 32) + allocation(4 * (24 + 24));

/// Entries by key: integers first, ascending, then strings by byte.
///
/// `dense` holds 1..n for the largest such n, so that the length is known and arrays are arrays; every other
/// integer is in `sparse`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Many {
    dense: Vec<Value>,
    sparse: Sorted<i64, Value>,
    named: Sorted<Text, Value>,
}

impl Many {
    /// The largest n with 1..n present.
    pub(super) fn len(&self) -> usize {
        self.dense.len()
    }

    /// The number of entries.
    pub(super) fn count(&self) -> usize {
        self.dense.len() + self.sparse.len() + self.named.len()
    }

    /// What the entries cost in memory, without what their keys and values have outside of them.
    pub(super) fn bytes(&self) -> usize {
        let map = |entries: usize, each: usize, node: usize| match entries {
            0 => 0,
            _ => (entries * each).max(node),
        };
        allocation(size_of::<Self>())
            + self.dense.len() * DENSE_BYTES
            + map(self.sparse.len(), SPARSE_BYTES, SPARSE_NODE)
            + map(self.named.len(), NAMED_BYTES, NAMED_NODE)
    }

    pub(super) fn get(&self, key: KeyRef<'_>) -> Option<&Value> {
        match key {
            KeyRef::Int(number) => match self.slot(number) {
                Some(slot) => self.dense.get(slot),
                None => self.sparse.get(&number),
            },
            KeyRef::Str(text) => self.named.get(text),
        }
    }

    pub(super) fn get_mut(&mut self, key: KeyRef<'_>) -> Option<&mut Value> {
        match key {
            KeyRef::Int(number) => match self.slot(number) {
                Some(slot) => self.dense.get_mut(slot),
                None => self.sparse.get_mut(&number),
            },
            KeyRef::Str(text) => self.named.get_mut(text),
        }
    }

    pub(super) fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        match key {
            Key::Int(number) => self.put(number, value),
            Key::Str(text) => self.named.insert(text, value),
        }
    }

    pub(super) fn remove(&mut self, key: KeyRef<'_>) -> Option<Value> {
        match key {
            KeyRef::Int(number) => self.take(number),
            KeyRef::Str(text) => self.named.remove(text),
        }
    }

    /// The entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (KeyRef<'_>, &Value)> {
        let dense = (1..).map(KeyRef::Int).zip(&self.dense);
        let below = self.sparse.iter().take_while(|(number, _)| **number < 1);
        let above = self.sparse.from(&1, false).map(numbered);
        let named = self.named.iter().map(named);
        below.map(numbered).chain(dense).chain(above).chain(named)
    }

    /// The entries whose keys are strings that begin with `prefix`, from the first or from the last.
    pub(super) fn named_with<'t>(
        &'t self,
        prefix: &'t [u8],
        is_backwards: bool,
    ) -> impl Iterator<Item = (&'t Text, &'t Value)> {
        let entries = match (is_backwards, after_all_with(prefix)) {
            (false, _) => self.named.from(prefix, false),
            (true, Some(end)) => self.named.before(end.as_slice()),
            (true, None) => self.named.iter_back(),
        };
        entries.take_while(move |(text, _)| text.starts_with(prefix))
    }

    /// The entry after `last` of those whose keys are strings that begin with `prefix`; before it, if `is_backwards`.
    pub(super) fn named_next(
        &self,
        prefix: &[u8],
        last: &Text,
        is_backwards: bool,
    ) -> Option<(&Text, &Value)> {
        let mut entries = if is_backwards {
            self.named.before(&**last)
        } else {
            self.named.from(&**last, true)
        };
        entries.next().filter(|(text, _)| text.starts_with(prefix))
    }

    /// The entry after `key`, which need not exist.
    pub(super) fn next_after(&self, key: KeyRef<'_>) -> Option<(KeyRef<'_>, &Value)> {
        match key {
            KeyRef::Int(number) => self
                .next_number(number)
                .or_else(|| self.named.iter().next().map(named)),
            KeyRef::Str(text) => self.named.from(text, true).next().map(named),
        }
    }

    fn next_number(&self, after: i64) -> Option<(KeyRef<'_>, &Value)> {
        if after < 1 {
            let below = self.sparse.from(&after, true).next();
            let below = below.filter(|(number, _)| **number < 1);
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
        let mut above = self.sparse.from(&after.max(0), true);
        above.next().map(numbered)
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
        self.push(value);
        while let Some(next) = self.following()
            && let Some(value) = self.sparse.remove(&next)
        {
            self.push(value);
        }
        None
    }

    /// Grows by a quarter: doubling would hold twice as much memory as is counted.
    fn push(&mut self, value: Value) {
        if self.dense.len() == self.dense.capacity() {
            self.dense.reserve_exact(self.dense.len() / 4 + 1);
        }
        self.dense.push(value);
    }

    fn take(&mut self, number: i64) -> Option<Value> {
        let Some(slot) = self.slot(number) else {
            return self.sparse.remove(&number);
        };
        let tail = self.dense.split_off(slot + 1);
        for (number, value) in (number + 1..).zip(tail) {
            self.sparse.insert(number, value);
        }
        let taken = self.dense.pop();
        if self.dense.len() < self.dense.capacity() / 4 * 3 {
            self.dense.shrink_to_fit();
        }
        taken
    }

    /// The integer that would lengthen `dense`.
    fn following(&self) -> Option<i64> {
        i64::try_from(self.dense.len() + 1).ok()
    }
}

impl FromIterator<(Key, Value)> for Many {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        let mut many = Self::default();
        for (key, value) in entries {
            many.insert(key, value);
        }
        many
    }
}

impl IntoIterator for Many {
    type Item = (Key, Value);
    type IntoIter = std::vec::IntoIter<(Key, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        let entries = self
            .iter()
            .map(|(key, value)| (key.to_key(), value.clone()));
        entries.collect::<Vec<_>>().into_iter()
    }
}

fn numbered<'t>((number, value): (&i64, &'t Value)) -> (KeyRef<'t>, &'t Value) {
    (KeyRef::Int(*number), value)
}

/// What comes after all that begins with `prefix`; nothing if nothing does.
pub(super) fn after_all_with(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < 0xFF)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

fn named<'t>((text, value): (&'t Text, &'t Value)) -> (KeyRef<'t>, &'t Value) {
    (KeyRef::Str(text), value)
}
