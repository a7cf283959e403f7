//! Adding to the world, without checking permissions.

use super::world::{SpecResult, TestWorld};
use crate::discord::operation;
use crate::sim::{Id, InjectedFault, RestFaultKind, SimError};
use serde_json::{Value, json};

/// Somebody new.
#[derive(Debug, Default)]
pub(super) struct NewUser {
    /// Nothing: `user`.
    pub(super) name: Option<String>,
    /// Whether it is a bot.
    pub(super) bot: bool,
    /// Whether it is the owner of the application and the guild.
    pub(super) owner: bool,
    /// A name for this guild.
    pub(super) nick: Option<String>,
    /// Roles to be given.
    pub(super) roles: Vec<Id>,
    /// Permission bits, by a role of their own below the bot's.
    pub(super) permissions: u64,
    /// The language of the person's Discord.
    pub(super) locale: Option<String>,
    /// Whether the person is not in the guild.
    pub(super) outside: bool,
}

/// A new channel.
#[derive(Debug, Default)]
pub(super) struct NewChannel {
    /// Nothing: `channel`.
    pub(super) name: Option<String>,
    /// Discord's type: 0 for text.
    pub(super) kind: u64,
    /// Whether it is for adults.
    pub(super) nsfw: bool,
    /// Permission bits that the bot does not have there.
    pub(super) bot_lacks: u64,
}

/// A new role. It stands above those that were made before.
#[derive(Debug, Default)]
pub(super) struct NewRole {
    /// Nothing: `role`.
    pub(super) name: Option<String>,
    /// Permission bits.
    pub(super) permissions: u64,
    /// Whether it stands above the bot's own.
    pub(super) above_bot: bool,
}

impl TestWorld {
    /// Lets somebody into the guild. Returns `{ id, name }`.
    pub(super) async fn add_user(&self, user: NewUser) -> SpecResult<Value> {
        let name = user.name.unwrap_or_else(|| "user".to_owned());
        let (id, name) = if user.owner {
            (self.sim.owner(), "owner".to_owned())
        } else {
            let id = if user.bot {
                self.sim.add_bot(&name)
            } else {
                self.sim.add_user(&name)
            };
            if !user.outside {
                self.sim.join(self.guild, id).map_err(told)?;
            }
            (id, name)
        };
        if let Some(locale) = user.locale {
            self.sim.set_locale(id, &locale).map_err(told)?;
        }
        let mut roles = user.roles;
        if user.permissions != 0 {
            roles.push(self.role_of(&name, user.permissions, false)?);
        }
        for role in roles {
            self.sim.give_role(self.guild, id, role).map_err(told)?;
        }
        if let Some(nick) = user.nick {
            self.as_owner(
                "PATCH",
                &format!("/guilds/{}/members/{id}", self.guild),
                json!({ "nick": nick }),
            )?;
        }
        self.settle().await?;
        Ok(json!({ "id": id.to_string(), "name": name }))
    }

    /// Adds a channel. Returns it in Discord's shape.
    pub(super) async fn add_channel(&self, channel: NewChannel) -> SpecResult<Value> {
        let name = channel.name.as_deref().unwrap_or("channel");
        let id = self
            .sim
            .add_channel(self.guild, name, channel.kind)
            .map_err(told)?;
        let path = format!("/channels/{id}");
        if channel.nsfw {
            self.as_owner("PATCH", &path, json!({ "nsfw": true }))?;
        }
        if channel.bot_lacks != 0 {
            let denied = (0, channel.bot_lacks);
            self.sim
                .overwrite(id, self.sim.bot_user(), denied)
                .map_err(told)?;
        }
        self.settle().await?;
        self.as_owner("GET", &path, Value::Null)
    }

    /// Adds a role. Returns it in Discord's shape.
    pub(super) async fn add_role(&self, role: NewRole) -> SpecResult<Value> {
        let name = role.name.as_deref().unwrap_or("role");
        let id = self.role_of(name, role.permissions, role.above_bot)?;
        self.settle().await?;
        self.as_owner(
            "GET",
            &format!("/guilds/{}/roles/{id}", self.guild),
            Value::Null,
        )
    }

    /// Deletes a message of a channel, or without one a channel or a role.
    pub(super) async fn delete(&self, id: Id, channel: Option<Id>) -> SpecResult<()> {
        let path = match channel {
            Some(channel) => format!("/channels/{channel}/messages/{id}"),
            None if self.is_role(id)? => format!("/guilds/{}/roles/{id}", self.guild),
            None => format!("/channels/{id}"),
        };
        self.as_owner("DELETE", &path, Value::Null)?;
        self.settle().await
    }

    fn is_role(&self, id: Id) -> SpecResult<bool> {
        let path = format!("/guilds/{}/roles", self.guild);
        let roles = self.as_owner("GET", &path, Value::Null)?;
        let id = id.to_string();
        Ok(roles
            .as_array()
            .into_iter()
            .flatten()
            .any(|role| role["id"] == id.as_str()))
    }

    /// Sets what the bot's own role allows.
    pub(super) async fn set_bot_permissions(&self, permissions: u64) -> SpecResult<()> {
        let role = self.bot_role()?;
        self.sim
            .set_permissions(self.guild, role, permissions)
            .map_err(told)?;
        self.settle().await
    }

    /// Has calls of an operation fail.
    pub(super) fn fault(&self, id: &str, status: u16, code: u64, times: usize) -> SpecResult<()> {
        let operation = operation(id).ok_or_else(|| {
            let near = crate::discord::nearest_operation(id);
            let hint = crate::nearest::hint(near);
            format!("there is no operation \"{id}\"{hint}")
        })?;
        let kind = RestFaultKind::Status {
            status,
            code,
            message: format!("A spec has {} fail", operation.id),
            retry_after: None,
        };
        self.sim
            .fault(InjectedFault::rest(operation.method, operation.path, kind).times(times));
        Ok(())
    }

    /// Calls a route as the owner of the guild.
    pub(super) fn as_owner(&self, method: &str, path: &str, body: Value) -> SpecResult<Value> {
        self.sim
            .call_as(self.sim.owner(), method, path, body)
            .map_err(told)
    }

    fn bot_role(&self) -> SpecResult<Id> {
        let role = self.sim.role(self.guild, "cogsmith");
        role.ok_or_else(|| "the bot's own role is gone".to_owned())
    }

    /// Makes a role, which the simulator puts on top, and moves the bot's above it.
    fn role_of(&self, name: &str, permissions: u64, above_bot: bool) -> SpecResult<Id> {
        let id = self
            .sim
            .add_role(self.guild, name, permissions)
            .map_err(told)?;
        if above_bot {
            return Ok(id);
        }
        let path = format!("/guilds/{}/roles", self.guild);
        let roles = self.as_owner("GET", &path, Value::Null)?;
        let roles = roles.as_array().cloned().unwrap_or_default();
        let position = |role: &Value| role["position"].as_i64().unwrap_or(0);
        let own = self.bot_role()?.to_string();
        let new = id.to_string();
        let bot = roles
            .iter()
            .find(|role| role["id"] == own.as_str())
            .map_or(0, position);
        let moved = roles
            .iter()
            .filter(|role| position(role) >= bot)
            .map(|role| {
                let at = if role["id"] == new.as_str() {
                    bot
                } else {
                    position(role) + 1
                };
                json!({ "id": role["id"], "position": at })
            });
        self.as_owner("PATCH", &path, moved.collect())?;
        Ok(id)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "made for map_err")]
fn told(error: SimError) -> String {
    error.to_string()
}
