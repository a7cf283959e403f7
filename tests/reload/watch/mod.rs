//! Saves as editors and tools make them, through the real watcher on a real disk.

mod confusion;
mod folders;
mod saves;

use cogsmith::reload::sources::{ModuleId, Rules, Snapshot, diff};
use cogsmith::reload::watch::{Batch, Watcher};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The debounce window of these tests: long enough for a loaded machine to make a burst within it.
const DEBOUNCE: Duration = Duration::from_millis(60);

/// How long an awaited batch may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A watched `lua/` with the snapshot that follows it.
struct Lua {
    folder: TempDir,
    watcher: Watcher,
    batches: mpsc::Receiver<Batch>,
    snapshot: Snapshot,
    /// How often [`Lua::settle`] has saved a file of its own.
    markers: u32,
}

impl Lua {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, start)
    }

    fn with(
        files: &[(&str, &str)],
        start: impl FnOnce(&Path, &Rules) -> (Watcher, mpsc::Receiver<Batch>),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("lua");
        fs::create_dir(&root).unwrap();
        for (path, text) in files {
            write(&root.join(path), text);
        }
        Self::watch(folder, start)
    }

    /// Watches `lua/` in a folder, as it is.
    fn watch(
        folder: TempDir,
        start: impl FnOnce(&Path, &Rules) -> (Watcher, mpsc::Receiver<Batch>),
    ) -> Self {
        let root = folder.path().join("lua");
        let rules = Rules::default();
        let (watcher, batches) = start(&root, &rules);
        let snapshot = Snapshot::scan(&root, &rules);
        Self {
            folder,
            watcher,
            batches,
            snapshot,
            markers: 0,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("lua").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.path(path), text);
    }

    /// The next batch.
    async fn batch(&mut self) -> Batch {
        let batch = timeout(PATIENCE, self.batches.recv()).await;
        batch.expect("a batch comes").expect("the watcher runs")
    }

    /// Takes one batch over into the snapshot, and tells which modules it changed.
    async fn step(&mut self) -> Vec<String> {
        let batch = self.batch().await;
        let new = batch.apply(&self.snapshot);
        if !new.unsettled().is_empty() {
            self.watcher.look_again(new.unsettled());
        }
        let changed = diff(&self.snapshot, &new);
        assert_eq!(*new.changed(), changed);
        self.snapshot = new;
        changed.iter().map(ModuleId::to_string).collect()
    }

    /// Follows the watcher until the module says `text`; tells everything that changed on the way.
    async fn until(&mut self, module: &str, text: Option<&str>) -> BTreeSet<String> {
        let id = ModuleId::new(module);
        let mut changed = BTreeSet::new();
        while self.snapshot.get(&id).map(|source| &*source.text) != text {
            changed.extend(self.step().await);
        }
        changed
    }

    /// Saves a new file of its own and follows the watcher until that is seen; tells what else changed. Whatever
    /// happened before has been seen then, too. The file is another one each time: a batch that an earlier one left
    /// behind would show its new text before the other changes.
    async fn settle(&mut self) -> BTreeSet<String> {
        self.markers += 1;
        let marker = format!("data/marker{}", self.markers);
        self.write(&format!("{marker}.luau"), "return true");
        let mut changed = self.until(&marker, Some("return true")).await;
        changed.remove(&marker);
        changed
    }
}

fn start(root: &Path, rules: &Rules) -> (Watcher, mpsc::Receiver<Batch>) {
    Watcher::start(root, rules, DEBOUNCE).unwrap()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
