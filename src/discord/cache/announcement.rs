//! The announcement of a guild, read in one pass over its text: what the cache does not keep is never made.

use crate::json::Json;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// What a guild's announcement tells.
#[derive(Default)]
pub(super) struct Announcement<'a> {
    /// The guild's own fields, its roles among them.
    pub(super) own: Json,
    pub(super) channels: Json,
    /// The active threads.
    pub(super) threads: Json,
    /// The texts of members, of which few are kept.
    pub(super) members: Vec<&'a RawValue>,
}

/// The fields that are not kept at all.
const LEFT_OUT: [&str; 5] = [
    "guild_scheduled_events",
    "presences",
    "soundboard_sounds",
    "stage_instances",
    "voice_states",
];

impl<'de> Deserialize<'de> for Announcement<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Announcement<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a guild")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Announcement<'de>, A::Error> {
        let mut told = Announcement::default();
        let mut own: Vec<(String, Json)> = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "channels" => told.channels = fields.next_value()?,
                "threads" => told.threads = fields.next_value()?,
                "members" => {
                    let members: Option<_> = fields.next_value()?;
                    told.members = members.unwrap_or_default();
                }
                left_out if LEFT_OUT.contains(&left_out) => {
                    fields.next_value::<IgnoredAny>()?;
                }
                _ => own.push((name, fields.next_value()?)),
            }
        }
        let own = own.iter();
        told.own = Json::object(own.map(|(name, value)| (name.as_str(), value.view())));
        Ok(told)
    }
}
