//! What a server sets for itself.

use crate::support::{Id, PATIENCE, Stage, answering, setup};
use cogsmith::clock::Clock;
use cogsmith::sim::{InteractionRequest, InteractionView};
use serde_json::{Value, json};
use std::fmt::Write as _;

const COG: &str = r#"
local cog = require("@cogsmith/cog")
local who = cog.option.integer { name = "n", description = "A number" }
cog.command { name = "ping", aliases = { "p" }, run = function(ctx) ctx:reply(`pong {ctx.prefix} {ctx.locale}`) end }
cog.command { name = "count", options = { who }, run = function(ctx) ctx:reply("counted") end }
cog.group { name = "tag", commands = { { name = "add", run = function(ctx) ctx:reply("added") end } } }
local heard = 0
cog.on.message_create(function(message) if message.content == "listen" then heard += 1 end end)
cog.command { name = "heard", contexts = { "guild", "bot_dm" }, run = function(ctx) ctx:reply(tostring(heard)) end }
"#;

async fn stage() -> Stage {
    let other = answering("other", "here");
    let files = [("cogs/t.luau", COG), ("cogs/ping.luau", &other)];
    let stage = setup(&files)
        .clock(Clock::paused(1_767_268_800))
        .start()
        .await;
    let guild = stage.sim.guild();
    let role = stage.sim.add_role(guild, "boss", 1 << 5).unwrap();
    let anna = stage.sim.user("anna").unwrap();
    stage.sim.give_role(guild, anna, role).unwrap();
    stage.settled().await;
    stage
}

/// What the bot answers to anna, who may manage the server.
async fn boss(stage: &Stage, text: &str) -> String {
    let answers = stage.says("anna", text).await;
    assert_eq!(answers.len(), 1, "answers to {text:?}: {answers:#?}");
    answers[0]["content"].as_str().unwrap().to_owned()
}

/// What the bot answers to somebody without any permission; nothing if it does not.
async fn member(stage: &Stage, text: &str) -> Option<String> {
    let answers = stage.says("ben", text).await;
    let answer = answers.first()?;
    Some(answer["content"].as_str().unwrap().to_owned())
}

async fn slash(stage: &Stage, user: &str, name: &str, options: Value) -> InteractionView {
    let (user, name) = (stage.sim.user(user).unwrap(), name.to_owned());
    let request = InteractionRequest::Slash { name, options };
    let interaction = stage.sim.interact(user, stage.general(), request).unwrap();
    let view = interaction.response(PATIENCE).await.unwrap();
    stage.settled().await;
    view
}

fn alone(view: &InteractionView) -> String {
    let message = view.message.as_ref().unwrap();
    assert_eq!(message["flags"].as_u64().unwrap() & 64, 64, "{message}");
    message["content"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_for_one_server_and_nobody_is_locked_out() {
    let stage = stage().await;
    let done = boss(&stage, "!settings prefix ?").await;
    assert!(done.starts_with("Commands begin with `?`"), "{done}");
    assert_eq!(member(&stage, "?ping").await.as_deref(), Some("pong ? en"));
    assert_eq!(member(&stage, "!ping").await, None);
    // Usage texts and help show it.
    let usage = member(&stage, "?count x").await.unwrap();
    assert!(
        usage.contains("?count <n>") && !usage.contains("!count"),
        "{usage}"
    );
    let help = member(&stage, "?help").await.unwrap();
    assert!(
        help.contains("`?ping`") && help.contains("`?help <command>`"),
        "{help}"
    );
    // The way back: the configured prefix and a mention.
    let mention = format!("<@{}>", stage.sim.bot_user());
    for text in ["!help", "!HELP ping"] {
        assert!(member(&stage, text).await.is_some(), "{text}");
    }
    for text in [format!("{mention} help"), format!("{mention} ping")] {
        assert!(member(&stage, &text).await.is_some(), "{text}");
    }
    let shown = boss(&stage, "!settings").await;
    assert!(
        shown.contains("Prefix: `?` · Language: English (not set here)"),
        "{shown}"
    );
    // Elsewhere nothing has changed.
    let ben = stage.sim.user("ben").unwrap();
    let direct = stage.sim.direct_channel(ben);
    stage.sim.say(ben, direct, "!heard").unwrap();
    stage.settled().await;
    assert_eq!(stage.written_since(direct, 0).len(), 1);
    let done = boss(&stage, "?settings reset prefix").await;
    assert!(done.starts_with("Commands begin with `!`"), "{done}");
    assert!(member(&stage, "!ping").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_prefix_changes_nothing() {
    let stage = stage().await;
    let long = "x".repeat(1_900);
    for (given, expected) in [
        ("", "Which prefix?"),
        ("\"\"", "Which prefix?"),
        ("a b", "must not contain spaces"),
        ("a\u{200b}b", "must not contain spaces"),
        ("@everyone", "must not contain `@`"),
        ("<@1>", "must not contain `@`"),
        (&long, "at most 32 characters"),
    ] {
        let told = boss(&stage, &format!("!settings prefix {given}")).await;
        assert!(told.contains(expected), "{given:?}: {told}");
    }
    assert!(stage.bot.services.guilds.is_empty());
    // What looks like markup is a prefix like any other.
    for (given, typed) in [
        ("**", "**ping"),
        ("`", "`ping"),
        ("\"hey \"", "Hey ping"),
        ("||", "||ping"),
    ] {
        boss(&stage, &format!("!settings prefix {given}")).await;
        let told = member(&stage, typed).await.unwrap();
        assert!(told.starts_with("pong "), "{told}");
        let shown = boss(&stage, "!settings").await;
        assert_eq!(shown.matches('`').count() % 2, 0, "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_speaks_the_language_of_the_server() {
    let stage = stage().await;
    let done = boss(&stage, "!settings language id").await;
    assert_eq!(
        done,
        "Sekarang aku menjawab dalam Bahasa Indonesia di server ini."
    );
    assert_eq!(member(&stage, "!ping").await.as_deref(), Some("pong ! id"));
    let usage = member(&stage, "!count x").await.unwrap();
    assert!(usage.contains("bukan bilangan bulat"), "{usage}");
    let refused = alone(&slash(&stage, "owner", "cogs", json!({ "name": "nobody" })).await);
    assert!(refused.starts_with("Tidak ada cog"), "{refused}");
    let told = boss(&stage, "!settings language klingon").await;
    assert!(told.contains("klingon"), "{told}");
    boss(&stage, "!settings reset language").await;
    assert_eq!(member(&stage, "!ping").await.as_deref(), Some("pong ! en"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_off_is_off_in_every_form() {
    let stage = stage().await;
    assert_eq!(
        boss(&stage, "!settings off p").await,
        "`ping` is off in this server now."
    );
    assert_eq!(member(&stage, "!ping").await, None);
    assert_eq!(member(&stage, "!p").await, None);
    let told = alone(&slash(&stage, "ben", "ping", json!({})).await);
    assert_eq!(told, "This is switched off in this server.");
    let help = member(&stage, "!help").await.unwrap();
    assert!(
        !help.contains("ping`") && help.contains("`!count`"),
        "{help}"
    );
    assert!(
        member(&stage, "!help ping")
            .await
            .unwrap()
            .starts_with("There is no command")
    );
    assert!(boss(&stage, "!settings").await.contains("`ping`: off"));
    let done = boss(&stage, "!settings on ping").await;
    assert!(done.starts_with("`ping` is on"), "{done}");
    assert!(member(&stage, "!ping").await.is_some());
    // A cog of the name of a command is meant with `cog:`.
    assert_eq!(
        boss(&stage, "!settings off cog:ping").await,
        "the cog `ping` is off in this server now."
    );
    assert_eq!(member(&stage, "!other").await, None);
    assert!(member(&stage, "!ping").await.is_some());
    // A cog that is off hears nothing of the server.
    assert_eq!(member(&stage, "listen").await, None);
    boss(&stage, "!settings off t").await;
    for text in ["listen", "!ping", "!tag add", "!heard"] {
        assert_eq!(member(&stage, text).await, None, "{text}");
    }
    boss(&stage, "!settings on t").await;
    assert_eq!(member(&stage, "!heard").await.as_deref(), Some("1"));
    for own in ["help", "settings", "reload", "!help"] {
        let told = boss(&stage, &format!("!settings off {own}")).await;
        assert!(told.contains("belongs to the bot itself"), "{told}");
    }
    let told = boss(&stage, "!settings off pign").await;
    assert!(
        told.starts_with("There is no command or cog `pign`. Did you mean `ping`?"),
        "{told}"
    );
    let told = boss(
        &stage,
        &format!("!settings off {}", "@everyone ".repeat(150)),
    )
    .await;
    assert!(told.len() < 1_000, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_limited_to_channels_and_roles() {
    let stage = stage().await;
    let guild = stage.sim.guild();
    let general = stage.general();
    let other = stage.sim.add_channel(guild, "bots", 0).unwrap();
    let role = stage.sim.add_role(guild, "players", 0).unwrap();
    stage.settled().await;
    let says = async |channel: Id, text: &str| {
        let ben = stage.sim.user("ben").unwrap();
        let before = stage.sim.message_count(channel);
        stage.sim.say(ben, channel, text).unwrap();
        stage.settled().await;
        stage.written_since(channel, before + 1).len()
    };
    let done = boss(&stage, &format!("!settings limit ping <#{other}>")).await;
    assert_eq!(done, format!("`ping`: only <#{other}>"));
    assert_eq!(
        (says(general, "!ping").await, says(other, "!ping").await),
        (0, 1)
    );
    let told = alone(&slash(&stage, "ben", "ping", json!({})).await);
    assert!(
        told.starts_with("This command cannot be used in this channel"),
        "{told}"
    );
    // By slash command, with a role.
    let options =
        json!({ "name": "cog:t", "role": role.to_string(), "channel": general.to_string() });
    let done = alone(&slash(&stage, "anna", "settings limit", options).await);
    assert_eq!(done, format!("the cog `t`: only <#{general}>, <@&{role}>"));
    let told = member(&stage, "!count 1").await.unwrap();
    assert!(
        told.starts_with("This server has limited this command to roles"),
        "{told}"
    );
    let ben = stage.sim.user("ben").unwrap();
    stage.sim.give_role(guild, ben, role).unwrap();
    stage.settled().await;
    assert_eq!(member(&stage, "!count 1").await.as_deref(), Some("counted"));
    assert_eq!(says(other, "!count 1").await, 0);
    // Both rules hold.
    assert_eq!(
        (says(general, "!ping").await, says(other, "!ping").await),
        (0, 0)
    );
    for (given, expected) in [
        ("ping", "Limited to what?"),
        ("ping <#1>", "is no channel or role"),
        ("ping <@&999999999999999999>", "is no channel or role"),
        ("ping #nowhere", "`#nowhere` is no channel or role"),
        ("ping everyone", "`everyone` is no channel or role"),
        ("", "To change them"),
    ] {
        let told = boss(&stage, &format!("!settings limit {given}")).await;
        assert!(told.contains(expected), "{given:?}: {told}");
    }
    let done = boss(&stage, "!settings reset all").await;
    assert_eq!(done, "Nothing is set in this server any more.");
    assert!(stage.bot.services.guilds.is_empty());
    assert_eq!(
        (says(general, "!ping").await, says(other, "!ping").await),
        (1, 1)
    );
    let done = boss(&stage, "!settings limit ping #bots @players").await;
    assert_eq!(done, format!("`ping`: only <#{other}>, <@&{role}>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_who_manage_the_server_change_it() {
    let stage = stage().await;
    for text in [
        "!settings",
        "!settings prefix ?",
        "!settings off ping",
        "!settings reset all",
        "!settings x",
    ] {
        let told = member(&stage, text).await.unwrap();
        assert_eq!(told, "You need **Manage Server** for this.", "{text}");
    }
    assert!(stage.bot.services.guilds.is_empty());
    let ben = stage.sim.user("ben").unwrap();
    let direct = stage.sim.direct_channel(ben);
    stage.sim.say(ben, direct, "!settings").unwrap();
    stage.settled().await;
    let written = stage.written_since(direct, 0);
    assert_eq!(written[0]["content"], "This works only in a server.");
    // The slash command is not even shown to others, and completes for whom it is.
    let request = || InteractionRequest::Autocomplete {
        name: "settings off".to_owned(),
        options: json!({ "name": "p" }),
        focused: "name".to_owned(),
    };
    assert!(stage.sim.interact(ben, stage.general(), request()).is_err());
    let anna = stage.sim.user("anna").unwrap();
    let typing = stage
        .sim
        .interact(anna, stage.general(), request())
        .unwrap();
    let view = typing.response(PATIENCE).await.unwrap();
    let names: Vec<_> = view
        .choices
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ping", "cog:ping"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_survive_a_restart() {
    let stage = setup(&[("cogs/t.luau", COG)]).stored().start().await;
    assert!(
        stage
            .ask("!settings prefix ?")
            .await
            .starts_with("Commands begin")
    );
    stage.ask("?settings off count").await;
    let folder = stage.stop().await;
    let stage = setup(&[]).folder(folder).stored().start().await;
    assert_eq!(stage.ask("?ping").await, "pong ? en");
    assert_eq!(stage.answer("?count 1").await, None);
    stage.ask("?settings reset all").await;
    let folder = stage.stop().await;
    let stage = setup(&[]).folder(folder).stored().start().await;
    assert_eq!(stage.ask("!ping").await, "pong ! en");
}

/// The message with the menu.
async fn menu(stage: &Stage) -> Value {
    stage.says("anna", "!settings").await.remove(0)
}

async fn click(
    stage: &Stage,
    user: &str,
    message: &Value,
    id: &str,
    values: &[&str],
) -> InteractionView {
    let request = InteractionRequest::Component {
        message: message["id"].as_str().unwrap().parse().unwrap(),
        custom_id: format!("cogsmith:settings:{id}"),
        values: values.iter().map(|it| (*it).to_owned()).collect(),
    };
    let user = stage.sim.user(user).unwrap();
    let interaction = stage.sim.interact(user, stage.general(), request).unwrap();
    let view = interaction.acknowledged(PATIENCE).await.unwrap();
    stage.settled().await;
    view
}

fn chosen(message: &Value, id: &str) -> Vec<String> {
    let rows = message["components"].as_array().unwrap().iter();
    let mut all = rows.flat_map(|row| row["components"].as_array().unwrap());
    let id = format!("cogsmith:settings:{id}");
    let menu = all.find(|it| it["custom_id"] == id.as_str()).unwrap();
    let options = menu["options"].as_array().unwrap().iter();
    let options = options.filter(|it| it["default"] == true);
    options
        .map(|it| it["value"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_sets_by_clicks() {
    let stage = stage().await;
    let message = menu(&stage).await;
    assert_eq!(chosen(&message, "language"), ["reset"]);
    assert_eq!(chosen(&message, "off:1"), [""; 0]);
    let view = click(&stage, "anna", &message, "language", &["id"]).await;
    assert_eq!(view.response_type, Some(7));
    let shown = view.message.unwrap();
    assert_eq!(chosen(&shown, "language"), ["id"]);
    let text = shown["content"].as_str().unwrap();
    assert!(text.starts_with("**Pengaturan server ini**"), "{text}");
    let view = click(&stage, "anna", &message, "off:1", &["ping", "cog:ping"]).await;
    assert_eq!(
        chosen(&view.message.unwrap(), "off:1"),
        ["cog:ping", "ping"]
    );
    assert_eq!(member(&stage, "!ping").await, None);
    assert_eq!(member(&stage, "!other").await, None);
    // What is not chosen any more is on again, and limits stay.
    boss(&stage, "!settings limit count #general").await;
    let view = click(&stage, "anna", &message, "off:1", &["tag"]).await;
    assert_eq!(chosen(&view.message.unwrap(), "off:1"), ["tag"]);
    assert!(member(&stage, "!ping").await.is_some());
    let settings = stage
        .bot
        .services
        .guilds
        .of(Some(&stage.sim.guild().to_string()))
        .unwrap();
    assert_eq!(settings.rules().count(), 2);
    // The form of the prefix.
    let view = click(&stage, "anna", &message, "prefix", &[]).await;
    assert_eq!(view.response_type, Some(9));
    for (entered, typed) in [("?", "?ping"), ("", "!ping")] {
        click(&stage, "anna", &message, "prefix", &[]).await;
        let form = InteractionRequest::Modal {
            custom_id: "cogsmith:settings:prefix".to_owned(),
            fields: vec![("prefix".to_owned(), entered.into())],
        };
        let anna = stage.sim.user("anna").unwrap();
        let sent = stage.sim.interact(anna, stage.general(), form).unwrap();
        let view = sent.response(PATIENCE).await.unwrap();
        assert_eq!(view.response_type, Some(7));
        stage.settled().await;
        assert!(member(&stage, typed).await.is_some(), "{typed}");
    }
    let view = click(&stage, "anna", &message, "ask", &[]).await;
    assert!(
        view.message.unwrap()["content"]
            .as_str()
            .unwrap()
            .contains("tidak bisa dibatalkan")
    );
    assert!(!stage.bot.services.guilds.is_empty());
    let view = click(&stage, "anna", &message, "reset", &[]).await;
    assert!(stage.bot.services.guilds.is_empty());
    assert_eq!(chosen(&view.message.unwrap(), "language"), ["reset"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_cannot_use_the_menu() {
    let stage = stage().await;
    let message = menu(&stage).await;
    for (id, values) in [
        ("language", &["id"][..]),
        ("off:1", &["ping"]),
        ("prefix", &[]),
        ("ask", &[]),
    ] {
        let view = click(&stage, "ben", &message, id, values).await;
        assert_eq!(alone(&view), "You need **Manage Server** for this.", "{id}");
    }
    assert!(stage.bot.services.guilds.is_empty());
    // Who has lost the permission meanwhile cannot, either; the slash command's menu is for its caller alone.
    let shown = slash(&stage, "anna", "settings show", json!({}))
        .await
        .message
        .unwrap();
    assert_eq!(shown["flags"].as_u64().unwrap() & 64, 64);
    let guild = stage.sim.guild();
    let boss = stage.sim.role(guild, "boss").unwrap();
    stage.sim.set_permissions(guild, boss, 0).unwrap();
    stage.settled().await;
    let view = click(&stage, "anna", &shown, "language", &["id"]).await;
    assert_eq!(alone(&view), "You need **Manage Server** for this.");
    assert!(stage.bot.services.guilds.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_menu_holds_has_pages() {
    let mut body = "local cog = require(\"@cogsmith/cog\")\n".to_owned();
    for number in 0..60 {
        writeln!(
            body,
            "cog.command {{ name = \"c{number:02}\", slash = false, run = function() end }}"
        )
        .unwrap();
    }
    let mut stage = stage().await;
    stage.save("cogs/many.luau", &body);
    stage.applied().await;
    let message = menu(&stage).await;
    let view = click(&stage, "anna", &message, "page:2", &[]).await;
    let shown = view.message.unwrap();
    let view = click(&stage, "anna", &shown, "off:2", &["c30"]).await;
    assert_eq!(chosen(&view.message.unwrap(), "off:2"), ["c30"]);
    let told = boss(&stage, "!settings").await;
    assert!(told.contains("`c30`: off"), "{told}");
}
