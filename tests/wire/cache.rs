//! What the gateway tells is known without asking, to cogs and to checks.

use crate::support::{Id, Stage, setup, until};
use cogsmith::clock::Clock;
use cogsmith::sim::{InjectedFault, RestFaultKind};
use serde_json::json;

const COG: &str = r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local log = {}
cog.on.guild_member_add(function(member)
    table.insert(log, `{member.user.username} of {member.guild_id}`)
end)
cog.command { name = "known", run = function(ctx)
    local guild = discord.cache.guild(ctx.guild_id)
    local channel = discord.cache.channel(ctx.channel_id)
    local member = discord.cache.member(ctx.guild_id, ctx.author.id)
    local everyone = discord.cache.role(ctx.guild_id, ctx.guild_id)
    local held = discord.permissions.in_channel(ctx.channel_id, ctx.author.id)
    local sends = discord.permissions.has(held, "send_messages")
    local outranks = discord.permissions.outranks(ctx.guild_id, ctx.author.id, cog.bot().id)
    ctx:reply(`{guild.name} {channel.name} {member.user.username} {everyone.name} {sends} {outranks}`)
end }
cog.command { name = "joined", run = function(ctx)
    ctx:reply(table.concat(log, ", "))
end }
cog.command { name = "purge", checks = { cog.check.permissions("manage_messages") }, run = function(ctx)
    ctx:reply("purged")
end }
cog.info { description = "x", intents = { "guild_members" } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn guilds_channels_roles_and_members_are_known() {
    let stage = setup(&[("cogs/known.luau", COG)]).start().await;
    assert_eq!(
        stage.ask("!known").await,
        "Cogsmith general owner @everyone true true"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_of_permissions_know_roles() {
    let stage = setup(&[("cogs/known.luau", COG)]).start().await;
    let refused = stage.says("anna", "!purge").await;
    assert!(
        refused[0]["content"]
            .as_str()
            .unwrap()
            .contains("Manage Messages"),
        "{refused:?}"
    );
    let guild = stage.sim.guild();
    let moderators = stage.sim.role(guild, "moderators").unwrap();
    let anna = stage.sim.user("anna").unwrap();
    stage.sim.give_role(guild, anna, moderators).unwrap();
    stage.settled().await;
    assert_eq!(stage.says("anna", "!purge").await[0]["content"], "purged");
}

/// Commands with each kind of check that the guild decides.
const CHECKED: &str = r#"local cog = require("@cogsmith/cog")
local check = cog.check
local function done(ctx) ctx:reply("done") end
cog.command { name = "kick", checks = { check.permissions("kick_members") }, run = done }
cog.command { name = "send", checks = { check.bot_permissions("send_messages") }, run = done }
cog.command { name = "moderate", checks = { check.role("moderators") }, run = done }
cog.command { name = "either", checks = { check.any(check.owner, check.role("moderators")) }, run = done }
"#;

const UNKNOWN: &str = "I do not know this server yet. Try again in a moment.";

/// A bot to which the gateway has not announced its guild.
async fn stage_of_unknown_guild() -> Stage {
    let clock = Clock::paused(1_700_000_000);
    let stage = setup(&[("cogs/checked.luau", CHECKED)]).clock(clock);
    let stage = stage.start().await;
    stage.settled().await;
    forget_guild(&stage).await;
    stage
}

async fn forget_guild(stage: &Stage) {
    forget(stage, stage.sim.guild()).await;
}

async fn forget(stage: &Stage, guild: Id) {
    let id = guild.to_string();
    stage
        .sim
        .dispatch("GUILD_DELETE", Some(guild), json!({ "id": id }));
    let away = json!({ "id": id, "unavailable": true });
    stage.sim.dispatch("GUILD_CREATE", Some(guild), away);
    stage.settled().await;
    assert!(stage.bot.services.cache.guild(&id).is_none());
    stage.sim.clear_requests();
}

fn questions(stage: &Stage) -> usize {
    let path = format!("/guilds/{}", stage.sim.guild());
    let requests = stage.sim.requests();
    let asked = |path_of: &str| path_of.trim_start_matches("/api/v10") == path;
    requests
        .iter()
        .filter(|request| asked(&request.path))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_asks_for_a_guild_that_the_gateway_has_not_announced() {
    let stage = stage_of_unknown_guild().await;
    let cases = [
        ("owner", "kick", "done"),
        ("anna", "kick", "You need **Kick Members** for this."),
        ("owner", "send", "done"),
        ("anna", "moderate", "done"),
        ("anna", "either", "done"),
    ];
    for (user, command, expected) in cases {
        if command == "moderate" {
            let moderators = stage.sim.role(stage.sim.guild(), "moderators").unwrap();
            let anna = stage.sim.user("anna").unwrap();
            stage
                .sim
                .give_role(stage.sim.guild(), anna, moderators)
                .unwrap();
        }
        forget_guild(&stage).await;
        let answers = stage.says(user, &format!("!{command}")).await;
        assert_eq!(answers[0]["content"], expected, "{user} {command}");
        assert_eq!(questions(&stage), 1, "{user} {command}");
        // It is known from then on.
        stage.says(user, &format!("!{command}")).await;
        assert_eq!(questions(&stage), 1, "{user} {command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_that_nobody_can_tell_of_is_unknown_and_not_forbidden() {
    let stage = stage_of_unknown_guild().await;
    let away = InjectedFault::status("GET", "/guilds/{guild_id}", 404, 10_004, "Unknown Guild");
    stage.sim.fault(away.times(100));
    for command in ["kick", "send", "moderate"] {
        for user in ["owner", "anna"] {
            let answers = stage.says(user, &format!("!{command}")).await;
            assert_eq!(answers[0]["content"], UNKNOWN, "{user} {command}");
        }
    }
    // One question is enough for a while.
    assert_eq!(questions(&stage), 1);
    // An owner of the bot needs no role.
    assert_eq!(stage.ask("!either").await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_want_to_know_of_a_guild_ask_once() {
    let stage = stage_of_unknown_guild().await;
    let (guild, channel) = (stage.sim.guild(), stage.general());
    let late = RestFaultKind::Delay(std::time::Duration::from_millis(200));
    stage.sim.fault(InjectedFault::rest(
        "GET",
        &format!("/guilds/{guild}"),
        late,
    ));
    for _ in 0..8 {
        stage.sim.say(stage.sim.owner(), channel, "!kick").unwrap();
    }
    stage.settled().await;
    let answers = stage.sim.messages(channel);
    let done = answers
        .iter()
        .filter(|message| message["content"] == "done");
    assert_eq!(done.count(), 8);
    assert_eq!(questions(&stage), 1);
}

/// A cog that looks things up, and hears of denials.
const LOOKING: &str = r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local function tell(name, kind, of)
    local option = cog.option[kind] { name = "it" }
    cog.command { name = name, options = { option }, run = function(ctx)
        ctx:reply(of(ctx, ctx:get(option)))
    end }
end
tell("role", "role", function(_, it) return it.name end)
tell("channel", "channel", function(_, it) return it.name end)
tell("member", "member", function(ctx, it)
    local above = discord.permissions.outranks(ctx.guild_id, ctx.author.id, it.user.id)
    return `{it.user.username} {above}`
end)
tell("emoji", "emoji", function(_, it) return it.name end)
cog.command { name = "own", checks = { function(ctx)
    local held = discord.permissions.in_channel(ctx.channel_id, ctx.author.id)
    return held ~= nil, "nil"
end }, run = function(ctx) ctx:reply("done") end }
cog.command { name = "kick", checks = { cog.check.permissions("kick_members") }, run = function(ctx) ctx:reply("done") end }
cog.on_denied(function(ctx, denial) ctx:reply(`denied: {denial.kind}`) end)
"#;

async fn stage_that_looks() -> Stage {
    let clock = Clock::paused(1_700_000_000);
    let stage = setup(&[("cogs/looking.luau", LOOKING)]).clock(clock);
    stage.start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_looked_up_in_a_guild_that_the_gateway_has_not_announced() {
    let stage = stage_that_looks().await;
    let role = stage.sim.role(stage.sim.guild(), "moderators").unwrap();
    let (general, anna) = (stage.general(), stage.sim.user("anna").unwrap());
    let cases = [
        ("role moderators".to_owned(), "moderators"),
        (format!("role {role}"), "moderators"),
        ("channel general".to_owned(), "general"),
        (format!("channel <#{general}>"), "general"),
        ("member anna".to_owned(), "anna true"),
        (format!("member {anna}"), "anna true"),
        ("own".to_owned(), "done"),
    ];
    for (line, expected) in cases {
        forget_guild(&stage).await;
        assert_eq!(stage.ask(&format!("!{line}")).await, expected, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_does_not_tell_is_neither_missing_nor_denied() {
    let stage = stage_that_looks().await;
    forget_guild(&stage).await;
    let missing = InjectedFault::status("GET", "/guilds/{guild_id}", 403, 50_001, "Missing Access");
    stage.sim.fault(missing.times(100));
    let lines = [
        "role moderators",
        "role 900000000000000001",
        "channel general",
        "channel 900000000000000001",
        "emoji wave",
    ];
    for line in lines {
        let answer = stage.ask(&format!("!{line}")).await;
        let starts = "Discord did not tell me who or what";
        assert!(answer.starts_with(starts), "{line}: {answer}");
    }
    // A member by their id needs nothing else of the guild.
    let anna = stage.sim.user("anna").unwrap();
    let found = stage.ask(&format!("!member {anna}")).await;
    assert_eq!(found, "anna nil");
    let answers = stage.says("anna", "!kick").await;
    assert_eq!(answers[0]["content"], UNKNOWN);
    assert_eq!(stage.ask("!own").await, "denied: custom");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_what_is_asked_of_another_guild() {
    let stage = stage_of_unknown_guild().await;
    let (first, owner) = (stage.sim.guild(), stage.sim.owner());
    let late = RestFaultKind::Delay(std::time::Duration::from_secs(600));
    let path = format!("/guilds/{first}");
    stage.sim.fault(InjectedFault::rest("GET", &path, late));
    let mut others = Vec::new();
    for number in 0..16 {
        let guild = stage.sim.add_guild(&format!("other{number}"), owner);
        let guild = guild.unwrap();
        forget(&stage, guild).await;
        let path = format!("/guilds/{guild}/channels");
        let channels = stage.sim.call_as(owner, "GET", &path, json!(null));
        let id = channels.unwrap()[0]["id"].as_str().unwrap().to_owned();
        others.push(id.parse::<Id>().unwrap());
    }
    // Commands of one cog begin in the order in which they came.
    stage.sim.say(owner, stage.general(), "!kick").unwrap();
    for channel in &others {
        stage.sim.say(owner, *channel, "!kick").unwrap();
    }
    let is_done = |channel: Id| {
        let messages = stage.sim.messages(channel);
        messages.iter().any(|message| message["content"] == "done")
    };
    until(|| others.iter().all(|channel| is_done(*channel))).await;
    assert!(!is_done(stage.general()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_is_told_with_the_guild() {
    let stage = setup(&[("cogs/known.luau", COG)]).start().await;
    let guild = stage.sim.guild();
    stage.sim.add_member(guild, "carla", 0).unwrap();
    stage.settled().await;
    assert_eq!(stage.ask("!joined").await, format!("carla of {guild}"));
}
