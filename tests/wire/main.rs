//! The bot against the simulator, and its parts against servers that misbehave, over real HTTP and WebSocket.
#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
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

mod api_cog;
mod api_discord;
mod api_http;
mod api_rows;
mod api_small;
mod api_state;
mod bursts;
mod cache;
mod capabilities;
mod components;
mod config_live;
mod conversation;
mod documents;
mod events;
#[path = "../support/fake_gateway.rs"]
mod fake_gateway;
#[path = "../support/fake_http.rs"]
mod fake_http;
mod forget;
mod gateway;
mod help;
mod identity;
mod lines;
mod members;
mod migrate;
mod names;
mod outbound;
mod presence;
mod refused;
mod repeats;
mod settings;
mod sim_bots;
mod sim_gateway;
mod sim_guard;
mod sim_rest;
mod sim_saved;
mod slash;
mod state_model;
mod studio;
#[path = "../support/mod.rs"]
mod support;
mod texts;
mod times;
mod typed;
mod types;
mod ui;
mod wrong_arguments;
