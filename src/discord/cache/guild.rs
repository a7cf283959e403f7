//! One guild's parts.

use super::members::Members;
use super::number;
use crate::json::{Json, JsonRef};
use std::collections::HashMap;

/// The fields of a guild's announcement that are kept elsewhere or not at all; the other fields stay as they are.
const APART: [&str; 10] = [
    "channels",
    "guild_scheduled_events",
    "members",
    "presences",
    "roles",
    "soundboard_sounds",
    "stage_instances",
    "threads",
    "unavailable",
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
    /// The parts of an announcement; members are left out.
    pub(super) fn new(data: JsonRef<'_>) -> Self {
        let id = data.get("id").unwrap_or(JsonRef::NULL);
        let channels = data.list("channels").chain(data.list("threads"));
        // Inside an announcement, channels do not name their guild.
        let channels = channels.map(|channel| channel.with("guild_id", id));
        Self {
            own: own_fields(data),
            roles: by_id(data.list("roles").map(JsonRef::detached)),
            channels: by_id(channels),
            members: Members::default(),
            unavailable: false,
        }
    }

    /// Takes in the fields of an update; those that it does not have stay.
    pub(super) fn update(&mut self, data: JsonRef<'_>) {
        let updated = own_fields(data);
        let kept = self.own.fields();
        let kept = kept.filter(|(name, _)| updated.get(name).is_none());
        self.own = Json::object(updated.fields().chain(kept));
        if let Some(roles) = data.get("roles") {
            self.roles = by_id(roles.items().map(JsonRef::detached));
        }
    }

    /// Discord's object with its roles, the highest last.
    pub(super) fn whole(&self) -> Json {
        let mut roles: Vec<JsonRef<'_>> = self.roles.values().map(Json::view).collect();
        roles.sort_by_key(|role| (role.i64("position"), role.str("id").and_then(number)));
        let whole = self.own.with("roles", Json::array(roles).view());
        whole.with("unavailable", Json::bool(self.unavailable).view())
    }

    /// Counts a member that came or went.
    pub(super) fn count(&mut self, change: i64) {
        if let Some(count) = self.own.i64("member_count") {
            let count = count.saturating_add(change).max(0);
            self.own = self.own.with("member_count", Json::integer(count).view());
        }
    }
}

fn own_fields(data: JsonRef<'_>) -> Json {
    Json::written(|writer| writer.object(|writer| writer.fields_without(&APART, data)))
}

fn by_id(objects: impl Iterator<Item = Json>) -> HashMap<u64, Json> {
    objects
        .filter_map(|object| Some((object.str("id").and_then(number)?, object)))
        .collect()
}
