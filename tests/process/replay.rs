//! `cogsmith sim --replay`: a recorded conversation against a bot that connects.

use super::cli::{cogsmith, folder};
use crate::support::process::Process;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A conversation in which somebody writes `!ping`, and this is the answer.
fn conversation(answer: &str) -> String {
    json!({
        "conversation": 1, "name": "ping", "recorded_at": 1_800_000_000.0,
        "people": [{ "name": "anna" }], "channels": [{ "name": "general" }], "ids": {},
        "steps": [{
            "at": 0.0, "by": "anna", "channel": "general",
            "does": { "says": { "message": "m1", "content": "!ping" } },
            "answers": [{ "after": 0.01, "does": { "writes": {
                "message": "m2", "channel": "general", "seen": { "content": answer, "replies_to": "m1" },
            } } }],
        }],
    })
    .to_string()
}

/// Plays `talk.json` of a folder with Cogsmith itself as the bot that connects: the exit code, and what was printed.
fn played(here: &Path, options: &[&str]) -> (i32, String) {
    let token = "MTAwMDAwMDAwMDAwMDAwMDAx.aaaaaa.abcdefghijklmnopqrstuvwxyz0";
    let mut arguments = vec![
        "sim",
        "--listen",
        "127.0.0.1:0",
        "--token",
        token,
        "--replay",
        "talk.json",
    ];
    arguments.extend(options);
    let mut sim = Process::start(here, &arguments, &[]);
    let line = sim.until("The simulator is at");
    let url = line.split_whitespace().nth(4).unwrap().to_owned();
    sim.until("Waiting for a bot");
    let bot = ["run", "--online", "--no-supervisor"];
    let variables = [
        ("DISCORD_TOKEN", token),
        ("DISCORD_API_URL", url.as_str()),
        ("COGSMITH_STUDIO__LISTEN", "127.0.0.1:0"),
    ];
    let bot = Process::start(here, &bot, &variables);
    let ended = sim.ended();
    bot.stopped();
    ended
}

#[test]
fn a_conversation_is_played_with_the_bot_that_connects() {
    let cog = "local cog = require(\"@cogsmith/cog\")\ncog.command { name = \"ping\", run = function(ctx) ctx:reply(\"pong\") end }\n";
    let here = folder(&[
        ("lua/cogs/ping.luau", cog),
        ("talk.json", &conversation("pong")),
    ]);
    let (code, printed) = played(here.path(), &[]);
    assert!(
        printed.contains("ping: 1 step, all as recorded."),
        "{printed}"
    );
    assert_eq!(code, 0, "{printed}");

    fs::write(here.path().join("talk.json"), conversation("pang")).unwrap();
    let (code, printed) = played(here.path(), &[]);
    assert!(
        printed.contains("  - content: pang\n  + content: pong"),
        "{printed}"
    );
    assert_eq!(code, 1, "{printed}");

    let (code, printed) = played(here.path(), &["--update"]);
    assert_eq!(code, 0, "{printed}");
    let updated = fs::read_to_string(here.path().join("talk.json")).unwrap();
    let updated: Value = serde_json::from_str(&updated).unwrap();
    assert_eq!(
        updated["steps"][0]["answers"][0]["does"]["writes"]["seen"]["content"],
        "pong"
    );
}

#[test]
fn a_file_that_is_no_conversation_is_refused() {
    let here = folder(&[("talk.json", "{ \"conversation\": 1 }")]);
    for file in ["talk.json", "none.json"] {
        let told = cogsmith(here.path(), &["sim", "--replay", file], &[]);
        assert!(told.contains("exit 2"), "{told}");
        assert!(
            told.contains(&format!("--replay: {file} is no recorded conversation")),
            "{told}"
        );
    }
}
