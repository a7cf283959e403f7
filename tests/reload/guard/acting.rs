//! What the guard does: it tells, or puts the version before back, once.

use super::{BROKEN, FINE, UNDO, beginning, calls, cogs, notice, save, sentence, word};
use crate::support::log::{listen, logged};
use crate::support::{Stage, answering, cogs_of, setup};
use cogsmith::guard::{Action, Why};
use cogsmith::history::Cause;
use cogsmith::reload::report::CogOutcome;

fn action(stage: &Stage) -> Option<Action> {
    notice(stage).map(|notice| notice.action.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_comes_back_by_itself_and_says_why() {
    listen();
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    let broken = "error(\"logged once\")";
    save(&mut stage, broken).await;
    calls(&stage, 3).await;
    assert_eq!(stage.ask("!word").await, "one");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["word"]);
    assert_eq!(report.cogs[0].undone.as_ref().unwrap().by, "the guard");
    assert_eq!(action(&stage), Some(Action::Undone(1)));
    let file = std::fs::read_to_string(stage.path("cogs/word.luau")).unwrap();
    assert_eq!(file, word(broken), "the file was touched");

    let history = stage.ask("!reload history word").await;
    assert!(
        history.contains("version 1 put back by the guard: `the command \"word\" failed in 3 of"),
        "{history}"
    );
    let versions = stage.bot.cogs.history.of("word").await.unwrap().versions;
    assert!(matches!(&versions[0].cause, Cause::Guard { .. }));
    let told = stage.ask("!cogs word").await;
    assert!(told.contains("runs version 1, not its files"), "{told}");
    assert!(told.contains("the guard has put version 1 back"), "{told}");
    assert!(told.contains("!reload redo word"), "{told}");
    let lines = logged(&["word", "the guard has put version 1 back", "logged once"]);
    assert_eq!(lines.len(), 1, "{lines:?}");

    // A mended version is taken as ever, and judged again.
    save(&mut stage, "ctx:reply(\"two\")").await;
    assert_eq!(stage.ask("!word").await, "two");
    assert_eq!(notice(&stage), None);
    calls(&stage, 6).await;
    save(&mut stage, "error(\"another mistake\")").await;
    calls(&stage, 3).await;
    assert_eq!(stage.ask("!word").await, "two");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_never_take_turns() {
    // What breaks it is not in its text.
    let depends = |text: &str| {
        format!("if state.shared(\"s\").global.down then error(\"down\") end ctx:reply(\"{text}\")")
    };
    let with = |text: &str| {
        word(&depends(text)).replace(
            "cog.command {",
            "cog.info { capabilities = { \"shared:s\" } }\ncog.command {",
        )
    };
    let switch = |value: &str| {
        crate::support::command(
            "down",
            &format!("state.shared(\"s\").global.down = {value} ctx:reply(\"ok\")"),
        )
        .replace(
            "cog.command {",
            "cog.info { capabilities = { \"shared:s\" } }\ncog.command {",
        )
    };
    let mut stage = setup(&[
        ("cogs/word.luau", &with("one")),
        ("cogs/down.luau", &switch("true")),
    ])
    .config(UNDO)
    .stored()
    .start()
    .await;
    calls(&stage, 6).await;
    stage.save("cogs/word.luau", &with("two"));
    stage.applied().await;
    stage.ask("!down").await;
    calls(&stage, 3).await;
    assert_eq!(action(&stage), Some(Action::Undone(1)));
    // The version before fails as well: it stays, and the guard says so.
    calls(&stage, 3).await;
    assert_eq!(action(&stage), Some(Action::Warned(Why::IsEarlier)));
    calls(&stage, 12).await;
    let versions = stage.bot.cogs.history.of("word").await.unwrap().versions;
    assert_eq!(versions.len(), 3, "{versions:?}");
    // By now that is how the cog is.
    stage.save("cogs/word.luau", &with("three"));
    stage.applied().await;
    stage.applied().await;
    calls(&stage, 5).await;
    assert_eq!(notice(&stage), None);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_taken_back_once() {
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    save(&mut stage, BROKEN).await;
    calls(&stage, 3).await;
    assert_eq!(action(&stage), Some(Action::Undone(1)));
    stage.ask("!reload redo word").await;
    let messages = {
        let mut all = Vec::new();
        for _ in 0..3 {
            all.extend(stage.says("anna", "!word").await);
        }
        all
    };
    assert_eq!(action(&stage), Some(Action::Warned(Why::OnlyOnce)));
    let told = beginning(&messages, "<@");
    assert_eq!(told.len(), 1, "{messages:#?}");
    assert!(
        told[0].contains("I have put the version before back once"),
        "{told:?}"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_stays_so_over_a_restart() {
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    save(&mut stage, BROKEN).await;
    calls(&stage, 3).await;
    let stage = stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "one");
    let status = stage.ask("!reload status").await;
    assert!(status.contains("runs version 1, not its files"), "{status}");
    calls(&stage, 6).await;
    assert_eq!(notice(&stage), None);
    let history = stage.ask("!reload history word").await;
    assert!(history.contains("put back by the guard"), "{history}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reloads_in_chat_is_told_there() {
    let by_hand = r#"{ "hot_reload": { "auto_reload_cogs": false } }"#;
    for (config, start, end) in [
        (
            by_hand,
            "⚠️ Since its reload `word` does worse than before.",
            "`!reload undo word` puts the version before back.",
        ),
        (
            r#"{ "hot_reload": { "auto_reload_cogs": false, "guard": "undo" } }"#,
            "↩️ I have put version 1 of `word` back, because the new one does worse.",
            "`!reload redo word` runs them all the same.",
        ),
    ] {
        let mut stage = cogs(FINE).config(config).start().await;
        calls(&stage, 6).await;
        stage.save("cogs/word.luau", &word(BROKEN));
        stage.report().await;
        stage.ask("!reload cog word").await;
        calls(&stage, 2).await;
        let messages = stage.says("anna", "!word").await;
        let owner = stage.sim.owner();
        let told = beginning(&messages, &format!("<@{owner}> {start}"));
        assert_eq!(told.len(), 1, "{messages:#?}");
        assert!(
            told[0].contains("The command `word` failed in 3 of its first 3 calls, and in none of its last 6 before."),
            "{told:?}"
        );
        assert!(
            told[0].contains("The first error: `lua/cogs/word.luau:5: no such word`"),
            "{told:?}"
        );
        assert!(told[0].ends_with(end), "{told:?}");
        let message = messages.iter().find(|it| it["content"] == told[0]).unwrap();
        let mentions = message["mentions"].as_array().unwrap();
        assert_eq!(mentions.len(), 1, "{message:#?}");
        assert_eq!(mentions[0]["id"], owner.to_string());
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reloads_in_a_direct_message_is_told_there() {
    let mut stage = cogs(FINE)
        .config(r#"{ "hot_reload": { "auto_reload_cogs": false } }"#)
        .start()
        .await;
    calls(&stage, 6).await;
    stage.save("cogs/word.luau", &word(BROKEN));
    stage.report().await;
    let owner = stage.sim.owner();
    let direct = stage.sim.direct_channel(owner);
    stage.sim.say(owner, direct, "!reload cog word").unwrap();
    stage.settled().await;
    let before = stage.sim.message_count(direct);
    calls(&stage, 3).await;
    let told = stage.written_since(direct, before);
    assert_eq!(
        beginning(&told, &format!("<@{owner}> ⚠️")).len(),
        1,
        "{told:#?}"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_cannot_be_is_a_warning() {
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    let renamed = word(BROKEN).replace(
        "name = \"word\"",
        "name = \"other\", aliases = { \"word2\" }",
    );
    stage.save("cogs/word.luau", &renamed);
    stage.applied().await;
    // Another cog takes the name that the version before has.
    stage.save("cogs/taker.luau", &answering("word", "taken"));
    stage.applied().await;
    let broken = "while true do end";
    let renamed = word(broken).replace("name = \"word\"", "name = \"other\"");
    stage.save("cogs/word.luau", &renamed);
    stage.applied().await;
    stage.says("anna", "!other").await;
    // What is put back is the version that ran before, which still has the name `other`.
    assert_eq!(action(&stage), Some(Action::Undone(2)));
    stage.stop().await;

    let mut stage = cogs(FINE).config(UNDO).start().await;
    let renamed = word(broken).replace("name = \"word\"", "name = \"other\"");
    stage.save("cogs/word.luau", &renamed);
    stage.applied().await;
    stage.save("cogs/taker.luau", &answering("word", "taken"));
    stage.applied().await;
    stage.says("anna", "!other").await;
    let Some(Action::Refused(why)) = action(&stage) else {
        panic!("{:?}", notice(&stage));
    };
    assert!(why.contains("\"word\" is taken twice"), "{why}");
    assert!(
        sentence(&stage).contains("the guard wanted to put the version before back"),
        "{}",
        sentence(&stage)
    );
    assert_eq!(stage.ask("!word").await, "taken");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_applies_at_once() {
    let mut stage = cogs(FINE)
        .config(r#"{ "hot_reload": { "guard": "off" } }"#)
        .start()
        .await;
    calls(&stage, 6).await;
    save(&mut stage, BROKEN).await;
    calls(&stage, 5).await;
    assert_eq!(notice(&stage), None);
    let mut config = (**stage.bot.services.config.load()).clone();
    config.hot_reload.guard = cogsmith::config::Guard::Undo;
    stage.bot.services.config.store(config.into());
    save(&mut stage, "error(\"again\")").await;
    calls(&stage, 3).await;
    assert!(
        matches!(action(&stage), Some(Action::Undone(_))),
        "{:?}",
        notice(&stage)
    );
    stage.stop().await;
}

/// An alarm about a cog with which another reload is busy waits until that has ended.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_waits_for_a_reload_that_is_under_way() {
    let slow = r#"{ "limits": { "cpu_ms": 20000, "cpu_seconds_per_minute": 3600 }, "hot_reload": { "guard": "undo" } }"#;
    let uses = |text: &str| format!("local shared = require(\"../services/shared\")\n{text}");
    let mut stage = setup(&[
        ("cogs/word.luau", &uses(&word(FINE))),
        ("cogs/slow.luau", &uses(&answering("slow", "1"))),
        ("services/shared.luau", "return 1"),
    ])
    .config(slow)
    .stored()
    .start()
    .await;
    calls(&stage, 6).await;
    stage.save("cogs/word.luau", &uses(&word(BROKEN)));
    stage.applied().await;
    calls(&stage, 2).await;
    // Both cogs are in one reload, which fails in the end because of the slow one.
    let busy = "do local began = os.clock() while os.clock() - began < 2 do end error(\"after all\") end\n";
    stage.save(
        "cogs/slow.luau",
        &uses(&(busy.to_owned() + &answering("slow", "2"))),
    );
    stage.save("services/shared.luau", "return 2");
    // Meanwhile the third call fails.
    let mut look = tokio::time::interval(std::time::Duration::from_millis(2));
    while stage.bot.services.activity.count() == 0 {
        look.tick().await;
    }
    let (anna, general) = (stage.sim.user("anna").unwrap(), stage.general());
    stage.sim.say(anna, general, "!word").unwrap();
    stage.failed().await;
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].undone.as_ref().unwrap().by, "the guard");
    stage.settled().await;
    assert_eq!(stage.ask("!word").await, "one");
    assert_eq!(action(&stage), Some(Action::Undone(1)));
    stage.stop().await;
}

/// What one server tries is no version of the others', and is compared with nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_on_trial_is_not_watched() {
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    stage.ask("!reload try word").await;
    save(&mut stage, BROKEN).await;
    calls(&stage, 6).await;
    assert_eq!(notice(&stage), None);
    stage.ask("!reload keep word").await;
    calls(&stage, 3).await;
    assert_eq!(action(&stage), Some(Action::Undone(1)));
    assert_eq!(stage.ask("!word").await, "one");
    stage.stop().await;
}
