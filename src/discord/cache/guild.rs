//! One guild's parts.

use super::members::Members;
use super::number;
use crate::json::Json;
use std::collections::HashMap;

/// The fields of a guild's announcement that are kept elsewhere or not at all; the other fields stay as they are.
const APART: [&str; 9] = [
    "channels",
    "guild_scheduled_events",
    "members",
    "presences",
    "roles",
    "soundboard_sounds",
    "stage_instances",
    "threads",
    "voice_states",
];

/// One guild.
pub(super) struct Guild {
    /// Its own fields.
    pub(super) own: Json,
    pub(super) roles: HashMap<u64, Json>,
    /// Channels and active threads.
    pub(super) channels: HashMap<u64, Json>,
    pub(super) members: Members,
    pub(super) unavailable: bool,
}

impl Guild {
    /// The parts of an announcement whose names are shared already; members are left out.
    pub(super) fn new(data: &Json) -> Self {
        let id = data.get("id").cloned().unwrap_or(Json::Null);
        let list = |name: &str| data.get(name).map_or(&[][..], Json::items).iter();
        let channels = list("channels").chain(list("threads"));
        // Inside an announcement, channels do not name their guild.
        let channels = channels.map(|channel| channel.with("guild_id", id.clone()));
        Self {
            own: own_fields(data),
            roles: by_id(list("roles").cloned()),
            channels: by_id(channels),
            members: Members::default(),
            unavailable: false,
        }
    }

    /// Takes in the fields of an update; those that it does not have stay.
    pub(super) fn update(&mut self, data: &Json) {
        let updated = own_fields(data);
        let kept = self.own.fields().iter();
        let kept = kept
            .filter(|(name, _)| updated.get(name).is_none())
            .cloned();
        self.own = Json::Object(updated.fields().iter().cloned().chain(kept).collect());
        if let Some(roles) = data.get("roles") {
            self.roles = by_id(roles.items().iter().cloned());
        }
    }

    /// Discord's object with its roles, the highest last.
    pub(super) fn whole(&self) -> Json {
        let mut roles: Vec<Json> = self.roles.values().cloned().collect();
        roles.sort_by_key(|role| {
            let position = role.get("position").and_then(Json::as_i64);
            (position, role.str("id").and_then(number))
        });
        let whole = self.own.with("roles", Json::Array(roles.into()));
        whole.with("unavailable", Json::Bool(self.unavailable))
    }

    /// Counts a member that came or went.
    pub(super) fn count(&mut self, change: i64) {
        if let Some(count) = self.own.get("member_count").and_then(Json::as_i64) {
            let count = count.saturating_add(change).max(0);
            self.own = self.own.with("member_count", Json::Integer(count));
        }
    }
}

fn own_fields(data: &Json) -> Json {
    let own = data.fields().iter();
    let own =
        own.filter(|(name, _)| !APART.contains(&name.as_ref()) && name.as_ref() != "unavailable");
    Json::Object(own.cloned().collect())
}

fn by_id(objects: impl Iterator<Item = Json>) -> HashMap<u64, Json> {
    objects
        .filter_map(|object| Some((object.str("id").and_then(number)?, object)))
        .collect()
}
