//! Buttons outlive the version that sent them.

use super::{START, begin, click, cog, message_of, one_cog, shown, uses};
use crate::support::{Setup, Stage, problems_of, setup};
use cogsmith::clock::Clock;

/// A cog with a button, whose handler answers with a text.
fn asking(text: &str) -> String {
    cog(&format!(
        r#"
cog.command {{ name = "show", run = function(ctx) ctx:reply {{ content = "x", components = {{ button("t:ask:1") }} }} end }}
cog.component("t:ask:{{id}}", function(ctx, args) ctx:reply("{text} " .. args.id) end)
"#
    ))
}

fn at(files: &[(&str, &str)]) -> Setup {
    setup(files).clock(Clock::paused(START))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_of_an_older_version_or_process_reaches_todays_code() {
    let mut stage = at(&[("cogs/t.luau", &asking("first"))])
        .stored()
        .start()
        .await;
    let message = message_of(&stage, "!show").await;
    assert_eq!(click(&stage, message, "t:ask:1").await, "first 1");
    stage.save("cogs/t.luau", &asking("second"));
    stage.applied().await;
    assert_eq!(click(&stage, message, "t:ask:1").await, "second 1");
    stage.save(
        "cogs/t.luau",
        &asking("third (").replace("(ctx, args)", "(ctx, args"),
    );
    stage.failed().await;
    assert_eq!(click(&stage, message, "t:ask:1").await, "second 1");
    // Another template of the same name does not fit, …
    stage.save(
        "cogs/t.luau",
        &asking("fourth").replace("{id}", "{id}:{more}"),
    );
    stage.applied().await;
    let gone = click(&stage, message, "t:ask:1").await;
    assert_eq!(gone, "Nobody handles this any more. (alone)");
    // … nor does a handler that is gone, or a cog that is.
    stage.save("cogs/t.luau", "return nil");
    stage.applied().await;
    let gone = click(&stage, message, "t:ask:1").await;
    assert_eq!(gone, "Nobody handles this any more. (alone)");
    stage.delete("cogs/t.luau");
    stage.applied().await;
    let gone = click(&stage, message, "t:ask:1").await;
    assert_eq!(gone, "Nobody handles this any more. (alone)");
    // Another cog may have the name now.
    stage.save("cogs/other.luau", &asking("other"));
    stage.applied().await;
    assert_eq!(click(&stage, message, "t:ask:1").await, "other 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_from_before_a_restart_reaches_todays_code() {
    let stage = at(&[("cogs/t.luau", &asking("first"))])
        .stored()
        .start()
        .await;
    let message = message_of(&stage, "!show").await;
    // The next process has nothing of this one but its files, and Discord's message.
    stage.save("cogs/t.luau", &asking("second"));
    let Stage {
        sim, bot, folder, ..
    } = stage;
    bot.stop().await;
    let config = cogsmith::config::from_text(
        "{}",
        "config.json",
        folder.path().to_owned(),
        &std::iter::empty::<(&str, &str)>().collect(),
    )
    .unwrap();
    let bot = cogsmith::bot::Bot::start(cogsmith::bot::BotOptions {
        state: Some(config.state_path()),
        ..crate::support::bot_options(&sim, config.clone())
    })
    .await
    .unwrap();
    bot.ready(crate::support::PATIENCE).await.unwrap();
    let request = cogsmith::sim::InteractionRequest::Component {
        message,
        custom_id: "t:ask:1".into(),
        values: Vec::new(),
    };
    let general = sim.channel("general").unwrap();
    let used = sim.interact(sim.owner(), general, request).unwrap();
    assert_eq!(super::answer(&used).await, "second 1");
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cogs_that_want_the_same_ids_are_named_and_the_first_keeps_them() {
    let mut stage = at(&[("cogs/t.luau", &asking("first"))]).start().await;
    let message = message_of(&stage, "!show").await;
    let second = |template: &str| {
        cog(&format!(
            "cog.component(\"{template}\", function(ctx) ctx:reply(\"second\") end)"
        ))
    };
    for template in ["t:other", "t", "t:ask:{x}"] {
        stage.save("cogs/another.luau", &second(template));
        let told = problems_of(&*stage.failed().await);
        assert!(
            told.contains("custom ids that begin with \"t\" are taken twice"),
            "{told}"
        );
        assert!(
            told.contains("lua/cogs/t.luau:9") && told.contains("lua/cogs/another.luau:7"),
            "{told}"
        );
        assert!(
            told.contains("\"t\" had the name first and keeps it"),
            "{told}"
        );
        assert_eq!(click(&stage, message, "t:ask:1").await, "first 1");
    }
    // Letter case tells names apart.
    stage.save("cogs/another.luau", &second("T:ask:{x}"));
    stage.applied().await;
    // A modal's ids are of the same kind.
    stage.save(
        "cogs/another.luau",
        &second("t:form").replace("cog.component", "cog.modal"),
    );
    stage.failed().await;
    // They move in one save, as commands do.
    stage.save("cogs/another.luau", &second("t:ask:{x}"));
    stage.failed().await;
    stage.save("cogs/t.luau", "return nil");
    stage.applied().await;
    assert_eq!(click(&stage, message, "t:ask:1").await, "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn clicks_during_reloads_are_answered_exactly_once() {
    let mut stage = setup(&[("cogs/t.luau", &asking("v0"))]).start().await;
    let message = message_of(&stage, "!show").await;
    let mut clicks = Vec::new();
    for version in 1..=10 {
        stage.save("cogs/t.luau", &asking(&format!("v{version}")));
        for _ in 0..20 {
            clicks.push(begin(&stage, "anna", message, "t:ask:1", &[]));
            tokio::task::yield_now().await;
        }
        stage.applied().await;
    }
    stage.settled().await;
    for one in clicks {
        let view = one.state();
        let mut answers = super::follow_ups(&view);
        // A click that had to wait for long is acknowledged first (6), and its answer follows.
        if view.response_type != Some(6) {
            answers.push(super::shown(&view));
        }
        let [answer] = &*answers else {
            panic!("{answers:?}");
        };
        assert!(
            answer.starts_with('v') && answer.ends_with(" 1"),
            "{answer}"
        );
    }
    assert_eq!(click(&stage, message, "t:ask:1").await, "v10 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_waits_finishes_on_the_code_it_began_with() {
    let slow = asking("old").replace("ctx:reply(\"old", "task.wait(10) ctx:reply(\"old");
    let mut stage = at(&[("cogs/t.luau", &slow)]).start().await;
    let message = message_of(&stage, "!show").await;
    let used = begin(&stage, "anna", message, "t:ask:1", &[]);
    stage.advance(std::time::Duration::from_secs(5)).await;
    stage.save("cogs/t.luau", &asking("new"));
    stage.applied().await;
    assert_eq!(click(&stage, message, "t:ask:1").await, "new 1");
    stage.advance(std::time::Duration::from_secs(6)).await;
    assert_eq!(super::follow_ups(&used.state()), ["old 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_in_quarantine_says_so() {
    let stage = one_cog(
        r#"
cog.command { name = "show", run = function(ctx) ctx:reply { content = "x", components = { button("t:loop") } } end }
cog.component("t:loop", function() while true do end end)
"#,
    )
    .config(r#"{ "limits": { "cpu_ms": 50, "faults_per_10min": 3 } }"#)
    .start()
    .await;
    let message = message_of(&stage, "!show").await;
    for _ in 0..3 {
        let told = shown(&uses(&stage, "anna", message, "t:loop", &[]).await);
        assert!(told.contains("The log has the rest"), "{told}");
    }
    let told = shown(&uses(&stage, "anna", message, "t:loop", &[]).await);
    assert_eq!(
        told,
        "This is out of order: its cog was stopped too often. The bot's admins can see why. (alone)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_comes_in_the_users_language() {
    let stage = one_cog("cog.command { name = \"show\", run = function(ctx) ctx:reply { content = \"x\", components = { button(\"gone\") } } end }")
        .start()
        .await;
    let message = message_of(&stage, "!show").await;
    stage.sim.set_locale(stage.sim.owner(), "id").unwrap();
    assert_eq!(
        click(&stage, message, "gone").await,
        "Ini sudah tidak ada yang menangani. (alone)"
    );
}
