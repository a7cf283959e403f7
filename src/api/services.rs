//! What the whole bot shares, as the cogs' functions use it.

use super::asked_once::Questions;
use super::budget::Budgets;
use super::expected::Expected;
use super::faults::FaultLog;
use super::lines::Runner;
use super::log_usage::SharedLog;
use super::member_requests::MemberRequests;
use super::own_messages::OwnMessages;
use super::presence_choice::PresenceChoice;
use super::waits::Waits;
use crate::activity::{Activity, Busy};
use crate::clock::Clock;
use crate::cog_queue::CogQueue;
use crate::commands::concurrency::Running;
use crate::commands::cooldown::Cooldowns;
use crate::config::Config;
use crate::discord::cache::Cache;
use crate::discord::outbound::Outbound;
use crate::gateway::GatewaySender;
use crate::guard::Alarm;
use crate::guild_settings::GuildSettings;
use crate::host_tasks;
use crate::http::HttpClient;
use crate::json::Json;
use crate::lock::lock;
use crate::state::Store;
use crate::vm::coverage::Coverage;
use crate::vm::generation::Snapshot;
use arc_swap::ArcSwap;
use rpds::RedBlackTreeSetSync;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;

/// One bot's parts.
#[derive(Debug)]
pub struct Services {
    /// Requests to Discord.
    pub outbound: Outbound,
    /// Requests to other servers.
    pub http: HttpClient,
    /// What the gateway has told about guilds, channels, roles and members.
    pub cache: Cache,
    /// Who asks for what the gateway has not told.
    pub questions: Questions,
    /// The state of all cogs.
    pub store: Store,
    /// What each server has set for itself.
    pub guilds: GuildSettings,
    /// The time.
    pub clock: Clock,
    /// What is under way.
    pub activity: Activity,
    /// Where cogs count which of their lines run: with specs alone.
    pub coverage: Option<Arc<Coverage>>,
    /// The configuration that applies now.
    pub config: ArcSwap<Config>,
    /// Who the bot is; replaced once Discord has said so.
    pub identity: ArcSwap<Identity>,
    /// How often commands were used; it outlives every reload.
    pub cooldowns: Arc<Cooldowns>,
    /// What is counted by a cog's name, and outlives its file.
    pub budgets: Budgets,
    /// The calls that run now.
    pub running: Running,
    /// Who waits for which event.
    pub waits: Waits,
    /// Who waits for a modal, or for buttons of the bot's own.
    pub expected: Expected,
    /// What Discord shows of the bot.
    pub presence: PresenceChoice,
    /// Sends commands to the gateway, once there is one.
    pub gateway: OnceLock<GatewaySender>,
    /// The members that cogs have asked the gateway for.
    pub member_requests: MemberRequests,
    /// Cogs whose handlers have required something since the last plan.
    pub changed_graphs: Mutex<BTreeSet<String>>,
    /// Cogs in whose tasks the host itself failed: they are to be built in fresh VMs.
    pub failed_cogs: CogQueue<()>,
    /// Trials that have ended by themselves.
    pub ended_trials: CogQueue<String>,
    /// Versions of cogs that are worse than the ones before.
    pub alarms: CogQueue<(Alarm, Busy)>,
    /// The sources that committed code may read: nothing in them waits to be taken.
    pub sources: LatestSources,
    /// Which cog has sent which message; it outlives every reload.
    pub own_messages: OwnMessages,
    /// What cogs write into the log.
    pub log: SharedLog,
    /// The handlers that failed.
    pub faults: FaultLog,
    /// How many handlers failed because of a refusal by Discord that was not the cog's mistake.
    pub refused: FaultLog,
    /// The names and aliases of all commands, in lower case.
    pub command_names: ArcSwap<RedBlackTreeSetSync<String>>,
    /// Those that help shows.
    pub shown_names: ArcSwap<RedBlackTreeSetSync<String>>,
    /// Carries out the lines of `ctx:run`, once there are cogs.
    pub lines: OnceLock<Box<dyn Runner>>,
    /// What the gateway lets through.
    pub connection: ArcSwap<ConnectionView>,
    /// Rings when `bot.reconnect_for_intents` has changed.
    pub reconnect_changed: Notify,
}

/// The intents of the gateway's connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionView {
    /// Those that it has, and those that Discord refuses.
    pub intents: u64,
    /// Those that Discord refuses.
    pub refused: u64,
    /// When it may take others, since the Unix epoch.
    pub free_at: Duration,
    /// Whether it takes none before the bot is started again.
    pub needs_restart: bool,
}

impl Default for ConnectionView {
    /// There is no connection yet: it will have what is needed.
    fn default() -> Self {
        Self {
            intents: u64::MAX,
            refused: 0,
            free_at: Duration::ZERO,
            needs_restart: false,
        }
    }
}

impl ConnectionView {
    /// The intents with which events come.
    pub fn granted(&self) -> u64 {
        self.intents & !self.refused
    }
}

/// The sources that were taken last; nothing before the first load has ended.
#[derive(Default)]
pub struct LatestSources(Mutex<Option<Snapshot>>);

impl std::fmt::Debug for LatestSources {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("LatestSources")
    }
}

/// Who the bot is and whom it belongs to.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The bot's user object.
    pub user: Json,
    /// The application's id, under which its commands are.
    pub application_id: String,
    /// The ids of the application's owner and, of a team, its owner, its admins and its developers.
    pub owners: BTreeSet<String>,
}

impl Identity {
    /// The bot's user id, or nothing before Discord has told it.
    pub fn id(&self) -> &str {
        self.user.str("id").unwrap_or_default()
    }
}

impl Services {
    /// Does something once without waiting for it. The bot counts as busy from the call on until it has ended.
    pub fn errand(&self, work: impl Future<Output = ()> + Send + 'static) {
        let busy = self.activity.begin();
        host_tasks::errand(async move {
            work.await;
            drop(busy);
        });
    }

    /// A version of `cog` is worse than the one before. The bot is busy with that until somebody has dealt with it.
    pub fn raise(&self, cog: &Arc<str>, alarm: Alarm) {
        self.alarms.add(cog, (alarm, self.activity.begin()));
    }

    /// Notes that a handler of `cog` has required something.
    pub fn graph_changed(&self, cog: &str) {
        let mut changed = lock(&self.changed_graphs);
        changed.insert(cog.to_owned());
    }

    /// Sets the sources that handlers may require from.
    pub fn set_sources(&self, sources: Snapshot) {
        *lock(&self.sources.0) = Some(sources);
    }

    /// The sources that handlers may require from.
    pub fn sources(&self) -> Option<Snapshot> {
        lock(&self.sources.0).clone()
    }

    /// The cogs noted since the last call.
    pub fn take_changed_graphs(&self) -> BTreeSet<String> {
        let mut changed = lock(&self.changed_graphs);
        std::mem::take(&mut changed)
    }

    /// Whether `user` may use the admin commands: an owner, or named in `bot.admins`.
    pub fn is_admin(&self, user: &str) -> bool {
        self.is_owner(user)
            || self
                .config
                .load()
                .bot
                .admins
                .iter()
                .any(|admin| is_same_id(admin, user))
    }

    /// What stands before typed commands in a server, or outside of one.
    pub fn prefix_in(&self, guild: Option<&str>) -> String {
        let settings = self.guilds.of(guild);
        let chosen = settings.and_then(|it| it.prefix.clone());
        chosen.unwrap_or_else(|| self.config.load().bot.prefix.clone())
    }

    /// What a user may do in a channel, as far as the cache knows.
    pub fn permissions_in(&self, channel: &str, user: &str) -> Option<u64> {
        self.cache.permissions(channel, user, self.clock.now())
    }

    /// Whether a channel, or a thread's parent, is marked for adults; nothing while it is not known.
    pub fn is_nsfw(&self, channel: &str) -> Option<bool> {
        let channel = self.cache.channel(channel)?;
        let marked = match channel.get("thread_metadata") {
            Some(_) => self.cache.channel(channel.str("parent_id")?)?,
            None => channel,
        };
        Some(marked.is_true("nsfw"))
    }

    /// Whether the application belongs to `user`.
    pub fn is_owner(&self, user: &str) -> bool {
        self.identity.load().owners.contains(user)
    }
}

/// Ids are numbers: zeros in front of one do not make it another.
fn is_same_id(one: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<u64>().ok();
    number(one).is_some_and(|id| number(other) == Some(id))
}
