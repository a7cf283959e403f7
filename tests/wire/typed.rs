//! Lines as people type them: which messages are commands, spans of time in words, mentions without space
//! between them, prefixes in any letter case, and answers that take several messages.

use crate::support::{Setup, Stage, setup};
use serde_json::Value;

fn cog(body: &str) -> String {
    format!("local cog = require(\"@cogsmith/cog\")\n{body}")
}

fn one_cog(body: &str) -> Setup {
    setup(&[("cogs/t.luau", &cog(body))])
}

/// Has a message arrive that is like one of the owner's, but for some fields, and returns the bot's answers.
async fn arrives(stage: &Stage, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let channel = stage.general();
    let guild = stage.sim.guild();
    let before = stage.sim.message_count(channel);
    let mut message = stage.sim.say(stage.sim.owner(), channel, "x").unwrap();
    stage.settled().await;
    assert_eq!(stage.sim.message_count(channel), before + 1);
    message["guild_id"] = guild.to_string().into();
    message["member"] = serde_json::json!({
        "roles": [], "joined_at": "2025-01-01T00:00:00Z", "deaf": false, "mute": false,
    });
    change(&mut message);
    stage.sim.dispatch("MESSAGE_CREATE", Some(guild), message);
    stage.settled().await;
    let answers = stage.written_since(channel, before + 1);
    let texts = answers.iter().map(|it| it["content"].as_str().unwrap());
    texts.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_people_say_is_a_command() {
    let stage = one_cog(
        r#"cog.command { name = "ping", options = { cog.option.integer { name = "n" } },
    run = function(ctx) ctx:reply("pong") end }"#,
    )
    .start()
    .await;
    for line in ["!ping 1", "!cogs", "!help", "!reload"] {
        for kind in 0..70 {
            let answers = arrives(&stage, |message| {
                message["type"] = kind.into();
                message["content"] = line.into();
            });
            let is_said = kind == 0 || kind == 19;
            let answers = answers.await;
            assert_eq!(
                answers.len(),
                usize::from(is_said),
                "{line} of type {kind}: {answers:?}"
            );
        }
        for field in ["bot", "system"] {
            let answers = arrives(&stage, |message| {
                message["author"][field] = true.into();
                message["content"] = line.into();
            });
            assert_eq!(answers.await, [""; 0], "{line} of a {field}");
        }
        let answers = arrives(&stage, |message| {
            message["webhook_id"] = message["author"]["id"].clone();
            message["content"] = line.into();
        });
        assert_eq!(answers.await, [""; 0], "{line} of a webhook");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_of_time_may_be_words() {
    let stage = one_cog(
        r#"local span = cog.option.duration { name = "span" }
local what = cog.option.maybe(cog.option.string { name = "what", rest = true })
cog.command { name = "wait", options = { span, what },
    run = function(ctx) ctx:reply(`{ctx:get(span)} {ctx:get(what)}`) end }
local at = cog.option.time { name = "at" }
cog.command { name = "at", options = { at, what },
    run = function(ctx) ctx:reply(`{ctx:get(at)} {ctx:get(what)}`) end }"#,
    )
    .start()
    .await;
    for (line, answer) in [
        ("!wait 10 minutes tea", "600 tea"),
        ("!wait 1h 30m tea", "5400 tea"),
        ("!wait 1 jam dan 30 menit teh", "5400 teh"),
        ("!wait 1 month", "2592000 nil"),
        ("!wait 90 tea", "90 tea"),
        ("!at 1700000000 tea", "1700000000 tea"),
        ("!wait two days tea", "172800 tea"),
        ("!wait half an hour tea", "1800 tea"),
        ("!wait setengah jam teh", "1800 teh"),
        ("!wait 10 minutes: tea", "600 tea"),
        ("!wait 10 minutes a day of tea", "600 a day of tea"),
        ("!wait 2 secret teas", "2 secret teas"),
        ("!at 2030-12-31 9:00 UTC tea", "1924938000 tea"),
        ("!at 2030-12-31 9 pm UTC tea", "1924981200 tea"),
    ] {
        assert_eq!(stage.ask(line).await, answer, "{line}");
    }
    for (line, refused) in [
        ("!wait 5 days-old bread", "`5 days-old` is not a duration"),
        (
            "!wait 2 or 3 days of tea",
            "`2 or 3 days` is not a duration",
        ),
        ("!at 18:00 PST tea", "`18:00 PST` is not a time"),
        ("!at tomorrow 9 tea", "`tomorrow 9` is not a time"),
    ] {
        let answer = stage.ask(line).await;
        assert!(answer.starts_with(refused), "{line}: {answer}");
    }
    let answer = stage.ask("!wait 10 minuts tea").await;
    assert!(answer.contains("Did you mean `10 minutes`?"), "{answer}");
    let answer = stage.ask("!at 18 tea").await;
    assert!(
        answer.contains("could be written as `18:00`, `in 18m` or `in 18h`"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_and_emoji_need_no_space_and_have_one_form() {
    let stage = one_cog(
        r#"local one = cog.option.member { name = "one" }
local two = cog.option.member { name = "two" }
cog.command { name = "pair", options = { one, two },
    run = function(ctx) ctx:reply(`{ctx:get(one).user.username} {ctx:get(two).user.username}`) end }
local why = cog.option.string { name = "why", rest = true }
cog.command { name = "tell", options = { one, why },
    run = function(ctx) ctx:reply(`{ctx:get(one).user.username}: {ctx:get(why)}`) end }
local emoji = cog.option.emoji { name = "emoji" }
cog.command { name = "emoji", options = { emoji },
    run = function(ctx) ctx:reply(ctx:get(emoji).name) end }"#,
    )
    .start()
    .await;
    let [anna, ben] = ["anna", "ben"].map(|name| format!("<@{}>", stage.sim.user(name).unwrap()));
    for between in ["", ",", ", ", " "] {
        let answer = stage.ask(&format!("!pair {anna}{between}{ben}")).await;
        assert_eq!(answer, "anna ben", "{between:?}");
    }
    assert_eq!(
        stage.ask(&format!("!tell {anna}, hello")).await,
        "anna: hello"
    );
    for typed in ["❤", "❤\u{fe0f}", "❤\u{fe0e}"] {
        assert_eq!(stage.ask(&format!("!emoji {typed}")).await, "❤\u{fe0f}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_of_letters_is_one_in_any_letter_case() {
    let stage =
        one_cog(r#"cog.command { name = "ping", run = function(ctx) ctx:reply("pong") end }"#)
            .config(r#"{ "bot": { "prefix": "Cog " } }"#)
            .start()
            .await;
    for line in ["Cog ping", "cog ping", "COG  PING", "cog\nping"] {
        assert_eq!(
            stage.answer(line).await.as_deref(),
            Some("pong"),
            "{line:?}"
        );
    }
    assert_eq!(stage.answer("cogping").await, None);
    let help = stage.ask("cog help cog ping").await;
    assert!(help.starts_with("`Cog ping`"), "{help}");
    assert!(stage.ask("COG cogs").await.contains("v1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_take_several_messages_have_pages() {
    let body = r#"local many = {}
for index = 1, 25 do
    table.insert(many, { name = `sub{index}`, description = string.rep("word ", 19), run = function() end })
end
cog.group { name = "big", commands = many }
local long = {}
for index = 1, 25 do
    table.insert(long, cog.option.maybe(cog.option.string { name = `option{index}`, description = string.rep("d", 99) }))
end
cog.command { name = "long", options = long, run = function(ctx) ctx:help() end }
"#;
    let cogs: Vec<(String, String)> = (0..60)
        .map(|number| (format!("cogs/with_a_long_name_{number}.luau"), cog("")))
        .collect();
    let body = cog(body);
    let mut files: Vec<(&str, &str)> = cogs
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    files.push(("cogs/t.luau", &body));
    let stage = setup(&files).start().await;
    let names = |word: &str, count: usize| -> Vec<String> {
        (1..=count)
            .map(|number| format!("{word}{number}`"))
            .collect()
    };
    let cogs: Vec<String> = (0..60)
        .map(|number| format!("with_a_long_name_{number} "))
        .collect();
    for (command, expected) in [
        ("!help big", names("`!big sub", 25)),
        ("!help !long", names("`option", 25)),
        ("!cogs", cogs),
    ] {
        let (mut text, mut number) = (String::new(), 1);
        let mut line = command.to_owned();
        loop {
            let page = stage.ask(&line).await;
            let (body, foot) = page.rsplit_once("\n\n").unwrap_or_else(|| panic!("{page}"));
            text += body;
            let (place, next) = foot.split_once("; the next: ").unwrap_or((foot, ""));
            assert!(
                place.starts_with(&format!("Page {number} of ")),
                "{line}: {foot}"
            );
            if next.is_empty() {
                assert_eq!(foot, format!("Page {number} of {number}"));
                break;
            }
            number += 1;
            next.trim_matches('`').clone_into(&mut line);
            assert!(line.ends_with(&number.to_string()), "{line}");
        }
        assert!(number > 1, "{command}");
        for part in expected {
            assert!(text.contains(&part), "{command}: {part}\n{text}");
        }
    }
    let help = stage.ask("!long").await;
    assert!(help.ends_with("the next: `!help long 2`"), "{help}");
    assert!(
        stage
            .ask("!big")
            .await
            .contains("`!help big` shows all of them")
    );
}

/// Whatever a command or a subcommand is called, its help and every page of its group can be reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_may_be_a_name_and_a_page() {
    let body = r#"local many = {}
for index = 1, 24 do
    table.insert(many, { name = `sub{index}`, description = string.rep("word ", 19), run = function() end })
end
table.insert(many, { name = "2", description = "the second", run = function() end })
cog.group { name = "big", commands = many }
cog.command { name = "2", description = "two", run = function() end }
local it = cog.option.maybe(cog.option.string { name = "it", description = string.rep("d", 3000) .. " end" })
cog.command { name = "wordy", slash = false, options = { it }, run = function() end }
"#;
    let stage = one_cog(body).start().await;
    for (line, start, part) in [
        ("!help 2", "`!2`", "two"),
        ("!help !2", "`!2`", "two"),
        ("!help big 2", "`!big 2`", "the second"),
        (
            "!help big",
            "`!big",
            "Page 1 of 2; the next: `!help big 02`",
        ),
        ("!help big 02", "`!big", "Page 2 of 2"),
        ("!help big 0", "`!big", "Page 1 of 2"),
        ("!help big -1", "`!big", "Page 1 of 2"),
        ("!help big 99999999999999999999", "`!big", "Page 2 of 2"),
        ("!help wordy 3", "d", " end (optional)"),
    ] {
        let answer = stage.ask(line).await;
        assert!(
            answer.starts_with(start) && answer.contains(part),
            "{line}: {answer}"
        );
    }
}
