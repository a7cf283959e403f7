//! What Discord refuses because of how the world is: the user is told in a sentence, and it is no error of the cog's.

use crate::support::log::{listen, logged};
use crate::support::{Stage, command, setup, until};
use cogsmith::clock::Clock;
use cogsmith::sim::{InjectedFault, RestFaultKind};

async fn stage(body: &str) -> Stage {
    let source = command("t", body);
    setup(&[("cogs/t.luau", &source)])
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await
}

fn status(id: &str, status: u16, code: u64) -> InjectedFault {
    let kind = RestFaultKind::Status {
        status,
        code,
        message: "No".to_owned(),
        retry_after: (status == 429).then_some(30.0),
    };
    InjectedFault::operation(id, kind).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_is_told_how_the_world_is_and_no_error_is_logged() {
    let stage = stage("ctx:typing()").await;
    for (http, code, words) in [
        (403, 50_007, "I cannot send that direct message"),
        (403, 50_278, "I cannot send that direct message"),
        (404, 10_003, "There is no such channel (any more)."),
        (404, 10_007, "There is no such member (any more)."),
        (404, 10_008, "There is no such message (any more)."),
        (404, 10_011, "There is no such role (any more)."),
        (403, 50_001, "I may not do this here"),
        (403, 50_013, "I may not do this here"),
        (400, 50_083, "This thread is archived or locked"),
        (429, 20_016, "I must wait before I can do this here"),
        (403, 90_001, "Discord does not let this through"),
        (400, 200_000, "Discord does not let this through"),
        (400, 30_003, "There is no room for more"),
        (400, 30_013, "There is no room for more"),
        (400, 30_010, "There is no room for more"),
        (400, 160_006, "There is no room for more"),
        (400, 160_005, "This thread is archived or locked"),
        (404, 10_005, "There is no such integration (any more)."),
        (404, 10_029, "There is no such entitlement (any more)."),
        (404, 10_066, "There is no such thing (any more)."),
        (404, 10_087, "There is no such tag (any more)."),
        (404, 10_062, "That came too late"),
        (400, 20_009, "Discord does not let this through"),
        (400, 200_001, "Discord does not let this through"),
        (400, 240_000, "Discord does not let this through"),
        (400, 40_033, "That has been done already"),
        (400, 160_004, "That has been done already"),
        (400, 520_001, "That has been done already"),
        (400, 50_024, "That is not possible here"),
        (413, 40_005, "A file is too large to be sent here"),
        (413, 0, "A file is too large to be sent here"),
        (403, 0, "I may not do this here"),
        (403, 40_333, "Discord itself has trouble"),
    ] {
        stage
            .sim
            .fault(status("trigger_typing_indicator", http, code));
        let answer = stage.ask("!t").await;
        assert!(answer.starts_with(words), "{code}: {answer}");
        assert_eq!(stage.bot.services.faults.count(), 0, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_authors_stays_an_error() {
    let stage = stage("ctx:typing()").await;
    for (number, (http, code)) in [(400, 50_034), (400, 50_035), (400, 50_006), (404, 0)]
        .into_iter()
        .enumerate()
    {
        stage
            .sim
            .fault(status("trigger_typing_indicator", http, code));
        let answer = stage.ask("!t").await;
        assert!(answer.contains("The log has the rest"), "{code}: {answer}");
        assert_eq!(stage.bot.services.faults.count(), number + 1);
    }
}

/// Whoever takes no direct messages is told so where the command was called.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_somebody_with_closed_direct_messages() {
    listen();
    let source = command(
        "shut",
        "ctx:reply { content = \"secret\", ephemeral = true }",
    );
    let stage = setup(&[("cogs/shut.luau", &source)]).start().await;
    let closed = status("create_message", 403, 50_007);
    stage.sim.fault(closed);
    let answer = stage.ask("!shut").await;
    assert!(
        answer.starts_with("I cannot send that direct message"),
        "{answer}"
    );
    assert_eq!(stage.bot.services.faults.count(), 0);
    let lines = logged(&["lua/cogs/shut.luau:5"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let is_told = lines[0].contains(" INFO ") && lines[0].contains("code 50007");
    assert!(is_told, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_catches_it_by_its_code_and_its_hook_hears_of_it() {
    let source = command(
        "t",
        "local ok, err = pcall(ctx.typing, ctx) ctx:reply(`{err.kind} {err.status} {err.code}`)",
    ) + &command("u", "ctx:typing()")
        + "cog.on_error(function(ctx, err)
    state.session.global.heard = `{ctx.command} {err.kind} {err.code}`
end)
" + &command("heard", "ctx:reply(state.session.global.heard)");
    let stage = setup(&[("cogs/t.luau", &source)]).start().await;
    let fault = || status("trigger_typing_indicator", 403, 50_013);
    stage.sim.fault(fault());
    assert_eq!(stage.ask("!t").await, "discord 403 50013");
    stage.sim.fault(fault());
    assert!(stage.ask("!u").await.starts_with("I may not do this here"));
    assert_eq!(stage.ask("!heard").await, "u discord 50013");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sentence_is_in_the_language_of_the_bot() {
    let source = command("t", "ctx:typing()");
    let stage = setup(&[("cogs/t.luau", &source)])
        .config(r#"{ "bot": { "locale": "id" } }"#)
        .start()
        .await;
    stage
        .sim
        .fault(status("trigger_typing_indicator", 404, 10_008));
    assert_eq!(stage.ask("!t").await, "Pesan itu tidak ada (lagi).");
}

/// A Discord that cannot be reached is no mistake of the cog's either.
#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_cannot_be_reached_is_told_in_a_sentence() {
    let source = command("t", "ctx:typing()");
    let stage = setup(&[("cogs/t.luau", &source)])
        .config(r#"{ "limits": { "handler_seconds": 3 } }"#)
        .start()
        .await;
    let fault = InjectedFault::operation("trigger_typing_indicator", RestFaultKind::Drop).unwrap();
    stage.sim.fault(fault.times(1_000));
    let answer = stage.ask("!t").await;
    assert!(answer.starts_with("Discord itself has trouble"), "{answer}");
    assert_eq!(stage.bot.services.faults.count(), 0);
    assert_eq!(stage.bot.services.refused.count(), 1);
}

/// Two calls that Discord fails leave a handler time, and while they wait that is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_discord_that_fails_is_seen_and_leaves_a_handler_time() {
    let body = "local told = {}
    for i = 1, 2 do
        local ok, err = pcall(ctx.typing, ctx)
        table.insert(told, tostring(err.status))
    end
    ctx:reply(table.concat(told, \" \"))";
    listen();
    let source = command("slow", body);
    let stage = setup(&[("cogs/slow.luau", &source)])
        .config(r#"{ "limits": { "handler_seconds": 12 } }"#)
        .start()
        .await;
    stage
        .sim
        .fault(status("trigger_typing_indicator", 503, 0).times(1_000));
    let (owner, general) = (stage.sim.owner(), stage.general());
    stage.sim.say(owner, general, "!slow").unwrap();
    let told = || {
        let mut lines = logged(&["Requests wait because Discord fails"]);
        lines.retain(|line| line.contains(" INFO ") && line.contains("cog=slow"));
        lines.len()
    };
    until(|| told() > 0).await;
    let shown = crate::support::ask(&stage.sim, "!cogs slow").await;
    assert!(shown.contains("1 request has waited "), "{shown}");
    assert!(shown.contains(" for Discord (503)"), "{shown}");
    // A third of the handler's time for each call leaves it time to answer.
    until(|| stage.written().last().is_some_and(|it| it == "503 503")).await;
    let shown = stage.ask("!cogs slow").await;
    assert!(!shown.contains("has waited"), "{shown}");
}
