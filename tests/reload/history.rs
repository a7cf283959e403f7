//! What a cog has run is kept, and an admin can go back to it: `!reload history`, `undo`, `redo`.

use crate::support::{Stage, answering, cogs_of, command, setup, times};
use cogsmith::history::{Cause, HistoryError, Version};
use cogsmith::reload::report::CogOutcome;

async fn versions(stage: &Stage, cog: &str) -> Vec<Version> {
    stage.bot.cogs.history.of(cog).await.unwrap().versions
}

fn numbers(versions: &[Version]) -> Vec<u32> {
    versions.iter().map(|version| version.number).collect()
}

/// A cog with a command that answers what a module says.
fn user_of(module: &str) -> String {
    format!(
        r#"local cog = require("@cogsmith/cog")
local words = require("../{module}")
cog.command {{
    name = "word",
    run = function(ctx)
        ctx:reply(words.word)
    end,
}}
"#
    )
}

fn words(word: &str) -> String {
    format!("return {{ word = \"{word}\" }}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_puts_the_version_before_back_until_the_next_save() {
    let mut stage = setup(&[("cogs/word.luau", &answering("word", "one"))])
        .stored()
        .start()
        .await;
    stage.save("cogs/word.luau", &answering("word", "two"));
    stage.applied().await;
    assert_eq!(stage.ask("!word").await, "two");

    let told = stage.ask("!reload undo word").await;
    assert!(told.contains("Reloaded `word`"), "{told}");
    assert!(
        told.contains("`word` runs version 1, not what its files say"),
        "{told}"
    );
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["word"]);
    let undone = report.cogs[0].undone.clone().unwrap();
    assert_eq!(undone.version, 1);
    assert!(undone.by.starts_with("owner"), "{undone:?}");
    assert_eq!(stage.ask("!word").await, "one");
    let file = std::fs::read_to_string(stage.path("cogs/word.luau")).unwrap();
    assert_eq!(file, answering("word", "two"), "the file was touched");
    let status = stage.ask("!reload status").await;
    assert!(status.contains("runs version 1, not its files"), "{status}");
    assert!(stage.ask("!cogs word").await.contains("runs version 1"));

    // A save of another file changes nothing about it, nor does a broken one of its own.
    stage.save("cogs/other.luau", &answering("other", "other"));
    stage.applied().await;
    assert_eq!(stage.ask("!word").await, "one");
    stage.save("cogs/word.luau", "local x = = 1\n");
    stage.failed().await;
    assert_eq!(stage.ask("!word").await, "one");

    stage.save("cogs/word.luau", &answering("word", "three"));
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].undone, None);
    assert_eq!(stage.ask("!word").await, "three");
    assert!(!stage.ask("!reload status").await.contains("not its files"));

    let all = versions(&stage, "word").await;
    assert_eq!(numbers(&all), [4, 3, 2, 1]);
    assert_eq!(all[1].of, Some(1));
    assert!(matches!(&all[1].cause, Cause::Undo { by } if by.starts_with("owner")));
    assert!(matches!(&all[0].cause, Cause::Files { files } if *files == ["lua/cogs/word.luau"]));
    assert_eq!(all[3].cause, Cause::Start {});
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_further_undo_goes_further_back() {
    let mut stage = setup(&[("cogs/word.luau", &answering("word", "one"))])
        .stored()
        .start()
        .await;
    for text in ["two", "three"] {
        stage.save("cogs/word.luau", &answering("word", text));
        stage.applied().await;
    }
    for expected in ["two", "one"] {
        stage.ask("!reload undo word").await;
        assert_eq!(stage.ask("!word").await, expected);
    }
    let told = stage.ask("!reload undo word").await;
    assert_eq!(told, "No version of `word` before this one is kept.");
    assert_eq!(stage.ask("!word").await, "one");
    // By its number, as typed or as a slash command writes it.
    stage.ask("!reload undo word 2").await;
    assert_eq!(stage.ask("!word").await, "two");
    assert_eq!(
        stage.ask("!reload undo word 2").await,
        "`word` runs exactly that already."
    );
    assert_eq!(
        stage.ask("!reload undo word 99").await,
        "Version 99 of `word` is not kept. Kept are: `1`, `2`, `3`, `4`, `5`, `6`."
    );
    let told = stage.ask("!reload undo word two").await;
    assert!(
        told.contains("`two` is not the number of a version"),
        "{told}"
    );
    assert!(stage.ask("!reload undo").await.contains("Which cog?"));
    assert!(
        stage
            .ask("!reload undo wrod")
            .await
            .contains("Did you mean `word`?")
    );
    stage.ask("!reload redo word").await;
    assert_eq!(stage.ask("!word").await, "three");
    assert!(
        stage
            .ask("!reload redo word")
            .await
            .contains("nothing to redo")
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_the_modules_of_one_cog_back_and_leaves_the_others() {
    let mut stage = setup(&[
        ("cogs/word.luau", &user_of("services/words")),
        (
            "cogs/second.luau",
            &user_of("services/words").replace("\"word\"", "\"second\""),
        ),
        ("services/words.luau", &words("one")),
    ])
    .stored()
    .start()
    .await;
    stage.save("services/words.luau", &words("two"));
    stage.applied().await;
    stage.ask("!reload undo word").await;
    assert_eq!(stage.ask("!word").await, "one");
    assert_eq!(stage.ask("!second").await, "two");

    // Built anew it still runs that version; from its files only if an admin wants that.
    stage.ask("!reload all").await;
    assert_eq!(stage.ask("!word").await, "one");
    stage.ask("!reload cog word").await;
    assert_eq!(stage.ask("!word").await, "two");

    // A save of a module that only the undone version or only the files have ends it as well.
    stage.save("cogs/word.luau", &user_of("services/newer"));
    stage.save("services/newer.luau", &words("new"));
    while stage.ask("!word").await != "new" {
        stage.report().await;
    }
    stage.ask("!reload undo word 1").await;
    assert_eq!(stage.ask("!word").await, "one");
    stage.save("services/newer.luau", &words("newest"));
    while stage.ask("!word").await != "newest" {
        stage.report().await;
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redo_takes_files_that_were_saved_a_moment_ago() {
    // So long that only the admin's commands look at the files.
    let config = r#"{ "hot_reload": { "reload_delay": 60 } }"#;
    let stage = setup(&[
        ("cogs/word.luau", &user_of("services/words")),
        ("services/words.luau", &words("one")),
    ])
    .config(config)
    .stored()
    .start()
    .await;
    let saved_and_undone = async |text: &str| {
        stage.save("services/words.luau", &words(text));
        stage.ask("!reload cog word").await;
        assert_eq!(stage.ask("!word").await, text);
        stage.ask("!reload undo word").await;
        assert_ne!(stage.ask("!word").await, text);
    };
    saved_and_undone("two").await;
    stage.save("services/words.luau", &words("three"));
    stage.ask("!reload redo word").await;
    assert_eq!(stage.ask("!word").await, "three");
    // What is new is required by what was edited.
    saved_and_undone("four").await;
    stage.save("cogs/word.luau", &user_of("services/newer"));
    stage.save("services/newer.luau", &words("new"));
    stage.ask("!reload redo word").await;
    assert_eq!(stage.ask("!word").await, "new");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_stays_and_what_an_undo_cannot_load_changes_nothing() {
    let counter = |text: &str| {
        command(
            "count",
            &format!(
                "state.global.count = (state.global.count or 0) + 1
                 ctx:reply(\"{text} \" .. tostring(state.global.count))"
            ),
        )
    };
    let mut stage = setup(&[("cogs/count.luau", &counter("one"))])
        .stored()
        .start()
        .await;
    assert_eq!(stage.ask("!count").await, "one 1");
    stage.save("cogs/count.luau", &counter("two"));
    stage.applied().await;
    assert_eq!(stage.ask("!count").await, "two 2");
    // Another cog takes the name that version 1 of this one has, too.
    let slower = answering("slow", "first");
    stage.save("cogs/slow.luau", &slower);
    stage.applied().await;
    stage.save("cogs/slow.luau", &answering("slower", "second"));
    stage.applied().await;
    stage.save("cogs/taker.luau", &answering("slow", "taken"));
    stage.applied().await;

    stage.ask("!reload undo count").await;
    stage.applied().await;
    assert_eq!(stage.ask("!count").await, "one 3");

    let told = stage.ask("!reload undo slow").await;
    assert!(
        told.contains("Could not reload") && told.contains("\"slow\""),
        "{told}"
    );
    assert_eq!(stage.ask("!slower").await, "second");
    assert_eq!(stage.ask("!slow").await, "taken");
    assert!(
        !stage
            .ask("!reload status")
            .await
            .contains("last reload failed")
    );
    // The next save is taken as ever.
    stage.failed().await;
    stage.save("cogs/slow.luau", &answering("slower", "third"));
    stage.applied().await;
    assert_eq!(stage.ask("!slower").await, "third");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undone_version_runs_after_a_restart_until_a_file_was_saved() {
    let mut stage = setup(&[
        ("cogs/word.luau", &user_of("services/words")),
        ("services/words.luau", &words("one")),
    ])
    .stored()
    .start()
    .await;
    stage.save("services/words.luau", &words("two"));
    stage.applied().await;
    stage.ask("!reload undo word").await;

    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "one");
    assert!(stage.ask("!cogs").await.contains("runs version 1"));
    // The history of before goes on, without a version for the start.
    assert_eq!(numbers(&versions(&stage, "word").await), [3, 2, 1]);
    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "one");

    // Saved while the bot does not run.
    let folder = stage.stop().await;
    std::fs::write(
        folder.path().join("lua/services/words.luau"),
        words("three"),
    )
    .unwrap();
    let stage = setup(&[]).stored().folder(folder).start().await;
    assert_eq!(stage.ask("!word").await, "three");
    assert!(!stage.ask("!cogs").await.contains("runs version"));
    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "three");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_when_why_and_what_became_of_it() {
    let mut stage = setup(&[("cogs/word.luau", &answering("word", "one"))])
        .stored()
        .start()
        .await;
    stage.ask("!word").await;
    stage.ask("!word").await;
    let fails = command("word", "error(\"broken\")");
    stage.save("cogs/word.luau", &fails);
    stage.applied().await;
    stage.says("owner", "!word").await;
    stage.save("cogs/word.luau", "nonsense here\n");
    stage.failed().await;
    stage.ask("!reload cog word").await;
    stage.failed().await;

    let told = stage.ask("!reload history word").await;
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].contains("What `word` has run"), "{told}");
    assert!(lines[1].starts_with("**2** <t:"), "{told}");
    assert!(lines[1].contains("saved: `lua/cogs/word.luau`"), "{told}");
    assert!(
        lines[1].contains("handlers: 1, failed: 1 · runs now"),
        "{told}"
    );
    assert!(lines[2].contains("start of the bot"), "{told}");
    assert!(lines[2].contains("handlers: 2, failed: 0"), "{told}");
    assert!(told.contains("**Could not be loaded**"), "{told}");
    assert!(told.contains("reloaded by `owner"), "{told}");
    assert!(told.contains("lua/cogs/word.luau:1: "), "{told}");
    assert!(told.contains("`!reload undo word <version>`"), "{told}");
    assert!(
        stage
            .ask("!reload history nobody")
            .await
            .contains("There is no cog")
    );
    // Others may not look.
    let refused = stage.says("anna", "!reload history word").await;
    let refused = refused[0]["content"].as_str().unwrap();
    assert!(
        refused.contains("only") || refused.contains("admins"),
        "{refused}"
    );
    // It counts on after a restart.
    let stage = stage.restarted().await;
    let word = versions(&stage, "word").await;
    assert_eq!(
        (word[0].number, word[0].handlers, word[0].failures),
        (2, 1, 1)
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_versions_are_kept_and_the_database_does_not_grow() {
    let text = |number: usize| answering("word", &format!("{number} {}", "x".repeat(number % 7)));
    let mut stage = setup(&[("cogs/word.luau", &text(0))])
        .stored()
        .start()
        .await;
    let saves = times(60, 2_000);
    let size = |stage: &Stage| {
        let file = stage.folder.path().join("var/history.db");
        std::fs::metadata(file).unwrap().len()
    };
    let mut early = 0;
    for number in 1..=saves {
        stage.save("cogs/word.luau", &text(number));
        stage.applied().await;
        if number == saves / 2 {
            stage.bot.cogs.history.flush().await;
            early = size(&stage);
        }
    }
    let kept = versions(&stage, "word").await;
    let last = u32::try_from(saves).unwrap() + 1;
    assert_eq!(numbers(&kept), (last - 9..=last).rev().collect::<Vec<_>>());
    assert!(
        size(&stage) <= early.max(64 << 10) * 5 / 4,
        "{early} {}",
        size(&stage)
    );
    let told = stage.ask("!reload undo word 1").await;
    assert!(
        told.starts_with("Version 1 of `word` is not kept."),
        "{told}"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_without_a_folder_for_it_has_no_history_and_a_damaged_one_is_put_aside() {
    let stage = setup(&[("cogs/word.luau", &answering("word", "one"))])
        .start()
        .await;
    assert_eq!(
        stage.bot.cogs.history.of("word").await,
        Err(HistoryError::Off)
    );
    assert_eq!(
        stage.ask("!reload history word").await,
        "This bot keeps no history of its cogs."
    );
    let folder = stage.stop().await;
    std::fs::create_dir_all(folder.path().join("var")).unwrap();
    let file = folder.path().join("var/history.db");
    std::fs::write(
        &file,
        "this is no database, and it is long enough to be looked at",
    )
    .unwrap();
    let stage = setup(&[]).stored().folder(folder).start().await;
    assert_eq!(numbers(&versions(&stage, "word").await), [1]);
    assert!(file.with_extension("db.unusable").exists());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_behind_a_migration_is_refused_and_says_why() {
    let plain = command("points", "ctx:reply(tostring(state.global.points or 0))");
    let migrated = plain.replace(
        "cog.command",
        "state.migrate(1, { global = function(old) return { points = (old.points or 0) * 100 } end })\ncog.command",
    );
    let mut stage = setup(&[("cogs/points.luau", &plain)])
        .stored()
        .start()
        .await;
    stage.save("cogs/points.luau", &migrated);
    stage.applied().await;
    let told = stage.ask("!reload undo points").await;
    assert!(
        told.contains("Could not reload") && told.contains("newer"),
        "{told}"
    );
    assert!(
        told.contains("Still running their old code: `points`"),
        "{told}"
    );
    assert_eq!(stage.ask("!points").await, "0");
    stage.stop().await;
}
