//! Commands in the context menus of users and messages.

use super::{cog, fails_to_load, of_cogs, one_cog, said, shown};
use crate::support::{Id, PATIENCE, Stage};
use cogsmith::sim::{InteractionRequest, InteractionView};
use serde_json::{Value, json};

async fn used(
    stage: &Stage,
    user: &str,
    channel: Id,
    request: InteractionRequest,
) -> InteractionView {
    let user = stage.sim.user(user).unwrap();
    let interaction = stage.sim.interact(user, channel, request).unwrap();
    let view = interaction.response(PATIENCE).await.unwrap();
    stage.settled().await;
    view
}

fn on_user(name: &str, target: Id) -> InteractionRequest {
    let name = name.to_owned();
    InteractionRequest::User { name, target }
}

fn on_message(name: &str, message: &Value) -> InteractionRequest {
    InteractionRequest::Message {
        name: name.to_owned(),
        target: message["id"].as_str().unwrap().parse().unwrap(),
    }
}

const BOTH: &str = r#"
local order = {}
cog.before(function() table.insert(order, "before") end)
cog.after(function() table.insert(order, "after") end)
cog.command { name = "report", run = function(ctx) ctx:reply("slash") end }
cog.user_command { name = "Report", contexts = { "guild", "bot_dm" }, run = function(ctx, member)
    ctx:reply(`{ctx.command} {member.user.username} {member.guild_id == nil} {ctx.prefix} {ctx.message} {ctx.in_guild}`)
end }
cog.message_command { name = "Report", ephemeral = true, run = function(ctx, message)
    ctx:reply(`{message.content} of {message.author.username} {message.guild_id == ctx.guild_id} {#order}`)
end }
cog.user_command { name = "Nick Name", run = function(ctx, member) ctx:reply(member.guild_id and "member" or "user") member:kick() end }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_has_its_own_names_and_its_own_target() {
    let stage = one_cog(BOTH).start().await;
    let general = stage.general();
    let anna = stage.sim.user("anna").unwrap();
    let mut listed: Vec<String> = of_cogs(&stage.sim, None)
        .iter()
        .map(|it| {
            format!(
                "{} {} {}",
                it["type"],
                it["name"].as_str().unwrap(),
                it["contexts"]
            )
        })
        .collect();
    listed.sort();
    let expected = [
        "1 report [0]",
        "2 Nick Name [0]",
        "2 Report [0,1]",
        "3 Report [0]",
    ];
    assert_eq!(listed, expected);
    let view = used(&stage, "ben", general, on_user("Report", anna)).await;
    assert_eq!(shown(&view), "Report anna false nil nil true");
    let message = view.message.unwrap();
    assert_eq!(message["type"], 23);
    let target = &message["interaction_metadata"]["target_user"]["id"];
    assert_eq!(*target, json!(anna.to_string()));
    let hello = stage.sim.say(anna, general, "hello").unwrap();
    let view = used(&stage, "ben", general, on_message("Report", &hello)).await;
    assert_eq!(shown(&view), "hello of anna true 3 (alone)");
    let message = view.message.unwrap();
    let target = &message["interaction_metadata"]["target_message_id"];
    assert_eq!((&message["type"], target), (&json!(23), &hello["id"]));
    // Discord knows no members in direct messages.
    let direct = stage.sim.direct_channel(stage.sim.user("ben").unwrap());
    let ben = stage.sim.user("ben").unwrap();
    let view = used(&stage, "ben", direct, on_user("Report", ben)).await;
    assert_eq!(shown(&view), "Report ben true nil nil false");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_has_left_is_a_user_alone() {
    let stage = one_cog(BOTH).start().await;
    let (general, guild) = (stage.general(), stage.sim.guild());
    let anna = stage.sim.user("anna").unwrap();
    stage.sim.leave(guild, anna).unwrap();
    let user = stage.sim.owner();
    let interaction = stage
        .sim
        .interact(user, general, on_user("Nick Name", anna))
        .unwrap();
    interaction.response(PATIENCE).await.unwrap();
    stage.settled().await;
    let view = interaction.state();
    assert_eq!(shown(&view), "user");
    let failure = view.follow_ups.first().map(said).unwrap();
    assert!(failure.starts_with("Something went wrong"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_somebody_from_a_command_does_so_here() {
    let stage = one_cog(
        r#"
cog.user_command { name = "Once", cooldown = { uses = 1, per = "1m" }, run = function(ctx) ctx:reply("ok") end }
cog.message_command { name = "Once", cooldown = { uses = 1, per = "1m" }, run = function(ctx) ctx:reply("ok") end }
cog.message_command { name = "Owners", checks = { cog.check.owner }, run = function(ctx) ctx:reply("ok") end }
cog.message_command { name = "One", max_concurrent = { limit = 1, scope = "global" }, run = function(ctx)
    task.wait(1)
    ctx:reply("ok")
end }
cog.message_command { name = "Managers", checks = { cog.check.permissions("manage_messages") }, run = function(ctx) ctx:reply("ok") end }
"#,
    )
    .start()
    .await;
    let general = stage.general();
    let anna = stage.sim.user("anna").unwrap();
    let hello = stage.sim.say(anna, general, "hello").unwrap();
    for (request, expected) in [
        (on_user("Once", anna), "ok"),
        (on_message("Once", &hello), "ok"),
        (
            on_user("Once", anna),
            "Wait 1 minute, then try again. (alone)",
        ),
        (
            on_message("Owners", &hello),
            "Only the bot's owner may do this. (alone)",
        ),
    ] {
        let view = used(&stage, "anna", general, request).await;
        assert_eq!(shown(&view), expected);
    }
    let refused = stage
        .sim
        .interact(anna, general, on_message("Managers", &hello));
    assert!(refused.is_err(), "Discord does not offer it");
    let first = stage
        .sim
        .interact(anna, general, on_message("One", &hello))
        .unwrap();
    stage.settled().await;
    let second = used(&stage, "anna", general, on_message("One", &hello)).await;
    assert_eq!(
        shown(&second),
        "This is still running: wait until it has finished, then try again. (alone)"
    );
    stage.advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(shown(&first.response(PATIENCE).await.unwrap()), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_follow_a_reload_and_keep_their_names_from_other_cogs() {
    let declared = |name: &str, answer: &str| {
        cog(&format!(
            r#"cog.user_command {{ name = "{name}", run = function(ctx) ctx:reply("{answer}") end }}"#
        ))
    };
    let mut stage =
        one_cog(r#"cog.user_command { name = "Look Up", run = function(ctx) ctx:reply("a") end }"#)
            .start()
            .await;
    let general = stage.general();
    let anna = stage.sim.user("anna").unwrap();
    stage.sim.clear_requests();
    stage.save("cogs/t.luau", &declared("Look Up", "b"));
    stage.applied().await;
    let view = used(&stage, "anna", general, on_user("Look Up", anna)).await;
    assert_eq!(shown(&view), "b");
    let sent = |stage: &Stage| {
        let all = stage.sim.requests().into_iter();
        all.filter(|it| it.method == "PUT").count()
    };
    assert_eq!(sent(&stage), 0, "only the handler has changed");
    for name in ["Look Up", "look up", "L\u{43e}\u{43e}k Up"] {
        stage.save("cogs/u.luau", &declared(name, "c"));
        let report = format!("{:?}", stage.failed().await);
        assert!(report.contains("command name"), "{name}: {report}");
        stage.delete("cogs/u.luau");
        stage.applied().await;
    }
    stage.save("cogs/t.luau", &declared("Find", "d"));
    stage.applied().await;
    stage.settled().await;
    let gone = stage.sim.interact(anna, general, on_user("Look Up", anna));
    assert!(gone.is_err());
    let view = used(&stage, "anna", general, on_user("Find", anna)).await;
    assert_eq!((shown(&view), sent(&stage)), ("d".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_would_refuse_fails_the_load() {
    for (declared, expected) in [
        (
            r#"cog.user_command { name = "", run = f }"#,
            "`name` must have 1 to 32 characters, and has 0",
        ),
        (
            r#"cog.message_command { name = " a", run = f }"#,
            "`name` must not begin or end with a space",
        ),
        (
            r#"cog.user_command { name = "a\u{200b}", run = f }"#,
            "U+200B, which is invisible",
        ),
        (
            r#"cog.user_command { name = "a" }"#,
            "cog.user_command \"a\": run: expected a function, got nil",
        ),
        (
            r#"cog.user_command { name = "a", options = {}, run = f }"#,
            "cog.user_command \"a\": there is no field \"options\"",
        ),
        (
            r#"cog.message_command { name = "a", run = f } cog.message_command { name = "A", run = f }"#,
            "the command name \"a\" is taken twice",
        ),
    ] {
        fails_to_load(declared, expected).await;
    }
}
