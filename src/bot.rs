//! One bot: its parts put together, started in order and stopped in order.

use crate::activity::Activity;
use crate::admin::Admin;
use crate::api::services::{Identity, Services};
use crate::clock::Clock;
use crate::cogs::host::Cogs;
use crate::commands::cooldown::Cooldowns;
use crate::commands::running::Running;
use crate::config::{Config, Token};
use crate::discord::cache::Cache;
use crate::discord::outbound::{CallError, Outbound, OutboundOptions};
use crate::error::StartError;
use crate::gateway::router::Router;
use crate::gateway::{Gateway, GatewayAddress, GatewayError, GatewayOptions, IdentifiesLeft};
use crate::json::Json;
use crate::reload::controller::Reload;
use crate::sim::Sim;
use crate::state::{StateError, StateLimits, Store, StoreOptions};
use crate::vm::build::self_test;
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A cog's Luau may call Rust which calls Luau again: the C stack must hold the deepest of it.
const COG_STACK: usize = 8 << 20;
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
    /// The time.
    pub clock: Clock,
    /// Where the state is kept; nothing keeps it in memory.
    pub state: Option<PathBuf>,
    /// Where gateway sessions are kept for the next start.
    pub sessions: Option<PathBuf>,
}

/// A bot that runs. Dropping it stops it less politely than [`Bot::stop`].
pub struct Bot {
    /// The cogs.
    pub cogs: Arc<Cogs>,
    /// Hot reload.
    pub reload: Reload,
    /// What all parts share.
    pub services: Arc<Services>,
    gateway: Option<Arc<Gateway>>,
    following: tokio::task::JoinHandle<()>,
    runtime: Mutex<Option<Runtime>>,
}

impl Bot {
    /// Loads the cogs and connects. An unreachable server is tried again until it answers.
    pub async fn start(options: BotOptions) -> Result<Self, StartError> {
        self_test().map_err(|error| StartError::SelfTestFailed {
            what: error.to_string(),
        })?;
        crate::gateway::install_tls_provider();
        let lua = options.config.lua_dir();
        if !lua.is_dir() {
            return Err(StartError::LuaFolderMissing {
                path: lua.display().to_string(),
            });
        }
        let services = Arc::new(services(&options)?);
        let runtime = cog_runtime()?;
        let cogs = Arc::new(Cogs::new(Arc::clone(&services), runtime.handle().clone()));
        let identity = identify(&services, options.api_url.as_deref()).await?;
        tracing::info!(user = identity.user.str("username"), "Signed in");
        services.identity.store(Arc::new(identity));
        let reload = Reload::start(Arc::clone(&cogs))
            .await
            .map_err(|error| StartError::System(error.to_string()))?;
        let (admin, waiting) = Admin::new(Arc::clone(&services));
        waiting.open(Arc::clone(&cogs), reload.clone());
        let router = Router::new(Arc::clone(&cogs), admin);
        let gateway = Arc::new(connect(&options, &services, &reload, router).await?);
        let following = tokio::spawn(follow_intents(Arc::clone(&gateway), reload.intents.clone()));
        Ok(Self {
            cogs,
            reload,
            services,
            gateway: Some(gateway),
            following,
            runtime: Mutex::new(Some(runtime)),
        })
    }

    /// Returns when every shard has been told that it is ready.
    pub async fn ready(&self, timeout: Duration) -> Result<(), StartError> {
        match &self.gateway {
            Some(gateway) => gateway
                .ready(timeout)
                .await
                .map_err(|error| gateway_error(&error)),
            None => Ok(()),
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
                return gateway_error(&error);
            }
            if states.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Returns when the bot has taken every event that `sim` has sent, and has done all that follows from
    /// them, except what waits for the clock or for a user.
    pub async fn settled(&self, sim: &Sim) {
        // Events reach the bot without a sign of their own, so their count is looked at again.
        let mut look = tokio::time::interval(Duration::from_millis(1));
        loop {
            self.services.activity.idle().await;
            let caught_up = sim.sent_sequences().iter().all(|(_, shard, sent)| {
                self.gateway
                    .as_ref()
                    .is_none_or(|gateway| gateway.sequence(*shard) >= *sent)
            });
            let idle = self.services.activity.count() == 0 && sim.requests_in_flight() == 0;
            if caught_up && idle {
                return;
            }
            look.tick().await;
        }
    }

    /// Stops in order: no more events, `on_unload`, state to the disk.
    pub async fn stop(mut self) {
        self.following.abort();
        // The task that followed the intents lets go of the gateway when it has ended.
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
        if let Err(error) = self.services.store.close().await {
            tracing::error!(%error, "The state could not be written to its end");
        }
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.following.abort();
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

/// The threads on which cogs run. More than there are processors: a cog that is stuck in native code holds
/// one of them, and must not hold up the others.
fn cog_runtime() -> Result<Runtime, StartError> {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads((2 * processors).max(6))
        .thread_stack_size(COG_STACK)
        .thread_name("cogsmith-cogs")
        .enable_all()
        .build()
        .map_err(|error| StartError::System(format!("the cogs' threads do not start: {error}")))
}

fn services(options: &BotOptions) -> Result<Services, StartError> {
    let activity = Activity::new();
    let outbound = Outbound::new(OutboundOptions {
        token: options.token.clone(),
        api_url: options.api_url.clone(),
        clock: options.clock.clone(),
        activity: activity.clone(),
    })
    .map_err(|error| StartError::System(error.to_string()))?;
    let limit = usize::try_from(options.config.limits.state_mb).unwrap_or(usize::MAX);
    let store = Store::open(StoreOptions {
        path: options.state.clone(),
        limits: StateLimits {
            namespace_bytes: limit.saturating_mul(1 << 20),
            ..StateLimits::default()
        },
    })
    .map_err(|error| state_error(options, &error))?;
    Ok(Services {
        outbound,
        cache: Cache::new(),
        store,
        clock: options.clock.clone(),
        activity,
        config: ArcSwap::from_pointee(options.config.clone()),
        identity: ArcSwap::from_pointee(Identity {
            user: Json::Null,
            owners: BTreeSet::new(),
        }),
        cooldowns: Arc::new(Cooldowns::new()),
        running: Running::new(),
        changed_graphs: Mutex::default(),
        command_names: ArcSwap::default(),
    })
}

fn state_error(options: &BotOptions, error: &StateError) -> StartError {
    let path = options.state.as_ref();
    StartError::StateUnavailable {
        path: path.map_or_else(String::new, |path| path.display().to_string()),
        reason: error.to_string(),
    }
}

/// Asks Discord who the bot is. A server that cannot be reached is tried again with growing pauses.
async fn identify(services: &Services, api_url: Option<&str>) -> Result<Identity, StartError> {
    let address = api_url.unwrap_or("https://discord.com");
    let mut pause = Duration::from_secs(1);
    loop {
        let asked = async {
            let user = services.outbound.current_user().await?;
            let application = services.outbound.current_application().await?;
            Ok::<_, CallError>(Identity {
                user,
                owners: application.owners.into_iter().collect(),
            })
        };
        match asked.await {
            Ok(identity) => return Ok(identity),
            Err(CallError::Discord(error)) if error.status == 401 => {
                return Err(StartError::TokenRefused);
            }
            Err(CallError::Discord(error)) if error.status < 500 => {
                return Err(StartError::Unreachable {
                    address: address.to_owned(),
                    reason: error.to_string(),
                });
            }
            Err(error) => {
                let seconds = pause.as_secs();
                tracing::warn!(%error, address, "The server cannot be reached; trying again in {seconds} s");
                services.clock.sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(60));
            }
        }
    }
}

async fn connect(
    options: &BotOptions,
    services: &Arc<Services>,
    reload: &Reload,
    router: Router,
) -> Result<Gateway, StartError> {
    let address = gateway_address(services).await?;
    let refreshing = Arc::clone(services);
    let gateway = Gateway::start(
        GatewayOptions {
            token: options.token.clone(),
            address,
            refresh: Some(Arc::new(move || {
                let services = Arc::clone(&refreshing);
                Box::pin(async move {
                    let address = gateway_address(&services).await;
                    address.map_err(|error| error.to_string())
                })
            })),
            intents: with_cache_intents(*reload.intents.borrow()),
            session_store: options.sessions.clone(),
            clock: options.clock.clone(),
        },
        move |event| router.route(&event),
    );
    gateway.map_err(|error| gateway_error(&error))
}

/// Guilds, channels and roles are always kept, and the bot's own commands are typed in messages.
fn with_cache_intents(intents: u64) -> u64 {
    let own = [
        "guilds",
        "guild_messages",
        "direct_messages",
        "message_content",
    ];
    intents | crate::discord::intents::of(own).unwrap_or_default()
}

async fn follow_intents(gateway: Arc<Gateway>, mut intents: tokio::sync::watch::Receiver<u64>) {
    while intents.changed().await.is_ok() {
        let needed = with_cache_intents(*intents.borrow_and_update());
        if let Err(error) = gateway.set_intents(needed).await {
            tracing::error!(%error, "The new intents could not be asked for");
        }
    }
}

async fn gateway_address(services: &Services) -> Result<GatewayAddress, StartError> {
    let bot = services.outbound.gateway_bot().await;
    let bot = bot.map_err(|error| StartError::Unreachable {
        address: "GET /gateway/bot".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(GatewayAddress {
        url: bot.url,
        shards: bot.shards,
        max_concurrency: u16::try_from(bot.max_concurrency).unwrap_or(u16::MAX),
        identifies_left: Some(IdentifiesLeft {
            remaining: bot.remaining,
            reset_after: bot.reset_after,
        }),
    })
}

fn gateway_error(error: &GatewayError) -> StartError {
    match error {
        GatewayError::TokenRefused => StartError::TokenRefused,
        other => StartError::System(other.to_string()),
    }
}
