//! Checks which client may begin a session, and with which intents.

use super::close::{self, Close};
use super::intents::{Identity, KNOWN_INTENTS};
use crate::sim::hub::Hub;
use crate::sim::ids::Id;
use crate::sim::options::PRIVILEGED_INTENTS;
use serde_json::Value;

/// The application whose token is in the payload, with or without `Bot ` before it.
pub(super) fn application(hub: &Hub, data: &Value) -> Result<Id, Close> {
    let token = data["token"].as_str().unwrap_or_default();
    let token = token.strip_prefix("Bot ").unwrap_or(token);
    hub.application(token).ok_or(close::AUTHENTICATION_FAILED)
}

/// What a valid identify says.
pub(super) fn check(hub: &Hub, data: &Value) -> Result<Identity, Close> {
    let application = application(hub, data)?;
    let intents = data["intents"].as_u64();
    let Some(intents) = intents.filter(|bits| bits & !*KNOWN_INTENTS == 0) else {
        return Err(close::INVALID_INTENTS);
    };
    let own = hub.look(|state| {
        let own = state.world.applications.get(&application);
        own.map_or(0, |own| own.privileged_intents)
    });
    if intents & PRIVILEGED_INTENTS & !own != 0 {
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
        Ok(Identity {
            application,
            shard,
            intents,
        })
    } else {
        Err(close::INVALID_SHARD)
    }
}
