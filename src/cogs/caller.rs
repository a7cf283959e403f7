//! Who calls a command, and where: what checks ask about.

use crate::api::interaction::Interaction;
use crate::api::services::Services;
use crate::commands::checks::{CheckFacts, Context};
use crate::commands::definition::RoleKey;
use crate::commands::text::Language;
use crate::json::{Json, JsonRef};

/// A caller, by the message or the interaction with which they call.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// What the bot knows.
    pub services: &'a Services,
    /// Who called where, in the words of a message: `channel_id`, `guild_id`, `author`, `member`.
    pub call: &'a Json,
    /// The interaction, if it is one.
    pub interaction: Option<&'a Interaction>,
    /// The language of a refusal.
    pub language: Language,
}

impl Caller<'_> {
    /// Where the command was called.
    pub fn place(&self) -> Context {
        /// Discord's context of a direct message between others.
        const PRIVATE_CHANNEL: i64 = 2;
        match self.interaction.and_then(|it| it.event().i64("context")) {
            _ if self.in_guild() => Context::Guild,
            Some(PRIVATE_CHANNEL) => Context::PrivateChannel,
            _ => Context::BotDm,
        }
    }

    fn author_id(&self) -> &str {
        let id = self.call.at(&["author", "id"]);
        id.and_then(JsonRef::as_str).unwrap_or_default()
    }

    fn channel_id(&self) -> &str {
        self.call.str("channel_id").unwrap_or_default()
    }

    /// Permissions as an interaction brings them along: Discord has worked them out for its channel.
    fn permissions_brought(&self, path: &[&str]) -> Option<u64> {
        self.interaction?.event().at(path)?.as_str()?.parse().ok()
    }

    /// A user's permissions in the channel. In a direct message nobody has any.
    fn permissions(&self, user: &str) -> Option<u64> {
        let known = self.services.permissions_in(self.channel_id(), user);
        known.or_else(|| (!self.in_guild()).then_some(0))
    }

    /// The author's permissions by the member in the message, for one whom the cache has forgotten again.
    fn permissions_as_sent(&self) -> Option<u64> {
        let author = self.call.get("author")?;
        let member = self.call.get("member")?.with("user", author);
        let now = self.services.clock.now();
        let cache = &self.services.cache;
        cache.permissions_of(self.channel_id(), &member, now)
    }
}

impl CheckFacts for Caller<'_> {
    fn is_owner(&self) -> bool {
        self.services.is_owner(self.author_id())
    }

    fn channel_nsfw(&self) -> Option<bool> {
        let known = self.services.is_nsfw(self.channel_id());
        known.or_else(|| {
            let channel = self.interaction?.event().get("channel")?;
            // A thread is as its parent is.
            (channel.get("thread_metadata").is_none()).then(|| channel.is_true("nsfw"))
        })
    }

    fn member_permissions(&self) -> Option<u64> {
        self.permissions_brought(&["member", "permissions"])
            .or_else(|| self.permissions(self.author_id()))
            .or_else(|| self.permissions_as_sent())
    }

    fn bot_permissions(&self) -> Option<u64> {
        let own = || self.permissions(self.services.identity.load().id());
        if self.in_guild() {
            self.permissions_brought(&["app_permissions"]).or_else(own)
        } else {
            own()
        }
    }

    fn has_role(&self, role: &RoleKey) -> bool {
        let held = self.call.at(&["member", "roles"]);
        let held = held.unwrap_or(JsonRef::NULL);
        let guild = self.call.str("guild_id").unwrap_or_default();
        held.items().filter_map(JsonRef::as_str).any(|id| {
            let known = self.services.cache.role(guild, id);
            let name = known.as_ref().and_then(|known| known.str("name"));
            role.fits(id, name.unwrap_or_default())
        })
    }

    fn knows_roles(&self) -> bool {
        let guild = self.call.str("guild_id").unwrap_or_default();
        self.services.cache.knows_guild(guild)
    }

    fn in_guild(&self) -> bool {
        self.call.str("guild_id").is_some()
    }

    fn language(&self) -> Language {
        self.language
    }
}
