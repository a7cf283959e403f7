//! Adds to the world without checking permissions. All changes are dispatched.

use super::Sim;
use crate::sim::errors::{ApiError, SimError, UNKNOWN_USER};
use crate::sim::follow::ActionKind;
use crate::sim::ids::Id;
use crate::sim::world::{Audience, Event, Overwrite};
use serde_json::{Value, json};

impl Sim {
    /// A new user, in no guild.
    pub fn add_user(&self, name: &str) -> Id {
        self.hub().change(|state| state.world.add_user(name, false))
    }

    /// A new user that is a bot, as which nobody can connect.
    pub fn add_bot(&self, name: &str) -> Id {
        self.hub().change(|state| state.world.add_user(name, true))
    }

    /// A new user who is a member of `guild` with a role of exactly these permission bits; with
    /// none, without a role.
    ///
    /// # Errors
    ///
    /// When the guild does not exist.
    pub fn add_member(&self, guild: Id, name: &str, permissions: u64) -> Result<Id, SimError> {
        let user = self.add_user(name);
        self.join(guild, user)?;
        if permissions != 0 {
            let role = self.add_role(guild, name, permissions)?;
            self.give_role(guild, user, role)?;
        }
        Ok(user)
    }

    /// A new guild, with the channel `general`, the owner and the first bot in it.
    ///
    /// # Errors
    ///
    /// When the owner does not exist.
    pub fn add_guild(&self, name: &str, owner: Id) -> Result<Id, SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            world.user(owner)?;
            let guild = world.add_guild(name, owner);
            world.add_channel(guild, "general", 0, None);
            let bot = world.bot;
            world.join(guild, bot)?;
            Ok(guild)
        })
    }

    /// Lets a user into a guild. To a bot itself this dispatches `GUILD_CREATE`.
    ///
    /// # Errors
    ///
    /// When one of them does not exist.
    pub fn join(&self, guild: Id, user: Id) -> Result<(), SimError> {
        Ok(self.hub().change(|state| {
            state.world.join(guild, user)?;
            state.tell_action(user, ActionKind::Join(guild), None);
            Ok::<(), ApiError>(())
        })?)
    }

    /// Takes a user out of a guild. To a bot itself this dispatches `GUILD_DELETE`.
    ///
    /// # Errors
    ///
    /// When the guild does not exist or the user is not in it.
    pub fn leave(&self, guild: Id, user: Id) -> Result<(), SimError> {
        Ok(self.hub().change(|state| {
            state.world.leave(guild, user)?;
            state.tell_action(user, ActionKind::Leave(guild), None);
            Ok::<(), ApiError>(())
        })?)
    }

    /// The language in which a user has Discord (`id`, `en-GB`).
    ///
    /// # Errors
    ///
    /// When there is no such user.
    pub fn set_locale(&self, user: Id, locale: &str) -> Result<(), SimError> {
        self.hub().change(|state| {
            let known = state.world.users.get_mut(&user);
            let known = known.ok_or_else(|| ApiError::from(UNKNOWN_USER))?;
            locale.clone_into(&mut known.locale);
            Ok(())
        })
    }

    /// A new channel at the end of a guild. `kind` is Discord's channel type: 0 for text.
    ///
    /// # Errors
    ///
    /// When the guild does not exist.
    pub fn add_channel(&self, guild: Id, name: &str, kind: u64) -> Result<Id, SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            world.guild_mut(guild)?;
            let id = world.add_channel(guild, name, kind, None);
            let shown = world.show_channel(world.channel(id)?, world.bot);
            world.tell_guild(guild, "CHANNEL_CREATE", shown);
            Ok(id)
        })
    }

    /// Allows and denies permission bits to a role or a member in a channel.
    ///
    /// # Errors
    ///
    /// When the channel does not exist.
    pub fn overwrite(
        &self,
        channel: Id,
        target: Id,
        (allow, deny): (u64, u64),
    ) -> Result<(), SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            let is_user = world.users.contains_key(&target);
            world.channel(channel)?;
            if let Some(channel) = world.channels.get_mut(&channel) {
                channel.overwrites.retain(|one| one.id != target);
                channel.overwrites.push(Overwrite {
                    id: target,
                    for_member: is_user,
                    allow,
                    deny,
                });
            }
            let shown = world.show_channel(world.channel(channel)?, world.bot);
            world.tell_channel(channel, "CHANNEL_UPDATE", shown);
            Ok(())
        })
    }

    /// A new role above all others of a guild.
    ///
    /// # Errors
    ///
    /// When the guild does not exist.
    pub fn add_role(&self, guild: Id, name: &str, permissions: u64) -> Result<Id, SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            world.guild_mut(guild)?;
            let id = world.add_role(guild, name, permissions);
            let shown = world.guild_mut(guild)?.role(id)?.show();
            let data = json!({"guild_id": guild.to_string(), "role": shown});
            world.tell_guild(guild, "GUILD_ROLE_CREATE", data);
            Ok(id)
        })
    }

    /// Sets the permission bits of a role.
    ///
    /// # Errors
    ///
    /// When the guild or the role does not exist.
    pub fn set_permissions(&self, guild: Id, role: Id, permissions: u64) -> Result<(), SimError> {
        self.hub().change(|state| {
            let world = &mut state.world;
            let home = world.guild_mut(guild)?;
            home.role(role)?;
            if let Some(role) = home.roles.get_mut(&role) {
                role.permissions = permissions;
            }
            let shown = home.role(role)?.show();
            let data = json!({"guild_id": guild.to_string(), "role": shown});
            world.tell_guild(guild, "GUILD_ROLE_UPDATE", data);
            Ok(())
        })
    }

    /// Gives a role to a member.
    ///
    /// # Errors
    ///
    /// When one of them does not exist.
    pub fn give_role(&self, guild: Id, user: Id, role: Id) -> Result<(), SimError> {
        self.hub().change(|state| {
            let home = state.world.guild_mut(guild)?;
            home.role(role)?;
            home.member(user)?;
            if let Some(member) = home.members.get_mut(&user)
                && !member.roles.contains(&role)
            {
                member.roles.push(role);
                state.world.tell_member(guild, user);
            }
            Ok(())
        })
    }

    /// Whether a user takes direct messages from bots; all do at first.
    pub fn take_messages_from_bots(&self, user: Id, takes: bool) {
        self.hub().change(|state| {
            if let Some(user) = state.world.users.get_mut(&user) {
                user.closed_to_messages = !takes;
            }
        });
    }

    /// Dispatches any event: for events that the simulator does not make itself. It goes to the shard of `guild`, by
    /// the intents that Discord's facts name.
    pub fn dispatch(&self, name: &'static str, guild: Option<Id>, data: Value) {
        self.hub().change(|state| {
            state.world.injected.push(Event {
                name,
                data,
                guild,
                channel: None,
                audience: Audience::Everybody,
                views: Vec::new(),
            });
        });
    }
}
