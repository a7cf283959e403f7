//! The audit log: what was done, by whom, and what is different since.

use super::World;
use crate::sim::ids::{Id, time_of};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How many entries a guild keeps.
const KEPT: usize = 200;

/// Actions that count up in one entry when they are done again: members are moved and disconnected, messages deleted.
const COUNTED: [u64; 3] = [26, 27, 72];

/// For how long: as moderators have seen it, Discord says nothing about that.
const COUNTED_FOR: Duration = Duration::from_secs(300);

/// Fields of objects that no entry tells changes of: what identifies it, and what others count or hold.
const UNTOLD: &[&str] = &[
    "id",
    "guild_id",
    "parent_id",
    "owner_id",
    "last_message_id",
    "last_pin_timestamp",
    "message_count",
    "member_count",
    "total_message_sent",
    "member",
    "permission_overwrites",
    "user",
    "roles",
    "emojis",
    "stickers",
    "token",
    "url",
    "icon",
    "colors",
    "tags",
    "managed",
    "joined_at",
    "thread_metadata",
];

/// One entry of a guild's audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AuditEntry {
    id: Id,
    pub(crate) actor: Id,
    reason: Option<String>,
    pub(crate) told: Audited,
}

/// What an entry tells of what was done.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Audited {
    /// Discord's audit log event (22 is a ban).
    pub(crate) action: u64,
    pub(crate) target: Option<Id>,
    changes: Vec<Value>,
    options: Map<String, Value>,
}

impl Audited {
    /// An action on something with an id.
    pub(crate) fn of(action: u64, target: Option<Id>) -> Self {
        Self {
            action,
            target,
            ..Self::default()
        }
    }

    /// With the changes of an object; what was made was null before, what was deleted is null afterwards.
    pub(crate) fn changed(mut self, before: &Value, after: &Value) -> Self {
        let (before, after) = (flat(before), flat(after));
        for name in before
            .keys()
            .chain(after.keys().filter(|it| !before.contains_key(*it)))
        {
            let pair = [before.get(name), after.get(name)];
            let [old, new] = pair.map(|value| value.filter(|value| !value.is_null()));
            if old != new {
                self = self.change(name, old, new);
            }
        }
        self
    }

    /// With one change. A value that is not there was, or is, null.
    pub(crate) fn change(mut self, key: &str, old: Option<&Value>, new: Option<&Value>) -> Self {
        let mut change = json!({"key": key});
        for (name, value) in [("old_value", old), ("new_value", new)] {
            if let Some(value) = value {
                change[name] = value.clone();
            }
        }
        self.changes.push(change);
        self
    }

    /// With something that the changes do not tell: `count`, `channel_id` … Discord writes all of it as texts.
    #[allow(clippy::needless_pass_by_value, reason = "numbers and ids, mostly")]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.options.insert(name.into(), value.to_string().into());
        self
    }

    /// Whether this is the same done again.
    fn repeats(&self, former: &Self) -> bool {
        let beside = |told: &Self| {
            let mut options = told.options.clone();
            options.shift_remove("count");
            (told.action, told.target, options)
        };
        COUNTED.contains(&self.action) && beside(self) == beside(former)
    }

    /// How many times it was done.
    fn count(&self) -> u64 {
        let count = self.options.get("count").and_then(Value::as_str);
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// Whether it tells of any change.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }
}

/// The fields of an object that entries tell changes of. Those of a thread's metadata are the thread's, and pictures are
/// known by their hashes.
fn flat(object: &Value) -> Map<String, Value> {
    let metadata = object["thread_metadata"].as_object();
    let metadata = metadata.into_iter().flatten().filter(|(name, _)| {
        matches!(
            name.as_str(),
            "archived" | "locked" | "auto_archive_duration" | "invitable"
        )
    });
    let own = object.as_object().into_iter().flatten();
    let own = own.filter(|(name, _)| !UNTOLD.contains(&name.as_str()));
    let picture = object
        .get("icon")
        .map(|hash| ("icon_hash".to_owned(), hash.clone()));
    let fields = own
        .chain(metadata)
        .map(|(name, value)| (name.clone(), value.clone()));
    fields.chain(picture).collect()
}

impl AuditEntry {
    /// The entry as Discord shows it.
    pub(crate) fn show(&self) -> Value {
        let mut entry = json!({
            "id": self.id.to_string(),
            "user_id": self.actor.to_string(),
            "target_id": self.told.target.map(|id| id.to_string()),
            "action_type": self.told.action,
        });
        if self.told.has_changes() {
            entry["changes"] = self.told.changes.clone().into();
        }
        if !self.told.options.is_empty() {
            entry["options"] = Value::Object(self.told.options.clone());
        }
        if let Some(reason) = &self.reason {
            entry["reason"] = reason.as_str().into();
        }
        entry
    }

    /// The entry's id.
    pub(crate) fn id(&self) -> Id {
        self.id
    }
}

impl World {
    /// Writes an action into a guild's audit log that has no changes to tell.
    pub(crate) fn audit(
        &mut self,
        guild: Id,
        by: (Id, Option<&str>),
        action: u64,
        target: Option<Id>,
    ) {
        self.write_audit(guild, by, Audited::of(action, target));
    }

    /// Counts one up in the entry that tells of the same, if there is one of the last minutes. Discord dispatches
    /// nothing then.
    fn count_up(&mut self, guild: Id, (actor, reason): (Id, Option<&str>), told: &Audited) -> bool {
        let oldest = self.clock.now().saturating_sub(COUNTED_FOR);
        let Some(home) = self.guilds.get_mut(&guild) else {
            return false;
        };
        let mut lately = home.audit.iter_mut().rev();
        let same = lately.find(|entry| {
            let by_same = entry.actor == actor && entry.reason.as_deref() == reason;
            by_same && told.repeats(&entry.told)
        });
        let Some(entry) = same.filter(|entry| time_of(entry.id) >= oldest) else {
            return false;
        };
        let count = entry.told.count() + told.count();
        entry
            .told
            .options
            .insert("count".into(), count.to_string().into());
        true
    }

    /// Writes into a guild's audit log, and dispatches that.
    pub(crate) fn write_audit(
        &mut self,
        guild: Id,
        (actor, reason): (Id, Option<&str>),
        told: Audited,
    ) {
        if self.count_up(guild, (actor, reason), &told) {
            return;
        }
        let entry = AuditEntry {
            id: self.new_id(),
            actor,
            reason: reason.map(Into::into),
            told,
        };
        let mut shown = entry.show();
        shown["guild_id"] = guild.to_string().into();
        let Some(home) = self.guilds.get_mut(&guild) else {
            return;
        };
        if home.audit.len() >= KEPT {
            home.audit.remove(0);
        }
        home.audit.push(entry);
        self.tell_guild(guild, "GUILD_AUDIT_LOG_ENTRY_CREATE", shown);
    }
}
