//! REST: from a request to an answer.
//!
//! ```text
//! request ─ body ─ route ─ authorization ─ faults ─ limits ─ handler(world, call) ─ headers ─ answer
//! ```
//!
//! `answer.rs` goes that way, `routes.rs` finds the handler, `call.rs` is what a handler is given, `body.rs` reads JSON, forms and
//! multipart, `respond.rs` writes the answer, `absent.rs` says what is not here, `operations.rs` knows all of Discord's operations and checks bodies against their
//! schemas. Every other file is one resource: a list of routes at its top, then their handlers.

mod absent;
mod answer;
mod application;
mod archived;
mod automod;
mod automod_execution;
mod automod_guesses;
mod automod_words;
mod bans;
mod body;
mod call;
mod channels;
mod command_rules;
mod commands;
mod community;
mod components;
mod crossposts;
mod direct;
mod draft;
mod embeds;
mod emojis;
mod entitlements;
mod expressions;
mod file_types;
mod files;
mod gateway;
mod guilds;
mod images;
mod integrations;
mod interactions;
mod invite_targets;
mod invites;
mod lobbies;
mod media;
mod members;
mod mentions;
mod message_rules;
mod messages;
mod operations;
mod overwrites;
mod pictures;
mod pins;
mod polls;
mod post;
mod prune;
mod reactions;
mod reference;
mod respond;
mod role_connections;
mod roles;
mod route;
mod routes;
mod scheduled_events;
mod search;
mod soundboard;
mod stages;
mod stickers;
mod tags;
mod templates;
mod threads;
mod voice;
mod webhook_services;
mod webhooks;
mod widget;

pub(crate) use absent::all as all_operations;
pub(crate) use answer::{ATTACHMENTS, answer, perform};
pub(crate) use application::application_flags;
pub(crate) use body::LARGEST_REQUEST;
pub(crate) use call::RestCall;
pub(crate) use files::{found_out, keep_upload};
pub(crate) use pictures::is_picture;
pub(crate) use respond::respond;
