//! One cog's replies and the gateway's heartbeats, undisturbed and while other cogs do their worst; and those of one
//! that stores something before it answers, undisturbed and while eight others write to the disk all the time.
//!
//! `cargo bench --bench isolation` (release) or `cargo bench --profile dev --bench isolation`. Ends with an
//! error when a heartbeat is late or the replies become too slow.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

mod support;

use cogsmith::bot::Bot;
use cogsmith::config::Config;
use cogsmith::sim::{Dispatch, Sim, SimOptions};
use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::PROFILE;
use tokio::sync::broadcast;

/// Commands that are measured, and commands before them that are not.
const COMMANDS: usize = 500;
const WARM_UP: usize = 50;
/// From one command to the next.
const PACE: Duration = Duration::from_millis(40);
/// Shards, each with a connection and heartbeats of its own; the guild is on one of them.
const SHARDS: u32 = 4;
/// Discord closes a connection that sends more than 120 messages a minute.
const HEARTBEAT: Duration = Duration::from_millis(600);
/// What may become of it: the heartbeats' lateness, and how many times slower the slowest replies may be.
const LATEST_HEARTBEAT: Duration = Duration::from_millis(100);
const MOST_TIMES_SLOWER: f64 = 5.0;
/// What nobody notices: alone the cog is so quick that one slice of another is several times as long.
const UNNOTICED: Duration = Duration::from_millis(15);
/// The same beside cogs that write: a reply may have to wait for one commit of theirs.
const MOST_TIMES_SLOWER_TO_STORE: f64 = 40.0;
/// Cogs that write.
const WRITERS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(60);

const ANSWERING: &str = include_str!("isolation/answering.luau");
const STORING: &str = include_str!("isolation/storing.luau");
const WRITING: &str = include_str!("isolation/writing.luau");
const HOSTILE: [(&str, &str); 7] = [
    ("loops", include_str!("isolation/loops.luau")),
    ("memory", include_str!("isolation/memory.luau")),
    ("calls", include_str!("isolation/calls.luau")),
    ("library", include_str!("isolation/library.luau")),
    ("garbage", include_str!("isolation/garbage.luau")),
    ("busy", include_str!("isolation/busy.luau")),
    ("flood", include_str!("isolation/flood.luau")),
];

const IN_STEP: &str = include_str!("isolation/in_step.luau");
const LISTENERS: &str = include_str!("isolation/listeners.luau");

/// Other cogs, by name, and what they are together.
struct Others {
    what: String,
    cogs: Vec<(String, &'static str)>,
}

impl Others {
    fn copies(what: &str, count: usize, source: &'static str) -> Self {
        let cogs = (0..count).map(|number| (format!("other_{number}"), source));
        Self {
            what: what.to_owned(),
            cogs: cogs.collect(),
        }
    }

    /// Each kind of disturbance.
    fn all() -> Vec<Self> {
        let hostile = HOSTILE.map(|(name, source)| (name.to_owned(), source));
        vec![
            Self {
                what: format!("with {} hostile cogs", HOSTILE.len()),
                cogs: hostile.to_vec(),
            },
            Self::copies("with 40 cogs in step", 40, IN_STEP),
            Self::copies("with 20 times 1,000 listeners", 20, LISTENERS),
        ]
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let alone = runtime.block_on(measure(ANSWERING, &[]));
    let storing = runtime.block_on(measure(STORING, &[]));
    println!(
        "{COMMANDS} commands, one every {PACE:?}; a heartbeat every {HEARTBEAT:?} on each of {SHARDS} shards; {PROFILE} profile"
    );
    println!(
        "{:<36} {:>10} {:>10} {:>10} {:>22}",
        "", "p50", "p99", "max", "latest heartbeat"
    );
    show("undisturbed", &alone);
    let mut verdict = ExitCode::SUCCESS;
    for others in Others::all() {
        let disturbed = runtime.block_on(measure(ANSWERING, &others.cogs));
        show(&others.what, &disturbed);
        if !is_good(&alone, &disturbed, MOST_TIMES_SLOWER) {
            verdict = ExitCode::FAILURE;
        }
    }
    show("it stores first, undisturbed", &storing);
    let writers = Others::copies(&format!("with {WRITERS} cogs that write"), WRITERS, WRITING);
    let disturbed = runtime.block_on(measure(STORING, &writers.cogs));
    show(&writers.what, &disturbed);
    if !is_good(&storing, &disturbed, MOST_TIMES_SLOWER_TO_STORE) {
        verdict = ExitCode::FAILURE;
    }
    verdict
}

/// Whether others disturb the cog little enough; prints what is too much.
fn is_good(alone: &Measured, disturbed: &Measured, most: f64) -> bool {
    let ratio = |percent| {
        at(&disturbed.replies, percent).as_secs_f64() / at(&alone.replies, percent).as_secs_f64()
    };
    println!("ratio: p50 {:.2}, p99 {:.2}", ratio(50), ratio(99));
    let is_quick = ratio(99) <= most || at(&disturbed.replies, 99) <= UNNOTICED;
    if !is_quick {
        println!(
            "too slow: the 99th percentile may be {most} times the undisturbed one, or {UNNOTICED:?}"
        );
    }
    let is_punctual = disturbed.latest() <= LATEST_HEARTBEAT;
    if !is_punctual {
        println!("too late: a heartbeat may be {LATEST_HEARTBEAT:?} late");
    }
    is_quick && is_punctual
}

/// What one run has shown.
struct Measured {
    /// From a command to its reply, sorted.
    replies: Vec<Duration>,
    /// How late each heartbeat came after the one before it.
    lateness: Vec<Duration>,
}

impl Measured {
    fn latest(&self) -> Duration {
        self.lateness.iter().max().copied().unwrap_or_default()
    }
}

fn show(what: &str, measured: &Measured) {
    let replies = &measured.replies;
    println!(
        "{what:<36} {:>7.2} ms {:>7.2} ms {:>7.2} ms {:>10.2} ms of {}",
        milliseconds(at(replies, 50)),
        milliseconds(at(replies, 99)),
        milliseconds(at(replies, 100)),
        milliseconds(measured.latest()),
        measured.lateness.len()
    );
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The time within which `percent` of the sorted times lie.
fn at(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent).div_ceil(100) - 1]
}

async fn measure(answering: &str, others: &[(String, &str)]) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let cogs = folder.path().join("lua/cogs");
    std::fs::create_dir_all(&cogs).unwrap();
    std::fs::write(cogs.join("answering.luau"), answering).unwrap();
    for (name, source) in others {
        std::fs::write(cogs.join(name).with_extension("luau"), source).unwrap();
    }
    let (sim, bot) = start(folder.path()).await;
    for (name, _) in others {
        let cog = bot.cogs.get(name).unwrap();
        assert!(cog.has_version(), "{name} does not run");
    }
    let feed = sim.subscribe();
    let listening = tokio::spawn(listen(feed, sim.bot_user().to_string()));
    let (channel, owner) = (sim.channel("general").unwrap(), sim.owner());
    let mut asked = Vec::new();
    let mut pace = tokio::time::interval(PACE);
    let began = Instant::now();
    for number in 0..WARM_UP + COMMANDS {
        pace.tick().await;
        asked.push(Instant::now());
        sim.say(owner, channel, &format!("!ping {number}")).unwrap();
    }
    let answered = tokio::time::timeout(PATIENCE, listening).await;
    let answered = answered.expect("not all commands were answered").unwrap();
    let mut replies: Vec<_> = (WARM_UP..asked.len())
        .map(|number| answered[&number] - asked[number])
        .collect();
    replies.sort_unstable();
    let beats = sim.heartbeats();
    let lateness = beats.iter().flat_map(|beats| {
        let pairs = beats.windows(2).filter(|pair| pair[0] >= began);
        pairs.map(|pair| (pair[1] - pair[0]).saturating_sub(HEARTBEAT))
    });
    let lateness = lateness.collect();
    bot.stop().await;
    sim.shutdown().await;
    Measured { replies, lateness }
}

/// When the reply to each command came, by the command's number.
async fn listen(
    mut feed: broadcast::Receiver<Arc<Dispatch>>,
    bot: String,
) -> HashMap<usize, Instant> {
    let mut answered = HashMap::new();
    while answered.len() < WARM_UP + COMMANDS {
        let dispatch = feed.recv().await.unwrap();
        if dispatch.name != "MESSAGE_CREATE" || dispatch.data["author"]["id"] != bot.as_str() {
            continue;
        }
        let text = dispatch.data["content"].as_str().unwrap_or_default();
        let number = text.strip_prefix("pong ").and_then(|it| it.parse().ok());
        if let Some(number) = number {
            answered.insert(number, Instant::now());
        }
    }
    answered
}

async fn start(root: &Path) -> (Sim, Bot) {
    let sim = support::simulator(SimOptions {
        shards: SHARDS,
        heartbeat_interval_ms: HEARTBEAT.as_millis().try_into().unwrap(),
        ..SimOptions::default()
    })
    .await;
    let mut config = Config::default_at(root.to_owned());
    config.limits.discord_calls_per_10s = 1_000;
    // The worst that they can do: nothing takes them out of the way.
    config.limits.cpu_seconds_per_minute = 3_600;
    config.limits.faults_per_10min = 1_000_000;
    let state = Some(config.state_path());
    let bot = support::bot(&sim, config, state).await;
    bot.ready(PATIENCE).await.unwrap();
    (sim, bot)
}
