//! What answers a slash command, and in time.

use super::{ask, call, one_cog, runs, said, shown};
use serde_json::json;
use std::time::Duration;

fn follow_ups(view: &cogsmith::sim::InteractionView) -> Vec<String> {
    view.follow_ups.iter().map(said).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reply_is_the_answer_and_others_follow() {
    let stage = one_cog(
        r#"
cog.command { name = "three", run = function(ctx)
    local first = ctx:reply("one")
    ctx:reply { content = "two", ephemeral = true }
    ctx:send(`three after {first.content}`)
    ctx:edit("three, edited")
end }
cog.command { name = "quiet", ephemeral = true, run = function(ctx)
    ctx:reply("a")
    ctx:reply { content = "b", ephemeral = false }
    ctx:delete()
end }
cog.command { name = "edits", run = function(ctx) ctx:reply("a") ctx:edit { content = "b" } end }
cog.command { name = "file", run = function(ctx) ctx:reply { files = { { filename = "a.txt", content = "hi" } } } end }
cog.command { name = "gone", run = function(ctx) ctx:reply { content = "bye", delete_after = 5 } end }
cog.command { name = "wrong", run = function(ctx)
    local ok, problem = pcall(ctx.reply, ctx, { content = string.rep("x", 2001) })
    ctx:reply(tostring(problem))
end }
cog.command { name = "early", run = function(ctx)
    local ok, problem = pcall(ctx.edit, ctx, "x")
    ctx:reply(tostring(problem))
end }
"#,
    )
    .start()
    .await;
    let view = runs(&stage, "anna", "three", json!({})).await;
    assert_eq!(view.response_type, Some(4));
    assert_eq!(shown(&view), "one");
    assert_eq!(follow_ups(&view), ["two (alone)", "three, edited"]);
    let view = runs(&stage, "anna", "quiet", json!({})).await;
    assert_eq!(shown(&view), "a (alone)");
    assert_eq!(follow_ups(&view), [""; 0]);
    assert_eq!(
        ask(&stage, "edits", json!({})).await.chars().next(),
        Some('a')
    );
    let view = runs(&stage, "anna", "edits", json!({})).await;
    assert_eq!(shown(&view), "b");
    let view = runs(&stage, "anna", "file", json!({})).await;
    let files = &view.message.unwrap()["attachments"];
    assert_eq!(files[0]["filename"], "a.txt");
    let one = call(&stage, "anna", "gone", json!({}));
    stage.settled().await;
    assert_eq!(shown(&one.state()), "bye");
    stage.advance(Duration::from_secs(6)).await;
    assert!(one.state().message.is_none());
    let wrong = ask(&stage, "wrong", json!({})).await;
    assert!(wrong.contains("ctx:reply: content: "), "{wrong}");
    let early = ask(&stage, "early", json!({})).await;
    assert!(early.contains("there is no answer yet"), "{early}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_mentioned_unless_it_is_asked_for() {
    let stage = one_cog(
        r#"cog.command { name = "hi", run = function(ctx) ctx:reply("@everyone") ctx:reply("@everyone") end }"#,
    )
    .start()
    .await;
    let view = runs(&stage, "owner", "hi", json!({})).await;
    assert_eq!(view.message.unwrap()["mention_everyone"], false);
    assert_eq!(view.follow_ups[0]["mention_everyone"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_puts_an_answer_off_as_the_command_says_and_sets_it_right() {
    let stage = one_cog(
        r#"
local alone = cog.option.maybe(cog.option.boolean { name = "alone" })
local fails = cog.option.maybe(cog.option.boolean { name = "fails" })
local function run(ctx)
    task.wait(10)
    if ctx:get(fails) then error("oh") end
    ctx:reply { content = "there", ephemeral = ctx:get(alone) }
    ctx:reply("more")
end
cog.command { name = "slow", options = { alone, fails }, run = run }
cog.command { name = "secret", ephemeral = true, options = { alone, fails }, run = run }
"#,
    )
    .start()
    .await;
    for (name, options, loading, answers) in [
        ("slow", json!({}), " (loading)", ["there", "more"]),
        (
            "secret",
            json!({}),
            " (alone) (loading)",
            ["there (alone)", "more (alone)"],
        ),
        (
            "slow",
            json!({ "alone": true }),
            " (loading)",
            ["there (alone)", "more"],
        ),
        (
            "secret",
            json!({ "alone": false }),
            " (alone) (loading)",
            ["there", "more (alone)"],
        ),
    ] {
        let one = call(&stage, "anna", name, options.clone());
        stage.settled().await;
        assert_eq!(one.state().response_type, None);
        stage.advance(Duration::from_millis(2_100)).await;
        assert_eq!(one.state().response_type, Some(5), "{name} {options}");
        assert_eq!(shown(&one.state()), loading, "{name} {options}");
        stage.advance(Duration::from_secs(10)).await;
        let view = one.state();
        let mut seen: Vec<String> = view.message.iter().map(said).collect();
        seen.extend(follow_ups(&view));
        assert_eq!(seen, answers, "{name} {options}");
    }
    // What is refused is for the caller alone, also then.
    let one = call(&stage, "anna", "slow", json!({ "fails": true }));
    stage.advance(Duration::from_secs(15)).await;
    let view = one.state();
    assert!(view.message.is_none(), "{view:?}");
    let told = follow_ups(&view);
    assert!(
        told[0].starts_with("Something went wrong") && told[0].ends_with("(alone)"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_puts_an_answer_off_while_the_cog_is_busy() {
    let stage = one_cog(
        r#"cog.command { name = "slow", checks = { function() task.wait(5) return true end }, run = function(ctx) ctx:reply("there") end }"#,
    )
    .start()
    .await;
    let one = call(&stage, "anna", "slow", json!({}));
    stage.advance(Duration::from_secs(3)).await;
    assert_eq!(one.state().response_type, Some(5));
    stage.advance(Duration::from_secs(3)).await;
    assert_eq!(shown(&one.state()), "there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_puts_its_answer_off_by_itself() {
    let stage = one_cog(
        r#"
cog.command { name = "later", run = function(ctx) ctx:defer { ephemeral = true } task.wait(1) ctx:reply { content = "x", ephemeral = true } end }
cog.command { name = "types", run = function(ctx) ctx:typing() task.wait(1) ctx:reply("y") end }
cog.command { name = "never", run = function(ctx) ctx:defer() task.delay(20, function() ctx:reply("z") end) end }
cog.command { name = "wrong", run = function(ctx) local _, problem = pcall(ctx.defer, ctx, { hidden = true }) ctx:reply(tostring(problem)) end }
"#,
    )
    .start()
    .await;
    for (name, deferred, answered) in [
        ("later", " (alone) (loading)", "x (alone)"),
        ("types", " (loading)", "y"),
    ] {
        let one = call(&stage, "anna", name, json!({}));
        stage.settled().await;
        assert_eq!(shown(&one.state()), deferred);
        stage.advance(Duration::from_secs(1)).await;
        assert_eq!(shown(&one.state()), answered);
    }
    let one = call(&stage, "anna", "never", json!({}));
    stage.advance(Duration::from_secs(19)).await;
    assert_eq!(shown(&one.state()), " (loading)");
    stage.advance(Duration::from_secs(2)).await;
    assert_eq!(shown(&one.state()), "z");
    let wrong = ask(&stage, "wrong", json!({})).await;
    assert!(
        wrong.contains("ctx:defer") && wrong.contains("hidden"),
        "{wrong}"
    );
    // Typed, there is nothing to put off.
    let typed = stage.says("anna", "!wrong").await;
    assert_eq!(typed.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_without_an_answer_leaves_nobody_waiting() {
    let stage = one_cog(
        r#"
cog.command { name = "silent", run = function() end }
cog.command { name = "slow", run = function() task.wait(5) end }
cog.command { name = "spawns", run = function(ctx) task.delay(1, function() ctx:reply("from a task") end) end }
cog.command { name = "forgets", run = function(ctx) task.delay(30, function() end) end }
"#,
    )
    .start()
    .await;
    assert_eq!(ask(&stage, "silent", json!({})).await, "Done. (alone)");
    let slow = call(&stage, "anna", "slow", json!({}));
    stage.advance(Duration::from_secs(6)).await;
    assert_eq!(follow_ups(&slow.state()), ["Done. (alone)"]);
    let spawns = call(&stage, "anna", "spawns", json!({}));
    stage.advance(Duration::from_secs(4)).await;
    assert_eq!(shown(&spawns.state()), "from a task");
    let forgets = call(&stage, "anna", "forgets", json!({}));
    stage.advance(Duration::from_secs(3)).await;
    assert_eq!(shown(&forgets.state()), "Done. (alone)");
    let silent = stage.says("anna", "!silent").await;
    assert!(silent.is_empty());
}
