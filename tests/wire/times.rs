//! Work at times of the calendar, and at times that were named.

use crate::support::{Stage, problems_of, setup};
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

const JOBS: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local time = require("@cogsmith/time")
local s = state.global
local job
job = cog.job("remind", function(payload, info)
    local at = time.format(time.now(), "%H:%M:%S")
    s.ran = (s.ran or "") .. ` VERSION:{payload.text}@{at}#{info.attempt}{info.key or ""}`
    if payload.text == "fails" then error("on purpose") end
    if payload.text == "again" then job:after(60, { text = "once" }, { key = info.key }) end
    if payload.text == "slow" then task.wait("5m") end
end)
local text = cog.option.string { name = "text", description = "t" }
local delay = cog.option.duration { name = "delay", description = "d", default = "1m" }
cog.command { name = "after", options = { text, delay }, run = function(ctx)
    local payload = { text = ctx:get(text), by = ctx.author.id }
    local id = job:after(ctx:get(delay), payload, { key = ctx:get(text) })
    payload.text = "changed later"
    ctx:reply(#id .. "")
end }
cog.command { name = "left", run = function(ctx)
    local found = {}
    for _, entry in job:list() do
        local due = time.format(entry.due, "%H:%M:%S")
        table.insert(found, `{entry.payload.text}@{due}#{entry.attempt}{entry.given_up or ""}`)
    end
    ctx:reply(if #found == 0 then "none" else table.concat(found, ", "))
end }
cog.command { name = "cancel", options = { text }, run = function(ctx)
    ctx:reply(tostring(job:cancel(ctx:get(text))))
end }
cog.command { name = "ran", run = function(ctx)
    ctx:reply(s.ran or "nothing")
    s.ran = nil
end }
"#;

fn jobs(version: &str) -> String {
    JOBS.replace("VERSION", version)
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_run_when_they_are_due_with_what_they_were_given() {
    let stage = start(&jobs("a")).await;
    assert_eq!(stage.ask("!after one").await, "16");
    stage.ask("!after two 2m").await;
    stage.ask("!after three 30s").await;
    // The same key: it replaces the one before.
    stage.ask("!after two 3m").await;
    assert_eq!(
        stage.ask("!left").await,
        "three@12:00:30#0, one@12:01:00#0, two@12:03:00#0"
    );
    assert_eq!(stage.ask("!cancel one").await, "true");
    assert_eq!(stage.ask("!cancel one").await, "false");
    assert_eq!(stage.ask("!cancel ffffffffffffffff").await, "false");
    stage.advance(MINUTE * 4).await;
    assert_eq!(
        stage.ask("!ran").await,
        "a:three@12:00:30#1three a:two@12:03:00#1two"
    );
    assert_eq!(stage.ask("!left").await, "none");
    // One that schedules itself again under its own key.
    stage.ask("!after again").await;
    stage.advance(MINUTE * 5).await;
    assert_eq!(
        stage.ask("!ran").await,
        "a:again@12:05:00#1again a:once@12:06:00#1again"
    );
    assert_eq!(stage.ask("!left").await, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_tried_again_and_then_given_up_and_shown() {
    let stage = start(&jobs("a")).await;
    stage.ask("!after fails").await;
    stage.advance(MINUTE * 180).await;
    assert_eq!(
        stage.ask("!ran").await,
        "a:fails@12:01:00#1fails a:fails@12:01:10#2fails a:fails@12:02:10#3fails a:fails@12:12:10#4fails a:fails@13:12:10#5fails"
    );
    let left = stage.ask("!left").await;
    assert_eq!(left, "fails@12:01:00#5lua/cogs/a.luau:10: on purpose");
    let shown = stage.ask("!cogs a").await;
    assert!(
        shown.contains(
            "Jobs given up after too many failed attempts: 1, among them one of `remind`"
        ),
        "{shown}"
    );
    assert!(shown.contains("on purpose"), "{shown}");
    // The same key takes its place.
    stage.ask("!after fails").await;
    assert_eq!(stage.ask("!left").await, "fails@15:01:00#0");
    assert_eq!(stage.ask("!cancel fails").await, "true");
    assert!(!stage.ask("!cogs a").await.contains("given up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_changes_what_a_job_does_and_not_when() {
    let mut stage = start(&jobs("a")).await;
    stage.ask("!after x 5m").await;
    stage.advance(MINUTE).await;
    stage.save("cogs/a.luau", &jobs("b"));
    stage.applied().await;
    stage.advance(MINUTE * 5).await;
    assert_eq!(stage.ask("!ran").await, "b:x@12:05:00#1x");
    stage.ask("!after y 1m").await;
    stage.ask("!after z 1m").await;
    // Without a job of that name they wait, and without the cog as well.
    stage.save("cogs/a.luau", &jobs("c").replace("\"remind\"", "\"other\""));
    stage.applied().await;
    stage.advance(MINUTE * 5).await;
    assert_eq!(stage.ask("!ran").await, "nothing");
    stage.delete("cogs/a.luau");
    stage.applied().await;
    stage.advance(MINUTE * 5).await;
    stage.save("cogs/a.luau", &jobs("d"));
    stage.applied().await;
    stage.settled().await;
    stage.advance(Duration::from_secs(1)).await;
    let ran = stage.ask("!ran").await;
    assert!(ran.contains("d:y@12:16:00#1y"), "{ran}");
    assert!(ran.contains("d:z@12:16:00#1z"), "{ran}");
    assert_eq!(stage.ask("!left").await, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_jobs_hold_up_neither_commands_nor_for_long_each_other() {
    let source = jobs("a").replace("key = ctx:get(text)", "key = nil");
    let stage = start(&source).await;
    for _ in 0..20 {
        stage.ask("!after slow").await;
    }
    stage.advance(MINUTE * 2).await;
    let ran = stage.ask("!ran").await;
    assert_eq!(ran.matches("slow").count(), 16, "{ran}");
    stage.advance(MINUTE * 10).await;
    let ran = stage.ask("!ran").await;
    assert_eq!(ran.matches("slow@12:06:00#1").count(), 4, "{ran}");
    assert_eq!(stage.ask("!left").await, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_bounded_and_charged_to_the_state() {
    let source = r#"local cog = require("@cogsmith/cog")
local job = cog.job("j", function() end)
cog.command { name = "fill", options = { { name = "bytes", type = "integer", description = "b" } }, run = function(ctx)
    local count = 0
    local ok, problem
    repeat
        ok, problem = pcall(job.after, job, 60, string.rep("x", ctx.options.bytes))
        count += 1
    until not ok
    local entries = job:list()
    ctx:reply(`{count - 1} {#entries} {problem.kind} {problem}`)
    for _, entry in entries do
        job:cancel(entry.id)
    end
end }
"#;
    let stage = setup(&[("cogs/a.luau", source)])
        .config(r#"{ "limits": { "jobs": 50, "state_mb": 1, "state_value_kb": 64 } }"#)
        .clock(Clock::paused(NOON))
        .start()
        .await;
    let answer = stage.ask("!fill 10").await;
    let words = "50 50 limit job:after: a cog may have 50 jobs that are to run or are given up (limits.jobs)";
    assert_eq!(answer, words);
    let answer = stage.ask("!fill 50000").await;
    assert!(
        answer.starts_with("20 20 state job:after: with this job the state of cog:a would have "),
        "{answer}"
    );
    let answer = stage.ask("!fill 70000").await;
    assert!(
        answer.starts_with("0 0 state job:after: the payload has "),
        "{answer}"
    );
    assert_eq!(
        stage
            .bot
            .services
            .store
            .usage(&cogsmith::state::Namespace::jobs("a")),
        0
    );
}

const ONE_JOB: &str = r#"local cog = require("@cogsmith/cog")
local job = cog.job("j", function() end)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_declared_while_loading_and_scheduled_afterwards() {
    let mut stage = start(ONE_JOB).await;
    for (code, says) in [
        (
            "job:after(1)",
            "job:after: not while loading: move this into cog.on_ready",
        ),
        ("job:cancel(\"x\")", "job:cancel: not while loading"),
        (
            "cog.on_load(function() job:after(1) end)",
            "job:after: not in cog.on_load",
        ),
        (
            "cog.job(\"j\", print)",
            "cog.job: there is already a job \"j\"",
        ),
        (
            "cog.job(\"a b\", print)",
            "cog.job: the name: expected 1 to 64 letters, digits, _, - or ., got the string \"a b\"",
        ),
        (
            "cog.job(\"k\")",
            "cog.job: the function: expected a function, got nil",
        ),
        (
            "for i = 1, 101 do cog.job(`x{i}`, print) end",
            "cog.job: a cog may call it 100 times at most",
        ),
    ] {
        stage.save("cogs/a.luau", &format!("{ONE_JOB}{code}\n"));
        let report = stage.failed().await;
        let problem = problems_of(&report);
        assert!(problem.contains(says), "{code}: {problem}");
        assert!(problem.contains("lua/cogs/a.luau:3"), "{code}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_of_jobs_are_errors_at_the_authors_line() {
    let source = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local json = require("@cogsmith/json")
local job = cog.job("j", function() end)
local function why(method, ...)
    local ok, problem = pcall(method, ...)
    return if ok then "ok" else `{problem}`
end
cog.command { name = "t", options = { { name = "n", type = "integer", description = "n" } }, run = function(ctx)
    local loop = {}
    loop.loop = loop
    local calls = {
        function() return why(job.at, job, "soon") end,
        function() return why(job.at, job, 1e12) end,
        function() return why(job.at, 5) end,
        function() return why(job.after, job, "soon") end,
        function() return why(job.after, job, 1, { fn = print }) end,
        function() return why(job.after, job, 1, loop) end,
        function() return why(job.after, job, 1, 0 / 0) end,
        function() return why(job.after, job, 1, nil, { key = "" }) end,
        function() return why(job.after, job, 1, nil, { kee = "x" }) end,
        function() return why(job.cancel, job, 5) end,
        function() return why(job.list, job, { x = {} }) end,
        function()
            local ok = pcall(state.transaction, function()
                state.global.x = 1
                job:after(1, "x")
                job:after(1, "y", { key = "y" })
                error("no")
            end)
            return `{ok} {#job:list()} {state.global.x}`
        end,
        function()
            state.transaction(function()
                job:after(1, "x", { key = "x" })
                job:after(2, "y", { key = "x" })
                pcall(state.transaction, function()
                    job:cancel("x")
                    error("no")
                end)
            end)
            return `{#job:list()} {job:list()[1].payload} {job:cancel("x")} {#job:list()}`
        end,
        function()
            job:after(1, { a = 1, b = "x" })
            job:after(1, { a = 2, b = "x" })
            return `{#job:list { a = 1 }} {#job:list { b = "x" }} {#job:list { a = 1, b = "y" }}`
        end,
    }
    ctx:reply(calls[ctx.options.n]())
end }
"#;
    let stage = start(source).await;
    for (number, says) in [
        "job:at: the time: expected a number, got the string \"soon\"",
        "job:at: the time: expected Unix seconds before the year 10000 (not milliseconds), got the number 1000000000000",
        "job:at: call it with a colon: job:at(…)",
        "job:after: the delay: expected a duration",
        "job:after: payload.fn: a function cannot be stored",
        "a table nested this deep (or in itself) cannot be stored",
        "job:after: payload: NaN cannot be stored",
        "job:after: key: expected a string of 1 to 100 bytes, got the string \"\"",
        "job:after: there is no field \"kee\"; did you mean \"key\"?",
        "job:cancel: the id or key: expected a string, got the number 5",
        "job:list: where.x: expected a string, a number or a boolean, got a table",
        "false 0 nil",
        "1 y true 0",
        "1 2 0",
    ]
    .into_iter()
    .enumerate()
    {
        let answer = stage.ask(&format!("!t {}", number + 1)).await;
        assert!(answer.contains(says), "{number}: {answer}");
    }
}
