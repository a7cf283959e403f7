//! What a simulator is started with.

use super::blueprint::{Blueprint, preset};
use super::limits::RateLimits;
use super::record::Recording;
use crate::clock::Clock;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// `guild_members`, `guild_presences` and `message_content`, as bits of the gateway's intents.
pub const PRIVILEGED_INTENTS: u64 = 1 << 1 | 1 << 8 | 1 << 15;

/// How a simulator behaves.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The first bot's token; empty: that of the blueprint, or another one for each start.
    pub token: String,
    /// The bots, people and guilds that are there from the start.
    pub world: Blueprint,
    /// Makes the tokens the same for each start; otherwise nobody can guess them.
    pub seed: Option<u64>,
    /// Where every request and event goes, each as a line of JSON without tokens.
    pub record: Option<Recording>,
    /// The privileged intents that the applications may use, as bits.
    pub allowed_privileged_intents: u64,
    /// The team that the applications belong to, as Discord shows it; null without one.
    pub team: Value,
    /// How many requests are taken in which time.
    pub rate_limits: RateLimits,
    /// The time that messages, timeouts and interactions live in. Rate limits and heartbeats keep
    /// the system's time, because the client's do.
    pub clock: Clock,
    /// How often the gateway asks for a heartbeat, in milliseconds.
    pub heartbeat_interval_ms: u64,
    /// How many identifies may run side by side (`max_concurrency` of `GET /gateway/bot`).
    pub max_concurrency: u64,
    /// How many shards `GET /gateway/bot` recommends.
    pub shards: u32,
    /// How many messages of a channel are kept; older ones are forgotten silently.
    pub messages_kept: usize,
    /// How many events a session keeps for a client that is slow or away. One that falls further
    /// behind has lost its session.
    pub events_kept: usize,
    /// How many of the bot's requests, and how many lines of transcript, are kept.
    pub requests_kept: usize,
    /// Whether each answer and each event is compared with Discord's description; see [`super::Sim::deviations`].
    pub checks_conformity: bool,
    /// How long an interaction waits for its first answer; Discord gives 3 s.
    pub interaction_deadline: Duration,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: String::new(),
            world: preset("default").unwrap_or_default(),
            seed: None,
            record: None,
            allowed_privileged_intents: PRIVILEGED_INTENTS,
            team: Value::Null,
            rate_limits: RateLimits::default(),
            clock: Clock::system(),
            heartbeat_interval_ms: 41_250,
            max_concurrency: 16,
            shards: 1,
            messages_kept: 10_000,
            events_kept: 16_384,
            requests_kept: 2_000,
            checks_conformity: false,
            interaction_deadline: Duration::from_secs(3),
        }
    }
}
