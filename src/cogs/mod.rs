//! The cogs that run.
//!
//! ```text
//! routes (name → handle) ─ host (mailbox) ─ actor (one task a cog) ─ handler (one run of a function) ─▶ vm
//! ```
//!
//! - `routes`, `host`: which cog has a command or hears an event; the handle of each cog.
//! - `mailbox`: keeps what waits for a cog within bounds.
//! - `scheduler`, `actor`: who runs first; the one task that owns a cog's VM.
//! - `handler`, `command`, `timers`: one run of a function; a command from the typed line to the answer; `cog.every`.
//! - `live`, `prepare`: what a cog runs; how its next version is made.
//! - `directory`: looks up what users name in arguments.
//! - `names`: remembers which cog has which name.
//! - `fault`: says what went wrong in a handler, and puts a cog into quarantine.

pub mod actor;
pub mod command;
pub mod directory;
pub mod fault;
pub mod handler;
pub mod host;
pub mod live;
pub mod mailbox;
pub mod names;
pub mod prepare;
pub mod routes;
pub mod scheduler;
pub mod timers;
