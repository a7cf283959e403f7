//! Files as editors, shells and git leave them, through the real watcher: what is reloaded, how often, and
//! what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helpers"
)]

mod support;

use cogsmith::reload::report::CogOutcome;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};
use support::{answering, cogs_of, problems_of, setup};

/// A quiet window that no pause of a test's writer reaches, however busy the machine is.
const PATIENT: &str = r#"{ "hot_reload": { "reload_delay": 1.5 } }"#;

fn run(program: &str, arguments: &[&str], folder: &Path) {
    let mut command = Command::new(program);
    let done = command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{program} {arguments:?}: {done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_in_place_by_rename_cp_mv_or_sed_is_one_reload_of_the_final_content() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    let lua = stage.path("");
    let cog = stage.path("cogs/ping.luau");
    let write = |path: &Path, text: &str| fs::write(path, answering("ping", text)).unwrap();
    let ways: [(&str, &dyn Fn()); 5] = [
        ("in place", &|| write(&cog, "in place")),
        ("by rename", &|| {
            write(&lua.join("cogs/.ping.luau.swp"), "by rename");
            write(&lua.join("cogs/4913"), "by rename");
            fs::remove_file(lua.join("cogs/4913")).unwrap();
            fs::rename(lua.join("cogs/.ping.luau.swp"), &cog).unwrap();
        }),
        ("by cp", &|| {
            write(&lua.join("other"), "by cp");
            run("cp", &["other", "cogs/ping.luau"], &lua);
        }),
        ("by mv", &|| {
            write(&lua.join("other"), "by mv");
            run("mv", &["other", "cogs/ping.luau"], &lua);
        }),
        ("by sed", &|| {
            run("sed", &["-i", "s/by mv/by sed/", "cogs/ping.luau"], &lua);
        }),
    ];
    for (index, (way, save)) in ways.iter().enumerate() {
        save();
        let report = stage.applied().await;
        assert_eq!(report.changed, ["lua/cogs/ping.luau"], "{way}");
        stage.nothing_changed().await;
        assert_eq!(stage.version("ping"), 2 + index as u64, "{way}");
        assert_eq!(stage.ask("!ping").await, *way);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_git_checkout_of_200_files_is_one_reload() {
    let mut stage = setup(&[]).config(PATIENT).start().await;
    let root = stage.folder.path().to_owned();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        run("git", &[&identity[..], arguments].concat(), &root);
    };
    git(&["init", "-q", "-b", "one"]);
    for branch in ["one", "two"] {
        if branch == "two" {
            git(&["checkout", "-q", "-b", "two"]);
        }
        for number in 0..20 {
            let text = format!(
                "local levels = require(\"../utils/u{number}\")\n{}",
                answering(&format!("c{number}"), branch)
            );
            stage.save(&format!("cogs/c{number}.luau"), &text);
        }
        for number in 0..180 {
            stage.save(
                &format!("utils/u{number}.luau"),
                &format!("return \"{branch}\""),
            );
        }
        stage.applied().await;
        git(&["add", "lua"]);
        git(&["commit", "-q", "-m", branch]);
    }
    git(&["checkout", "-q", "one"]);
    let report = stage.applied().await;
    assert_eq!(report.changed.len(), 200);
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded).len(), 20);
    stage.nothing_changed().await;
    assert_eq!(stage.ask("!c7").await, "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_in_chunks_and_an_empty_file_for_a_moment_are_never_executed_in_part() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "whole"))])
        .config(PATIENT)
        .start()
        .await;
    let text = answering("ping", "chunks");
    let mut file = fs::File::create(stage.path("cogs/ping.luau")).unwrap();
    for chunk in text.as_bytes().chunks(text.len() / 4) {
        // The writer's own pause, far shorter than the quiet window.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(stage.ask("!ping").await, "whole");
        file.write_all(chunk).unwrap();
        file.sync_all().unwrap();
    }
    drop(file);
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2);
    assert_eq!(stage.ask("!ping").await, "chunks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_empty_longer_than_the_quiet_window_is_waited_for() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "whole"))])
        .start()
        .await;
    fs::write(stage.path("cogs/ping.luau"), "").unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    stage.save("cogs/ping.luau", &answering("ping", "filled"));
    stage.applied_until("!ping", "filled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_stays_empty_is_taken_as_it_is() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "whole"))])
        .start()
        .await;
    stage.save("cogs/ping.luau", "");
    stage.applied().await;
    assert_eq!(stage.answer("!ping").await, None);
    stage.save("cogs/ping.luau", &answering("ping", "back"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_touch_chmod_and_times_that_go_backwards_are_no_reload() {
    let text = answering("ping", "pong");
    let mut stage = setup(&[("cogs/ping.luau", &text)]).start().await;
    let cog = stage.path("cogs/ping.luau");
    stage.save("cogs/ping.luau", &text);
    stage.nothing_changed().await;
    run("touch", &["cogs/ping.luau"], &stage.path(""));
    stage.nothing_changed().await;
    run("chmod", &["600", "cogs/ping.luau"], &stage.path(""));
    stage.nothing_changed().await;
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for time in [past, SystemTime::now() + Duration::from_secs(86_400)] {
        fs::File::options()
            .write(true)
            .open(&cog)
            .unwrap()
            .set_modified(time)
            .unwrap();
        stage.nothing_changed().await;
    }
    assert_eq!(stage.version("ping"), 1);
    // Content decides, also when its time is older than that of what runs.
    let other = stage.path("other");
    fs::write(&other, answering("ping", "older")).unwrap();
    fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(past)
        .unwrap();
    fs::rename(&other, &cog).unwrap();
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "older");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_saves_1_ms_apart_the_last_content_wins() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    for round in 1..=10 {
        stage.save("cogs/ping.luau", &answering("ping", "first"));
        tokio::time::sleep(Duration::from_millis(1)).await;
        let last = round.to_string();
        stage.save("cogs/ping.luau", &answering("ping", &last));
        stage.applied_until("!ping", &last).await;
        stage.nothing_changed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_while_a_reload_is_being_prepared_is_taken_next() {
    let slow = |text: &str| {
        let wait = "local began = os.clock()\nwhile os.clock() - began < 0.1 do end\n";
        format!("{wait}{}", answering("ping", text))
    };
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    stage.save("cogs/ping.luau", &slow("one"));
    // The bot is busy as soon as it has begun to read and to prepare.
    let mut busy = stage.bot.services.activity.subscribe();
    busy.wait_for(|count| *count > 0).await.unwrap();
    stage.save("cogs/ping.luau", &slow("two"));
    let reports = stage.applied_until("!ping", "two").await;
    let versions: Vec<_> = reports.iter().map(|it| it.cogs[0].version).collect();
    let wanted: Vec<_> = (2..).take(versions.len()).collect();
    assert_eq!(versions, wanted, "none is skipped or doubled");
    stage.nothing_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_cog_and_a_new_folder_with_cogs_are_loaded() {
    let mut stage = setup(&[]).start().await;
    stage.save("cogs/ping.luau", &answering("ping", "pong"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["ping"]);
    assert_eq!(stage.ask("!ping").await, "pong");
    let made = stage.path("made");
    support::write(&made.join("dice.luau"), &answering("dice", "6"));
    support::write(&made.join("deep/coin.luau"), &answering("coin", "heads"));
    fs::rename(&made, stage.path("cogs/fun")).unwrap();
    let report = stage.applied().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::Loaded),
        ["fun.deep.coin", "fun.dice"]
    );
    assert_eq!(stage.ask("!dice").await, "6");
    stage.save("cogs/fun/deep/coin.luau", &answering("coin", "tails"));
    stage.applied().await;
    assert_eq!(stage.ask("!coin").await, "tails");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_renamed_deleted_and_created_again_is_still_watched() {
    let mut stage = setup(&[("cogs/fun/dice.luau", &answering("dice", "1"))])
        .start()
        .await;
    fs::rename(stage.path("cogs/fun"), stage.path("cogs/games")).unwrap();
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["fun.dice"]);
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["games.dice"]);
    assert_eq!(stage.ask("!dice").await, "1");
    stage.save("cogs/games/dice.luau", &answering("dice", "2"));
    stage.applied().await;
    assert_eq!(stage.ask("!dice").await, "2");
    fs::remove_dir_all(stage.path("cogs/games")).unwrap();
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["games.dice"]);
    assert_eq!(stage.answer("!dice").await, None);
    stage.save("cogs/games/dice.luau", &answering("dice", "3"));
    stage.applied().await;
    assert_eq!(stage.ask("!dice").await, "3");
    stage.save("cogs/games/dice.luau", &answering("dice", "4"));
    stage.applied().await;
    assert_eq!(stage.ask("!dice").await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_root_that_is_replaced_is_scanned_and_watched_anew() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "old"))])
        .start()
        .await;
    let lua = stage.path("");
    let other = stage.folder.path().join("next");
    support::write(&other.join("cogs/ping.luau"), &answering("ping", "new"));
    support::write(&other.join("cogs/more.luau"), &answering("more", "more"));
    fs::rename(&lua, stage.folder.path().join("former")).unwrap();
    fs::rename(&other, &lua).unwrap();
    while stage.answer("!more").await.is_none() {
        stage.report().await;
    }
    assert_eq!(stage.ask("!ping").await, "new");
    stage.save("cogs/ping.luau", &answering("ping", "watched"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "watched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_module_that_is_deleted_is_a_failed_reload_that_names_it_and_its_user() {
    let user = "local text = require(\"../utils/text\")\n".to_owned() + &answering("a", "a");
    let mut stage = setup(&[("utils/text.luau", "return 1"), ("cogs/a.luau", &user)])
        .start()
        .await;
    stage.delete("utils/text.luau");
    let report = stage.failed().await;
    let problem = &report.problems[0];
    assert_eq!(report.changed, ["lua/utils/text.luau"]);
    assert_eq!(problem.cog.as_deref(), Some("a"));
    assert_eq!(problem.place.as_ref().unwrap().file, "lua/cogs/a.luau");
    assert!(problem.message.contains("utils/text"), "{problem:?}");
    assert_eq!(stage.ask("!a").await, "a");
    stage.save("utils/text.luau", "return 1");
    let report = stage.applied().await;
    assert_eq!(
        report.changed,
        ["lua/utils/text.luau"],
        "the page clears its banner"
    );
    assert!(stage.bot.cogs.get("a").unwrap().status().problem.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_for_one_cog_are_an_error_that_names_both_and_the_running_one_stays() {
    for second in ["cogs/a/init.luau", "cogs/a.lua"] {
        let mut stage = setup(&[("cogs/a.luau", &answering("a", "first"))])
            .start()
            .await;
        stage.save(second, &answering("a", "second"));
        let report = stage.failed().await;
        let text = problems_of(&report);
        assert!(text.contains("lua/cogs/a.luau"), "{text}");
        assert!(text.contains(&format!("lua/{second}")), "{text}");
        assert_eq!(stage.ask("!a").await, "first");
        let told = stage.ask("!reload cog a").await;
        assert!(told.contains("lua/cogs/a.luau"), "{told}");
        stage.failed().await;
        assert_eq!(stage.ask("!a").await, "first");
        stage.delete("cogs/a.luau");
        stage.applied().await;
        assert_eq!(stage.ask("!a").await, "second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_patterns_swap_and_backup_files_and_other_extensions_are_no_reload() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .config(r#"{ "hot_reload": { "ignore_patterns": ["*.tmp", "old/**", "draft_*"] } }"#)
        .start()
        .await;
    let others = [
        "cogs/.ping.luau.swp",
        "cogs/ping.luau~",
        "cogs/#ping.luau#",
        "cogs/.#ping.luau",
        "cogs/ping.luau.tmp",
        "cogs/ping.md",
        "cogs/draft_x.luau",
        "cogs/.hidden/x.luau",
        "elsewhere/x.luau",
        "x.luau",
    ];
    for other in others {
        stage.save(other, "this is = no Luau");
        stage.nothing_changed().await;
    }
    assert_eq!(stage.version("ping"), 1);
}

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

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_modules_are_reported_and_hurt_nothing_changed() {
    let mut stage = setup(&[
        ("cogs/ping.luau", &answering("ping", "pong")),
        ("cogs/other.luau", &answering("other", "other")),
    ])
    .start()
    .await;
    let long = vec![b' '; 50 << 20];
    let cases: [(&[u8], &str); 4] = [
        (b"return \"\xff\xfe\"", "UTF-8"),
        (&long, "bytes"),
        (b"\x06\x01\x02 bytecode", "bytecode"),
        (b"return 1\0", "zero byte"),
    ];
    for (bytes, wanted) in cases {
        // By rename, so that a long one is noticed once.
        fs::write(stage.path("made"), bytes).unwrap();
        fs::rename(stage.path("made"), stage.path("cogs/ping.luau")).unwrap();
        let report = stage.failed().await;
        let text = problems_of(&report);
        assert!(
            text.contains("lua/cogs/ping.luau") && text.contains(wanted),
            "{text}"
        );
        assert_eq!(stage.ask("!ping").await, "pong");
        stage.save("cogs/other.luau", &answering("other", wanted));
        let report = stage.applied().await;
        assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["other"]);
        stage.save("cogs/ping.luau", &answering("ping", "pong"));
        let report = stage.applied().await;
        assert_eq!(
            report.changed,
            ["lua/cogs/ping.luau"],
            "the banner is cleared"
        );
        assert!(report.cogs.is_empty(), "it is just what runs");
    }
    fs::create_dir(stage.path("cogs/folder.luau")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(text.contains("lua/cogs/folder.luau is a folder"), "{text}");
    assert_eq!(stage.ask("!other").await, "zero byte");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_is_reported_and_taken_when_it_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    let made = stage.path("made");
    fs::write(&made, answering("ping", "locked")).unwrap();
    fs::set_permissions(&made, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&made).is_ok() {
        // The system's administrator may read everything.
        return;
    }
    fs::rename(&made, stage.path("cogs/ping.luau")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(text.contains("lua/cogs/ping.luau cannot be read"), "{text}");
    assert_eq!(stage.ask("!ping").await, "pong");
    let cog = stage.path("cogs/ping.luau");
    fs::set_permissions(cog, fs::Permissions::from_mode(0o600)).unwrap();
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "locked");
}
