//! The studio: the page on loopback where a newcomer talks to the bot and sees every reload.
//!
//! ```text
//! request ─ guard (is it from this page?) ─┬─ files (the page itself)
//!                                          ├─ actions, uploads, interact (what the reader does) ─▶ simulator
//!                                          ├─ bots (those of other programs), control (what programs ask for beside that) ─▶ simulator
//!                                          ├─ people (who comes and goes, voice, presence) ─▶ simulator
//!                                          ├─ conversation (recorded, saved, played again) ─▶ simulator, spec/
//!                                          ├─ history (what a cog has run), trial (what one server tries) ─▶ hot reload
//!                                          └─ live (the feed) ◀─ frame (what the feed sends)
//! ```
//!
//! `listen.rs` takes the page's address before anything is served.

mod actions;
mod bots;
mod control;
mod conversation;
mod files;
mod frame;
mod guard;
mod history;
mod interact;
mod listen;
mod live;
mod people;
mod trial;
mod uploads;

pub use conversation::Project;
pub use history::Versions;
pub use listen::{bind, listen};

use crate::api::limit_view::LimitView;
use crate::loopback::OwnAddresses;
use crate::reload::report::{ReportLog, UndoneReport};
use crate::server::{self, Limits};
use crate::sim::Sim;
use crate::typecheck::TypeFeed;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use conversation::Desk;
use serde::Serialize;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The largest body of a request: a message of 2,000 characters, escaped, with room to spare.
const BODY_BYTES: usize = 64 * 1024;

/// The largest file: what Discord takes from people without Nitro.
const FILE_BYTES: usize = 10 << 20;

/// The largest conversation.
const CONVERSATION_BYTES: usize = 4 << 20;

/// How long open requests may take to end once the bot stops.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// What the page shows.
#[derive(Clone)]
pub struct StudioOptions {
    /// The simulated Discord to talk in. `None` when the bot is on Discord itself: the page then
    /// shows reloads only, and says so.
    pub chat: Option<Sim>,
    /// The reloads so far, and those to come.
    pub reports: ReportLog,
    /// What the cogs have run. `None` when nothing is kept.
    pub versions: Option<Versions>,
    /// The project in whose folder of specs conversations are saved. `None` for the bots of other programs.
    pub project: Option<Project>,
    /// What is wrong with types after each reload.
    pub types: TypeFeed,
    /// Tells the cogs as they are now; called about once a second for each open page.
    pub cogs: Arc<dyn Fn() -> Vec<CogView> + Send + Sync>,
    /// Tells who the bot is; called when a page is opened.
    pub bot: Arc<dyn Fn() -> BotView + Send + Sync>,
}

/// The bot, as the page introduces it.
#[derive(Clone, Debug, Serialize)]
pub struct BotView {
    /// Its name.
    pub name: String,
    /// The prefix of its commands. `None` for the bot of another program, of which the page knows nothing but what
    /// it says: there are no cogs and reloads to show.
    pub prefix: Option<String>,
    /// Whether it is on Discord itself.
    pub online: bool,
}

/// A cog, as the page lists it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CogView {
    /// The cog's name (`fun.dice`).
    pub name: String,
    /// The version that runs, 0 when none does.
    pub version: u64,
    /// `running`, `waiting` or `quarantined`.
    pub state: String,
    /// Unix seconds at which this version went live.
    pub loaded_at: f64,
    /// The names of its commands, without the prefix.
    pub commands: Vec<String>,
    /// The names under which Discord lists its commands, without subcommands.
    pub slash_commands: Vec<String>,
    /// Set while it runs an earlier version than its files.
    pub undone: Option<UndoneReport>,
    /// What the guard has to say about it.
    pub guard: Option<GuardView>,
    /// Set while one server tries another version.
    pub trial: Option<TrialView>,
    /// One sentence, while something is wrong with it.
    pub problem: Option<String>,
    /// What it uses of each of its limits.
    pub limits: Vec<LimitView>,
}

/// What the guard has to say about a cog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GuardView {
    /// What is worse than before, with the first error.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether the version before could be put back: it runs no earlier version yet.
    pub can_undo: bool,
}

/// That one server tries another version of a cog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrialView {
    /// The server's name, or its id where that is not known.
    pub server: String,
    /// Since when, in Unix seconds.
    pub since: f64,
    /// Who wanted it.
    pub by: String,
    /// One sentence, if the newest text could not be loaded.
    pub problem: Option<String>,
}

/// Why the studio cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// The address can be reached from elsewhere.
    #[error(
        "the studio lets everybody who reaches it act as the bot's owner, so it listens on this \
         machine only, not on {0}: set `studio.listen` to an address such as 127.0.0.1:7878"
    )]
    NotLoopback(SocketAddr),
    /// Something else listens there.
    #[error(
        "port {} is taken, perhaps by another Cogsmith: stop that program, or set `studio.listen` \
         to another port (127.0.0.1:0 takes any free one)",
        .0.port()
    )]
    PortTaken(SocketAddr),
    /// The system refuses the address for another reason.
    #[error(
        "the studio cannot listen on {listen}: {source}; set `studio.listen` to another address"
    )]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The listener has no address.
    #[error("the studio cannot serve its page: {0}; restart the bot to have it back")]
    Serve(#[source] io::Error),
}

/// What every request handler shares.
#[derive(Clone)]
struct StudioState {
    options: StudioOptions,
    /// Becomes true when the bot stops; open feeds then end.
    stopping: watch::Receiver<bool>,
    /// What is recorded and played at the moment.
    desk: Arc<Desk>,
}

/// Serves the page on `listener` until `shutdown` is done. Refuses a listener that is not on
/// loopback.
pub async fn serve(
    listener: TcpListener,
    options: StudioOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), StudioError> {
    let address = listener.local_addr().map_err(StudioError::Serve)?;
    if !address.ip().is_loopback() {
        return Err(StudioError::NotLoopback(address));
    }
    let (stop, stopping) = watch::channel(false);
    let mut stopped = stopping.clone();
    let router = router(StudioState::new(options, stopping), address);
    let shutdown = async move {
        shutdown.await;
        // Without a listener there is no feed to end.
        let _feeds_told = stop.send(true).is_ok();
    };
    let open = move |stream| (stream, router.clone());
    let server = server::serve(listener, Limits::page(), open, shutdown);
    // A request that never ends must not keep the bot from stopping.
    let overdue = async {
        if stopped.wait_for(|stopping| *stopping).await.is_ok() {
            tokio::time::sleep(SHUTDOWN).await;
        }
    };
    tokio::select! {
        () = server => {}
        () = overdue => {}
    }
    Ok(())
}

/// The page and the control interface, for a simulator that serves them on its own port. Feeds end when `stopping`
/// becomes true.
pub fn beside(chat: &Sim, options: StudioOptions, stopping: watch::Receiver<bool>) -> Router {
    router(StudioState::new(options, stopping), chat.address())
}

impl StudioState {
    fn new(options: StudioOptions, stopping: watch::Receiver<bool>) -> Self {
        Self {
            options,
            stopping,
            desk: Arc::default(),
        }
    }
}

/// What is asked for about conversations.
fn conversations() -> Router<StudioState> {
    Router::new()
        .route("/record", post(conversation::record))
        .route("/stop", post(conversation::stop))
        .route("/discard", post(conversation::discard))
        .route("/write", post(conversation::write))
        .route("/save", post(conversation::save_file))
        .route("/saved", get(conversation::list))
        .route("/saved/{name}", get(conversation::one))
        .route("/replay", post(conversation::begin))
        .route("/replay/step", post(conversation::step))
        .route("/replay/end", post(conversation::end))
        .layer(DefaultBodyLimit::max(CONVERSATION_BYTES))
}

fn router(shared: StudioState, address: SocketAddr) -> Router {
    let own = OwnAddresses::of(address);
    let files = shared.options.chat.as_ref().map(Sim::url);
    let policy = guard::content_security_policy(files.as_deref().unwrap_or_default());
    Router::new()
        .route("/control/live", get(live::open))
        .route("/control/say", post(actions::say))
        .route("/control/react", post(actions::react))
        .route("/control/change", post(actions::change))
        .route("/control/locale", post(actions::locale))
        .route("/control/vote", post(actions::vote))
        .route("/control/interact", post(interact::interact))
        .route("/control/history/{cog}", get(history::of))
        .route("/control/undo", post(history::undo))
        .route("/control/trial", post(trial::end))
        .route("/control/direct", post(actions::direct))
        .route("/control/bots", get(bots::list))
        .route("/control/add-bot", post(bots::add))
        .route("/control/remove-bot", post(bots::remove))
        .route("/control/add-person", post(people::add))
        .route("/control/add-server", post(people::found))
        .route("/control/join", post(people::join))
        .route("/control/leave", post(people::leave))
        .route("/control/presence", post(people::presence))
        .route("/control/voice", post(people::voice))
        .route("/control/typing", post(people::typing))
        .route("/control/world", get(control::world))
        .route("/control/messages/{channel}", get(control::messages))
        .route("/control/saved-world", get(control::saved_world))
        .route("/control/requests", get(control::requests))
        .route("/control/call", post(control::call))
        .route("/control/fault", post(control::fault))
        .nest("/control/conversation", conversations())
        .route(
            "/control/upload",
            post(uploads::upload).layer(DefaultBodyLimit::max(FILE_BYTES)),
        )
        .fallback(files::serve)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(actions::answer_panics))
        .layer(middleware::from_fn_with_state(own, guard::check))
        .layer(middleware::map_response_with_state(
            policy,
            guard::add_headers,
        ))
        .with_state(shared)
}
