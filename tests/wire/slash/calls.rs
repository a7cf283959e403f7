//! Calls of slash commands: which handler runs, with which values, and whom it is kept from.

use super::{ask, call, call_in, cog, one_cog, runs, shown};
use crate::support::PATIENCE;
use cogsmith::sim::InteractionRequest;
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_option_has_its_value() {
    let stage = one_cog(
        r#"
local option = cog.option
local function shown(value)
    if type(value) == "userdata" then
        return value.user and "member " .. value.user.username or value.username and "user " .. value.username
            or value.content and "message " .. value.content or value.name
    end
    return tostring(value)
end
local kinds = { "string", "integer", "number", "boolean", "duration", "user", "member", "channel", "role", "message", "mentionable", "emoji" }
for _, kind in kinds do
    local it = option.maybe(option[kind] { name = "it" })
    local many = option.maybe(option[kind] { name = "many", many = true })
    cog.command { name = kind, options = { it, many }, run = function(ctx)
        local all = ctx:get(many)
        if all then
            local words = {}
            for _, one in all do table.insert(words, shown(one)) end
            ctx:reply(table.concat(words, ", "))
        else
            ctx:reply(shown(ctx:get(it)))
        end
    end }
end
local color = option.string { name = "color", choices = { { name = "b", value = "a" }, { name = "c", value = "b" } } }
cog.command { name = "color", options = { color }, run = function(ctx) ctx:reply(ctx:get(color)) end }
local twice = option.string { name = "twice", convert = function(ctx, text)
    if text == "no" then return nil, "Not that." end
    return { text = text .. text }
end }
local who = option.string { name = "who", default = function(ctx) return ctx.author.username end }
cog.command { name = "twice", options = { twice, who }, run = function(ctx) ctx:reply(ctx:get(twice).text .. ctx.options.who) end }
"#,
    )
    .start()
    .await;
    let (general, guild) = (stage.general(), stage.sim.guild());
    let anna = stage.sim.user("anna").unwrap();
    let role = stage
        .sim
        .role(guild, "moderator")
        .or(stage.sim.role(guild, "@everyone"))
        .unwrap();
    let said = stage.sim.say(anna, general, "hello").unwrap();
    let id = said["id"].as_str().unwrap();
    let link = format!("https://discord.com/channels/{guild}/{general}/{id}");
    let role_name = ask(&stage, "role", json!({ "it": role.to_string() })).await;
    assert!(!role_name.is_empty() && role_name != "nil");
    let anna = anna.to_string();
    for (kind, option, value, expected) in [
        ("string", "it", json!("a \"b\" c"), "a \"b\" c"),
        ("string", "many", json!("a \"b c\" d"), "a, b c, d"),
        ("integer", "it", json!(5), "5"),
        ("integer", "many", json!("1 2 3"), "1, 2, 3"),
        ("number", "it", json!(0.5), "0.5"),
        ("boolean", "it", json!(true), "true"),
        ("duration", "it", json!("1h 30m"), "5400"),
        ("user", "it", json!(anna), "user anna"),
        ("member", "it", json!(anna), "member anna"),
        (
            "member",
            "many",
            json!(format!("<@{anna}> <@{anna}>")),
            "member anna, member anna",
        ),
        ("channel", "it", json!(general.to_string()), "general"),
        ("mentionable", "it", json!(anna), "member anna"),
        (
            "mentionable",
            "it",
            json!(role.to_string()),
            role_name.as_str(),
        ),
        ("message", "it", json!(link), "message hello"),
        ("emoji", "it", json!("👍"), "👍"),
        ("string", "it", json!(null), "nil"),
    ] {
        let answer = ask(&stage, kind, json!({ option: value })).await;
        assert_eq!(answer, expected, "{kind} {value}");
    }
    // The value of one choice is the name of another: the value was sent.
    assert_eq!(ask(&stage, "color", json!({ "color": "b" })).await, "b");
    assert_eq!(
        ask(&stage, "twice", json!({ "twice": "ab" })).await,
        "ababowner"
    );
    assert_eq!(
        ask(&stage, "twice", json!({ "twice": "no" })).await,
        "Not that. (alone)"
    );
    let wrong = ask(&stage, "duration", json!({ "it": "soon" })).await;
    assert!(
        wrong.contains("is not a duration") && wrong.ends_with("(alone)"),
        "{wrong}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn subcommands_lead_to_their_handlers() {
    let stage = one_cog(
        r#"
local name = cog.option.string { name = "name" }
local function answer(ctx) ctx:reply(ctx.command .. " " .. tostring(ctx.options.name)) end
cog.group { name = "tag", run = answer, slash_name_of_run = "show", options = { name }, commands = {
    { name = "add", options = { name }, run = answer },
    { name = "admin", commands = { { name = "purge", run = answer } } },
} }
"#,
    )
    .start()
    .await;
    for (called, options, expected) in [
        ("tag show", json!({ "name": "a" }), "tag a"),
        ("tag add", json!({ "name": "b" }), "tag add b"),
        ("tag admin purge", json!({}), "tag admin purge nil"),
    ] {
        assert_eq!(ask(&stage, called, options).await, expected);
    }
    assert_eq!(stage.ask("!tag a").await, "tag a");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctx_is_the_same_for_both() {
    let stage = one_cog(
        r#"cog.command { name = "who", contexts = { "guild", "bot_dm" }, run = function(ctx)
    local by = if ctx.interaction then "interaction " .. ctx.interaction.data.name else "message " .. ctx.message.content
    local place = if ctx.in_guild then `{ctx.guild_id == ctx.member.guild_id} {ctx.member.user.username}` else "direct"
    ctx:reply(`{by}, {tostring(ctx.prefix)}, {ctx.author.username}, {place}, {ctx.command}, {ctx.channel_id ~= ""}`)
end }"#,
    )
    .start()
    .await;
    let answer = ask(&stage, "who", json!({})).await;
    assert_eq!(answer, "interaction who, nil, owner, true owner, who, true");
    assert_eq!(
        stage.ask("!who").await,
        "message !who, !, owner, true owner, who, true"
    );
    let direct = stage.sim.direct_channel(stage.sim.owner());
    let view = call_in(&stage, "owner", direct, "who", json!({}));
    let view = view.response(PATIENCE).await.unwrap();
    assert_eq!(
        shown(&view),
        "interaction who, nil, owner, direct, who, true"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_to_the_caller_alone() {
    let stage = one_cog(
        r#"
cog.command { name = "once", cooldown = { uses = 1, per = "1h" }, run = function(ctx) ctx:reply("done") end }
cog.command { name = "mine", checks = { cog.check.owner }, run = function(ctx) ctx:reply("done") end }
cog.command { name = "never", checks = { function(ctx) return false, "Never." end }, run = function() end }
cog.command { name = "mute", checks = { cog.check.any(cog.check.permissions("administrator"), cog.check.role("nobody")) }, run = function(ctx) ctx:reply("done") end }
cog.command { name = "wait", max_concurrent = { limit = 1 }, run = function(ctx) ctx:reply("began") task.wait(100) end }
cog.command { name = "fails", run = function(ctx) error("oh") end }
cog.command { name = "says", run = function(ctx) cog.fail("So it is.") end }
cog.command { name = "late", run = function(ctx) ctx:reply("first") error("oh") end }
"#,
    )
    .start()
    .await;
    assert_eq!(ask(&stage, "once", json!({})).await, "done");
    let wait = ask(&stage, "once", json!({})).await;
    assert!(
        wait.starts_with("Wait ") && wait.ends_with("(alone)"),
        "{wait}"
    );
    // A typed call shares the cooldown.
    assert!(stage.ask("!once").await.starts_with("Wait "));
    let denied = shown(&runs(&stage, "anna", "mine", json!({})).await);
    assert_eq!(denied, "Only the bot's owner may do this. (alone)");
    assert_eq!(ask(&stage, "never", json!({})).await, "Never. (alone)");
    assert_eq!(ask(&stage, "mute", json!({})).await, "done");
    let denied = shown(&runs(&stage, "anna", "mute", json!({})).await);
    assert!(
        denied.starts_with("One of these is needed") && denied.ends_with("(alone)"),
        "{denied}"
    );
    assert_eq!(ask(&stage, "wait", json!({})).await, "began");
    let running = ask(&stage, "wait", json!({})).await;
    assert!(running.starts_with("This is still running") && running.ends_with("(alone)"));
    let failed = ask(&stage, "fails", json!({})).await;
    assert!(
        failed.starts_with("Something went wrong") && failed.ends_with("(alone)"),
        "{failed}"
    );
    assert_eq!(ask(&stage, "says", json!({})).await, "So it is. (alone)");
    let view = runs(&stage, "owner", "late", json!({})).await;
    assert_eq!(shown(&view), "first");
    let more = super::said(&view.follow_ups[0]);
    assert!(
        more.starts_with("Something went wrong") && more.ends_with("(alone)"),
        "{more}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_gone_says_so_and_so_does_one_that_has_changed() {
    let body = r#"cog.group { name = "tag", commands = { { name = "add", run = function(ctx) ctx:reply("added") end } } }
cog.command { name = "ping", run = function(ctx) ctx:reply("pong") end }"#;
    let mut stage = one_cog(body).start().await;
    // Discord's list cannot be changed, and so is an old one.
    stage.sim.fault(cogsmith::sim::InjectedFault::Rest(
        cogsmith::sim::RestFault {
            method: Some("PUT".into()),
            path: "/applications/{application_id}/commands".into(),
            times: 100,
            kind: cogsmith::sim::RestFaultKind::Status {
                status: 400,
                code: 0,
                message: "No".into(),
                retry_after: None,
            },
        },
    ));
    stage.save(
        "cogs/t.luau",
        &cog(
            r#"cog.group { name = "tag", commands = { { name = "new", run = function() end } } }"#,
        ),
    );
    stage.applied().await;
    stage.settled().await;
    let gone = ask(&stage, "ping", json!({})).await;
    assert_eq!(gone, "Nobody handles this command any more. (alone)");
    let changed = ask(&stage, "tag add", json!({})).await;
    assert!(
        changed.starts_with("This command has just changed."),
        "{changed}"
    );
    assert!(changed.ends_with("(alone)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_cogs_and_listeners_go_on() {
    let stage = one_cog(
        r#"
cog.command { name = "ping", run = function(ctx) ctx:reply("pong") end }
local heard = 0
cog.on.interaction_create(function(interaction) heard += 1 end)
cog.command { name = "heard", run = function(ctx) ctx:reply(tostring(heard)) end }
"#,
    )
    .start()
    .await;
    let calls: Vec<_> = (0..20)
        .map(|_| call(&stage, "owner", "ping", json!({})))
        .collect();
    for one in calls {
        assert_eq!(shown(&one.response(PATIENCE).await.unwrap()), "pong");
    }
    stage.settled().await;
    let heard = ask(&stage, "heard", json!({})).await;
    assert!(heard == "20" || heard == "21", "{heard}");
    // A user sends what no client would: nothing happens, and the bot goes on.
    let guild = stage.sim.guild();
    for forged in [
        json!({}),
        json!({ "id": "1", "application_id": "2", "token": "x", "type": 2 }),
        json!({ "id": "x", "application_id": "y", "token": "/../", "type": 2, "data": { "name": "ping", "type": 1 } }),
        json!({ "id": "1", "application_id": "2", "token": "x", "type": 4, "data": { "name": "ping", "type": 1, "options": [[], 1, null] } }),
    ] {
        stage
            .sim
            .dispatch("INTERACTION_CREATE", Some(guild), forged);
    }
    stage.settled().await;
    stage.advance(Duration::from_secs(5)).await;
    assert_eq!(ask(&stage, "ping", json!({})).await, "pong");
    let user = stage.sim.user("anna").unwrap();
    let unknown = InteractionRequest::Slash {
        name: "level".into(),
        options: json!({}),
    };
    assert!(stage.sim.interact(user, stage.general(), unknown).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_that_comes_again_is_handled_once() {
    let stage = one_cog(
        r#"
local calls, heard = 0, 0
cog.on.interaction_create(function() heard += 1 end)
cog.command { name = "count", run = function() calls += 1 end }
cog.command { name = "seen", slash = false, run = function(ctx) ctx:reply(`{calls} {heard}`) end }
"#,
    )
    .start()
    .await;
    let (general, guild) = (stage.general(), stage.sim.guild());
    let event = json!({
        "id": "77", "application_id": "1", "token": "t", "type": 2, "version": 1,
        "channel_id": general.to_string(), "guild_id": guild.to_string(),
        "member": { "user": { "id": "5", "username": "anna" }, "roles": [], "permissions": "0" },
        "data": { "id": "9", "type": 1, "name": "count" },
    });
    for _ in 0..2 {
        stage
            .sim
            .dispatch("INTERACTION_CREATE", Some(guild), event.clone());
        stage.settled().await;
    }
    assert_eq!(stage.ask("!seen").await, "1 1");
}
