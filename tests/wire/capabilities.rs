//! What a cog may do without a capability, and what it needs one for: each row of the table in
//! `src/api/reach.rs`, over the wire.

use crate::support::{PATIENCE, Stage, answering, bot_options, setup};
use cogsmith::bot::Bot;
use cogsmith::config::{Config, Environment, from_text};
use cogsmith::sim::Sim;
use serde_json::{Value, json};

/// What is granted to nobody.
const NOTHING: &str = r#"{ "capabilities": { "*": [] } }"#;

/// A cog that tells how each of its attempts ended: on the message that it was called with, on the one that
/// this answers, and on messages that it only hears.
const BARE: &str = r#"
local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local state = require("@cogsmith/state")

local function outcome(...)
    local ok, err = pcall(...)
    if ok then
        return "done"
    end
    return if err.kind == "capability" then err.message:match('"(.-)"') else tostring(err)
end

local function all(message, channel)
    return table.concat({
        outcome(message.reply, message, "a reply"),
        outcome(message.react, message, "👍"),
        outcome(message.pin, message),
        outcome(channel.send, channel, "elsewhere"),
        outcome(channel.typing, channel),
        outcome(message.author.send, message.author, "to you"),
        outcome(message.edit, message, "an edit"),
        outcome(message.delete, message),
    }, " ")
end

cog.on.message_create(function(message)
    if message.content == "well" or message.content == "hear this" then
        state.session.global.heard = all(message, discord.cache.channel(message.channel_id))
    end
end)

cog.command { name = "heard", run = function(ctx) ctx:reply(state.session.global.heard) end }
cog.command { name = "answer", run = function(ctx) ctx:reply("an answer") end }
cog.command { name = "called", run = function(ctx)
    ctx:send(all(ctx.message, discord.get_channel { channel_id = ctx.channel_id }))
end }
cog.command { name = "there", run = function(ctx)
    local there = ctx.message.referenced_message
    local edited, deleted = outcome(there.edit, there, "an edit"), outcome(there.delete, there)
    ctx:send(`{edited} {deleted}`)
end }
cog.command { name = "own", run = function(ctx)
    local answer = ctx:reply("one")
    local channel = discord.get_channel { channel_id = ctx.channel_id }
    ctx:send(all(answer, channel))
    ctx:typing()
    local private = ctx:reply { content = "two", ephemeral = true }
    ctx:edit("three")
    ctx:delete()
    ctx:send(`{private.channel_id ~= ctx.channel_id}`)
end }
"#;

async fn stage() -> Stage {
    let other = answering("other", "well");
    setup(&[("cogs/bare.luau", BARE), ("cogs/other.luau", &other)])
        .config(NOTHING)
        .start()
        .await
}

async fn texts(stage: &Stage, line: &str) -> Vec<String> {
    let answers = stage.says("owner", line).await;
    let text = |it: &Value| it["content"].as_str().unwrap().to_owned();
    answers.iter().map(text).collect()
}

/// Has the owner answer a message of the bot's with a line, and gives the last thing that the bot writes.
async fn reply(sim: &Sim, bot: &Bot, to: &Value, line: &str) -> String {
    let channel = sim.channel("general").unwrap();
    let reference = json!({ "message_id": to["id"] });
    let body = json!({ "content": line, "message_reference": reference });
    sim.send_as(sim.owner(), channel, body).unwrap();
    bot.settled(sim).await;
    let messages = sim.messages(channel);
    messages.last().unwrap()["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_answers_where_it_was_called_and_changes_its_own_answers() {
    let stage = stage().await;
    let called = texts(&stage, "!called").await;
    assert_eq!(
        called,
        [
            "a reply",
            "done reactions.add messages.manage messages.send messages.send dm.send messages.send messages.manage"
        ]
    );
    let own = texts(&stage, "!own").await;
    assert_eq!(
        own,
        [
            "a reply",
            "done reactions.add messages.manage messages.send messages.send dm.send done done",
            "true"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cog_only_hears_it_neither_answers_nor_changes() {
    let stage = stage().await;
    let heard = "messages.send reactions.add messages.manage messages.send messages.send dm.send messages.send";
    stage.says("anna", "hear this").await;
    assert_eq!(
        texts(&stage, "!heard").await,
        [format!("{heard} messages.manage")]
    );
    // Another cog's answer: whoever may edit the bot's messages may delete them.
    assert_eq!(texts(&stage, "!other").await, ["well"]);
    assert_eq!(
        texts(&stage, "!heard").await,
        [format!("{heard} messages.send")]
    );
    assert!(stage.written().contains(&"well".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cogs_answers_are_its_own_after_reloads_and_nobodys_after_a_restart() {
    let mut stage = stage().await;
    let answers = [
        stage.says("owner", "!answer").await,
        stage.says("owner", "!answer").await,
    ];
    let other = stage.says("owner", "!other").await;
    stage.save("cogs/bare.luau", &format!("{BARE}\n"));
    stage.applied().await;
    stage.ask("!unload bare").await;
    stage.ask("!load bare").await;
    let there = reply(&stage.sim, &stage.bot, &answers[0][0], "!there").await;
    assert_eq!(there, "done done");
    let there = reply(&stage.sim, &stage.bot, &other[0], "!there").await;
    assert_eq!(there, "messages.send messages.send");
    stage.bot.stop().await;
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let root = stage.folder.path().to_owned();
    let config: Config = from_text(NOTHING, "config.json", root, &environment).unwrap();
    let restarted = Bot::start(bot_options(&stage.sim, config)).await.unwrap();
    restarted.ready(PATIENCE).await.unwrap();
    let there = reply(&stage.sim, &restarted, &answers[1][0], "!there").await;
    assert_eq!(there, "messages.send messages.send");
    restarted.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_with_a_capability_is_changed_with_the_same() {
    let source = r#"
local cog = require("@cogsmith/cog")
cog.info { capabilities = { "messages.send", "dm.send" } }
cog.command { name = "own", run = function(ctx)
    local sent = ctx.author:send("to you")
    sent:edit("to you, edited")
    sent:delete()
    ctx:reply(sent.content)
end }
cog.on.message_create(function(message)
    if message.content == "hear this" then
        local sent = message:reply("heard")
        sent:edit("heard and edited")
        sent:delete()
        message:reply("heard again")
    end
end)
"#;
    let stage = setup(&[("cogs/own.luau", source)]).start().await;
    assert_eq!(stage.ask("!own").await, "to you");
    let heard = stage.says("anna", "hear this").await;
    assert_eq!(heard.len(), 1, "{heard:#?}");
    assert_eq!(heard[0]["content"], "heard again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_a_caller_names_is_one_that_the_caller_can_read() {
    let source = r#"
local cog = require("@cogsmith/cog")
local which = cog.option.message { name = "which", description = "Which one" }
cog.command { name = "quote", options = { which }, run = function(ctx)
    ctx:reply(ctx:get(which).content)
end }
"#;
    let stage = setup(&[("cogs/quote.luau", source)]).start().await;
    let sim = &stage.sim;
    let hidden = sim.channel("moderators").unwrap();
    let elsewhere = sim.add_guild("Elsewhere", sim.owner()).unwrap();
    sim.join(elsewhere, sim.bot_user()).unwrap();
    let foreign = sim.add_channel(elsewhere, "foreign", 0).unwrap();
    stage.settled().await;
    for (channel, reader) in [(stage.general(), true), (hidden, false), (foreign, false)] {
        let secret = sim
            .say(sim.owner(), channel, "for those who read here")
            .unwrap();
        let line = format!("!quote {channel}-{}", secret["id"].as_str().unwrap());
        let shown = stage.says("anna", &line).await;
        let is_shown = shown[0]["content"] == "for those who read here";
        assert_eq!(is_shown, reader, "{shown:#?}");
    }
}
