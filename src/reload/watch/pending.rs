//! What has changed since the last batch, and when that batch is due.

use super::super::sources::{Rules, Snapshot, below};
use super::backend;
use super::filter::{Weight, weigh};
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use arc_swap::ArcSwap;
use notify::event::{MetadataKind, ModifyKind};
use notify::{Event, EventHandler, EventKind};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A batch with more paths than this is a rescan, which costs no more and needs no list.
const MANY: usize = 4096;

/// A burst that does not end is handed on after this many quiet windows …
const LONGEST_IN_WINDOWS: u32 = 20;

/// … but not sooner than this: copying a tree takes its time and should be one batch.
const LONGEST_AT_LEAST: Duration = Duration::from_secs(2);

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
pub(super) struct Shared {
    /// As it was given; the paths of batches begin with it.
    root: PathBuf,
    /// `root` from the file system's root on: what its parent's watch calls it.
    pub(super) absolute: PathBuf,
    /// Where `root` really is: what the watch on it calls it.
    pub(super) canonical: ArcSwap<PathBuf>,
    rules: ArcSwap<Rules>,
    pending: Mutex<Pending>,
    /// Told when a burst begins, when the window changes and when the watch needs repair.
    pub(super) wake: Notify,
}

#[derive(Debug)]
struct Pending {
    batch: Batch,
    /// When the burst's first and last change happened; nothing between bursts.
    span: Option<(Instant, Instant)>,
    quiet: Duration,
    /// Folders that came since the last batch, whose watches are to be made sure of.
    new_folders: BTreeSet<PathBuf>,
    repair: Option<Repair>,
    limit: Option<String>,
}

/// What has to be done to the watch itself.
#[derive(Debug, Default)]
pub(super) struct Repair {
    /// The root came, went or was replaced.
    pub(super) root: bool,
    /// Folders that came.
    pub(super) folders: BTreeSet<PathBuf>,
    /// The limit of watches was reached: what to do about it.
    pub(super) limit: Option<String>,
}

impl Shared {
    pub(super) fn new(root: &Path, rules: &Rules, quiet: Duration) -> Self {
        let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        let canonical = absolute.canonicalize().unwrap_or_else(|_| absolute.clone());
        Self {
            root: root.to_owned(),
            absolute,
            canonical: ArcSwap::from_pointee(canonical),
            rules: ArcSwap::from_pointee(rules.clone()),
            pending: Mutex::new(Pending {
                batch: Batch::default(),
                span: None,
                quiet,
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

    /// Files are looked at because it is time to. That prolongs no burst.
    pub(super) fn look(&self, at: Instant) {
        let mut pending = self.lock();
        pending.batch.rescan = true;
        self.extend(pending, at, false);
    }

    /// Changes may be lost, also those that would have told of new folders to be watched.
    fn lose(&self, at: Instant) {
        self.repair(|repair| repair.root = true);
        self.rescan(at);
    }

    /// When the batch is to be sent; nothing between bursts.
    pub(super) fn due(&self) -> Option<Instant> {
        let pending = self.lock();
        let (first, last) = pending.span?;
        let longest = (pending.quiet * LONGEST_IN_WINDOWS).max(LONGEST_AT_LEAST);
        Some((last + pending.quiet).min(first + longest))
    }

    /// Ends the burst.
    pub(super) fn take_batch(&self) -> Option<Batch> {
        let mut pending = self.lock();
        pending.span.take()?;
        let mut batch = std::mem::take(&mut pending.batch);
        if batch.rescan {
            batch.paths.clear();
        }
        Some(batch)
    }

    pub(super) fn take_repair(&self) -> Option<Repair> {
        self.lock().repair.take()
    }

    pub(super) fn has_new_folders(&self) -> bool {
        !self.lock().new_folders.is_empty()
    }

    /// Turns the folders that came into a repair. notify watches new folders by itself, but gives up
    /// on a whole tree when one folder of it vanishes meanwhile.
    pub(super) fn check_new_folders(&self) {
        let mut pending = self.lock();
        let folders = std::mem::take(&mut pending.new_folders);
        pending
            .repair
            .get_or_insert_default()
            .folders
            .extend(folders);
    }

    pub(super) fn set_quiet(&self, quiet: Duration) {
        self.lock().quiet = quiet;
        self.wake.notify_one();
    }

    pub(super) fn set_rules(&self, rules: &Rules) {
        self.rules.store(Arc::new(rules.clone()));
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
        match &mut pending.span {
            Some((_, last)) if extends => *last = at.max(*last),
            Some(_) => {}
            None => {
                pending.span = Some((at, at));
                self.wake.notify_one();
            }
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
                if let Some(advice) = backend::advice(&error) {
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
        let weight = weigh(&self.rules.load(), kind, path, || {
            full.is_dir() || full.is_symlink()
        });
        match weight {
            Weight::Nothing => {}
            Weight::Perhaps => self.add(full, at, false),
            Weight::Change => self.add(full, at, true),
            Weight::Folder => {
                let watched = self.canonical.load().join(path);
                self.lock().new_folders.insert(watched);
                self.add(full, at, true);
            }
        }
    }
}

/// Called by notify on its own thread.
pub(super) struct Handler(pub(super) Arc<Shared>);

impl EventHandler for Handler {
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
mod tests {
    use super::*;
    use notify::event::{AccessKind, AccessMode, CreateKind, Flag};

    const QUIET: Duration = Duration::from_millis(20);

    fn shared() -> Shared {
        Shared::new(Path::new("/nowhere/lua"), &Rules::default(), QUIET)
    }

    fn create(path: &str) -> Event {
        let path = Path::new("/nowhere/lua").join(path);
        Event::new(EventKind::Create(CreateKind::File)).add_path(path)
    }

    #[test]
    fn a_lost_event_and_too_many_paths_are_a_rescan() {
        let shared = shared();
        let at = Instant::now();
        shared.take_event(&create("cogs/a.luau"), at);
        shared.take_event(&Event::new(EventKind::Other).set_flag(Flag::Rescan), at);
        let batch = shared.take_batch().unwrap();
        assert!(batch.rescan && batch.paths.is_empty());
        for number in 0..=MANY {
            shared.take_event(&create(&format!("cogs/{number}.luau")), at);
        }
        assert!(shared.take_batch().unwrap().rescan);
        assert_eq!(shared.take_batch(), None);
    }

    #[test]
    fn a_batch_is_due_when_it_is_quiet_and_in_any_case_in_the_end() {
        let shared = shared();
        let first = Instant::now();
        assert_eq!(shared.due(), None);
        shared.take_event(&create("cogs/a.luau"), first);
        assert_eq!(shared.due(), Some(first + QUIET));
        shared.take_event(&create("cogs/b.luau"), first + QUIET / 2);
        assert_eq!(shared.due(), Some(first + QUIET / 2 + QUIET));
        shared.take_event(&create("cogs/b.log"), first + QUIET);
        assert_eq!(shared.due(), Some(first + QUIET / 2 + QUIET));
        for step in 0..200 {
            shared.take_event(&create("cogs/c.luau"), first + QUIET * step);
        }
        assert_eq!(shared.due(), Some(first + LONGEST_AT_LEAST));
        assert_eq!(shared.take_batch().map(|batch| batch.paths.len()), Some(3));
    }

    #[test]
    fn after_lost_events_the_watch_is_made_anew() {
        let shared = shared();
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        shared.take_event(&lost, Instant::now());
        assert!(shared.take_repair().is_some_and(|repair| repair.root));
        assert!(shared.take_batch().is_some_and(|batch| batch.rescan));
    }

    /// With this, `chmod_and_reading_do_not_extend_the_window` of tests/watch.rs needs no stopwatch.
    #[test]
    fn chmod_and_reading_begin_a_burst_at_most_and_prolong_none() {
        let shared = shared();
        let first = Instant::now();
        let of = |kind| Event::new(kind).add_path("/nowhere/lua/cogs/a.luau".into());
        let chmod = of(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)));
        let open = of(EventKind::Access(AccessKind::Open(AccessMode::Any)));
        shared.take_event(&open, first);
        assert_eq!(shared.due(), None);
        shared.take_event(&create("cogs/a.luau"), first);
        for step in 1..20 {
            shared.take_event(&chmod, first + QUIET / 20 * step);
            shared.take_event(&open, first + QUIET / 20 * step);
        }
        assert_eq!(shared.due(), Some(first + QUIET));
    }
}
