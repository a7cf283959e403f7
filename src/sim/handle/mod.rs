//! What tests, the page and the command line hold of a simulator.
//!
//! `act.rs` speaks and acts as people, `interact.rs` uses commands, buttons and modals as they do, `bots.rs` has bots come
//! and go, `people.rs` does what else they do, `build.rs` adds to the world with all power, `guilds.rs` makes guilds for a while, `look.rs` shows what is there,
//! `pages.rs` the messages of a channel part by part, `wait.rs` waits for what shall happen.

mod act;
mod bots;
mod build;
mod guilds;
mod interact;
mod look;
mod pages;
mod people;
mod wait;

pub use interact::{Interaction, InteractionRequest, InteractionView};
pub use pages::{MessagePage, MessageWindow};

use super::errors::SimError;
use super::faults::InjectedFault;
use super::hub::Hub;
use super::limits::RateLimits;
use super::options::SimOptions;
use super::rest::{RestCall, perform};
use super::server;
use super::world::{SavedWorld, save};
use crate::host_tasks::{self, Task};
use crate::lock::lock;
use axum::Router;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a shutdown waits for connections to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running simulator. Clones are the same simulator; it stops when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Sim {
    running: Arc<Running>,
}

/// Stops the servers when it is dropped; they hold the hub, and never this.
#[derive(Debug)]
struct Running {
    hub: Arc<Hub>,
    server: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.hub.stop.send_replace(true);
    }
}

impl Sim {
    /// Starts a simulator with the world of the options; by default that is the guild Cogsmith with its channels, the
    /// owner (`owner`), `anna`, `ben`, and the bot (`cogsmith`).
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, the system has no random bytes, or a message of the world is one that
    /// Discord would refuse.
    pub async fn start(options: SimOptions) -> Result<Self, SimError> {
        let (listener, address) = listen(&options).await?;
        let (hub, messages) = Hub::new(options, address)?;
        for (author, channel, content) in messages {
            let call = RestCall {
                actor: author,
                body: json!({ "content": content }),
                ..RestCall::default()
            };
            let path = format!("/channels/{channel}/messages");
            hub.change(|state| perform(state, "POST", &path, call))?;
        }
        Self::run(hub, listener)
    }

    /// Starts a simulator whose world goes on where another one has stopped; `SimOptions::world` counts for nothing.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn resume(options: SimOptions, saved: SavedWorld) -> Result<Self, SimError> {
        let (listener, address) = listen(&options).await?;
        Self::run(Hub::resume(options, address, saved), listener)
    }

    fn run(hub: Hub, listener: TcpListener) -> Result<Self, SimError> {
        let hub = Arc::new(hub);
        let address = hub.address;
        let listen = |source| SimError::Listen { address, source };
        let listener = listener.into_std().map_err(listen)?;
        let parts = (Arc::clone(&hub), listener);
        let server = host_tasks::spawn(Task::Simulator, parts, |(hub, listener), _| {
            Box::pin(server::run(hub, listener))
        });
        Ok(Self {
            running: Arc::new(Running {
                hub,
                server: Mutex::new(Some(server)),
            }),
        })
    }

    /// The whole world as the text of a file, with its messages, its files and the bots' tokens, for
    /// [`SavedWorld::read`].
    ///
    /// # Errors
    ///
    /// When it cannot be written down.
    pub fn save(&self) -> Result<String, SimError> {
        let saved = self.hub().look(|state| save(&state.world, &state.tokens));
        saved.map_err(|error| SimError::World(format!("The world cannot be saved: {error}.")))
    }

    /// Resolves whenever something changed after this call.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.hub().changes()
    }

    /// `http://127.0.0.1:PORT`: the API is at `/api/v10` below it.
    pub fn url(&self) -> String {
        format!("http://{}", self.hub().authority)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.hub().address
    }

    /// Serves a page beside Discord's API on the same port: what is neither under `/api/` nor an attachment nor the
    /// gateway. A page that holds this simulator keeps it alive until its `shutdown`. The first page stays.
    pub fn serve_beside(&self, page: Router) {
        let _is_first = self.hub().page.set(page).is_ok();
    }

    /// Becomes true when it stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.hub().stop.subscribe()
    }

    /// The first bot's token: another one for each start, unless the options name one.
    pub fn token(&self) -> &str {
        &self.hub().token
    }

    /// Ends all connections and stops listening. Looking at the world stays possible.
    pub async fn shutdown(&self) {
        self.hub().stop.send_replace(true);
        let server = {
            let mut server = lock(&self.running.server);
            server.take()
        };
        if let Some(mut server) = server
            && tokio::time::timeout(PATIENCE, &mut server).await.is_err()
        {
            server.abort();
        }
    }

    /// Lets something go wrong: the next matching requests, or the gateway now.
    pub fn fault(&self, fault: InjectedFault) {
        self.hub().change(|state| match fault {
            InjectedFault::Rest(fault) => state.faults.add(fault),
            InjectedFault::Gateway(fault) => state.sessions.misbehave(&fault),
        });
    }

    /// Sets other rate limits, and forgets what was used of the old ones.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.hub().change(|state| {
            state.rate_limits = limits;
            state.limiter.clear();
        });
    }

    fn hub(&self) -> &Hub {
        &self.running.hub
    }
}

/// Listens at the address of the options; where that is.
async fn listen(options: &SimOptions) -> Result<(TcpListener, SocketAddr), SimError> {
    let address = options.listen;
    let listen = |source| SimError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    Ok((listener, address))
}
