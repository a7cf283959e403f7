//! What is under way while a cog reloads: handlers that wait, timers that run, writes of the old version.

use crate::support::{PATIENCE, Stage, cogs_of, command, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::CogOutcome;
use cogsmith::sim::{InjectedFault, RestFaultKind};
use std::time::Duration;

const NOW: u64 = 1_700_000_000;

async fn reload(stage: &mut Stage, cog: &str, text: &str) {
    stage.save(&format!("cogs/{cog}.luau"), text);
    stage.applied().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_waiting_in_a_discord_call_while_its_cog_reloads_finishes_on_the_old_code() {
    let cog = |version: &str| {
        command(
            "call",
            &format!("ctx:send(\"sent\") ctx:reply(\"{version}\")"),
        )
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("old"))]).start().await;
    // Longer than the reload takes; the end of the call is what ends the test.
    let late = RestFaultKind::Delay(Duration::from_secs(3));
    stage
        .sim
        .fault(InjectedFault::operation("create_message", late).unwrap());
    let (owner, general) = (stage.sim.owner(), stage.general());
    stage.sim.say(owner, general, "!call").unwrap();
    stage
        .sim
        .wait_for("the call of Discord", PATIENCE, |sim| {
            (sim.requests_in_flight() == 1).then_some(())
        })
        .await
        .unwrap();
    stage.save("cogs/x.luau", &cog("new"));
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2);
    assert_eq!(stage.sim.requests_in_flight(), 1, "the handler still waits");
    stage.settled().await;
    assert_eq!(stage.written(), ["sent", "old"]);
    stage.says("owner", "!call").await;
    assert_eq!(stage.written(), ["sent", "old", "sent", "new"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_every_continues_across_the_reload_and_does_not_restart_from_zero() {
    let cog = |version: &str| {
        let note = |what: &str| {
            format!(
                "state.session.global.notes = `{{state.session.global.notes or \"\"}}|{what} {version} {{time.now()}}`"
            )
        };
        format!(
            "local time = require(\"@cogsmith/time\")\n{}require(\"@cogsmith/cog\").every(\"60s\", function()\n{}\ntask.wait(\"20s\")\n{}\nend)",
            command(
                "notes",
                "ctx:reply(state.session.global.notes or \"none\") state.session.global.notes = nil"
            ),
            note("begin"),
            note("end"),
        )
    };
    let at = |what: &str, seconds: u64| format!("|{what} {}", NOW + seconds);
    let mut stage = setup(&[("cogs/x.luau", &cog("a"))])
        .clock(Clock::paused(NOW))
        .start()
        .await;
    stage.advance(Duration::from_secs(60)).await;
    assert_eq!(stage.ask("!notes").await, at("begin a", 60));
    stage.advance(Duration::from_secs(5)).await;
    reload(&mut stage, "x", &cog("b")).await;
    stage.advance(Duration::from_secs(15)).await;
    assert_eq!(stage.ask("!notes").await, at("end a", 80));
    stage.advance(Duration::from_secs(39)).await;
    assert_eq!(stage.ask("!notes").await, "none", "it does not run twice");
    stage.advance(Duration::from_secs(1)).await;
    assert_eq!(stage.ask("!notes").await, at("begin b", 120));
    // Built afresh by hand while it runs: the same.
    stage.ask("!reload cog x").await;
    stage.applied().await;
    stage.advance(Duration::from_secs(60)).await;
    let wanted = at("end b", 140) + &at("begin b", 180);
    assert_eq!(stage.ask("!notes").await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn state_written_by_the_old_code_while_the_new_one_is_prepared_is_seen_by_the_new_one() {
    let heads = "require(\"@cogsmith/cog\").info { capabilities = { \"shared:bell\" } }
local bell = require(\"@cogsmith/state\").shared(\"bell\")
local version = require(\"../utils/version\")
";
    let a = format!(
        "local prepared = require(\"../utils/prepared\")\n{heads}{}{}",
        command(
            "bump",
            "state.global.n = (state.global.n or 0) + 1
    if prepared.times() == 2 then bell.global.rung = true end
    ctx:reply(`{version} {state.global.n} {state.global.loads} {prepared.times()}`)",
        ),
        "require(\"@cogsmith/cog\").on_load(function()
    state.global.loads = (state.global.loads or 0) + 1
    prepared.once_more()
end)"
    );
    let b = format!("{heads}if version == \"new\" then while not bell.global.rung do end end");
    let prepared = "local times = 0
return { times = function() return times end, once_more = function() times += 1 end }";
    let mut stage = setup(&[
        ("utils/version.luau", "return \"old\""),
        ("utils/prepared.luau", prepared),
        ("cogs/a.luau", &a),
        ("cogs/b.luau", &b),
    ])
    .config(r#"{ "limits": { "cpu_ms": 20000, "memory_mb": 256 } }"#)
    .start()
    .await;
    stage.save("utils/version.luau", "return \"new\"");
    let (owner, general) = (stage.sim.owner(), stage.general());
    let mut bumps = 0;
    loop {
        assert!(stage.no_report(), "b waits for the bell");
        bumps += 1;
        // Not `ask`: the bot is busy with `b` all the time.
        let said = stage.sim.say(owner, general, "!bump").unwrap();
        let said = said["id"].as_str().unwrap().parse().unwrap();
        let answer = stage.sim.reply_to(said, PATIENCE).await.unwrap();
        let answer = answer["content"].as_str().unwrap();
        if answer == format!("old {bumps} 1 2") {
            break;
        }
        assert_eq!(answer, format!("old {bumps} 1 1"));
    }
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "b"]);
    let next = bumps + 1;
    assert_eq!(stage.ask("!bump").await, format!("new {next} 2 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_holds_all_the_memory_does_not_keep_a_new_version_out() {
    let holding = "local held = {} for index = 1, 14 do held[index] = buffer.create(1024 * 1024) end task.wait(5) ctx:reply(`held {#held}`)";
    let cog = |version: &str| {
        let names = command("version", &format!("ctx:reply(\"{version}\")"));
        names + &command("hold", holding)
    };
    let mut stage = setup(&[("cogs/x.luau", &cog("old"))])
        .config(r#"{ "limits": { "memory_mb": 20 } }"#)
        .clock(Clock::paused(NOW))
        .start()
        .await;
    stage.says("owner", "!hold").await;
    let needs_room = "local _room = buffer.create(8 * 1024 * 1024)\n".to_owned();
    reload(&mut stage, "x", &(needs_room + &cog("new"))).await;
    assert_eq!(stage.ask("!version").await, "new");
    stage.advance(Duration::from_secs(5)).await;
    assert_eq!(stage.written(), ["new", "held 14"]);
}
