//! What no client of Discord's sends does no harm.

use super::{START, click, cog, message_of, one_cog};
use crate::support::setup;
use cogsmith::clock::Clock;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// An interaction as Discord sends it, with this in it.
fn forged(stage: &crate::support::Stage, kind: u64, data: &Value) -> Value {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    // One that comes again is dropped before anybody looks at it.
    let id = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
    let owner = stage.sim.owner().to_string();
    json!({
        "id": id, "application_id": stage.sim.bot_user().to_string(), "token": "x", "type": kind, "version": 1,
        "guild_id": stage.sim.guild().to_string(), "channel_id": stage.general().to_string(),
        "member": { "user": { "id": owner, "username": "owner" }, "roles": [], "permissions": "0" },
        "message": { "id": "5", "channel_id": stage.general().to_string(), "content": "" },
        "data": data,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_ids_reach_no_handler_that_they_do_not_match() {
    let stage = one_cog(
        r#"
local heard = {}
cog.command { name = "show", run = function(ctx) ctx:reply { content = "x", components = { button("t:close:1") } } end }
cog.command { name = "heard", run = function(ctx) ctx:reply(table.concat(heard, " ")) end }
cog.component("t:close:{id}", function(ctx, args) table.insert(heard, `<{args.id}>`) ctx:reply("closed") end)
cog.component("plain", function(ctx) table.insert(heard, "plain") end)
"#,
    )
    .start()
    .await;
    let message = message_of(&stage, "!show").await;
    let x100 = "x".repeat(100);
    let guild = stage.sim.guild();
    for custom_id in [
        "",
        ":",
        "::::::::::",
        "t",
        "t:",
        "t::",
        "t:close",
        "t:close:1:2",
        "T:close:1",
        "t:close :1",
        "\u{200b}t:close:1",
        "t\u{200b}:close:1",
        "t:close\u{200b}:1",
        "plain:",
        "plain\u{0}",
        ":plain",
        "cogsmith",
        "cogsmith:x",
        "{id}",
        "t:{id}",
        "t:close%3A1",
        &x100,
        &format!("t:close:{}", "y".repeat(10_000)),
    ] {
        let data = json!({ "custom_id": custom_id, "component_type": 2 });
        for kind in [3, 5] {
            let event = forged(&stage, kind, &data);
            stage.sim.dispatch("INTERACTION_CREATE", Some(guild), event);
        }
    }
    for data in [
        json!(null),
        json!({}),
        json!({ "custom_id": 5 }),
        json!({ "custom_id": null }),
        json!({ "custom_id": ["t:close:1"] }),
        json!({ "custom_id": "t:close:1", "values": { "a": 1 }, "resolved": [1] }),
    ] {
        let event = forged(&stage, 3, &data);
        stage.sim.dispatch("INTERACTION_CREATE", Some(guild), event);
    }
    stage.settled().await;
    // What matches is a click, whoever sent it.
    let empty = json!({ "custom_id": "t:close:", "component_type": 2 });
    let event = forged(&stage, 3, &empty);
    stage.sim.dispatch("INTERACTION_CREATE", Some(guild), event);
    stage.settled().await;
    assert_eq!(click(&stage, message, "t:close:1").await, "closed");
    assert_eq!(stage.ask("!heard").await, "<1> <> <1>");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_declarations_are_told_with_their_place() {
    for (line, part) in [
        (
            "cog.component(\"{x}\", print)",
            "it must begin with a fixed name",
        ),
        ("cog.component(\"\", print)", "it must begin with a name"),
        (
            "cog.component(5, print)",
            "cog.component: the template: expected a string",
        ),
        (
            "cog.component(\"a\")",
            "cog.component: the handler: expected a function, got nil",
        ),
        (
            "cog.component(\"a\", print, { check = {} })",
            "there is no field \"check\"; did you mean \"checks\"?",
        ),
        (
            "cog.component(\"a\", print, { checks = { 5 } })",
            "cog.component: checks: expected a list of checks",
        ),
        ("cog.component(\"cogsmith:x\", print)", "are the bot's own"),
        (
            "cog.component(string.rep(\"x\", 101), print)",
            "it has 101 characters",
        ),
        (
            "cog.component(\"a:{x}\", print) cog.component(\"a:{y}\", print)",
            "\"a:{y}\" matches the same custom ids as \"a:{x}\" at lua/cogs/t.luau:7",
        ),
        (
            "for i = 1, 1001 do cog.component(`a:{i}`, print) end",
            "cog.component: a cog may call it 1000 times at most",
        ),
        (
            "cog.modal(\"{x}\", print)",
            "cog.modal: the template \"{x}\": it must begin",
        ),
    ] {
        let text = cog("").trim_end().to_owned() + "\n" + line;
        let setup = setup(&[("cogs/t.luau", &text)]).clock(Clock::paused(START));
        let stage = setup.start().await;
        let report = stage.bot.reload.reports.recent()[0].clone();
        let told = crate::support::problems_of(&report);
        assert!(told.contains(part), "{line}: {told}");
        assert!(told.contains("lua/cogs/t.luau:7"), "{told}");
        stage.stop().await;
    }
}
