//! Cogs that do not end delay neither the gateway nor cogs that keep to their share.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking at the first thing that goes wrong"
)]

mod support;

use cogsmith::bot::{Bot, BotOptions};
use cogsmith::clock::Clock;
use cogsmith::config::{Environment, Token, from_text};
use cogsmith::sim::{Sim, SimOptions};
use std::path::Path;
use std::time::Duration;
use support::{PATIENCE, answering, write};
use tempfile::TempDir;

const STUCK: &str = r#"local cog = require("@cogsmith/cog")
cog.on.message_create(function(message)
    while message.content == "stuck" do
    end
end)
"#;

/// A bot with so many cogs that can be told not to end, one that answers, and quick heartbeats.
async fn start(folder: &Path, stuck: usize, cpu_ms: u32) -> (Sim, Bot) {
    write(
        &folder.join("lua/cogs/other.luau"),
        &answering("other", "well"),
    );
    for number in 0..stuck {
        write(&folder.join(format!("lua/cogs/stuck_{number}.luau")), STUCK);
    }
    let sim = Sim::start(SimOptions {
        max_concurrency: 0,
        // Discord takes no more than 120 messages a minute.
        heartbeat_interval_ms: 600,
        ..SimOptions::default()
    })
    .await
    .unwrap();
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let config = format!(
        r#"{{ "limits": {{ "cpu_ms": {cpu_ms}, "cpu_seconds_per_minute": 3600, "faults_per_10min": 10000 }} }}"#
    );
    let config = from_text(&config, "config.json", folder.to_owned(), &environment).unwrap();
    let bot = Bot::start(BotOptions {
        token: Token::new(sim.token()),
        api_url: Some(sim.url()),
        clock: Clock::system(),
        state: None,
        sessions: None,
        config,
    })
    .await
    .unwrap();
    bot.ready(PATIENCE).await.unwrap();
    (sim, bot)
}

fn say(sim: &Sim, text: &str) -> u64 {
    let channel = sim.channel("general").unwrap();
    let said = sim.say(sim.owner(), channel, text).unwrap();
    said["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_go_on_while_four_cogs_are_stuck() {
    let folder = TempDir::new().unwrap();
    let (sim, bot) = start(folder.path(), 4, 60_000).await;
    say(&sim, "stuck");
    let beats = || sim.heartbeats().iter().map(Vec::len).sum::<usize>();
    let enough = beats() + 5;
    let come = sim.wait_for("five heartbeats", PATIENCE, |_| {
        (beats() >= enough).then_some(())
    });
    come.await.unwrap();
    assert!(bot.services.activity.count() >= 4);
    let sessions = sim.sessions();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!(sessions[0].resumes, 0);
}

/// There are more of them than threads, and each would hold one for a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_keeps_to_its_share_does_not_wait_for_greedy_ones() {
    let count = 8 + 2 * std::thread::available_parallelism().unwrap().get();
    let folder = TempDir::new().unwrap();
    let (sim, bot) = start(folder.path(), count, 60_000).await;
    for number in 0..count {
        let cog = bot.cogs.get(&format!("stuck_{number}")).unwrap();
        cog.context.turn.charge(Duration::from_secs(3));
    }
    say(&sim, "stuck");
    let asked = say(&sim, "!other");
    let channel = sim.channel("general").unwrap();
    let answer = sim.bot_message_after(channel, asked, PATIENCE).await;
    assert_eq!(answer.unwrap()["content"], "well");
    assert!(bot.services.activity.count() >= count);
}

/// However greedy it is, its work is done, and each slice ends with its own limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_cog_gets_its_turns() {
    let folder = TempDir::new().unwrap();
    let (sim, bot) = start(folder.path(), 3, 100).await;
    for _ in 0..5 {
        say(&sim, "stuck");
    }
    // Fifteen slices of 100 ms, one after the other.
    tokio::time::timeout(3 * PATIENCE, bot.settled(&sim))
        .await
        .unwrap();
    assert_eq!(bot.services.faults.count(), 15);
}
