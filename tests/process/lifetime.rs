//! The real binary as a process: what it keeps when it is killed, and how it ends when it is asked to.

use crate::support::process::Running;
use crate::support::{PATIENCE, answering, ask, command, simulator, write};
use cogsmith::sim::{Sim, SimOptions};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const COUNT: &str = "state.user(ctx.author.id).n = (state.user(ctx.author.id).n or 0) + 1
    ctx:reply(`{state.user(ctx.author.id).n}`)";

/// A folder with one cog that counts in its state.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = r#"{ "studio": { "listen": "127.0.0.1:0" } }"#;
    write(&folder.path().join("config.json"), config);
    write(
        &folder.path().join("lua/cogs/count.luau"),
        &command("count", COUNT),
    );
    folder
}

/// Starts the bot against the simulator and waits until it is connected.
async fn connect(folder: &Path, sim: &Sim) -> Running {
    let url = sim.url();
    let variables = [("DISCORD_TOKEN", sim.token()), ("DISCORD_API_URL", &*url)];
    let running = Running(Running::command(folder, &variables).spawn().unwrap());
    sim.connected(PATIENCE).await.unwrap();
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_was_told_survives_kill_9() {
    let folder = folder();
    let mut wanted = 0;
    for _ in 0..5 {
        let sim = simulator(SimOptions::default()).await;
        let running = connect(folder.path(), &sim).await;
        for _ in 0..3 {
            wanted += 1;
            assert_eq!(ask(&sim, "!count").await, wanted.to_string());
        }
        running.signal("KILL");
        assert!(!running.ended().await.success());
        sim.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_and_sigterm_end_it_in_order_with_exit_code_0() {
    for signal in ["INT", "TERM"] {
        let folder = folder();
        let cog = folder.path().join("lua/cogs/count.luau");
        let farewell = "require(\"@cogsmith/cog\").on_unload(function(reason) state.global.reason = reason end)";
        let shown = command("reason", "ctx:reply(tostring(state.global.reason))") + farewell;
        write(&cog, &shown);
        for wanted in ["nil", "shutdown"] {
            let sim = simulator(SimOptions::default()).await;
            let running = connect(folder.path(), &sim).await;
            assert_eq!(ask(&sim, "!reason").await, wanted);
            running.signal(signal);
            assert_eq!(running.ended().await.code(), Some(0), "{signal}");
            sim.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_it_runs_in_its_own_simulator_and_ends_with_0() {
    use std::io::{BufRead as _, BufReader};
    let folder = folder();
    let mut command = Running::command(folder.path(), &[]);
    let mut running = Running(command.arg("--offline").spawn().unwrap());
    let stdout = running.0.stdout.take().unwrap();
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map(|_| line)
    });
    let line = tokio::time::timeout(PATIENCE, line)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(line.contains("http://127.0.0.1:"), "{line}");
    running.signal("TERM");
    assert_eq!(running.ended().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_reloads_the_running_process() {
    let folder = folder();
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder.path(), &sim).await;
    assert_eq!(ask(&sim, "!count").await, "1");
    let cog = folder.path().join("lua/cogs/count.luau");
    write(&cog, &command("count", "ctx:reply(\"edited\")"));
    // The reload has no sign on the wire but the answers; each is old or new, never none.
    let mut answers = Vec::new();
    while answers.last().map(String::as_str) != Some("edited") {
        answers.push(ask(&sim, "!count").await);
    }
    running.signal("TERM");
    assert_eq!(running.ended().await.code(), Some(0));
}

/// Asks until this is the answer.
async fn ask_until(sim: &Sim, question: &str, wanted: &str) {
    let asking = async { while !ask(sim, question).await.contains(wanted) {} };
    tokio::time::timeout(PATIENCE, asking).await.expect(wanted);
}

/// Asks until a cog is listed with a version.
async fn loaded(sim: &Sim, cog: &str) {
    let is_loaded = |line: &str| line.starts_with(cog) && line.contains(" v1 ");
    let asking = async { while !ask(sim, "!cogs").await.lines().any(is_loaded) {} };
    tokio::time::timeout(PATIENCE, asking).await.expect(cog);
}

/// Makes more events than inotify keeps for a process that does not fetch them.
#[cfg(target_os = "linux")]
fn overflow(folder: &Path) {
    let most = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    // Each write is three events or more. By turns, as an event that repeats the last one is not kept.
    for number in 0..most / 2 {
        let file = ["lua/cogs/a.log", "lua/cogs/b.log"][number % 2];
        write(&folder.join(file), &number.to_string());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_watchers_queue_overflows_and_a_full_rescan_finds_every_change() {
    let folder = folder();
    let cogs = folder.path().join("lua/cogs");
    write(&cogs.join("gone.luau"), &answering("gone", "here"));
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder.path(), &sim).await;
    assert_eq!(ask(&sim, "!count").await, "1");
    running.signal("STOP");
    overflow(folder.path());
    // There is no event of these.
    write(&cogs.join("count.luau"), &answering("count", "edited"));
    write(&cogs.join("fun/new.luau"), &answering("new", "new"));
    std::fs::remove_file(cogs.join("gone.luau")).unwrap();
    running.signal("CONT");
    ask_until(&sim, "!count", "edited").await;
    loaded(&sim, "fun.new").await;
    assert_eq!(ask(&sim, "!new").await, "new");
    assert!(!ask(&sim, "!cogs").await.contains("gone"));
    running.signal("TERM");
    assert_eq!(running.ended().await.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn folders_that_came_while_the_queue_overflowed_are_watched() {
    let folder = folder();
    let cogs = folder.path().join("lua/cogs");
    write(&cogs.join("fun/dice.luau"), &answering("dice", "1"));
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder.path(), &sim).await;
    assert_eq!(ask(&sim, "!dice").await, "1");
    running.signal("STOP");
    overflow(folder.path());
    std::fs::rename(cogs.join("fun"), cogs.join("games")).unwrap();
    write(&cogs.join("more/new.luau"), &answering("new", "1"));
    write(&cogs.join("count.luau"), &answering("count", "edited"));
    running.signal("CONT");
    ask_until(&sim, "!count", "edited").await;
    loaded(&sim, "games.dice").await;
    loaded(&sim, "more.new").await;
    write(&cogs.join("games/dice.luau"), &answering("dice", "2"));
    ask_until(&sim, "!dice", "2").await;
    write(&cogs.join("more/new.luau"), &answering("new", "2"));
    ask_until(&sim, "!new", "2").await;
    running.signal("TERM");
    assert_eq!(running.ended().await.code(), Some(0));
}

/// Starts the bot in a namespace of its own in which inotify has a limit (`max_inotify_watches`, 2). Nothing
/// where the system lets nobody make one.
#[cfg(target_os = "linux")]
fn start_limited(folder: &Path, sim: &Sim, limit: &str, value: u32) -> Option<Running> {
    let set = format!("echo {value} > /proc/sys/user/{limit}");
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", script]);
        command
    };
    if !unshare(&set).output().is_ok_and(|it| it.status.success()) {
        return None;
    }
    let url = sim.url();
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("DISCORD_TOKEN", sim.token()),
        ("DISCORD_API_URL", url.as_str()),
    ];
    let child = unshare(&format!("{set} && exec \"$0\" \"$@\""))
        .args([env!("CARGO_BIN_EXE_cogsmith"), "--config"])
        .arg(folder)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    Some(Running(child.unwrap()))
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn when_the_inotify_limit_is_reached_polling_takes_over_and_the_error_says_what_to_raise() {
    let cases = [
        // At the start, when new folders come, and because others have taken all instances.
        ("max_inotify_watches", 2, "fs.inotify.max_user_watches"),
        ("max_inotify_watches", 6, "fs.inotify.max_user_watches"),
        ("max_inotify_instances", 0, "fs.inotify.max_user_instances"),
    ];
    for (limit, value, advice) in cases {
        let folder = folder();
        let cogs = folder.path().join("lua/cogs");
        let sim = simulator(SimOptions::default()).await;
        let Some(running) = start_limited(folder.path(), &sim, limit, value) else {
            return;
        };
        sim.connected(PATIENCE).await.unwrap();
        assert_eq!(ask(&sim, "!count").await, "1");
        let deep = cogs.join("a/b/c/d/e/f/deep.luau");
        write(&deep, &answering("deep", "one"));
        loaded(&sim, "a.b.c.d.e.f.deep").await;
        assert_eq!(ask(&sim, "!deep").await, "one");
        // New folders are looked through before they are watched.
        ask_until(&sim, "!reload status", advice).await;
        write(&deep, &answering("deep", "two"));
        ask_until(&sim, "!deep", "two").await;
        write(&cogs.join("count.luau"), &answering("count", "edited"));
        ask_until(&sim, "!count", "edited").await;
        running.signal("TERM");
        assert_eq!(running.ended().await.code(), Some(0));
    }
}
