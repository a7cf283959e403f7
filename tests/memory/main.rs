//! What the state takes of memory: a program of its own, in which nothing else allocates.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, also in its helpers"
)]

#[path = "../alone/allocated.rs"]
mod allocated;
mod state;
