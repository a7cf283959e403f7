//! Work at times of the calendar, and at times that were named.

use crate::support::{Stage, setup};
use cogsmith::clock::Clock;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
/// 2026-03-28 12:00:00 UTC, the day before the clocks of Europe go forward.
const NOON: u64 = 1_774_699_200;

const CRON: &str = r#"local cog = require("@cogsmith/cog")
local log = require("@cogsmith/log")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local time = require("@cogsmith/time")
local s = state.session.global
local function note(name)
    s.ran = (s.ran or "") .. ` {name}@{time.format(time.now(), "%d-%H:%M")}`
end
cog.cron("30 2 * * *", function() note("berlin") end, { timezone = "Europe/Berlin", name = "night" })
cog.cron("MINUTES * * * *", function()
    note("VERSION")
    if s.fails then error("on purpose") end
    if s.slow then task.wait("12m") end
end)
cog.command { name = "ran", run = function(ctx)
    ctx:reply(s.ran or "nothing")
    s.ran = nil
end }
cog.command { name = "set", options = { { name = "what", type = "string", description = "w" } }, run = function(ctx)
    s.slow, s.fails = ctx.options.what == "slow", ctx.options.what == "fails"
    ctx:reply("ok")
end }
"#;

fn source(version: &str, minutes: &str) -> String {
    CRON.replace("VERSION", version).replace("MINUTES", minutes)
}

async fn start(source: &str) -> Stage {
    let setup = setup(&[("cogs/a.luau", source)]);
    setup.clock(Clock::paused(NOON)).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_follows_the_calendar_and_keeps_its_schedule_across_reloads() {
    let mut stage = start(&source("a", "*/5")).await;
    stage.advance(MINUTE * 11).await;
    assert_eq!(stage.ask("!ran").await, "a@28-12:05 a@28-12:10");
    stage.save("cogs/a.luau", &source("b", "*/5"));
    stage.applied().await;
    stage.advance(MINUTE * 9).await;
    assert_eq!(stage.ask("!ran").await, "b@28-12:15 b@28-12:20");
    stage.save("cogs/a.luau", "return (");
    stage.failed().await;
    stage.advance(MINUTE * 5).await;
    assert_eq!(stage.ask("!ran").await, "b@28-12:25");
    stage.save("cogs/a.luau", &source("c", "0"));
    stage.applied().await;
    stage.advance(MINUTE * 60).await;
    assert_eq!(stage.ask("!ran").await, "c@28-13:00");
    // 2:30 is skipped in Berlin, and made up for at 3:00, which is 1:00 in UTC.
    stage.advance(MINUTE * 12 * 60).await;
    let ran = stage.ask("!ran").await;
    assert!(ran.contains("c@29-00:00"), "{ran}");
    assert!(ran.contains(" berlin@29-01:00"), "{ran}");
    stage.delete("cogs/a.luau");
    stage.applied().await;
    stage.save("cogs/a.luau", &source("d", "0 13 3"));
    stage.failed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_never_overlaps_itself_and_pauses_after_failures() {
    let stage = start(&source("a", "*/5")).await;
    assert_eq!(stage.ask("!set slow").await, "ok");
    stage.advance(MINUTE * 21).await;
    assert_eq!(stage.ask("!ran").await, "a@28-12:05 a@28-12:20");
    assert_eq!(stage.ask("!set fails").await, "ok");
    // The first failure is at 12:35, after a pause of one minute the next time is 12:40, and so on.
    stage.advance(MINUTE * 60).await;
    assert_eq!(
        stage.ask("!ran").await,
        "a@28-12:35 a@28-12:40 a@28-12:45 a@28-12:50 a@28-13:00 a@28-13:20"
    );
}
