mod strangers;

use super::*;
use std::fs;
use tempfile::TempDir;

/// A folder `lua/` on disk.
struct Lua(TempDir);

impl Lua {
    fn new(files: &[(&str, &str)]) -> Self {
        let lua = Self(tempfile::tempdir().unwrap());
        fs::create_dir(lua.root()).unwrap();
        for (path, text) in files {
            lua.write(path, text);
        }
        lua
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("lua")
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn scan(&self) -> Snapshot {
        Snapshot::scan(&self.root(), &Rules::default())
    }

    fn rescan(&self, old: &Snapshot, paths: &[&str]) -> Snapshot {
        let new = old.rescan(&paths.iter().map(|path| self.path(path)).collect());
        // Whatever way a snapshot came about, it says what a fresh scan says.
        let fresh = self.scan();
        assert_eq!(diff(&new, &fresh), BTreeSet::new());
        assert_eq!(*new.changed(), diff(old, &new));
        assert_eq!(new.problems, fresh.problems);
        assert_eq!(new.cogs(), fresh.cogs());
        new
    }
}

fn ids(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.modules.keys().map(ModuleId::as_str).collect()
}

fn cogs(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.cogs().keys().map(String::as_str).collect()
}

fn changed(old: &Snapshot, new: &Snapshot) -> Vec<String> {
    diff(old, new).iter().map(ModuleId::to_string).collect()
}

#[test]
fn cogs_are_named_by_where_their_file_is() {
    let lua = Lua::new(&[
        ("cogs/ping.luau", "1"),
        ("cogs/leveling/init.luau", "1"),
        ("cogs/leveling/xp.luau", "1"),
        ("cogs/leveling/deep/init.luau", "1"),
        ("cogs/fun/dice.lua", "1"),
        ("cogs/fun/games/init.luau", "1"),
        ("cogs/_draft.luau", "1"),
        ("cogs/_shared/init.luau", "1"),
        ("cogs/fun/_helper.luau", "1"),
        ("services/levels.luau", "1"),
        ("notes/x.luau", "1"),
        ("cogs/readme.md", "1"),
    ]);
    let snapshot = lua.scan();
    assert_eq!(snapshot.problems, []);
    assert_eq!(
        cogs(&snapshot),
        ["fun.dice", "fun.games", "leveling", "ping"]
    );
    assert_eq!(snapshot.modules.size(), 10);
    let owner = |id: &str| {
        snapshot
            .cog_of(&ModuleId::new(id))
            .map(|owner| (owner.name, owner.is_entry))
    };
    assert_eq!(owner("cogs/leveling/init"), Some(("leveling", true)));
    assert_eq!(owner("cogs/leveling/deep/init"), Some(("leveling", false)));
    assert_eq!(owner("cogs/fun/dice"), Some(("fun.dice", true)));
    assert_eq!(owner("cogs/_shared/init"), None);
    assert_eq!(owner("services/levels"), None);
    assert_eq!(
        &*snapshot.modules["cogs/fun/dice"].path,
        "lua/cogs/fun/dice.lua"
    );
}

#[test]
fn two_files_for_one_module_are_both_set_aside_until_one_goes() {
    let lua = Lua::new(&[
        ("cogs/a.luau", "1"),
        ("services/b.luau", "1"),
        ("utils/c.luau", "1"),
    ]);
    let first = lua.scan();
    lua.write("cogs/a/init.luau", "2");
    lua.write("services/b.lua", "2");
    lua.write("utils/C.luau", "2");
    let clashing = lua.rescan(&first, &["cogs/a", "services/b.lua", "utils/C.luau"]);
    assert_eq!(ids(&clashing), [""; 0]);
    let messages: Vec<&str> = clashing
        .problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "lua/cogs/a.luau and lua/cogs/a/init.luau would be the same module; remove or rename all but one",
            "lua/services/b.lua and lua/services/b.luau would be the same module; remove or rename all but one",
            "lua/utils/C.luau and lua/utils/c.luau differ only in letter case, which not every disk keeps apart; remove or rename all but one",
        ]
    );
    assert!(clashing.held(&ModuleId::new("cogs/a")).is_some());
    assert!(clashing.held(&ModuleId::new("cogs/a/init")).is_some());
    assert!(clashing.cogs().is_empty());

    fs::remove_dir_all(lua.path("cogs/a")).unwrap();
    fs::remove_file(lua.path("services/b.luau")).unwrap();
    fs::remove_file(lua.path("utils/C.luau")).unwrap();
    let solved = lua.rescan(&clashing, &["cogs/a", "services/b.luau", "utils/C.luau"]);
    assert_eq!(ids(&solved), ["cogs/a", "services/b", "utils/c"]);
    assert_eq!(changed(&first, &solved), ["services/b"]);
    let (before, after) = (&first.modules["cogs/a"], &solved.modules["cogs/a"]);
    assert!(
        Arc::ptr_eq(before, after),
        "an untouched file is not read again"
    );
}

#[test]
fn a_file_that_cannot_be_taken_hurts_nobody_else() {
    let lua = Lua::new(&[("cogs/good.luau", "1"), ("cogs/init.luau", "1")]);
    lua.write("cogs/latin.luau", b"-- caf\xE9");
    lua.write("cogs/binary.luau", b"\x06\x03\x00");
    lua.write("services/long.luau", vec![b' '; 1024 * 1024 + 1]);
    fs::create_dir_all(lua.path("services/folder.luau")).unwrap();
    std::os::unix::fs::symlink("/etc", lua.path("services/etc")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", lua.path("services/passwd.luau")).unwrap();
    std::os::unix::fs::symlink("nowhere", lua.path("services/broken.luau")).unwrap();
    lua.write("services/deep/.luaurc", "{}");
    let snapshot = lua.scan();
    assert_eq!(ids(&snapshot), ["cogs/good"]);
    let paths: Vec<&str> = snapshot
        .problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "lua/cogs/binary.luau",
            "lua/cogs/init.luau",
            "lua/cogs/latin.luau",
            "lua/services/broken.luau",
            "lua/services/deep/.luaurc",
            "lua/services/etc",
            "lua/services/folder.luau",
            "lua/services/long.luau",
            "lua/services/passwd.luau",
        ]
    );
    for problem in &snapshot.problems {
        assert!(
            problem.message.starts_with(&problem.path),
            "{}",
            problem.message
        );
    }
    assert!(snapshot.held(&ModuleId::new("services/etc/x")).is_some());
    assert!(snapshot.held(&ModuleId::new("services/passwd")).is_some());
    assert!(snapshot.held(&ModuleId::new("cogs/good")).is_none());

    // Each is fixed by itself.
    fs::remove_file(lua.path("services/passwd.luau")).unwrap();
    fs::remove_file(lua.path("services/etc")).unwrap();
    lua.write("services/passwd.luau", "1");
    lua.write("services/etc/x.luau", "1");
    lua.write("cogs/latin.luau", "1");
    let mended = lua.rescan(
        &snapshot,
        &["services/passwd.luau", "services/etc", "cogs/latin.luau"],
    );
    assert_eq!(
        ids(&mended),
        [
            "cogs/good",
            "cogs/latin",
            "services/etc/x",
            "services/passwd"
        ]
    );
    assert_eq!(mended.problems.len(), 6);
}

#[test]
fn an_init_file_that_cannot_be_taken_holds_the_cogs_of_its_folder() {
    let lua = Lua::new(&[("cogs/fun/dice.luau", "1")]);
    let before = lua.scan();
    lua.write("cogs/fun/init.luau", b"\xFF");
    let after = lua.rescan(&before, &["cogs/fun/init.luau"]);
    assert!(after.held(&ModuleId::new("cogs/fun/dice")).is_some());
    assert!(after.cogs().is_empty());
}

#[test]
fn a_file_that_goes_over_to_another_name_of_its_module_is_one_change() {
    let lua = Lua::new(&[("cogs/a.luau", "1"), ("cogs/b/init.luau", "1")]);
    let before = lua.scan();
    fs::rename(lua.path("cogs/a.luau"), lua.path("cogs/a.lua")).unwrap();
    fs::rename(lua.path("cogs/b/init.luau"), lua.path("cogs/b.luau")).unwrap();
    let after = lua.rescan(&before, &["cogs/a.luau", "cogs/b/init.luau"]);
    assert_eq!(cogs(&after), ["a", "b"]);
    assert_eq!(
        changed(&before, &after),
        ["cogs/a", "cogs/b", "cogs/b/init"]
    );
}

#[test]
fn symlinks_inside_are_followed_without_loops() {
    let lua = Lua::new(&[
        ("services/real/a.luau", "1"),
        ("utils/b.luau", "1"),
        ("common/c.luau", "1"),
    ]);
    std::os::unix::fs::symlink("../services/real", lua.root().join("services/link")).unwrap();
    std::os::unix::fs::symlink(".", lua.path("services/loop")).unwrap();
    std::os::unix::fs::symlink("../utils/b.luau", lua.path("services/b.luau")).unwrap();
    std::os::unix::fs::symlink("../common/c.luau", lua.path("services/c.luau")).unwrap();
    let first = lua.scan();
    let modules = [
        "services/b",
        "services/c",
        "services/link/a",
        "services/real/a",
        "utils/b",
    ];
    assert_eq!(ids(&first), modules);
    assert_eq!(first.problems, []);

    lua.write("services/real/a.luau", "2");
    lua.write("utils/b.luau", "2");
    lua.write("common/c.luau", "2");
    let changes = ["services/real/a.luau", "utils/b.luau", "common/c.luau"];
    let second = lua.rescan(&first, &changes);
    assert_eq!(changed(&first, &second), modules);
}

/// A version of a mounted folder, as Kubernetes makes it: the files lie in a folder of their own, to which one link
/// leads.
fn mount(lua: &Lua, folder: &str, version: &str, files: &[&str]) {
    let link = |target: &str, path: &Path| std::os::unix::fs::symlink(target, path).unwrap();
    for file in files {
        lua.write(&format!("{folder}..{version}/{file}"), version);
    }
    link(
        &format!("..{version}"),
        &lua.path(&format!("{folder}..data_tmp")),
    );
    let data = lua.path(&format!("{folder}..data"));
    fs::rename(lua.path(&format!("{folder}..data_tmp")), data).unwrap();
    for file in files {
        let top = file.split('/').next().unwrap();
        let path = lua.path(&format!("{folder}{top}"));
        if !path.is_symlink() {
            link(&format!("..data/{top}"), &path);
        }
    }
}

#[test]
fn a_mounted_folder_whose_files_are_links_over_another_link_is_like_any_other() {
    for (folder, files) in [
        ("cogs/", ["ping.luau", "fun/dice.luau"]),
        ("", ["cogs/ping.luau", "cogs/fun/dice.luau"]),
    ] {
        let lua = Lua::new(&[]);
        mount(&lua, folder, "one", &files);
        let first = lua.scan();
        assert_eq!(first.problems, []);
        assert_eq!(cogs(&first), ["fun.dice", "ping"]);
        mount(&lua, folder, "two", &files);
        let second = lua.rescan(&first, &[&format!("{folder}..data")]);
        assert_eq!(changed(&first, &second), ["cogs/fun/dice", "cogs/ping"]);
        assert_eq!(&*second.modules["cogs/ping"].text, "two");
        // A write in the place itself is one of all links to it.
        let place = format!("{folder}..two/{}", files[0]);
        lua.write(&place, "three");
        let third = lua.rescan(&second, &[&place]);
        assert_eq!(changed(&second, &third), ["cogs/ping"]);
        // The link in between leads out, or goes: nothing is followed there, and it comes back.
        let data = lua.path(&format!("{folder}..data"));
        fs::rename(&data, lua.path("kept")).unwrap();
        let gone = lua.rescan(&third, &[&format!("{folder}..data")]);
        assert!(gone.cogs().is_empty());
        for file in files {
            let outside = lua.0.path().join("outside").join(file);
            fs::create_dir_all(outside.parent().unwrap()).unwrap();
            fs::write(outside, "secret").unwrap();
        }
        std::os::unix::fs::symlink(lua.0.path().join("outside"), &data).unwrap();
        let out = lua.rescan(&gone, &[&format!("{folder}..data")]);
        assert!(out.cogs().is_empty() && !out.problems.is_empty());
        fs::rename(lua.path("kept"), &data).unwrap();
        let back = lua.rescan(&out, &[&format!("{folder}..data")]);
        assert_eq!(cogs(&back), ["fun.dice", "ping"]);
        assert_eq!(back.problems, []);
    }
}

#[test]
fn a_path_behind_a_refused_symlink_is_no_module_wherever_it_leads() {
    let lua = Lua::new(&[("services/real.luau", "1")]);
    let first = lua.scan();
    std::os::unix::fs::symlink(lua.0.path(), lua.path("services/out")).unwrap();
    let roundabout = "services/out/lua/services/real.luau";
    let second = lua.rescan(&first, &[roundabout, "services/out/lua/services"]);
    assert_eq!(ids(&second), ["services/real"]);
    assert_eq!(second.problems.len(), 1);
}

#[test]
fn a_save_reads_one_file_and_shares_the_rest() {
    let lua = Lua::new(&[
        ("cogs/a.luau", "1"),
        ("cogs/b.luau", "1"),
        ("utils/c.luau", "1"),
    ]);
    let first = lua.scan();
    // Unreported changes show what is read.
    lua.write("cogs/a.luau", "2");
    lua.write("cogs/b.luau", "2");
    let second = first.rescan(&BTreeSet::from([lua.path("cogs/a.luau")]));
    assert_eq!(changed(&first, &second), ["cogs/a"]);
    assert!(
        Arc::ptr_eq(&first.tree, &second.tree),
        "the structure is shared"
    );
    let same = second.rescan(&BTreeSet::from([
        lua.path("cogs/a.luau"),
        lua.path("cogs/sed1x2"),
    ]));
    assert!(Arc::ptr_eq(
        &second.modules["cogs/a"],
        &same.modules["cogs/a"]
    ));
    assert!(Arc::ptr_eq(&second.tree, &same.tree));
    assert_eq!(changed(&second, &same), [""; 0]);
    assert_eq!(changed(&second, &second.rescan_all()), ["cogs/b"]);
}

#[test]
fn a_suddenly_empty_file_is_looked_at_again_and_taken_in_the_end() {
    let lua = Lua::new(&[("cogs/a.luau", "1")]);
    let first = lua.scan();
    lua.write("cogs/a.luau", "");
    lua.write("cogs/new.luau", "");
    let mut snapshot = first.clone();
    for _ in 0..rescan::MAX_LOOKS {
        snapshot = snapshot.rescan(&[lua.path("cogs/a.luau"), lua.path("cogs/new.luau")].into());
        assert_eq!(changed(&first, &snapshot), [""; 0]);
        assert_eq!(snapshot.unsettled().len(), 2);
    }
    let filled = {
        lua.write("cogs/a.luau", "2");
        snapshot.rescan(&snapshot.unsettled())
    };
    assert_eq!(&*filled.modules["cogs/a"].text, "2");
    lua.write("cogs/a.luau", "");
    let taken = snapshot.rescan(&snapshot.unsettled());
    assert_eq!(changed(&first, &taken), ["cogs/a", "cogs/new"]);
    assert!(taken.unsettled().is_empty());
    assert_eq!(
        changed(&taken, &lua.rescan(&taken, &["cogs/a.luau"])),
        [""; 0]
    );
}

#[test]
fn folders_come_go_and_are_renamed() {
    let lua = Lua::new(&[("cogs/a.luau", "1"), ("services/x/deep/y.luau", "1")]);
    let first = lua.scan();
    lua.write("cogs/fun/dice.luau", "1");
    fs::rename(lua.path("services/x"), lua.path("services/z")).unwrap();
    let second = lua.rescan(&first, &["cogs/fun", "services/x", "services/z"]);
    assert_eq!(
        ids(&second),
        ["cogs/a", "cogs/fun/dice", "services/z/deep/y"]
    );
    fs::remove_dir_all(lua.path("cogs")).unwrap();
    let third = lua.rescan(&second, &["cogs"]);
    assert_eq!(ids(&third), ["services/z/deep/y"]);
}

#[test]
fn a_missing_root_holds_everything_until_it_is_back() {
    let lua = Lua::new(&[("cogs/a.luau", "1")]);
    let first = lua.scan();
    fs::rename(lua.root(), lua.0.path().join("away")).unwrap();
    let away = lua.rescan(&first, &["cogs/a.luau"]);
    assert!(away.held(&ModuleId::new("cogs/a")).is_some());
    assert!(away.problems[0].message.contains("does not exist"));
    fs::rename(lua.0.path().join("away"), lua.root()).unwrap();
    let back = lua.rescan(&away, &["cogs/other.luau"]);
    assert_eq!(changed(&first, &back), [""; 0]);
    assert_eq!(back.problems, []);
}

#[test]
fn aliases_are_nodes_of_the_tree() {
    let lua = Lua::new(&[(".luaurc", r#"{"aliases": {"u": "utils", "s": "services"}}"#)]);
    let first = lua.scan();
    assert_eq!(first.alias("u"), Some("utils"));
    lua.write(
        ".luaurc",
        r#"{"aliases": {"u": "ui", "S": "services", "n": "data"}}"#,
    );
    let second = lua.rescan(&first, &[".luaurc"]);
    assert_eq!(changed(&first, &second), ["@n", "@u"]);
    assert!(second.hash(&ModuleId::of_alias("U")).is_some());

    lua.write(".luaurc", "{");
    let broken = second.rescan(&BTreeSet::from([lua.path(".luaurc")]));
    assert_eq!(changed(&second, &broken), [""; 0]);
    assert!(
        broken.problems[0]
            .message
            .starts_with("lua/.luaurc is not JSON")
    );
    fs::remove_file(lua.path(".luaurc")).unwrap();
    let gone = lua.rescan(&broken, &[".luaurc"]);
    assert_eq!(changed(&second, &gone), ["@n", "@s", "@u"]);
    assert_eq!(gone.problems, []);
}

#[test]
fn a_snapshot_of_texts_is_like_one_from_disk() {
    let texts = [
        (".luaurc", r#"{"aliases": {"u": "utils"}}"#),
        ("cogs/a.luau", "1"),
        ("utils/x/init.lua", "2"),
    ];
    let lua = Lua::new(&texts);
    let (memory, disk) = (Snapshot::of_texts(texts), lua.scan());
    assert_eq!(diff(&memory, &disk), BTreeSet::new());
    assert_eq!(memory.cogs(), disk.cogs());
}
