//! The studio over real HTTP and a real WebSocket.
//!
//! `door.rs`: who is let in. `feed.rs`: what a page is told. `chat.rs`: what a reader does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something unexpected happens"
)]

mod chat;
mod door;
mod feed;
mod harness;
