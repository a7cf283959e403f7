//! What Discord shows of the bot: the operator's choice, and that of the cog that has asked last.

use crate::support::cases::{case, check_in, cog_of, show_log};
use crate::support::{Stage, setup, until};
use cogsmith::clock::Clock;
use cogsmith::config::Environment;
use cogsmith::sim::{GatewayFault, GatewayFaultKind, InjectedFault};
use serde_json::{Value, json};
use std::time::Duration;

/// A moment for paused clocks: November 2023.
const NOW: u64 = 1_700_000_000;

/// A cog whose command shows an activity.
fn showing(command: &str) -> String {
    format!(
        r#"local cog = require("@cogsmith/cog")
cog.info {{ capabilities = {{ "presence" }} }}
local what = cog.option.string {{ name = "what", description = "What", rest = true }}
cog.command {{ name = "{command}", options = {{ what }}, run = function(ctx)
    cog.presence {{ status = "dnd", activities = {{ {{ name = ctx:get(what), type = 3 }} }} }}
    ctx:reply("shown")
end }}
"#
    )
}

/// What the one connected session shows, and how often that was changed.
fn shown(stage: &Stage) -> (Value, u64) {
    let sessions = stage.sim.sessions();
    let session = sessions.iter().find(|it| it.connected);
    session.map_or((Value::Null, 0), |it| {
        (it.presence.clone(), it.presence_updates)
    })
}

fn activity(stage: &Stage) -> Value {
    shown(stage).0["activities"][0]["name"].clone()
}

async fn until_shown(stage: &Stage, name: &str) {
    until(|| activity(stage) == name).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_caller_s_presence_holds_until_it_is_unloaded() {
    show_log();
    let mut stage = setup(&[
        ("cogs/one.luau", &showing("one")),
        ("cogs/two.luau", &showing("two")),
    ])
    .config(r#"{ "bot": { "presence": { "activities": [{ "name": "chess" }] } } }"#)
    .clock(Clock::paused(NOW))
    .start()
    .await;
    until_shown(&stage, "chess").await;
    let pause = Duration::from_secs(4);
    stage.advance(pause).await;
    assert_eq!(stage.ask("!one the first").await, "shown");
    until_shown(&stage, "the first").await;
    assert_eq!(
        shown(&stage).0,
        json!({ "since": null, "afk": false, "status": "dnd",
            "activities": [{ "name": "the first", "type": 3 }] })
    );
    // Those that come quickly are one change: the last.
    let (_, before) = shown(&stage);
    for text in ["!two a", "!one b", "!two c", "!two the last"] {
        assert_eq!(stage.ask(text).await, "shown");
    }
    assert_eq!(activity(&stage), "the first");
    stage.advance(pause).await;
    until_shown(&stage, "the last").await;
    assert_eq!(shown(&stage).1, before + 1);

    // A reload of the cog changes nothing, and neither does another cog's end.
    stage.save("cogs/two.luau", &format!("{}\n", showing("two")));
    stage.applied().await;
    stage.ask("!unload one").await;
    stage.advance(pause).await;
    assert_eq!(activity(&stage), "the last");
    stage.ask("!unload two").await;
    stage.advance(pause).await;
    until_shown(&stage, "chess").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_said_again_after_a_reconnect_and_with_a_new_session() {
    show_log();
    let stage = setup(&[("cogs/one.luau", &showing("one"))]).start().await;
    assert_eq!(stage.ask("!one here").await, "shown");
    until_shown(&stage, "here").await;
    for kind in [
        GatewayFaultKind::Drop,
        GatewayFaultKind::InvalidSession { resumable: false },
    ] {
        let session = |stage: &Stage| {
            let sessions = stage.sim.sessions();
            let session = sessions.into_iter().find(|it| it.connected);
            session.map(|it| {
                (
                    it.id,
                    it.resumes,
                    it.presence["activities"][0]["name"].clone(),
                )
            })
        };
        let before = session(&stage).unwrap();
        stage
            .sim
            .fault(InjectedFault::Gateway(GatewayFault { shard: None, kind }));
        until(|| {
            session(&stage)
                .is_some_and(|now| (&now.0, now.1) != (&before.0, before.1) && now.2 == "here")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_configuration_is_shown() {
    show_log();
    let mut stage = setup(&[("cogs/one.luau", &showing("one"))])
        .clock(Clock::paused(NOW))
        .start()
        .await;
    assert_eq!(shown(&stage).1, 0);
    let path = stage.folder.path().join("config.json");
    std::fs::write(&path, "{}").unwrap();
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    stage.bot.follow_config(&path, environment);
    let text = r#"{ "bot": { "presence": { "status": "idle",
        "activities": [{ "name": "x", "type": 4, "state": "edited" }] } } }"#;
    std::fs::write(&path, text).unwrap();
    until(|| shown(&stage).0["status"] == "idle").await;
    assert_eq!(shown(&stage).0["activities"][0]["state"], "edited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_presence_that_is_wrong_says_so() {
    let cases = [
        case(
            r#"return why(cog.presence)"#,
            "argument: cog.presence: expected a table, got nil",
        ),
        case(
            r#"return why(cog.presence, {})"#,
            "capability: cog.presence…",
        ),
        case(
            r#"return why(cog.presence, { state = "x" })"#,
            r#"argument: cog.presence: there is no field "state"…"#,
        ),
        case(
            r#"return why(cog.presence, { status = "away" })"#,
            r#"argument: cog.presence: status: expected one of "online", "idle", "dnd", "invisible", got the string "away""#,
        ),
        case(
            r#"return why(cog.presence, { activities = { "chess" } })"#,
            r#"argument: cog.presence: activities[1]: expected a table…"#,
        ),
        case(
            r#"return why(cog.presence, { activities = { { name = "a" }, { type = 3 } } })"#,
            "argument: cog.presence: activities[2]: name: expected a string of 1 to 128 characters, got nil",
        ),
        case(
            r#"return why(cog.presence, { activities = { { name = ("é"):rep(129) } } })"#,
            "argument: cog.presence: activities[1]: name: expected a string of at most 128 characters…",
        ),
        case(
            r#"return why(cog.presence, { activities = { { name = "a", type = 6 } } })"#,
            "argument: cog.presence: activities[1]: type: expected one of Discord's types, from 0 to 5, got the number 6",
        ),
        case(
            r#"local many = table.create(6, { name = "a" }) return why(cog.presence, { activities = many })"#,
            "argument: cog.presence: activities: expected a list of at most 5 items, got one of 6",
        ),
    ];
    check_in(setup(&[("cogs/cases.luau", &cog_of(&cases))]), &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_in_quarantine_shows_nothing_any_more() {
    let text =
        showing("one") + "cog.command { name = \"hog\", run = function() while true do end end }\n";
    let stage = setup(&[("cogs/one.luau", &text)])
        .config(r#"{ "bot": { "presence": { "activities": [{ "name": "chess" }] } }, "limits": { "cpu_ms": 50, "faults_per_10min": 1 } }"#)
        .start()
        .await;
    until_shown(&stage, "chess").await;
    assert_eq!(stage.ask("!one mine").await, "shown");
    until_shown(&stage, "mine").await;
    stage.says("owner", "!hog").await;
    until_shown(&stage, "chess").await;
}
