//! Jobs of the real binary: what was promised survives `kill -9`.

use crate::support::process::Running;
use crate::support::{PATIENCE, ask, simulator, write};
use cogsmith::sim::{Sim, SimOptions};
use std::path::Path;
use tempfile::TempDir;

const COG: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local s = state.defaults { global = { begun = 0, done = 0, attempts = "" } }.global
local job = cog.job("work", function(how, info)
    s.begun += 1
    s.attempts ..= info.attempt
    -- The first one waits until the process is killed.
    if how == "slow" and s.begun == 1 then
        task.wait("10m")
    end
    s.done += 1
end)
cog.command { name = "slow", run = function(ctx)
    job:after(0, "slow")
    ctx:reply("promised")
end }
cog.command { name = "soon", run = function(ctx)
    state.transaction(function()
        for i = 1, 5 do
            job:after("2s", "quick")
        end
    end)
    job:after("1h", "quick")
    ctx:reply("promised")
end }
cog.command { name = "shown", run = function(ctx)
    ctx:reply(`{s.begun} {s.done} {s.attempts} {#job:list()}`)
end }
"#;

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = r#"{ "studio": { "listen": "127.0.0.1:0" } }"#;
    write(&folder.path().join("config.json"), config);
    write(&folder.path().join("lua/cogs/work.luau"), COG);
    folder
}

async fn connect(folder: &Path, sim: &Sim) -> Running {
    let url = sim.url();
    let variables = [("DISCORD_TOKEN", sim.token()), ("DISCORD_API_URL", &*url)];
    let mut command = Running::command(folder, &variables);
    // The one that is killed is the bot.
    let running = Running(command.arg("--no-supervisor").spawn().unwrap());
    sim.connected(PATIENCE).await.unwrap();
    running
}

/// Asks until this is the answer.
async fn until_shown(sim: &Sim, wanted: &str) {
    let mut answer = String::new();
    let asking = async {
        while answer != wanted {
            answer = ask(sim, "!shown").await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, asking).await.is_ok();
    assert!(came, "{wanted:?} does not come about: {answer:?}");
}

/// Starts the bot, lets it promise something, and kills it, perhaps after it has come so far.
async fn killed_after(folder: &Path, command: &str, shown: Option<&str>) {
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder, &sim).await;
    assert_eq!(ask(&sim, command).await, "promised");
    if let Some(shown) = shown {
        until_shown(&sim, shown).await;
    }
    running.signal("KILL");
    assert!(!running.ended().await.success());
    sim.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_scheduled_before_kill_9_comes_late_and_once() {
    let folder = folder();
    killed_after(folder.path(), "!soon", None).await;
    let sim = simulator(SimOptions::default()).await;
    let running = connect(folder.path(), &sim).await;
    until_shown(&sim, "5 5 11111 1").await;
    running.signal("TERM");
    assert_eq!(running.ended().await.code(), Some(0));
    sim.shutdown().await;
    // Nor does any of it come again.
    let sim = simulator(SimOptions::default()).await;
    let _running = connect(folder.path(), &sim).await;
    until_shown(&sim, "5 5 11111 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kill_9_interrupts_is_done_again() {
    let folder = folder();
    killed_after(folder.path(), "!slow", Some("1 0 1 1")).await;
    let sim = simulator(SimOptions::default()).await;
    let _running = connect(folder.path(), &sim).await;
    until_shown(&sim, "2 1 12 0").await;
}
