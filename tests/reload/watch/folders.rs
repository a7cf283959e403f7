//! Folders and links that come, go and move.

use super::{DEBOUNCE, Lua, start, write};
use cogsmith::reload::sources::{ModuleId, Rules};
use cogsmith::reload::watch::Watcher;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

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
    let mut lua = Lua::watch(folder, start);
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
    let mut lua = Lua::watch(folder, start);
    assert_eq!(lua.snapshot.problems.len(), 1);
    lua.write("cogs/ping.luau", "1");
    lua.until("cogs/ping", Some("1")).await;
    lua.write("services/late.luau", "1");
    lua.until("services/late", Some("1")).await;
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
