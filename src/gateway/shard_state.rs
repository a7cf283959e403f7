//! What a shard is doing.

use super::GatewayError;
use std::fmt;
use std::time::Duration;

/// What a shard is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShardState {
    /// It opens a connection.
    Connecting,
    /// It waits for its turn to identify, or for the answer.
    Identifying,
    /// It receives events.
    Ready,
    /// It receives what it missed.
    Resuming,
    /// It makes its next attempt later.
    Waiting {
        /// When, since the Unix epoch.
        until: Duration,
        /// What went wrong.
        why: String,
    },
    /// It will not try again, unless the intents change.
    Refused(GatewayError),
}

impl ShardState {
    /// Why the shard has given up, if it has.
    pub fn refusal(&self) -> Option<GatewayError> {
        match self {
            Self::Refused(error) => Some(error.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for ShardState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => formatter.write_str("connecting"),
            Self::Identifying => formatter.write_str("identifying"),
            Self::Ready => formatter.write_str("ready"),
            Self::Resuming => formatter.write_str("resuming its session"),
            Self::Waiting { why, .. } => {
                write!(formatter, "waiting before its next attempt: {why}")
            }
            Self::Refused(error) => error.fmt(formatter),
        }
    }
}
