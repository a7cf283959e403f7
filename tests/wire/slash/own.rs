//! The bot's own commands as slash commands.

use super::completion::choices;
use super::{OWN, ask, call, call_in, cog, of_cogs, one_cog, runs, shown};
use crate::support::{PATIENCE, Stage, answering, command, problems_of, setup, until};
use cogsmith::clock::Clock;
use serde_json::{Value, json};
use std::time::Duration;

const TWO: [(&str, &str); 2] = [("ping", "pong"), ("tag", "tagged")];

async fn two_cogs() -> Stage {
    let files = TWO.map(|(name, text)| (format!("cogs/{name}.luau"), answering(name, text)));
    let files: Vec<_> = files
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    setup(&files)
        .clock(Clock::paused(super::START))
        .start()
        .await
}

fn listed(stage: &Stage, name: &str) -> Value {
    let mut all = stage.sim.commands(None).into_iter();
    all.find(|it| it["name"] == name).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_lists_them_beside_those_of_the_cogs() {
    let stage = two_cogs().await;
    let all = stage.sim.commands(None);
    assert_eq!(
        (all.len(), of_cogs(&stage.sim, None).len()),
        (OWN.len() + 2, 2)
    );
    let reload = listed(&stage, "reload");
    assert_eq!(reload["default_member_permissions"], "32");
    assert_eq!(reload["contexts"], json!([0, 1]));
    assert!(listed(&stage, "help")["default_member_permissions"].is_null());
    // A list that is right is left alone.
    stage.sim.clear_requests();
    stage.bot.cogs.note_commands();
    stage.settled().await;
    assert!(stage.sim.requests().iter().all(|it| it.method != "PUT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn they_answer_their_caller_alone_as_the_typed_ones_do() {
    let mut stage = two_cogs().await;
    for (name, options, typed) in [
        ("reload toggle", json!({}), "!reload toggle"),
        ("reload cog", json!({ "name": "pong" }), "!reload cog pong"),
        ("load", json!({ "name": "pong" }), "!load pong"),
        ("unload", json!({ "name": "pong" }), "!unload pong"),
        ("cogs", json!({ "name": "pong" }), "!cogs pong"),
        ("help", json!({ "command": "ping" }), "!help ping"),
        ("help", json!({}), "!help"),
    ] {
        let said = stage.ask(typed).await;
        if typed == "!reload toggle" {
            stage.ask(typed).await;
        }
        let called = ask(&stage, name, options).await;
        let said = said.replace("`!reload`", "`/reload`");
        let said = said
            .replace("`!cogs`", "`/cogs`")
            .replace("`!load`", "`/load`")
            .replace("`!unload`", "`/unload`")
            .replace("`!forget`", "`/forget`");
        assert_eq!(called, format!("{said} (alone)"), "/{name}");
    }
    ask(&stage, "reload toggle", json!({})).await;
    let status = ask(&stage, "reload status", json!({ "page": 1 })).await;
    assert!(status.contains("Hot reload is on."), "{status}");
    let done = ask(&stage, "reload cog", json!({ "name": "tag" })).await;
    assert!(done.starts_with("✅ Reloaded `tag` in"), "{done}");
    stage.applied().await;
    let done = ask(&stage, "reload all", json!({})).await;
    assert!(done.starts_with("✅ Reloaded `ping`, `tag` in"), "{done}");
    assert_eq!(
        ask(&stage, "unload", json!({ "name": "tag" })).await,
        "✅ Unloaded `tag`. Its state is kept. Saving its file does not load it again. (alone)"
    );
    assert_eq!(
        choices(&stage, "owner", "load", json!({ "name": "" }), "name").await,
        [r#"tag="tag""#]
    );
    assert_eq!(
        ask(&stage, "load", json!({ "name": "tag" })).await,
        "✅ Loaded `tag`. (alone)"
    );
    assert_eq!(stage.ask("!tag").await, "tagged");
    let anna = stage.sim.user("anna").unwrap();
    assert_eq!(
        ask(&stage, "forget", json!({ "user": anna })).await,
        format!("Nothing is stored for <@{anna}> (`{anna}`). (alone)")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_refused_and_get_no_names() {
    let stage = two_cogs().await;
    // A server can let everybody see them.
    let guild = stage.sim.guild();
    let anna = stage.sim.user("anna").unwrap();
    let role = stage.sim.add_role(guild, "boss", 1 << 5).unwrap();
    stage.sim.give_role(guild, anna, role).unwrap();
    for (name, options) in [
        ("reload all", json!({})),
        ("reload status", json!({})),
        ("cogs", json!({})),
        ("load", json!({ "name": "tag" })),
        ("unload", json!({ "name": "tag" })),
        ("forget", json!({ "user": anna })),
    ] {
        let view = runs(&stage, "anna", name, options).await;
        let told = shown(&view);
        assert!(
            told.starts_with("This command is for the bot's admins"),
            "{told}"
        );
        assert!(told.ends_with("(alone)"), "{told}");
    }
    assert_eq!(stage.ask("!tag").await, "tagged");
    let offered = choices(&stage, "anna", "unload", json!({ "name": "t" }), "name").await;
    assert_eq!(offered, [""; 0]);
    let offered = choices(&stage, "owner", "unload", json!({ "name": "t" }), "name").await;
    assert_eq!(offered, [r#"tag="tag""#]);
    let help = shown(&runs(&stage, "anna", "help", json!({})).await);
    assert!(
        help.contains("`!ping`") && !help.contains("reload"),
        "{help}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn help_offers_the_commands_that_the_caller_may_use() {
    let stage = one_cog(
        r#"
local check = cog.check
local function f() end
cog.command { name = "open", run = f }
cog.command { name = "hidden", hidden = true, run = f }
cog.command { name = "own", checks = { check.owner }, run = f }
cog.command { name = "kick", checks = { check.permissions("kick_members") }, run = f }
cog.command { name = "asks", checks = { check.custom(function() return false end) }, run = f }
cog.command { name = "dm", contexts = { "bot_dm" }, run = f }
cog.group { name = "tag", commands = {
    { name = "add", run = f },
    { name = "purge", checks = { check.owner }, run = f },
} }
"#,
    )
    .start()
    .await;
    let offered = async |user: &str, typed: &str| {
        let options = json!({ "command": typed });
        let all = choices(&stage, user, "help", options, "command").await;
        let names = all
            .iter()
            .map(|it| it.split('=').next().unwrap().to_owned());
        names.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(offered("anna", "").await, "asks, open, tag, tag add");
    assert_eq!(
        offered("owner", "").await,
        "asks, kick, open, own, tag, tag add, tag purge"
    );
    assert_eq!(offered("owner", "P").await, "open, tag purge");
    // With checks of the whole cog, none of its commands is offered to whom they refuse.
    let mut stage = one_cog("").start().await;
    stage.save(
        "cogs/t.luau",
        &cog("cog.checks { cog.check.owner }\ncog.command { name = \"x\", run = function() end }"),
    );
    stage.applied().await;
    stage.settled().await;
    let options = || json!({ "command": "" });
    assert_eq!(
        choices(&stage, "anna", "help", options(), "command").await,
        [""; 0]
    );
    assert_eq!(
        choices(&stage, "owner", "help", options(), "command")
            .await
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reload_is_put_off_for_the_caller_alone() {
    let stage = two_cogs().await;
    let clock = stage.bot.services.clock.clone();
    // No reload ends as long as this is held.
    let held = stage.bot.cogs.committing.lock().await;
    let interaction = call(&stage, "owner", "reload cog", json!({ "name": "tag" }));
    // The desk and the reload are at it.
    until(|| stage.bot.services.activity.count() >= 2).await;
    let in_time = clock.now() + Duration::from_millis(2_500);
    until(|| {
        clock.advance_to_next(in_time);
        interaction.state().response_type.is_some()
    })
    .await;
    let view = interaction.state();
    assert_eq!(view.response_type, Some(5));
    assert!(shown(&view).ends_with("(alone) (loading)"), "{view:?}");
    drop(held);
    let view = interaction.response(PATIENCE).await.unwrap();
    let told = shown(&view);
    assert!(
        told.starts_with("✅ Reloaded `tag` in") && told.ends_with("(alone)"),
        "{told}"
    );
    assert!(view.follow_ups.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn they_work_in_direct_messages() {
    let stage = two_cogs().await;
    let owner = stage.sim.owner();
    let channel = stage.sim.direct_channel(owner);
    let interaction = call_in(&stage, "owner", channel, "cogs", json!({}));
    let told = shown(&interaction.response(PATIENCE).await.unwrap());
    assert!(told.contains("ping"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cog_takes_their_names() {
    let mut stage = one_cog("").start().await;
    for name in OWN {
        for how in ["slash = false", "prefix = false"] {
            let declared = format!(
                "cog.command {{ name = \"{name}\", {how}, run = function() end }} -- {how}"
            );
            stage.save("cogs/t.luau", &cog(&declared));
            let problems = problems_of(&*stage.failed().await);
            let expected = format!("the command name \"{name}\" belongs to the bot itself");
            assert!(problems.contains(&expected), "{problems}");
        }
    }
    stage.settled().await;
    assert_eq!(stage.sim.commands(None).len(), OWN.len());
}

/// What the guard finds later is told to whoever has reloaded the cog with a slash command, as a follow-up for them
/// alone, for as long as Discord takes one; then in the channel.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_finds_follows_up_a_reload() {
    let broken = command("ping", "error(\"no more\")");
    for (minutes, is_follow_up) in [(1, true), (20, false)] {
        let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
            .config(r#"{ "hot_reload": { "auto_reload_cogs": false } }"#)
            .clock(Clock::paused(super::START))
            .stored()
            .start()
            .await;
        for _ in 0..6 {
            stage.ask("!ping").await;
        }
        stage.save("cogs/ping.luau", &broken);
        stage.report().await;
        let call = call(&stage, "owner", "reload cog", json!({ "name": "ping" }));
        stage.settled().await;
        stage.advance(Duration::from_secs(60 * minutes)).await;
        let before = stage.sim.message_count(stage.general());
        for _ in 0..3 {
            stage.says("anna", "!ping").await;
        }
        let start = "⚠️ Since its reload `ping` does worse than before.";
        let told = stage.written_since(stage.general(), before);
        let told = told.iter().filter_map(|it| it["content"].as_str());
        let in_channel = told.filter(|text| text.starts_with("<@") && text.contains(start));
        let in_channel = in_channel.count();
        let follow_ups = if is_follow_up {
            call.follow_ups(1, PATIENCE).await.unwrap()
        } else {
            Vec::new()
        };
        let follow_ups: Vec<&str> = follow_ups
            .iter()
            .filter_map(|it| it["content"].as_str())
            .collect();
        assert_eq!(
            (follow_ups.len(), in_channel),
            (usize::from(is_follow_up), usize::from(!is_follow_up))
        );
        if is_follow_up {
            assert!(follow_ups[0].starts_with(start), "{follow_ups:?}");
            assert!(
                follow_ups[0].ends_with("`/reload undo ping` puts the version before back."),
                "{follow_ups:?}"
            );
        }
        stage.stop().await;
    }
}
