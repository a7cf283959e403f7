//! Intents follow the cogs, and no cog uses up the sessions that Discord allows in a day.

use crate::support::{PATIENCE, Stage, answering, setup, until};
use cogsmith::clock::Clock;
use std::time::{Duration, Instant};

/// Intents that nothing else asks for, each with its bit.
const INTENTS: [(&str, u64); 6] = [
    ("guild_members", 1),
    ("guild_moderation", 2),
    ("guild_presences", 8),
    ("guild_message_reactions", 10),
    ("guild_message_typing", 11),
    ("direct_message_typing", 14),
];

async fn stage() -> Stage {
    let clock = Clock::paused(1_700_000_000);
    let ping = answering("ping", "pong");
    let stage = setup(&[("cogs/ping.luau", &ping)])
        .clock(clock)
        .start()
        .await;
    // One shard may identify in five seconds.
    stage.advance(Duration::from_secs(60)).await;
    stage
}

fn asking(intent: &str) -> String {
    format!("require(\"@cogsmith/cog\").info {{ intents = {{ \"{intent}\" }} }}")
}

fn bit(place: usize) -> u64 {
    1 << INTENTS[place].1
}

/// How many sessions have been opened, as the server counts them.
async fn identifies(stage: &Stage) -> u64 {
    let asked = reqwest::Client::new()
        .get(format!("{}/api/v10/gateway/bot", stage.sim.url()))
        .header("Authorization", format!("Bot {}", stage.sim.token()));
    let text = asked.send().await.unwrap().text().await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
    1_000 - answer["session_start_limit"]["remaining"].as_u64().unwrap()
}

/// Waits until the connection has these intents.
async fn has(stage: &Stage, bits: u64) {
    let gateway = stage.bot.gateway().unwrap();
    until(|| gateway.intents() & bits == bits).await;
}

/// The bot's answer. What is said while it opens a new session is lost, and said again.
async fn answered(stage: &Stage, text: &str) -> String {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let answers = stage.says("owner", text).await;
        if let [answer] = answers.as_slice() {
            return answer["content"].as_str().unwrap().to_owned();
        }
        assert!(answers.is_empty(), "{answers:#?}");
    }
    panic!("{text} is not answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_that_change_again_and_again_are_joined_and_the_admins_are_told() {
    let mut stage = stage().await;
    assert_eq!(identifies(&stage).await, 1);
    stage.save("cogs/greedy.luau", &asking(INTENTS[0].0));
    stage.applied().await;
    has(&stage, bit(0)).await;
    assert_eq!(identifies(&stage).await, 2);
    // By turns, and gone in between: all of it waits.
    for round in 0..30 {
        let (name, _) = INTENTS[round % INTENTS.len()];
        stage.save("cogs/greedy.luau", "return nil");
        stage.applied().await;
        stage.save("cogs/greedy.luau", &asking(name));
        stage.applied().await;
    }
    stage.save("cogs/greedy.luau", &asking(INTENTS[3].0));
    stage.applied().await;
    let told = "The connection gets new intents in 5s: guild_message_reactions.";
    let status = stage.ask("!reload status").await;
    assert!(status.contains(told), "{status}");
    let answer = stage.ask("!reload cog greedy").await;
    assert!(answer.contains(told), "{answer}");
    assert_eq!(identifies(&stage).await, 2);
    stage.advance(Duration::from_secs(5)).await;
    has(&stage, bit(0) | bit(3)).await;
    assert_eq!(identifies(&stage).await, 3);
    let status = stage.ask("!reload status").await;
    assert!(!status.contains("new intents"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_switches_its_intents_for_an_hour_opens_few_sessions() {
    let mut stage = stage().await;
    for round in 0..60 {
        let (name, _) = INTENTS[round % INTENTS.len()];
        stage.save("cogs/greedy.luau", &format!("{}-- {round}", asking(name)));
        stage.applied().await;
        // Not as far as the time that the server has to answer, whose answer takes real time.
        stage.advance(Duration::from_secs(59)).await;
        assert_eq!(answered(&stage, "!ping").await, "pong");
    }
    // What one of them needed is kept, as the next one may need it.
    let opened = identifies(&stage).await;
    assert!((3..=7).contains(&opened), "{opened}");
    stage.delete("cogs/greedy.luau");
    stage.applied().await;
    stage.advance(Duration::from_secs(2 * 60 * 60)).await;
    let gateway = stage.bot.gateway().unwrap();
    until(|| gateway.intents() & bit(0) == 0).await;
    assert_eq!(identifies(&stage).await, opened + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_may_keep_the_session() {
    let keep = r#"{ "bot": { "reconnect_for_intents": false } }"#;
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .config(keep)
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    stage.advance(Duration::from_secs(60)).await;
    let path = stage.folder.path().join("config.json");
    std::fs::write(&path, keep).unwrap();
    let environment: cogsmith::config::Environment = std::iter::empty::<(&str, &str)>().collect();
    stage.bot.follow_config(&path, environment);
    stage.save("cogs/greedy.luau", &asking(INTENTS[0].0));
    stage.applied().await;
    let told = "The connection lacks intents: guild_members.";
    let answer = stage.ask("!reload cog greedy").await;
    assert!(answer.contains(told), "{answer}");
    stage.advance(Duration::from_secs(3_600)).await;
    let status = stage.ask("!reload status").await;
    assert!(status.contains(told), "{status}");
    assert_eq!(identifies(&stage).await, 1);
    std::fs::write(&path, "{}").unwrap();
    let services = std::sync::Arc::clone(&stage.bot.cogs.services);
    until(|| services.config.load().bot.reconnect_for_intents).await;
    stage.advance(Duration::from_secs(10)).await;
    has(&stage, bit(0)).await;
    let status = stage.ask("!reload status").await;
    assert!(!status.contains("lacks intents"), "{status}");
}
