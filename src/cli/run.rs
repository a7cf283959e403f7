//! `cogsmith run`: starts the bot and keeps it running until it is asked to stop.

use super::config_path::Settings;
use super::output;
use crate::api::condition::Condition;
use crate::api::limit_view::limits_of;
use crate::bot::{Bot, BotOptions};
use crate::clock::Clock;
use crate::cogs::handle::CogHandle;
use crate::cogs::host::{command_names, slash_names};
use crate::cogs::live::Trial;
use crate::config::{Config, Connection, Token};
use crate::descriptors;
use crate::error::StartError;
use crate::host_tasks::{self, Task};
use crate::http::KnownHosts;
use crate::reload::report::UndoneReport;
use crate::sim::{Sim, SimOptions};
use crate::spec::SPEC_FOLDER;
use crate::studio::{
    self, BotView, CogView, GuardView, Project, StudioError, StudioOptions, TrialView, Versions,
};
use crate::supervisor::{self, Adopted};
use crate::typecheck::{self, FindChecker, TypeFeed, TypeFollower};
use clap::Args;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal;
use tracing::{info, warn};

/// The exit code of a process that was ended by Ctrl-C: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// How long after the start memory is given back that only the start has needed: soon after the bot has connected, as a
/// rule, and when Discord's list of commands has been compared with the cogs', which comes last.
const GIVEN_BACK_AFTER: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(3)];

/// The options of `cogsmith run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub(super) struct RunOptions {
    /// Talk to the bot in a simulator on this machine, even if there is a token
    #[arg(long, conflicts_with = "online")]
    offline: bool,

    /// Join Discord; without a token this is an error instead of a simulator
    #[arg(long)]
    online: bool,

    /// Run in this process, which nothing starts again when it dies: for service managers that do it themselves
    #[arg(long)]
    no_supervisor: bool,
}

/// Where the operator wants the bot to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// On Discord with a token, otherwise in the simulator.
    Automatic,
    /// In the simulator.
    Offline,
    /// On Discord.
    Online,
}

/// Where the bot will run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// In the simulator, within this process.
    Simulator,
    /// On Discord, or on the server at `api_url`.
    Discord {
        /// The bot's token.
        token: Token,
        /// Another server that speaks Discord's API.
        api_url: Option<String>,
        /// Where the gateway is, whatever the API says.
        gateway_url: Option<String>,
    },
}

impl RunOptions {
    /// The options of both, as in `cogsmith --offline run`.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            offline: self.offline || other.offline,
            online: self.online || other.online,
            no_supervisor: self.no_supervisor || other.no_supervisor,
        }
    }

    /// Whether another process is to watch over this one.
    pub(super) fn has_supervisor(self) -> bool {
        !self.no_supervisor
    }

    /// The mode that the options ask for.
    pub(super) fn mode(self) -> Result<Mode, StartError> {
        match (self.offline, self.online) {
            (false, false) => Ok(Mode::Automatic),
            (true, false) => Ok(Mode::Offline),
            (false, true) => Ok(Mode::Online),
            (true, true) => Err(StartError::Usage(
                "Give either --offline or --online, not both.".to_owned(),
            )),
        }
    }
}

/// Where the bot runs, according to the options and the environment.
pub(super) fn target(
    config: &Config,
    connection: Connection,
    mode: Mode,
) -> Result<Target, StartError> {
    match (mode, connection.token) {
        (Mode::Offline, _) | (Mode::Automatic, None) => Ok(Target::Simulator),
        (Mode::Automatic | Mode::Online, Some(token)) => Ok(Target::Discord {
            token,
            api_url: connection.api_url,
            gateway_url: connection.gateway_url,
        }),
        (Mode::Online, None) => Err(StartError::TokenMissing {
            env_file: config.root.join(".env").display().to_string(),
        }),
    }
}

/// Runs the bot until the process is asked to stop.
pub(super) async fn run(settings: Settings, mode: Mode) -> Result<(), StartError> {
    let Settings {
        path,
        environment,
        config,
        connection,
    } = settings;
    let adopted = supervisor::adopt()?;
    descriptors::raise();
    let told_to_stop = shutdown_signal()?;
    supervisor::listen();
    let target = target(&config, connection, mode)?;
    let studio = studio::listen(&config, target == Target::Simulator).await?;
    let sim = match &target {
        Target::Simulator => Some(start_simulator(adopted).await?),
        Target::Discord { .. } => None,
    };
    let online = sim.is_none();
    let starting = Bot::start(bot_options(config, &target, sim.as_ref()));
    tokio::pin!(told_to_stop);
    let mut bot = tokio::select! {
        started = starting => started?,
        () = &mut told_to_stop => {
            info!("Stopped");
            return Ok(());
        }
    };
    bot.follow_config(&path, environment);
    bot.tell_interrupted();
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let page = serve_studio(studio, &bot, sim.clone(), online, closed)?;
    give_back_later();
    let ended = tokio::select! {
        () = &mut told_to_stop => Ok(()),
        error = bot.refused() => Err(error),
    };
    // The page is closed first, so that nobody writes to a bot that is stopping.
    drop(close);
    let _page_closed = page.await.is_ok();
    bot.stop().await;
    if let Some(sim) = sim {
        sim.shutdown().await;
    }
    info!("Stopped");
    ended
}

/// Gives back what the start has needed, which is several times what is used from then on. To map pages again takes
/// time, so that does not happen while the bot connects.
fn give_back_later() {
    let start = tokio::time::Instant::now();
    let giving_back = async move {
        for pause in GIVEN_BACK_AFTER {
            tokio::time::sleep_until(start + pause).await;
            let _given_back = tokio::task::spawn_blocking(supervisor::give_back)
                .await
                .is_ok();
        }
    };
    host_tasks::errand(giving_back);
}

async fn start_simulator(adopted: Adopted) -> Result<Sim, StartError> {
    if adopted.after.is_some() {
        warn!(
            "The simulator was part of the process that died, so its world is new: messages and members are those of a first start. The state of the cogs is still there"
        );
    }
    // No other bot identifies here, so no shard needs to wait for its turn.
    let options = SimOptions {
        max_concurrency: 0,
        ..SimOptions::default()
    };
    Sim::start(options)
        .await
        .map_err(|error| StartError::System(format!("the simulator does not start: {error}")))
}

fn bot_options(config: Config, target: &Target, sim: Option<&Sim>) -> BotOptions {
    let (token, api_url, gateway_url, sessions) = match (target, sim) {
        (
            Target::Discord {
                token,
                api_url,
                gateway_url,
            },
            _,
        ) => {
            let sessions = config.var_dir().join("sessions.json");
            let (api_url, gateway_url) = (api_url.clone(), gateway_url.clone());
            (token.clone(), api_url, gateway_url, Some(sessions))
        }
        // The simulator's world ends with the process, and so do its sessions.
        (Target::Simulator, Some(sim)) => (Token::new(sim.token()), Some(sim.url()), None, None),
        (Target::Simulator, None) => (Token::new(""), None, None, None),
    };
    BotOptions {
        hosts: KnownHosts::new(),
        token,
        api_url,
        gateway_url,
        sessions,
        clock: Clock::system(),
        state: Some(config.state_path()),
        config,
    }
}

fn serve_studio(
    listener: TcpListener,
    bot: &Bot,
    sim: Option<Sim>,
    online: bool,
    closed: tokio::sync::oneshot::Receiver<()>,
) -> Result<tokio::task::JoinHandle<()>, StartError> {
    let address = listener
        .local_addr()
        .map_err(|error| StartError::System(format!("the page has no address: {error}")))?;
    if let Some(record) = supervisor::record() {
        record.set_page_port(address.port());
    }
    let cogs = Arc::clone(&bot.cogs);
    let services = Arc::clone(&bot.services);
    let authors = Arc::clone(&bot.services);
    let config = services.config.load();
    let options = StudioOptions {
        chat: sim,
        reports: bot.reload.reports.clone(),
        types: follow_types(bot),
        versions: Some(Versions {
            cogs: Arc::clone(&bot.cogs),
            reload: bot.reload.clone(),
        }),
        project: Some(Project {
            specs: config.root.join(SPEC_FOLDER),
            author: Arc::new(move |message| authors.own_messages.owner(message)),
        }),
        cogs: Arc::new(move || cogs.all().iter().map(|cog| cog_view(cog)).collect()),
        bot: Arc::new(move || {
            let identity = services.identity.load();
            BotView {
                name: identity.user.str("username").unwrap_or("bot").to_owned(),
                prefix: Some(services.config.load().bot.prefix.clone()),
                online,
            }
        }),
    };
    if online {
        output::say(format!("Reloads and cogs are shown at http://{address}"));
    } else {
        output::say(format!("Talk to your bot at http://{address}"));
    }
    let listener = listener.into_std();
    let listener =
        listener.map_err(|error| StartError::System(format!("the page cannot start: {error}")))?;
    // Whatever comes is the end: the other side is dropped.
    let page = (listener, options, closed.map(drop).boxed().shared());
    Ok(host_tasks::spawn(Task::Page, page, |page, _| {
        Box::pin(serve_page(page))
    }))
}

/// Checks the types after each reload, as long as the bot runs.
fn follow_types(bot: &Bot) -> TypeFeed {
    let feed = TypeFeed::new();
    let services = Arc::clone(&bot.services);
    let root = services.config.load().root.clone();
    let find: FindChecker = Arc::new(move || {
        let config = services.config.load();
        let wanted = config.hot_reload.check_types;
        wanted.then(|| typecheck::program(&config.root)).flatten()
    });
    let follower = TypeFollower::new(root, find, &bot.reload.reports, feed.clone());
    host_tasks::spawn(Task::Types, follower, |follower, _| {
        Box::pin(follower.follow())
    });
    feed
}

type Page = (
    std::net::TcpListener,
    StudioOptions,
    Shared<BoxFuture<'static, ()>>,
);

async fn serve_page((listener, options, closed): &Page) {
    let ended = match host_tasks::listener_of(listener) {
        Ok(listener) => studio::serve(listener, options.clone(), closed.clone()).await,
        Err(error) => Err(StudioError::Serve(error)),
    };
    if let Err(error) = ended {
        warn!(%error, "The page ended");
    }
}

fn cog_view(cog: &CogHandle) -> CogView {
    let (status, condition) = cog.known();
    CogView {
        name: cog.name.to_string(),
        version: condition.version(),
        state: match condition {
            Condition::Quarantined { .. } => "quarantined",
            Condition::Running { .. } => "running",
            Condition::NeverRan { .. } => "waiting",
        }
        .to_owned(),
        loaded_at: status.loaded_at,
        commands: command_names(&status.offer),
        slash_commands: slash_names(&status.offer),
        undone: status.undone.as_deref().map(UndoneReport::from),
        guard: cog.guard_notice().map(|notice| GuardView {
            message: notice.sentence(),
            hint: notice.hint(),
            can_undo: status.undone.is_none(),
        }),
        trial: status.trial.as_deref().map(|trial| trial_view(cog, trial)),
        problem: condition.problem().map(|problem| problem.message.clone()),
        limits: limits_of(&cog.context),
    }
}

fn trial_view(cog: &CogHandle, trial: &Trial) -> TrialView {
    let id = trial.guild.to_string();
    let guild = cog.context.services.cache.guild(&id);
    let name = guild.as_ref().and_then(|guild| guild.str("name"));
    TrialView {
        server: name.map_or_else(|| id.clone(), str::to_owned),
        since: trial.since,
        by: trial.by.clone(),
        problem: trial
            .problem
            .as_ref()
            .map(|problem| problem.message.clone()),
    }
}

/// Listens for Ctrl-C and, on Unix, SIGTERM from now on; the returned future resolves at the first.
/// A Ctrl-C after that ends the process at once, however far its orderly end has come.
pub(super) fn shutdown_signal() -> Result<impl Future<Output = ()>, StartError> {
    let unavailable =
        |error: std::io::Error| StartError::System(format!("signals are not available: {error}"));
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        let terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        (interrupt, terminate)
    };
    #[cfg(windows)]
    let (mut interrupt, mut terminate) = {
        use signal::windows::{ctrl_c, ctrl_close};
        (
            ctrl_c().map_err(unavailable)?,
            ctrl_close().map_err(unavailable)?,
        )
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => info!("Stopping; Ctrl-C once more ends the bot at once"),
            _ = terminate.recv() => info!("Stopping, as the system asked"),
        }
        host_tasks::errand(async move {
            if interrupt.recv().await.is_some() {
                warn!("Ended at once by a second Ctrl-C");
                std::process::exit(INTERRUPTED);
            }
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn decided(variables: &[(&str, &str)], mode: Mode) -> Result<Target, StartError> {
        let environment: Environment = variables.iter().copied().collect();
        let connection = Connection::from_environment(&environment)?;
        target(&Config::default_at("/bot".into()), connection, mode)
    }

    #[test]
    fn a_token_decides_unless_the_operator_does() {
        let token = [
            ("DISCORD_TOKEN", "abc"),
            ("DISCORD_API_URL", "http://proxy/"),
            ("DISCORD_GATEWAY_URL", "ws://proxy/?a=b"),
        ];
        for mode in [Mode::Automatic, Mode::Online] {
            let Target::Discord {
                token,
                api_url,
                gateway_url,
            } = decided(&token, mode).unwrap()
            else {
                panic!("{mode:?} with a token is on Discord");
            };
            assert_eq!(token.expose(), "abc");
            assert_eq!(api_url.as_deref(), Some("http://proxy"));
            assert_eq!(gateway_url.as_deref(), Some("ws://proxy/?a=b"));
        }
        assert_eq!(decided(&token, Mode::Offline).unwrap(), Target::Simulator);
        assert_eq!(decided(&[], Mode::Automatic).unwrap(), Target::Simulator);
        let error = decided(&[], Mode::Online).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("write DISCORD_TOKEN=... into /bot/.env")
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn sigterm_ends_the_wait() {
        let told_to_stop = shutdown_signal().unwrap();
        let kill = std::process::Command::new("kill")
            .args(["-TERM", &std::process::id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        told_to_stop.await;
    }
}
