//! What counts, and what does not.

use super::{BROKEN, FINE, UNDO, calls, cogs, notice, save, sentence};
use crate::support::{Stage, answering, setup};
use cogsmith::clock::Clock;
use cogsmith::guard::{Action, Finding, Why};
use cogsmith::sim::{InjectedFault, RestFaultKind};
use std::time::Duration;

/// Three errors in five calls where there were none.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_begins_to_fail_is_told_of() {
    let mut stage = cogs(FINE).start().await;
    calls(&stage, 6).await;
    save(&mut stage, BROKEN).await;
    calls(&stage, 2).await;
    assert_eq!(notice(&stage), None);
    calls(&stage, 1).await;
    assert_eq!(
        sentence(&stage),
        "the command \"word\" failed in 3 of its first 3 calls since the reload, and in none of its last 6 before; the first error: lua/cogs/word.luau:5: no such word"
    );
    let action = &notice(&stage).unwrap().action;
    assert_eq!(*action, Action::Warned(Why::Configured));
    let told = stage.ask("!cogs word").await;
    assert!(
        told.contains("does worse than the version before"),
        "{told}"
    );
    assert!(
        told.contains("lua/cogs/word.luau:5: no such word"),
        "{told}"
    );
    assert!(
        told.contains("`!reload undo word` puts") || told.contains("!reload undo word"),
        "{told}"
    );
    let status = stage.ask("!reload status").await;
    assert!(status.contains("guard: warn"), "{status}");
    assert!(
        status.contains("does worse than the version before"),
        "{status}"
    );
    // The next version is another one.
    save(&mut stage, FINE).await;
    assert_eq!(notice(&stage), None);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_now_and_then_is_left_alone() {
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    let third = "state.global.calls = (state.global.calls or 0) + 1
        if state.global.calls % 3 == 0 then error(\"now and then\") end
        ctx:reply(\"two\")";
    save(&mut stage, third).await;
    calls(&stage, 12).await;
    assert_eq!(notice(&stage), None);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_cause_does_not_count() {
    let mut stage = cogs(FINE).config(UNDO).start().await;
    calls(&stage, 6).await;
    let cog = r#"local cog = require("@cogsmith/cog")
cog.command {
    name = "word",
    options = { { name = "count", type = "integer", required = false } },
    checks = { cog.check.custom(function(ctx) return ctx.options.count ~= 3, "not three" end) },
    run = function(ctx)
        cog.fail("you cannot")
    end,
}
"#;
    stage.save("cogs/word.luau", cog);
    stage.applied().await;
    for line in ["!word", "!word many", "!word 3"].iter().cycle().take(18) {
        stage.says("anna", line).await;
    }
    assert_eq!(notice(&stage), None);
    stage.stop().await;
}

fn refuse(stage: &Stage, code: u64) {
    let kind = RestFaultKind::Status {
        status: 403,
        code,
        message: "no".to_owned(),
        retry_after: None,
    };
    let fault = InjectedFault::operation("get_channel", kind).unwrap();
    stage.sim.fault(fault.times(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_count_if_the_version_before_did_not_meet_them() {
    let asks = |text: &str| {
        format!(
            "require(\"@cogsmith/discord\").get_channel {{ channel_id = ctx.channel_id }} ctx:reply(\"{text}\")"
        )
    };
    let mut stage = cogs(&asks("one")).start().await;
    refuse(&stage, 50_013);
    calls(&stage, 1).await;
    save(&mut stage, &asks("two")).await;
    // The last calls of a handler may not have failed: a refusal is a failure of the first version.
    calls(&stage, 25).await;
    save(&mut stage, &asks("three")).await;
    for _ in 0..5 {
        refuse(&stage, 50_013);
        calls(&stage, 1).await;
    }
    assert_eq!(notice(&stage), None, "it was met before");
    calls(&stage, 20).await;
    save(&mut stage, &asks("four")).await;
    for _ in 0..3 {
        refuse(&stage, 50_001);
        calls(&stage, 1).await;
    }
    assert!(
        sentence(&stage).contains("3 of its first 3 calls"),
        "{}",
        sentence(&stage)
    );
    stage.stop().await;
}

/// Five failures in a minute where there were none, in a handler whose first calls were well.
#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_fails_five_times_as_often_is_told_of() {
    let mut stage = cogs(FINE).start().await;
    calls(&stage, 20).await;
    let later = "state.global.calls = (state.global.calls or 0) + 1
        if state.global.calls > 5 then error(\"from the sixth on\") end
        ctx:reply(\"two\")";
    save(&mut stage, later).await;
    calls(&stage, 9).await;
    assert_eq!(notice(&stage), None);
    calls(&stage, 1).await;
    let found = notice(&stage).unwrap();
    assert!(matches!(found.alarm.finding, Finding::Failures(it) if it.now.failures == 5));
    assert_eq!(
        sentence(&stage),
        "since the reload handlers fail 5 times a minute, most of them in the command \"word\", and at most 0 times a minute before; the first error: lua/cogs/word.luau:6: from the sixth on"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_meets_a_limit_it_never_met_is_told_of() {
    let mut stage = cogs(FINE).start().await;
    calls(&stage, 1).await;
    save(&mut stage, "while true do end").await;
    calls(&stage, 1).await;
    let told = sentence(&stage);
    assert!(
        told.starts_with(
            "since the reload it meets limits.cpu_ms, which it never met before; the first error: lua/cogs/word.luau:5: "
        ),
        "{told}"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_timers_and_jobs_are_handlers_too() {
    let handlers = |body: &str| {
        format!(
            r#"local cog = require("@cogsmith/cog")
cog.on.message_create(function() end)
local function listens() {body} end
cog.on.message_create(listens)
cog.every("1m", function() {body} end, {{ name = "sweep" }})
"#
        )
    };
    for (name, seconds) in [
        ("the timer \"sweep\"", 60),
        ("the handler of the event \"message_create listens\"", 0),
    ] {
        let mut stage = setup(&[("cogs/word.luau", &handlers(""))])
            .clock(Clock::paused(1_700_000_000))
            .stored()
            .start()
            .await;
        let act = async |stage: &Stage, times: usize| {
            for _ in 0..times {
                if seconds > 0 {
                    // A timer that fails comes later each time.
                    stage.advance(Duration::from_secs(seconds * 64)).await;
                } else {
                    stage.says("anna", "hi").await;
                }
            }
        };
        act(&stage, 6).await;
        stage.save("cogs/word.luau", &handlers("error(\"no\")"));
        stage.applied().await;
        act(&stage, 3).await;
        assert!(sentence(&stage).starts_with(name), "{}", sentence(&stage));
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_version_and_the_same_text_are_not_compared() {
    let mut stage = cogs(BROKEN).config(UNDO).start().await;
    calls(&stage, 6).await;
    assert_eq!(notice(&stage), None);
    stage.save("cogs/word.luau", &answering("word", "one"));
    stage.applied().await;
    calls(&stage, 25).await;
    for _ in 0..2 {
        stage.ask("!reload cog word").await;
        stage.applied().await;
        calls(&stage, 3).await;
    }
    assert_eq!(notice(&stage), None);
    stage.stop().await;
}
