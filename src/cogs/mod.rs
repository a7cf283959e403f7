//! The cogs that run.
//!
//! ```text
//! routes (name → handle) ─ host (mailbox) ─ actor (one task a cog) ─ handler (one run of a function) ─▶ vm
//! ```
//!
//! `mailbox` keeps what waits for a cog within bounds. `live` is what a cog runs, `prepare` makes the next one of it and `command` carries a call from the typed
//! line to the answer. `directory` looks up what users name in arguments, `timers` keeps `cog.every`,
//! `names` remembers which cog has which name, `fault` says what went wrong in a handler, and puts a cog into quarantine. `scheduler` runs the actors, and decides who
//! goes first.

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
