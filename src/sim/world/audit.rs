//! The audit log.

use super::World;
use crate::sim::ids::Id;
use serde_json::{Value, json};

/// How many entries a guild keeps.
const KEPT: usize = 200;

/// One entry of a guild's audit log.
#[derive(Clone, Debug)]
pub(crate) struct AuditEntry {
    id: Id,
    pub(crate) actor: Id,
    /// Discord's audit log event (22 is a ban).
    pub(crate) action: u64,
    target: Option<Id>,
    reason: Option<String>,
}

impl AuditEntry {
    /// The entry as Discord shows it.
    pub(crate) fn show(&self) -> Value {
        let mut entry = json!({
            "id": self.id.to_string(),
            "user_id": self.actor.to_string(),
            "target_id": self.target.map(|id| id.to_string()),
            "action_type": self.action,
            "changes": [],
        });
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
    /// Writes into a guild's audit log, and dispatches that.
    pub(crate) fn audit(
        &mut self,
        guild: Id,
        (actor, reason): (Id, Option<&str>),
        action: u64,
        target: Option<Id>,
    ) {
        let entry = AuditEntry {
            id: self.new_id(),
            actor,
            action,
            target,
            reason: reason.map(Into::into),
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
