//! Saves, and when they are noticed.

use super::{DEBOUNCE, Lua, PATIENCE};
use cogsmith::reload::watch::Batch;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout};

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
    // The system reports a new time of writing as a write, so the file has to be closed like after one.
    let set_back = || {
        let file = OpenOptions::new().append(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .unwrap();
    };
    lua.write("cogs/ping.luau", "1");
    set_back();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(lua.settle().await, BTreeSet::new());
    // The time of the file going backwards hides no change.
    lua.write("cogs/ping.luau", "2");
    set_back();
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
