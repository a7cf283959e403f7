//! The rules of state, each as a test.

mod disk;
mod model;
mod overlays;
mod rows;
mod rules;
mod versions;

use super::{DefaultsOf, Key, Namespace, StateScope, StateTable, Store, StoreOptions, Value, View};
use std::path::Path;

/// A path from names; what looks like a number is an integer.
fn path(text: &str) -> Vec<Key> {
    let key = |name: &str| name.parse().map_or_else(|_| Key::from(name), Key::Int);
    text.split('.')
        .filter(|name| !name.is_empty())
        .map(key)
        .collect()
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> StateTable {
    let key = |name| path(name).remove(0);
    entries
        .into_iter()
        .map(|(name, value)| (key(name), value))
        .collect()
}

fn memory() -> Store {
    Store::open(StoreOptions::default()).unwrap()
}

fn on_disk(path: &Path) -> Store {
    let path = Some(path.to_owned());
    Store::open(StoreOptions {
        path,
        ..StoreOptions::default()
    })
    .unwrap()
}

fn cog(store: &Store) -> View {
    store.view(&Namespace::cog("test"))
}

const HERE: StateScope = StateScope::Guild(1);

fn get(view: &View, at: &str) -> Option<Value> {
    view.get(&HERE, &path(at))
}

fn set(view: &View, at: &str, value: impl Into<Value>) {
    view.set(&HERE, &path(at), Some(value.into())).unwrap();
}

fn remove(view: &View, at: &str) {
    view.set(&HERE, &path(at), None).unwrap();
}
