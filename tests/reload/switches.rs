//! Hot reload switched off and on, changes applied by hand, and admins' commands with hostile arguments.

use crate::support::{Stage, answering, cogs_of, command, setup};
use cogsmith::reload::controller::{Ask, Refused};
use cogsmith::reload::report::{CogOutcome, Outcome};

const BY_HAND: &str = r#"{ "hot_reload": { "auto_reload_cogs": false } }"#;

/// The next report, which must be that a change was noticed.
async fn pending(stage: &mut Stage) -> Vec<String> {
    let report = stage.report().await;
    assert_eq!(report.outcome, Outcome::Pending, "{report:#?}");
    report.changed.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_made_while_hot_reload_is_off_are_applied_when_it_comes_on() {
    let mut stage = setup(&[
        ("cogs/ping.luau", &answering("ping", "0")),
        ("cogs/gone.luau", &answering("gone", "here")),
    ])
    .start()
    .await;
    assert!(stage.ask("!reload toggle").await.contains("off"));
    for text in ["1", "2"] {
        stage.save("cogs/ping.luau", &answering("ping", text));
        assert!(
            pending(&mut stage)
                .await
                .contains(&"lua/cogs/ping.luau".to_owned())
        );
    }
    stage.delete("cogs/gone.luau");
    pending(&mut stage).await;
    stage.save("cogs/new.luau", &answering("new", "new"));
    pending(&mut stage).await;
    assert_eq!(stage.ask("!ping").await, "0");
    assert_eq!(stage.ask("!gone").await, "here");
    assert_eq!(stage.answer("!new").await, None);
    let status = stage.ask("!reload status").await;
    assert!(status.contains("Hot reload is off"), "{status}");
    for file in ["ping", "gone", "new"] {
        let path = format!("lua/cogs/{file}.luau");
        assert!(status.contains(&path), "{status}");
    }
    let told = stage.ask("!reload toggle").await;
    assert!(told.contains("on") && told.contains("`ping`"), "{told}");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["ping"]);
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["new"]);
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["gone"]);
    assert_eq!(stage.ask("!ping").await, "2");
    stage.save("cogs/ping.luau", &answering("ping", "3"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_module_that_is_pending_is_not_seen_by_a_handler_s_require() {
    let late = command("late", "ctx:reply(require(\"../utils/late\"))");
    let mut stage = setup(&[
        ("cogs/late.luau", &late),
        ("utils/late.luau", "return \"old\""),
    ])
    .config(BY_HAND)
    .start()
    .await;
    stage.save("utils/late.luau", "return \"new\"");
    pending(&mut stage).await;
    assert_eq!(stage.ask("!late").await, "old");
    assert!(stage.ask("!reload cog late").await.contains("`late`"));
    assert_eq!(stage.ask("!late").await, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_auto_reload_changes_are_listed_and_applied_by_hand() {
    let mut stage = setup(&[
        ("cogs/a.luau", &answering("a", "0")),
        ("cogs/b.luau", &answering("b", "0")),
        ("cogs/gone.luau", &answering("gone", "here")),
    ])
    .config(BY_HAND)
    .start()
    .await;
    stage.save("cogs/a.luau", &answering("a", "1"));
    assert_eq!(pending(&mut stage).await, ["lua/cogs/a.luau"]);
    stage.save("cogs/b.luau", &answering("b", "1"));
    pending(&mut stage).await;
    stage.save("cogs/b.luau", &answering("b", "1"));
    let status = stage.ask("!reload status").await;
    assert!(
        status.contains("`lua/cogs/a.luau`, `lua/cogs/b.luau`"),
        "{status}"
    );
    assert!(stage.ask("!reload cog a").await.contains("`a`"));
    stage.applied().await;
    assert_eq!(stage.ask("!a").await, "1");
    assert_eq!(stage.ask("!b").await, "0");
    let status = stage.ask("!reload status").await;
    assert!(
        status.contains("not applied:** `lua/cogs/b.luau`\n"),
        "{status}"
    );
    // Off and on again is no hand that applies.
    assert!(stage.ask("!reload toggle").await.contains("off"));
    assert!(stage.ask("!reload toggle").await.contains("on"));
    assert_eq!(stage.ask("!b").await, "0");
    stage.delete("cogs/gone.luau");
    pending(&mut stage).await;
    stage.save("cogs/new.luau", &answering("new", "new"));
    pending(&mut stage).await;
    stage.ask("!reload all").await;
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["gone"]);
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["new"]);
    assert_eq!(stage.ask("!b").await, "1");
    assert_eq!(stage.ask("!new").await, "new");
    assert_eq!(stage.answer("!gone").await, None);
    assert!(!stage.ask("!reload status").await.contains("not applied"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_s_reload_of_one_cog_loses_no_save_of_another() {
    let mut stage = setup(&[
        ("cogs/a.luau", &answering("a", "a")),
        ("cogs/b.luau", &answering("b", "0")),
    ])
    .config(r#"{ "hot_reload": { "reload_delay": 0.5 } }"#)
    .start()
    .await;
    // The command comes within the debounce window of the save.
    stage.save("cogs/b.luau", &answering("b", "1"));
    stage.ask("!reload cog a").await;
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a"]);
    assert_eq!(stage.ask("!b").await, "0");
    let report = stage.applied().await;
    assert_eq!(report.changed, ["lua/cogs/b.luau"]);
    assert_eq!(stage.ask("!b").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_by_hand_builds_a_fresh_vm_and_a_save_does_not() {
    let cog = |text: &str| {
        let command = command("kept", "ctx:reply(tostring(it))");
        format!("local it = require(\"../utils/t\")\n{command}-- {text}")
    };
    let mut stage = setup(&[("cogs/kept.luau", &cog("1")), ("utils/t.luau", "return {}")])
        .start()
        .await;
    let first = stage.ask("!kept").await;
    stage.save("cogs/kept.luau", &cog("2"));
    stage.applied().await;
    assert_eq!(stage.ask("!kept").await, first, "kept by identity");
    stage.ask("!reload cog kept").await;
    assert_ne!(stage.ask("!kept").await, first, "a fresh VM has its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_get_one_short_harmless_answer() {
    let stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    let long = "x".repeat(1_900);
    let everybody = "@everyone <@1> <@&2> <#3>";
    let names = [
        "../../etc/passwd",
        "/etc/passwd",
        &long,
        "pi\u{200b}ng",
        "\u{202e}gnip\u{feff}",
        "`ping` ``` **x**",
        everybody,
        "ping\nping",
        "cogs.",
        "%s%n",
        "'; drop table cogs; --",
    ];
    for command in ["!reload cog", "!load", "!unload", "!reload"] {
        for name in names {
            let answer = stage.ask(&format!("{command} {name}")).await;
            assert!(answer.chars().count() <= 300, "{command} {name}: {answer}");
            for ping in ["@everyone", "@here", "<@1>", "<@&2>", "root:"] {
                assert!(!answer.contains(ping), "{command} {name}: {answer}");
            }
            assert_eq!(answer.matches("```").count() % 2, 0, "{answer}");
            assert_eq!(
                answer.matches('`').count() % 2,
                0,
                "{command} {name}: {answer}"
            );
            assert!(!answer.contains(['\u{202e}', '\u{feff}', '\n']), "{answer}");
        }
    }
    assert_eq!(stage.ask("!ping").await, "pong");
    let refused = stage.bot.reload.ask(Ask::Cog("y".repeat(4_000))).await;
    let Err(Refused::Unknown { name, near }) = refused else {
        panic!("{refused:?}");
    };
    assert!(name.chars().count() <= 64 && near.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unloaded_cog_stays_away_until_it_is_loaded_and_then_follows_its_file() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    stage.ask("!unload ping").await;
    stage.applied().await;
    assert!(stage.ask("!unload ping").await.contains("does not run"));
    stage.save("cogs/ping.luau", &answering("ping", "1"));
    stage.save("cogs/other.luau", &answering("other", "other"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["other"]);
    assert_eq!(stage.answer("!ping").await, None);
    assert!(stage.ask("!load ping").await.contains("Loaded"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["ping"]);
    assert_eq!(stage.ask("!ping").await, "1");
    assert!(stage.ask("!load ping").await.contains("loaded already"));
    stage.save("cogs/ping.luau", &answering("ping", "2"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "2");
}
