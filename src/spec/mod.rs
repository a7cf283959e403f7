//! Specs: tests of cogs in Luau, each in a fresh world with a real bot in it.
//!
//! ```text
//! files (spec/ and lua/) ─ suite (load each file, list its tests) ─ Case::run ─ stage (simulator, bot, clock)
//!                                                                        └ api/spec ─ people, build, look
//! ```
//!
//! - `files.rs`: what a spec reads; `place.rs`: the copy of `lua/` with only the cogs that a spec names;
//! - `suite.rs`: the tests of a project, and one of them run;
//! - `stage.rs`: the world of one test. `build.rs` adds to it, `people.rs` acts in it as somebody, `look.rs`
//!   shows what happened.
//!
//! `api/spec.rs` and `api/spec.luau` are what a spec's author sees of it.

pub mod build;
mod files;
mod look;
mod people;
mod place;
pub mod stage;
mod suite;

pub use suite::{Case, Failure, cases};
