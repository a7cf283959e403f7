//! The studio over real HTTP and a real WebSocket.
//!
//! `door.rs`: who is let in. `feed.rs`: what a page is told. `chat.rs`: what a reader does.
//! `conversation.rs`: what is recorded, saved and played again.
//! `people.rs`: who comes and goes, and what is refused.
//! `uploads.rs`: their files.

mod chat;
mod conversation;
mod door;
mod feed;
mod harness;
mod people;
mod uploads;
