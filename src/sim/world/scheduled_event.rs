//! Who is interested in scheduled events, and events that begin and end by themselves.

use super::World;
use crate::sim::errors::{ApiError, UNKNOWN_EVENT, UNKNOWN_GUILD};
use crate::sim::ids::{Id, id_in, parse_timestamp};
use serde_json::{Value, json};

/// An event that is in no channel.
const EXTERNAL: u64 = 3;
const SCHEDULED: u64 = 1;
const ACTIVE: u64 = 2;
const COMPLETED: u64 = 3;

impl World {
    /// Who is interested in an event.
    pub(crate) fn interested(&self, guild: Id, event: Id) -> &[Id] {
        let home = self.guilds.get(&guild);
        let users = home.and_then(|home| home.collections.interested.get(&event));
        users.map_or(&[], Vec::as_slice)
    }

    /// Whether a member is interested in an event from now on.
    pub(crate) fn set_interest(
        &mut self,
        (guild, event): (Id, Id),
        user: Id,
        is_interested: bool,
    ) -> Result<(), ApiError> {
        let home = self.guilds.get_mut(&guild).ok_or(UNKNOWN_GUILD)?;
        home.member(user)?;
        home.collections.events.find(event, UNKNOWN_EVENT)?;
        let users = home.collections.interested.entry(event).or_default();
        if users.contains(&user) == is_interested {
            return Ok(());
        }
        let name = if is_interested {
            users.push(user);
            "GUILD_SCHEDULED_EVENT_USER_ADD"
        } else {
            users.retain(|one| *one != user);
            "GUILD_SCHEDULED_EVENT_USER_REMOVE"
        };
        let data = json!({
            "guild_scheduled_event_id": event.to_string(),
            "user_id": user.to_string(),
            "guild_id": guild.to_string(),
        });
        self.tell_guild(guild, name, data);
        Ok(())
    }

    /// Begins and ends the events outside of Discord whose time has come.
    pub(crate) fn pass_events(&mut self) {
        let now = self.clock.now();
        let is_due = |event: &Value, name: &str| {
            let time = event[name].as_str().and_then(parse_timestamp);
            time.is_some_and(|time| time <= now)
        };
        let next = |event: &Value| match event["status"].as_u64() {
            Some(SCHEDULED) if is_due(event, "scheduled_start_time") => Some(ACTIVE),
            Some(ACTIVE) if is_due(event, "scheduled_end_time") => Some(COMPLETED),
            _ => None,
        };
        // One step each time: an event that is over has begun before.
        loop {
            let events = self.guilds.values().flat_map(|guild| {
                let events = guild.collections.events.all();
                let outside = events.filter(|event| event["entity_type"] == EXTERNAL);
                outside.filter_map(|event| Some((guild.id, event.clone(), next(event)?)))
            });
            let due: Vec<(Id, Value, u64)> = events.collect();
            if due.is_empty() {
                return;
            }
            for (guild, mut event, status) in due {
                event["status"] = status.into();
                let id = id_in(&event, "id").unwrap_or(0);
                if let Some(home) = self.guilds.get_mut(&guild) {
                    home.collections.events.keep(id, event.clone());
                }
                self.tell_guild(guild, "GUILD_SCHEDULED_EVENT_UPDATE", event);
            }
        }
    }
}
