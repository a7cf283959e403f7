//! `cog.on_unknown_command`, `bot.suggest_commands` and `ctx:run`.

use crate::support::{PATIENCE, Setup, Stage, log, setup};
use cogsmith::clock::Clock;
use cogsmith::sim::InteractionRequest;
use serde_json::json;
use std::time::Duration;

const START: u64 = 1_767_268_800;

fn cog(body: &str) -> String {
    format!(
        "local cog = require(\"@cogsmith/cog\")\nlocal task = require(\"@cogsmith/task\")\n{body}"
    )
}

fn cogs(files: &[(&str, &str)]) -> Setup {
    let files: Vec<(&str, String)> = files
        .iter()
        .map(|(path, body)| (*path, cog(body)))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    setup(&files).clock(Clock::paused(START))
}

/// What the bot says after a message of anna's.
async fn says(stage: &Stage, text: &str) -> Vec<String> {
    let said = stage.says("anna", text).await;
    said.iter()
        .map(|it| it["content"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cogs_are_asked_in_order_until_one_knows() {
    log::listen();
    let a = r#"
cog.on_unknown_command(function(ctx, name, rest)
    if name == "Raise" then error("broken 5577") end
    if name == "fail" then cog.fail("Not that.") end
    if name == "slow" then task.wait(60) return true end
    if name == "both" then ctx:reply(`a {ctx.command} {ctx.prefix} [{rest}]`) return true end
    return false
end)
cog.on_unknown_command(function(ctx, name)
    if name == "second" then ctx:reply("second of a") return true end
    return nil
end)
"#;
    let b = r#"
cog.command { name = "known", run = function(ctx) ctx:reply("known") end }
cog.on_unknown_command(function(ctx, name, rest)
    ctx:finally(function() ctx:send("finally") end)
    if name == "other" then return false end
    ctx:reply(`b {name} [{rest}]`)
    return true
end)
"#;
    let stage = cogs(&[("cogs/a.luau", a), ("cogs/b.luau", b)])
        .start()
        .await;
    assert_eq!(says(&stage, "!both  x y ").await, ["a both ! [x y]"]);
    assert_eq!(says(&stage, "!second").await, ["second of a"]);
    assert_eq!(
        says(&stage, "!Third \"x\"").await,
        ["b Third [\"x\"]", "finally"]
    );
    assert_eq!(says(&stage, "!known").await, ["known"]);
    assert_eq!(says(&stage, "!fail").await, ["Not that."]);
    assert_eq!(says(&stage, "!Raise").await, ["b Raise []", "finally"]);
    assert!(!log::logged(&["broken 5577"]).is_empty());
    assert_eq!(says(&stage, "!other").await, ["finally"]);
    // What calls nothing is nobody's business.
    for text in ["!", "!!", "!?", "! both", "both"] {
        assert_eq!(says(&stage, text).await, [""; 0], "{text}");
    }
    // Whoever takes too long does not hold up the others.
    assert_eq!(says(&stage, "!slow").await, [""; 0]);
    let general = stage.general();
    let before = stage.sim.messages(general).len();
    stage.advance(Duration::from_secs(11)).await;
    let after = stage.sim.messages(general);
    assert_eq!(after[before]["content"], "b slow []");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_decides_who_is_asked() {
    let declared = |text: &str| {
        cog(&format!(
            "cog.on_unknown_command(function(ctx) ctx:reply(\"{text}\") return true end)"
        ))
    };
    let mut stage = cogs(&[("cogs/a.luau", "")]).start().await;
    assert_eq!(says(&stage, "!x").await, [""; 0]);
    stage.save("cogs/a.luau", &declared("one"));
    stage.applied().await;
    assert_eq!(says(&stage, "!x").await, ["one"]);
    stage.save(
        "cogs/a.luau",
        &format!("{}\nlocal x = = 1", declared("two")),
    );
    stage.failed().await;
    assert_eq!(says(&stage, "!x").await, ["one"]);
    stage.delete("cogs/a.luau");
    stage.applied().await;
    assert_eq!(says(&stage, "!x").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_mistypes_may_be_told() {
    let body = r#"
cog.command { name = "leaderboard", run = function(ctx) ctx:reply(tostring(cog.suggest_command("leaderbord"))) end }
cog.command { name = "secret", hidden = true, run = function() end }
"#;
    let stage = cogs(&[("cogs/a.luau", body)]).start().await;
    assert_eq!(says(&stage, "!leaderbord").await, [""; 0]);
    assert_eq!(says(&stage, "!leaderboard").await, ["leaderboard"]);
    let stage = cogs(&[("cogs/a.luau", body)])
        .config(r#"{ "bot": { "suggest_commands": true } }"#)
        .start()
        .await;
    let told = says(&stage, "!leaderbord").await;
    assert_eq!(
        told,
        ["There is no command `leaderbord`. Did you mean `!leaderboard`?"]
    );
    assert_eq!(says(&stage, "!leaderbord").await, [""; 0], "only so often");
    stage.advance(Duration::from_secs(11)).await;
    for text in ["!secrte", "!weather", "!?!"] {
        assert_eq!(says(&stage, text).await, [""; 0], "{text}");
    }
}

const RUNS: &str = r#"
local n = cog.option.integer { name = "n" }
local line = cog.option.string { name = "line", rest = true }
local function told(ctx) ctx:reply(`{ctx.command} {ctx.author.username} {ctx.options.n} {ctx.prefix}`) end
cog.command { name = "count", aliases = { "c" }, options = { n }, cooldown = { uses = 2, per = "1m" }, run = told }
cog.group { name = "tag", commands = { { name = "add", options = { n }, run = told } } }
cog.command { name = "owner", checks = { cog.check.owner }, run = told }
cog.command { name = "broken", run = function() error("broken 8812") end }
cog.command { name = "again", run = function(ctx) ctx:run("count 1") end }
cog.command { name = "alone", max_concurrent = { limit = 1, scope = "user" }, run = function(ctx) ctx:run("alone") end }
cog.command { name = "do", options = { line }, run = function(ctx)
    local ok, result = pcall(ctx.run, ctx, ctx:get(line))
    ctx:send(`{ok} {if type(result) == "table" then result.message else result}`)
end }
cog.command { name = "many", run = function(ctx)
    for _ = 1, 20 do ctx:run("tag add 1") end
    ctx:send(select(2, pcall(ctx.run, ctx, "tag add 1")).message)
end }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_line_runs_as_its_author_had_typed_it() {
    log::listen();
    let stage = cogs(&[
        ("cogs/a.luau", RUNS),
        (
            "cogs/b.luau",
            r#"
local line = cog.option.string { name = "line", rest = true }
cog.command { name = "theirs", run = function(ctx) ctx:reply("theirs") end }
cog.command { name = "run", options = { line }, run = function(ctx)
    local ok, result = pcall(ctx.run, ctx, ctx:get(line))
    ctx:send(`{ok} {if type(result) == "table" then result.message else result}`)
end }
"#,
        ),
        (
            "cogs/c.luau",
            r#"
cog.info { capabilities = { "commands.run" } }
cog.command { name = "may", run = function(ctx) ctx:send(tostring(ctx:run("!theirs"))) end }
"#,
        ),
    ])
    .start()
    .await;
    assert_eq!(
        says(&stage, "!do count 5").await,
        ["count anna 5 !", "true true"]
    );
    assert_eq!(
        says(&stage, "!do !c 6").await,
        ["count anna 6 !", "true true"]
    );
    assert_eq!(
        says(&stage, "!do count 7").await,
        ["Wait 1 minute, then try again.", "true false"]
    );
    assert_eq!(
        says(&stage, "!count 7").await,
        ["Wait 1 minute, then try again."]
    );
    assert_eq!(
        says(&stage, "!do tag add 3").await,
        ["tag add anna 3 !", "true true"]
    );
    assert_eq!(
        says(&stage, "!do owner").await,
        ["Only the bot's owner may do this.", "true false"]
    );
    let wrong = says(&stage, "!do tag add x").await;
    assert!(wrong[0].contains("`x` is not a whole number"), "{wrong:?}");
    assert_eq!(wrong[1], "true false");
    let broken = says(&stage, "!do broken").await;
    assert!(broken[0].starts_with("Something went wrong"), "{broken:?}");
    assert_eq!((broken.len(), broken[1].as_str()), (2, "true false"));
    for (line, expected) in [
        ("nothing", "false ctx:run: there is no command \"nothing\""),
        (
            "conut 5",
            "false ctx:run: there is no command \"conut\"; did you mean \"count\"?",
        ),
        (
            "reload all",
            "false ctx:run: there is no command \"reload\"",
        ),
        ("", "Say what `line` is"),
    ] {
        let said = says(&stage, &format!("!do {line}")).await;
        if !line.is_empty() {
            assert_eq!(said, [expected], "{line}");
        }
    }
    let again = says(&stage, "!do again").await;
    assert!(again[0].starts_with("Something went wrong"), "{again:?}");
    assert_eq!(
        log::logged(&["\"again\" was itself called by ctx:run"]).len(),
        1
    );
    assert_eq!(
        says(&stage, "!alone").await,
        ["This is still running: wait until it has finished, then try again."]
    );
    let denied = says(&stage, "!run theirs").await;
    assert_eq!(
        denied,
        ["theirs", "true true"],
        "its own commands are a cog's own"
    );
    let denied = says(&stage, "!run tag add 4").await;
    assert!(
        denied[0].starts_with("false ctx:run: the command \"tag\" of the cog \"a\""),
        "{denied:?}"
    );
    assert_eq!(says(&stage, "!may").await, ["theirs", "true"]);
    stage.advance(Duration::from_secs(60)).await;
    let many = says(&stage, "!many").await;
    assert_eq!(many.len(), 21, "{many:?}");
    assert_eq!(many[20], "ctx:run: at most 20 commands in one call");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_command_may_run_a_line_too() {
    let stage = cogs(&[("cogs/a.luau", RUNS)]).start().await;
    let (anna, general) = (stage.sim.user("anna").unwrap(), stage.general());
    let request = InteractionRequest::Slash {
        name: "do".into(),
        options: json!({ "line": "count 5" }),
    };
    let interaction = stage.sim.interact(anna, general, request).unwrap();
    let view = interaction.response(PATIENCE).await.unwrap();
    stage.settled().await;
    assert_eq!(view.message.unwrap()["content"], "count anna 5 !");
    let follow_ups = interaction.state().follow_ups;
    assert_eq!(follow_ups.len(), 1);
    assert_eq!(follow_ups[0]["content"], "true true");
}

#[tokio::test(flavor = "multi_thread")]
async fn refund_and_finally_are_there_for_both_forms() {
    let stage = cogs(&[(
        "cogs/a.luau",
        r#"
cog.command { name = "free", cooldown = { uses = 1, per = "1m" }, run = function(ctx)
    ctx:finally(function() ctx:send("finally") end)
    ctx:refund()
    ctx:help()
end }
"#,
    )])
    .start()
    .await;
    for _ in 0..2 {
        assert_eq!(says(&stage, "!free").await, ["`!free`", "finally"]);
        let (anna, general) = (stage.sim.user("anna").unwrap(), stage.general());
        let request = InteractionRequest::Slash {
            name: "free".into(),
            options: json!({}),
        };
        let interaction = stage.sim.interact(anna, general, request).unwrap();
        let view = interaction.response(PATIENCE).await.unwrap();
        stage.settled().await;
        assert_eq!(view.message.unwrap()["content"], "`/free`");
        assert_eq!(interaction.state().follow_ups[0]["content"], "finally");
    }
}
