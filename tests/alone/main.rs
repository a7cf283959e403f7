//! What is counted for the whole process, so that each of these tests runs alone.
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

mod allocated;
mod charges;
mod exhaustion;
mod host_tasks;
mod many_reloads;
mod many_versions;
mod much_chat;
mod reload_scale;
#[path = "../support/mod.rs"]
mod support;

use tokio::sync::{Mutex, MutexGuard};

/// Held by the test that runs.
static TURN: Mutex<()> = Mutex::const_new(());

/// Returns when no other test runs.
async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}
