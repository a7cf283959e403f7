//! The studio over real HTTP and a real WebSocket.
//!
//! `door.rs`: who is let in. `feed.rs`: what a page is told. `chat.rs`: what a reader does.
//! `people.rs`: who comes and goes, and what is refused.
//! `uploads.rs`: their files.

mod chat;
mod door;
mod feed;
mod harness;
mod people;
mod uploads;
