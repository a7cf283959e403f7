//! The cogs that run.
//!
//! ```text
//! host (the cogs) ─ routes (name → handle) ─ handle (mailbox) ─ actor (one task a cog) ─ handler (one run of a function) ─▶ vm
//! ```
//!
//! - `host`, `routes`, `handle`: the cogs by name; which cog has a command or hears an event; one cog from outside.
//! - `mailbox`: keeps what waits for a cog within bounds.
//! - `scheduler`, `actor`: who runs first; the one task that owns a cog's VM.
//! - `handler`, `command`, `timers`: one run of a function; a command from the typed line to the answer; `cog.every` and `cog.cron`.
//! - `caller`: who calls a command where, as far as checks ask.
//! - `jobs`: which job is begun next, and what becomes of it.
//! - `live`, `prepare`: what a cog runs, everywhere or in one guild; how its next version is made.
//! - `host_names`: what a cog's VM has, by name.
//! - `directory`: looks up what users name in arguments.
//! - `name_owners`: remembers which cog has which name.
//! - `fault`, `quarantine`: tells what went wrong in a handler; puts a cog into quarantine.
//! - `watched`: tells the guard how calls end.

pub mod actor;
pub mod caller;
pub mod command;
pub mod command_list;
mod directory;
mod fault;
pub mod handle;
mod handler;
pub mod host;
pub mod host_names;
mod jobs;
pub mod live;
pub mod mailbox;
pub mod name_owners;
pub mod prepare;
mod quarantine;
pub mod routes;
pub mod scheduler;
mod timers;
mod watched;
