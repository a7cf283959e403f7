//! What strangers put in the place of files, and what they call them: nothing of it gets at the bot's secrets, holds
//! up a reload or forges a line of the log. Against the real bot, and the real process.

use crate::support::process::Running;
use crate::support::{
    PATIENCE, Stage, answering, ask, command, problems_of, setup, simulator, write,
};
use cogsmith::sim::{Sim, SimOptions};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// As Discord makes them: the bot's id, a time, a signature.
const TOKEN: &str = "MTA0NzE4NDk2Mzc.GxAbCd.q2w3e4r5t6-y7u8i9o0p_a1s2d3f4g5h6j7k8";
const PRIVATE: &str = "q2w3e4r5t6-y7u8i9o0p_a1s2d3f4g5h6j7k8";

/// Whether a part of the token can be read in the text.
fn tells(text: &str) -> bool {
    (0..PRIVATE.len() - 16).any(|at| text.contains(&PRIVATE[at..at + 16]))
}

fn env_file(folder: &Path) -> PathBuf {
    let path = folder.join(".env");
    fs::write(&path, format!("DISCORD_TOKEN={TOKEN}\nOTHER = 1 +\n")).unwrap();
    path
}

/// Everything that the bot has said, in chat and in its reports.
fn told(stage: &Stage) -> String {
    let reports = stage.bot.reload.reports.recent();
    let problems = reports.iter().map(|it| problems_of(it));
    let problems = problems.collect::<Vec<_>>().join("\n");
    format!(
        "{}\n{}\n{problems}",
        stage.sim.transcript(),
        stage.written().join("\n")
    )
}

/// Something that a thread does as fast as it can until this is dropped.
struct Meanwhile {
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

fn meanwhile(step: impl Fn() + Send + 'static) -> Meanwhile {
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let thread = std::thread::spawn(move || {
        while !is_done.load(Ordering::Relaxed) {
            step();
        }
    });
    Meanwhile {
        done,
        thread: Some(thread),
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        let _ended = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_exchanged_with_a_symlink_to_the_environment_is_not_shown_to_anybody() {
    let stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .token(TOKEN)
        .start()
        .await;
    env_file(stage.folder.path());
    let (cog, spare) = (stage.path("cogs/leak.luau"), stage.path("spare"));
    let flipping = meanwhile(move || {
        symlink("../../.env", &spare).unwrap();
        fs::rename(&spare, &cog).unwrap();
        fs::write(&spare, "return 1").unwrap();
        fs::rename(&spare, &cog).unwrap();
    });
    for round in 0..30 {
        stage.save("cogs/ping.luau", &answering("ping", &round.to_string()));
        let status = stage.answer("!reload status").await.unwrap_or_default();
        assert!(!status.contains("DISCORD_TOKEN"), "{status}");
    }
    drop(flipping);
    let told = told(&stage);
    assert!(!told.contains("DISCORD_TOKEN") && !tells(&told), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_link_to_the_environment_is_held_and_says_why() {
    let mut stage = setup(&[("cogs/leak.luau", &answering("leak", "former"))])
        .token(TOKEN)
        .start()
        .await;
    let secret = env_file(stage.folder.path());
    let spare = stage.path("spare");
    fs::hard_link(secret, &spare).unwrap();
    fs::rename(&spare, stage.path("cogs/leak.luau")).unwrap();
    let report = stage.failed().await;
    let problems = problems_of(&report);
    assert!(
        problems.contains("lua/cogs/leak.luau has 2 hard links")
            && problems.contains("hot_reload.allow_linked_files"),
        "{problems}"
    );
    assert_eq!(stage.ask("!leak").await, "former");
    let status = stage.ask("!reload status").await;
    assert!(status.contains("hard links"), "{status}");
    assert!(!told(&stage).contains("DISCORD_TOKEN"));
    stage.delete("cogs/leak.luau");
    stage.save("cogs/leak.luau", &answering("leak", "copy"));
    while stage.answer("!leak").await.as_deref() != Some("copy") {
        stage.report().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_linked_files_are_allowed_the_token_is_taken_out_of_what_is_shown_of_them() {
    let mut stage = setup(&[])
        .config(r#"{ "hot_reload": { "allow_linked_files": true } }"#)
        .token(TOKEN)
        .start()
        .await;
    let secret = env_file(stage.folder.path());
    fs::hard_link(secret, stage.path("cogs/leak.luau")).unwrap();
    stage.failed().await;
    let status = stage.ask("!reload status").await;
    assert!(status.contains("DISCORD_TOKEN=(hidden)"), "{status}");
    assert!(!tells(&stage.written().join("\n")));
    assert!(!tells(&stage.sim.transcript()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_of_a_cog_has_the_token_in_it_in_whatever_field() {
    let body = r#"
    local text = "TOKEN"
    local cut = #text // 2
    ctx:reply(text)
    ctx:reply { embeds = { { title = text, fields = { { name = text, value = "x" .. text } } } } }
    ctx:reply(text:sub(1, cut) .. "\n" .. text:sub(cut + 1))
    ctx:reply { content = "file", files = { { filename = "t.txt", content = text } } }
    ctx:reply("done")"#;
    let body = body.replace("TOKEN", TOKEN);
    let stage = setup(&[("cogs/echo.luau", &command("echo", &body))])
        .token(TOKEN)
        .start()
        .await;
    let answers = stage.says("owner", "!echo").await;
    assert_eq!(answers.last().unwrap()["content"], "done", "{answers:#?}");
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["content"], "(hidden)");
    for answer in &answers {
        assert!(!tells(&answer.to_string()), "{answer:#}");
    }
    let address = answers[3]["attachments"][0]["url"].as_str().unwrap();
    let file = reqwest::get(address).await.unwrap().text().await.unwrap();
    assert_eq!(file, "(hidden)");
    assert!(!tells(&stage.sim.transcript()));
    // The bot's own words about what somebody typed.
    let answers = stage.says("owner", &format!("!echo {TOKEN}")).await;
    let answer = answers[0]["content"].as_str().unwrap();
    assert!(answer.contains("(hidden)") && !tells(answer), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_in_the_place_of_a_file_holds_up_no_reload() {
    let mut stage = setup(&[
        ("cogs/ping.luau", &answering("ping", "0")),
        ("cogs/pipe.luau", &answering("pipe", "former")),
    ])
    .start()
    .await;
    let pipe = stage.path("cogs/pipe.luau");
    fs::remove_file(&pipe).unwrap();
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let is_told = |problems: String| problems.contains("lua/cogs/pipe.luau is not a regular file");
    while !is_told(problems_of(&*stage.report().await)) {}
    stage.save("cogs/ping.luau", &answering("ping", "1"));
    while stage.answer("!ping").await.as_deref() != Some("1") {
        stage.report().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_forges_lines_is_escaped_in_chat_and_in_reports() {
    let mut stage = setup(&[]).start().await;
    let name = "a\n12:00:00  INFO Signed in user=\"forged\" cog.luau";
    stage.save(&format!("cogs/{name}"), &answering("forged", "x"));
    stage.save("cogs/b\u{1b}[2J\u{202e}.luau", &answering("forged", "x"));
    let report = stage.failed().await;
    let shown = format!("{:?} {}", report.changed, problems_of(&report));
    assert!(shown.contains("cogs/a\\n12:00:00"), "{shown}");
    for text in [
        shown,
        stage.ask("!reload status").await,
        stage.ask("!cogs").await,
    ] {
        assert!(!text.contains("\n12:00:00"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}

/// Starts the bot against the simulator and waits until it is connected. Its log goes to the file `log` in `folder`.
async fn start(folder: &Path, sim: &Sim, variables: &[(&str, &str)]) -> Running {
    let log = fs::File::create(folder.join("log")).unwrap();
    let child = Running::command(folder, variables)
        .env("DISCORD_API_URL", sim.url())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let running = Running(child.unwrap());
    sim.connected(PATIENCE).await.unwrap();
    running
}

/// Asks it to end, and waits until it has; its exit code.
async fn terminated(running: Running) -> Option<i32> {
    running.signal("TERM");
    running.ended().await.code()
}

async fn sim() -> Sim {
    simulator(SimOptions {
        token: TOKEN.to_owned(),
        ..SimOptions::default()
    })
    .await
}

fn folder_with_token() -> TempDir {
    let folder = TempDir::new().unwrap();
    write(
        &folder.path().join("lua/cogs/ping.luau"),
        &answering("ping", "0"),
    );
    let config = r#"{ "studio": { "listen": "127.0.0.1:0" } }"#;
    write(&folder.path().join("config.json"), config);
    env_file(folder.path());
    let env = format!("DISCORD_TOKEN={TOKEN}\n");
    write(&folder.path().join(".env"), &env);
    folder
}

/// Asks until this is in the answer.
async fn ask_until(sim: &Sim, question: &str, wanted: &str) {
    let asking = async { while !ask(sim, question).await.contains(wanted) {} };
    tokio::time::timeout(PATIENCE, asking).await.expect(wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_exchanged_with_pipes_stop_neither_reloads_nor_the_end_of_the_process() {
    let folder = folder_with_token();
    let sim = sim().await;
    let running = start(folder.path(), &sim, &[]).await;
    let lua = folder.path().join("lua");
    let pipe = lua.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (root, config) = (lua.clone(), folder.path().join("config.json"));
    let flipping = meanwhile(move || {
        let spare = root.join("spare");
        for path in [&root.join("cogs/other.luau"), &config] {
            fs::write(&spare, if path == &config { "{}" } else { "return 1" }).unwrap();
            fs::rename(&spare, path).unwrap();
            // The pipe is in the file's place for a moment.
            fs::hard_link(&pipe, &spare).unwrap();
            fs::rename(&spare, path).unwrap();
        }
    });
    for round in 1..10 {
        let text = round.to_string();
        write(&lua.join("cogs/ping.luau"), &answering("ping", &text));
        ask_until(&sim, "!ping", &text).await;
    }
    assert_eq!(terminated(running).await, Some(0));
    drop(flipping);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_no_line_that_was_not_the_bots() {
    for json in [false, true] {
        let folder = folder_with_token();
        let cogs = folder.path().join("lua/cogs");
        let name = "a\n12:00:00  INFO Signed in user=\"forged\" cog.luau";
        write(&cogs.join(name), &answering("forged", "x"));
        write(&cogs.join("c\u{1b}[2J\u{9b}2J\u{2028}.luau"), "return 1");
        let broken = "local x = 'a\u{1b}[1A\r12:00:00  INFO Signed in' +";
        write(&cogs.join("broken.luau"), broken);
        let sim = sim().await;
        let form = [("COGSMITH_LOG", "json")];
        let variables: &[(&str, &str)] = if json { &form } else { &[] };
        let running = start(folder.path(), &sim, variables).await;
        let late = "b\n12:00:00  INFO Signed in user=\"forged\" cog.luau";
        write(&cogs.join(late), &answering("forged", "x"));
        ask_until(&sim, "!reload status", "b\\n12:00:00").await;
        let body = format!("print(\"{TOKEN}\") ctx:reply(\"{TOKEN}\")");
        let leak = command("leak", &body);
        write(&cogs.join("leak.luau"), &leak);
        ask_until(&sim, "!cogs", "leak    v1").await;
        assert_eq!(ask(&sim, "!leak").await, "(hidden)");
        assert_eq!(terminated(running).await, Some(0));
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(log.contains("(hidden)") && !tells(&log), "{log}");
        assert!(log.contains("12:00:00"), "the names are told: {log}");
        for line in log.lines() {
            let own = line.starts_with("  ") || line.is_empty();
            let forged = line.trim_start().starts_with("12:00:00  INFO Signed in");
            assert!(own || !forged, "{line}");
            assert!(
                !json || serde_json::from_str::<serde_json::Value>(line).is_ok(),
                "{line}"
            );
        }
        let unfit = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{2028}';
        assert!(!log.contains(unfit), "{log:?}");
    }
}

#[test]
fn check_prints_names_and_broken_files_without_what_steers_a_terminal() {
    let folder = folder_with_token();
    let lua = folder.path().join("lua");
    write(
        &lua.join("cogs/a\nThe configuration is right.luau"),
        "return 1",
    );
    write(&lua.join("notes/b\u{1b}[2J.luau"), "return +");
    symlink("../../.env", lua.join("cogs/linked.luau")).unwrap();
    fs::hard_link(folder.path().join(".env"), lua.join("notes/hard.luau")).unwrap();
    let made = Command::new("mkfifo")
        .arg(lua.join("notes/pipe.luau"))
        .status();
    assert!(made.unwrap().success());
    let output = Command::new(env!("CARGO_BIN_EXE_cogsmith"))
        .args(["check", "--config"])
        .arg(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for told in [
        "a\\nThe configuration is right.luau",
        "lua/notes/b\\u{1b}[2J.luau:1: syntax error",
        "lua/cogs/linked.luau is or lies behind a symlink",
        "lua/notes/hard.luau has 2 hard links",
        "lua/notes/pipe.luau is not a regular file",
    ] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    assert!(!tells(&shown) && !shown.contains('\u{1b}'), "{shown}");
}
