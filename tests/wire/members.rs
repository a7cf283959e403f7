//! `discord.request_members`: members by the gateway.

use crate::support::cases::{case, check_in, show_log};
use crate::support::{Stage, setup};

fn cog(intents: &str, body: &str) -> String {
    format!(
        r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
cog.info {{ capabilities = {{ "members.read", "roles.assign" }}, intents = {{ {intents} }} }}
local function names(members)
    local names = {{}}
    for _, member in members do
        table.insert(names, member.user.username)
    end
    table.sort(names)
    return table.concat(names, " ")
end
local function why(arguments)
    local ok, err = pcall(discord.request_members, arguments)
    return if ok then "no error" else `{{err.kind}}: {{err.message}}`
end
{body}
"#
    )
}

async fn started(intents: &str, body: &str) -> Stage {
    show_log();
    setup(&[("cogs/t.luau", &cog(intents, body))]).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_found_by_name_by_id_and_all_of_them() {
    let stage = started(
        r#""guild_members", "guild_presences""#,
        r#"
cog.command { name = "query", run = function(ctx)
    ctx:reply(names(discord.request_members { guild_id = ctx.guild_id, query = "AN" }))
end }
cog.command { name = "ids", run = function(ctx)
    local members = discord.request_members { guild_id = ctx.guild_id, user_ids = { ctx.author.id, "5" }, presences = true }
    local first = members[1]
    ctx:reply(`{#members} {names(members)} {first.guild_id == ctx.guild_id} {first.presence.status} {typeof(first.add_role)}`)
end }
cog.command { name = "all", run = function(ctx)
    local members = discord.request_members { guild_id = ctx.guild_id }
    ctx:reply(`{#members} {members[#members].user.username ~= nil}`)
end }
cog.command { name = "together", run = function(ctx)
    local task = require("@cogsmith/task")
    local results = {}
    for _, query in { "anna", "ben", "nobody" } do
        task.spawn(function()
            results[query] = names(discord.request_members { guild_id = ctx.guild_id, query = query, limit = 1 })
        end)
    end
    while not (results.anna and results.ben and results.nobody) do task.wait(0) end
    ctx:reply(`{results.anna}, {results.ben}, {results.nobody}.`)
end }
"#,
    )
    .await;
    assert_eq!(stage.ask("!query").await, "anna");
    let by_id = stage.ask("!ids").await;
    assert!(
        by_id.starts_with("1 ") && by_id.ends_with(" true online function"),
        "{by_id}"
    );
    assert_eq!(stage.ask("!together").await, "anna, ben, .");
    let guild = stage.sim.guild();
    for number in 0..1_200 {
        stage
            .sim
            .add_member(guild, &format!("member{number}"), 0)
            .unwrap();
    }
    stage.settled().await;
    // In two chunks, with those who were there before.
    let all = stage.ask("!all").await;
    let count: usize = all.split(' ').next().unwrap().parse().unwrap();
    assert!(
        (1_203..1_210).contains(&count) && all.ends_with("true"),
        "{all}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_the_intents_are_named() {
    let request = |arguments: &str| {
        format!("return why(discord.request_members, {{ guild_id = ctx.guild_id, {arguments} }})")
    };
    let wrong = |arguments: &str, expected: &str| {
        case(
            &request(arguments),
            &format!("argument: discord.request_members: {expected}…"),
        )
    };
    let cases = [
        case(
            "return why(discord.request_members, {})",
            "argument: discord.request_members: guild_id: expected an id…",
        ),
        wrong(
            "user_id = '1'",
            "there is no field \"user_id\"; did you mean \"user_ids\"",
        ),
        wrong(
            "user_ids = { 5 }",
            "user_ids: expected a list of ids, got the number 5",
        ),
        wrong("user_ids = {}", "user_ids: expected 1 to 100 ids, got none"),
        wrong(
            "user_ids = { '1' }, query = 'a'",
            "query: expected nothing beside user_ids",
        ),
        wrong(
            "query = 'a', limit = 101",
            "limit: expected a whole number from 1 to 100",
        ),
        wrong(
            "query = ('x'):rep(101)",
            "query: expected a string of at most 100 characters",
        ),
        case(
            &request(""),
            "intents: discord.request_members: Discord tells the whole list of members only with the intent guild_members…",
        ),
        case(
            &request("query = 'a', presences = true"),
            "intents: discord.request_members: Discord tells presences only with the intent guild_presences…",
        ),
    ];
    let stage = setup(&[("cogs/cases.luau", &crate::support::cases::cog_of(&cases))]);
    check_in(stage, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_asks_a_bounded_number_of_times() {
    let stage = started(
        r#""guild_members""#,
        r#"
cog.command { name = "many", run = function(ctx)
    for _ = 1, 30 do
        local said = why { guild_id = ctx.guild_id, query = "anna" }
        if said ~= "no error" then
            ctx:reply(said)
            return
        end
    end
    ctx:reply("no limit")
end }
"#,
    )
    .await;
    let many = stage.ask("!many").await;
    assert!(
        many.starts_with(
            "limit: discord.request_members: a cog may ask for members 20 times a minute"
        ),
        "{many}"
    );
}
