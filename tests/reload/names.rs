//! Who has a name keeps it: a copy that comes first in the order of names takes nothing, neither while the bot runs
//! nor after a restart.

use crate::support::{Stage, answering, cogs_of, problems_of, setup, write};
use cogsmith::reload::report::{CogOutcome, Report};

fn at_start(stage: &Stage) -> Report {
    Report::clone(&stage.bot.reload.reports.recent()[0])
}

/// A command with this alias.
fn with_alias(name: &str, alias: &str, text: &str) -> String {
    let options = format!("aliases = {{ \"{alias}\" }}, run =");
    answering(name, text).replace("run =", &options)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_comes_first_gets_no_name_of_the_original_after_a_restart_either() {
    // The original, a copy that declares something of it, and what is asked for.
    let original = with_alias("word", "w", "original");
    let slash = answering("word", "original").replace("run =", "prefix = false, run =");
    for (original, copy, asked) in [
        (
            original.clone(),
            original.replace("original", "copy"),
            Some("!word"),
        ),
        (original.clone(), answering("w", "copy"), Some("!w")),
        (
            original.clone(),
            with_alias("other", "WORD", "copy"),
            Some("!word"),
        ),
        (
            original.clone(),
            answering("w\u{43e}rd", "copy"),
            Some("!word"),
        ),
        (slash.clone(), slash.replace("original", "copy"), None),
    ] {
        let mut stage = setup(&[("cogs/word.luau", &original)])
            .stored()
            .start()
            .await;
        stage.save("cogs/Copy of word.luau", &copy);
        let report = stage.failed().await;
        let told = problems_of(&report);
        assert!(
            told.contains("\"word\" had the name first and keeps it"),
            "{told}"
        );
        assert!(
            told.contains("take another name in lua/cogs/Copy of word.luau"),
            "{told}"
        );
        for _ in 0..2 {
            stage = stage.restarted().await;
            let start = at_start(&stage);
            assert_eq!(cogs_of(&start, CogOutcome::Loaded), ["word"], "{start:#?}");
            assert_eq!(cogs_of(&start, CogOutcome::NotRunning), ["Copy of word"]);
            assert!(problems_of(&start).contains("\"word\" had the name first and keeps it"));
            if let Some(asked) = asked {
                assert_eq!(stage.ask(asked).await, "original", "{copy}");
            }
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_when_its_cog_lets_go_of_it_or_is_gone_for_good() {
    let files = [
        ("cogs/word.luau", &*answering("word", "original")),
        ("cogs/zzz.luau", &*answering("zzz", "z")),
    ];
    let mut stage = setup(&files).stored().start().await;
    stage.save("cogs/old/word.luau", &answering("word", "copy"));
    stage.save("cogs/a.luau", &answering("zzz", "a"));
    stage.failed().await;
    stage = stage.restarted().await;
    // It lets go of its name, and so the copy has it from now on.
    stage.save("cogs/word.luau", &answering("term", "original"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["old.word"]);
    assert_eq!(stage.ask("!word").await, "copy");
    let folder = stage.stop().await;
    // While the bot does not run, one file goes and the other wants its name back.
    std::fs::remove_file(folder.path().join("lua/cogs/zzz.luau")).unwrap();
    write(
        &folder.path().join("lua/cogs/a_word.luau"),
        &answering("word", "third"),
    );
    let stage = setup(&[]).stored().folder(folder).start().await;
    assert_eq!(stage.ask("!word").await, "copy");
    assert_eq!(stage.ask("!zzz").await, "a");
    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!zzz").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_is_broken_at_the_start_keeps_its_names_until_it_is_mended_or_gone() {
    let original = answering("word", "original");
    let mut stage = setup(&[("cogs/word.luau", &original)])
        .stored()
        .start()
        .await;
    stage.save("cogs/Copy of word.luau", &answering("word", "copy"));
    stage.failed().await;
    // The running version goes on, and after the restart there is none.
    stage.save("cogs/word.luau", &format!("{original}local x = = 1"));
    stage.failed().await;
    let mut stage = stage.restarted().await;
    let told = problems_of(&at_start(&stage));
    assert!(
        told.contains("keeps it, although it does not run"),
        "{told}"
    );
    assert_eq!(stage.answer("!word").await, None);
    stage.save("cogs/word.luau", &original);
    let report = stage.report().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::Loaded),
        ["word"],
        "{report:#?}"
    );
    assert_eq!(stage.ask("!word").await, "original");
    stage.save("cogs/word.luau", "local x = = 1");
    stage.failed().await;
    let mut stage = stage.restarted().await;
    assert_eq!(stage.answer("!word").await, None);
    stage.delete("cogs/word.luau");
    let report = stage.applied().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::Loaded),
        ["Copy of word"],
        "{report:#?}"
    );
    assert_eq!(stage.ask("!word").await, "copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_unloads_a_cog_gives_its_names_away() {
    let mut stage = setup(&[("cogs/word.luau", &answering("word", "original"))])
        .stored()
        .start()
        .await;
    stage.ask("!unload word").await;
    stage.report().await;
    stage.save("cogs/Copy of word.luau", &answering("word", "copy"));
    stage.applied().await;
    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_missing_record_is_no_failure() {
    let files = [
        ("cogs/word.luau", &*answering("word", "original")),
        ("cogs/other.luau", &*answering("other", "other")),
    ];
    let mut stage = setup(&files).stored().start().await;
    for text in [Some("{ \"cogs\": { \"word\""), Some(""), None] {
        let folder = stage.stop().await;
        let record = folder.path().join("var/names.json");
        assert!(record.is_file());
        match text {
            Some(text) => std::fs::write(&record, text).unwrap(),
            None => std::fs::remove_file(&record).unwrap(),
        }
        stage = setup(&[]).stored().folder(folder).start().await;
        assert_eq!(
            cogs_of(&at_start(&stage), CogOutcome::Loaded),
            ["other", "word"]
        );
        assert_eq!(stage.ask("!word").await, "original");
    }
    // It is made anew.
    stage.save("cogs/Copy of word.luau", &answering("word", "copy"));
    stage.failed().await;
    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "original");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_of_one_cog_name_the_one_that_had_it_goes_on_after_a_restart() {
    for (first, second) in [
        ("cogs/word.luau", "cogs/word.lua"),
        ("cogs/word.luau", "cogs/word/init.luau"),
        ("cogs/word/init.luau", "cogs/word.luau"),
        ("cogs/fun/word.luau", "cogs/fun.word.luau"),
        ("cogs/word.luau", "cogs/Word.luau"),
    ] {
        let mut stage = setup(&[(first, &answering("word", "original"))])
            .stored()
            .start()
            .await;
        stage.save(second, &answering("word", "copy"));
        let report = stage.failed().await;
        let told = problems_of(&report);
        assert!(
            told.contains(&format!("what lua/{first} said, also after a restart")),
            "{told}"
        );
        assert_eq!(stage.ask("!word").await, "original");
        let mut stage = stage.restarted().await;
        assert_eq!(stage.ask("!word").await, "original", "{first} {second}");
        let reports = stage.bot.reload.reports.recent();
        let told: Vec<String> = reports.iter().map(|report| problems_of(report)).collect();
        assert!(
            told.concat().contains("remove or rename all but one"),
            "{told:?}"
        );
        // With the other out of the way its edits are taken again.
        stage.delete(second);
        stage.report().await;
        stage.save(first, &answering("word", "edited"));
        stage.applied().await;
        assert_eq!(stage.ask("!word").await, "edited", "{first} {second}");
        stage.stop().await;
    }
}
