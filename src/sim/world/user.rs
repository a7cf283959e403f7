//! Users.

use super::{Audience, Event, World};
use crate::sim::errors::ApiError;
use crate::sim::ids::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A person or a bot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) global_name: Option<String>,
    pub(crate) bot: bool,
    /// The hashes of its pictures.
    pub(crate) avatar: Option<String>,
    pub(crate) banner: Option<String>,
    /// Opened by this bot user's owner, or by the user: no direct messages from bots.
    pub(crate) closed_to_messages: bool,
    pub(crate) locale: String,
}

impl User {
    /// The user as Discord shows it.
    pub(crate) fn show(&self) -> Value {
        let mut user = json!({
            "id": self.id.to_string(),
            "username": self.name,
            "discriminator": if self.bot { "0001" } else { "0" },
            "global_name": self.global_name,
            "avatar": self.avatar,
            "avatar_decoration_data": null,
            "banner": self.banner,
            "accent_color": null,
            "public_flags": 0,
            "flags": 0,
            "collectibles": null,
            "primary_guild": null,
        });
        if self.bot {
            user["bot"] = true.into();
        }
        user
    }

    /// The user as it sees itself (`GET /users/@me`).
    pub(crate) fn show_self(&self) -> Value {
        let mut user = self.show();
        user["mfa_enabled"] = true.into();
        user["locale"] = self.locale.as_str().into();
        user["verified"] = true.into();
        user["email"] = Value::Null;
        user
    }
}

impl World {
    /// The user as Discord shows it; Discord's "Deleted User" for one that is gone.
    pub(crate) fn show_user(&self, id: Id) -> Value {
        self.users.get(&id).map_or_else(
            || {
                json!({
                    "id": id.to_string(), "username": "deleted_user", "discriminator": "0",
                    "global_name": null, "avatar": null, "public_flags": 0, "flags": 0,
                    "primary_guild": null,
                })
            },
            User::show,
        )
    }

    /// Makes a user.
    pub(crate) fn add_user(&mut self, name: &str, bot: bool) -> Id {
        let id = self.new_id();
        self.keep_user(id, name, bot);
        id
    }

    /// Makes a user with this id.
    pub(crate) fn keep_user(&mut self, id: Id, name: &str, bot: bool) {
        self.users.insert(
            id,
            User {
                id,
                name: name.into(),
                global_name: None,
                bot,
                avatar: None,
                banner: None,
                closed_to_messages: false,
                locale: "en-US".into(),
            },
        );
    }

    /// Tells those who look at the world that somebody is not as before. Bots learn nothing of it: Discord tells them of
    /// themselves and of members alone.
    pub(crate) fn show_people(&mut self, user: Id) {
        let data = self.show_user(user);
        self.outbox.push(Event {
            name: "USER_UPDATE",
            data,
            guild: None,
            channel: None,
            audience: Audience::People,
            views: Vec::new(),
        });
    }

    /// The direct channel between two users; made when there is none.
    pub(crate) fn direct_channel(&mut self, one: Id, other: Id) -> Result<Id, ApiError> {
        self.user(one)?;
        self.user(other)?;
        let known = self.channels.values().find(|channel| {
            channel.guild.is_none()
                && channel.recipients.contains(&one)
                && channel.recipients.contains(&other)
        });
        if let Some(channel) = known {
            return Ok(channel.id);
        }
        let id = self.new_id();
        self.channels
            .insert(id, super::Channel::direct(id, [one, other]));
        self.show_people(one);
        Ok(id)
    }
}
