//! A sorted map whose clones share what neither of them has changed: a snapshot of a million entries costs a pointer,
//! and a write beside it copies the few nodes on the way to its entry.

use std::borrow::Borrow;
use std::sync::Arc;

/// Entries of a node, at most; in unit tests few, so that a thousand entries make a deep tree.
const MOST: usize = if cfg!(test) { 8 } else { 32 };
/// A node with fewer is joined with its neighbour, if both fit well into one.
const FEW: usize = MOST / 4;
const JOINED: usize = MOST / 4 * 3;

/// A map by key. Nothing is allocated while it is empty.
#[derive(Clone, Debug)]
pub(super) struct Sorted<K, V> {
    root: Option<Arc<Node<K, V>>>,
    count: usize,
}

#[derive(Clone, Debug)]
enum Node<K, V> {
    Leaf(Vec<(K, V)>),
    /// Each child with a key that is no greater than any in it, and greater than all before it. Of the first child that
    /// key is not looked at.
    Inner(Vec<Child<K, V>>),
}

type Child<K, V> = (K, Arc<Node<K, V>>);

/// Entries in order, from the first or from the last.
pub(super) struct Iter<'t, K, V> {
    /// What is left of the nodes above the leaf.
    inner: Vec<&'t [Child<K, V>]>,
    leaf: &'t [(K, V)],
    is_backwards: bool,
}

/// What an insertion did: the value that was there, and a node that is now the next one.
type Inserted<K, V> = (Option<V>, Option<Child<K, V>>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self {
            root: None,
            count: 0,
        }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Sorted<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().eq(other.iter())
    }
}

impl<K, V> Sorted<K, V> {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// All entries, ascending.
    pub(super) fn iter(&self) -> Iter<'_, K, V> {
        self.all(false)
    }

    /// All entries, descending.
    pub(super) fn iter_back(&self) -> Iter<'_, K, V> {
        self.all(true)
    }

    fn all(&self, is_backwards: bool) -> Iter<'_, K, V> {
        let mut iter = Iter {
            inner: Vec::new(),
            leaf: &[],
            is_backwards,
        };
        if let Some(root) = &self.root {
            iter.enter(root);
        }
        iter
    }
}

impl<K: Ord, V> Sorted<K, V> {
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Inner(children) => node = &children.get(child_of(children, key))?.1,
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|(other, _)| other.borrow().cmp(key));
                    return entries.get(at.ok()?).map(|(_, value)| value);
                }
            }
        }
    }

    /// The entries from `key` on, ascending; without `key` itself if it is `after`.
    pub(super) fn from<Q: Ord + ?Sized>(&self, key: &Q, is_after: bool) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        self.seek(key, is_after, false)
    }

    /// The entries before `key`, descending.
    pub(super) fn before<Q: Ord + ?Sized>(&self, key: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        self.seek(key, false, true)
    }

    fn seek<Q: Ord + ?Sized>(&self, key: &Q, is_after: bool, is_backwards: bool) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let mut inner = Vec::new();
        let mut node = self.root.as_deref();
        let mut leaf: &[(K, V)] = &[];
        while let Some(here) = node.take() {
            match here {
                Node::Inner(children) => {
                    let at = child_of(children, key);
                    let rest = if is_backwards {
                        children.get(..at)
                    } else {
                        children.get(at + 1..)
                    };
                    inner.push(rest.unwrap_or_default());
                    node = children.get(at).map(|(_, child)| &**child);
                }
                Node::Leaf(entries) => {
                    let at = entries.partition_point(|(other, _)| {
                        let other = other.borrow();
                        other < key || (is_after && other == key)
                    });
                    let (before, from) = entries.split_at(at);
                    leaf = if is_backwards { before } else { from };
                }
            }
        }
        Iter {
            inner,
            leaf,
            is_backwards,
        }
    }
}

impl<K: Ord + Clone, V: Clone> Sorted<K, V> {
    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        // A key that is not there must not cost a copy.
        self.get(key)?;
        let mut node = Arc::make_mut(self.root.as_mut()?);
        loop {
            match node {
                Node::Inner(children) => {
                    let at = child_of(children, key);
                    node = Arc::make_mut(&mut children.get_mut(at)?.1);
                }
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|(other, _)| other.borrow().cmp(key));
                    return entries.get_mut(at.ok()?).map(|(_, value)| value);
                }
            }
        }
    }

    /// Sets an entry; returns what was there.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let empty = || Arc::new(Node::Leaf(Vec::new()));
        let root = self.root.get_or_insert_with(empty);
        let (old, split) = insert(Arc::make_mut(root), key, value);
        if let Some((next_key, next)) = split {
            // The first key is not looked at.
            let first = (next_key.clone(), Arc::clone(root));
            *root = Arc::new(Node::Inner(vec![first, (next_key, next)]));
        }
        self.count += usize::from(old.is_none());
        old
    }

    /// Removes an entry; returns what was there.
    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        let root = self.root.as_mut()?;
        let old = remove(Arc::make_mut(root), key)?;
        self.count -= 1;
        while let Node::Inner(children) = &**root
            && let [(_, only)] = children.as_slice()
        {
            *root = Arc::clone(only);
        }
        if self.count == 0 {
            self.root = None;
        }
        Some(old)
    }
}

/// Which child has this key, if any has it.
fn child_of<K: Borrow<Q>, V, Q: Ord + ?Sized>(children: &[Child<K, V>], key: &Q) -> usize {
    let after = children.partition_point(|(first, _)| first.borrow() <= key);
    // The first one has everything before the second one.
    after.saturating_sub(1)
}

fn insert<K: Ord + Clone, V: Clone>(node: &mut Node<K, V>, key: K, value: V) -> Inserted<K, V> {
    match node {
        Node::Leaf(entries) => match entries.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(at) => {
                let old = entries.get_mut(at);
                let old = old.map(|(_, old)| std::mem::replace(old, value));
                (old, None)
            }
            Err(at) => {
                let split = put(entries, at, (key, value));
                let next = split.and_then(|rest| {
                    let first = rest.first()?.0.clone();
                    Some((first, Arc::new(Node::Leaf(rest))))
                });
                (None, next)
            }
        },
        Node::Inner(children) => {
            let at = child_of(children, &key);
            let Some((_, child)) = children.get_mut(at) else {
                return (None, None);
            };
            let (old, split) = insert(Arc::make_mut(child), key, value);
            let rest = split.and_then(|next| put(children, at + 1, next));
            let next = rest.and_then(|rest| {
                let first = rest.first()?.0.clone();
                Some((first, Arc::new(Node::Inner(rest))))
            });
            (old, next)
        }
    }
}

/// Puts an item into a node; returns the second half if it was full. What is added at the end again and again leaves
/// full nodes behind.
fn put<T>(items: &mut Vec<T>, at: usize, item: T) -> Option<Vec<T>> {
    if items.len() < MOST {
        items.insert(at, item);
        return None;
    }
    if at == items.len() {
        return Some(vec![item]);
    }
    let mut rest = items.split_off(MOST / 2);
    match at.checked_sub(items.len()) {
        Some(at) if at > 0 => rest.insert(at, item),
        _ => items.insert(at, item),
    }
    Some(rest)
}

fn remove<K: Ord + Clone + Borrow<Q>, V: Clone, Q: Ord + ?Sized>(
    node: &mut Node<K, V>,
    key: &Q,
) -> Option<V> {
    match node {
        Node::Leaf(entries) => {
            let at = entries.binary_search_by(|(other, _)| other.borrow().cmp(key));
            Some(entries.remove(at.ok()?).1)
        }
        Node::Inner(children) => {
            let at = child_of(children, key);
            let child = Arc::make_mut(&mut children.get_mut(at)?.1);
            let old = remove(child, key);
            if child.len() < FEW {
                join(children, at);
            }
            old
        }
    }
}

/// Joins a node that has few items left with the one before or after it.
fn join<K: Ord + Clone, V: Clone>(children: &mut Vec<Child<K, V>>, at: usize) {
    let len = |at: usize| children.get(at).map(|(_, child)| child.len());
    let Some(own) = len(at) else {
        return;
    };
    if own == 0 {
        children.remove(at);
        return;
    }
    let fits = |other: usize| len(other).is_some_and(|other| own + other <= JOINED);
    let first = if fits(at + 1) {
        at
    } else if at > 0 && fits(at - 1) {
        at - 1
    } else {
        return;
    };
    let (key, next) = children.remove(first + 1);
    let Some((_, child)) = children.get_mut(first) else {
        return;
    };
    match (Arc::make_mut(child), Arc::unwrap_or_clone(next)) {
        (Node::Leaf(entries), Node::Leaf(more)) => entries.extend(more),
        (Node::Inner(nodes), Node::Inner(mut more)) => {
            // It was not looked at so far, and may be greater than keys that came later.
            if let Some((least, _)) = more.first_mut() {
                *least = key;
            }
            nodes.extend(more);
        }
        // All children of a node are of one kind.
        _ => {}
    }
}

impl<K, V> Node<K, V> {
    fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(children) => children.len(),
        }
    }
}

impl<'t, K, V> Iter<'t, K, V> {
    fn enter(&mut self, node: &'t Node<K, V>) {
        match node {
            Node::Leaf(entries) => self.leaf = entries,
            Node::Inner(children) => self.inner.push(children),
        }
    }
}

/// The next one, and what is left of them.
fn take<'t, T>(items: &mut &'t [T], is_backwards: bool) -> Option<&'t T> {
    let (next, rest) = if is_backwards {
        items.split_last()?
    } else {
        items.split_first()?
    };
    *items = rest;
    Some(next)
}

impl<'t, K, V> Iterator for Iter<'t, K, V> {
    type Item = (&'t K, &'t V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = take(&mut self.leaf, self.is_backwards) {
                return Some((key, value));
            }
            match take(self.inner.last_mut()?, self.is_backwards) {
                Some((_, child)) => self.enter(child),
                None => drop(self.inner.pop()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn is_same(sorted: &Sorted<u16, u32>, model: &BTreeMap<u16, u32>) -> bool {
        sorted.len() == model.len()
            && sorted.iter().eq(model.iter())
            && sorted.iter_back().eq(model.iter().rev())
    }

    proptest! {
        #[test]
        fn is_a_sorted_map_and_its_clones_stay_what_they_were(
            steps in prop::collection::vec((0..4_u8, 0..900_u16), 0..3_000),
            ascending in any::<bool>(),
        ) {
            let (mut sorted, mut model) = (Sorted::default(), BTreeMap::new());
            let mut snapshots = Vec::new();
            for (number, (what, key)) in (0..).zip(steps) {
                let key = if ascending && what < 2 { number % 900 } else { key };
                match what {
                    0 | 1 => {
                        let value = u32::from(number);
                        prop_assert_eq!(sorted.insert(key, value), model.insert(key, value));
                    }
                    2 => prop_assert_eq!(sorted.remove(&key), model.remove(&key)),
                    _ => {
                        prop_assert_eq!(sorted.get(&key), model.get(&key));
                        let (one, two) = (sorted.get_mut(&key), model.get_mut(&key));
                        prop_assert_eq!(&one, &two);
                        if let (Some(one), Some(two)) = (one, two) {
                            (*one, *two) = (7, 7);
                        }
                        prop_assert!(sorted.from(&key, false).eq(model.range(key..)));
                        prop_assert!(sorted.from(&key, true).eq(model.range(key + 1..)));
                        prop_assert!(sorted.before(&key).eq(model.range(..key).rev()));
                    }
                }
                if number % 500 == 0 {
                    snapshots.push((sorted.clone(), model.clone()));
                }
            }
            snapshots.push((sorted.clone(), model.clone()));
            for (sorted, model) in &snapshots {
                prop_assert!(is_same(sorted, model));
            }
            let keys: Vec<u16> = model.keys().copied().collect();
            for key in keys {
                prop_assert!(sorted.remove(&key).is_some());
            }
            prop_assert!(sorted.root.is_none());
        }
    }
}
