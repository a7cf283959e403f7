//! What has changed since the last batch, and when that batch is due.

use super::super::sources::{Rules, Snapshot, below};
use super::debounce::Debounce;
use super::filter::{Weight, weigh};
use super::limits::advice;
use super::unclosed::Unclosed;
use crate::files::writers;
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use arc_swap::ArcSwap;
use notify::event::{CreateKind, MetadataKind, ModifyKind};
use notify::{Event, EventHandler, EventKind};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A batch with more paths than this is a rescan, which costs no more and needs no list.
const MANY: usize = 4096;

/// The files and folders that may have changed in one burst.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Below the watcher's root, beginning with it as it was given.
    pub paths: BTreeSet<PathBuf>,
    /// Anything may have changed: changes were lost, the root was replaced, or there are too many.
    pub rescan: bool,
}

impl Batch {
    /// The snapshot after this batch; `snapshot` was made for the same root.
    pub fn apply(&self, snapshot: &Snapshot) -> Snapshot {
        if self.rescan {
            snapshot.rescan_all()
        } else {
            snapshot.rescan(&self.paths)
        }
    }
}

/// What the watching thread and the delivering task share.
#[derive(Debug)]
pub(super) struct WatchState {
    /// As it was given; the paths of batches begin with it.
    root: PathBuf,
    /// `root` as an absolute path, as its parent's watch reports it.
    pub(super) absolute: PathBuf,
    /// Where `root` really is, as the watch on it reports it.
    pub(super) canonical: ArcSwap<PathBuf>,
    rules: ArcSwap<Rules>,
    pending: Mutex<Pending>,
    /// Notified when a burst begins, when the window changes and when the watch needs repair.
    pub(super) wake: Notify,
}

#[derive(Debug)]
struct Pending {
    batch: Batch,
    debounce: Debounce,
    /// Files of the batch that are still being written.
    unclosed: Unclosed,
    /// Folders that were added since the last batch, whose watches must be checked.
    new_folders: BTreeSet<PathBuf>,
    repair: Option<Repair>,
    limit: Option<String>,
}

/// Repairs that the watch itself needs.
#[derive(Debug, Default)]
pub(super) struct Repair {
    /// The root came, went or was replaced.
    pub(super) root: bool,
    /// Folders that came.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The limit of watches was reached: what to do about it.
    pub(super) limit: Option<String>,
}

impl WatchState {
    pub(super) fn new(root: &Path, rules: &Rules, window: Duration) -> Self {
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let canonical = absolute.canonicalize().unwrap_or_else(|_| absolute.clone());
        Self {
            root: root.to_owned(),
            absolute,
            canonical: ArcSwap::from_pointee(canonical),
            rules: ArcSwap::from_pointee(rules.clone()),
            pending: Mutex::new(Pending {
                batch: Batch::default(),
                debounce: Debounce::new(window),
                unclosed: Unclosed::default(),
                new_folders: BTreeSet::new(),
                repair: None,
                limit: None,
            }),
            wake: Notify::new(),
        }
    }

    /// `path` changed; the window begins again.
    pub(super) fn change(&self, path: PathBuf, at: Instant) {
        self.add(path, at, true);
    }

    /// Anything may have changed.
    pub(super) fn rescan(&self, at: Instant) {
        let mut pending = self.lock();
        pending.batch.rescan = true;
        self.extend(pending, at, true);
    }

    /// Files are read because the interval is over. That does not prolong a burst.
    pub(super) fn look(&self, at: Instant) {
        let mut pending = self.lock();
        pending.batch.rescan = true;
        self.extend(pending, at, false);
    }

    /// Changes may be lost, including reports of new folders that must be watched.
    fn lose(&self, at: Instant) {
        self.repair(|repair| repair.root = true);
        self.forget_writers();
        self.rescan(at);
    }

    /// Forgets which writers have files open: from now on no event reports that a file is closed, or such an event may
    /// be lost.
    pub(super) fn forget_writers(&self) {
        self.lock().unclosed.clear();
    }

    /// When the batch is to be sent; nothing between bursts.
    pub(super) fn due(&self) -> Option<Instant> {
        self.lock().due()
    }

    /// Ends the burst, if it is over. Files that are still being written begin the next one.
    pub(super) fn take_batch(&self, now: Instant) -> Option<Batch> {
        let mut pending = self.lock();
        if pending.due()? > now {
            return None;
        }
        pending.debounce.end();
        pending.unclosed.give_up(now);
        let mut batch = std::mem::take(&mut pending.batch);
        if batch.rescan {
            batch.paths.clear();
            return Some(batch);
        }
        let paths = batch.paths.into_iter();
        let (held, whole) = paths.partition(|path| pending.unclosed.holds(path));
        pending.batch.paths = held;
        if !pending.batch.paths.is_empty() {
            pending.debounce.note(now, true);
        }
        batch.paths = whole;
        (!batch.paths.is_empty()).then_some(batch)
    }

    pub(super) fn take_repair(&self) -> Option<Repair> {
        self.lock().repair.take()
    }

    pub(super) fn has_new_folders(&self) -> bool {
        !self.lock().new_folders.is_empty()
    }

    /// Turns the new folders into a repair. notify watches new folders by itself, but gives up on a whole tree when one
    /// folder of it vanishes meanwhile.
    pub(super) fn check_new_folders(&self) {
        let mut pending = self.lock();
        let folders = std::mem::take(&mut pending.new_folders);
        pending
            .repair
            .get_or_insert_default()
            .folders
            .extend(folders);
    }

    pub(super) fn set_debounce(&self, window: Duration) {
        self.lock().debounce.set_window(window);
        self.wake.notify_one();
    }

    pub(super) fn set_rules(&self, rules: &Rules) {
        self.rules.store(Arc::new(rules.clone()));
    }

    pub(super) fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    pub(super) fn limit(&self) -> Option<String> {
        self.lock().limit.clone()
    }

    pub(super) fn set_limit(&self, advice: String) {
        self.lock().limit = Some(advice);
    }

    fn add(&self, path: PathBuf, at: Instant, extends: bool) {
        let mut pending = self.lock();
        if pending.batch.paths.len() < MANY {
            pending.batch.paths.insert(path);
        } else {
            pending.batch.rescan = true;
        }
        self.extend(pending, at, extends);
    }

    /// Begins or prolongs the burst.
    fn extend(&self, mut pending: MutexGuard<'_, Pending>, at: Instant, extends: bool) {
        if pending.debounce.note(at, extends) {
            self.wake.notify_one();
        }
    }

    /// A writer closed the file at `path`. If it was waited for, that is its last change.
    fn close(&self, path: &Path, at: Instant) {
        let mut pending = self.lock();
        if pending.unclosed.closed(path) {
            self.extend(pending, at, true);
            self.wake.notify_one();
        }
    }

    /// Notes which writers have a file open, and which changes belong to those that wrote to it.
    fn note_writer(&self, kind: EventKind, path: &Path, at: Instant) {
        let unclosed = &mut self.lock().unclosed;
        match kind {
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => unclosed.gone(path),
            _ if writers::is_write(kind) => unclosed.wrote(path, at),
            // A program that creates an empty file is about to fill it.
            EventKind::Create(CreateKind::File) if is_empty_file(path) => unclosed.wrote(path, at),
            _ => {}
        }
    }

    fn repair(&self, change: impl FnOnce(&mut Repair)) {
        change(self.lock().repair.get_or_insert_default());
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        lock(&self.pending)
    }

    fn take(&self, event: notify::Result<Event>, at: Instant) {
        match event {
            Ok(event) => self.take_event(&event, at),
            Err(error) => {
                if let Some(advice) = advice(&error) {
                    self.repair(|repair| repair.limit = Some(advice));
                    self.rescan(at);
                } else if error.paths.is_empty() {
                    // Something could not be read from the kernel.
                    self.lose(at);
                }
            }
        }
    }

    fn take_event(&self, event: &Event, at: Instant) {
        if event.need_rescan() {
            self.lose(at);
        }
        for path in &event.paths {
            let canonical = self.canonical.load();
            if *path == self.absolute || *path == **canonical {
                self.take_root_event(event.kind, at);
            } else if let Some(path) = below(&canonical, path) {
                self.take_path(event.kind, &path, at);
            }
        }
    }

    fn take_root_event(&self, kind: EventKind, at: Instant) {
        match kind {
            EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Name(_)) => {
                self.repair(|repair| repair.root = true);
                self.forget_writers();
                self.rescan(at);
            }
            // A chmod, which may have made the folder readable.
            EventKind::Modify(ModifyKind::Metadata(what)) if what != MetadataKind::WriteTime => {
                self.repair(|repair| repair.root = true);
                let mut pending = self.lock();
                pending.batch.rescan = true;
                self.extend(pending, at, false);
            }
            _ => {}
        }
    }

    fn take_path(&self, kind: EventKind, path: &str, at: Instant) {
        let full = self.root.join(path);
        if writers::is_close(kind) {
            return self.close(&full, at);
        }
        let weight = weigh(&self.rules.load(), kind, path, || {
            full.is_dir() || full.is_symlink()
        });
        if writers::TELLS_OF_CLOSE && matches!(weight, Weight::Change | Weight::Maybe) {
            self.note_writer(kind, &full, at);
        }
        match weight {
            Weight::Nothing => {}
            Weight::Maybe => self.add(full, at, false),
            Weight::Change => self.add(full, at, true),
            Weight::Folder => {
                let watched = self.canonical.load().join(path);
                self.lock().new_folders.insert(watched);
                self.add(full, at, true);
            }
        }
    }
}

impl Pending {
    /// When the batch is to be sent.
    fn due(&self) -> Option<Instant> {
        let (over, end) = self.debounce.due()?;
        Some(match self.unclosed.until() {
            None => over,
            // It would read the files that are still being written, too.
            Some(until) if self.batch.rescan => over.max(until),
            // Complete files wait with them for the maximum time of a burst, and are then delivered without them.
            Some(until) => over.max(until.min(end)),
        })
    }
}

fn is_empty_file(path: &Path) -> bool {
    let facts = path.symlink_metadata();
    facts.is_ok_and(|facts| facts.is_file() && facts.len() == 0)
}

/// Called by notify on its own thread.
pub(super) struct NotifyHandler(pub(super) Arc<WatchState>);

impl EventHandler for NotifyHandler {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        let at = Instant::now();
        // The thread is the library's, and would end.
        let taken = host_tasks::caught_now(Task::FileWatch, || {
            host_tasks::point(Task::FileWatch);
            self.0.take(event, at);
        });
        if taken.is_none() {
            self.0.lose(at);
        }
    }
}

#[cfg(test)]
mod tests;
