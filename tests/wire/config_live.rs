//! `config.json` is edited while the bot runs: what can be applied is, and a broken edit changes nothing.

use crate::support::{Setup, Stage, answering, command, setup};
use cogsmith::config::Environment;
use cogsmith::guard::{Action, Why};
use cogsmith::reload::report::Outcome;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

/// A stage whose bot follows `config.json`, which says `config` at first.
async fn following(files: &[(&str, &str)], config: &str) -> Stage {
    let no_variables: [(&str, &str); 0] = [];
    with_variables(setup(files), config, &no_variables).await
}

async fn with_variables(setup: Setup, config: &str, variables: &[(&str, &str)]) -> Stage {
    let mut stage = setup.config(config).start().await;
    fs::write(path(&stage), config).unwrap();
    let environment: Environment = variables.iter().copied().collect();
    let path = path(&stage);
    stage.bot.follow_config(&path, environment);
    stage
}

fn path(stage: &Stage) -> PathBuf {
    stage.folder.path().join("config.json")
}

/// Saves `config.json` and waits until the edit has been taken.
async fn edit(stage: &mut Stage, config: &str) {
    fs::write(path(stage), config).unwrap();
    taken(stage).await;
    stage.settled().await;
}

/// Waits for the report of a good edit.
async fn taken(stage: &mut Stage) {
    let report = stage.applied().await;
    assert_eq!(report.changed, ["config.json"], "{report:#?}");
    assert!(report.cogs.is_empty(), "{report:#?}");
}

async fn answers(stage: &Stage, text: &str) -> usize {
    stage.says("owner", text).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn prefix_language_and_admins_apply_at_once() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let mut stage = following(&files, "{}").await;
    let anna = stage.sim.user("anna").unwrap();
    assert!(
        stage.says("anna", "!reload").await[0]["content"]
            .as_str()
            .unwrap()
            .contains("admins")
    );
    edit(
        &mut stage,
        &format!(r#"{{ "bot": {{ "prefix": "?", "locale": "id", "admins": ["{anna}"] }} }}"#),
    )
    .await;
    assert_eq!(stage.ask("?ping").await, "pong");
    assert_eq!(answers(&stage, "!ping").await, 0);
    let menu = stage.says("anna", "?reload").await;
    let menu = menu[0]["content"].as_str().unwrap();
    assert!(menu.contains("`?reload status` menampilkan"), "{menu}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_edit_changes_nothing_and_the_next_good_one_works() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let mut stage = following(&files, "{}").await;
    fs::write(
        path(&stage),
        "{\n  \"bot\": { \"prefix\": \"?\", \"admns\": [] },\n  \"limit\": 1\n}",
    )
    .unwrap();
    let report = stage.failed().await;
    assert_eq!(report.changed, ["config.json"]);
    assert_eq!(report.problems.len(), 2, "{report:#?}");
    let place = report.problems[0].place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("config.json", 2));
    assert!(
        report.problems[0]
            .message
            .contains("did you mean `bot.admins`?")
    );
    assert_eq!(stage.ask("!ping").await, "pong");
    let status = stage.ask("!reload status").await;
    assert!(
        status.contains("The bot still uses the one before"),
        "{status}"
    );
    assert!(status.contains("config.json:2: unknown key"), "{status}");

    fs::write(path(&stage), "{ \"bot\": }").unwrap();
    let report = stage.failed().await;
    let place = report.problems[0].place.as_ref().unwrap();
    assert_eq!(place.excerpt, ["{ \"bot\": }"]);

    fs::remove_file(path(&stage)).unwrap();
    let report = stage.failed().await;
    assert!(
        report.problems[0].message.contains("is gone"),
        "{report:#?}"
    );
    assert_eq!(stage.ask("!ping").await, "pong");

    edit(&mut stage, r#"{ "bot": { "prefix": "?" } }"#).await;
    assert_eq!(stage.ask("?ping").await, "pong");
    let status = stage.ask("?reload status").await;
    assert!(
        !status.contains("The bot still uses the one before"),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_saving_is_one_edit() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let mut stage = following(&files, "{}").await;
    let config = |prefix: &str| format!(r#"{{ "bot": {{ "prefix": "{prefix}" }} }}"#);
    // A new file under the old name.
    let other = stage.folder.path().join("config.json.tmp");
    fs::write(&other, config("a!")).unwrap();
    fs::rename(&other, path(&stage)).unwrap();
    taken(&mut stage).await;
    assert_eq!(stage.ask("a!ping").await, "pong");
    // The old file as a backup, a new one in its place.
    fs::rename(path(&stage), stage.folder.path().join("config.json~")).unwrap();
    fs::write(path(&stage), config("b!")).unwrap();
    taken(&mut stage).await;
    assert_eq!(stage.ask("b!ping").await, "pong");
    // The same again, and an other file beside it.
    fs::write(path(&stage), config("b!")).unwrap();
    fs::write(stage.folder.path().join("notes.json"), "{").unwrap();
    // A file that is emptied before it is written.
    fs::write(path(&stage), "").unwrap();
    fs::write(path(&stage), config("c!")).unwrap();
    taken(&mut stage).await;
    assert_eq!(stage.ask("c!ping").await, "pong");
    assert!(stage.no_report());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_whose_writer_pauses_halfway_is_read_when_it_is_whole() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let mut stage = following(&files, "{}").await;
    let mut file = fs::File::create(path(&stage)).unwrap();
    for part in [r#"{ "bot": "#, r#"{ "prefix": "#, r#""?" } }"#] {
        file.write_all(part.as_bytes()).unwrap();
        // The writer's own pause: longer than a file that is cut off is given.
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    }
    drop(file);
    taken(&mut stage).await;
    assert_eq!(stage.ask("?ping").await, "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_elsewhere_is_an_edit() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let mut stage = setup(&files).start().await;
    let versions = stage.folder.path().join("versions");
    fs::create_dir(&versions).unwrap();
    let config = |prefix: &str| format!(r#"{{ "bot": {{ "prefix": "{prefix}" }} }}"#);
    fs::write(versions.join("one.json"), config("!")).unwrap();
    fs::write(versions.join("two.json"), config("?")).unwrap();
    std::os::unix::fs::symlink(versions.join("one.json"), path(&stage)).unwrap();
    let path = path(&stage);
    stage.bot.follow_config(&path, Environment::default());
    let link = stage.folder.path().join("link");
    std::os::unix::fs::symlink(versions.join("two.json"), &link).unwrap();
    fs::rename(&link, &path).unwrap();
    taken(&mut stage).await;
    assert_eq!(stage.ask("?ping").await, "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_keeps_the_last_word() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let variables = [("COGSMITH_BOT__PREFIX", "$")];
    let mut stage = with_variables(setup(&files), "{}", &variables).await;
    // The stage's bot was started without the variable, so the first look applies it.
    taken(&mut stage).await;
    assert_eq!(stage.ask("$ping").await, "pong");
    edit(
        &mut stage,
        r#"{ "bot": { "prefix": "?", "locale": "id" } }"#,
    )
    .await;
    assert_eq!(stage.ask("$ping").await, "pong");
    assert_eq!(answers(&stage, "?ping").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn hot_reload_is_switched_off_and_on() {
    let files = [("cogs/ping.luau", &*answering("ping", "one"))];
    let mut stage = following(&files, "{}").await;
    for key in ["enabled", "auto_reload_cogs"] {
        edit(
            &mut stage,
            &format!(r#"{{ "hot_reload": {{ "{key}": false }} }}"#),
        )
        .await;
        stage.save("cogs/ping.luau", &answering("ping", key));
        assert_eq!(stage.report().await.outcome, Outcome::Pending);
        assert_ne!(stage.ask("!ping").await, key);
        fs::write(path(&stage), "{}").unwrap();
        taken(&mut stage).await;
        let report = stage.applied().await;
        assert_eq!(report.cogs[0].name, "ping");
        assert_eq!(stage.ask("!ping").await, key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_switched_stays_until_the_file_says_something_new() {
    let files = [("cogs/ping.luau", &*answering("ping", "one"))];
    let mut stage = following(&files, "{}").await;
    assert!(stage.ask("!reload toggle").await.contains("is off"));
    edit(&mut stage, r#"{ "bot": { "prefix": "?" } }"#).await;
    let status = stage.ask("?reload status").await;
    assert!(status.contains("Hot reload is off"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watched_folders_and_ignored_names_apply_at_once() {
    let user = r#"local cog = require("@cogsmith/cog")
local text = require("../words/text")
cog.command { name = "word", run = function(ctx) ctx:reply(text) end }
"#;
    let files = [
        ("words/text.luau", "return \"one\""),
        ("cogs/word.luau", user),
        ("cogs/draft.luau", &*answering("draft", "draft")),
    ];
    let mut stage = following(&files, "{}").await;
    assert_eq!(answers(&stage, "!word").await, 0);
    assert_eq!(stage.ask("!draft").await, "draft");
    let rules = r#"{ "hot_reload": {
        "watch_directories": ["cogs", "words"], "ignore_patterns": ["draft*"], "reload_delay": 0.01
    } }"#;
    fs::write(path(&stage), rules).unwrap();
    taken(&mut stage).await;
    let report = stage.applied().await;
    let names: Vec<_> = report.cogs.iter().map(|cog| cog.name.as_str()).collect();
    assert_eq!(names, ["draft", "word"], "{report:#?}");
    assert_eq!(stage.ask("!word").await, "one");
    assert_eq!(answers(&stage, "!draft").await, 0);
    let status = stage.ask("!reload status").await;
    assert!(status.contains("cogs, words"), "{status}");
    stage.save("words/text.luau", "return \"two\"");
    stage.applied().await;
    assert_eq!(stage.ask("!word").await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capability_that_is_taken_fails_the_next_reload_and_one_that_is_granted_mends() {
    let asking = r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
cog.info { capabilities = { "messages.send" } }
cog.command { name = "say", run = function(ctx) ctx:reply("TEXT") end }
cog.command { name = "send", run = function(ctx)
    local ok, err = pcall(function() discord.cache.channel(ctx.channel_id):send("sent") end)
    if not ok then ctx:reply(`{err}`) end
end }
"#;
    let files = [("cogs/say.luau", &*asking.replace("TEXT", "one"))];
    let mut stage = following(&files, "{}").await;
    assert_eq!(stage.ask("!send").await, "sent");
    edit(&mut stage, r#"{ "capabilities": { "*": [] } }"#).await;
    assert_eq!(stage.ask("!say").await, "one");
    let refused = stage.ask("!send").await;
    assert!(
        refused.contains(r#""messages.send", which config.json does not grant"#),
        "{refused}"
    );
    stage.save("cogs/say.luau", &asking.replace("TEXT", "two"));
    let report = stage.failed().await;
    assert!(
        report.problems[0].message.contains("messages.send"),
        "{report:#?}"
    );
    assert_eq!(stage.ask("!say").await, "one");
    fs::write(
        path(&stage),
        r#"{ "capabilities": { "say": ["messages.send"] } }"#,
    )
    .unwrap();
    taken(&mut stage).await;
    stage.applied().await;
    assert_eq!(stage.ask("!say").await, "two");
    assert_eq!(stage.ask("!send").await, "sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_apply_at_once_or_to_new_vms() {
    let cog = r#"local cog = require("@cogsmith/cog")
cog.command { name = "talk", run = function(ctx)
    ctx:reply("1")
    for n = 2, 4 do ctx:send(tostring(n)) end
end }
cog.command { name = "fill", run = function(ctx)
    ctx:reply(tostring(#string.rep("x", 40 * 1024 * 1024)))
end }
"#;
    let mut stage = following(&[("cogs/use.luau", cog)], "{}").await;
    let full = (40 * 1024 * 1024).to_string();
    assert!(!stage.ask("!fill").await.contains(&full));
    assert_eq!(answers(&stage, "!talk").await, 4);
    edit(
        &mut stage,
        r#"{ "limits": { "discord_calls_per_10s": 2 } }"#,
    )
    .await;
    // What has been sent before counts as well; the rest waits, and comes.
    let met = || {
        let cog = stage.bot.cogs.get("use").unwrap();
        cog.context
            .limit_hits
            .times(cogsmith::api::limits::Limit::DiscordCalls)
    };
    assert_eq!(met(), 0);
    let general = stage.general();
    stage.sim.say(stage.sim.owner(), general, "!talk").unwrap();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(2));
    while stage.written().iter().filter(|it| *it == "4").count() < 2 {
        look.tick().await;
    }
    assert!(met() >= 1);
    edit(&mut stage, r#"{ "limits": { "memory_mb": 256 } }"#).await;
    assert!(!stage.ask("!fill").await.contains(&full));
    assert!(stage.ask("!reload all").await.contains("`use`"));
    assert_eq!(stage.ask("!fill").await, full);
}

/// What the guard does when a cog that was well gets a version that always fails.
async fn done_about_a_bad_version(stage: &mut Stage, cog: &str) -> Option<Action> {
    let call = format!("!{cog}");
    for _ in 0..6 {
        assert_eq!(stage.ask(&call).await, "well");
    }
    let file = format!("cogs/{cog}.luau");
    stage.save(&file, &command(cog, "error(\"bad\")"));
    stage.applied().await;
    for _ in 0..3 {
        stage.says("anna", &call).await;
    }
    let notice = stage.bot.cogs.get(cog).unwrap().guard_notice();
    notice.map(|notice| notice.action.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_does_applies_at_once() {
    let cogs = ["first", "second", "third"].map(|name| {
        let file = format!("cogs/{name}.luau");
        (file, answering(name, "well"))
    });
    let files = cogs.each_ref().map(|(file, text)| (&**file, &**text));
    let guard = |what: &str| format!(r#"{{ "hot_reload": {{ "guard": "{what}" }} }}"#);
    let mut stage = with_variables(setup(&files).stored(), &guard("off"), &[]).await;
    assert_eq!(done_about_a_bad_version(&mut stage, "first").await, None);
    edit(&mut stage, &guard("warn")).await;
    let warned = done_about_a_bad_version(&mut stage, "second").await;
    assert_eq!(warned, Some(Action::Warned(Why::Configured)));
    edit(&mut stage, &guard("undo")).await;
    let undone = done_about_a_bad_version(&mut stage, "third").await;
    assert_eq!(undone, Some(Action::Undone(1)));
    assert_eq!(stage.ask("!third").await, "well");
    // A word that it does not know leaves it as it is.
    fs::write(path(&stage), guard("undone")).unwrap();
    stage.applied().await;
    let report = stage.failed().await;
    assert_eq!(report.changed, ["config.json"]);
    assert!(
        report.problems[0].message.contains("hot_reload.guard"),
        "{report:#?}"
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_waits_for_it() {
    let files = [("cogs/ping.luau", &*answering("ping", "pong"))];
    let mut stage = following(&files, "{}").await;
    edit(
        &mut stage,
        r#"{ "state": { "url": "sqlite:other.db" }, "bot": { "prefix": "?" } }"#,
    )
    .await;
    let config = stage.bot.services.config.load_full();
    assert_eq!(config.state.url, "sqlite:var/state.db");
    assert_eq!(config.bot.prefix, "?");
}
