//! Cogs that do not end delay neither the gateway nor cogs that keep to their share.

use crate::support::{PATIENCE, Stage, answering, command, setup};
use cogsmith::sim::{Limit, RateLimits, Sim};
use std::time::Duration;

const STUCK: &str = r#"local cog = require("@cogsmith/cog")
cog.on.message_create(function(message)
    while message.content == "stuck" do
    end
end)
"#;

/// A bot with so many cogs that can be told not to end, one that answers, and quick heartbeats.
async fn start(stuck: usize, cpu_ms: u32) -> Stage {
    let names: Vec<_> = (0..stuck)
        .map(|number| format!("cogs/stuck_{number}.luau"))
        .collect();
    let other = answering("other", "well");
    let mut files = vec![("cogs/other.luau", other.as_str())];
    files.extend(names.iter().map(|name| (name.as_str(), STUCK)));
    let config = format!(
        r#"{{ "limits": {{ "cpu_ms": {cpu_ms}, "cpu_seconds_per_minute": 3600, "faults_per_10min": 10000 }} }}"#
    );
    // Discord takes no more than 120 messages a minute.
    setup(&files).config(&config).heartbeat(600).start().await
}

fn say(sim: &Sim, text: &str) -> u64 {
    let channel = sim.channel("general").unwrap();
    let said = sim.say(sim.owner(), channel, text).unwrap();
    said["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_go_on_while_four_cogs_are_stuck() {
    let stage = start(4, 60_000).await;
    let (sim, bot) = (&stage.sim, &stage.bot);
    say(sim, "stuck");
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
    does_not_wait_for_cogs_that(Duration::from_secs(3)).await;
}

/// The same without a sign before: they have used nothing yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_keeps_to_its_share_does_not_wait_for_slices_that_turn_out_long() {
    does_not_wait_for_cogs_that(Duration::ZERO).await;
}

async fn does_not_wait_for_cogs_that(have_used: Duration) {
    let count = 8 + 2 * std::thread::available_parallelism().unwrap().get();
    let stage = start(count, 60_000).await;
    let (sim, bot) = (&stage.sim, &stage.bot);
    for number in 0..count {
        let cog = bot.cogs.get(&format!("stuck_{number}")).unwrap();
        cog.context.fair_share.charge(have_used);
    }
    say(sim, "stuck");
    let asked = say(sim, "!other");
    let channel = sim.channel("general").unwrap();
    let answer = sim.bot_message_after(channel, asked, PATIENCE).await;
    assert_eq!(answer.unwrap()["content"], "well");
    assert!(bot.services.activity.count() >= count);
}

/// Limits under which a channel takes five messages in half a second.
fn narrow_channels() -> RateLimits {
    let limit = Limit {
        requests: 5,
        per: Duration::from_millis(500),
    };
    RateLimits::default().with_route("POST", "/channels/{channel_id}/messages", limit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_floods_a_channel_holds_up_no_other_s_answer_there() {
    const FLOOD: usize = 40;
    let body = format!("for i = 1, {FLOOD} do task.spawn(function() ctx:send(\"loud\") end) end");
    let stage = setup(&[
        ("cogs/loud.luau", &command("flood", &body)),
        ("cogs/other.luau", &answering("other", "well")),
    ])
    .rate_limits(narrow_channels())
    .start()
    .await;
    let flood = say(&stage.sim, "!flood");
    let loud = answers_before(&stage, flood, "!other", "well").await;
    assert!(loud < FLOOD / 2, "{loud} messages came before the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_ask_for_help_all_the_time_hold_up_no_admin() {
    const ASKED: usize = 40;
    let stage = setup(&[("cogs/other.luau", &answering("other", "well"))])
        .rate_limits(narrow_channels())
        .start()
        .await;
    let someone = stage.sim.user("anna").unwrap();
    let asked: Vec<_> = (0..ASKED)
        .map(|_| stage.sim.say(someone, stage.general(), "!help").unwrap())
        .collect();
    let first = asked[0]["id"].as_str().unwrap().parse().unwrap();
    let before = answers_before(&stage, first, "!reload cog other", "✅").await;
    assert!(
        before < ASKED / 2,
        "{before} messages came before the answer"
    );
}

/// Says `line` once the bot has answered to what came before, and counts its answers until one begins as wanted.
async fn answers_before(stage: &Stage, before: u64, line: &str, wanted: &str) -> usize {
    let (sim, channel) = (&stage.sim, stage.general());
    let mut last = before;
    let mut count = 0;
    loop {
        let message = sim.bot_message_after(channel, last, PATIENCE).await;
        let message = message.unwrap();
        if message["content"].as_str().unwrap().starts_with(wanted) {
            return count;
        }
        if count == 0 {
            // By now the others wait for the next window.
            say(sim, line);
        }
        count += 1;
        last = message["id"].as_str().unwrap().parse().unwrap();
    }
}

/// However greedy it is, its work is done, and each slice ends with its own limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_cog_gets_its_turns() {
    let stage = start(3, 50).await;
    let (sim, bot) = (&stage.sim, &stage.bot);
    for _ in 0..5 {
        say(sim, "stuck");
    }
    // Fifteen slices of 50 ms, one after the other.
    tokio::time::timeout(3 * PATIENCE, bot.settled(sim))
        .await
        .unwrap();
    assert_eq!(bot.services.faults.count(), 15);
}
