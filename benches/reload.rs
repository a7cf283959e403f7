//! From the return of `write` to the first reply with the new text, over the real watcher, gateway and REST,
//! beside the watcher's own notice of the same write; and the same when the version that is replaced has run wild:
//! its tasks begin tasks without end.
//!
//! `cargo bench --bench reload` (release) or `cargo bench --profile dev --bench reload`.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

mod support;

use cogsmith::api::limit_view::limits_of;
use cogsmith::api::limits::Limit;
use cogsmith::bot::Bot;
use cogsmith::config::Config;
use cogsmith::reload::sources::Rules;
use cogsmith::reload::watch::Watcher;
use cogsmith::sim::{Sim, SimOptions};
use std::path::Path;
use std::time::{Duration, Instant};
use support::PROFILE;

/// Saves that are measured, and saves before them that are not.
const SAVES: usize = 100;
const WARM_UP: usize = 10;
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let quiet = Config::default_at(".".into()).hot_reload.delay();
        let noticed = watcher_alone(quiet).await;
        let answered = save_to_reply(Former::Idle).await;
        let mended = save_to_reply(Former::RunsWild).await;
        println!("save to live, {PROFILE} profile, {SAVES} saves, quiet window {quiet:?}");
        println!("{:<44} {:>9} {:>9} {:>9}", "", "p50", "p95", "max");
        show("the watcher alone: write to its notice", &noticed);
        show("the bot: write to the first new reply", &answered);
        show("the same, after a version that runs wild", &mended);
        let beyond = at(&answered, 95).saturating_sub(quiet);
        println!(
            "p95 beyond the quiet window: {:.1} ms",
            milliseconds(beyond)
        );
        let ratio = milliseconds(at(&answered, 50)) / milliseconds(at(&noticed, 50));
        println!("median, as a ratio to the watcher alone: {ratio:.2}");
        let ratio = milliseconds(at(&mended, 50)) / milliseconds(at(&answered, 50));
        println!("median after a version that runs wild, as a ratio: {ratio:.2}");
    });
}

fn show(what: &str, times: &[Duration]) {
    let max = times.last().copied().unwrap_or_default();
    println!(
        "{what:<44} {:>6.1} ms {:>6.1} ms {:>6.1} ms",
        milliseconds(at(times, 50)),
        milliseconds(at(times, 95)),
        milliseconds(max)
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The time within which `percent` of the sorted times lie.
fn at(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent).div_ceil(100) - 1]
}

/// What the version before a save does.
#[derive(Clone, Copy, PartialEq)]
enum Former {
    Idle,
    RunsWild,
}

fn cog(answer: usize) -> String {
    format!(
        "local cog, task = require(\"@cogsmith/cog\"), require(\"@cogsmith/task\")
cog.command {{ name = \"ping\", run = function(ctx) ctx:reply(\"pong {answer}\") end }}
cog.command {{ name = \"wild\", run = function()
    local function f() task.defer(f) task.defer(f) end
    f()
end }}
"
    )
}

/// The baseline: how long the watcher itself takes to tell of a write.
async fn watcher_alone(quiet: Duration) -> Vec<Duration> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("lua");
    let file = root.join("cogs/ping.luau");
    std::fs::create_dir_all(root.join("cogs")).unwrap();
    std::fs::write(&file, cog(0)).unwrap();
    let (_watcher, mut batches) = Watcher::start(&root, &Rules::default(), quiet).unwrap();
    let mut times = Vec::new();
    for save in 1..=WARM_UP + SAVES {
        std::fs::write(&file, cog(save)).unwrap();
        let written = Instant::now();
        tokio::time::timeout(PATIENCE, batches.recv())
            .await
            .unwrap();
        times.push(written.elapsed());
    }
    sorted(&times)
}

fn sorted(times: &[Duration]) -> Vec<Duration> {
    let mut times = times.split_at(WARM_UP).1.to_vec();
    times.sort_unstable();
    times
}

async fn save_to_reply(former: Former) -> Vec<Duration> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lua/cogs/ping.luau");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, cog(0)).unwrap();
    let (sim, bot) = start(folder.path()).await;
    let mut times = Vec::new();
    for save in 1..=WARM_UP + SAVES {
        if former == Former::RunsWild {
            run_wild(&sim, &bot).await;
        }
        std::fs::write(&file, cog(save)).unwrap();
        let written = Instant::now();
        let wanted = format!("pong {save}");
        while ask(&sim).await != wanted {
            assert!(written.elapsed() < PATIENCE, "the new text never came");
        }
        times.push(written.elapsed());
    }
    bot.stop().await;
    sim.shutdown().await;
    sorted(&times)
}

/// Returns when the cog has as many tasks as it may have, and begins more and more.
async fn run_wild(sim: &Sim, bot: &Bot) {
    let context = bot.cogs.get("ping").unwrap().context.clone();
    let refused = || {
        let limits = limits_of(&context);
        let tasks = limits.iter().find(|it| it.key == Limit::Tasks.key());
        tasks.unwrap().met
    };
    let before = refused();
    let channel = sim.channel("general").unwrap();
    sim.say(sim.owner(), channel, "!wild").unwrap();
    while refused() == before {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn start(root: &Path) -> (Sim, Bot) {
    let sim = support::simulator(SimOptions::default()).await;
    let config = Config::default_at(root.to_owned());
    let state = Some(config.state_path());
    let bot = support::bot(&sim, config, state).await;
    bot.ready(PATIENCE).await.unwrap();
    (sim, bot)
}

/// One `!ping` and the text of its answer.
async fn ask(sim: &Sim) -> String {
    let channel = sim.channel("general").unwrap();
    let said = sim.say(sim.owner(), channel, "!ping").unwrap();
    let said: u64 = said["id"].as_str().unwrap().parse().unwrap();
    let answer = sim.bot_message_after(channel, said, PATIENCE).await;
    answer.unwrap()["content"].as_str().unwrap().to_owned()
}
