//! Checks which client may begin a session, and with which intents.

use super::close::{self, Close};
use super::intents::KNOWN_INTENTS;
use crate::sim::hub::Hub;
use crate::sim::options::PRIVILEGED_INTENTS;
use serde_json::Value;

/// Whether the payload's token is the bot's, with or without `Bot ` before it.
pub(super) fn is_token(hub: &Hub, data: &Value) -> bool {
    let token = data["token"].as_str().unwrap_or_default();
    token.strip_prefix("Bot ").unwrap_or(token) == hub.token
}

/// The shard with its count, and the intents of a valid identify.
pub(super) fn check(hub: &Hub, data: &Value) -> Result<((u32, u32), u64), Close> {
    if !is_token(hub, data) {
        return Err(close::AUTHENTICATION_FAILED);
    }
    let intents = data["intents"].as_u64();
    let Some(intents) = intents.filter(|bits| bits & !*KNOWN_INTENTS == 0) else {
        return Err(close::INVALID_INTENTS);
    };
    if intents & PRIVILEGED_INTENTS & !hub.options.allowed_privileged_intents != 0 {
        return Err(close::DISALLOWED_INTENTS);
    }
    let number = |index: usize| {
        let number = data["shard"][index].as_u64();
        number.and_then(|number| number.try_into().ok())
    };
    let shard = match data.get("shard") {
        None | Some(Value::Null) => (0, 1),
        Some(_) => number(0).zip(number(1)).unwrap_or((1, 0)),
    };
    if shard.0 < shard.1 {
        Ok((shard, intents))
    } else {
        Err(close::INVALID_SHARD)
    }
}
