//! What is no reload: the same bytes, times, ignored files.

use super::run;
use crate::support::{answering, setup};
use std::fs;
use std::time::{Duration, SystemTime};

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
