//! What a generation leaves behind when the next one takes over: nothing but what it had begun.

use crate::support::{PATIENCE, Stage, answering, cogs_of, command, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::CogOutcome;
use std::time::Duration;

/// A moment for paused clocks: November 2023.
const NOW: u64 = 1_700_000_000;

/// Saves a cog and takes the report of its reload.
async fn reload(stage: &mut Stage, cog: &str, text: &str) {
    stage.save(&format!("cogs/{cog}.luau"), text);
    stage.applied().await;
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_waits_finishes_on_the_old_code_also_when_it_requires_late() {
    let cog = |version: &str| {
        command(
            "wait",
            &format!("task.wait(\"10s\") ctx:reply(`{version} {{require(\"../utils/late\")}}`)"),
        )
    };
    let mut stage = setup(&[
        ("cogs/x.luau", &cog("old")),
        ("utils/late.luau", "return \"old\""),
    ])
    .clock(Clock::paused(NOW))
    .start()
    .await;
    assert_eq!(stage.answer("!wait").await, None);
    stage.save("utils/late.luau", "return \"new\"");
    reload(&mut stage, "x", &cog("new")).await;
    assert_eq!(stage.answer("!wait").await, None);
    stage.advance(Duration::from_secs(10)).await;
    assert_eq!(stage.written(), ["old old", "new new"]);
    // What the old code required late is not what the new code sees in `package.loaded`.
    let shown = command(
        "wait",
        "ctx:reply(tostring(package.loaded[\"utils.late\"]))",
    );
    reload(&mut stage, "x", &shown).await;
    assert_eq!(stage.ask("!wait").await, "nil");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_outlives_its_code_by_the_limit_is_cancelled_and_told() {
    let cog = |version: &str| {
        command(
            "wait",
            &format!("ctx:reply(\"{version}\") task.wait(\"100s\") ctx:reply(\"late\")"),
        )
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("old"))])
        .config(r#"{ "limits": { "handler_seconds": 20 } }"#)
        .clock(Clock::paused(NOW))
        .start()
        .await;
    assert_eq!(stage.ask("!wait").await, "old");
    stage.advance(Duration::from_secs(30)).await;
    reload(&mut stage, "x", &cog("new")).await;
    stage.advance(Duration::from_secs(19)).await;
    assert_eq!(stage.written().len(), 1);
    stage.advance(Duration::from_secs(2)).await;
    assert_eq!(stage.written().len(), 2, "{:?}", stage.written());
    stage.advance(Duration::from_secs(200)).await;
    assert!(
        !stage.written().contains(&"late".to_owned()),
        "{:?}",
        stage.written()
    );
    // What nobody has reloaded may wait.
    assert_eq!(stage.ask("!wait").await, "new");
    stage.advance(Duration::from_secs(101)).await;
    assert_eq!(stage.written().last().unwrap(), "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wait_may_last_longer_than_a_handler() {
    let cog = command("wait", "task.wait(\"1500ms\") ctx:reply(\"awake\")");
    let stage = setup(&[("cogs/x.luau", &cog)])
        .config(r#"{ "limits": { "handler_seconds": 1 } }"#)
        .start()
        .await;
    let general = stage.general();
    stage.sim.say(stage.sim.owner(), general, "!wait").unwrap();
    stage
        .sim
        .wait_for("the answer", PATIENCE, |sim| {
            (sim.message_count(general) == 2).then_some(())
        })
        .await
        .unwrap();
    assert_eq!(stage.written(), ["awake"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_deleted_while_its_handler_runs_unloads_when_it_has_finished_and_keeps_its_state() {
    let body = "state.global.n = (state.global.n or 0) + 1
    task.wait(\"5s\")
    task.spawn(function() ctx:send(\"spawned\") end)
    ctx:reply(`done {state.global.n}`)";
    let cog = command("work", body)
        + "require(\"@cogsmith/cog\").on_unload(function(reason) state.global.reason = reason end)";
    let mut stage = setup(&[("cogs/x.luau", &cog)])
        .clock(Clock::paused(NOW))
        .start()
        .await;
    assert_eq!(stage.answer("!work").await, None);
    stage.delete("cogs/x.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["x"]);
    assert_eq!(stage.answer("!work").await, None);
    stage.advance(Duration::from_secs(5)).await;
    let mut written = stage.written();
    written.sort();
    assert_eq!(written, ["done 1", "spawned"]);
    stage.save(
        "cogs/x.luau",
        &command(
            "work",
            "ctx:reply(`{state.global.n} {state.global.reason}`)",
        ),
    );
    stage.applied().await;
    assert_eq!(stage.ask("!work").await, "1 unload");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_continues_its_schedule_across_reloads() {
    let cog = |version: &str, interval: &str| {
        let every = format!(
            "require(\"@cogsmith/cog\").every(\"{interval}\", function() table.insert(ticks, `{version} {{time.now()}}`) state.global.ticks = table.concat(ticks, \" \") end)"
        );
        format!(
            "local time = require(\"@cogsmith/time\")\nlocal ticks = {{}}\n{}{every}",
            command(
                "ticks",
                "ctx:reply(state.global.ticks or \"none\") state.global.ticks = nil table.clear(ticks)"
            )
        )
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("a", "60s"))])
        .clock(Clock::paused(NOW))
        .start()
        .await;
    let at = |version: &str, seconds: u64| format!("{version} {}", NOW + seconds);
    stage.advance(Duration::from_secs(50)).await;
    reload(&mut stage, "x", &cog("b", "60s")).await;
    stage.advance(Duration::from_secs(9)).await;
    assert_eq!(stage.ask("!ticks").await, "none");
    stage.advance(Duration::from_secs(1)).await;
    assert_eq!(
        stage.ask("!ticks").await,
        at("b", 60),
        "it did not restart from zero"
    );
    for text in ["c", "d", "e"] {
        stage.advance(Duration::from_secs(15)).await;
        reload(&mut stage, "x", &cog(text, "60s")).await;
    }
    stage.save("cogs/x.luau", "broken = = 1");
    stage.failed().await;
    stage.advance(Duration::from_secs(15)).await;
    assert_eq!(stage.ask("!ticks").await, at("e", 120));
    stage.advance(Duration::from_secs(10)).await;
    reload(&mut stage, "x", &cog("f", "20s")).await;
    stage.advance(Duration::from_secs(20)).await;
    assert_eq!(
        stage.ask("!ticks").await,
        at("f", 150),
        "a shorter interval applies at once"
    );
    // Built afresh by hand it goes on, too.
    stage.advance(Duration::from_secs(15)).await;
    stage.ask("!reload cog x").await;
    stage.advance(Duration::from_secs(5)).await;
    assert_eq!(stage.ask("!ticks").await, at("f", 170));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_continues_across_a_reload() {
    let cog = |version: &str| {
        answering("slow", version).replace(
            "run =",
            "cooldown = { uses = 1, per = \"60s\", scope = \"user\" }, run =",
        )
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("1"))])
        .clock(Clock::paused(NOW))
        .start()
        .await;
    assert_eq!(stage.ask("!slow").await, "1");
    for version in ["2", "3"] {
        stage.advance(Duration::from_secs(20)).await;
        reload(&mut stage, "x", &cog(version)).await;
        assert_ne!(stage.ask("!slow").await, version);
    }
    stage.advance(Duration::from_secs(21)).await;
    assert_eq!(stage.ask("!slow").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_in_order_with_their_reasons() {
    let cog = |version: &str| {
        let hook = |hook: &str| {
            format!("cog.{hook}(function(reason) note(`{version} {hook} {{reason}}`) end)")
        };
        let hooks = ["on_load", "on_ready", "on_unload"].map(hook).join("\n");
        format!(
            "local cog, state = require(\"@cogsmith/cog\"), require(\"@cogsmith/state\")
local function note(text)
    state.global.notes = state.global.notes and `{{state.global.notes}}, {{text}}` or text
end
{hooks}
cog.command {{ name = \"notes\", run = function(ctx)
    ctx:reply(state.global.notes or \"none\")
    state.global.notes = nil
end }}"
        )
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("a"))]).stored().start().await;
    assert_eq!(
        stage.ask("!notes").await,
        "a on_load start, a on_ready start"
    );
    reload(&mut stage, "x", &cog("b")).await;
    assert_eq!(
        stage.ask("!notes").await,
        "b on_load reload, a on_unload reload, b on_ready reload"
    );
    stage.save(
        "cogs/x.luau",
        &(cog("c") + "cog.on_load(function() error(\"no\") end)"),
    );
    stage.failed().await;
    assert_eq!(stage.ask("!notes").await, "none");
    stage.ask("!unload x").await;
    stage.applied().await;
    stage.save("cogs/x.luau", &cog("d"));
    stage.ask("!load x").await;
    assert_eq!(
        stage.ask("!notes").await,
        "b on_unload unload, d on_load load, d on_ready load"
    );
    let folder = stage.stop().await;
    let mut stage = setup(&[]).stored().folder(folder).start().await;
    assert_eq!(
        stage.ask("!notes").await,
        "d on_unload shutdown, d on_load start, d on_ready start"
    );
    stage.delete("cogs/x.luau");
    stage.applied().await;
    stage.settled().await;
    stage.save("cogs/x.luau", &cog("e"));
    stage.applied().await;
    assert_eq!(
        stage.ask("!notes").await,
        "d on_unload unload, e on_load load, e on_ready load"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn module_locals_go_session_and_state_stay() {
    let cog = |version: &str| {
        let body = "count += 1
    state.session.global.n = (state.session.global.n or 0) + 1
    state.user(ctx.author.id).n = (state.user(ctx.author.id).n or 0) + 1
    ctx:reply(`{count} {state.session.global.n} {state.user(ctx.author.id).n}`)";
        format!("local count = 0 -- {version}\n{}", command("n", body))
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("a"))]).start().await;
    assert_eq!(stage.ask("!n").await, "1 1 1");
    assert_eq!(stage.ask("!n").await, "2 2 2");
    reload(&mut stage, "x", &cog("b")).await;
    assert_eq!(stage.ask("!n").await, "1 3 3");
    stage.ask("!reload cog x").await;
    assert_eq!(stage.ask("!n").await, "1 4 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_of_the_old_code_is_lost_while_the_new_one_is_prepared() {
    let shared = |version: usize| format!("return {version}");
    let bump = "require(\"../utils/shared\")\n".to_owned()
        + &command(
            "bump",
            "state.global.n = (state.global.n or 0) + 1 ctx:reply(`{state.global.n}`)",
        )
        + "require(\"@cogsmith/cog\").on_load(function() state.global.loads = (state.global.loads or 0) + 1 end)";
    let slow = "require(\"../utils/shared\")
local began = os.clock()
while os.clock() - began < 0.05 do end";
    let mut stage = setup(&[
        ("utils/shared.luau", &shared(0)),
        ("cogs/a.luau", &bump),
        ("cogs/b.luau", slow),
    ])
    .config(r#"{ "limits": { "discord_calls_per_10s": 10000 } }"#)
    .start()
    .await;
    let mut asked = 0;
    for version in 1..=5 {
        stage.save("utils/shared.luau", &shared(version));
        while stage.no_report() {
            asked += 1;
            assert_eq!(stage.ask("!bump").await, asked.to_string());
        }
        stage.applied().await;
    }
    assert!(asked >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_wait_in_the_mailbox_are_answered_when_the_cog_is_reloaded_or_unloaded() {
    let cog = |version: &str| {
        command(
            "busy",
            &format!(
                "local began = os.clock() while os.clock() - began < 0.03 do end ctx:reply(\"{version}\")"
            ),
        )
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("1"))]).start().await;
    let owner = stage.sim.owner();
    let general = stage.general();
    for _ in 0..10 {
        stage.sim.say(owner, general, "!busy").unwrap();
    }
    reload(&mut stage, "x", &cog("2")).await;
    stage.settled().await;
    assert_eq!(stage.written().len(), 10);
    for _ in 0..10 {
        stage.sim.say(owner, general, "!busy").unwrap();
    }
    // The last of them has come when this one is answered.
    stage.sim.say(owner, general, "!unload x").unwrap();
    stage.settled().await;
    let busy = |text: &&String| matches!(text.as_str(), "1" | "2");
    assert_eq!(
        stage.written().iter().filter(busy).count(),
        20,
        "{:?}",
        stage.written()
    );
}
