//! Specs: tests of cogs in Luau, each in a fresh world with a real bot in it.
//!
//! ```text
//! files (spec/ and lua/) ─ suite (load each file, list its tests) ─ Case::run ─ world (simulator, bot, clock)
//!                                                                        └ module ─ actions ─ people, build, look
//! ```
//!
//! - `files.rs`: what a spec reads; `bot_folder.rs`: the copy of `lua/` with only the cogs that a spec names;
//! - `suite.rs`: the tests of a project, and one of them run;
//! - `snapshots.rs`: what tests compare with, in files beside the specs, as `readable.rs` writes it;
//! - `coverage_report.rs`: which lines of the cogs were run;
//! - `world.rs`: the world of one test. `build.rs` adds to it, `people.rs` acts in it as somebody, `look.rs`
//!   shows what happened;
//! - `module.rs` and `spec.luau`: the module `@cogsmith/spec`, which a spec's author requires; `actions.rs` and
//!   `user_actions.rs`: the functions behind `world` and the people in it.

mod actions;
mod bot_folder;
mod build;
mod coverage_report;
mod files;
mod look;
mod module;
mod people;
mod snapshots;
mod suite;
mod user_actions;
mod world;

pub use files::{Files as ProjectFiles, SPEC as SPEC_FOLDER};
pub use snapshots::SnapshotMode;
pub use suite::{Case, CaseFailure, CoverageReport, Ended, RunOptions, Specs, cases};
