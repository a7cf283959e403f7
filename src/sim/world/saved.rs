//! The whole world as a file, from which a simulator goes on where another one has stopped.
//!
//! What is not in it is of the moment: connections, sessions and what they have not yet been sent, used rate limits,
//! faults, recorded requests, and the nonces of the last minutes.

use super::World;
use crate::sim::ids::Id;
use crate::sim::options::SimOptions;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The key with which such a file begins.
const MARK: &str = "\"saved_by\"";

#[derive(Serialize)]
struct Written<'a> {
    saved_by: &'static str,
    tokens: &'a [(String, Id)],
    world: &'a World,
}

/// A world that was saved.
#[derive(Debug, Deserialize)]
pub struct SavedWorld {
    /// The bots' tokens and applications, the first bot's at first.
    pub(crate) tokens: Vec<(String, Id)>,
    pub(crate) world: World,
}

impl SavedWorld {
    /// Whether a text is a saved world, and none that somebody has described.
    pub fn is_one(text: &str) -> bool {
        let inside = text.trim_start().strip_prefix('{');
        inside.is_some_and(|inside| inside.trim_start().starts_with(MARK))
    }

    /// Reads a saved world.
    ///
    /// # Errors
    ///
    /// When the text is none of this version: what is wrong, with line and column.
    pub fn read(text: &str) -> Result<Self, String> {
        let saved: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let known = |id: &Id| saved.world.applications.contains_key(id);
        if !known(&saved.world.bot) || !saved.tokens.iter().all(|(_, id)| known(id)) {
            return Err("there is a bot without an application".to_owned());
        }
        Ok(saved)
    }

    /// The world as it goes on at this address (`http://127.0.0.1:7880`), with the tokens.
    pub(crate) fn resume(
        self,
        options: &SimOptions,
        address: String,
    ) -> (World, Vec<(String, Id)>) {
        let Self { mut tokens, world } = self;
        if let Some(first) = tokens.first_mut().filter(|_| !options.token.is_empty()) {
            first.0.clone_from(&options.token);
        }
        let mut world = World {
            clock: options.clock.clone(),
            messages_kept: options.messages_kept,
            interaction_deadline: options.interaction_deadline,
            shards: options.shards,
            max_concurrency: options.max_concurrency,
            ..world
        };
        world.move_to(address);
        // No bot is connected yet.
        let World {
            presences,
            applications,
            ..
        } = &mut world;
        presences.retain(|user, _| !applications.contains_key(user));
        (world, tokens)
    }
}

impl World {
    /// Files are at another address from now on.
    fn move_to(&mut self, address: String) {
        let before = std::mem::replace(&mut self.address, address);
        if before == self.address {
            return;
        }
        let messages = self.messages.values_mut().flat_map(|all| all.values_mut());
        for message in messages {
            for value in message.fields.values_mut() {
                readdress(value, &before, &self.address);
            }
        }
    }
}

/// Puts an address in the place of another one wherever a text begins with it.
fn readdress(value: &mut Value, before: &str, now: &str) {
    match value {
        Value::String(text) => {
            let path = text
                .strip_prefix(before)
                .filter(|path| path.starts_with('/'));
            if let Some(path) = path {
                *text = format!("{now}{path}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| readdress(it, before, now)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|it| readdress(it, before, now)),
        _ => {}
    }
}

/// The world as the text of a file.
pub(crate) fn save(world: &World, tokens: &[(String, Id)]) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Written {
        saved_by: concat!("cogsmith ", env!("CARGO_PKG_VERSION")),
        tokens,
        world,
    })
}

/// Bytes as base64.
pub(super) mod base64 {
    use axum::body::Bytes;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(D::Error::custom)
    }
}
