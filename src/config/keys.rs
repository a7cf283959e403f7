//! The keys of `config.json`. The doc comments become the descriptions in `config.schema.json`,
//! the ranges are checked as the schema states them, and the `Default`s are the defaults.

use super::machine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

/// What all cogs together may use at least, also on a very small machine.
const LEAST_TOTAL: usize = 64 << 20;

/// The configuration of a Cogsmith bot. Every key is optional, and an environment variable overrides it:
/// `COGSMITH_BOT__PREFIX` for `bot.prefix`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The folder of the configuration file: absolute, and what every other path is relative to.
    #[serde(skip)]
    pub root: PathBuf,
    /// What the bot answers to, and whom it obeys.
    pub bot: Bot,
    /// How saved files become running code.
    pub hot_reload: HotReload,
    /// What one cog may use.
    pub limits: Limits,
    /// What each cog may do, by the cog's name, with `*` for every cog that is not named: a list of
    /// capabilities such as `messages.send`, or `*` for all of them.
    pub capabilities: BTreeMap<String, Vec<String>>,
    /// The requests that cogs may send to other servers.
    pub http: Http,
    /// Where the cogs' state is kept.
    pub state: StateConfig,
    /// The page for trying the bot out and watching its reloads.
    pub studio: Studio,
    /// Numbers for a monitoring system.
    pub metrics: Metrics,
}

/// What the bot answers to, and whom it obeys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bot {
    /// What a message must begin with to be a command: 1 to 32 characters without spaces, except for one at the end.
    /// Letter case does not matter.
    #[schemars(length(min = 1, max = 32), regex(pattern = r"^\S+ ?$"))]
    pub prefix: String,
    /// The ids of additional users who may use the admin commands. The application's owner may always use them; for a
    /// team, its owner, admins and developers.
    #[schemars(inner(regex(pattern = "^[0-9]{1,20}$")))]
    pub admins: Vec<String>,
    /// The language of the bot's own texts.
    pub locale: Locale,
    /// Whether somebody who types a command that nobody has is told which one they have probably meant.
    pub suggest_commands: bool,
    /// Whether the bot opens a new session when a reload needs intents that the connection does not have.
    pub reconnect_for_intents: bool,
    /// What Discord shows of the bot, unless a cog asks for something else with `cog.presence`.
    pub presence: Presence,
    /// The ids of the servers in which the bot's slash commands are listed, and nowhere else: for trying them out.
    /// Without any, they are listed everywhere.
    #[schemars(inner(regex(pattern = "^[0-9]{1,20}$")))]
    pub dev_guilds: Vec<String>,
}

/// What Discord shows of the bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Presence {
    /// Whether the bot counts as online.
    pub status: Status,
    /// What it says that it does.
    #[schemars(length(max = 5))]
    pub activities: Vec<Activity>,
}

/// Whether the bot counts as online.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Online
    #[default]
    Online,
    /// Idle
    Idle,
    /// Do not disturb
    Dnd,
    /// Shown as offline
    Invisible,
}

/// Something that the bot says that it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Activity {
    /// What it plays, listens to, watches or competes in: 1 to 128 characters. Discord shows nothing of it where `type`
    /// is 4.
    #[schemars(length(max = 128))]
    pub name: String,
    /// Discord's type: 0 playing, 1 streaming, 2 listening to, 3 watching, 4 the text of `state` alone, 5 competing in.
    #[serde(rename = "type")]
    #[schemars(range(min = 0, max = 5))]
    pub kind: u8,
    /// A line of text, and with type 4 the whole text.
    #[schemars(length(max = 128))]
    pub state: Option<String>,
    /// The stream of type 1, at a site such as Twitch.
    #[schemars(length(max = 512))]
    pub url: Option<String>,
}

/// A language of the bot's own texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English
    En,
    /// Indonesian
    Id,
}

impl Locale {
    /// As it stands in the configuration.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Id => "id",
        }
    }
}

/// How saved files become running code.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a key of the file, switched by itself"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HotReload {
    /// Whether files are watched at all.
    pub enabled: bool,
    /// The folders below `lua/` that are watched, when they exist.
    pub watch_directories: Vec<String>,
    /// The extensions of the files that are watched, each with its dot.
    #[schemars(inner(regex(pattern = r"^\.[^\s/\\]+$")))]
    pub watch_extensions: Vec<String>,
    /// Globs of file and folder names whose changes are never noticed.
    pub ignore_patterns: Vec<String>,
    /// The debounce: seconds without a change after which a burst of changes is over and the reload begins.
    #[schemars(range(min = 0, max = 60))]
    pub reload_delay: f64,
    /// Whether changes are applied at once. Without it they are noticed, listed by `!reload status`
    /// and applied by an admin.
    pub auto_reload_cogs: bool,
    /// Whether each reload is logged.
    pub log_reloads: bool,
    /// What is done when a new version of a cog fails where the one before did not.
    pub guard: Guard,
    /// Whether files below `lua/` are read that may be files from elsewhere: those with more than one hard link, and
    /// those that have another owner than their folder.
    pub allow_linked_files: bool,
    /// Whether the types of the cogs are checked after each reload, if the type checker is there.
    pub check_types: bool,
}

/// What is done when a new version of a cog fails where the one before did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// Nothing
    Off,
    /// The log, the page and whoever has reloaded it in chat are told
    #[default]
    Warn,
    /// The version before is put back, once
    Undo,
}

impl Guard {
    /// As it stands in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Undo => "undo",
        }
    }
}

/// What one cog may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Memory of the cog, in megabytes: of its VM, including the Discord objects that it holds, and of all of its
    /// versions that still run something.
    #[schemars(range(min = 1, max = 65_536))]
    pub memory_mb: u32,
    /// Memory of all cogs together, in megabytes; null for half of what the machine or the container has.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub total_memory_mb: Option<u32>,
    /// Processor time in one go, between two waits of a handler, in milliseconds.
    #[schemars(range(min = 1, max = 60_000))]
    pub cpu_ms: u32,
    /// Processor time of all handlers together within a minute, in seconds.
    #[schemars(range(min = 1, max = 3_600))]
    pub cpu_seconds_per_minute: u32,
    /// How long a handler may take, in seconds, without the time that it only waits.
    #[schemars(range(min = 1, max = 3_600))]
    pub handler_seconds: u32,
    /// Depth of nested calls. A value below Luau's own 20,000 is checked at each call and loop, which costs time.
    #[schemars(range(min = 100, max = 20_000))]
    pub call_depth: u32,
    /// Coroutines at a time.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub coroutines: u32,
    /// Tasks at a time: those that `task.spawn`, `task.defer` and `task.delay` have started.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub tasks: u32,
    /// Timers of `cog.every` and `cog.cron`.
    #[schemars(range(min = 1, max = 100_000))]
    pub timers: u32,
    /// Jobs of `cog.job` that are to run, or are given up.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub jobs: u32,
    /// Events and commands that may wait for the cog. When there are more, the newest of the busiest source are
    /// dropped: the busiest guild, in it the busiest channel, in it the busiest user. Admin commands are kept.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub mailbox: u32,
    /// The memory that these events and commands may take, in megabytes.
    #[schemars(range(min = 1, max = 65_536))]
    pub mailbox_mb: u32,
    /// Lines in the log within ten seconds; more are left out and counted.
    #[schemars(range(min = 1, max = 100_000))]
    pub log_lines_per_10s: u32,
    /// The text of these lines, in kilobytes. All cogs together may write eight times as much.
    #[schemars(range(min = 1, max = 65_536))]
    pub log_kb_per_10s: u32,
    /// Requests to Discord within ten seconds.
    #[schemars(range(min = 1, max = 10_000))]
    pub discord_calls_per_10s: u32,
    /// Requests that Discord may refuse (status 401 or 403) within ten minutes, before the cog may send no more:
    /// Discord blocks a bot after 10,000 refused requests.
    #[schemars(range(min = 1, max = 10_000))]
    pub discord_refusals_per_10min: u32,
    /// Requests to other servers within ten seconds.
    #[schemars(range(min = 1, max = 10_000))]
    pub http_calls_per_10s: u32,
    /// The body of such a request, and of its response, in kilobytes.
    #[schemars(range(min = 1, max = 65_536))]
    pub http_kb: u32,
    /// The cog's state, stored and in `state.session`, in megabytes of memory; and as much again for what the cog
    /// writes to shared states.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub state_mb: u32,
    /// One value that is stored, in kilobytes.
    #[schemars(range(min = 1, max = 16_384))]
    pub state_value_kb: u32,
    /// State that the cog may write to the disk, in kilobytes a second; after a pause, eight times as much at once. If
    /// it writes more, its own answers wait.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub state_write_kb_per_s: u32,
    /// How often within ten minutes handlers may be stopped for `cpu_ms` or `memory_mb` before the cog is put
    /// into quarantine.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub faults_per_10min: u32,
}

/// The requests that cogs may send to other servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// The hosts that cogs may send requests to: `api.example.com`, `*.example.com` for all below
    /// it, `*` for every host. Private addresses are never allowed.
    pub allow: Vec<String>,
}

/// Where the cogs' state is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StateConfig {
    /// The database: `sqlite:` and the path of its file. A change needs a restart.
    #[schemars(regex(pattern = "^sqlite:."))]
    pub url: String,
}

/// The page for trying the bot out and watching its reloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Studio {
    /// The address and port of the page. Only this machine may reach the page, so it must be a loopback address. Port 0
    /// takes any free port. A change needs a restart.
    pub listen: SocketAddr,
}

/// Numbers for a monitoring system.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// The address and port at which they are served, or null for none. A change needs a restart.
    pub listen: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Self {
        let all = |name: &str| (name.to_owned(), vec!["*".to_owned()]);
        Self {
            root: PathBuf::new(),
            bot: Bot::default(),
            hot_reload: HotReload::default(),
            limits: Limits::default(),
            capabilities: BTreeMap::from([all("*")]),
            http: Http::default(),
            state: StateConfig::default(),
            studio: Studio::default(),
            metrics: Metrics::default(),
        }
    }
}

impl Default for Bot {
    fn default() -> Self {
        Self {
            prefix: "!".to_owned(),
            admins: Vec::new(),
            locale: Locale::En,
            suggest_commands: false,
            reconnect_for_intents: true,
            presence: Presence::default(),
            dev_guilds: Vec::new(),
        }
    }
}

impl Default for HotReload {
    fn default() -> Self {
        let directories = [
            "cogs", "services", "handlers", "utils", "ui", "database", "business", "data",
        ];
        let ignored = [".git", "*.log", "*.tmp", "*~", ".#*", "*.swp"];
        Self {
            enabled: true,
            watch_directories: directories.map(str::to_owned).into(),
            watch_extensions: [".luau", ".lua"].map(str::to_owned).into(),
            ignore_patterns: ignored.map(str::to_owned).into(),
            reload_delay: 0.02,
            auto_reload_cogs: true,
            log_reloads: true,
            guard: Guard::default(),
            allow_linked_files: false,
            check_types: true,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mb: 32,
            total_memory_mb: None,
            cpu_ms: 250,
            cpu_seconds_per_minute: 15,
            handler_seconds: 30,
            call_depth: 20_000,
            coroutines: 10_000,
            tasks: 1_000,
            timers: 1_000,
            jobs: 10_000,
            mailbox: 100_000,
            mailbox_mb: 32,
            log_lines_per_10s: 200,
            log_kb_per_10s: 64,
            discord_calls_per_10s: 50,
            discord_refusals_per_10min: 1_000,
            http_calls_per_10s: 20,
            http_kb: 1_024,
            state_mb: 20,
            state_value_kb: 1_024,
            state_write_kb_per_s: 1_024,
            faults_per_10min: 20,
        }
    }
}

impl Default for StateConfig {
    fn default() -> Self {
        Self {
            url: "sqlite:var/state.db".to_owned(),
        }
    }
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7878)),
        }
    }
}

impl Config {
    /// The defaults, for a bot whose files are in `root`.
    pub fn default_at(root: PathBuf) -> Self {
        Self {
            root,
            ..Self::default()
        }
    }

    /// The folder of the cogs and their modules.
    pub fn lua_dir(&self) -> PathBuf {
        self.root.join("lua")
    }

    /// The folder for what the bot itself writes.
    pub fn var_dir(&self) -> PathBuf {
        self.root.join("var")
    }

    /// Whether `capabilities` grants one to a cog. An entry for this cog replaces the entry for all cogs.
    pub fn grants(&self, cog: &str, capability: &str) -> bool {
        let of = |name: &str| self.capabilities.get(name);
        of(cog).or_else(|| of("*")).is_some_and(|granted| {
            granted
                .iter()
                .any(|grant| grant == "*" || grant == capability)
        })
    }

    /// The file of the state database.
    pub fn state_path(&self) -> PathBuf {
        let path = self.state.url.strip_prefix("sqlite:");
        self.root.join(path.unwrap_or(&self.state.url))
    }
}

impl Limits {
    /// `total_memory_mb` in bytes, or half of the machine's memory if it is null.
    pub fn total_memory(&self) -> usize {
        static HALF: LazyLock<usize> = LazyLock::new(|| (machine::memory() / 2).max(LEAST_TOTAL));
        let megabytes = self.total_memory_mb.and_then(|it| usize::try_from(it).ok());
        megabytes.map_or(*HALF, |it| it.saturating_mul(1 << 20))
    }
}

impl HotReload {
    /// `reload_delay` as a duration.
    pub fn delay(&self) -> Duration {
        Duration::try_from_secs_f64(self.reload_delay).unwrap_or_default()
    }
}
