//! A cog answers, is edited, and answers anew: over real HTTP and WebSocket, with real files.

use crate::support::{answering, setup};

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_answers_is_edited_and_answers_anew() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    assert_eq!(stage.ask("!ping").await, "pong");
    stage.save("cogs/ping.luau", &answering("ping", "peng"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "peng");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syntax_error_changes_nothing_and_says_where() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    stage.save("cogs/ping.luau", "local x = \nlocal y = = 2\n");
    let report = stage.failed().await;
    let problem = &report.problems[0];
    let place = problem.place.as_ref().unwrap();
    assert_eq!(place.file, "lua/cogs/ping.luau");
    assert_eq!(place.line, 2, "{problem:?}");
    assert!(
        place.excerpt.iter().any(|line| line.contains("= = 2")),
        "{problem:?}"
    );
    assert_eq!(stage.ask("!ping").await, "pong");
    stage.save("cogs/ping.luau", &answering("ping", "fixed"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "fixed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_at_top_level_changes_nothing_and_says_where() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    stage.save(
        "cogs/ping.luau",
        "local t = nil\nlocal function f()\n    return t.x\nend\nf()\n",
    );
    let report = stage.failed().await;
    let problem = &report.problems[0];
    assert_eq!(problem.place.as_ref().unwrap().line, 3, "{problem:?}");
    assert!(
        problem.message.contains("attempt to index nil"),
        "{problem:?}"
    );
    assert_eq!(problem.trace.len(), 2, "{problem:?}");
    assert_eq!(stage.ask("!ping").await, "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_at_top_level_is_stopped_and_says_where() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    stage.save(
        "cogs/ping.luau",
        "local n = 0\nwhile true do\n    n += 1\nend\n",
    );
    let report = stage.failed().await;
    let problem = &report.problems[0];
    let line = problem.place.as_ref().unwrap().line;
    assert!((2..=4).contains(&line), "{problem:?}");
    assert!(problem.message.contains("limits.cpu_ms"), "{problem:?}");
    assert_eq!(stage.ask("!ping").await, "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_module_reloads_its_users_and_only_them() {
    let user = r#"local cog = require("@cogsmith/cog")
local text = require("../utils/text")
cog.command { name = "NAME", run = function(ctx) ctx:reply(text.hello()) end }
"#;
    let mut stage = setup(&[
        (
            "utils/text.luau",
            "return { hello = function() return \"one\" end }",
        ),
        ("cogs/a.luau", &user.replace("NAME", "a")),
        ("cogs/b.luau", &user.replace("NAME", "b")),
        ("cogs/c.luau", &answering("c", "c")),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!a").await, "one");
    stage.save(
        "utils/text.luau",
        "return { hello = function() return \"two\" end }",
    );
    let report = stage.applied().await;
    let names: Vec<_> = report.cogs.iter().map(|cog| cog.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(report.cogs[0].executed, ["utils.text", "cogs.a"]);
    assert_eq!(stage.ask("!a").await, "two");
    assert_eq!(stage.ask("!b").await, "two");
    assert_eq!(stage.ask("!c").await, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_survives_a_reload_and_a_restart() {
    let cog = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local data = state.defaults { user = { count = 0 } }
cog.command { name = "count", run = function(ctx)
    local mine = data.user(ctx.author.id)
    mine.count += 1
    ctx:reply(`TEXT {mine.count}`)
end }
"#;
    let mut stage = setup(&[("cogs/count.luau", &cog.replace("TEXT", "a"))])
        .stored()
        .start()
        .await;
    assert_eq!(stage.ask("!count").await, "a 1");
    stage.save("cogs/count.luau", &cog.replace("TEXT", "b"));
    stage.applied().await;
    assert_eq!(stage.ask("!count").await, "b 2");
    let folder = stage.stop().await;
    let stage = setup(&[]).stored().folder(folder).start().await;
    assert_eq!(stage.ask("!count").await, "b 3");
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_reload_by_hand_and_others_are_refused() {
    let stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    assert!(stage.ask("!reload").await.contains("!reload cog <name>"));
    assert!(stage.ask("!reload cog ping").await.contains("`ping`"));
    assert!(stage.ask("!reload cog cogs.ping").await.contains("`ping`"));
    assert!(stage.ask("!reload all").await.contains("`ping`"));
    assert!(stage.ask("!reload cog pong").await.contains("ping"));
    let status = stage.ask("!reload status").await;
    assert!(
        status.contains("ping") && status.contains("Hot reload is on"),
        "{status}"
    );
    let refused = stage.says("anna", "!reload all").await;
    assert!(refused[0]["content"].as_str().unwrap().contains("admins"));
    assert!(stage.ask("!cogs").await.contains("ping"));
    assert!(stage.ask("!help").await.contains("ping"));
    assert!(stage.ask("!unload ping").await.contains("Unloaded"));
    assert!(stage.says("owner", "!ping").await.is_empty());
    assert!(stage.ask("!load ping").await.contains("Loaded"));
    assert_eq!(stage.ask("!ping").await, "pong");
}
