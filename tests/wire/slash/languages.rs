//! Commands in other languages.

use super::{call_in, one_cog, shown};
use crate::support::{PATIENCE, Stage, problems_of};
use serde_json::{Value, json};

const COG: &str = r#"
local who = cog.option.string { name = "who", description = "Whom", choices = { "Anna", { name = "Light Blue", value = "b" } } }
cog.texts {
    en = { hello = "Hello" },
    id = {
        hello = "Halo",
        commands = {
            greet = {
                name = "sapa",
                description = "Menyapa seseorang",
                options = { who = { name = "siapa", description = "Siapa", choices = { ["Light Blue"] = "Biru Muda" } } },
            },
            tag = { commands = { add = { name = "tambah" } } },
        },
        user_commands = { ["Say Hello"] = { name = "Sapa Dia" } },
    },
    pt = { commands = { greet = { name = "saudar" } } },
}
cog.command { name = "greet", description = "Greets somebody", options = { who }, run = function(ctx)
    ctx:reply(`{ctx:t("hello")} {ctx.locale} {ctx.options.who}`)
end }
cog.command { name = "denied", checks = { cog.check.owner }, contexts = { "guild", "bot_dm" }, run = function() end }
cog.group { name = "tag", commands = { { name = "add", run = function(ctx) ctx:reply(ctx:t("hello")) end } } }
cog.user_command { name = "Say Hello", run = function(ctx) ctx:reply(ctx:t("hello")) end }
"#;

fn listed(stage: &Stage, kind: u64, name: &str) -> Value {
    let mut commands = stage.sim.commands(None).into_iter();
    let found = commands.find(|it| it["type"] == kind && it["name"] == name);
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_of_a_cog_name_its_commands() {
    let mut stage = one_cog(COG).start().await;
    let greet = listed(&stage, 1, "greet");
    assert_eq!(
        greet["name_localizations"],
        json!({ "id": "sapa", "pt-BR": "saudar" })
    );
    assert_eq!(
        greet["description_localizations"],
        json!({ "id": "Menyapa seseorang" })
    );
    let who = &greet["options"][0];
    assert_eq!(who["name_localizations"], json!({ "id": "siapa" }));
    assert_eq!(who["choices"][0]["name_localizations"], Value::Null);
    assert_eq!(
        who["choices"][1]["name_localizations"],
        json!({ "id": "Biru Muda" })
    );
    let tag = listed(&stage, 1, "tag");
    assert_eq!(
        tag["options"][0]["name_localizations"],
        json!({ "id": "tambah" })
    );
    let menu = listed(&stage, 2, "Say Hello");
    assert_eq!(menu["name_localizations"], json!({ "id": "Sapa Dia" }));
    // Only a change of them is sent.
    let sent = |stage: &Stage| {
        stage
            .sim
            .requests()
            .iter()
            .filter(|it| it.method == "PUT")
            .count()
    };
    stage.sim.clear_requests();
    stage.save(
        "cogs/t.luau",
        &super::cog(&COG.replace("\"Halo\"", "\"Hai\"")),
    );
    stage.applied().await;
    stage.settled().await;
    assert_eq!(sent(&stage), 0);
    stage.save(
        "cogs/t.luau",
        &super::cog(&COG.replace("\"sapa\"", "\"salam\"")),
    );
    stage.applied().await;
    stage.settled().await;
    assert_eq!(sent(&stage), 1);
    let greet = listed(&stage, 1, "greet");
    assert_eq!(greet["name_localizations"]["id"], "salam");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_spoken_to_in_their_language() {
    for (bot, user, hello, denied) in [
        (
            "en",
            "en-GB",
            "Hello en-GB b",
            "Only the bot's owner may do this. (alone)",
        ),
        (
            "en",
            "id",
            "Halo id b",
            "Hanya pemilik bot yang boleh melakukan ini. (alone)",
        ),
        (
            "id",
            "en-US",
            "Hello en-US b",
            "Only the bot's owner may do this. (alone)",
        ),
        // The bot speaks no French, and so its own language.
        (
            "id",
            "fr",
            "Halo fr b",
            "Hanya pemilik bot yang boleh melakukan ini. (alone)",
        ),
    ] {
        let stage = one_cog(COG)
            .config(&format!(r#"{{ "bot": {{ "locale": "{bot}" }} }}"#))
            .start()
            .await;
        let general = stage.general();
        let anna = stage.sim.user("anna").unwrap();
        stage.sim.set_locale(anna, user).unwrap();
        let answer = call_in(&stage, "anna", general, "greet", json!({ "who": "b" }));
        let answer = answer.response(PATIENCE).await.unwrap();
        assert_eq!(shown(&answer), hello);
        let answer = call_in(&stage, "anna", general, "denied", json!({}));
        let answer = answer.response(PATIENCE).await.unwrap();
        assert_eq!(shown(&answer), denied, "{bot} {user}");
        // A typed command is for all in the channel.
        let typed = stage.says("anna", "!greet Anna").await;
        let expected = if bot == "id" {
            "Halo id Anna"
        } else {
            "Hello en Anna"
        };
        assert_eq!(typed[0]["content"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_discord_would_refuse_fail_the_load() {
    let mut stage = one_cog("").start().await;
    for (texts, expected) in [
        (
            r#"commands = { greet = { name = "Sapa" } }"#,
            "t.luau:4: cog.texts: the name of greet in \"id\" has the character \"S\"",
        ),
        (
            r#"commands = { greet = { options = { who = { description = "" } } } }"#,
            "cog.texts: the description of greet who in \"id\" must have 1 to 100 characters, and has 0",
        ),
        (
            r#"user_commands = { Hi = { name = " a" } }"#,
            "cog.texts: the name of Hi in \"id\" must not begin or end with a space",
        ),
    ] {
        let body = format!(
            r#"cog.texts {{ id = {{ {texts} }} }}
cog.command {{ name = "greet", options = {{ cog.option.string {{ name = "who" }} }}, run = function() end }} cog.user_command {{ name = "Hi", run = function() end }}"#
        );
        stage.save("cogs/t.luau", &super::cog(&body));
        let report = stage.failed().await;
        let told = problems_of(&report);
        assert!(told.contains(expected), "{texts}: {told}");
    }
}
