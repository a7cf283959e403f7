//! Looks up what users name in arguments: in the cache first, then at Discord.

use crate::api::services::Services;
use crate::commands::arguments;
use crate::discord::operations::operation;
use crate::discord::permissions::{READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::json::Json;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long one look-up may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Look-ups at Discord for one call: each is a request that the cog has not made.
const MOST_LOOK_UPS: usize = 10;

/// What Discord knows, as far as one user may know it.
pub struct Directory<'a> {
    services: &'a Services,
    /// Who asks.
    user: &'a str,
    /// Where they ask.
    here: &'a str,
    /// How often Discord was asked.
    asked: AtomicUsize,
}

impl<'a> Directory<'a> {
    /// The directory as `user` may see it who asks in the channel `here`.
    pub fn new(services: &'a Services, user: &'a str, here: &'a str) -> Self {
        Self {
            services,
            user,
            here,
            asked: AtomicUsize::new(0),
        }
    }

    /// Asks Discord; whatever goes wrong, or is one look-up too many, counts as unknown.
    async fn ask(&self, id: &str, arguments: Value) -> Option<Json> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= MOST_LOOK_UPS {
            return None;
        }
        let operation = operation(id)?;
        let answer = self.services.outbound.call(operation, arguments, DEADLINE);
        answer.await.ok().flatten()
    }

    /// Who was looked up is known from then on: `discord.permissions.outranks` asks the cache alone.
    fn remember(&self, guild: &str, member: &Json) {
        let told = member.with("guild_id", Json::String(guild.into()));
        self.services.cache.apply("guild_member_update", &told);
    }

    /// Whether the user has these permissions in the channel. Of a channel whose permissions are unknown, only
    /// the one in which they ask (a DM) is theirs: what the bot sees elsewhere is not for everybody.
    fn may(&self, channel: &str, wanted: u64) -> bool {
        let permissions = self.services.permissions_in(channel, self.user);
        permissions.map_or(channel == self.here, |held| held & wanted == wanted)
    }

    fn sees(&self, channel: &str) -> bool {
        self.may(channel, VIEW_CHANNEL)
    }
}

impl arguments::Directory for Directory<'_> {
    async fn user(&self, id: &str) -> Option<Json> {
        self.ask("get_user", json!({ "user_id": id })).await
    }

    async fn member(&self, guild: &str, id: &str) -> Option<Json> {
        if let Some(member) = self.services.cache.member(guild, id) {
            return Some(member);
        }
        let arguments = json!({ "guild_id": guild, "user_id": id });
        let member = self.ask("get_guild_member", arguments).await?;
        self.remember(guild, &member);
        Some(member)
    }

    async fn member_by_name(&self, guild: &str, name: &str) -> Vec<Json> {
        if let Some(known) = self.services.cache.member_named(guild, name) {
            return vec![known];
        }
        let arguments = json!({ "guild_id": guild, "query": name, "limit": 20 });
        let found = self.ask("search_guild_members", arguments).await;
        let found = found.map_or_else(Vec::new, |members| members.items().to_vec());
        for member in &found {
            self.remember(guild, member);
        }
        found
    }

    async fn channel(&self, id: &str) -> Option<Json> {
        if !self.sees(id) {
            return None;
        }
        match self.services.cache.channel(id) {
            Some(channel) => Some(channel),
            None => self.ask("get_channel", json!({ "channel_id": id })).await,
        }
    }

    fn channel_by_name(&self, guild: &str, name: &str) -> impl Future<Output = Vec<Json>> + Send {
        let mut channels = self.services.cache.channels(guild);
        let wanted = name.trim_start_matches('#').to_lowercase();
        channels.retain(|channel| {
            let named = channel
                .str("name")
                .is_some_and(|name| name.to_lowercase() == wanted);
            named && channel.str("id").is_some_and(|id| self.sees(id))
        });
        std::future::ready(channels)
    }

    fn role(&self, guild: &str, id: &str) -> impl Future<Output = Option<Json>> + Send {
        std::future::ready(self.services.cache.role(guild, id))
    }

    fn role_by_name(&self, guild: &str, name: &str) -> impl Future<Output = Vec<Json>> + Send {
        std::future::ready(
            self.services
                .cache
                .role_named(guild, name)
                .into_iter()
                .collect(),
        )
    }

    async fn message(&self, channel: &str, id: &str) -> Option<Json> {
        if !self.may(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY) {
            return None;
        }
        let arguments = json!({ "channel_id": channel, "message_id": id });
        self.ask("get_message", arguments).await
    }
}
