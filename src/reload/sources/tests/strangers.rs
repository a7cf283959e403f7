//! What strangers put in the place of files, also while they are read.

use super::*;
use crate::config::HotReload;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

const SECRET: &str = "the-secret-of-another-place";

/// Rescans `paths` again and again, while a thread goes through `steps` as fast as it can.
fn rescan_while(
    lua: &Lua,
    paths: &[&str],
    steps: impl Fn(&Path) + Send + 'static,
) -> Vec<Snapshot> {
    let root = lua.root();
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let flipping = std::thread::spawn(move || {
        while !is_done.load(Ordering::Relaxed) {
            steps(&root);
        }
    });
    let changed: BTreeSet<PathBuf> = paths.iter().map(|path| lua.path(path)).collect();
    let mut snapshots = vec![lua.scan()];
    for round in 0..400 {
        let last = snapshots.last().unwrap();
        let next = match round % 2 {
            0 => last.rescan(&changed),
            _ => last.rescan_all(),
        };
        snapshots.push(next);
    }
    done.store(true, Ordering::Relaxed);
    flipping.join().unwrap();
    // Each round of steps ends as it began.
    snapshots.push(lua.scan());
    snapshots
}

fn has_read(snapshot: &Snapshot, text: &str) -> bool {
    let mut sources = snapshot.modules.values();
    sources.any(|source| source.text.contains(text)) || snapshot.luaurc().contains(text)
}

#[test]
fn a_file_that_turns_into_a_symlink_while_it_is_read_leads_nowhere() {
    let lua = Lua::new(&[("services/x.luau", "1"), (".luaurc", "{}")]);
    fs::write(lua.0.path().join(".env"), SECRET).unwrap();
    let snapshots = rescan_while(&lua, &["services/x.luau", ".luaurc"], |root| {
        for (name, up) in [("services/x.luau", "../.."), (".luaurc", "..")] {
            let (path, spare) = (root.join(name), root.join("spare"));
            symlink(format!("{up}/.env"), &spare).unwrap();
            fs::rename(&spare, &path).unwrap();
            fs::write(&spare, "{}").unwrap();
            fs::rename(&spare, &path).unwrap();
        }
    });
    assert!(!snapshots.iter().any(|it| has_read(it, SECRET)));
    assert!(has_read(snapshots.last().unwrap(), "{}"));
}

#[test]
fn a_folder_that_turns_into_a_symlink_while_it_is_walked_leads_nowhere() {
    let lua = Lua::new(&[("services/x/y/z.luau", "1")]);
    let outside = lua.0.path().join("outside/y");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("z.luau"), SECRET).unwrap();
    let snapshots = rescan_while(&lua, &["services/x/y/z.luau", "services/x"], |root| {
        let (folder, away) = (root.join("services/x"), root.join("away"));
        fs::rename(&folder, &away).unwrap();
        symlink("../../outside", &folder).unwrap();
        fs::remove_file(&folder).unwrap();
        fs::rename(&away, &folder).unwrap();
    });
    assert!(!snapshots.iter().any(|it| has_read(it, SECRET)));
    assert!(has_read(snapshots.last().unwrap(), "1"));
}

#[test]
fn a_link_over_which_others_lead_that_is_exchanged_while_they_are_read_leads_nowhere() {
    let lua = Lua::new(&[
        ("services/..one/x.luau", "1"),
        ("services/..one/.luaurc", "{}"),
    ]);
    fs::write(lua.0.path().join("x.luau"), SECRET).unwrap();
    fs::write(lua.0.path().join(".luaurc"), SECRET).unwrap();
    symlink("..one", lua.path("services/..data")).unwrap();
    symlink("..data/x.luau", lua.path("services/x.luau")).unwrap();
    symlink("services/..data/.luaurc", lua.path(".luaurc")).unwrap();
    let paths = ["services/x.luau", "services/..data", ".luaurc"];
    let snapshots = rescan_while(&lua, &paths, |root| {
        let (path, spare) = (root.join("services/..data"), root.join("spare"));
        for target in ["../..", "..one"] {
            symlink(target, &spare).unwrap();
            fs::rename(&spare, &path).unwrap();
        }
    });
    assert!(!snapshots.iter().any(|it| has_read(it, SECRET)));
    assert!(has_read(snapshots.last().unwrap(), "1"));
}

#[test]
fn a_hard_link_that_comes_and_goes_while_it_is_read_is_not_read() {
    let lua = Lua::new(&[("services/x.luau", "1")]);
    let secret = lua.0.path().join(".env");
    fs::write(&secret, SECRET).unwrap();
    let snapshots = rescan_while(&lua, &["services/x.luau"], move |root| {
        let path = root.join("services/x.luau");
        fs::remove_file(&path).unwrap();
        fs::hard_link(&secret, &path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "1").unwrap();
    });
    assert!(!snapshots.iter().any(|it| has_read(it, SECRET)));
}

#[test]
fn a_file_that_may_be_of_another_place_is_held_unless_that_is_allowed() {
    let lua = Lua::new(&[("services/a.luau", "1"), ("services/b.luau", "1")]);
    fs::write(lua.0.path().join(".env"), SECRET).unwrap();
    let before = lua.scan();
    fs::remove_file(lua.path("services/a.luau")).unwrap();
    fs::hard_link(lua.0.path().join(".env"), lua.path("services/a.luau")).unwrap();
    let held = lua.rescan(&before, &["services/a.luau"]);
    let why = held.held(&ModuleId::new("services/a")).unwrap();
    assert_eq!(
        why,
        "lua/services/a.luau has 2 hard links and may be a file from elsewhere, so it is not read; replace it by a copy, or set hot_reload.allow_linked_files in config.json"
    );
    let allowing = HotReload {
        allow_linked_files: true,
        ..HotReload::default()
    };
    let allowed = held.with_rules(&Rules::of(&allowing).unwrap());
    assert_eq!(&*allowed.modules["services/a"].text, SECRET);
}

#[test]
fn a_file_of_another_owner_than_its_folder_is_held() {
    let lua = Lua::new(&[("services/a.luau", "1")]);
    let before = lua.scan();
    let file = lua.path("services/a.luau");
    let given = chown(&file, Some(54_321), None);
    if let Err(error) = given {
        // Only root may give a file away. Where tests are not root's, the other half is tested: it is his own.
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        assert_eq!(lua.rescan(&before, &["services/a.luau"]).problems, []);
        return;
    }
    let held = lua.rescan(&before, &["services/a.luau"]);
    let why = held.held(&ModuleId::new("services/a")).unwrap();
    assert!(
        why.starts_with("lua/services/a.luau belongs to user 54321, and its folder to user "),
        "{why}"
    );
    chown(lua.path("services"), Some(54_321), None).unwrap();
    let taken = lua.rescan(&held, &["services/a.luau"]);
    assert_eq!(ids(&taken), ["services/a"]);
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let done = Command::new(program).args(arguments).output();
    done.unwrap().status.success()
}

#[test]
fn pipes_sockets_and_devices_are_never_waited_for_and_never_read() {
    let lua = Lua::new(&[("services/good.luau", "1")]);
    let path = |name: &str| lua.path(name).to_str().unwrap().to_owned();
    assert!(run("mkfifo", &[&path("services/pipe.luau")]));
    assert!(run("mkfifo", &[&path(".luaurc")]));
    let _socket = UnixListener::bind(path("services/socket.luau")).unwrap();
    // Only root may make one.
    let has_device = run("mknod", &[&path("services/zero.luau"), "c", "1", "5"]);
    symlink("/dev/zero", lua.path("services/linked.luau")).unwrap();
    symlink("pipe.luau", lua.path("services/piped.luau")).unwrap();
    let first = lua.scan();
    let again = lua.rescan(
        &first,
        &["services/pipe.luau", "services/zero.luau", ".luaurc"],
    );
    assert_eq!(ids(&again), ["services/good"]);
    for name in ["pipe", "socket", "piped"] {
        let why = again
            .held(&ModuleId::new(&format!("services/{name}")))
            .unwrap();
        assert!(why.contains("is not a regular file"), "{why}");
    }
    let zero = again.held(&ModuleId::new("services/zero"));
    assert_eq!(
        has_device,
        zero.is_some_and(|why| why.contains("is not a regular file"))
    );
    let linked = again.held(&ModuleId::new("services/linked")).unwrap();
    assert!(linked.contains("points outside lua/"), "{linked}");
}

#[test]
fn a_file_that_turns_into_a_pipe_while_it_is_read_is_not_waited_for() {
    let lua = Lua::new(&[("services/x.luau", "1")]);
    assert!(run("mkfifo", &[lua.path("pipe").to_str().unwrap()]));
    let snapshots = rescan_while(&lua, &["services/x.luau"], |root| {
        let (path, pipe, spare) = (
            root.join("services/x.luau"),
            root.join("pipe"),
            root.join("spare"),
        );
        fs::rename(&path, &spare).unwrap();
        fs::rename(&pipe, &path).unwrap();
        fs::rename(&path, &pipe).unwrap();
        fs::rename(&spare, &path).unwrap();
    });
    assert!(has_read(snapshots.last().unwrap(), "1"));
}

#[test]
fn a_name_that_could_forge_a_line_is_refused_and_shown_escaped_however_it_came() {
    let names = [
        "a\n12:00:00  INFO Signed in user=\"forged\" cog",
        "b\u{1b}[2J",
        "c\u{9b}2J",
        "d\u{2028}x",
        "e\u{202e}x",
        "f\u{200b}x",
        "g\rx",
    ];
    let lua = Lua::new(&[("cogs/good.luau", "1")]);
    let before = lua.scan();
    let paths = names.map(|name| format!("cogs/{name}.luau"));
    for path in &paths {
        lua.write(path, "1");
    }
    lua.write("services/folder\nx/y.luau", "1");
    let mut changed: Vec<&str> = paths.iter().map(String::as_str).collect();
    changed.push("services/folder\nx/y.luau");
    let after = lua.rescan(&before, &changed);
    assert_eq!(cogs(&after), ["good"]);
    assert_eq!(after.problems.len(), 8, "{:#?}", after.problems);
    for problem in &after.problems {
        let shown = format!("{} {}", problem.path, problem.message);
        assert!(
            !shown.contains(crate::escape::is_unfit_in_name),
            "{shown:?}"
        );
        assert!(shown.contains("in its name"), "{shown}");
        assert!(problem.modules.iter().all(|id| !id.path().contains('\n')));
    }
}

#[test]
fn folders_within_folders_have_an_end() {
    let lua = Lua::new(&[("services/a.luau", "1")]);
    let deep = format!("services/{}", "x/".repeat(200));
    lua.write(&format!("{deep}b.luau"), "1");
    let snapshot = lua.scan();
    assert_eq!(ids(&snapshot), ["services/a"]);
    assert_eq!(snapshot.problems.len(), 1);
    assert!(snapshot.problems[0].message.contains("is nested too deep"));
}

#[test]
fn symlinks_that_leave_lua_and_come_back_and_absolute_ones_lead_to_what_is_inside() {
    let lua = Lua::new(&[("services/real/a.luau", "1")]);
    let link = symlink::<&Path, PathBuf>;
    let real = lua.path("services/real").canonicalize().unwrap();
    link(&real, lua.path("services/absolute")).unwrap();
    link(
        Path::new("../../lua/services/real"),
        lua.path("services/back"),
    )
    .unwrap();
    link(Path::new("real/../back"), lua.path("services/chain")).unwrap();
    link(Path::new("circle"), lua.path("services/circle")).unwrap();
    link(Path::new("circle.luau"), lua.path("services/circle.luau")).unwrap();
    let snapshot = lua.scan();
    assert_eq!(
        ids(&snapshot),
        [
            "services/absolute/a",
            "services/back/a",
            "services/chain/a",
            "services/real/a"
        ]
    );
    let why = snapshot.held(&ModuleId::new("services/circle")).unwrap();
    assert!(why.contains("points to nothing"), "{why}");
}
