//! The world in which one `it` runs: a simulator, a real bot in it, and a clock that stands still.
//!
//! `people.rs` acts as somebody, `build.rs` adds to the world, `look.rs` shows what happened.

use super::bot_folder;
use super::files::Files;
use crate::api::faults::FaultLog;
use crate::bot::{Bot, BotOptions};
use crate::clock::Clock;
use crate::config::{Config, Environment, Token, from_text};
use crate::http::KnownHosts;
use crate::lock::lock;
use crate::problem::Problem;
use crate::reload::controller::Ask;
use crate::reload::report::{Outcome, Report};
use crate::sim::{Id, Sim, SimOptions};
use crate::vm::coverage::Coverage;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tempfile::TempDir;

/// When every spec begins: 1 January 2026, 12:00 UTC.
const START: u64 = 1_767_268_800;
/// How long the bot may take, in real time, to settle or to connect.
const PATIENCE: Duration = Duration::from_secs(20);
/// The configuration of every spec's bot. What guards a real bot against runaway cogs is wide here, because
/// a spec lets hours pass within a moment, and machines that run tests are busy.
const CONFIG: &str = r#"{ "limits": { "cpu_ms": 5000, "discord_calls_per_10s": 10000 } }"#;

/// Why a spec cannot go on: a sentence for its author.
pub(super) type SpecResult<T> = std::result::Result<T, String>;

/// A world with a bot in it.
pub(super) struct TestWorld {
    /// The simulator.
    pub(super) sim: Sim,
    /// The guild in which everything happens.
    pub(super) guild: Id,
    pub(super) clock: Clock,
    pub(super) bot: tokio::sync::Mutex<Option<Bot>>,
    /// The modals that stand open, by the user in front of them.
    pub(super) modals: Mutex<HashMap<Id, Value>>,
    faults: Mutex<Faults>,
    config: Config,
    coverage: Option<Arc<Coverage>>,
    // Last: the bot's files are in it.
    folder: TempDir,
}

/// The handlers that failed.
#[derive(Default)]
struct Faults {
    /// Those of bots that were restarted since.
    former: Vec<Arc<Problem>>,
    /// How many of the present bot's the spec has looked at: those in its code, and those that Discord's refusals led
    /// to.
    seen: [usize; 2],
}

/// The handlers of a bot that failed, whatever the reason.
fn logs_of(bot: &Bot) -> [&FaultLog; 2] {
    [&bot.services.faults, &bot.services.refused]
}

impl TestWorld {
    /// A fresh world, and a bot with these cogs.
    pub(super) async fn start(
        files: &Files,
        cogs: &[String],
        coverage: Option<Arc<Coverage>>,
    ) -> SpecResult<Self> {
        let folder = bot_folder::make(files.lua(), cogs)?;
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let config = from_text(
            CONFIG,
            "config.json",
            folder.path().to_owned(),
            &environment,
        )
        .map_err(|error| error.to_string())?;
        let clock = Clock::paused(START);
        let sim = Sim::start(SimOptions {
            clock: clock.clone(),
            max_concurrency: 0,
            ..SimOptions::default()
        });
        let sim = sim.await.map_err(|error| error.to_string())?;
        let guild = sim.guild();
        // The start world's people would share their names with the spec's own.
        for name in ["anna", "ben"] {
            if let Some(user) = sim.user(name) {
                sim.leave(guild, user).map_err(|error| error.to_string())?;
            }
        }
        let world = Self {
            sim,
            guild,
            clock,
            bot: tokio::sync::Mutex::default(),
            modals: Mutex::default(),
            faults: Mutex::default(),
            config,
            coverage,
            folder,
        };
        world.start_bot().await?;
        Ok(world)
    }

    async fn start_bot(&self) -> SpecResult<()> {
        let options = BotOptions {
            hosts: KnownHosts::new(),
            config: self.config.clone(),
            token: Token::new(self.sim.token()),
            api_url: Some(self.sim.url()),
            gateway_url: None,
            clock: self.clock.clone(),
            state: Some(self.folder.path().join("state.db")),
            sessions: None,
        };
        let bot = Bot::start_counting(options, self.coverage.clone());
        let bot = bot.await.map_err(|error| error.to_string())?;
        if let Some(failed) = bot
            .reload
            .reports
            .recent()
            .iter()
            .find_map(|it| failure(it))
        {
            return Err(failed);
        }
        bot.ready(PATIENCE)
            .await
            .map_err(|error| error.to_string())?;
        *self.bot.lock().await = Some(bot);
        self.settle().await
    }

    /// Returns when the bot has done all that it has to do at this time.
    pub(super) async fn settle(&self) -> SpecResult<()> {
        let bot = self.bot.lock().await;
        let Some(bot) = bot.as_ref() else {
            return Err("the bot is not running".to_owned());
        };
        let settled = tokio::time::timeout(PATIENCE, bot.settled(&self.sim)).await;
        settled.map_err(|_| {
            let seconds = PATIENCE.as_secs();
            format!("the bot has not settled within {seconds} s: one of its handlers does not end")
        })
    }

    /// Lets time pass, from one thing that waits for it to the next.
    pub(super) async fn advance(&self, duration: Duration) -> SpecResult<()> {
        self.settle().await?;
        let until = self.clock.now() + duration;
        while self.clock.advance_to_next(until) {
            self.settle().await?;
        }
        self.settle().await
    }

    /// Unix seconds.
    pub(super) fn now(&self) -> f64 {
        self.clock.unix()
    }

    /// Stops the bot and, after a while, starts it again with the state that it has stored.
    pub(super) async fn restart(&self, away: Duration) -> SpecResult<()> {
        self.settle().await?;
        if let Some(bot) = self.bot.lock().await.take() {
            self.keep_faults(&bot);
            bot.stop().await;
        }
        // The bot is stopped, so nothing happens when these timers are due.
        let until = self.clock.now() + away;
        while self.clock.advance_to_next(until) {}
        self.start_bot().await
    }

    /// Keeps what the spec has not looked at of a bot that is about to go.
    fn keep_faults(&self, bot: &Bot) {
        let mut faults = self.faults();
        let seen = std::mem::take(&mut faults.seen);
        for (log, seen) in logs_of(bot).into_iter().zip(seen) {
            faults.former.extend(log.since(seen));
        }
    }

    /// Rebuilds one cog, or all of them.
    pub(super) async fn reload(&self, cog: Option<String>) -> SpecResult<()> {
        let reload = match self.bot.lock().await.as_ref() {
            Some(bot) => bot.reload.clone(),
            None => return Err("the bot is not running".to_owned()),
        };
        let ask = cog.map_or(Ask::All, Ask::Cog);
        let report = reload.ask(ask).await.map_err(|error| error.to_string())?;
        if let Some(failed) = report.as_deref().and_then(failure) {
            return Err(failed);
        }
        self.settle().await
    }

    /// The files below `lua/` that the bot has loaded.
    pub(super) async fn loaded(&self) -> BTreeSet<String> {
        let bot = self.bot.lock().await;
        let cogs = bot.as_ref().map(|bot| bot.cogs.all()).unwrap_or_default();
        let generations = cogs
            .iter()
            .filter_map(|cog| cog.peek(|status| status.generation.clone()));
        let modules = generations.flat_map(|it| it.loaded().into_keys());
        modules.map(|id| id.path()).collect()
    }

    /// The faults that the spec has not looked at; each is told once.
    pub(super) async fn take_faults(&self) -> Vec<Arc<Problem>> {
        let bot = self.bot.lock().await;
        let mut faults = self.faults();
        let mut taken = std::mem::take(&mut faults.former);
        if let Some(bot) = bot.as_ref() {
            let logs = logs_of(bot);
            for (log, seen) in logs.into_iter().zip(faults.seen) {
                taken.extend(log.since(seen));
            }
            faults.seen = logs.map(FaultLog::count);
        }
        taken
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }
}

/// What a failed reload says.
fn failure(report: &Report) -> Option<String> {
    if report.outcome != Outcome::Failed {
        return None;
    }
    let problems: Vec<_> = report.problems.iter().map(Problem::to_string).collect();
    Some(format!(
        "the cogs cannot be loaded: {}",
        problems.join("\n")
    ))
}
