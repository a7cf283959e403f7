//! What the benchmarks share: a bot and the simulator that it talks to, in one process.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each benchmark uses its part, and none is seen from outside"
)]

pub mod tree;

use cogsmith::bot::{Bot, BotOptions};
use cogsmith::clock::Clock;
use cogsmith::config::{Config, Token};
use cogsmith::http::KnownHosts;
use cogsmith::sim::{Sim, SimOptions};
use std::path::PathBuf;

/// The profile that is measured.
pub const PROFILE: &str = if cfg!(debug_assertions) {
    "dev"
} else {
    "release"
};

/// A simulator that lets all shards connect at once.
pub async fn simulator(options: SimOptions) -> Sim {
    let options = SimOptions {
        max_concurrency: 0,
        ..options
    };
    Sim::start(options).await.unwrap()
}

/// A bot that has loaded its cogs, and keeps its state in this file or in memory.
pub async fn bot(sim: &Sim, config: Config, state: Option<PathBuf>) -> Bot {
    let options = BotOptions {
        hosts: KnownHosts::new(),
        token: Token::new(sim.token()),
        api_url: Some(sim.url()),
        gateway_url: None,
        clock: Clock::system(),
        state,
        sessions: None,
        config,
    };
    Bot::start(options).await.unwrap()
}
