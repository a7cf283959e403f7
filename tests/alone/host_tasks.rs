//! Every task of the host's is made to panic once. Whoever waits for an answer meanwhile gets a sentence, and
//! afterwards the bot does what the task is for.

use crate::support::{PATIENCE, Setup, Stage, answering, command, holds, setup};
use crate::turn;
use cogsmith::config::Environment;
use cogsmith::host_tasks::{Task, is_to_panic, panic_next, spawn};
use cogsmith::reload::report::{Outcome, Report, ReportLog, Trigger};
use cogsmith::studio::{self, BotView, StudioOptions};
use cogsmith::typecheck::{FindChecker, TypeFeed, TypeFollower};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a user is told whose command the bot itself has failed at.
const SENTENCE: &str = "The bot itself failed";

fn with_ping() -> Setup {
    setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
}

/// Returns when this is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    assert!(holds(is_so).await, "{what} does not come about");
}

async fn until_panicked(task: Task) {
    until(task.name(), || !is_to_panic(task)).await;
}

/// Asks until the answer is this.
async fn until_answered(stage: &Stage, question: &str, answer: &str) {
    let asking = async {
        while stage.answer(question).await.as_deref() != Some(answer) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, asking).await;
    assert!(came.is_ok(), "{question} is not answered with {answer}");
}

/// The first answer tells of the panic, and the second one is as ever.
async fn told_once(stage: &Stage, task: Task, question: &str, answer: &str) {
    panic_next(task);
    let told = stage.ask(question).await;
    assert!(told.contains(SENTENCE), "{}: {told}", task.name());
    assert!(!is_to_panic(task));
    let told = stage.ask(question).await;
    assert!(told.contains(answer), "{}: {told}", task.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_answer_is_told() {
    let _alone = turn().await;
    let stage = with_ping().start().await;
    told_once(&stage, Task::AdminDesk, "!cogs", "ping").await;
    told_once(&stage, Task::Router, "!ping", "pong").await;
    told_once(&stage, Task::Router, "!cogs", "ping").await;
    told_once(&stage, Task::Command, "!ping", "pong").await;
    told_once(&stage, Task::Reload, "!reload cog ping", "ping").await;
    panic_next(Task::PublicDesk);
    let told = stage.says("anna", "!help").await;
    assert!(told[0]["content"].as_str().unwrap().contains(SENTENCE));
    let told = stage.says("anna", "!help").await;
    assert!(told[0]["content"].as_str().unwrap().contains("ping"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_discord_fails_alone() {
    let _alone = turn().await;
    let body = r#"local ok, err = pcall(ctx.reply, ctx, "lost") ctx:reply(`{ok} {err.kind} {err.message}`)"#;
    let stage = setup(&[("cogs/t.luau", &command("t", body))]).start().await;
    panic_next(Task::DiscordCall);
    let told = stage.ask("!t").await;
    assert!(told.starts_with("false unreachable ctx:reply: "), "{told}");
    assert!(told.contains("the bot itself failed"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_goes_on_with_its_session() {
    let _alone = turn().await;
    let stage = with_ping().start().await;
    let (anna, general) = (stage.sim.user("anna").unwrap(), stage.general());
    let tasks = [Task::Shard, Task::SimulatorGateway];
    for (number, task) in (1..).zip(tasks) {
        panic_next(task);
        stage.sim.say(anna, general, "hi").unwrap();
        until_panicked(task).await;
        // It waits for the connection to come back.
        stage.sim.say(anna, general, "!ping").unwrap();
        until("the answer", || stage.written().len() == number).await;
    }
    assert_eq!(stage.sim.sessions().len(), 1, "the session was resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_answers_on() {
    let _alone = turn().await;
    let stage = with_ping().start().await;
    panic_next(Task::Simulator);
    assert_eq!(stage.ask("!ping").await, "pong");
    assert!(!is_to_panic(Task::Simulator));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_stored_on() {
    let _alone = turn().await;
    let stage = with_ping().with_sessions().start().await;
    let file = stage.folder.path().join("var/sessions.json");
    panic_next(Task::SessionSaver);
    until_panicked(Task::SessionSaver).await;
    until("the file", || file.exists()).await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!(stage.ask("!ping").await, "pong");
    until("the next file", || file.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_are_followed_on() {
    let _alone = turn().await;
    let mut stage = with_ping().start().await;
    panic_next(Task::Intents);
    let source = r#"local cog = require("@cogsmith/cog")
local heard = 0
cog.on("typing_start", function() heard += 1 end)
cog.command { name = "heard", run = function(ctx) ctx:reply(tostring(heard > 0)) end }
"#;
    stage.save("cogs/hears.luau", source);
    stage.applied().await;
    until_panicked(Task::Intents).await;
    let (anna, general) = (stage.sim.user("anna").unwrap(), stage.general());
    let heard = async {
        while stage.answer("!heard").await.as_deref() != Some("true") {
            stage.sim.typing_as(anna, general).unwrap();
        }
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await;
    assert!(heard.is_ok(), "no typing is heard");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_presence_is_told_on() {
    let _alone = turn().await;
    let source = r#"local cog = require("@cogsmith/cog")
cog.info { capabilities = { "presence" } }
cog.command { name = "busy", run = function(ctx)
    cog.presence { status = "dnd" }
    ctx:reply("shown")
end }
"#;
    let stage = setup(&[("cogs/busy.luau", source)]).start().await;
    panic_next(Task::Presence);
    assert_eq!(stage.ask("!busy").await, "shown");
    until_panicked(Task::Presence).await;
    until("the presence", || {
        let sessions = stage.sim.sessions();
        sessions.iter().any(|it| it.presence["status"] == "dnd")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slash_commands_are_listed_on() {
    let _alone = turn().await;
    let mut stage = with_ping().start().await;
    let lists = |stage: &Stage, name: &str| {
        let listed = stage.sim.commands(None);
        listed.iter().any(|command| command["name"] == name)
    };
    until("the first list", || lists(&stage, "ping")).await;
    panic_next(Task::CommandList);
    stage.save("cogs/next.luau", &answering("next", "here"));
    stage.applied().await;
    until("the next list", || lists(&stage, "next")).await;
    until_panicked(Task::CommandList).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_of_the_configuration_are_taken_on() {
    let _alone = turn().await;
    let mut stage = with_ping().start().await;
    let path = stage.folder.path().join("config.json");
    let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
    std::fs::write(&path, "{}").unwrap();
    stage.bot.follow_config(&path, environment);
    for (task, prefix) in [(Task::ConfigFile, "?"), (Task::ConfigWatch, "$")] {
        panic_next(task);
        let text = format!(r#"{{ "bot": {{ "prefix": "{prefix}" }} }}"#);
        std::fs::write(&path, text).unwrap();
        until_panicked(task).await;
        until_answered(&stage, &format!("{prefix}ping"), "pong").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_taken_although_its_reload_panicked() {
    let _alone = turn().await;
    let mut stage = with_ping().start().await;
    let tasks = [Task::Reload, Task::Batches, Task::FileWatch];
    for (number, task) in (0..).zip(tasks) {
        panic_next(task);
        // The collector has to come by first: it sleeps until something changes.
        stage.save(
            "cogs/ping.luau",
            &answering("ping", &format!("pong {number}")),
        );
        stage.save("cogs/new.luau", &answering(&format!("new{number}"), "new"));
        until_panicked(task).await;
        until_answered(&stage, "!ping", &format!("pong {number}")).await;
        until_answered(&stage, &format!("!new{number}"), "new").await;
    }
    while !stage.no_report() {
        stage.report().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_state_promised_is_written_after_all() {
    let _alone = turn().await;
    let body =
        "state.global.count = (state.global.count or 0) + 1 ctx:reply(`{state.global.count}`)";
    let look = command("look", "ctx:reply(`{state.global.count}`)");
    let look = look.split_once("cog.command").unwrap().1;
    let source = format!("{}cog.command{look}", command("count", body));
    let files = [("cogs/count.luau", source.as_str())];
    let stage = setup(&files).stored().start().await;
    assert_eq!(stage.ask("!count").await, "1");
    panic_next(Task::StateWriter);
    assert_eq!(stage.ask("!count").await, "2");
    assert!(!is_to_panic(Task::StateWriter));
    // Twice in a row is a failure like one of the disk's: nobody is answered, and the write is tried again.
    panic_next(Task::StateWriter);
    panic_next(Task::StateWriter);
    assert_eq!(stage.answer("!count").await, None);
    until_panicked(Task::StateWriter).await;
    until_answered(&stage, "!look", "3").await;
    let folder = stage.stop().await;
    let stage = setup(&files).stored().folder(folder).start().await;
    assert_eq!(stage.ask("!look").await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn cogs_that_loop_are_stopped_on() {
    let _alone = turn().await;
    let stage = setup(&[("cogs/loops.luau", &command("loop", "while true do end"))])
        .start()
        .await;
    panic_next(Task::Watchdog);
    until_panicked(Task::Watchdog).await;
    let told = stage.ask("!loop").await;
    assert!(told.contains("Something went wrong"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_goes_on_in_a_fresh_vm() {
    let _alone = turn().await;
    let source = format!(
        "local calls = 0\n{}",
        command("ping", "calls += 1 ctx:reply(`pong {calls}`)")
    );
    let mut stage = setup(&[("cogs/ping.luau", &source)]).start().await;
    assert_eq!(stage.ask("!ping").await, "pong 1");
    panic_next(Task::Cog);
    // A handler that is under way answers; one that has not begun is refused, or begins in the fresh VM.
    let told = stage.ask("!ping").await;
    let is_expected = ["pong 1", "pong 2"].contains(&told.as_str()) || told.contains(SENTENCE);
    assert!(is_expected, "{told}");
    assert!(!is_to_panic(Task::Cog));
    stage.applied().await;
    assert_eq!(stage.version("ping"), 2);
    let next = if told == "pong 1" { "pong 2" } else { "pong 1" };
    assert_eq!(stage.ask("!ping").await, next);
    // An unload that panics is one all the same.
    panic_next(Task::Errand);
    stage.ask("!unload ping").await;
    until_panicked(Task::Errand).await;
    stage.ask("!load ping").await;
    assert_eq!(stage.ask("!ping").await, "pong 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_on() {
    let _alone = turn().await;
    let listener = studio::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let options = StudioOptions {
        chat: None,
        reports: ReportLog::new(),
        project: None,
        versions: None,
        types: TypeFeed::new(),
        cogs: Arc::new(Vec::new),
        bot: Arc::new(|| BotView {
            name: "bot".into(),
            prefix: Some("!".into()),
            online: true,
        }),
    };
    let page = tokio::spawn(studio::serve(listener, options, std::future::pending()));
    panic_next(Task::Page);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let failed = client.get(&url).send().await.unwrap();
    assert_eq!(failed.status(), 500);
    assert!(failed.text().await.unwrap().contains(SENTENCE));
    let served = client.get(&url).send().await.unwrap();
    assert_eq!(served.status(), 200);
    page.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn types_are_checked_on() {
    let _alone = turn().await;
    let reports = ReportLog::new();
    let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
    let find: FindChecker = Arc::new(move || {
        asked.send(()).unwrap();
        None
    });
    let follower = TypeFollower::new("nowhere".into(), find, &reports, TypeFeed::new());
    let following = spawn(Task::Types, follower, |follower, _| {
        Box::pin(follower.follow())
    });
    panic_next(Task::Types);
    reports.add(applied(1));
    until_panicked(Task::Types).await;
    assert!(asks.try_recv().is_err());
    reports.add(applied(2));
    asks.recv().await.unwrap();
    following.abort();
}

/// A save that is live.
fn applied(id: u64) -> Report {
    Report {
        id,
        at: 0.0,
        trigger: Trigger::Files,
        changed: vec!["lua/cogs/ping.luau".into()],
        outcome: Outcome::Applied,
        cogs: Vec::new(),
        problems: Vec::new(),
        took_ms: 1.0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_has_to_tell_is_told() {
    let _alone = turn().await;
    let mut stage = with_ping()
        .config(r#"{ "hot_reload": { "auto_reload_cogs": false } }"#)
        .stored()
        .start()
        .await;
    for _ in 0..6 {
        stage.ask("!ping").await;
    }
    stage.save("cogs/ping.luau", &command("ping", "error(\"no\")"));
    stage.report().await;
    stage.ask("!reload cog ping").await;
    panic_next(Task::Guard);
    for _ in 0..3 {
        stage.says("anna", "!ping").await;
    }
    until_panicked(Task::Guard).await;
    let is_told = || {
        let told = stage.written().into_iter();
        told.filter(|text| text.contains("does worse than before"))
            .count()
            == 1
    };
    until("the warning", is_told).await;
}

/// The files of a folder, and of those in it.
fn files_of(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_of(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
}

/// Tasks and threads that are started elsewhere: those whose panic is caught in them, tools that run to an
/// end, and another process.
const ELSEWHERE: [&str; 11] = [
    "src/admin/mod.rs",
    "src/cli/spec/round.rs",
    "src/cli/spec/watch.rs",
    "src/cogs/host.rs",
    "src/cogs/scheduler/worker.rs",
    "src/discord/outbound/begun.rs",
    "src/lint/mod.rs",
    "src/reload/controller/outcome.rs",
    "src/spec/suite.rs",
    "src/supervisor/parent.rs",
    "src/typecheck/run.rs",
];

#[test]
fn every_task_is_supervised_and_has_its_panic_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    files_of(&root.join("src"), &mut files);
    for (path, text) in files {
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let starts = [
            "tokio::spawn(",
            "thread::Builder",
            "thread::spawn(",
            "runtime.spawn(",
            "    .spawn(",
        ];
        let starts = starts.iter().filter(|start| text.contains(*start)).count();
        let is_known = path.ends_with("src/host_tasks.rs")
            || path.contains("/tests/")
            || path.ends_with("/tests.rs")
            || ELSEWHERE.iter().any(|it| path.ends_with(it));
        assert!(
            starts == 0 || is_known,
            "{path} starts a task: see src/host_tasks.rs"
        );
    }
    let here = include_str!("host_tasks.rs");
    for task in Task::ALL {
        assert!(here.contains(&format!("Task::{task:?}")), "{task:?}");
    }
}
