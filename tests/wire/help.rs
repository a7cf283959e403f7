//! `!help` shows what its caller may call.

use crate::support::{PATIENCE, Stage, setup};
use cogsmith::sim::InteractionRequest;
use serde_json::Value;

const COG: &str = r#"
local cog = require("@cogsmith/cog")
local function f() end
cog.texts { id = { commands = { rank = { description = "Menampilkan tingkat" } } } }
cog.command { name = "rank", description = "Shows a level", run = f }
cog.command { name = "owner", checks = { cog.check.owner }, run = f }
cog.command { name = "mods", checks = { cog.check.any(cog.check.permissions("ban_members")) }, run = f }
cog.command { name = "own", checks = { cog.check.custom(function() return false end) }, run = f }
cog.command { name = "alone", contexts = { "bot_dm" }, run = f }
cog.group { name = "tag", commands = {
    { name = "show", run = f }, { name = "purge", checks = { cog.check.owner }, run = f },
} }
cog.group { name = "secret", checks = { cog.check.owner }, commands = { { name = "show", run = f } } }
cog.message_command { name = "Report This", description = "Tells the moderators", run = f }
cog.user_command { name = "Ban", checks = { cog.check.owner }, run = f }
"#;

async fn shown(stage: &Stage, user: &str, text: &str) -> String {
    let said = stage.says(user, text).await;
    said[0]["content"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_what_the_caller_may_call() {
    let stage = setup(&[("cogs/t.luau", COG)]).start().await;
    let list = shown(&stage, "anna", "!help").await;
    for line in [
        "`!rank`: Shows a level",
        "`!own`",
        "`!tag`",
        "`Report This` (in the menu of a message): Tells the moderators",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    for name in ["owner", "mods", "alone", "secret", "Ban"] {
        assert!(!list.contains(name), "{name}: {list}");
    }
    let group = shown(&stage, "anna", "!help tag").await;
    assert!(
        group.contains("tag show") && !group.contains("purge"),
        "{group}"
    );
    let list = shown(&stage, "owner", "!help").await;
    for line in [
        "`!owner`",
        "`!mods`",
        "`!secret`",
        "`Ban` (in the menu of a user)",
    ] {
        assert!(list.contains(line), "{line}: {list}");
    }
    let group = shown(&stage, "owner", "!help tag").await;
    assert!(group.contains("tag purge"), "{group}");
    let menu = shown(&stage, "anna", "!help report this").await;
    assert!(
        menu.starts_with("`Report This` is in the menu of a message"),
        "{menu}"
    );
    // Nobody is told of what they cannot call.
    let unknown = shown(&stage, "anna", "!help onwer").await;
    assert!(!unknown.contains("Did you mean"), "{unknown}");
    let unknown = shown(&stage, "anna", "!help rnak").await;
    assert!(unknown.contains("Did you mean `!rank`?"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_are_in_the_language_of_the_caller() {
    let stage = setup(&[("cogs/t.luau", COG)])
        .config(r#"{ "bot": { "locale": "id" } }"#)
        .start()
        .await;
    let list = shown(&stage, "anna", "!help").await;
    assert!(list.contains("`!rank`: Menampilkan tingkat"), "{list}");
    assert!(list.contains("`Report This` (di menu pesan)"), "{list}");
}

fn buttons(message: &Value) -> Vec<(String, String)> {
    let rows = message["components"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let buttons = rows
        .iter()
        .flat_map(|row| row["components"].as_array().cloned().unwrap_or_default());
    buttons
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap().to_owned();
            (text("label"), text("custom_id"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_turns_the_pages() {
    let long = "x".repeat(80);
    let cog = format!(
        r#"local cog = require("@cogsmith/cog")
for i = 1, 60 do cog.command {{ name = `c{{i}}`, description = "{long}", run = function() end }} end
"#
    );
    let stage = setup(&[("cogs/t.luau", &cog)]).start().await;
    let general = stage.general();
    let said = stage.says("anna", "!help").await;
    let id = said[0]["id"].as_str().unwrap().parse().unwrap();
    let first = buttons(&said[0]);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0].0, "Next");
    let click = |user: &str, custom_id: &str| {
        let user = stage.sim.user(user).unwrap();
        let request = InteractionRequest::Component {
            message: id,
            custom_id: custom_id.to_owned(),
            values: Vec::new(),
        };
        stage.sim.interact(user, general, request).unwrap()
    };
    // Nobody else can.
    let refused = click("ben", &first[0].1).response(PATIENCE).await.unwrap();
    let refused = refused.message.unwrap();
    assert!(
        refused["content"]
            .as_str()
            .unwrap()
            .starts_with("Only who has asked"),
        "{refused}"
    );
    assert_eq!(refused["flags"].as_u64().unwrap() & 64, 64);
    click("anna", &first[0].1).response(PATIENCE).await.unwrap();
    stage.settled().await;
    let shown = stage.sim.messages(general);
    let shown = shown.iter().find(|it| it["id"] == said[0]["id"]).unwrap();
    assert!(
        shown["content"].as_str().unwrap().contains("Page 2 of"),
        "{shown}"
    );
    let second = buttons(shown);
    assert_eq!(second[0].0, "Back");
    click("anna", &second[0].1)
        .response(PATIENCE)
        .await
        .unwrap();
    stage.settled().await;
    let shown = stage.sim.messages(general);
    let shown = shown.iter().find(|it| it["id"] == said[0]["id"]).unwrap();
    assert!(
        shown["content"].as_str().unwrap().contains("Page 1 of"),
        "{shown}"
    );
    // A list of one page has no buttons.
    let said = stage.says("anna", "!help c1").await;
    assert!(buttons(&said[0]).is_empty());
}
