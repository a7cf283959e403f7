//! Discord's list of the bot's slash commands.

use super::{OWN, cog, fails_to_load, of_cogs, one_cog};
use crate::support::log;
use crate::support::{Stage, bot_options, setup, until};
use cogsmith::bot::Bot;
use cogsmith::config::{Config, Environment, from_text};
use cogsmith::sim::{InjectedFault, RestFault, RestFaultKind};
use serde_json::{Value, json};

/// The requests about commands so far: their methods, and how many commands of cogs were sent.
fn requests(stage: &Stage) -> Vec<String> {
    let all = stage.sim.requests().into_iter();
    let about =
        all.filter(|it| it.path.starts_with("/applications/") && it.path.contains("/commands"));
    about
        .map(|it| match it.body.as_array() {
            Some(commands) => format!("{} {}", it.method, commands.len() - OWN.len()),
            None => it.method,
        })
        .collect()
}

fn names(stage: &Stage) -> Vec<String> {
    let mut names: Vec<String> = of_cogs(&stage.sim, None)
        .iter()
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

const EVERYTHING: &str = r#"
local option = cog.option
cog.command { name = "rank", aliases = { "level" }, description = "Shows a level",
    contexts = { "guild", "bot_dm" }, installs = { "guild", "user" },
    checks = { cog.check.permissions("manage_messages") },
    options = {
        option.member { name = "who", description = "Whose" },
        option.integer { name = "n", description = "How many", min = 1, max = 5 },
        option.duration { name = "span", description = "How long" },
        option.maybe(option.string { name = "color", description = "Which", choices = { "Red", { name = "Blue", value = "b" } } }),
        option.maybe(option.channel { name = "where", channel_types = { "guild_text" } }),
        option.maybe(option.number { name = "x", autocomplete = function() return {} end }),
    }, run = function() end }
cog.command { name = "typed", slash = false, run = function() end }
cog.command { name = "only", prefix = false, run = function() end }
cog.group { name = "tag", description = "Tags", run = function() end, slash_name_of_run = "show",
    options = { option.string { name = "name" } },
    commands = {
        { name = "add", description = "Adds one", run = function() end },
        { name = "admin", commands = { { name = "purge", run = function() end } } },
    } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn one_definition_is_a_slash_command_too() {
    let stage = one_cog(EVERYTHING).start().await;
    assert_eq!(names(&stage), ["only", "rank", "tag"]);
    assert_eq!(requests(&stage), ["GET", "PUT 3"]);
    let commands = stage.sim.commands(None);
    let rank = commands.iter().find(|it| it["name"] == "rank").unwrap();
    let expected = json!([
        { "type": 6, "name": "who", "description": "Whose", "required": true },
        { "type": 4, "name": "n", "description": "How many", "required": true, "min_value": 1, "max_value": 5 },
        { "type": 3, "name": "span", "description": "How long", "required": true },
        { "type": 3, "name": "color", "description": "Which", "required": false,
          "choices": [{ "name": "Red", "value": "Red" }, { "name": "Blue", "value": "b" }] },
        { "type": 7, "name": "where", "description": "where", "required": false, "channel_types": [0] },
        { "type": 10, "name": "x", "description": "x", "required": false, "autocomplete": true },
    ]);
    assert_eq!(rank["options"], expected);
    assert_eq!(rank["contexts"], json!([0, 1]));
    assert_eq!(rank["integration_types"], json!([0, 1]));
    assert_eq!(
        rank["default_member_permissions"]
            .to_string()
            .trim_matches('"'),
        "8192"
    );
    let tag = commands.iter().find(|it| it["name"] == "tag").unwrap();
    let parts: Vec<String> = tag["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["type"], it["name"].as_str().unwrap()))
        .collect();
    assert_eq!(parts, ["1 show", "1 add", "2 admin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_right_is_left_alone_also_after_a_restart() {
    let stage = one_cog(EVERYTHING).start().await;
    stage.sim.clear_requests();
    let Stage {
        sim, bot, folder, ..
    } = stage;
    bot.stop().await;
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let root = folder.path().to_owned();
    let config: Config = from_text("{}", "config.json", root, &environment).unwrap();
    let bot = Bot::start(bot_options(&sim, config)).await.unwrap();
    let methods = || {
        let all = sim.requests().into_iter();
        let about = all.filter(|it| it.path.contains("/commands"));
        about.map(|it| it.method).collect::<Vec<_>>()
    };
    bot.settled(&sim).await;
    assert_eq!(methods(), ["GET"]);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_change_of_the_declaration_is_sent() {
    let with = |description: &str, answer: &str| {
        cog(&format!(
            r#"cog.command {{ name = "ping", description = "{description}", run = function(ctx) ctx:reply("{answer}") end }}"#
        ))
    };
    let mut stage = one_cog(r#"cog.command { name = "ping", description = "One", run = function(ctx) ctx:reply("a") end }"#)
        .start()
        .await;
    stage.sim.clear_requests();
    stage.save("cogs/t.luau", &with("One", "b"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "b");
    assert_eq!(requests(&stage), [""; 0]);
    stage.save("cogs/t.luau", &with("Two", "b"));
    stage.applied().await;
    stage.settled().await;
    assert_eq!(requests(&stage), ["GET", "PUT 1"]);
    assert_eq!(of_cogs(&stage.sim, None)[0]["description"], "Two");
    // A reload that fails changes nothing, and with the file the command goes.
    stage.sim.clear_requests();
    stage.save("cogs/t.luau", "local x = = 1");
    stage.failed().await;
    stage.settled().await;
    assert_eq!(requests(&stage), [""; 0]);
    stage.delete("cogs/t.luau");
    stage.applied().await;
    stage.settled().await;
    assert_eq!(requests(&stage), ["GET", "PUT 0"]);
    assert_eq!(names(&stage), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_for_a_quiet_time() {
    let with = |description: &str| {
        cog(&format!(
            r#"cog.command {{ name = "ping", description = "{description}", run = function() end }}"#
        ))
    };
    let mut stage = setup(&[("cogs/t.luau", &with("One"))]).start().await;
    stage.sim.clear_requests();
    stage.save("cogs/t.luau", &with("Two"));
    stage.applied().await;
    stage.save("cogs/t.luau", &with("Three"));
    stage.applied().await;
    until(|| of_cogs(&stage.sim, None)[0]["description"] == "Three").await;
    stage.settled().await;
    let mut sent = stage.sim.requests().into_iter();
    let sent = sent.rfind(|it| it.method == "PUT").unwrap();
    let mut commands = sent.body.as_array().unwrap().iter();
    let ping = commands.find(|it| it["name"] == "ping").unwrap();
    assert_eq!(ping["description"], "Three");
}

#[tokio::test(flavor = "multi_thread")]
async fn guilds_for_development_have_the_commands_instead_of_all_others() {
    let mut stage = one_cog(r#"cog.command { name = "ping", run = function() end }"#)
        .start()
        .await;
    let (guild, path) = (stage.sim.guild(), stage.folder.path().join("config.json"));
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    std::fs::write(&path, "{}").unwrap();
    stage.bot.follow_config(&path, environment);
    let listed = |guild| of_cogs(&stage.sim, guild).len();
    assert_eq!((listed(None), listed(Some(guild))), (1, 0));
    let config = format!(r#"{{ "bot": {{ "dev_guilds": ["{guild}"] }} }}"#);
    std::fs::write(&path, config).unwrap();
    until(|| listed(None) == 0 && listed(Some(guild)) == 1).await;
    assert!(of_cogs(&stage.sim, Some(guild))[0]["contexts"].is_null());
    std::fs::write(&path, "{}").unwrap();
    until(|| listed(None) == 1 && listed(Some(guild)) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_and_tried_again() {
    log::listen();
    let mut stage = one_cog(r#"cog.command { name = "ping", run = function() end }"#)
        .start()
        .await;
    stage.sim.fault(InjectedFault::Rest(RestFault {
        method: Some("PUT".into()),
        path: "/applications/{application_id}/commands".into(),
        times: 2,
        kind: RestFaultKind::Status {
            status: 403,
            code: 0,
            message: "Not now 7531".into(),
            retry_after: None,
        },
    }));
    stage.save(
        "cogs/t.luau",
        &cog(r#"cog.command { name = "pong", run = function() end }"#),
    );
    stage.applied().await;
    stage.settled().await;
    assert_eq!(names(&stage), ["ping"]);
    stage.advance(std::time::Duration::from_secs(30)).await;
    assert_eq!(names(&stage), ["pong"]);
    let told = log::logged(&[
        "slash commands could not be listed everywhere",
        "Not now 7531",
    ]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_cog_that_does_not_load_stay_listed() {
    let stage = one_cog(r#"cog.command { name = "ping", run = function() end }"#)
        .stored()
        .start()
        .await;
    let Stage {
        sim, bot, folder, ..
    } = stage;
    bot.stop().await;
    let file = folder.path().join("lua/cogs/t.luau");
    std::fs::write(&file, "local x = = 1").unwrap();
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    let root = folder.path().to_owned();
    let config: Config = from_text("{}", "config.json", root, &environment).unwrap();
    let options = cogsmith::bot::BotOptions {
        state: Some(config.state_path()),
        ..bot_options(&sim, config)
    };
    let bot = Bot::start(options).await.unwrap();
    bot.ready(crate::support::PATIENCE).await.unwrap();
    bot.settled(&sim).await;
    let listed: Vec<Value> = of_cogs(&sim, None);
    assert_eq!(listed.len(), 1, "{listed:?}");
    // Whoever calls it is told.
    let interaction = sim
        .interact(
            sim.owner(),
            sim.channel("general").unwrap(),
            cogsmith::sim::InteractionRequest::Slash {
                name: "ping".into(),
                options: json!({}),
            },
        )
        .unwrap();
    let view = interaction
        .response(crate::support::PATIENCE)
        .await
        .unwrap();
    assert_eq!(
        super::shown(&view),
        "Nobody handles this command any more. (alone)"
    );
    std::fs::write(&file, cog("")).unwrap();
    until(|| of_cogs(&sim, None).is_empty()).await;
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_discord_would_refuse_fails_the_load_with_the_field() {
    for (declared, expected) in [
        (
            r#"cog.command { name = "Rank", run = f }"#,
            "`name` has the character \"R\"",
        ),
        (
            r#"cog.command { name = "a", installs = { "everybody" }, run = f }"#,
            "installs: expected \"guild\" or \"user\", got \"everybody\"",
        ),
        (
            r#"cog.group { name = "a", commands = { { name = "b", installs = { "user" }, run = f } } }"#,
            "installs: is for the command or group at the root",
        ),
        (
            r#"cog.command { name = "a", slash = false, prefix = false, run = f }"#,
            "`slash` must not be off together with `prefix`",
        ),
    ] {
        fails_to_load(declared, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guild_that_leaves_the_list_while_the_bot_is_down_loses_its_commands() {
    let stage = one_cog(r#"cog.command { name = "ping", run = function() end }"#)
        .stored()
        .start()
        .await;
    let guild = stage.sim.guild();
    let Stage {
        sim, bot, folder, ..
    } = stage;
    bot.stop().await;
    let listed = |guild| of_cogs(&sim, guild).len();
    for (dev_guilds, expected) in [
        (format!("\"{guild}\""), (0, 1)),
        (String::new(), (1, 0)),
        (String::new(), (1, 0)),
    ] {
        let text = format!(r#"{{ "bot": {{ "dev_guilds": [{dev_guilds}] }} }}"#);
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let root = folder.path().to_owned();
        let config: Config = from_text(&text, "config.json", root, &environment).unwrap();
        let options = cogsmith::bot::BotOptions {
            state: Some(config.state_path()),
            ..bot_options(&sim, config)
        };
        sim.clear_requests();
        let bot = Bot::start(options).await.unwrap();
        bot.settled(&sim).await;
        assert_eq!((listed(None), listed(Some(guild))), expected, "{text}");
        bot.stop().await;
    }
    let asked = sim.requests().into_iter();
    let about_guild =
        asked.filter(|it| it.path.contains("/guilds/") && it.path.ends_with("/commands"));
    assert_eq!(about_guild.count(), 0, "it was forgotten once it had none");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_discord_lists_is_told_at_load() {
    log::listen();
    let many = |from: usize, to: usize| {
        cog(&format!(
            "for i = {from}, {to} do cog.command {{ name = `c{{i}}`, run = function(ctx) ctx:reply(`c{{i}}`) end }} end"
        ))
    };
    let mut stage = setup(&[
        ("cogs/a.luau", &many(1, 60)),
        ("cogs/b.luau", &many(61, 105)),
    ])
    .clock(cogsmith::clock::Clock::paused(super::START))
    .start()
    .await;
    assert_eq!(stage.sim.commands(None).len(), 100);
    let told = log::logged(&[&format!("There are {} slash commands", OWN.len() + 105)]);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        "\"c101\" of the cog \"b\" (lua/cogs/b.luau:3)",
        "\"c105\"",
        "`slash = false`",
    ] {
        assert!(told[0].contains(part), "{told:?}");
    }
    assert_eq!(stage.ask("!c105").await, "c105");
    for (declared, expected) in [
        (
            many(200, 300),
            "cog.command \"c300\": slash: this cog has 101 slash commands",
        ),
        (
            cog("for i = 1, 16 do cog.user_command { name = `U {i}`, run = function() end } end"),
            "cog.user_command \"U 16\": this cog has 16 of them, and Discord lists 15 of one bot",
        ),
    ] {
        stage.save("cogs/c.luau", &declared);
        let report = stage.failed().await;
        let told = crate::support::problems_of(&report);
        assert!(
            told.contains(expected) && told.contains("lua/cogs/c.luau:3"),
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_for_adults_are_marked() {
    let stage = one_cog(
        r#"
cog.command { name = "a", checks = { cog.check.nsfw }, run = function() end }
cog.command { name = "b", checks = { cog.check.any(cog.check.nsfw, cog.check.owner) }, run = function() end }
cog.user_command { name = "c", checks = { cog.check.all(cog.check.owner, cog.check.nsfw) }, run = function() end }
"#,
    )
    .start()
    .await;
    let mut marked: Vec<String> = of_cogs(&stage.sim, None)
        .iter()
        .map(|it| format!("{} {}", it["name"], it["nsfw"]))
        .collect();
    marked.sort();
    assert_eq!(marked, ["\"a\" true", "\"b\" false", "\"c\" true"]);
    assert_eq!(requests(&stage), ["GET", "PUT 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_discord_says_typed_commands_go_on_and_the_list_follows_later() {
    let with = |name: &str| {
        cog(&format!(
            r#"cog.command {{ name = "{name}", run = function(ctx) ctx:reply("{name}") end }}"#
        ))
    };
    let mut stage = setup(&[("cogs/t.luau", &with("start"))])
        .clock(cogsmith::clock::Clock::paused(super::START))
        .start()
        .await;
    for (name, status, retry_after, times) in [
        ("a", 429, Some(0.2), 1),
        ("b", 500, None, 20),
        ("c", 503, None, 1),
        ("d", 400, None, 2),
    ] {
        stage.sim.fault(InjectedFault::Rest(RestFault {
            method: Some("PUT".into()),
            path: "/applications/{application_id}/commands".into(),
            times,
            kind: RestFaultKind::Status {
                status,
                code: 0,
                message: "Not now".into(),
                retry_after,
            },
        }));
        stage.save("cogs/t.luau", &with(name));
        stage.applied().await;
        assert_eq!(stage.ask(&format!("!{name}")).await, name, "{status}");
        for _ in 0..8 {
            if names(&stage) == [name] {
                break;
            }
            stage.advance(std::time::Duration::from_secs(120)).await;
        }
        assert_eq!(names(&stage), [name], "{status}");
    }
}
