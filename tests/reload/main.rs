//! Saves and what becomes of them: real files, the real watcher, the real bot.
#![allow(
    clippy::expect_used,
    clippy::needless_raw_string_hashes,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, also in its helpers, and some tell how much they did"
)]

mod atomic;
mod basic;
mod beside;
mod files;
mod graph;
mod guard;
mod history;
mod intents;
mod log;
mod model;
mod names;
mod old_generation;
mod running;
#[path = "../support/mod.rs"]
mod support;
mod switches;
mod trial;
mod under_load;
mod watch;
