//! How to connect.

use super::address::GatewayAddress;
use crate::clock::Clock;
use crate::config::Token;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::watch;

/// Asks the server again where the gateway is (`GET /gateway/bot`); the error is a sentence.
pub type Refresh = Arc<
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<GatewayAddress, String>> + Send>> + Send + Sync,
>;

/// How to connect.
#[derive(Clone)]
pub struct GatewayOptions {
    /// The bot's token.
    pub token: Token,
    /// What `GET /gateway/bot` answered.
    pub address: GatewayAddress,
    /// Asked before every new identify but the first, and while a session cannot be resumed, if given.
    pub refresh: Option<Refresh>,
    /// Changes whenever the server's REST API has answered a request: then there is a network, and a shard that
    /// waits for one tries at once.
    pub answers: Option<watch::Receiver<()>>,
    /// The intents' bits; unknown ones are passed on.
    pub intents: u64,
    /// The file in which sessions outlive the process.
    pub session_store: Option<PathBuf>,
    /// The clock on which a shard pauses between attempts and waits for its turn to identify. What
    /// concerns the socket itself (heartbeats, time limits) runs on the system's time.
    pub clock: Clock,
}
