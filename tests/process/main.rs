//! The program: its command line, its configuration, how it starts and ends, and how it dies.
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

mod check;
mod cli;
mod config;
#[cfg(unix)]
mod contributor;
#[cfg(unix)]
mod descriptors;
mod dev;
#[path = "../support/fake_http.rs"]
mod fake_http;
mod history;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod lifetime;
mod migrations;
#[cfg(unix)]
mod replay;
mod simulator;
mod spec_command;
mod spec_runner;
mod start;
#[cfg(unix)]
mod state_crash;
#[cfg(unix)]
mod strangers;
#[cfg(target_os = "linux")]
mod supervisor;
#[path = "../support/mod.rs"]
mod support;
