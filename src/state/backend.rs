//! The seam for other databases.

use super::encode::each_row;
use super::{
    Batch, Clear, Namespace, StateError, StateScope, StateTable, decode_path, decode_value,
    subtree_end,
};
use crate::lock::lock;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// Storage in which state survives the process. A store calls it from its own thread, one call at a time.
///
/// Both methods speak of scopes (a namespace's guild, member, …), so that a server can give each to one writer.
pub trait StateBackend: Send + 'static {
    /// Everything that is stored.
    fn load(&mut self) -> BoxFuture<'_, Result<Loaded, StateError>>;

    /// Writes batches, which have no namespace in common: all of them or nothing. When it returns, they survive the
    /// death of this process. Returns how many bytes were written, which are charged to the cogs' share of the disk.
    fn apply<'a>(
        &'a mut self,
        batches: &'a [&'a Batch],
    ) -> BoxFuture<'a, Result<usize, StateError>>;

    /// Does work that was postponed until nobody waits; returns whether there was any.
    fn tidy(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }
}

/// What a database holds.
#[derive(Debug, Default)]
pub struct Loaded {
    pub(super) scopes: Vec<(Namespace, Vec<(StateScope, StateTable)>)>,
    pub(super) versions: Vec<(Namespace, u32)>,
    pub(super) writers: Vec<(Namespace, Namespace, usize)>,
}

impl Loaded {
    /// Adds a namespace and the version its data has (0 if it never had one).
    pub fn namespace(&mut self, namespace: Namespace, version: u32) {
        self.versions.push((namespace, version));
    }

    /// Adds what a writer of a shared namespace was charged for.
    pub fn writer(&mut self, namespace: Namespace, writer: Namespace, charged: usize) {
        self.writers.push((namespace, writer, charged));
    }

    /// Adds a row. The rows of a scope must come together, in the order of their encoded paths. The error says what is
    /// wrong with the row.
    pub fn row(
        &mut self,
        namespace: &Namespace,
        scope: StateScope,
        path: &[u8],
        value: &[u8],
    ) -> Result<(), String> {
        if self.scopes.last().is_none_or(|(last, _)| last != namespace) {
            self.scopes.push((namespace.clone(), Vec::new()));
        }
        let Some((_, scopes)) = self.scopes.last_mut() else {
            return Ok(());
        };
        if scopes.last().is_none_or(|(last, _)| *last != scope) {
            scopes.push((scope, StateTable::new()));
        }
        let unreadable = || format!("an unreadable entry in {namespace}, {scope}");
        let (Some(path), Some(value)) = (decode_path(path), decode_value(value)) else {
            return Err(unreadable());
        };
        let Some((_, table)) = scopes.last_mut() else {
            return Ok(());
        };
        if path.is_empty() {
            let version = value.as_table().map_or(0, |table| table.version());
            table.set_version(version);
            return if version > 0 {
                Ok(())
            } else {
                Err(unreadable())
            };
        }
        table.set_at(&path, Some(value));
        if table.get_at(&path).is_none() {
            return Err(format!(
                "an entry without its table in {namespace}: {}",
                super::render_path(&scope, &path)
            ));
        }
        Ok(())
    }
}

type Rows = BTreeMap<(Namespace, StateScope), BTreeMap<Vec<u8>, Vec<u8>>>;

/// A database in memory. Clones share it, so that a second store finds what the first one wrote.
#[derive(Clone, Debug, Default)]
pub struct MemoryBackend {
    rows: Arc<Mutex<Rows>>,
    versions: Arc<Mutex<BTreeMap<Namespace, u32>>>,
    writers: Arc<Mutex<BTreeMap<(Namespace, Namespace), usize>>>,
}

impl MemoryBackend {
    fn load_now(&self) -> Result<Loaded, StateError> {
        let mut loaded = Loaded::default();
        for (namespace, version) in lock(&self.versions).iter() {
            loaded.namespace(namespace.clone(), *version);
        }
        for ((namespace, writer), charged) in lock(&self.writers).iter() {
            loaded.writer(namespace.clone(), writer.clone(), *charged);
        }
        for ((namespace, scope), rows) in lock(&self.rows).iter() {
            for (path, value) in rows {
                loaded
                    .row(namespace, *scope, path, value)
                    .map_err(|reason| StateError::Damaged {
                        path: "in memory".into(),
                        reason,
                    })?;
            }
        }
        Ok(loaded)
    }

    fn apply_now(&self, batch: &Batch) -> usize {
        let mut bytes = 0;
        let mut all = lock(&self.rows);
        for (namespace, scope, path, change) in batch.changes() {
            let rows = all.entry((namespace.clone(), scope)).or_default();
            match change.clear {
                Clear::Nothing => {}
                Clear::Row => {
                    rows.remove(path);
                }
                Clear::Range => {
                    let end = subtree_end(path);
                    rows.retain(|row, _| row.as_slice() < path || *row >= end);
                }
            }
            if let Some(value) = &change.value {
                let Ok(()) =
                    each_row::<Infallible>(&mut path.to_vec(), value, &mut |path, value| {
                        bytes += path.len() + value.len();
                        rows.insert(path.to_vec(), value.to_vec());
                        Ok(())
                    });
            }
        }
        let versions = batch
            .versions()
            .map(|(namespace, version)| (namespace.clone(), version));
        lock(&self.versions).extend(versions);
        let writers = batch.writers().map(|(namespace, writer, charged)| {
            let place = (namespace.clone(), writer.clone());
            (place, charged)
        });
        lock(&self.writers).extend(writers);
        bytes
    }
}

impl StateBackend for MemoryBackend {
    fn load(&mut self) -> BoxFuture<'_, Result<Loaded, StateError>> {
        Box::pin(async { self.load_now() })
    }

    fn apply<'a>(
        &'a mut self,
        batches: &'a [&'a Batch],
    ) -> BoxFuture<'a, Result<usize, StateError>> {
        let bytes = batches.iter().map(|batch| self.apply_now(batch)).sum();
        Box::pin(async move { Ok(bytes) })
    }
}
