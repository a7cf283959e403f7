//! Discord in facts and calls: the operation table, argument checks, outbound requests, the cache, permissions.
//!
//! ```text
//! facts (operations.json, events.json: typed tables) ─ operations, events, schema (look-ups, checks of bodies)
//! a call:   arguments (a flat table becomes a request) ─ outbound (rate limits, the wire, repetitions)
//! an author: types (the Luau types of everything that a cog can require), reference (the pages of the book about operations)
//! a developer: update (a newer table of operations from Discord's own description)
//! an event: event (its JSON, read on demand) ─ complete (what Discord leaves out) ─ cache (what is known of guilds) ─
//!           permissions (who may do what where)
//! ```
//!
//! - `facts.rs`, `facts/`: the facts, read from the two JSON files; `operations.rs`, `events.rs`: what can be called
//!   and heard; `paging.rs`: how long lists come in pages
//! - `event.rs`: one event that has come; `event_ids.rs`: what it is about; `missing_fields.rs`: what Discord leaves out
//!   of it
//! - `reply.rs`: the field by which a message is a reply
//! - `composition/`: what a message or a modal may be composed of
//! - `arguments/`, `outbound/`, `cache/`, `permissions.rs`, `schema/`, `types/`, `reference/`, `update/`: one step each, see there

pub mod arguments;
pub mod cache;
pub mod composition;
pub mod event;
pub mod event_ids;
pub mod events;
mod facts;
pub(crate) mod generated;
pub mod missing_fields;
pub mod operations;
pub mod outbound;
pub mod paging;
pub mod permissions;
pub mod reference;
mod reply;
pub mod schema;
pub mod types;
pub mod update;

pub use arguments::{ArgumentError, File, Prepared, prepare, prepare_with};
pub use cache::Cache;
pub use events::{EventDefinition, event, events, intents, nearest_event};
pub use operations::{Operation, nearest_operation, operation, operations};
pub use outbound::{CallError, DiscordError, Outbound, OutboundOptions, Token};
pub use reply::reply_to;
