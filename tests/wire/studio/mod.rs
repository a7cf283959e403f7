//! The studio over real HTTP and a real WebSocket.
//!
//! `door.rs`: who is let in. `feed.rs`: what a page is told. `chat.rs`: what a reader does.

mod chat;
mod door;
mod feed;
mod harness;
