//! What ends a shard for good, and what to do about it.

use crate::config::TOKEN_ADVICE;
use thiserror::Error;

/// Why the gateway cannot be used. Every message says what to do next; none contains the token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GatewayError {
    /// The gateway was started outside a tokio runtime.
    #[error("The gateway was started outside a runtime; start it from an asynchronous function")]
    NoRuntime,

    /// There is no token.
    #[error(
        "There is no bot token. Put DISCORD_TOKEN=… into the environment or the file .env, \
         or run without a token on the built-in simulator with --offline"
    )]
    NoToken,

    /// The address cannot be used.
    #[error(
        "The gateway's address \"{url}\" cannot be used: {reason}. \
         Check what the server at DISCORD_API_URL answers to GET /gateway/bot, or set \
         DISCORD_GATEWAY_URL to the gateway's address"
    )]
    Address {
        /// The address as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// Close code 4004.
    #[error("Discord refused the bot's token (close code 4004). {}", TOKEN_ADVICE)]
    TokenRefused,

    /// Close code 4014.
    #[error(
        "Discord does not allow this bot the intents that it asks for (close code 4014): {names}. \
         Switch them on at https://discord.com/developers/applications: choose the application, \
         then Bot, then Privileged Gateway Intents; or remove them from the cogs that ask for them"
    )]
    DisallowedIntents {
        /// The privileged intents among those requested, as the portal calls them.
        names: String,
    },

    /// Close code 4013.
    #[error(
        "Discord does not know the intents {bits} that the bot asks for (close code 4013). \
         Check the list `intents` of the cogs changed last"
    )]
    InvalidIntents {
        /// The sum of the intents' bits.
        bits: u64,
    },

    /// Close code 4010.
    #[error(
        "Discord refused shard {shard} of {shards} (close code 4010). Use the number of shards \
         that GET /gateway/bot answers"
    )]
    InvalidShard {
        /// The shard's number, from 0.
        shard: u32,
        /// The number of shards.
        shards: u32,
    },

    /// Close code 4011.
    #[error(
        "The bot is in too many guilds for {shards} shard(s) (close code 4011). Use the number of \
         shards that GET /gateway/bot answers"
    )]
    ShardingRequired {
        /// The number of shards.
        shards: u32,
    },

    /// Close code 4012.
    #[error(
        "The server no longer speaks version 10 of the gateway (close code 4012). Update Cogsmith"
    )]
    Version,

    /// The intents stay as they were.
    #[error("The intents stay as they were, because a new session could not be opened: {reason}")]
    IntentsUnchanged {
        /// What happened to the new session's connection.
        reason: String,
    },

    /// Not every shard was ready in time.
    #[error(
        "The gateway was not ready within {seconds} s: {states}. The bot keeps trying; check the \
         network and https://discordstatus.com"
    )]
    NotReady {
        /// The time allowed, in seconds.
        seconds: u64,
        /// What the shards that are not ready do.
        states: String,
    },

    /// There is no such shard, or it is not connected now.
    #[error("Shard {shard} is not connected; try again when it is ready")]
    NotConnected {
        /// The shard's number, from 0.
        shard: u32,
    },

    /// What was to be sent is no gateway command.
    #[error(
        "A gateway command is a JSON object whose \"op\" is 3 (presence), 4 (voice state), \
         8 (guild members), 31 (soundboard sounds) or 43 (channel info)"
    )]
    NotACommand,

    /// The gateway has been shut down.
    #[error("The gateway has been shut down")]
    Stopped,
}

/// The intents that must be switched on in the portal: bit, name in `cog.info`, name in the portal.
const PRIVILEGED: [(u32, &str, &str); 3] = [
    (1, "guild_members", "Server Members Intent"),
    (8, "guild_presences", "Presence Intent"),
    (15, "message_content", "Message Content Intent"),
];

/// The error behind a close code that no new attempt can fix.
/// <https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes>
pub(super) fn fatal(code: u16, shard: u32, shards: u32, intents: u64) -> Option<GatewayError> {
    match code {
        4004 => Some(GatewayError::TokenRefused),
        4010 => Some(GatewayError::InvalidShard { shard, shards }),
        4011 => Some(GatewayError::ShardingRequired { shards }),
        4012 => Some(GatewayError::Version),
        4013 => Some(GatewayError::InvalidIntents { bits: intents }),
        4014 => Some(GatewayError::DisallowedIntents {
            names: privileged(intents),
        }),
        _ => None,
    }
}

fn privileged(intents: u64) -> String {
    let names: Vec<String> = PRIVILEGED
        .iter()
        .filter(|(bit, ..)| intents & (1 << bit) != 0)
        .map(|(_, intent, portal)| format!("{portal} ({intent})"))
        .collect();
    if names.is_empty() {
        format!("none of the privileged ones, but {intents} in all")
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_what_to_switch_on() {
        let message = fatal(4014, 0, 1, 1 << 15 | 1 << 9 | 1 << 1)
            .unwrap()
            .to_string();
        assert!(message.contains("Server Members Intent (guild_members), Message Content Intent"));
        assert!(!message.contains("Presence"));
        assert!(fatal(4000, 0, 1, 0).is_none());
        assert!(
            fatal(4004, 0, 1, 0)
                .unwrap()
                .to_string()
                .contains("Reset Token")
        );
    }
}
