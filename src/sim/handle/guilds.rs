//! Guilds that are made for a while, and are gone without a trace afterwards.

use super::Sim;
use crate::sim::errors::SimError;
use crate::sim::follow::ActionFile;
use crate::sim::ids::Id;
use serde_json::json;

impl Sim {
    /// A new guild without channels and bots, in which everybody may do what they may in `like`, and with that guild's
    /// own commands.
    ///
    /// # Errors
    ///
    /// When the guild or the owner does not exist.
    pub fn add_guild_like(&self, like: Id, name: &str, owner: Id) -> Result<Id, SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            world.user(owner)?;
            let model = world.guild_mut(like)?;
            let everyone = model.roles.get(&like).map(|role| role.permissions);
            let guild = world.add_guild(name, owner);
            if let Some(everyone) = everyone
                && let Some(role) = world.guild_mut(guild)?.roles.get_mut(&guild)
            {
                role.permissions = everyone;
            }
            let commands: Vec<_> = world.commands.values().cloned().collect();
            for mut command in commands.into_iter().filter(|it| it.guild == Some(like)) {
                let id = world.new_id();
                command.guild = Some(guild);
                command.shown["id"] = id.to_string().into();
                command.shown["guild_id"] = guild.to_string().into();
                world.commands.insert(id, command);
            }
            Ok(guild)
        })
    }

    /// Lets the bots into a guild that `like` has, each with a role of the same permissions above all others.
    ///
    /// # Errors
    ///
    /// When one of the guilds does not exist.
    pub fn install_bots_of(&self, like: Id, guild: Id) -> Result<(), SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            let model = world.guild_mut(like)?;
            let roles = model.roles.values();
            let bots: Vec<(Id, u64)> = roles
                .filter_map(|role| Some((role.bot?, role.permissions)))
                .filter(|(bot, _)| model.members.contains_key(bot))
                .collect();
            world.guild_mut(guild)?;
            for (bot, permissions) in bots {
                world.install(guild, bot, permissions);
                // It was told of the guild before it had its role.
                world.tell_member(guild, bot);
            }
            Ok(())
        })
    }

    /// Deletes a guild with all that is in it. Its bots learn of it.
    pub fn remove_guild(&self, guild: Id) {
        self.hub().change(|state| {
            let world = &mut state.world;
            let Some(home) = world.guilds.get(&guild) else {
                return;
            };
            let members = home.members.keys().copied();
            let bots: Vec<Id> = members.filter(|it| world.is_application(*it)).collect();
            for bot in bots {
                let gone = (Some(guild), json!({ "id": guild.to_string() }));
                world.tell_application(bot, "GUILD_DELETE", gone);
            }
            world.guilds.shift_remove(&guild);
            let channels = world.channels.values();
            let own = channels.filter(|channel| channel.guild == Some(guild));
            let own: Vec<Id> = own.map(|channel| channel.id).collect();
            for channel in own {
                world.channels.shift_remove(&channel);
                world.messages.remove(&channel);
            }
            world.webhooks.retain(|_, webhook| webhook.guild != guild);
            world.invites.retain(|_, invite| invite.guild != guild);
            world
                .commands
                .retain(|_, command| command.guild != Some(guild));
        });
    }

    /// Deletes people, and their direct messages with them.
    pub fn remove_users(&self, users: &[Id]) {
        self.hub().change(|state| {
            let world = &mut state.world;
            let channels = world.channels.values();
            let direct = channels.filter(|channel| {
                channel.is_direct() && channel.recipients.iter().any(|id| users.contains(id))
            });
            let direct: Vec<Id> = direct.map(|channel| channel.id).collect();
            for channel in direct {
                world.channels.shift_remove(&channel);
                world.messages.remove(&channel);
            }
            for user in users {
                world.users.shift_remove(user);
                world.presences.remove(user);
                world.modals.remove(user);
            }
        });
    }

    /// All channels and threads, and direct messages.
    pub fn channels(&self) -> Vec<Id> {
        self.hub()
            .look(|state| state.world.channels.keys().copied().collect())
    }

    /// A channel's guild, name and type.
    pub fn place_of(&self, channel: Id) -> Option<(Option<Id>, String, u64)> {
        self.hub().look(|state| {
            let channel = state.world.channels.get(&channel)?;
            Some((channel.guild, channel.name.clone(), channel.kind))
        })
    }

    /// Whose direct messages a channel is: people and bots.
    pub fn recipients_of(&self, channel: Id) -> Vec<Id> {
        self.hub().look(|state| {
            let channel = state.world.channels.get(&channel);
            channel.map_or_else(Vec::new, |channel| channel.recipients.clone())
        })
    }

    /// A user's name.
    pub fn username(&self, user: Id) -> Option<String> {
        self.hub()
            .look(|state| Some(state.world.users.get(&user)?.name.clone()))
    }

    /// A file that was uploaded or attached, as long as it is kept.
    pub fn file(&self, id: Id) -> Option<ActionFile> {
        self.hub().look(|state| {
            let file = state.world.files.get(&id)?;
            Some(ActionFile {
                filename: file.filename.clone(),
                bytes: file.bytes.clone(),
            })
        })
    }
}
