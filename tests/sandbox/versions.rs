//! What older versions of a cog leave is bounded by the cog's name: memory, handlers, calls, processor time. The
//! version that answers is never the one that suffers for them.

use crate::support::{
    PATIENCE, Stage, answering, cogs_of, command, holds, problems_of, resident, setup, times,
};
use cogsmith::api::context::CogContext;
use cogsmith::api::limit_view::limits_of;
use cogsmith::api::limits::Limit;
use cogsmith::clock::Clock;
use cogsmith::reload::report::CogOutcome;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A moment for paused clocks: November 2023.
const NOW: u64 = 1_700_000_000;
const MB: usize = 1 << 20;

fn context(stage: &Stage, cog: &str) -> Arc<CogContext> {
    Arc::clone(&stage.bot.cogs.get(cog).unwrap().context)
}

fn met(context: &CogContext, limit: Limit) -> u64 {
    let views = limits_of(context);
    views.iter().find(|it| it.key == limit.key()).unwrap().met
}

/// A cog that takes so many megabytes when it loads and when it is ready, and then waits for long.
fn hoarder(loading: usize, ready: usize, version: usize) -> String {
    let hoard = format!(
        "local kept = {{ buffer.create({loading} * 1048576) }}
require(\"@cogsmith/cog\").on_ready(function()
    kept[2] = buffer.create({ready} * 1048576)
    require(\"@cogsmith/task\").wait(800)
    print(kept)
end)
"
    );
    hoard + &command("version", &format!("ctx:reply(\"{version}\")"))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_versions_together_have_the_memory_of_one_cog() {
    let mut stage = setup(&[("cogs/t.luau", &hoarder(12, 17, 0))]).start().await;
    let before = resident();
    let budgets = &stage.bot.services.clone().budgets;
    for version in 1..=20 {
        stage.save("cogs/t.luau", &hoarder(12, 17, version));
        stage.applied().await;
        assert_eq!(stage.ask("!version").await, version.to_string());
        let context = context(&stage, "t");
        assert!(context.memory() <= 32 * MB, "{}", context.memory() / MB);
        // What was ended is gone as soon as its actor comes to it.
        assert!(
            holds(|| budgets.used() <= 34 * MB).await,
            "{}",
            budgets.used() / MB
        );
    }
    assert!(met(&context(&stage, "t"), Limit::Memory) >= 20);
    let grown = resident().saturating_sub(before) / MB;
    assert!(grown < 400, "{grown} MB for twenty versions of 29 MB");
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_a_file_that_goes_and_comes_have_the_memory_of_one_cog() {
    let mut stage = setup(&[("cogs/t.luau", &hoarder(12, 17, 0))]).start().await;
    let services = Arc::clone(&stage.bot.services);
    for version in 1..=15 {
        stage.delete("cogs/t.luau");
        let report = stage.applied().await;
        assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["t"]);
        stage.save("cogs/t.luau", &hoarder(12, 17, version));
        stage.applied().await;
        assert_eq!(stage.ask("!version").await, version.to_string());
        let used = || services.budgets.used();
        assert!(holds(|| used() <= 34 * MB).await, "{}", used() / MB);
    }
}

/// Small versions that only wait are bounded by what runs of them, and by their number.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_of_older_versions_is_bounded() {
    let cog = |version: usize| {
        let listeners = "for i = 1, 600 do
    cog.on.message_create(function(message)
        if message.content == \"wait\" then
            task.wait(800)
        end
    end)
end
";
        command("version", &format!("ctx:reply(\"{version}\")")) + listeners
    };
    let mut stage = setup(&[("cogs/t.luau", &cog(0))]).start().await;
    let context = context(&stage, "t");
    let last = times(75, 100);
    for version in 1..=4 {
        stage.says("owner", "wait").await;
        stage.save("cogs/t.luau", &cog(version));
        stage.applied().await;
        assert_eq!(stage.ask("!version").await, version.to_string());
        assert_eq!(context.budget.versions.leftovers().len(), 1);
    }
    for version in 5..=last {
        let wait = "require(\"@cogsmith/cog\").on_ready(function() task.wait(800) end)";
        let text = command("version", &format!("ctx:reply(\"{version}\")")) + wait;
        stage.save("cogs/t.luau", &text);
        stage.applied().await;
        let left = context.budget.versions.leftovers().len();
        assert!(left <= 64, "{left} older versions");
    }
    assert_eq!(stage.ask("!version").await, last.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_that_wait_in_the_old_version_do_not_keep_the_mended_one_out() {
    let wild = command("t", "ctx:reply(\"wild\")")
        + "
for i = 1, 1000 do
    cog.on.message_create(function()
        task.wait(800)
    end)
end
cog.on_ready(function()
    for i = 1, 1000 do
        task.spawn(task.wait, 800)
    end
end)
";
    let mended = command(
        "t",
        "local n = 0 for i = 1, 500 do task.spawn(function() n += 1 task.wait(1) end) end ctx:reply(`{n}`)",
    );
    let mut stage = setup(&[("cogs/t.luau", &wild)]).start().await;
    assert_eq!(stage.answer("anything").await, None);
    stage.save("cogs/t.luau", &mended);
    stage.applied().await;
    let said = stage.sim.say(stage.sim.owner(), stage.general(), "!t");
    let said = said.unwrap()["id"].as_str().unwrap().parse().unwrap();
    let answer = stage.sim.reply_to(said, PATIENCE).await.unwrap();
    assert_eq!(answer["content"], "500");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_name_whatever_becomes_of_the_file() {
    let mut stage = setup(&[])
        .config(r#"{ "limits": { "discord_calls_per_10s": 5, "log_lines_per_10s": 5 } }"#)
        .clock(Clock::paused(NOW))
        .start()
        .await;
    let general = stage.general();
    let cog = |version: usize| {
        format!(
            "local cog, discord = require(\"@cogsmith/cog\"), require(\"@cogsmith/discord\")
cog.info {{ capabilities = {{ \"messages.send\" }} }}
cog.on_ready(function()
    for i = 1, 10 do print(i) end
    for i = 1, 10 do
        pcall(discord.create_message, {{ channel_id = \"{general}\", content = \"{version}\" }})
    end
end)
"
        )
    };
    let outbound = stage.bot.services.outbound.clone();
    for version in 0..6 {
        stage.save("cogs/t.luau", &cog(version));
        stage.applied().await;
        assert!(holds(|| !outbound.waiting_of("t").is_empty()).await);
        stage.delete("cogs/t.luau");
        stage.applied().await;
    }
    stage.save("cogs/t.luau", &cog(7));
    stage.applied().await;
    let context = context(&stage, "t");
    assert!(holds(|| met(&context, Limit::LogLines) == 6 * 10 - 5 + 10).await);
    assert!(met(&context, Limit::DiscordCalls) >= 6);
    // One comes every two seconds; counted by version there would be five of each at once.
    let written = stage.written();
    assert_eq!(written[..5], ["0"; 5]);
    assert!(written.len() < 20, "{written:?}");
}

/// Uses up the processor time of its minute.
const BURNER: &str = "local task = require(\"@cogsmith/task\")
require(\"@cogsmith/cog\").on_ready(function()
    while true do
        local began = os.clock()
        while os.clock() - began < 0.02 do
        end
        task.wait(0)
    end
end)
";

fn burner(version: usize) -> String {
    format!("{BURNER}-- {version}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_has_a_minute_of_its_own_and_one_that_comes_back_has_no_more() {
    let mut stage = setup(&[("cogs/t.luau", &burner(0))])
        .config(r#"{ "limits": { "cpu_ms": 2000, "cpu_seconds_per_minute": 1 } }"#)
        .start()
        .await;
    let first = context(&stage, "t");
    let paused = |times: u64| {
        let context = Arc::clone(&first);
        async move { holds(|| met(&context, Limit::CpuPerMinute) >= times).await }
    };
    assert!(paused(1).await);
    let began = Instant::now();
    let mended: u64 = times(4, 8);
    for version in 1..=mended {
        stage.save("cogs/t.luau", &answering("t", "mended"));
        stage.applied().await;
        assert_eq!(stage.ask("!t").await, "mended");
        stage.delete("cogs/t.luau");
        stage.applied().await;
        stage.save("cogs/t.luau", &burner(0));
        stage.applied().await;
        assert!(paused(1 + version).await, "version {version} is not paused");
    }
    if began.elapsed() < Duration::from_secs(45) {
        let used = first.budget.cpu.used(Instant::now());
        // Its minute, what is left for older ones, and what slices have on top.
        let most = Duration::from_millis(1_000 + (mended + 1) * 240 + (mended + 2) * 40 + 2_000);
        assert!(used <= most, "{used:?}");
    }
    let before = first.budget.cpu.used(Instant::now());
    stage.save("cogs/t.luau", &burner(1));
    stage.applied().await;
    assert!(paused(mended + 2).await);
    let used = first.budget.cpu.used(Instant::now());
    assert!(used > before, "what is new begins with a minute of its own");
}

/// Takes so many megabytes when it is told to.
fn taker(name: &str) -> String {
    format!(
        "local cog = require(\"@cogsmith/cog\")
local kept = {{}}
cog.command {{
    name = \"{name}\",
    options = {{ cog.option.integer {{ name = \"count\", description = \"Megabytes\" }} }},
    run = function(ctx)
        for i = 1, ctx.options.count do
            kept[#kept + 1] = buffer.create(1048576)
        end
        ctx:reply(\"taken\")
    end,
}}
"
    )
}

const TOTAL: &str = r#"{ "limits": { "memory_mb": 16, "total_memory_mb": 24 } }"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_cog_with_most_above_its_share_gives_way_when_all_together_have_too_much() {
    let stage = setup(&[
        ("cogs/a.luau", &taker("a")),
        ("cogs/b.luau", &taker("b")),
        ("cogs/c.luau", &taker("c")),
    ])
    .config(TOTAL)
    .start()
    .await;
    for line in ["!a 5", "!b 12", "!a 1"] {
        assert_eq!(stage.ask(line).await, "taken");
    }
    let used = || stage.bot.services.budgets.used();
    let is_away = |cog: &str| context(&stage, cog).condition.now().is_quarantined();
    assert!(used() > 18 * MB && !is_away("b"));
    assert_eq!(stage.ask("!c 6").await, "taken");
    assert!(
        holds(|| is_away("b") && used() <= 24 * MB).await,
        "{}",
        used() / MB
    );
    assert!(!is_away("a") && !is_away("c"));
    assert_eq!(met(&context(&stage, "b"), Limit::TotalMemory), 1);
    let why = "is in quarantine: all cogs together needed more than 24 MB of memory (limits.total_memory_mb), and this one more than any other, 12 MB, where its share is 8 MB";
    for question in ["!cogs b", "!reload status"] {
        let told = stage.ask(question).await;
        assert!(told.contains(why), "{told}");
    }
    assert!(stage.ask("!cogs a").await.contains("total_memory_mb"));
    assert_eq!(stage.ask("!c 1").await, "taken");
    assert!(stage.ask("!reload cog b").await.contains("`b`"));
    assert_eq!(stage.ask("!b 1").await, "taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_collected_before_a_cog_has_to_give_way() {
    let waste = "for i = 1, 60 do local waste = buffer.create(262144) end ctx:reply(\"wasted\")";
    let stage = setup(&[
        ("cogs/a.luau", &taker("a")),
        ("cogs/b.luau", &command("b", waste)),
    ])
    .config(TOTAL)
    .start()
    .await;
    assert_eq!(stage.ask("!a 11").await, "taken");
    for _ in 0..20 {
        assert_eq!(stage.ask("!b").await, "wasted");
    }
    assert!(!context(&stage, "a").condition.now().is_quarantined());
    assert!(!context(&stage, "b").condition.now().is_quarantined());
}

#[tokio::test(flavor = "multi_thread")]
async fn older_versions_give_way_before_any_cog_does() {
    let waits = "local kept = buffer.create(10 * 1048576)
require(\"@cogsmith/cog\").on_ready(function()
    require(\"@cogsmith/task\").wait(800)
    print(kept)
end)
";
    let mut stage = setup(&[("cogs/a.luau", waits), ("cogs/b.luau", &taker("b"))])
        .config(TOTAL)
        .start()
        .await;
    stage.save("cogs/a.luau", &answering("a", "well"));
    stage.applied().await;
    let used = || stage.bot.services.budgets.used();
    assert!(used() > 10 * MB, "the old version is still there");
    // More than its share, which is none of the others' as long as there is room.
    assert_eq!(stage.ask("!b 13").await, "taken");
    assert_eq!(stage.ask("!b 1").await, "taken");
    assert!(holds(|| used() < 18 * MB).await, "{}", used() / MB);
    assert_eq!(stage.ask("!a").await, "well");
    assert!(!context(&stage, "b").condition.now().is_quarantined());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_needs_more_than_its_share_is_not_loaded_when_there_is_no_room() {
    let large = "local kept = buffer.create(13 * 1048576)\n".to_owned()
        + &command("large", "ctx:reply(`{buffer.len(kept)}`)");
    let mut stage = setup(&[("cogs/a.luau", &taker("a")), ("cogs/b.luau", &taker("b"))])
        .config(TOTAL)
        .start()
        .await;
    assert_eq!(stage.ask("!a 11").await, "taken");
    stage.save("cogs/large.luau", &large);
    let report = stage.failed().await;
    let words = "all cogs together would need more than 24 MB of memory (limits.total_memory_mb): this one needs 13 MB, and its share is 8 MB";
    assert!(
        problems_of(&report).contains(words),
        "{}",
        problems_of(&report)
    );
    // What it needs is there once it is content with less.
    stage.save("cogs/large.luau", &large.replace("13", "7"));
    stage.applied().await;
    assert_eq!(stage.ask("!large").await, (7 * MB).to_string());
}
