//! A Discord on loopback: real HTTP and a real WebSocket, in which the bot runs unmodified.
//!
//! ```text
//! request  ─ server ─ rest ─ handler(world, call) ─┐
//! handle   ─ act ─────────── handler(world, call) ─┤─ world.outbox ─ hub ─ gateway sessions ─▶ bot
//! ```
//!
//! - [`Sim`] (`handle/`) is what tests, the page and the command line hold;
//! - `server.rs` listens, for programs on this machine and not for web pages; `token.rs` makes the bots' tokens;
//!   `rest/` has one file a resource, each a list of routes with their handlers;
//! - a handler is a plain function of the world and a call, so the bot over HTTP and a person through
//!   the handle obey the same rules (`permissions.rs`, `errors.rs`);
//! - `blueprint/` is a world as JSON, with which a simulator starts; `world/` is what exists; whatever changes it
//!   pushes the events that Discord would dispatch;
//! - `gateway/` numbers them for each session, filters by intents, and sends, compresses, replays;
//! - `client/` is what Discord's client does for people who use commands, buttons and modals;
//! - `limits.rs` and `faults.rs` stand before the handlers, `fault_text.rs` reads faults as people write them;
//!   `record.rs` remembers what was asked;
//! - `client_lines.rs` has the lines with which a client comes here; `reference.rs` writes down which of Discord's operations are here;
//! - `conformity.rs` compares what is given with Discord's description, where a test asks for it;
//! - `hub.rs` owns the one lock; nothing waits while holding it.

mod blueprint;
mod client;
mod client_lines;
mod conformity;
mod errors;
mod fault_text;
mod faults;
mod follow;
mod gateway;
mod handle;
mod hub;
mod ids;
mod lacking;
mod limits;
mod options;
mod permissions;
mod record;
pub mod reference;
mod rest;
mod server;
mod token;
mod world;

pub use blueprint::{Blueprint, BotBlueprint, PRESETS, preset};
pub use client_lines::client_lines;
pub use errors::{ApiError, Lacking, SimError, sentences};
pub use faults::{GatewayFault, GatewayFaultKind, InjectedFault, RestFault, RestFaultKind};
pub use follow::{ActionFile, ActionKind, Dispatch, Follower, Happened, Happening, PersonAction};
pub use gateway::SessionView;
pub use handle::{
    Interaction, InteractionRequest, InteractionView, MessagePage, MessageWindow, Sim,
};
pub use ids::Id;
pub use limits::{Limit, RateLimits};
pub use options::{PRIVILEGED_INTENTS, SimOptions};
pub use record::{Recording, RequestRecord};
pub use world::{SavedWorld, Switches};
