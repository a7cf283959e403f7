//! A Luau VM for each cog, that no code in it can break out of, stop or exhaust:
//!
//! ```text
//! limits ─ build (the only constructor) ─ require (makes a generation) ─ slice (every entry into Luau) ─ trace (what
//! went wrong, where)
//! ```
//!
//! - `build.rs` makes a VM with its `limits.rs`. `raw/` holds the crate's only `unsafe`: the interrupt pointer, the rule in
//!   front of the allocator, where Luau's pages lie, and the guards in front of long library calls.
//! - `require.rs` loads: `resolve/` turns a require string into a module, `compile.rs` makes bytecode of it,
//!   (`coverage.rs` counts which lines run, for specs), `generation.rs` is what has been loaded, `load_trace.rs` what was read and looked for on the way, `life.rs` what
//!   became of it. `loader.rs` is what the VM has of all that, and what of it runs now.
//! - `slice.rs` enters Luau for one step of a run (`run.rs`), for as long as `cpu_minute.rs` says that the version may:
//!   `cpu_usage.rs` adds up what a cog has used, `watchdog.rs` stops what runs too long, `fair_share.rs` says which cog
//!   runs before others. `memory.rs` is the limit of memory and what a VM holds.
//! - `trace.rs` says what went wrong; `readonly.rs` what to write instead of what cannot be written.
//! - `host/` makes the functions that cogs may call.

pub mod build;
pub mod compile;
pub mod coverage;
mod cpu_minute;
pub mod cpu_usage;
pub mod fair_share;
pub mod generation;
pub mod host;
pub mod life;
mod limits;
pub mod load_trace;
mod loader;
pub mod memory;
pub mod raw;
pub mod readonly;
pub mod require;
pub mod resolve;
pub mod run;
pub mod slice;
pub mod trace;
pub mod watchdog;

pub use raw::allocator::exhaust_after;
pub use raw::pages::PageAllocator;
