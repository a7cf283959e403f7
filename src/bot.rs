//! One bot: its parts put together, started in order and stopped in order.
//!
//! ```text
//! start:    sign_in (who is it, where is the gateway?) ─ reload (every cog) ─ gateway ─ settings (config.json from then on)
//! an event: gateway ─ router ─▶ the mailboxes of the cogs that asked for it, and the admins' desk
//! meanwhile: intents (the cogs' wishes to the gateway), presence (what Discord shows of the bot), commands (the cogs' slash
//!           commands to Discord's list)
//! stop:     gateway ─ on_unload ─ state
//! ```
//!
//! `rehearsal` loads the cogs of a bot that does not start.

mod allowed;
mod commands;
mod intents;
mod interrupted;
mod lines;
mod presence;
mod rehearsal;
mod router;
mod settings;
mod sign_in;

pub use rehearsal::{Rehearsal, rehearse};

use self::lines::Lines;
use self::router::Router;
use self::sign_in::SignedIn;
use crate::activity::Activity;
use crate::admin::Admin;
use crate::admin::guard::Teller;
use crate::api::asked_once::Questions;
use crate::api::budget::Budgets;
use crate::api::expected::Expected;
use crate::api::faults::FaultLog;
use crate::api::limits::{kilobytes, megabytes};
use crate::api::log_usage::SharedLog;
use crate::api::member_requests::MemberRequests;
use crate::api::own_messages::OwnMessages;
use crate::api::presence_choice::PresenceChoice;
use crate::api::services::{Identity, Services};
use crate::api::waits::Waits;
use crate::clock::Clock;
use crate::cog_queue::CogQueue;
use crate::cogs::host::Cogs;
use crate::cogs::scheduler::Scheduler;
use crate::commands::concurrency::Running;
use crate::commands::cooldown::Cooldowns;
use crate::config::{Config, Environment, Follower, Token};
use crate::discord::cache::Cache;
use crate::discord::outbound::{Outbound, OutboundOptions};
use crate::error::StartError;
use crate::escape::capitalized;
use crate::gateway::{Gateway, GatewayAddress, GatewayError, GatewayOptions, split_query};
use crate::guild_settings::GuildSettings;
use crate::history::{History, HistoryError};
use crate::host_tasks::{self, Task};
use crate::http::{HttpClient, KnownHosts};
use crate::json::Json;
use crate::reload::controller::Reload;
use crate::secrets::{self, Keeper};
use crate::sim::Sim;
use crate::state::{StateError, StateLimits, Store, StoreOptions};
use crate::vm::build::self_test;
use crate::vm::coverage::Coverage;
use arc_swap::ArcSwap;
use futures_util::future::{Either, select, try_join};
use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinHandle};

/// Handlers get this long to end when the bot stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a bot is started with.
#[derive(Debug)]
pub struct BotOptions {
    /// The configuration.
    pub config: Config,
    /// The bot's token.
    pub token: Token,
    /// Another server than Discord's own.
    pub api_url: Option<String>,
    /// Where the gateway is, whatever the server says, as with a gateway proxy.
    pub gateway_url: Option<String>,
    /// The time.
    pub clock: Clock,
    /// Where the state is kept; nothing keeps it in memory.
    pub state: Option<PathBuf>,
    /// Hosts that cogs reach at addresses of their own, which may be private.
    pub hosts: KnownHosts,
    /// Where gateway sessions are kept for the next start.
    pub sessions: Option<PathBuf>,
}

/// The file in `var/` that says which cog has which name.
const NAMES: &str = "names.json";
/// The file in `var/` with what each cog has run.
pub const HISTORY: &str = "history.db";
/// The file in `var/` that says which servers have lists of commands of their own.
const DEV_GUILDS: &str = "dev_guilds.json";

/// A bot that runs. Dropping it stops it less politely than [`Bot::stop`].
pub struct Bot {
    /// The cogs.
    pub cogs: Arc<Cogs>,
    /// Hot reload.
    pub reload: Reload,
    /// What all parts share.
    pub services: Arc<Services>,
    gateway: Option<Arc<Gateway>>,
    following: JoinHandle<()>,
    showing: JoinHandle<()>,
    /// Keeps Discord's list of commands up to date.
    listing: JoinHandle<()>,
    /// Tells what the guard has found.
    telling_of_guard: JoinHandle<()>,
    settings: Option<JoinHandle<()>>,
    /// Nothing shows the token as long as the bot runs.
    _secret: Keeper,
    /// Tells users of interrupted commands.
    telling: Option<JoinHandle<()>>,
    /// Last, so that the cogs' tasks outlive everything that asks them for something.
    _threads: CogThreads,
}

/// The threads on which cogs run. They stop when this is dropped, also when a start fails or is given up half-way.
struct CogThreads(Scheduler);

impl CogThreads {
    fn start() -> Result<Self, StartError> {
        let started = Scheduler::start().map_err(|error| {
            StartError::System(format!("the cogs' threads do not start: {error}"))
        });
        started.map(Self)
    }
}

impl Drop for CogThreads {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Bot {
    /// Loads the cogs and connects. An unreachable server is tried again until it answers.
    pub async fn start(options: BotOptions) -> Result<Self, StartError> {
        Self::start_counting(options, None).await
    }

    /// The same with cogs that count which of their lines run, which makes them slower.
    pub async fn start_counting(
        options: BotOptions,
        coverage: Option<Arc<Coverage>>,
    ) -> Result<Self, StartError> {
        crate::gateway::install_tls_provider();
        let secret = secrets::keep(options.token.expose());
        let lua = options.config.lua_dir();
        if !lua.is_dir() {
            return Err(StartError::LuaFolderMissing {
                path: lua.display().to_string(),
            });
        }
        let activity = Activity::new();
        let outbound = outbound(&options, &activity)?;
        // Everything that may have to wait for the server comes before the first cog is loaded: a start
        // that is given up then leaves nothing unsaved.
        let signing_in = sign_in::sign_in(&outbound, &options.clock, &options);
        let opening = with_store(&options, signing_in);
        let ((kept, server), ()) = try_join(opening, tested()).await?;
        let Kept { store, history } = kept;
        let user = server.identity.user.str("username");
        let (gateway, _query) = split_query(&server.gateway.url);
        tracing::info!(user, gateway, "Signed in");
        let services = services(&options, activity, outbound, store)?;
        let services = Arc::new(Services {
            coverage,
            ..services
        });
        services.identity.store(Arc::new(server.identity));
        let threads = CogThreads::start()?;
        let cogs = Cogs::new(Arc::clone(&services), threads.0.clone(), history);
        let cogs = Arc::new(cogs);
        // Nobody else has set it.
        let _first = services.lines.set(Box::new(Lines::new(&cogs))).is_ok();
        if options.state.is_some() {
            cogs.names.open(options.config.var_dir().join(NAMES));
        }
        let reload = Reload::start(Arc::clone(&cogs))
            .await
            .map_err(|error| StartError::System(error.to_string()))?;
        let (admin, waiting) = Admin::new(Arc::clone(&services));
        waiting.open(Arc::clone(&cogs), reload.clone());
        let teller = Teller::new(&services, &reload);
        let telling_of_guard =
            host_tasks::spawn(Task::Guard, teller, |teller, _| Box::pin(teller.tell()));
        let router = Router::new(Arc::clone(&cogs), admin);
        let needed = intents::with_own(*reload.intents.borrow());
        let refused = intents::refused_at_start(&cogs, needed, server.granted).await;
        let intents = needed & !refused;
        let gateway = connect(&options, &services, intents, router, server.gateway)?;
        let gateway = Arc::new(gateway);
        let sender = gateway.sender();
        let keeper = presence::Keeper::new(&services, sender.clone());
        let showing =
            host_tasks::spawn(Task::Presence, keeper, |keeper, _| Box::pin(keeper.keep()));
        // Nobody else has set it: a bot has one gateway.
        let _first = services.gateway.set(sender).is_ok();
        let follower =
            intents::Follower::new(Arc::clone(&gateway), Arc::clone(&cogs), &reload, refused);
        let following = host_tasks::spawn(Task::Intents, follower, |follower, _| {
            Box::pin(follower.follow())
        });
        let record = options.state.is_some();
        let record = record.then(|| options.config.var_dir().join(DEV_GUILDS));
        let follower = commands::Follower::new(&cogs, record);
        let listing = host_tasks::spawn(Task::CommandList, follower, |follower, _| {
            Box::pin(follower.follow())
        });
        Ok(Self {
            cogs,
            reload,
            services,
            gateway: Some(gateway),
            following,
            showing,
            listing,
            telling_of_guard,
            settings: None,
            _secret: secret,
            telling: None,
            _threads: threads,
        })
    }

    /// Returns when every shard has been told that it is ready.
    pub async fn ready(&self, timeout: Duration) -> Result<(), StartError> {
        match &self.gateway {
            Some(gateway) => match gateway.ready(timeout).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.gateway_error(error).await),
            },
            None => Ok(()),
        }
    }

    /// Applies every edit of the configuration file at `path` from now on; `environment` has the overrides
    /// that the bot was started with.
    pub fn follow_config(&mut self, path: &Path, environment: Environment) {
        let follower = Follower::start(path, environment);
        let (cogs, reload) = (Arc::clone(&self.cogs), self.reload.clone());
        let settings = settings::Settings::new(follower, cogs, reload);
        let following = host_tasks::spawn(Task::ConfigFile, settings, |settings, again| {
            Box::pin(settings.follow(again))
        });
        if let Some(former) = self.settings.replace(following) {
            former.abort();
        }
    }

    /// Tells the users of commands that were running when the process before this one died.
    pub fn tell_interrupted(&mut self) {
        if let Some(deliveries) = crate::supervisor::deliveries() {
            let commands = deliveries.take_interrupted();
            let telling = interrupted::tell(Arc::clone(&self.services), commands);
            self.telling = Some(host_tasks::errand(telling));
        }
    }

    /// The connection.
    pub fn gateway(&self) -> Option<&Gateway> {
        self.gateway.as_deref()
    }

    /// Ends when a shard has ended for good, with the reason.
    pub async fn refused(&self) -> StartError {
        let Some(gateway) = &self.gateway else {
            return std::future::pending().await;
        };
        let mut states = gateway.state();
        loop {
            let refused = states
                .borrow()
                .iter()
                .find_map(crate::gateway::ShardState::refusal);
            if let Some(error) = refused {
                return self.gateway_error(error).await;
            }
            if states.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn gateway_error(&self, error: GatewayError) -> StartError {
        match error {
            GatewayError::TokenRefused => StartError::TokenRefused,
            GatewayError::DisallowedIntents { .. } => {
                let asked = intents::with_own(*self.reload.intents.borrow());
                let refused = intents::privileged_of(asked);
                intents::disallowed(&self.cogs, refused).await.into()
            }
            other => StartError::Gateway(other.to_string()),
        }
    }

    /// Returns when the bot has taken every event that `sim` has sent, and has done all that follows from
    /// them, except what waits for the clock or for a user.
    pub async fn settled(&self, sim: &Sim) {
        // Events reach the bot without a sign of their own, so their count is looked at again.
        let mut look = tokio::time::interval(Duration::from_millis(1));
        loop {
            self.services.activity.idle().await;
            let is_waking = self.services.clock.is_waking();
            let sent = sim.sent_sequences();
            let caught_up = sent.iter().all(|(session, shard, sent)| {
                self.gateway
                    .as_ref()
                    .is_none_or(|gateway| gateway.has_seen(*shard, session, *sent))
            });
            let idle = self.services.activity.count() == 0 && sim.requests_in_flight() == 0;
            // What the last events led to may have sent others meanwhile.
            if !is_waking && caught_up && idle && sent == sim.sent_sequences() {
                return;
            }
            look.tick().await;
        }
    }

    /// Stops in order: no more events, `on_unload`, state to the disk.
    pub async fn stop(mut self) {
        self.abort_followers();
        // The task that followed the intents drops the gateway when it has ended.
        let _ended = (&mut self.following).await.is_ok();
        if let Some(gateway) = self.gateway.take().and_then(Arc::into_inner) {
            gateway.shutdown().await;
        }
        let farewells = self.cogs.all().into_iter().map(|cog| async move {
            cog.unload("shutdown").await;
        });
        let all = futures_util::future::join_all(farewells);
        if tokio::time::timeout(FAREWELL, all).await.is_err() {
            tracing::warn!("Some handlers were still running and were cancelled");
        }
        for cog in self.cogs.all() {
            self.cogs.note_ran(&cog);
        }
        self.cogs.history.flush().await;
        if let Some(telling) = self.telling.take() {
            // After an orderly end nobody else tells them.
            let _told = tokio::time::timeout(FAREWELL, telling).await.is_ok();
        }
        if let Err(error) = self.services.store.close().await {
            tracing::error!(%error, "The state could not be written completely");
        }
    }

    fn abort_followers(&self) {
        self.following.abort();
        self.showing.abort();
        self.listing.abort();
        self.telling_of_guard.abort();
        if let Some(settings) = &self.settings {
            settings.abort();
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.abort_followers();
    }
}

fn outbound(options: &BotOptions, activity: &Activity) -> Result<Outbound, StartError> {
    let outbound = Outbound::new(OutboundOptions {
        token: options.token.clone(),
        api_url: options.api_url.clone(),
        // Rate limits and the pauses between repetitions live in real time, also under a paused clock.
        clock: Clock::system(),
        activity: activity.clone(),
    });
    outbound.map_err(|error| StartError::System(error.to_string()))
}

/// Tests that VMs can be run safely.
async fn tested() -> Result<(), StartError> {
    let tested = tokio::task::spawn_blocking(self_test).await;
    let failed = |what: String| StartError::SelfTestFailed { what };
    let tested = tested.map_err(|error| failed(error.to_string()))?;
    tested.map_err(|error| failed(error.to_string()))
}

/// What the bot keeps in `var/`.
struct Kept {
    store: Store,
    history: History,
}

/// Opens the store while `signing_in` waits for the server: both may take long, one of them the disk's time. What is
/// wrong with the store is told at once, and it is never left to open by itself.
async fn with_store(
    options: &BotOptions,
    signing_in: impl Future<Output = Result<SignedIn, StartError>>,
) -> Result<(Kept, SignedIn), StartError> {
    let (path, config) = (options.state.clone(), &options.config);
    let limits = state_limits(config);
    let beside = path.is_some().then(|| config.var_dir().join(HISTORY));
    // Both wait for the disk: they do so together.
    let history = tokio::task::spawn_blocking(move || {
        beside.map_or_else(|| Ok(History::default()), |path| History::open(&path))
    });
    let store = tokio::task::spawn_blocking(move || open_store(path, limits));
    let opening = async {
        let failed =
            |error: JoinError| StartError::System(format!("the state does not open: {error}"));
        Ok::<_, StartError>(Kept {
            store: store.await.map_err(failed)??,
            history: unless_unusable(history.await.map_err(failed)?),
        })
    };
    match select(pin!(opening), pin!(signing_in)).await {
        Either::Left((kept, signing_in)) => Ok((kept?, signing_in.await?)),
        Either::Right((server, opening)) => Ok((opening.await?, server?)),
    }
}

/// A bot runs without a history as well.
fn unless_unusable(opened: Result<History, HistoryError>) -> History {
    opened.unwrap_or_else(|error| {
        tracing::warn!(%error, "The bot keeps no history of its cogs");
        History::default()
    })
}

fn open_store(path: Option<PathBuf>, limits: StateLimits) -> Result<Store, StartError> {
    Store::open(StoreOptions { path, limits }).map_err(|error| state_error(&error))
}

fn services(
    options: &BotOptions,
    activity: Activity,
    outbound: Outbound,
    store: Store,
) -> Result<Services, StartError> {
    let http = HttpClient::new(options.hosts.clone())
        .map_err(|error| StartError::System(format!("requests cannot be made: {error}")))?;
    Ok(Services {
        outbound,
        http,
        cache: Cache::new(),
        questions: Questions::default(),
        guilds: GuildSettings::open(&store),
        store,
        clock: options.clock.clone(),
        activity,
        coverage: None,
        config: ArcSwap::from_pointee(options.config.clone()),
        identity: ArcSwap::from_pointee(Identity {
            user: Json::NULL,
            application_id: String::new(),
            owners: BTreeSet::new(),
        }),
        cooldowns: Arc::new(Cooldowns::new()),
        budgets: Budgets::new(options.clock.clone()),
        running: Running::new(),
        waits: Waits::default(),
        expected: Expected::default(),
        presence: PresenceChoice::default(),
        gateway: OnceLock::new(),
        member_requests: MemberRequests::default(),
        changed_graphs: Mutex::default(),
        failed_cogs: CogQueue::default(),
        ended_trials: CogQueue::default(),
        alarms: CogQueue::default(),
        sources: crate::api::services::LatestSources::default(),
        own_messages: OwnMessages::default(),
        log: SharedLog::new(&options.clock),
        faults: FaultLog::default(),
        refused: FaultLog::default(),
        command_names: ArcSwap::default(),
        shown_names: ArcSwap::default(),
        lines: OnceLock::new(),
        connection: ArcSwap::default(),
        reconnect_changed: Notify::new(),
    })
}

/// The sentence of the store, with what to do where it does not say so itself.
fn state_error(error: &StateError) -> StartError {
    let advice = match error {
        StateError::Open { .. } => {
            "; check that the bot may write to its folder, or set state.url in config.json to another file"
        }
        _ => "",
    };
    StartError::StateUnavailable(format!("{}{advice}", capitalized(&error.to_string())))
}

/// The limits of each cog's state.
fn state_limits(config: &Config) -> StateLimits {
    StateLimits {
        namespace_bytes: megabytes(config.limits.state_mb),
        value_bytes: kilobytes(config.limits.state_value_kb),
        write_bytes_per_second: kilobytes(config.limits.state_write_kb_per_s),
        ..StateLimits::default()
    }
}

fn connect(
    options: &BotOptions,
    services: &Arc<Services>,
    intents: u64,
    router: Router,
    address: GatewayAddress,
) -> Result<Gateway, StartError> {
    let refreshing = Arc::clone(services);
    let gateway_url = options.gateway_url.clone();
    let gateway = Gateway::start(
        GatewayOptions {
            token: options.token.clone(),
            address,
            refresh: Some(Arc::new(move || {
                let (services, given) = (Arc::clone(&refreshing), gateway_url.clone());
                Box::pin(async move {
                    let address =
                        sign_in::gateway_address(&services.outbound, given.as_deref()).await;
                    address.map_err(|error| error.to_string())
                })
            })),
            answers: Some(services.outbound.answers()),
            intents,
            session_store: options.sessions.clone(),
            clock: options.clock.clone(),
        },
        move |event| router.route(&event),
    );
    gateway.map_err(|error| StartError::Gateway(error.to_string()))
}
