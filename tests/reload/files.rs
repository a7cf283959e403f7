//! Files as editors, shells and git leave them, through the real watcher: what is reloaded, how often, and
//! what is refused.

use crate::support::{answering, cogs_of, command, problems_of, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::CogOutcome;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A debounce window that no pause of a test's writer reaches, however busy the machine is.
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
async fn a_file_whose_writer_pauses_halfway_goes_live_when_it_is_closed() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "old"))])
        .config(r#"{ "hot_reload": { "reload_delay": 0.05 } }"#)
        .start()
        .await;
    // Each half is a program that runs.
    let half = answering("ping", "half");
    let rest = answering("pong", "whole").replace("local cog =", "local _ =");
    let mut file = fs::File::create(stage.path("cogs/ping.luau")).unwrap();
    file.write_all(half.as_bytes()).unwrap();
    // The writer's own pause: ten debounce windows.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.ask("!ping").await, "old");
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    stage.applied().await;
    assert_eq!(stage.version("ping"), 2, "the half went live");
    assert_eq!(stage.ask("!pong").await, "whole");
    stage.nothing_changed().await;
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
        // The writer's own pause, far shorter than the debounce window.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(stage.ask("!ping").await, "whole");
        file.write_all(chunk).unwrap();
    }
    drop(file);
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2);
    assert_eq!(stage.ask("!ping").await, "chunks");
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
    crate::support::write(&made.join("dice.luau"), &answering("dice", "6"));
    crate::support::write(&made.join("deep/coin.luau"), &answering("coin", "heads"));
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
    crate::support::write(&other.join("cogs/ping.luau"), &answering("ping", "new"));
    crate::support::write(&other.join("cogs/more.luau"), &answering("more", "more"));
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
    assert!(stage.bot.cogs.get("a").unwrap().problem().is_none());
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
    let wide: Vec<u8> = answering("ping", "wide")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let marked = [b"\xff\xfe", &wide[..]].concat();
    let cases: [(&[u8], &str); 6] = [
        (&wide, "is UTF-16 text; save it as UTF-8"),
        (&marked, "UTF-16 text"),
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

#[tokio::test(flavor = "multi_thread")]
async fn byte_order_marks_and_line_ends_of_windows_change_no_text() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let ping = format!(
        "local text = require(\"../utils/text\")\n{}",
        answering("ping", "x").replace("\"x\"", "text.ping")
    );
    let mut stage = setup(&[
        (".luaurc", &windows("{ \"aliases\": {} }\n")),
        (
            "utils/text.luau",
            &windows("return { ping = [[one\ntwo]] }\n"),
        ),
        ("cogs/ping.luau", &windows(&ping)),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!ping").await, "one\ntwo");
    stage.save(
        "utils/text.luau",
        &windows("return {\n  ping = nil + 1\n}\n"),
    );
    let report = stage.failed().await;
    let place = report.problems[0].place.as_ref().unwrap();
    assert_eq!(
        (place.line, place.excerpt[1].as_str()),
        (2, "  ping = nil + 1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_what_cannot_be_written_is_told_with_what_to_write_instead() {
    let mut stage = setup(&[("utils/shared.luau", "return { list = {} }")])
        .start()
        .await;
    for (code, wanted) in [
        (
            "state.coins = 5",
            "`state.coins` cannot be set; the state itself holds nothing: write to a part of it, such as state.global.coins",
        ),
        (
            "state.session.x = 1",
            "`state.session.x` cannot be set; the session itself",
        ),
        (
            "state.user.x = 1",
            "`state.user` is a function: say whose part of the state you mean, as in state.user(user_id).x",
        ),
        (
            "cog.name = \"other\"",
            "`cog.name` cannot be set; a cog is named after its file",
        ),
        (
            "cog.mine = 1",
            "`cog.mine` cannot be set; what belongs to the host",
        ),
        (
            "string.format = nil",
            "`string.format` cannot be set; Luau's libraries",
        ),
        (
            "shared.list[1] = 2",
            "`shared.list[1]` cannot be set; what a module returns is frozen",
        ),
        (
            "table.insert(shared.list, 2)",
            "`shared.list[…]` cannot be set; what a module returns is frozen",
        ),
    ] {
        let head = "-- A cog.
local state = require(\"@cogsmith/state\")
local cog = require(\"@cogsmith/cog\")
local shared = require(\"../utils/shared\")";
        stage.save("cogs/bad.luau", &format!("{head}\n{code}\n"));
        let report = stage.failed().await;
        let problem = &report.problems[0];
        assert!(
            problem.message.contains(wanted),
            "{code}: {}",
            problem.message
        );
        let place = problem.place.as_ref().unwrap();
        assert_eq!(
            (place.file.as_str(), place.line),
            ("lua/cogs/bad.luau", 5),
            "{code}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_by_temp_file_and_rename_as_vim_vs_code_and_jetbrains_make_it_is_one_reload() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .config(r#"{ "hot_reload": { "reload_delay": 0.3 } }"#)
        .start()
        .await;
    let cogs = stage.path("cogs");
    let write = |name: &str, text: &str| {
        fs::write(cogs.join(name), answering("ping", text)).unwrap();
    };
    let rename = |from: &str, to: &str| fs::rename(cogs.join(from), cogs.join(to)).unwrap();
    let remove = |name: &str| fs::remove_file(cogs.join(name)).unwrap();
    let ways: [(&str, &dyn Fn()); 3] = [
        ("vim", &|| {
            write("4913", "probe");
            remove("4913");
            rename("ping.luau", "ping.luau~");
            write("ping.luau", "vim");
            remove("ping.luau~");
        }),
        ("VS Code", &|| {
            write("ping.luau.vsctmp", "VS Code");
            rename("ping.luau.vsctmp", "ping.luau");
        }),
        ("JetBrains", &|| {
            write("ping.luau___jb_tmp___", "JetBrains");
            rename("ping.luau", "ping.luau___jb_old___");
            rename("ping.luau___jb_tmp___", "ping.luau");
            remove("ping.luau___jb_old___");
        }),
    ];
    for (index, (editor, save)) in ways.iter().enumerate() {
        save();
        let report = stage.applied().await;
        assert_eq!(report.changed, ["lua/cogs/ping.luau"], "{editor}");
        assert_eq!(
            cogs_of(&report, CogOutcome::Reloaded),
            ["ping"],
            "{editor}: it was never away"
        );
        stage.nothing_changed().await;
        assert_eq!(stage.version("ping"), 2 + index as u64, "{editor}");
        assert_eq!(stage.ask("!ping").await, *editor);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_for_a_moment_is_never_executed_and_no_error_is_reported_for_it() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "whole"))])
        .config(r#"{ "hot_reload": { "reload_delay": 0.2 } }"#)
        .start()
        .await;
    let mut looks = stage.bot.services.activity.subscribe();
    fs::write(stage.path("cogs/ping.luau"), "").unwrap();
    // The bot is busy for the first time when the debounce window is over and it looks at the empty file.
    tokio::time::timeout(crate::support::PATIENCE, looks.changed())
        .await
        .unwrap()
        .unwrap();
    stage.settled().await;
    assert!(stage.no_report());
    assert_eq!(stage.ask("!ping").await, "whole");
    stage.save("cogs/ping.luau", &answering("ping", "filled"));
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2, "the empty file was no version");
    assert_eq!(stage.ask("!ping").await, "filled");
    stage.nothing_changed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_saves_1_ms_apart_the_last_content_wins_and_no_generation_is_skipped_or_doubled() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    for round in 1..=10 {
        let before = stage.version("ping");
        stage.save("cogs/ping.luau", &answering("ping", "first"));
        // The pause between the two saves is what the case is about.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let last = round.to_string();
        stage.save("cogs/ping.luau", &answering("ping", &last));
        let reports = stage.applied_until("!ping", &last).await;
        let versions: Vec<_> = reports.iter().map(|it| it.cogs[0].version).collect();
        let wanted: Vec<_> = (before + 1..).take(versions.len()).collect();
        assert_eq!(versions, wanted, "none is skipped or doubled");
        assert!(versions.len() <= 2, "{reports:#?}");
        stage.nothing_changed().await;
        assert_eq!(stage.version("ping"), versions[versions.len() - 1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ignored_patterns_of_paths_hidden_files_and_backup_files_are_no_reload() {
    let patterns = r#"["cogs/old/**", "**/attic/**", "draft_*"]"#;
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .config(&format!(
            r#"{{ "hot_reload": {{ "ignore_patterns": {patterns} }} }}"#
        ))
        .start()
        .await;
    let others = [
        "cogs/old/x.luau",
        "cogs/old/deep/x.luau",
        "cogs/fun/attic/x.luau",
        "utils/draft_x.luau",
        "cogs/.hidden.luau",
        "cogs/.hidden/x.luau",
        "cogs/.#ping.luau",
        "cogs/#ping.luau",
        "cogs/ping.luau.bak",
        "cogs/ping.luau.orig",
    ];
    for other in others {
        for text in ["this is = no Luau", "nor is = this"] {
            stage.save(other, text);
            stage.nothing_changed().await;
        }
        stage.delete(other);
        stage.nothing_changed().await;
    }
    assert_eq!(stage.version("ping"), 1);
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

/// Set for a run of a test that has given up the administrator's right to read everything.
#[cfg(target_os = "linux")]
const WITHOUT_RIGHTS: &str = "COGSMITH_TEST_WITHOUT_RIGHTS";

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_file_is_reported_and_nothing_else_is_affected() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut stage = setup(&[
        ("cogs/ping.luau", &answering("ping", "pong")),
        ("cogs/other.luau", &answering("other", "one")),
    ])
    .start()
    .await;
    let made = stage.path("made");
    fs::write(&made, answering("ping", "locked")).unwrap();
    fs::set_permissions(&made, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&made).is_ok() {
        // The system's administrator may read everything: the same again without that right.
        assert!(std::env::var_os(WITHOUT_RIGHTS).is_none());
        let rights = "-dac_override,-dac_read_search";
        let again = Command::new("setpriv")
            .arg(format!("--bounding-set={rights}"))
            .arg(format!("--inh-caps={rights}"))
            .arg(std::env::current_exe().unwrap())
            .args([
                "files::an_unreadable_file_is_reported_and_nothing_else_is_affected",
                "--exact",
            ])
            .env(WITHOUT_RIGHTS, "1")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success(), "{told}");
        assert!(told.contains("1 passed"), "{told}");
        return;
    }
    fs::rename(&made, stage.path("cogs/ping.luau")).unwrap();
    let text = problems_of(&*stage.failed().await);
    assert!(text.contains("lua/cogs/ping.luau cannot be read"), "{text}");
    assert_eq!(stage.ask("!ping").await, "pong");
    stage.save("cogs/other.luau", &answering("other", "two"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["other"]);
    assert_eq!(stage.ask("!other").await, "two");
    let cog = stage.path("cogs/ping.luau");
    fs::set_permissions(cog, fs::Permissions::from_mode(0o600)).unwrap();
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_jumps_and_content_decides_not_time() {
    const NOW: u64 = 1_700_000_000;
    const DAY: u64 = 86_400;
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .clock(Clock::paused(NOW))
        .start()
        .await;
    for (days, text) in [(1, "a day later"), (3_650, "ten years later")] {
        stage.advance(Duration::from_secs(days * DAY)).await;
        stage.nothing_changed().await;
        stage.save("cogs/ping.luau", &answering("ping", text));
        stage.applied().await;
        assert_eq!(stage.ask("!ping").await, text);
    }
    // The next process finds a clock that was set back, and files from the future.
    let folder = stage.stop().await;
    let mut stage = setup(&[])
        .folder(folder)
        .clock(Clock::paused(NOW - 365 * DAY))
        .start()
        .await;
    assert_eq!(stage.ask("!ping").await, "ten years later");
    stage.nothing_changed().await;
    stage.save("cogs/ping.luau", &answering("ping", "a year before"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "a year before");
}

/// A cog that uses a file which cannot be taken waits with its other edits, too, and the report says so.
#[tokio::test(flavor = "multi_thread")]
async fn edits_of_a_cog_that_uses_a_file_which_cannot_be_taken_wait_and_are_told() {
    let user = |text: &str| {
        let body = format!("ctx:reply(text .. \" {text}\")");
        "local text = require(\"../utils/text\")\n".to_owned() + &command("a", &body)
    };
    let mut stage = setup(&[
        ("utils/text.luau", "return \"first\""),
        ("cogs/a.luau", &user("1")),
    ])
    .start()
    .await;
    stage.save("utils/text.lua", "return \"second\"");
    stage.failed().await;
    for text in ["2", "3"] {
        stage.save("cogs/a.luau", &user(text));
        let told = problems_of(&*stage.failed().await);
        assert!(told.contains("lua/cogs/a.luau is not taken yet"), "{told}");
        assert!(told.contains("lua/utils/text.luau"), "{told}");
        assert!(told.contains("lua/utils/text.lua"), "{told}");
        assert_eq!(stage.ask("!a").await, "first 1");
    }
    stage.delete("utils/text.lua");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a"]);
    assert_eq!(stage.ask("!a").await, "first 3");
}
#[tokio::test(flavor = "multi_thread")]
async fn two_files_for_one_module_are_an_error_that_names_both_and_the_running_one_stays() {
    let user =
        "local text = require(\"../utils/text\")\n".to_owned() + &command("a", "ctx:reply(text)");
    for second in ["utils/text/init.luau", "utils/text.lua"] {
        let mut stage = setup(&[
            ("utils/text.luau", "return \"first\""),
            ("cogs/a.luau", &user),
        ])
        .start()
        .await;
        stage.save(second, "return \"second\"");
        let text = problems_of(&*stage.failed().await);
        assert!(text.contains("lua/utils/text.luau"), "{text}");
        assert!(text.contains(&format!("lua/{second}")), "{text}");
        assert_eq!(stage.ask("!a").await, "first");
        assert_eq!(stage.version("a"), 1);
        stage.delete("utils/text.luau");
        let report = stage.applied().await;
        assert_eq!(
            cogs_of(&report, CogOutcome::Reloaded),
            ["a"],
            "{second}: {report:#?}"
        );
        assert_eq!(stage.ask("!a").await, "second");
    }
}
