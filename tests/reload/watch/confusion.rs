//! Random changes, too many of them, polling, other rules, and what makes no batch.

use super::{DEBOUNCE, Lua, write};
use cogsmith::reload::sources::{Rules, Snapshot, diff};
use cogsmith::reload::watch::Watcher;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

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
