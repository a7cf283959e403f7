//! One guild's parts.

use super::announcement::Announcement;
use super::members::Members;
use super::number;
use crate::discord::permissions;
use crate::hash::HashMap;
use crate::json::{Json, JsonRef};
use std::time::Duration;

/// One guild.
pub(super) struct Guild {
    /// Discord's object, with the roles, the highest last, and with `unavailable`.
    own: Json,
    /// Channels and active threads. Those of an announcement are parts of one document, so that each takes only what
    /// it says; one that is changed gets a document of its own.
    channels: HashMap<u64, Json>,
    pub(super) members: Members,
}

impl Guild {
    /// The parts of an announcement; members are left out.
    pub(super) fn new(told: &Announcement<'_>, is_unavailable: bool) -> Self {
        let channels = told.channels.items().chain(told.threads.items());
        let channels = channels.filter_map(|channel| Some((id_of(channel)?, channel.to_json())));
        Self {
            own: ordered(told.own.view(), is_unavailable),
            channels: channels.collect(),
            members: Members::default(),
        }
    }

    /// Discord's object with its roles, the highest last.
    pub(super) fn own(&self) -> &Json {
        &self.own
    }

    /// Takes in the fields of an update; those that it does not have stay.
    pub(super) fn update(&mut self, data: JsonRef<'_>) {
        let kept = self.own.fields();
        let kept = kept.filter(|(name, _)| data.get(name).is_none());
        let updated = Json::object(data.fields().chain(kept));
        self.own = ordered(updated.view(), self.own.is_true("unavailable"));
    }

    /// Sets one of its own fields.
    pub(super) fn set(&mut self, name: &str, value: JsonRef<'_>) {
        self.own = self.own.with(name, value);
    }

    /// Marks it as unavailable, as during an outage.
    pub(super) fn set_unavailable(&mut self) {
        self.set("unavailable", Json::bool(true).view());
    }

    /// Counts a member that came or went.
    pub(super) fn count(&mut self, change: i64) {
        if let Some(count) = self.own.i64("member_count") {
            let count = count.saturating_add(change).max(0);
            self.set("member_count", Json::integer(count).view());
        }
    }

    pub(super) fn role(&self, id: u64) -> Option<JsonRef<'_>> {
        self.roles().find(|role| id_of(*role) == Some(id))
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = JsonRef<'_>> {
        self.own.list("roles")
    }

    /// Exchanges the role with this id, or adds it; without a role, removes it.
    pub(super) fn set_role(&mut self, id: u64, role: Option<JsonRef<'_>>) {
        let others = self.roles().filter(|role| id_of(*role) != Some(id));
        let roles = Json::array(others.chain(role));
        let own = self.own.with("roles", roles.view());
        self.own = ordered(own.view(), self.own.is_true("unavailable"));
    }

    /// A channel or thread, which says of which guild it is.
    pub(super) fn channel(&self, id: u64) -> Option<Json> {
        let channel = self.channels.get(&id)?;
        Some(self.of_here(channel))
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = Json> {
        self.channels.values().map(|channel| self.of_here(channel))
    }

    /// Inside an announcement, channels do not name their guild.
    fn of_here(&self, channel: &Json) -> Json {
        let guild = self.own.get("id").unwrap_or(JsonRef::NULL);
        channel.with("guild_id", guild)
    }

    pub(super) fn channel_ids(&self) -> impl Iterator<Item = u64> {
        self.channels.keys().copied()
    }

    pub(super) fn set_channel(&mut self, id: u64, channel: JsonRef<'_>) {
        self.channels.insert(id, channel.detached());
    }

    /// Forgets a channel, and the threads in it: Discord does not mention those. Returns what is gone.
    pub(super) fn forget_channel(&mut self, id: u64) -> Vec<u64> {
        let is_in_it = |channel: &Json| {
            let parent = channel.str("parent_id").and_then(number);
            channel.get("thread_metadata").is_some() && parent == Some(id)
        };
        let gone = self
            .channels
            .extract_if(|channel, known| *channel == id || is_in_it(known));
        gone.map(|(channel, _)| channel).collect()
    }

    /// What a member may do in a channel or thread.
    pub(super) fn permissions_of(
        &self,
        channel: u64,
        member: JsonRef<'_>,
        now: Duration,
    ) -> Option<u64> {
        let (guild, channel) = (self.own.view(), self.channels.get(&channel)?);
        if channel.get("thread_metadata").is_none() {
            let may = permissions::in_channel(guild, channel.view(), member, now);
            return Some(may);
        }
        let parent = channel.str("parent_id").and_then(number)?;
        let parent = self.channels.get(&parent)?;
        Some(permissions::in_thread(guild, parent.view(), member, now))
    }
}

/// A guild's own fields, with its roles in their order.
fn ordered(own: JsonRef<'_>, is_unavailable: bool) -> Json {
    let mut roles: Vec<JsonRef<'_>> = own.list("roles").collect();
    roles.sort_by_key(|role| (role.i64("position"), id_of(*role)));
    Json::written(|writer| {
        writer.object(|writer| {
            writer.fields_without(&["roles", "unavailable"], own);
            writer.name("roles");
            writer.array(|writer| roles.iter().for_each(|role| writer.copy(*role)));
            writer.name("unavailable");
            writer.bool(is_unavailable);
        });
    })
}

fn id_of(object: JsonRef<'_>) -> Option<u64> {
    object.str("id").and_then(number)
}
