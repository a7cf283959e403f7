//! Saves as editors and tools make them.

use super::{PATIENT, run};
use crate::support::{answering, cogs_of, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::CogOutcome;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

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
