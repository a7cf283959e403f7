//! A reload that fails leaves everything as it was.

use crate::support::{Stage, answering, cogs_of, command, problems_of, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::CogOutcome;
use std::time::Duration;

/// A cog whose command answers with a count of its own, and that counts messages.
const COUNTING: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local data = state.defaults { global = { heard = 0, asked = 0 } }
cog.on.message_create(function(message)
    if not message.author.bot then
        data.global.heard += 1
    end
end)
cog.command { name = "count", run = function(ctx)
    data.global.asked += 1
    ctx:reply(`{data.global.heard} {data.global.asked}`)
end }
"#;

/// Asks again and again until the next report is there; the old code must answer each time.
async fn answers_until_report(stage: &mut Stage, question: &str, answer: &str) {
    while stage.no_report() {
        assert_eq!(stage.ask(question).await, answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_code_answers_through_every_kind_of_failure_and_the_fix_goes_live() {
    let failures = [
        ("syntax error", "local x = = 1", "="),
        (
            "error at top level",
            "local t\nprint(t.x)",
            "attempt to index nil",
        ),
        (
            "error in on_load",
            "require(\"@cogsmith/cog\").on_load(function() error(\"not today\") end)",
            "not today",
        ),
        ("endless loop", "while true do end", "limits.cpu_ms"),
        (
            "endless loop around pcall",
            "while true do pcall(function() while true do end end) end",
            "limits.cpu_ms",
        ),
        (
            "memory bomb",
            "local kept = {}\nwhile true do kept[#kept + 1] = buffer.create(1_000_000) end",
            "limits.memory_mb",
        ),
        (
            "memory bomb of strings",
            "local s = \"x\"\nwhile true do s = s .. s end",
            "limits.memory_mb",
        ),
        (
            "endless loop in on_load",
            "require(\"@cogsmith/cog\").on_load(function() while true do end end)",
            "limits.cpu_ms",
        ),
        (
            "a module that is not there",
            "require(\"./nothing\")",
            "nothing",
        ),
        (
            "too much declared",
            "require(\"@cogsmith/cog\").command { name = \"a b\", run = function() end }",
            "name",
        ),
    ];
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .config(r#"{ "limits": { "discord_calls_per_10s": 10000 } }"#)
        .start()
        .await;
    for (round, (kind, text, wanted)) in failures.into_iter().enumerate() {
        let answer = round.to_string();
        let broken = format!("{}\n{text}", answering("broken", "never"));
        stage.save("cogs/ping.luau", &broken);
        answers_until_report(&mut stage, "!ping", &answer).await;
        let report = stage.failed().await;
        assert_eq!(cogs_of(&report, CogOutcome::Kept), ["ping"], "{kind}");
        assert!(problems_of(&report).contains(wanted), "{kind}: {report:#?}");
        assert_eq!(stage.ask("!ping").await, answer, "{kind}");
        assert_eq!(stage.answer("!broken").await, None, "{kind}");
        let next = (round + 1).to_string();
        stage.save("cogs/ping.luau", &answering("ping", &next));
        let report = stage.applied().await;
        assert_eq!(report.cogs[0].version, round as u64 + 2, "{kind}");
        assert_eq!(stage.ask("!ping").await, next, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_failed_attempt_remains() {
    let mut stage = setup(&[("cogs/count.luau", COUNTING)]).start().await;
    assert_eq!(stage.ask("!count").await, "0 1");
    for _ in 0..5 {
        let attempt = format!(
            "{COUNTING}
cog.every(\"100ms\", function() data.global.heard += 1000 end)
cog.on_ready(function() data.global.heard += 1000 end)
cog.on_load(function() data.global.heard += 1000 error(\"no\") end)
cog.command {{ name = \"other\", run = function(ctx) ctx:reply(\"other\") end }}"
        );
        stage.save("cogs/count.luau", &attempt);
        stage.failed().await;
        stage.save("cogs/count.luau", COUNTING);
        stage.applied().await;
    }
    assert_eq!(stage.answer("!other").await, None);
    assert_eq!(stage.ask("!count").await, "2 2");
    assert_eq!(
        stage.version("count"),
        1,
        "it is just what ran all the time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_broken_at_the_start_waits_for_its_fix_or_its_deletion() {
    let mut stage = setup(&[
        ("cogs/a.luau", "error(\"broken\")"),
        ("cogs/b.luau", "local it = require(\"../utils/missing\")"),
        ("cogs/c.luau", &answering("c", "c")),
    ])
    .start()
    .await;
    let start = stage.bot.reload.reports.recent();
    assert_eq!(start.len(), 1);
    assert_eq!(cogs_of(&start[0], CogOutcome::NotRunning), ["a", "b"]);
    assert_eq!(cogs_of(&start[0], CogOutcome::Loaded), ["c"]);
    assert_eq!(stage.ask("!c").await, "c");
    assert!(
        stage
            .ask("!cogs")
            .await
            .contains("its file must be fixed first")
    );
    stage.nothing_else().await;
    stage.delete("cogs/a.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["a"]);
    assert!(!stage.ask("!cogs").await.contains("a  "));
    stage.save("utils/missing.luau", "error(\"there, and broken\")");
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::NotRunning), ["b"]);
    stage.save("utils/missing.luau", "return 1");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["b"]);
    stage.save("cogs/a.luau", &answering("a", "a"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["a"]);
    assert_eq!(stage.ask("!a").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_reload_then_the_fix_then_another_edit_works_every_time() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    for round in 1..=10 {
        stage.save("cogs/ping.luau", &format!("local broken = = {round}"));
        stage.failed().await;
        let condition = stage.bot.cogs.get("ping").unwrap().condition();
        assert!(condition.is_failing() && condition.problem().is_some());
        for text in [format!("{round} fixed"), format!("{round} edited")] {
            stage.save("cogs/ping.luau", &answering("ping", &text));
            let report = stage.applied().await;
            assert!(report.problems.is_empty());
            assert_eq!(stage.ask("!ping").await, text);
        }
        assert!(stage.bot.cogs.get("ping").unwrap().problem().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_while_loading_raises_and_nothing_has_happened() {
    let mut stage = setup(&[("cogs/count.luau", COUNTING)]).start().await;
    let channel = stage.general();
    let send =
        format!("discord.create_message {{ channel_id = \"{channel}\", content = \"sent\" }}");
    let acts = [
        send.as_str(),
        "state.global.heard = 1000",
        "state.transaction(function() state.global.heard = 1000 end)",
        "task.spawn(function() state.global.heard = 1000 end)",
        "task.delay(\"100ms\", function() state.global.heard = 1000 end)",
        "task.wait(1)",
        "state.forget(\"global\")",
    ];
    let heads = "local cog = require(\"@cogsmith/cog\")
local state, task, discord = require(\"@cogsmith/state\"), require(\"@cogsmith/task\"), require(\"@cogsmith/discord\")
cog.info { capabilities = { \"messages.send\" } }";
    for act in acts {
        for quiet in [
            act.to_owned(),
            format!("coroutine.wrap(function() {act} end)()"),
        ] {
            stage.save("cogs/count.luau", &format!("{heads}\n{quiet}"));
            let report = stage.failed().await;
            let told = problems_of(&report);
            assert!(told.contains("not while loading"), "{act}: {told}");
            assert_eq!(report.problems[0].place.as_ref().unwrap().line, 4, "{told}");
        }
        if act.starts_with("state.") {
            continue;
        }
        stage.save(
            "cogs/count.luau",
            &format!("{heads}\ncog.on_load(function() {act} end)"),
        );
        let told = problems_of(&*stage.failed().await);
        assert!(told.contains("not in cog.on_load"), "{act}: {told}");
    }
    assert!(!stage.written().contains(&"sent".to_owned()));
    assert_eq!(stage.ask("!count").await, "0 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn declaring_after_loading_raises_also_in_a_module_that_a_handler_requires() {
    let module =
        "require(\"@cogsmith/cog\").command { name = \"x\", run = function() end }\nreturn 1";
    let body = "local ok, it = pcall(require, \"../utils/late\") ctx:reply(`{ok} {it}`)";
    let stage = setup(&[
        ("utils/late.luau", module),
        ("cogs/late.luau", &command("late", body)),
    ])
    .start()
    .await;
    let told = stage.ask("!late").await;
    assert!(
        told.starts_with("false") && told.contains("only while the file loads"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_attempt_remains_when_time_passes() {
    let mut stage = setup(&[("cogs/count.luau", COUNTING)])
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    let declared = "
cog.every(\"1s\", function() data.global.heard += 1000 end, { immediately = true })
cog.on_load(function() data.global.heard += 1000 end)
cog.on_ready(function() data.global.heard += 1000 end)
cog.on_unload(function() data.global.heard += 1000 end)
cog.on.message_create(function() data.global.heard += 1000 end)
cog.command { name = \"other\", run = function(ctx) ctx:reply(\"other\") end }
";
    let failures = [
        "local x = = 1",
        "error(\"no\")",
        "cog.on_load(function() error(\"no\") end)",
        "while true do end",
        "local kept = {} while true do kept[#kept + 1] = buffer.create(1_000_000) end",
    ];
    for failure in failures {
        stage.save("cogs/count.luau", &format!("{COUNTING}{declared}{failure}"));
        stage.failed().await;
        stage.advance(Duration::from_secs(60)).await;
        assert_eq!(stage.answer("!other").await, None, "{failure}");
    }
    let heard = failures.len();
    assert_eq!(stage.ask("!count").await, format!("{heard} 1"));
    assert_eq!(stage.version("count"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_unload_and_a_failing_on_ready_are_reported_and_the_new_version_stays() {
    let hook = |hook: &str, text: &str| {
        let cog = answering("ping", text);
        format!("{cog}cog.{hook}(function() error(\"{hook} fails\") end)")
    };
    let mut stage = setup(&[("cogs/ping.luau", &hook("on_unload", "0"))])
        .start()
        .await;
    let faults = stage.bot.services.faults.clone();
    let since = |seen: usize| {
        let new = faults.since(seen);
        let shown = new.iter().map(|fault| {
            let place = fault.place.as_ref().unwrap();
            let excerpt = place.excerpt.join("\n");
            assert_eq!(fault.cog.as_deref(), Some("ping"));
            assert_eq!((place.file.as_str(), place.line), ("lua/cogs/ping.luau", 8));
            assert!(excerpt.contains(&fault.message), "{excerpt}");
            fault.message.clone()
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort();
        shown
    };
    stage.save("cogs/ping.luau", &hook("on_ready", "1"));
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2);
    assert_eq!(stage.ask("!ping").await, "1");
    assert_eq!(since(0), ["on_ready fails", "on_unload fails"]);
    stage.save("cogs/ping.luau", &hook("on_unload", "2"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "2");
    assert_eq!(since(2), [""; 0]);
    stage.delete("cogs/ping.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["ping"]);
    assert_eq!(stage.answer("!ping").await, None);
    assert_eq!(since(2), ["on_unload fails"]);
}
