//! `cogsmith sim`: a Discord on this machine for bots of any kind, with the page to talk in it.
//!
//! ```text
//! options ─ world (a preset or a file) ─ faults ─▶ simulator and page ─ greeting ─ until Ctrl-C ─ saving, recording
//! ```

mod faults;
mod greeting;
mod recording;
mod replays;
mod saving;
mod world;

pub(super) use world::schema;

use super::output;
use super::run::shutdown_signal;
use crate::error::StartError;
use crate::reload::report::ReportLog;
use crate::sim::{BotBlueprint, PRESETS, RateLimits, Sim, SimError, SimOptions};
use crate::studio::{self, BotView, StudioOptions};
use crate::typecheck::TypeFeed;
use clap::Args;
use recording::Recorder;
use saving::Saving;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tracing::info;
use world::Beginning;

/// The options of `cogsmith sim`.
#[derive(Clone, Debug, Args)]
pub(super) struct SimArguments {
    /// Where REST, the gateway and the page are: an address of this machine's own, with port 0 for any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7880")]
    listen: SocketAddr,

    /// What there is at the start: `default`, `community`, `empty`, `large`, or a JSON file: a world as `cogsmith schema --world` describes it, or a saved one
    #[arg(long, value_name = "PRESET|FILE", default_value = "default")]
    world: String,

    /// A bot that can connect, instead of the world's own; give it again for more bots
    #[arg(long = "bot", value_name = "NAME[=TOKEN]")]
    bots: Vec<String>,

    /// The first bot's token; otherwise a new one is made and printed. The id in it becomes the application's
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// Make the same tokens at each start with this number, as the ids of the world are in any case
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Take as many requests as come; otherwise there are rate limits like Discord's
    #[arg(long)]
    no_limits: bool,

    /// Let requests fail: `POST /channels/{channel_id}/messages 503 x3`, or a file with one fault a line
    #[arg(long, value_name = "FAULT|FILE")]
    faults: Vec<String>,

    /// Save the whole world into this file, also at the end; `--world FILE` goes on with it
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Write all requests and events into this file, each as a line of JSON, without tokens
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Play a recorded conversation again as soon as a bot is connected, tell what is different, and end: with 0 if it
    /// goes as recorded, 1 if not, 2 for a file that is none. Give it again for more conversations
    #[arg(long, value_name = "FILE")]
    replay: Vec<PathBuf>,

    /// With --replay: write what is answered now into the files
    #[arg(long, requires = "replay")]
    update: bool,

    /// With --replay: wait between steps as long as it took in the recording
    #[arg(long, requires = "replay")]
    pauses: bool,
}

/// Runs the simulator until the process is asked to stop.
pub(super) fn execute(arguments: &SimArguments) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| StartError::System(error.to_string()))?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: &SimArguments) -> Result<(), StartError> {
    if !arguments.listen.ip().is_loopback() {
        return Err(StartError::Usage(format!(
            "--listen {}: whoever reaches the simulator acts as everybody in it, so it listens on this machine only, \
             such as at 127.0.0.1:7880.",
            arguments.listen
        )));
    }
    let told_to_stop = shutdown_signal()?;
    let faults = faults::read(&arguments.faults)?;
    let conversations = replays::read(&arguments.replay)?;
    let beginning = world::read(&arguments.world)?;
    let saving = arguments
        .save
        .as_deref()
        .map(Saving::into_file)
        .transpose()?;
    let recorder = arguments
        .record
        .as_deref()
        .map(Recorder::open)
        .transpose()?;
    let mut options = SimOptions {
        listen: arguments.listen,
        token: arguments.token.clone().unwrap_or_default(),
        seed: arguments.seed,
        max_concurrency: 1,
        record: recorder.as_ref().map(Recorder::recording),
        ..SimOptions::default()
    };
    if !arguments.no_limits {
        options.rate_limits = RateLimits::discord();
    }
    if options.token.chars().any(char::is_whitespace) {
        return Err(StartError::Usage(
            "--token: a token has no spaces in it.".to_owned(),
        ));
    }
    let sim = start(options, beginning, &arguments.bots).await?;
    if let Some(saving) = &saving {
        // What is wrong with the file is told now, and not when there is something to lose.
        saving.save(&sim).await?;
    }
    for fault in faults {
        sim.fault(fault);
    }
    sim.serve_beside(page(&sim));
    output::say(greeting::of(&sim));
    let ended = tokio::select! {
        () = told_to_stop => Ok(()),
        () = kept(saving.as_ref(), &sim) => Ok(()),
        ended = replays::play(&sim, conversations, arguments) => ended,
    };
    sim.shutdown().await;
    if let Some(saving) = saving {
        saving.save(&sim).await?;
    }
    if let Some(recorder) = recorder {
        recorder.finish().await?;
    }
    info!("Stopped");
    ended
}

/// Keeps saving the world; forever.
async fn kept(saving: Option<&Saving>, sim: &Sim) {
    match saving {
        Some(saving) => saving.keep(sim).await,
        None => std::future::pending().await,
    }
}

/// Starts it with a world that is described or was saved, and with the bots of `--bot`.
async fn start(
    mut options: SimOptions,
    beginning: Beginning,
    named: &[String],
) -> Result<Sim, StartError> {
    let started = match beginning {
        Beginning::Saved(_) if !named.is_empty() => {
            return Err(StartError::Usage(
                "--bot: a saved world has its bots. Add another one on the page, or with /control/add-bot.".to_owned(),
            ));
        }
        Beginning::Saved(saved) => Sim::resume(options, *saved).await,
        Beginning::Described(world) => {
            options.world = world;
            if !named.is_empty() {
                options.world.bots = bots(named)?;
                world::check(&options.world)?;
            }
            Sim::start(options).await
        }
    };
    started.map_err(|error| refused(&error))
}

/// The bots of `--bot NAME` and `--bot NAME=TOKEN`.
fn bots(named: &[String]) -> Result<Vec<BotBlueprint>, StartError> {
    let bots = named.iter().map(|text| {
        let (name, token) = match text.split_once('=') {
            Some((_, "")) => {
                return Err(StartError::Usage(format!(
                    "--bot {text}: there is no token after the equals sign."
                )));
            }
            Some((name, token)) => (name, Some(token.to_owned())),
            None => (text.as_str(), None),
        };
        Ok(BotBlueprint {
            name: name.into(),
            token,
            ..BotBlueprint::default()
        })
    });
    bots.collect()
}

/// The page, with nothing in it that only the bot of this program has.
fn page(sim: &Sim) -> axum::Router {
    let names: Vec<String> = sim.bot_names();
    let options = StudioOptions {
        chat: Some(sim.clone()),
        reports: ReportLog::new(),
        versions: None,
        project: None,
        types: TypeFeed::new(),
        cogs: Arc::new(Vec::new),
        bot: Arc::new(move || BotView {
            name: names.first().cloned().unwrap_or_default(),
            prefix: None,
            online: false,
        }),
    };
    studio::beside(sim, options, sim.stopping())
}

fn refused(error: &SimError) -> StartError {
    StartError::Simulator(match error {
        SimError::Listen { address, source } if source.kind() == ErrorKind::AddrInUse => format!(
            "The address {address} is in use by another program, perhaps by another simulator. Stop it, or give \
             another one with --listen; 127.0.0.1:0 takes any free port."
        ),
        SimError::Listen { address, source } => format!(
            "The simulator cannot listen at {address}: {source}. Give another address of this machine with --listen."
        ),
        error => error.to_string(),
    })
}

/// `default, community, empty or large`
fn presets() -> String {
    match PRESETS.split_last() {
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
