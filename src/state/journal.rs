//! What the views of one VM share: their overlays, and the batch of writes since the last flush.

use super::account::Account;
use super::overlay::Overlays;
use super::tree::Space;
use super::writer::Outbox;
use super::{Batch, CommitHandle, StateError};
use crate::lock::lock;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// One VM's writes. A VM runs on one thread at a time, so a journal is never used by two at once.
#[derive(Debug)]
pub(super) struct Journal {
    /// Whether there are overlays: reads and writes of a VM without any do not lock them.
    has_overlays: AtomicBool,
    overlays: Mutex<Overlays>,
    spaces: Mutex<Vec<Arc<Space>>>,
    /// Nothing if nothing is ever written to a disk.
    outbox: Option<Arc<Outbox>>,
    /// The cog that is charged for the writes.
    writer: Arc<Account>,
    /// Whether an older version of the writer's is at work.
    works_for_older: AtomicBool,
}

impl Journal {
    pub(super) fn new(outbox: Option<Arc<Outbox>>, writer: Arc<Account>) -> Self {
        Self {
            has_overlays: AtomicBool::new(false),
            overlays: Mutex::default(),
            spaces: Mutex::default(),
            outbox,
            writer,
            works_for_older: AtomicBool::new(false),
        }
    }

    pub(super) fn set_works_for_older(&self, is_older: bool) {
        self.works_for_older.store(is_older, Ordering::Relaxed);
    }

    /// The cog that is charged for the writes.
    pub(super) fn writer(&self) -> &Arc<Account> {
        &self.writer
    }

    /// A view of this journal is on this namespace.
    pub(super) fn join(&self, space: &Arc<Space>) {
        let mut spaces = lock(&self.spaces);
        if space.is_stored
            && let Err(place) = spaces.binary_search_by_key(&space.id, |space| space.id)
        {
            spaces.insert(place, Arc::clone(space));
        }
    }

    /// The overlays, if there are any.
    pub(super) fn overlays(&self) -> Option<MutexGuard<'_, Overlays>> {
        let has_overlays = self.has_overlays.load(Ordering::Acquire);
        has_overlays.then(|| lock(&self.overlays))
    }

    pub(super) fn begin(&self) {
        lock(&self.overlays).begin();
        self.has_overlays.store(true, Ordering::Release);
    }

    pub(super) fn stage(&self) {
        let mut overlays = lock(&self.overlays);
        if overlays.depth() == 0 {
            overlays.begin();
            overlays.is_staged = true;
            self.has_overlays.store(true, Ordering::Release);
        }
    }

    /// How many transactions are open.
    pub(super) fn transactions(&self) -> usize {
        let overlays = lock(&self.overlays);
        overlays.depth() - usize::from(overlays.is_staged)
    }

    pub(super) fn commit_transaction(&self) -> Result<(), StateError> {
        if self.transactions() == 0 {
            return Err(StateError::NoTransaction);
        }
        self.end()
    }

    pub(super) fn roll_back(&self) {
        if self.transactions() > 0 {
            lock(&self.overlays).roll_back();
            self.settle();
        }
    }

    /// Applies the staged writes. Open transactions are rolled back.
    pub(super) fn commit_stage(&self) {
        if !self.end_transactions() {
            return;
        }
        // A stage is replayed onto the present state; only a transaction can be refused.
        let _applied = self.end().is_ok();
    }

    pub(super) fn discard_stage(&self) {
        if self.end_transactions() {
            lock(&self.overlays).roll_back();
            self.settle();
        }
    }

    /// Rolls back open transactions; whether there is a stage below them.
    fn end_transactions(&self) -> bool {
        while self.transactions() > 0 {
            self.roll_back();
        }
        lock(&self.overlays).is_staged
    }

    /// Applies the innermost overlay.
    fn end(&self) -> Result<(), StateError> {
        let written = lock(&self.overlays).commit(&self.writer);
        self.settle();
        // Another VM's flush would take the pending writes of a shared namespace, and split this transaction.
        if written?.iter().any(|space| space.is_shared()) {
            drop(self.flush());
        }
        Ok(())
    }

    /// Writes go directly to the tree again once the last overlay is gone.
    fn settle(&self) {
        let mut overlays = lock(&self.overlays);
        if overlays.depth() == 0 {
            overlays.is_staged = false;
            self.has_overlays.store(false, Ordering::Release);
        }
    }

    /// Sends the writes since the last flush to the writer.
    pub(super) fn flush(&self) -> CommitHandle {
        match &self.outbox {
            None => CommitHandle::ready(),
            Some(outbox) => {
                let is_older = self.works_for_older.load(Ordering::Relaxed);
                flush(&lock(&self.spaces), outbox, &self.writer, is_older)
            }
        }
    }
}

/// Hands what is pending in these namespaces (in the order of their numbers) to the writer, as one batch that
/// `payer` or an older version of it pays for. It is sent under their locks, so that batches arrive in the order in which memory changed.
pub(super) fn flush(
    spaces: &[Arc<Space>],
    outbox: &Outbox,
    payer: &Arc<Account>,
    is_older: bool,
) -> CommitHandle {
    let mut trees: SmallVec<[_; 2]> = spaces.iter().map(|space| space.lock()).collect();
    let mut batch = Batch::default();
    let mut written = Vec::new();
    for (space, tree) in spaces.iter().zip(&mut trees) {
        if let Some(pending) = tree.take_pending() {
            batch.add(space.name.clone(), pending);
            written.push(tree);
        }
    }
    if !written.is_empty() {
        match outbox.send(batch, payer, is_older) {
            Ok(number) => written
                .into_iter()
                .for_each(|tree| tree.last_group = number),
            Err(error) => return CommitHandle::failed(error),
        }
    }
    // Another flush may have included our writes, or they may be on their way.
    let groups: SmallVec<[_; 2]> = trees.iter().map(|tree| tree.last_group).collect();
    outbox.commit_handle(groups, payer, is_older)
}
