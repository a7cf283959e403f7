//! Cogsmith: a Discord bot whose features, the cogs, are written in Luau while it runs.
//!
//! Two flows, one direction each:
//!
//! ```text
//! an event:   gateway ─ router ─ mailbox ─ cog VM ─ api ─ discord ─▶ Discord (or the simulator)
//! a change:   watch ─ plan ─ prepare (stage in every affected VM) ─ commit (swap all) ─▶ report
//! ```
//!
//! Imports point one way:
//! `cli → {gateway, reload, studio, sim} → cogs → {vm, api, commands} → {discord, state} → {config, error} →
//! {files, escape, nearest, secrets, supervisor}`.

pub mod activity;
pub mod admin;
pub mod api;
mod backoff;
pub mod bot;
pub mod charge;
pub mod cli;
pub mod clock;
pub mod cog_queue;
pub mod cogs;
pub mod commands;
pub mod config;
pub mod conversation;
mod cron;
pub mod descriptors;
pub mod discord;
pub mod error;
pub mod escape;
pub mod files;
pub mod gateway;
pub mod guard;
pub mod guild_settings;
pub mod hash;
pub mod history;
pub mod host_tasks;
pub mod http;
pub mod json;
pub mod lint;
mod lock;
mod loopback;
pub mod nearest;
pub mod problem;
pub mod reload;
pub mod requests;
pub mod secrets;
pub mod server;
pub mod sim;
mod sliding_window;
pub mod untrusted_numbers;

pub mod spec;
pub mod state;
pub mod studio;
pub mod supervisor;
pub mod typecheck;
pub mod vm;
