//! Lines as people type them: which messages are commands, spans of time in words, mentions without space
//! between them, prefixes in any letter case, and answers that take several messages.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Setup, Stage, setup};

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
    assert!(stage.says("owner", "x").await.is_empty());
    let mut message = stage.sim.messages(channel).pop().unwrap();
    message["guild_id"] = guild.to_string().into();
    message["member"] = serde_json::json!({
        "roles": [], "joined_at": "2025-01-01T00:00:00Z", "deaf": false, "mute": false,
    });
    change(&mut message);
    let before = stage.written().len();
    stage.sim.dispatch("MESSAGE_CREATE", Some(guild), message);
    stage.settled().await;
    stage.written().split_off(before)
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
