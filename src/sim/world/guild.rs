//! Guilds, roles and members.

use super::{Audience, AuditEntry, GuildCollections, World};
use crate::sim::errors::{ApiError, UNKNOWN_MEMBER, UNKNOWN_ROLE};
use crate::sim::ids::Id;
use crate::sim::permissions;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A guild.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Guild {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) owner: Id,
    /// The role with the guild's own id is `@everyone`.
    pub(crate) roles: IndexMap<Id, Role>,
    pub(crate) members: IndexMap<Id, Member>,
    /// Who is banned, and why.
    pub(crate) bans: IndexMap<Id, Option<String>>,
    pub(crate) collections: GuildCollections,
    /// Fields that nothing here depends on, under Discord's names.
    pub(crate) fields: Map<String, Value>,
    /// The newest last.
    pub(crate) audit: Vec<AuditEntry>,
}

/// A role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: Id,
    pub(crate) name: String,
    /// 0 is `@everyone`; higher stands above.
    pub(crate) position: i64,
    pub(crate) permissions: u64,
    pub(crate) color: u64,
    pub(crate) hoist: bool,
    pub(crate) mentionable: bool,
    /// The bot whose own role this is: it can be neither given nor taken.
    pub(crate) bot: Option<Id>,
    pub(crate) emoji: Option<String>,
    /// The hash of its picture.
    pub(crate) icon: Option<String>,
}

/// A user in a guild.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) user: Id,
    pub(crate) nick: Option<String>,
    /// The hashes of its pictures in this guild alone.
    pub(crate) avatar: Option<String>,
    pub(crate) banner: Option<String>,
    /// Without `@everyone`.
    pub(crate) roles: Vec<Id>,
    pub(crate) joined_at: String,
    pub(crate) timed_out_until: Option<String>,
    pub(crate) deaf: bool,
    pub(crate) mute: bool,
}

impl Role {
    /// The role as Discord shows it.
    pub(crate) fn show(&self) -> Value {
        let mut role = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "permissions": self.permissions.to_string(),
            "position": self.position,
            "color": self.color,
            "colors": {"primary_color": self.color, "secondary_color": null, "tertiary_color": null},
            "hoist": self.hoist,
            "managed": self.bot.is_some(),
            "mentionable": self.mentionable,
            "icon": self.icon,
            "unicode_emoji": self.emoji,
            "flags": 0,
        });
        if let Some(bot) = self.bot {
            role["tags"] = json!({"bot_id": bot.to_string()});
        }
        role
    }
}

impl Member {
    /// The member without its user, as inside messages.
    pub(crate) fn show_alone(&self) -> Value {
        json!({
            "nick": self.nick,
            "roles": self.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "joined_at": self.joined_at,
            "premium_since": null,
            "communication_disabled_until": self.timed_out_until,
            "avatar": self.avatar,
            "banner": self.banner,
            "deaf": self.deaf,
            "mute": self.mute,
            "pending": false,
            "flags": 0,
        })
    }
}

impl Guild {
    /// The member, or Discord's error.
    pub(crate) fn member(&self, user: Id) -> Result<&Member, ApiError> {
        self.members.get(&user).ok_or_else(|| UNKNOWN_MEMBER.into())
    }

    /// The role, or Discord's error.
    pub(crate) fn role(&self, id: Id) -> Result<&Role, ApiError> {
        self.roles.get(&id).ok_or_else(|| UNKNOWN_ROLE.into())
    }

    /// The guild as `GET /guilds/{id}` shows it.
    pub(crate) fn show(&self) -> Value {
        let mut guild = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "owner_id": self.owner.to_string(),
            "roles": self.roles.values().map(Role::show).collect::<Vec<_>>(),
            "emojis": self.collections.emojis.list_without_creators(),
            "stickers": self.collections.stickers.list_without_creators(),
        });
        for (name, value) in &self.fields {
            guild[name.as_str()] = value.clone();
        }
        guild
    }

    /// The fields of a guild in which nothing was set.
    pub(crate) fn default_fields() -> Map<String, Value> {
        let fields = json!({
            "icon": null, "splash": null, "discovery_splash": null,
            "home_header": null, "banner": null, "description": null, "vanity_url_code": null,
            "afk_channel_id": null, "afk_timeout": 300, "region": "deprecated",
            "widget_enabled": false, "widget_channel_id": null,
            "verification_level": 0, "default_message_notifications": 0,
            "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0, "nsfw": false,
            "application_id": null, "system_channel_id": null, "system_channel_flags": 0,
            "rules_channel_id": null, "public_updates_channel_id": null,
            "safety_alerts_channel_id": null, "max_presences": null, "max_members": 500_000,
            "max_video_channel_users": 25, "max_stage_video_channel_users": 50,
            "premium_tier": 0, "premium_subscription_count": 0,
            "premium_progress_bar_enabled": false, "preferred_locale": "en-US",
            "features": [], "incidents_data": null,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

impl World {
    /// The member with its user, as Discord shows it.
    pub(crate) fn show_member(&self, member: &Member) -> Value {
        let mut shown = member.show_alone();
        shown["user"] = self.show_user(member.user);
        shown
    }

    /// The member of `guild` without its user, when both exist.
    pub(crate) fn show_member_alone(&self, guild: Id, user: Id) -> Option<Value> {
        let member = self.guilds.get(&guild)?.members.get(&user)?;
        Some(member.show_alone())
    }

    /// The guild as `GUILD_CREATE` shows it to a bot. Without the intent for presences Discord
    /// sends no members but the bot itself.
    pub(crate) fn show_guild_whole(&self, guild: &Guild, bot: Id, all_members: bool) -> Value {
        let mut shown = guild.show();
        let channels = || {
            let all = self.channels.values();
            all.filter(|channel| channel.guild == Some(guild.id))
        };
        let seen = guild.members.get(&bot);
        shown["joined_at"] = seen.map(|member| member.joined_at.as_str()).into();
        shown["large"] = false.into();
        shown["unavailable"] = false.into();
        shown["member_count"] = guild.members.len().into();
        let events = guild.collections.events.all();
        shown["guild_scheduled_events"] = events.cloned().collect();
        shown["voice_states"] = self.show_voices(guild.id);
        let present = if all_members {
            self.present(guild)
        } else {
            Vec::new()
        };
        let present = present.into_iter().map(|user| self.show_presence(user));
        shown["presences"] = present.collect();
        shown["members"] = guild
            .members
            .values()
            .filter(|member| all_members || member.user == bot)
            .map(|member| self.show_member(member))
            .collect();
        shown["channels"] = channels()
            .filter(|channel| channel.thread.is_none())
            .map(|channel| self.show_channel(channel, bot))
            .collect();
        shown["threads"] = channels()
            .filter(|channel| {
                channel
                    .thread
                    .as_ref()
                    .is_some_and(|thread| !thread.archived)
            })
            .filter(|channel| {
                permissions::in_channel(self, channel, bot) & permissions::VIEW_CHANNEL != 0
            })
            .map(|channel| self.show_channel(channel, bot))
            .collect();
        let stages = guild.collections.stages.all();
        shown["stage_instances"] = stages.cloned().collect();
        shown["soundboard_sounds"] = guild.collections.sounds.list_without_creators();
        shown
    }

    /// Lets a user into a guild.
    pub(crate) fn join(&mut self, guild: Id, user: Id) -> Result<(), ApiError> {
        self.user(user)?;
        let joined_at = self.now();
        let home = self.guild_mut(guild)?;
        if home.members.contains_key(&user) {
            return Ok(());
        }
        let member = Member {
            user,
            nick: None,
            avatar: None,
            banner: None,
            roles: Vec::new(),
            joined_at,
            timed_out_until: None,
            deaf: false,
            mute: false,
        };
        home.members.insert(user, member.clone());
        if self.is_application(user) {
            let home = self.guilds.get(&guild);
            let shown = home.map(|home| self.show_guild_whole(home, user, false));
            let shown = shown.unwrap_or_default();
            self.tell_application(user, "GUILD_CREATE", (Some(guild), shown));
        }
        let mut shown = self.show_member(&member);
        shown["guild_id"] = guild.to_string().into();
        self.tell_others(user, guild, "GUILD_MEMBER_ADD", shown);
        Ok(())
    }

    /// Takes a member out of a guild, whatever the reason. A bot learns of its own removal as
    /// `GUILD_DELETE`.
    pub(crate) fn leave(&mut self, guild: Id, user: Id) -> Result<(), ApiError> {
        self.leave_voice(guild, user);
        let home = self.guild_mut(guild)?;
        home.members.shift_remove(&user).ok_or(UNKNOWN_MEMBER)?;
        let id = guild.to_string();
        if self.is_application(user) {
            let data = json!({"id": id});
            self.tell_application(user, "GUILD_DELETE", (Some(guild), data));
        }
        let data = json!({"guild_id": id, "user": self.show_user(user)});
        self.tell_others(user, guild, "GUILD_MEMBER_REMOVE", data);
        Ok(())
    }

    /// Tells the guild of a member that came or went. A bot itself learns of that as of its guild.
    fn tell_others(&mut self, user: Id, guild: Id, name: &'static str, data: Value) {
        self.tell_guild(guild, name, data);
        if let Some(event) = self.outbox.last_mut() {
            event.audience = Audience::AllBut(user);
        }
    }

    /// Tells the guild that a member is not as before.
    pub(crate) fn tell_member(&mut self, guild: Id, user: Id) {
        let member = self
            .guilds
            .get(&guild)
            .and_then(|home| home.members.get(&user));
        let Some(mut shown) = member.map(|member| self.show_member(member)) else {
            return;
        };
        shown["guild_id"] = guild.to_string().into();
        self.tell_guild(guild, "GUILD_MEMBER_UPDATE", shown);
    }
}
