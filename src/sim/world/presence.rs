//! Presences: what users show of themselves. People are online at first, bots once they are connected.

use super::{Audience, Guild, World};
use crate::sim::ids::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a user shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Presence {
    /// `online`, `idle`, `dnd`, `invisible` or `offline`.
    pub(crate) status: String,
    /// In Discord's shape; always a list.
    pub(crate) activities: Value,
}

impl Presence {
    /// A presence of Discord's JSON; online without activities where it says nothing.
    pub(crate) fn read(body: &Value) -> Self {
        let activities = body.get("activities").filter(|value| value.is_array());
        Self {
            status: body["status"].as_str().unwrap_or("online").into(),
            activities: activities.cloned().unwrap_or_else(|| json!([])),
        }
    }

    /// Whether others see the user as offline.
    fn is_hidden(&self) -> bool {
        matches!(self.status.as_str(), "invisible" | "offline")
    }
}

impl World {
    /// What a user shows.
    fn presence(&self, user: Id) -> Presence {
        let known = self.presences.get(&user).cloned();
        known.unwrap_or_else(|| {
            let is_bot = self.users.get(&user).is_some_and(|user| user.bot);
            let status = if is_bot { "offline" } else { "online" };
            Presence::read(&json!({ "status": status }))
        })
    }

    /// A member's presence as others see it, without its guild.
    pub(crate) fn show_presence(&self, user: Id) -> Value {
        let presence = self.presence(user);
        let hidden = presence.is_hidden();
        let status = if hidden { "offline" } else { &presence.status };
        let activities = if hidden {
            json!([])
        } else {
            presence.activities
        };
        json!({
            "user": {"id": user.to_string()},
            "status": status,
            "activities": activities,
            "client_status": if hidden { json!({}) } else { json!({"desktop": status}) },
        })
    }

    /// The members of a guild who are not offline.
    pub(crate) fn present(&self, guild: &Guild) -> Vec<Id> {
        let members = guild.members.keys().copied();
        members
            .filter(|user| !self.presence(*user).is_hidden())
            .collect()
    }

    /// Changes what a user shows, and tells all of its guilds; not the user's own sessions.
    pub(crate) fn set_presence(&mut self, user: Id, presence: Presence) {
        let before = self.show_presence(user);
        self.presences.insert(user, presence);
        let shown = self.show_presence(user);
        if before == shown {
            return;
        }
        let guilds = self.guilds.values();
        let guilds = guilds.filter(|guild| guild.members.contains_key(&user));
        for guild in guilds.map(|guild| guild.id).collect::<Vec<_>>() {
            let mut data = shown.clone();
            data["guild_id"] = guild.to_string().into();
            self.tell_guild(guild, "PRESENCE_UPDATE", data);
            if let Some(event) = self.outbox.last_mut() {
                event.audience = Audience::AllBut(user);
            }
        }
    }
}
