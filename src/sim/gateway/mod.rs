//! The gateway: what a bot's shards connect to.
//!
//! ```text
//! world.outbox ─ sessions.deliver (shard, intents, visibility) ─ session's numbered events
//!                                                                        │ cursor
//! socket ◀─ codec (plain, zlib, zstd) ◀─ connection ◀────────────────────┘
//! ```
//!
//! `session.rs` keeps the events of a session, also while nobody is connected; `connection.rs` talks
//! to one client; `identify.rs` checks who it is; `opening.rs` makes `READY` and `GUILD_CREATE`; `intents.rs` decides who receives
//! what; `codec.rs` compresses. A slow client reads from its session's bounded store at its own
//! pace and never holds up anybody else.

mod close;
mod codec;
mod connection;
mod identify;
mod intents;
mod opening;
mod session;

pub(crate) use connection::serve;
pub(crate) use intents::{MESSAGE_CONTENT, hide_content};
pub use session::SessionView;
pub(crate) use session::Sessions;
