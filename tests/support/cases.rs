//! Many small questions to one cog: each case is the body of a function that returns a text.

use super::{Setup, Stage, setup};
use std::fmt::Write as _;

/// What every case may use besides the host's modules.
const PRELUDE: &str = r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local json = require("@cogsmith/json")
local log = require("@cogsmith/log")
local time = require("@cogsmith/time")
local function why(...)
    local ok, err = pcall(...)
    if ok then
        return "no error"
    end
    if type(err) == "table" then
        return `{err.kind}: {err.message}`
    end
    return tostring(err)
end
cog.info { capabilities = { CAPABILITIES } }
"#;

/// All capabilities that the cases need.
pub const CAPABILITIES: &str = r#""messages.send", "messages.read", "messages.manage", "reactions.add", "members.read", "members.moderate", "roles.assign", "roles.manage", "dm.send", "channels.manage""#;

/// A case: the body of `function(ctx)`, and the text that it returns.
pub struct Case {
    pub body: String,
    pub expected: String,
}

/// A case with its expected text.
pub fn case(body: &str, expected: &str) -> Case {
    Case {
        body: body.to_owned(),
        expected: expected.to_owned(),
    }
}

/// A cog with one command for each case.
pub fn cog_of(cases: &[Case]) -> String {
    let mut source = PRELUDE.replace("CAPABILITIES", CAPABILITIES);
    for (number, case) in cases.iter().enumerate() {
        let body = &case.body;
        writeln!(
            source,
            "cog.command {{ name = \"c{number}\", run = function(ctx) ctx:reply((function()\n{body}\nend)() or \"nothing\") end }}"
        )
        .unwrap();
    }
    source
}

/// Asks every case, and reports all that answer otherwise.
pub async fn check(cases: &[Case]) {
    let stage = setup(&[("cogs/cases.luau", &cog_of(cases))]);
    check_in(stage, cases).await;
}

/// The same in a setup of the test's own, which has the cog of these cases.
pub async fn check_in(stage: Setup, cases: &[Case]) -> Stage {
    show_log();
    let stage = stage.start().await;
    let mut wrong = String::new();
    for (number, case) in cases.iter().enumerate() {
        if std::env::var("COGSMITH_TEST_LOG").is_ok() {
            eprintln!("case {number}");
        }
        let texts = answers(&stage, &format!("!c{number}")).await;
        let fits = match case.expected.strip_suffix('…') {
            Some(head) => texts.last().is_some_and(|text| text.starts_with(head)),
            None => texts.last() == Some(&case.expected),
        };
        if !fits {
            writeln!(
                wrong,
                "---\n{}\nexpected: {}\ngot:      {texts:?}",
                case.body, case.expected
            )
            .unwrap();
        }
    }
    if !wrong.is_empty() {
        for fault in stage.bot.reload.reports.recent() {
            for problem in &fault.problems {
                writeln!(wrong, "report: {problem:?}").unwrap();
            }
        }
        panic!("\n{wrong}");
    }
    stage
}

/// What the bot writes in #general from a line on, up to its first answer to the command. What it still tells
/// somebody who wrote before is left out.
pub async fn answers(stage: &Stage, line: &str) -> Vec<String> {
    let before = stage.sim.message_count(stage.general());
    let said = stage.sim.say(stage.sim.owner(), stage.general(), line);
    let said = said.unwrap()["id"].clone();
    stage.settled().await;
    let mut look = tokio::time::interval(std::time::Duration::from_millis(1));
    // A handler that waits for the clock counts as settled, and answers later.
    for _ in 0..10_000 {
        let mut messages = stage.written_since(stage.general(), before + 1);
        messages.retain(|message| {
            let replies_to = &message["message_reference"]["message_id"];
            replies_to.is_null() || *replies_to == said
        });
        if !messages.is_empty() {
            let text =
                |it: &serde_json::Value| it["content"].as_str().unwrap_or_default().to_owned();
            return messages.iter().map(text).collect();
        }
        look.tick().await;
    }
    Vec::new()
}

/// Shows the bot's log when `COGSMITH_TEST_LOG` asks for it.
pub fn show_log() {
    if let Ok(filter) = std::env::var("COGSMITH_TEST_LOG") {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_test_writer();
        // Another test of the same process may have been first.
        let _set = subscriber.try_init().is_ok();
    }
}
