//! The socket: the only folder that sees it.
//!
//! ```text
//! address ─ shards ─ task ─ connection ─ frame ─▶ sink (the bot's router)
//!              │       ├─ identify   whose turn it is to identify
//!              │       │  budget     how many identifies there are, and what may use them
//!              │       ├─ backoff    what follows the end of a connection, and how long to wait
//!              │       └─ handover   one session takes another's place when the intents change
//!              └─ store              sessions survive the process
//! ```
//!
//! - `address.rs`: where the gateway is, and which address a session may be resumed at
//! - `shards.rs`: [`Gateway`], the handle; starts one task a shard
//! - `shared.rs`: what the shards share, and what is known of each
//! - `task.rs`: keeps one shard connected: connect, serve, pause, again
//! - `connection_events.rs`: what a shard does about each event of its connection
//! - `connection.rs`: one connection of `twilight-gateway`, as a series of events
//! - `frame.rs`: the envelope around an event
//! - `backoff.rs`: resume or identify after the end of a connection, and after which pause
//! - `identify.rs`, `session_budget.rs`: whose turn it is to identify, and how many identifies are left today
//! - `handover.rs`: a second session with other intents takes the first one's place
//! - `deduplicator.rs`: which events of that second session the first one has delivered already
//! - `store.rs`: sessions in a file, so that the next process resumes them
//! - `token.rs`: the secret, and the TLS provider that carries it
//! - `sender.rs`: commands of those who do not hold the gateway
//! - `error.rs`: what ends a shard for good, and what to do about it
//!
//! # What reaches the sink, and how often
//!
//! While the process lives every event reaches the sink once, in the order of its shard: after a
//! lost connection the session is resumed from the last event handed to the sink, and what the
//! server repeats of it is recognised by its sequence. A process that was stopped by
//! [`Gateway::shutdown`] leaves the exact sequence behind, and the next one gets what was missed,
//! also once. So does a process that died under a supervisor, whose record is exact to the last
//! event ([`crate::supervisor`]). One that was killed together with its supervisor, or had none,
//! leaves a sequence that is up to [`store::SAVE_INTERVAL`] old: the next one is given those events again, rather than losing those that were under way.
//! They, and what follows them until the server says that the session is resumed, carry
//! [`Event::maybe_repeated`](crate::discord::event::Event).

mod address;
mod backoff;
mod connection;
mod connection_events;
mod deduplicator;
mod error;
mod frame;
mod handover;
mod identify;
mod options;
mod sender;
mod session_budget;
mod shard_state;
mod shards;
mod shared;
mod store;
mod task;
mod token;

pub use crate::config::Token;
pub(crate) use address::split_query;
pub use address::{GatewayAddress, IdentifiesLeft};
pub use error::GatewayError;
pub use options::{GatewayOptions, Refresh};
pub use sender::GatewaySender;
pub use shard_state::ShardState;
pub use shards::Gateway;
pub use token::install_tls_provider;
