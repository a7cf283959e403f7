//! Files and folders that come, go and move.

use crate::support::{answering, cogs_of, setup};
use cogsmith::reload::report::CogOutcome;
use std::fs;

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
