//! Bots come into guilds and leave them: at the start, and while the simulator runs.

use super::start::{BOT, bits};
use super::{Application, Audited, World};
use crate::sim::blueprint::BotBlueprint;
use crate::sim::ids::Id;
use crate::sim::options::SimOptions;
use serde_json::{Value, json};

/// Discord's audit log event for a bot that was added to a guild.
const BOT_ADD: u64 = 28;

impl World {
    /// Makes a bot that can connect, and lets it into all guilds. Returns its id, which is its application's.
    pub(crate) fn add_bot(&mut self, bot: &BotBlueprint, options: &SimOptions) -> Id {
        let id = self.add_application(bot, options);
        let guilds: Vec<Id> = self.guilds.keys().copied().collect();
        let permissions = bot.permissions.as_deref().map_or(BOT, bits);
        for guild in guilds {
            self.install(guild, id, permissions);
            let by = self.guilds.get(&guild).map_or(0, |home| home.owner);
            self.write_audit(guild, (by, None), Audited::of(BOT_ADD, Some(id)));
        }
        id
    }

    /// Takes a bot out of all guilds, with its application, its commands and its webhooks. What it wrote stays.
    pub(crate) fn remove_bot(&mut self, id: Id) {
        let guilds: Vec<Id> = self.guilds.keys().copied().collect();
        for guild in guilds {
            self.uninstall(guild, id);
        }
        self.commands.retain(|_, command| command.application != id);
        self.interactions.retain(|_, it| it.application != id);
        self.modals.retain(|_, modal| modal.application != id);
        self.applications.shift_remove(&id);
    }

    /// Lets a bot into a guild, with a role of its own.
    pub(crate) fn install(&mut self, guild: Id, bot: Id, permissions: u64) {
        let name = self.users.get(&bot).map(|user| user.name.clone());
        let own = self.add_role(guild, &name.unwrap_or_default(), permissions);
        let home = self.guilds.get_mut(&guild);
        let role = home.and_then(|home| home.roles.get_mut(&own));
        let Some(role) = role else { return };
        role.bot = Some(bot);
        let told = json!({"guild_id": guild.to_string(), "role": role.show()});
        if let Some(own) = self.applications.get(&bot) {
            let mut shown = self.show_integration(own);
            shown["guild_id"] = guild.to_string().into();
            self.tell_guild(guild, "INTEGRATION_CREATE", shown);
        }
        self.tell_guild(guild, "GUILD_ROLE_CREATE", told);
        // The caller has made both.
        let _joined = self.join(guild, bot).is_ok();
        let home = self.guilds.get_mut(&guild);
        if let Some(member) = home.and_then(|home| home.members.get_mut(&bot)) {
            member.roles.push(own);
            self.tell_member(guild, bot);
        }
    }

    /// Takes a bot out of a guild, with its webhooks and its role.
    pub(crate) fn uninstall(&mut self, guild: Id, bot: Id) {
        let is_member = |world: &Self| {
            let home = world.guilds.get(&guild);
            home.is_some_and(|home| home.members.contains_key(&bot))
        };
        if !is_member(self) {
            return;
        }
        let data = json!({
            "id": bot.to_string(), "guild_id": guild.to_string(), "application_id": bot.to_string(),
        });
        self.tell_guild(guild, "INTEGRATION_DELETE", data);
        let data = json!({"guild_id": guild.to_string()});
        self.tell_guild(guild, "GUILD_INTEGRATIONS_UPDATE", data);
        self.webhooks
            .retain(|_, hook| hook.guild != guild || hook.creator != bot);
        // It is a member, as was seen above.
        let _left = self.leave(guild, bot).is_ok();
        let Some(home) = self.guilds.get_mut(&guild) else {
            return;
        };
        let roles = home.roles.values().filter(|role| role.bot == Some(bot));
        let own: Vec<Id> = roles.map(|role| role.id).collect();
        home.roles.retain(|_, role| role.bot != Some(bot));
        for role in own {
            let data = json!({"guild_id": guild.to_string(), "role_id": role.to_string()});
            self.tell_guild(guild, "GUILD_ROLE_DELETE", data);
        }
    }

    /// A bot's integration, as guilds show it.
    pub(crate) fn show_integration(&self, own: &Application) -> Value {
        json!({
            "id": own.id.to_string(),
            "name": own.name,
            "type": "discord",
            "enabled": true,
            "account": {"id": own.id.to_string(), "name": own.name},
            "scopes": ["bot", "applications.commands"],
            "user": self.show_user(self.owner),
            "application": {
                "id": own.id.to_string(), "name": own.name, "icon": null, "description": "",
                "type": null, "bot": self.show_user(own.id),
            },
        })
    }
}
