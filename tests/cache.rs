//! What the gateway tells is known without asking, to cogs and to checks.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use support::setup;

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

#[tokio::test(flavor = "multi_thread")]
async fn who_joins_is_told_with_the_guild() {
    let stage = setup(&[("cogs/known.luau", COG)]).start().await;
    let guild = stage.sim.guild();
    stage.sim.add_member(guild, "carla", 0).unwrap();
    stage.settled().await;
    assert_eq!(stage.ask("!joined").await, format!("carla of {guild}"));
}
