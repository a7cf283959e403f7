//! Saves as editors and tools make them, through the real watcher on a real disk.

use cogsmith::reload::sources::{ModuleId, Rules, Snapshot, diff};
use cogsmith::reload::watch::{Batch, Watcher};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

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
}

impl Lua {
    fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, |root, rules| {
            Watcher::start(root, rules, DEBOUNCE).unwrap()
        })
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
        let rules = Rules::default();
        let (watcher, batches) = start(&root, &rules);
        let snapshot = Snapshot::scan(&root, &rules);
        Self {
            folder,
            watcher,
            batches,
            snapshot,
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

    /// Saves a file of its own and follows the watcher until that is seen. Whatever happened before
    /// has been seen then, too.
    async fn settle(&mut self) -> BTreeSet<String> {
        let text = format!("return {:?}", Instant::now());
        self.write("data/marker.luau", &text);
        let mut changed = self.until("data/marker", Some(&text)).await;
        changed.remove("data/marker");
        changed
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_save_in_place_is_one_batch_with_one_path() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    lua.write("cogs/ping.luau", "2");
    let batch = lua.batch().await;
    assert_eq!(
        batch,
        Batch {
            paths: [lua.path("cogs/ping.luau")].into(),
            rescan: false
        }
    );
    lua.write("cogs/ping.luau", "3");
    assert_eq!(lua.step().await, ["cogs/ping"]);
    assert_eq!(lua.settle().await, BTreeSet::new());
}

#[tokio::test]
async fn a_save_by_temporary_file_and_rename_is_one_batch() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    // VS Code, JetBrains, sed -i: a new file takes the name.
    for (number, temporary) in ["ping.luau.tmp", ".ping.luau.123", "sedA1b2C3"]
        .iter()
        .enumerate()
    {
        let temporary = lua.path("cogs").join(temporary);
        let text = format!("return {number}");
        fs::write(&temporary, &text).unwrap();
        fs::rename(&temporary, lua.path("cogs/ping.luau")).unwrap();
        assert_eq!(lua.step().await, ["cogs/ping"]);
        assert_eq!(&*lua.snapshot.modules["cogs/ping"].text, text);
    }
    // vim: the old file becomes the backup, which goes in the end.
    fs::write(lua.path("cogs/4913"), "").unwrap();
    fs::remove_file(lua.path("cogs/4913")).unwrap();
    fs::rename(lua.path("cogs/ping.luau"), lua.path("cogs/ping.luau~")).unwrap();
    fs::write(lua.path("cogs/ping.luau"), "vim").unwrap();
    fs::remove_file(lua.path("cogs/ping.luau~")).unwrap();
    assert_eq!(lua.step().await, ["cogs/ping"]);
    assert_eq!(lua.settle().await, BTreeSet::new());
}

#[tokio::test]
async fn a_save_in_several_chunks_is_one_batch_of_the_whole() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    let mut file = File::create(lua.path("cogs/ping.luau")).unwrap();
    for _ in 0..5 {
        file.write_all(b"print(1)\n").unwrap();
        // Not waiting for anything: this is the pause that the writer makes.
        sleep(DEBOUNCE / 4).await;
    }
    drop(file);
    assert_eq!(lua.step().await, ["cogs/ping"]);
    assert_eq!(lua.snapshot.modules["cogs/ping"].text.lines().count(), 5);
    assert_eq!(lua.settle().await, BTreeSet::new());
}

#[tokio::test]
async fn an_empty_file_for_a_moment_is_never_taken() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    let mut file = File::create(lua.path("cogs/ping.luau")).unwrap();
    // The writer is slower than anybody waits for: batches come, and change nothing.
    assert_eq!(lua.step().await, [""; 0]);
    assert_eq!(lua.step().await, [""; 0]);
    file.write_all(b"2").unwrap();
    drop(file);
    assert_eq!(
        lua.until("cogs/ping", Some("2")).await,
        ["cogs/ping".to_owned()].into()
    );
    // One that stays empty is taken in the end.
    lua.write("cogs/ping.luau", "");
    assert_eq!(
        lua.until("cogs/ping", Some("")).await,
        ["cogs/ping".to_owned()].into()
    );
}

#[tokio::test]
async fn half_a_file_whose_writer_pauses_is_never_taken() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1"), ("cogs/pong.luau", "1")]);
    for (name, begin) in [
        ("cogs/ping.luau", &File::create as &dyn Fn(PathBuf) -> _),
        ("cogs/pong.luau", &|path| {
            OpenOptions::new().append(true).open(path)
        }),
        ("cogs/new.luau", &File::create),
    ] {
        let mut file = begin(lua.path(name)).unwrap();
        for line in ["-- a\n", "-- b\n", "-- c\n"] {
            file.write_all(line.as_bytes()).unwrap();
            // The writer's own pause: many debounce windows.
            sleep(Duration::from_millis(300)).await;
        }
        drop(file);
        let module = name.strip_suffix(".luau").unwrap();
        assert_eq!(lua.step().await, [module]);
        let text = &lua.snapshot.modules[module].text;
        assert!(text.ends_with("-- a\n-- b\n-- c\n"), "{text}");
    }
    assert_eq!(lua.settle().await, BTreeSet::new());
}

#[tokio::test]
async fn a_new_file_that_stays_empty_while_its_writer_thinks_is_not_taken() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    lua.watcher.set_debounce(Duration::from_millis(10));
    let mut file = File::create(lua.path("cogs/new.luau")).unwrap();
    // The writer's own pause: longer than an empty file is looked at again and again.
    sleep(Duration::from_secs(1)).await;
    file.write_all(b"return 1").unwrap();
    drop(file);
    assert_eq!(
        lua.until("cogs/new", Some("return 1")).await,
        ["cogs/new".to_owned()].into()
    );
}

#[tokio::test]
async fn a_writer_that_never_closes_does_not_keep_its_file_for_good() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1"), ("cogs/pong.luau", "1")]);
    let mut file = File::create(lua.path("cogs/ping.luau")).unwrap();
    file.write_all(b"2").unwrap();
    lua.until("cogs/ping", Some("2")).await;
    file.write_all(b"3").unwrap();
    lua.until("cogs/ping", Some("23")).await;
    // Nor when the file goes, or takes another name, while it is open.
    file.write_all(b"4").unwrap();
    fs::rename(lua.path("cogs/ping.luau"), lua.path("cogs/moved.luau")).unwrap();
    lua.until("cogs/moved", Some("234")).await;
    file.write_all(b"5").unwrap();
    fs::remove_file(lua.path("cogs/moved.luau")).unwrap();
    lua.until("cogs/moved", None).await;
    file.write_all(b"6").unwrap();
    lua.write("cogs/pong.luau", "2");
    assert_eq!(lua.settle().await, ["cogs/pong".to_owned()].into());
}

#[tokio::test]
async fn what_one_of_two_writers_leaves_is_followed_by_what_the_other_does() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    let open = || {
        OpenOptions::new()
            .append(true)
            .open(lua.path("cogs/ping.luau"))
    };
    let (mut one, mut other) = (open().unwrap(), open().unwrap());
    one.write_all(b"2").unwrap();
    other.write_all(b"3").unwrap();
    drop(one);
    lua.until("cogs/ping", Some("123")).await;
    other.write_all(b"4").unwrap();
    drop(other);
    lua.until("cogs/ping", Some("1234")).await;
}

#[tokio::test]
async fn touch_chmod_and_the_same_bytes_change_nothing() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    let path = lua.path("cogs/ping.luau");
    lua.write("cogs/ping.luau", "1");
    let file = OpenOptions::new().append(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(lua.settle().await, BTreeSet::new());
    // The time of the file going backwards hides no change.
    lua.write("cogs/ping.luau", "2");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!(lua.settle().await, ["cogs/ping".to_owned()].into());
}

#[tokio::test]
async fn an_endless_stream_of_saves_gets_through() {
    let lua = Lua::new(&[("cogs/ping.luau", "1")]);
    let (path, mut batches) = (lua.path("cogs/ping.luau"), lua.batches);
    let writer = tokio::spawn(async move {
        for number in 0.. {
            fs::write(&path, format!("return {number}")).unwrap();
            // The writer's own pause: there is never a debounce window.
            sleep(DEBOUNCE / 10).await;
        }
    });
    for _ in 0..2 {
        timeout(PATIENCE, batches.recv()).await.unwrap().unwrap();
    }
    assert!(!writer.is_finished());
    writer.abort();
}

#[tokio::test]
async fn new_folders_are_watched_with_what_is_in_them() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    lua.write("cogs/fun/games/dice.luau", "1");
    lua.write("services/new/deep/er/x.luau", "1");
    let changed = lua.settle().await;
    assert_eq!(
        changed,
        ["cogs/fun/games/dice", "services/new/deep/er/x"]
            .map(str::to_owned)
            .into()
    );
    for text in ["2", "3"] {
        lua.write("services/new/deep/er/x.luau", text);
        assert_eq!(lua.step().await, ["services/new/deep/er/x"]);
        lua.write("cogs/fun/games/dice.luau", text);
        assert_eq!(lua.step().await, ["cogs/fun/games/dice"]);
    }
}

#[tokio::test]
async fn a_renamed_folder_is_watched_under_its_new_name() {
    let mut lua = Lua::new(&[("cogs/fun/dice.luau", "1"), ("cogs/fun/deep/a.luau", "1")]);
    fs::rename(lua.path("cogs/fun"), lua.path("cogs/joy")).unwrap();
    lua.settle().await;
    let cogs: Vec<&String> = lua.snapshot.cogs().keys().collect();
    assert_eq!(cogs, ["joy.deep.a", "joy.dice"]);
    lua.write("cogs/joy/deep/a.luau", "2");
    assert_eq!(lua.step().await, ["cogs/joy/deep/a"]);
    // Out of the tree and back again.
    fs::rename(lua.path("cogs/joy"), lua.folder.path().join("joy")).unwrap();
    lua.until("cogs/joy/dice", None).await;
    fs::rename(lua.folder.path().join("joy"), lua.path("cogs/fun")).unwrap();
    lua.until("cogs/fun/dice", Some("1")).await;
    lua.write("cogs/fun/dice.luau", "2");
    assert_eq!(
        lua.until("cogs/fun/dice", Some("2")).await,
        ["cogs/fun/dice".to_owned()].into()
    );
}

#[tokio::test]
async fn what_is_deleted_and_created_again_is_still_watched() {
    let mut lua = Lua::new(&[("cogs/fun/dice.luau", "1"), ("cogs/ping.luau", "1")]);
    for round in ["a", "b", "c"] {
        fs::remove_file(lua.path("cogs/ping.luau")).unwrap();
        lua.until("cogs/ping", None).await;
        lua.write("cogs/ping.luau", round);
        lua.until("cogs/ping", Some(round)).await;
        fs::remove_dir_all(lua.path("cogs/fun")).unwrap();
        lua.until("cogs/fun/dice", None).await;
        lua.write("cogs/fun/dice.luau", round);
        lua.until("cogs/fun/dice", Some(round)).await;
        // Without a pause in between, it is one save.
        fs::remove_dir_all(lua.path("cogs/fun")).unwrap();
        lua.write("cogs/fun/dice.luau", "again");
        assert_eq!(lua.step().await, ["cogs/fun/dice"]);
    }
    fs::remove_dir_all(lua.path("cogs")).unwrap();
    lua.until("cogs/ping", None).await;
    lua.write("cogs/ping.luau", "back");
    lua.until("cogs/ping", Some("back")).await;
}

#[tokio::test]
async fn a_replaced_root_is_watched_again() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    let (root, old) = (lua.path(""), lua.folder.path().join("old"));
    fs::rename(&root, &old).unwrap();
    lua.write("cogs/ping.luau", "2");
    lua.until("cogs/ping", Some("2")).await;
    lua.write("cogs/ping.luau", "3");
    lua.until("cogs/ping", Some("3")).await;
    // What happens in the folder that was moved away is nobody's business any more.
    write(&old.join("cogs/ping.luau"), "4");
    assert_eq!(lua.settle().await, BTreeSet::new());

    fs::remove_dir_all(&root).unwrap();
    lua.until("cogs/ping", None).await;
    assert!(lua.snapshot.held(&ModuleId::new("cogs/ping")).is_some());
    lua.write("cogs/ping.luau", "5");
    lua.until("cogs/ping", Some("5")).await;
    lua.write("cogs/ping.luau", "6");
    lua.until("cogs/ping", Some("6")).await;
}

#[tokio::test]
async fn a_root_behind_a_symlink_is_watched_also_when_the_symlink_moves() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["one", "two"] {
        write(&folder.path().join(version).join("cogs/ping.luau"), version);
    }
    let root = folder.path().join("lua");
    symlink("one", &root).unwrap();
    let (watcher, batches) = Watcher::start(&root, &Rules::default(), DEBOUNCE).unwrap();
    let snapshot = Snapshot::scan(&root, &Rules::default());
    let mut lua = Lua {
        folder,
        watcher,
        batches,
        snapshot,
    };
    lua.write("cogs/ping.luau", "changed");
    assert_eq!(lua.step().await, ["cogs/ping"]);
    symlink("two", lua.folder.path().join("next")).unwrap();
    fs::rename(lua.folder.path().join("next"), &root).unwrap();
    lua.until("cogs/ping", Some("two")).await;
    write(&lua.folder.path().join("two/cogs/ping.luau"), "three");
    lua.until("cogs/ping", Some("three")).await;
}

#[tokio::test]
async fn a_root_that_comes_later_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lua");
    let (watcher, batches) = Watcher::start(&root, &Rules::default(), DEBOUNCE).unwrap();
    let snapshot = Snapshot::scan(&root, &Rules::default());
    assert_eq!(snapshot.problems.len(), 1);
    let mut lua = Lua {
        folder,
        watcher,
        batches,
        snapshot,
    };
    lua.write("cogs/ping.luau", "1");
    lua.until("cogs/ping", Some("1")).await;
    lua.write("services/late.luau", "1");
    lua.until("services/late", Some("1")).await;
}

#[tokio::test]
async fn what_cannot_matter_makes_no_batch() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    for other in [
        "cogs/.git/index",
        "cogs/ping.luau~",
        "cogs/.ping.luau.swp",
        "cogs/.#ping.luau",
        "cogs/#ping.luau#",
        "cogs/run.log",
        "notes/x.luau",
        "x.luau",
    ] {
        lua.write(other, "x");
        fs::remove_file(lua.path(other)).unwrap();
    }
    // What goes under such a name may have been a symlink to a folder.
    lua.write("cogs/notes.txt", "x");
    write(&lua.folder.path().join("config.json"), "{}");
    lua.write("cogs/ping.luau", "2");
    let batch = lua.batch().await;
    assert_eq!(batch.paths, [lua.path("cogs/ping.luau")].into());
    assert!(!batch.rescan);
}

#[tokio::test]
async fn two_hundred_files_at_once_are_one_batch() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1")]);
    lua.watcher.set_debounce(Duration::from_millis(300));
    for number in 0..200 {
        lua.write(&format!("services/group{}/s{number}.luau", number % 7), "1");
    }
    assert_eq!(lua.step().await.len(), 200);
    lua.watcher.set_debounce(DEBOUNCE);
    assert_eq!(lua.settle().await, BTreeSet::new());
    lua.write("services/group3/s3.luau", "2");
    assert_eq!(lua.step().await, ["services/group3/s3"]);
}

#[tokio::test]
async fn a_symlink_to_the_outside_is_refused_and_one_to_the_inside_followed() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1"), ("services/real.luau", "1")]);
    let secret = lua.folder.path().join("secret.luau");
    fs::write(&secret, "return 'secret'").unwrap();
    symlink(&secret, lua.path("cogs/evil.luau")).unwrap();
    symlink(lua.folder.path(), lua.path("cogs/out")).unwrap();
    symlink("real.luau", lua.path("services/link.luau")).unwrap();
    // The first one is held: whoever waits for it has to know.
    assert_eq!(lua.step().await, ["cogs/evil", "services/link"]);
    let problems: Vec<&str> = lua
        .snapshot
        .problems
        .iter()
        .map(|problem| &*problem.path)
        .collect();
    assert_eq!(problems, ["lua/cogs/evil.luau", "lua/cogs/out"]);
    lua.write("services/real.luau", "2");
    assert_eq!(lua.step().await, ["services/link", "services/real"]);
}

#[tokio::test]
async fn where_links_lead_is_watched_whatever_it_is_called() {
    let mut lua = Lua::new(&[
        ("cogs/..one/ping.luau", "1"),
        ("notes/deep/x.luau", "1"),
        ("notes/y.luau", "1"),
    ]);
    symlink("..one", lua.path("cogs/..data")).unwrap();
    symlink("..data/ping.luau", lua.path("cogs/ping.luau")).unwrap();
    symlink("../notes", lua.path("cogs/notes")).unwrap();
    lua.until("cogs/ping", Some("1")).await;
    lua.until("cogs/notes/y", Some("1")).await;
    for text in ["2", "3"] {
        lua.write("cogs/..one/ping.luau", text);
        lua.until("cogs/ping", Some(text)).await;
        lua.write("notes/deep/x.luau", text);
        lua.until("cogs/notes/deep/x", Some(text)).await;
        lua.write("notes/y.luau", text);
        lua.until("cogs/notes/y", Some(text)).await;
    }
    // The link in between goes, comes back, and leads elsewhere.
    fs::remove_file(lua.path("cogs/..data")).unwrap();
    lua.until("cogs/ping", None).await;
    lua.write("cogs/..two/ping.luau", "4");
    symlink("..two", lua.path("cogs/..data")).unwrap();
    lua.until("cogs/ping", Some("4")).await;
    lua.write("cogs/..two/ping.luau", "5");
    lua.until("cogs/ping", Some("5")).await;
    // It leads out, and back again.
    for (target, text) in [("../..", None), ("..one", Some("3"))] {
        symlink(target, lua.path("cogs/next")).unwrap();
        fs::rename(lua.path("cogs/next"), lua.path("cogs/..data")).unwrap();
        write(&lua.folder.path().join("ping.luau"), "outside");
        lua.until("cogs/ping", text).await;
    }
    fs::remove_dir_all(lua.path("notes/deep")).unwrap();
    lua.until("cogs/notes/deep/x", None).await;
}

#[tokio::test]
async fn two_saves_at_once_end_with_the_last_one() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "0")]);
    for round in 1..20 {
        lua.write("cogs/ping.luau", "first");
        let text = format!("return {round}");
        lua.write("cogs/ping.luau", &text);
        assert_eq!(lua.step().await, ["cogs/ping"]);
        assert_eq!(&*lua.snapshot.modules["cogs/ping"].text, text);
    }
}

#[tokio::test]
async fn a_reload_that_takes_long_finds_all_that_happened_meanwhile() {
    let mut lua = Lua::new(&[
        ("cogs/a.luau", "1"),
        ("cogs/b.luau", "1"),
        ("cogs/c.luau", "1"),
    ]);
    // Nobody takes batches while these saves happen, each a burst of its own.
    for cog in ["a", "b", "c", "a", "b", "c"] {
        lua.write(&format!("cogs/{cog}.luau"), "2");
        // The writer's own pause: the debounce window is over.
        sleep(DEBOUNCE * 2).await;
    }
    let changed = lua.settle().await;
    assert_eq!(
        changed,
        ["cogs/a", "cogs/b", "cogs/c"].map(str::to_owned).into()
    );
}

#[tokio::test]
async fn other_rules_are_followed_from_a_rescan_on() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "1"), ("extra/x.luau", "1")]);
    let rules = Rules::new(&["cogs", "extra"], &[".luau"], &[]).unwrap();
    lua.watcher.set_rules(&rules);
    assert!(lua.batch().await.rescan);
    lua.snapshot = lua.snapshot.with_rules(&rules);
    lua.write("extra/x.luau", "2");
    assert_eq!(lua.step().await, ["extra/x"]);
}

#[tokio::test]
async fn polling_finds_the_same_changes() {
    let start = |root: &Path, rules: &Rules| {
        Watcher::start_polling(root, rules, DEBOUNCE, Duration::from_millis(50)).unwrap()
    };
    let mut lua = Lua::with(&[("cogs/ping.luau", "1"), ("cogs/pong.luau", "1")], start);
    lua.write("cogs/ping.luau", "2");
    lua.until("cogs/ping", Some("2")).await;
    lua.write("services/new/x.luau", "1");
    lua.until("services/new/x", Some("1")).await;
    fs::remove_file(lua.path("cogs/pong.luau")).unwrap();
    lua.until("cogs/pong", None).await;
    fs::remove_dir_all(lua.path("")).unwrap();
    lua.until("cogs/ping", None).await;
    lua.write("cogs/ping.luau", "3");
    lua.until("cogs/ping", Some("3")).await;
}

#[tokio::test]
async fn a_save_becomes_a_batch_as_soon_as_it_has_been_quiet() {
    let mut lua = Lua::new(&[("cogs/ping.luau", "0")]);
    let quiet = Duration::from_millis(20);
    lua.watcher.set_debounce(quiet);
    let mut delays = Vec::new();
    for round in 1..=40 {
        let text = format!("return {round}");
        lua.write("cogs/ping.luau", &text);
        let saved = Instant::now();
        lua.batch().await;
        delays.push(saved.elapsed());
    }
    delays.sort();
    println!("from save to batch: {delays:?}");
    // A busy machine can tear one save into two bursts; half of them are whole on any. It can also be late, but
    // not each time.
    assert!(delays[delays.len() / 2] >= quiet, "{delays:?}");
    assert!(delays[0] < quiet + Duration::from_millis(30), "{delays:?}");
}

#[tokio::test]
async fn a_folder_without_a_parent_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("nowhere/lua");
    let error = Watcher::start(&root, &Rules::default(), DEBOUNCE)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("nowhere") && error.contains("does not exist"),
        "{error}"
    );
}

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }

    fn folder(&mut self) -> String {
        let top = ["cogs", "services"][self.roll(2)];
        let names = ["a", "b", "c"];
        let depth = self.roll(3);
        let below = (0..depth).map(|_| names[self.roll(3)]);
        let below: Vec<&str> = below.collect();
        [&[top], &below[..]].concat().join("/")
    }

    fn file(&mut self) -> String {
        let names = ["x.luau", "y.luau", "init.luau", "x.lua", "notes.txt"];
        format!("{}/{}", self.folder(), names[self.roll(5)])
    }
}

/// One random change; what is impossible is left undone.
fn disturb(lua: &Lua, dice: &mut Dice) {
    let (from, to) = (lua.path(&dice.folder()), lua.path(&dice.folder()));
    let text = format!("return {}", dice.roll(1000));
    let done = match dice.roll(10) {
        0 => fs::remove_dir_all(&from),
        1 => fs::rename(&from, &to),
        2 => fs::create_dir_all(&to),
        3 => fs::remove_file(lua.path(&dice.file())),
        4 => fs::rename(lua.path(&dice.file()), lua.path(&dice.file())),
        5 => symlink(&from, lua.path(&dice.file())),
        6 => symlink(&from, &to),
        _ => {
            let file = lua.path(&dice.file());
            fs::create_dir_all(file.parent().unwrap()).and_then(|()| fs::write(file, text))
        }
    };
    let _impossible = done.is_err();
}

#[tokio::test]
async fn after_any_confusion_the_snapshot_says_what_is_on_disk() {
    for seed in 0..6 {
        let mut lua = Lua::new(&[("cogs/a/x.luau", "1"), ("services/b/x.luau", "1")]);
        lua.watcher.set_debounce(Duration::from_millis(10));
        let mut dice = Dice(seed);
        for _ in 0..8 {
            for _ in 0..dice.roll(60) {
                disturb(&lua, &mut dice);
            }
            lua.settle().await;
            let fresh = Snapshot::scan(lua.snapshot.root(), &Rules::default());
            assert_eq!(diff(&lua.snapshot, &fresh), BTreeSet::new(), "seed {seed}");
            // What exactly is wrong with a symlink to no module may change without notice.
            let paths = |snapshot: &Snapshot| -> Vec<String> {
                let problems = snapshot.problems.iter();
                problems.map(|problem| problem.path.clone()).collect()
            };
            assert_eq!(paths(&lua.snapshot), paths(&fresh), "seed {seed}");
            assert_eq!(lua.snapshot.cogs(), fresh.cogs(), "seed {seed}");
        }
    }
}

#[tokio::test]
async fn more_files_than_a_batch_names_are_found_by_a_full_rescan() {
    const FILES: usize = 4_200;
    let mut lua = Lua::new(&[("data/gone.luau", "1")]);
    lua.watcher.set_debounce(Duration::from_secs(1));
    fs::remove_file(lua.path("data/gone.luau")).unwrap();
    for number in 0..FILES {
        lua.write(&format!("data/s{number}.luau"), "1");
    }
    let batch = lua.batch().await;
    assert!(batch.rescan && batch.paths.is_empty());
    let new = batch.apply(&lua.snapshot);
    assert_eq!(diff(&lua.snapshot, &new).len(), FILES + 1);
    lua.snapshot = new;
    lua.watcher.set_debounce(DEBOUNCE);
    assert_eq!(lua.settle().await, BTreeSet::new());
}
