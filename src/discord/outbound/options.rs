//! The options of the client.

use crate::activity::Activity;
use crate::clock::Clock;
use crate::config::Token;

/// What [`super::Outbound`] needs.
#[derive(Clone, Debug)]
pub struct OutboundOptions {
    /// The bot's token.
    pub token: Token,
    /// The server, without a path (`http://127.0.0.1:8080`). Nothing: Discord itself.
    pub api_url: Option<String>,
    /// The clock for deadlines and pauses.
    pub clock: Clock,
    /// Where calls are counted while they are under way.
    pub activity: Activity,
}

/// Why the client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The address cannot be one of a server.
    #[error(
        "DISCORD_API_URL is not the address of a server: \"{0}\"; write it like http://127.0.0.1:8080"
    )]
    Address(String),
    /// The token holds characters that no token has.
    #[error(
        "DISCORD_TOKEN holds characters that no token has; copy it from the developer portal again"
    )]
    Token,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Client(String),
}
