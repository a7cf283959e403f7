//! A real bot against the simulator, in a temporary folder with real files and the real watcher.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each test file uses its part, and none is seen from outside"
)]

pub mod cases;
pub mod cog_vm;
pub mod conformity;
pub mod log;
#[cfg(unix)]
pub mod process;

use cogsmith::bot::{Bot, BotOptions};
use cogsmith::clock::Clock;
use cogsmith::config::{Config, Environment, Token, from_text};
use cogsmith::http::KnownHosts;
use cogsmith::reload::report::{CogOutcome, Outcome, Report};
use cogsmith::sim::{RateLimits, Sim, SimOptions};
use conformity::Conforming;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::sync::broadcast;

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub type Id = cogsmith::sim::Id;

/// How often a test that searches or repeats does so: `quick` times, or `long` times where `COGSMITH_LONG_TESTS` is
/// set, as in continuous integration.
pub fn times<T>(quick: T, long: T) -> T {
    if std::env::var_os("COGSMITH_LONG_TESTS").is_some() {
        long
    } else {
        quick
    }
}

/// A bot, its simulator and its folder.
pub struct Stage {
    pub sim: Sim,
    pub bot: Bot,
    pub folder: TempDir,
    reports: broadcast::Receiver<Arc<Report>>,
    _conforming: Conforming,
}

/// What a stage is made of.
pub struct Setup {
    files: Vec<(String, String)>,
    config: String,
    clock: Clock,
    state: bool,
    sessions: bool,
    folder: Option<TempDir>,
    sim: SimOptions,
    hosts: KnownHosts,
}

/// A setup with these files below `lua/`.
pub fn setup(files: &[(&str, &str)]) -> Setup {
    Setup {
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
        config: "{}".to_owned(),
        clock: Clock::system(),
        state: false,
        sessions: false,
        folder: None,
        sim: SimOptions::default(),
        hosts: KnownHosts::new(),
    }
}

impl Setup {
    /// With this text as `config.json`.
    pub fn config(mut self, text: &str) -> Self {
        text.clone_into(&mut self.config);
        self
    }

    /// With this clock, for the bot and the simulator.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With a simulator that keeps no more than the last messages, events and requests.
    pub fn keeping_little(mut self) -> Self {
        let few = 100;
        self.sim.messages_kept = few;
        self.sim.events_kept = few;
        self.sim.requests_kept = few;
        self
    }

    /// With the state in `var/state.db` instead of in memory.
    pub fn stored(mut self) -> Self {
        self.state = true;
        self
    }

    /// With the gateway's sessions in `var/sessions.json`.
    pub fn with_sessions(mut self) -> Self {
        self.sessions = true;
        self
    }

    /// With this text as the bot's token.
    pub fn token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.sim.token);
        self
    }

    /// With so many milliseconds between two heartbeats.
    pub fn heartbeat(mut self, milliseconds: u64) -> Self {
        self.sim.heartbeat_interval_ms = milliseconds;
        self
    }

    /// With these rate limits.
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.sim.rate_limits = limits;
        self
    }

    /// With a channel that keeps so many messages.
    pub fn messages_kept(mut self, count: usize) -> Self {
        self.sim.messages_kept = count;
        self
    }

    /// With a host that cogs find on this machine.
    pub fn local_host(mut self, name: &str) -> Self {
        let here = std::net::Ipv4Addr::LOCALHOST.into();
        self.hosts.insert(name.to_owned(), here);
        self
    }

    /// In the folder of a former stage.
    pub fn folder(mut self, folder: TempDir) -> Self {
        self.folder = Some(folder);
        self
    }

    /// The team that the application belongs to, as Discord shows it.
    pub fn team(mut self, team: Value) -> Self {
        self.sim.team = team;
        self
    }

    /// Starts simulator and bot, and waits until the bot is connected.
    pub async fn start(self) -> Stage {
        let folder = self.folder.unwrap_or_else(|| TempDir::new().unwrap());
        fill(&folder, &self.files);
        let sim = simulator(SimOptions {
            clock: self.clock.clone(),
            ..self.sim
        })
        .await;
        let environment: Environment = std::iter::empty::<(&str, &str)>().collect();
        let root = folder.path().to_owned();
        let config: Config = from_text(&self.config, "config.json", root, &environment).unwrap();
        let sessions = config.var_dir().join("sessions.json");
        let bot = Bot::start(BotOptions {
            hosts: self.hosts,
            clock: self.clock,
            state: self.state.then(|| config.state_path()),
            sessions: self.sessions.then_some(sessions),
            ..bot_options(&sim, config)
        })
        .await
        .unwrap();
        bot.ready(PATIENCE).await.unwrap();
        let reports = bot.reload.reports.subscribe();
        let stage = Stage {
            _conforming: Conforming(sim.clone()),
            sim,
            bot,
            folder,
            reports,
        };
        stage.settled().await;
        stage
    }
}

/// A simulator in which nobody has to wait to identify.
pub async fn simulator(options: SimOptions) -> Sim {
    let options = SimOptions {
        max_concurrency: 0,
        checks_conformity: true,
        ..options
    };
    Sim::start(options).await.unwrap()
}

/// How a bot is started at a simulator, unless a test wants something else: it stores nothing.
pub fn bot_options(sim: &Sim, config: Config) -> BotOptions {
    BotOptions {
        hosts: KnownHosts::new(),
        token: Token::new(sim.token()),
        api_url: Some(sim.url()),
        gateway_url: None,
        clock: Clock::system(),
        state: None,
        sessions: None,
        config,
    }
}

/// A folder with these files below `lua/`.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    fill(&folder, files);
    folder
}

fn fill(folder: &TempDir, files: &[(impl AsRef<Path>, impl AsRef<str>)]) {
    let lua = folder.path().join("lua");
    std::fs::create_dir_all(lua.join("cogs")).unwrap();
    for (path, text) in files {
        write(&lua.join(path), text.as_ref());
    }
}

/// An address on this machine at which nobody listens, as long as the process runs.
pub fn nobody() -> SocketAddr {
    let socket = Box::leak(Box::new(bound("127.0.0.1:0".parse().unwrap())));
    socket.local_addr().unwrap()
}

/// A socket that has this port and does not listen: connections are refused, and nobody else gets the port.
pub fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    // Connections that have ended do not keep the port from being taken …
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    // … and nobody shares it.
    socket.set_reuseaddr(false).unwrap();
    socket
}

/// Writes a file with its folders.
pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The answer that a bot at `sim` gives to its owner.
pub async fn ask(sim: &Sim, text: &str) -> String {
    let channel = sim.channel("general").unwrap();
    let said = sim.say(sim.owner(), channel, text).unwrap();
    let said = said["id"].as_str().unwrap().parse().unwrap();
    let answer = sim.reply_to(said, PATIENCE).await.unwrap();
    answer["content"].as_str().unwrap().to_owned()
}

impl Stage {
    /// The bot again, with its state, in the folder that it was in.
    pub async fn restarted(self) -> Self {
        let folder = self.stop().await;
        setup(&[]).stored().folder(folder).start().await
    }

    /// The path of a file below `lua/`.
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("lua").join(file)
    }

    /// Saves a file below `lua/`.
    pub fn save(&self, file: &str, text: &str) {
        write(&self.path(file), text);
    }

    /// Deletes a file below `lua/`.
    pub fn delete(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    /// The next report of a reload.
    pub async fn report(&mut self) -> Arc<Report> {
        tokio::time::timeout(PATIENCE, self.reports.recv())
            .await
            .expect("no report came")
            .expect("reports were missed")
    }

    /// The next report, which must be of a success.
    pub async fn applied(&mut self) -> Arc<Report> {
        let report = self.report().await;
        assert_eq!(report.outcome, Outcome::Applied, "{report:#?}");
        report
    }

    /// The next report, which must be of a failure.
    pub async fn failed(&mut self) -> Arc<Report> {
        let report = self.report().await;
        assert_eq!(report.outcome, Outcome::Failed, "{report:#?}");
        report
    }

    /// Whether there is no further report.
    pub fn no_report(&mut self) -> bool {
        self.reports.is_empty()
    }

    /// Returns when the bot has done all that it has to do.
    pub async fn settled(&self) {
        let settled = tokio::time::timeout(PATIENCE, self.bot.settled(&self.sim)).await;
        assert!(
            settled.is_ok(),
            "the bot does not settle: {} under way, {} requests in flight\n{}",
            self.bot.services.activity.count(),
            self.sim.requests_in_flight(),
            self.sim.transcript()
        );
    }

    pub fn general(&self) -> Id {
        self.sim.channel("general").unwrap()
    }

    /// Has a user of the simulator's world say something in #general, and waits until the bot has settled.
    /// Returns what the bot wrote there since.
    pub async fn says(&self, user: &str, text: &str) -> Vec<Value> {
        let user = self.sim.user(user).unwrap();
        let channel = self.general();
        let before = self.sim.message_count(channel);
        self.sim.say(user, channel, text).unwrap();
        self.settled().await;
        // The first one is what was said.
        self.written_since(channel, before + 1)
    }

    /// What the bot has written in a channel after its first `before` messages.
    pub fn written_since(&self, channel: Id, before: usize) -> Vec<Value> {
        // To look at all messages takes long where there are many.
        if self.sim.message_count(channel) == before {
            return Vec::new();
        }
        let bot = self.sim.bot_user().to_string();
        let mut messages = self.sim.messages(channel).split_off(before);
        messages.retain(|message| message["author"]["id"] == bot.as_str());
        messages
    }

    /// The text of the bot's one answer to the owner.
    pub async fn ask(&self, text: &str) -> String {
        let answers = self.says("owner", text).await;
        assert_eq!(answers.len(), 1, "answers to {text:?}: {answers:#?}");
        answers[0]["content"].as_str().unwrap().to_owned()
    }

    /// Stops the bot, and gives the folder for the next one.
    pub async fn stop(self) -> TempDir {
        self.bot.stop().await;
        self.sim.shutdown().await;
        self.folder
    }
}

/// Whether a condition holds, now or before patience ends: for what no event tells of.
pub async fn holds(condition: impl Fn() -> bool) -> bool {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    let looking = async {
        while !condition() {
            look.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.is_ok()
}

/// Returns when a condition holds.
pub async fn until(condition: impl Fn() -> bool) {
    assert!(holds(condition).await, "it does not come about");
}

/// A cog with one command that answers with a text.
pub fn answering(name: &str, text: &str) -> String {
    format!(
        r#"local cog = require("@cogsmith/cog")
cog.command {{
    name = "{name}",
    run = function(ctx)
        ctx:reply("{text}")
    end,
}}
"#
    )
}

impl Stage {
    /// Moves a paused clock, one sleeper at a time, and lets the bot do what each of them leads to.
    pub async fn advance(&self, duration: Duration) {
        let clock = &self.bot.services.clock;
        let until = clock.now() + duration;
        self.settled().await;
        while clock.advance_to_next(until) {
            self.settled().await;
        }
        self.settled().await;
    }

    /// Saves another cog and takes the report of its reload, which must be the next one and of nothing else:
    /// whatever happened to files before concerned no cog. Returns the files that changed besides.
    pub async fn nothing_else(&mut self) -> Vec<String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        self.save("cogs/fence.luau", &format!("return {count}"));
        let report = self.applied().await;
        let cogs: Vec<_> = report.cogs.iter().map(|cog| cog.name.as_str()).collect();
        assert_eq!(cogs, ["fence"], "{report:#?}");
        let mut others = report.changed.clone();
        others.retain(|file| file != "lua/cogs/fence.luau");
        others
    }

    /// The same, and no other file has changed either.
    pub async fn nothing_changed(&mut self) {
        assert_eq!(self.nothing_else().await, [""; 0]);
    }

    /// Takes the reports of successes until a command is answered like this and no report is left: how many
    /// there are is for the machine's speed to say.
    pub async fn applied_until(&mut self, question: &str, answer: &str) -> Vec<Arc<Report>> {
        let mut reports = Vec::new();
        loop {
            reports.push(self.applied().await);
            if self.answer(question).await.as_deref() == Some(answer) && self.no_report() {
                return reports;
            }
        }
    }

    /// The answer to a command, or nothing if there was none.
    pub async fn answer(&self, text: &str) -> Option<String> {
        let answers = self.says("owner", text).await;
        assert!(answers.len() <= 1, "answers to {text:?}: {answers:#?}");
        let answer = answers.first()?;
        Some(answer["content"].as_str().unwrap().to_owned())
    }

    /// Everything that the bot has written in #general.
    pub fn written(&self) -> Vec<String> {
        let bot = self.sim.bot_user().to_string();
        let messages = self.sim.messages(self.general());
        let own = messages
            .iter()
            .filter(|it| it["author"]["id"] == bot.as_str());
        own.map(|it| it["content"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The version of a cog that runs; 0 when none does.
    pub fn version(&self, cog: &str) -> u64 {
        self.bot
            .cogs
            .get(cog)
            .map_or(0, |cog| cog.condition().version())
    }
}

/// The names of the cogs in a report that came out of it like this.
pub fn cogs_of(report: &Report, outcome: CogOutcome) -> Vec<&str> {
    let cogs = report.cogs.iter().filter(|cog| cog.outcome == outcome);
    cogs.map(|cog| cog.name.as_str()).collect()
}

/// The problems of a report as they are shown.
pub fn problems_of(report: &Report) -> String {
    let problems = report.problems.iter().map(ToString::to_string);
    problems.collect::<Vec<_>>().join("\n")
}

/// A cog with one command whose body is this.
pub fn command(name: &str, body: &str) -> String {
    format!(
        "local cog = require(\"@cogsmith/cog\")
local state = require(\"@cogsmith/state\")
local task = require(\"@cogsmith/task\")
cog.command {{ name = \"{name}\", run = function(ctx)
    {body}
end }}
"
    )
}

/// Bytes of this process that are in memory now.
pub fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches("kB").trim();
    kilobytes.parse::<usize>().unwrap() << 10
}
