//! Symlinks, and folders that are exchanged through them.

use super::PATIENT;
use crate::support::{answering, cogs_of, problems_of, setup};
use cogsmith::reload::report::CogOutcome;
use std::fs;
use std::path::Path;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_outside_and_a_path_with_dots_are_refused_with_the_path() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    let secret = stage.folder.path().join("secret.luau");
    fs::write(&secret, answering("secret", "told")).unwrap();
    std::os::unix::fs::symlink(&secret, stage.path("cogs/link.luau")).unwrap();
    let report = stage.failed().await;
    let text = problems_of(&report);
    assert!(
        text.contains("lua/cogs/link.luau") && text.contains("outside lua/"),
        "{text}"
    );
    assert_eq!(stage.answer("!secret").await, None);
    fs::remove_file(stage.path("cogs/link.luau")).unwrap();
    stage.applied().await;
    let climbing = "require(\"../../secret\")\n".to_owned() + &answering("ping", "climbed");
    stage.save("cogs/ping.luau", &climbing);
    let report = stage.failed().await;
    let text = problems_of(&report);
    assert!(text.contains("../../secret"), "{text}");
    assert_eq!(stage.ask("!ping").await, "pong");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_inside_lua_that_points_outside_it_is_refused_and_the_running_one_stays() {
    use std::os::unix::fs::symlink;
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    let outside = stage.folder.path().join("outside");
    crate::support::write(&outside.join("dice.luau"), &answering("dice", "6"));
    crate::support::write(&outside.join("ping.luau"), &answering("ping", "outside"));
    symlink(&outside, stage.path("cogs/fun")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(
        text.contains("lua/cogs/fun ") && text.contains("outside lua/"),
        "{text}"
    );
    assert_eq!(stage.answer("!dice").await, None);
    // A cog that runs becomes such a link.
    symlink(outside.join("ping.luau"), stage.path("next")).unwrap();
    fs::rename(stage.path("next"), stage.path("cogs/ping.luau")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(
        text.contains("lua/cogs/ping.luau") && text.contains("outside lua/"),
        "{text}"
    );
    assert_eq!(stage.ask("!ping").await, "pong");
    fs::write(stage.path("next"), answering("ping", "inside")).unwrap();
    fs::rename(stage.path("next"), stage.path("cogs/ping.luau")).unwrap();
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["ping"]);
    assert_eq!(stage.ask("!ping").await, "inside");
}

#[cfg(unix)]
/// A version of a mounted `ConfigMap`, as Kubernetes writes it: the files lie in a folder of their own, to which the link
/// `..data` leads; one rename exchanges them all.
fn mount(folder: &Path, version: &str, files: &[(&str, &str)]) {
    use std::os::unix::fs::symlink;
    let own = format!("..2026_11_29_{version}");
    for (name, text) in files {
        crate::support::write(&folder.join(&own).join(name), text);
    }
    let former = fs::read_link(folder.join("..data")).ok();
    symlink(&own, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for (name, _) in files {
        let top = name.split('/').next().unwrap();
        if !folder.join(top).is_symlink() {
            symlink(format!("..data/{top}"), folder.join(top)).unwrap();
        }
    }
    if let Some(former) = former {
        fs::remove_dir_all(folder.join(former)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_config_map_is_exchanged_in_one_reload() {
    let versions = ["one", "two", "three"];
    let reader = |version: &str| {
        let text = answering("ping", "x").replace("\"x\"", "text");
        format!("local text = require(\"../utils/text\")\n-- {version}\n{text}")
    };
    for is_all_mounted in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let lua = folder.path().join("lua");
        let write = |version: &str| {
            let (ping, other) = (reader(version), answering("pong", version));
            let text = format!("return \"{version}\"");
            let files = [
                ("cogs/ping.luau", ping.as_str()),
                ("cogs/fun/pong.luau", &other),
                ("utils/text.luau", &text),
            ];
            if is_all_mounted {
                return mount(&lua, version, &files);
            }
            for (below, files) in [("cogs", &files[..2]), ("utils", &files[2..])] {
                let within = files.iter().map(|(path, text)| {
                    let name = path.strip_prefix(below).unwrap().trim_start_matches('/');
                    (name, *text)
                });
                mount(&lua.join(below), version, &within.collect::<Vec<_>>());
            }
        };
        for below in ["cogs", "utils"] {
            let made = if is_all_mounted {
                lua.clone()
            } else {
                lua.join(below)
            };
            fs::create_dir_all(made).unwrap();
        }
        write(versions[0]);
        let mut stage = setup(&[]).config(PATIENT).folder(folder).start().await;
        assert_eq!(stage.ask("!ping").await, "one");
        for version in &versions[1..] {
            write(version);
            let report = stage.applied().await;
            let cogs = cogs_of(&report, CogOutcome::Reloaded);
            assert_eq!(cogs, ["fun.pong", "ping"], "{report:#?}");
            assert_eq!(stage.ask("!ping").await, *version);
            assert_eq!(stage.ask("!pong").await, *version);
        }
        assert!(stage.no_report());
        // A version that leads out of lua/ is held, and the running one stays.
        let place = if is_all_mounted {
            lua.clone()
        } else {
            lua.join("cogs")
        };
        let outside = stage.folder.path().join("outside");
        for name in [
            "ping.luau",
            "fun/pong.luau",
            "cogs/ping.luau",
            "utils/text.luau",
        ] {
            crate::support::write(&outside.join(name), &answering("ping", "outside"));
        }
        std::os::unix::fs::symlink(&outside, place.join("next")).unwrap();
        fs::rename(place.join("next"), place.join("..data")).unwrap();
        stage.failed().await;
        assert_eq!(stage.ask("!ping").await, "three");
        fs::remove_file(place.join("..data")).unwrap();
        write("four");
        stage.applied_until("!ping", "four").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symlink_to_a_folder_that_is_removed_unloads_its_cogs() {
    let mut stage = setup(&[("utils/pack/dice.luau", &answering("dice", "6"))])
        .start()
        .await;
    std::os::unix::fs::symlink("../utils/pack", stage.path("cogs/fun")).unwrap();
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["fun.dice"]);
    assert_eq!(stage.ask("!dice").await, "6");
    fs::remove_file(stage.path("cogs/fun")).unwrap();
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["fun.dice"]);
    assert_eq!(stage.answer("!dice").await, None);
}
