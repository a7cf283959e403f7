//! A Luau VM for each cog, that no code in it can break out of, stop or exhaust:
//!
//! ```text
//! build (the only constructor) ─ require (makes a generation) ─ slice (every entry into Luau) ─ trace (what went wrong, where)
//! ```
//!
//! `raw` holds the crate's only `unsafe`: the interrupt pointer and the guards in front of long library
//! calls. `watchdog` decides when a VM has run too long, `cpu_usage` adds up what a cog used within a minute, `fair_share`
//! says which cog runs before others, `host` makes functions that cogs may call,
//! `resolve` turns a require string into a module, `compile` makes bytecode of it, and a `generation` is what has
//! been loaded. `readonly` says what to write instead of what cannot be written. `load_trace` says what it has read and
//! looked for, `life` what became of it, `memory` is the limit of memory and what a VM holds, and `minute` says how much
//! processor time a version has left.

pub mod build;
pub mod compile;
pub mod cpu_usage;
pub mod fair_share;
pub mod generation;
pub mod host;
pub mod life;
pub mod load_trace;
pub mod memory;
mod minute;
pub mod raw;
pub mod readonly;
pub mod require;
pub mod resolve;
pub mod slice;
pub mod trace;
pub mod watchdog;

pub use raw::allocator::exhaust_after;
