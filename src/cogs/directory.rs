//! Looks up what users name in arguments: in the cache, and at Discord where the cache may not know all.

use crate::api::services::Services;
use crate::commands::arguments;
use crate::commands::parse::name_key;
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

/// How many members are asked for by name: few at first, and if there are as many, as many as Discord tells.
const SEARCHED: [usize; 2] = [100, 1_000];

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

    /// The members whose name begins with this one; nothing when Discord does not say. Who is called exactly so may
    /// stand behind many others.
    async fn search(&self, guild: &str, name: &str) -> Option<Vec<Json>> {
        let query = without_discriminator(name);
        let mut found = Vec::new();
        for limit in SEARCHED {
            let arguments = json!({ "guild_id": guild, "query": query, "limit": limit });
            let answer = self.ask("search_guild_members", arguments).await?;
            found = answer.items().to_vec();
            if found.len() < limit {
                break;
            }
        }
        Some(found)
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
        let key = name_key(name);
        let known = self
            .services
            .cache
            .members_where(guild, |member| has_name(member, &key));
        // Whom the cache knows is chance, and so is whether it has heard of a new nickname.
        let Some(mut found) = self.search(guild, name).await else {
            return known;
        };
        for member in known {
            let id = user_id(&member);
            if found.iter().any(|found| user_id(found) == id) {
                continue;
            }
            let arguments = json!({ "guild_id": guild, "user_id": id });
            found.extend(self.ask("get_guild_member", arguments).await);
        }
        for member in found.iter().filter(|member| has_name(member, &key)) {
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

    fn role_by_name(&self, guild: &str, _name: &str) -> impl Future<Output = Vec<Json>> + Send {
        std::future::ready(self.services.cache.roles(guild))
    }

    fn emoji_by_name(&self, guild: &str, _name: &str) -> impl Future<Output = Vec<Json>> + Send {
        std::future::ready(self.services.cache.emojis(guild))
    }

    async fn message(&self, channel: &str, id: &str) -> Option<Json> {
        if !self.may(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY) {
            return None;
        }
        let arguments = json!({ "channel_id": channel, "message_id": id });
        self.ask("get_message", arguments).await
    }
}

fn user_id(member: &Json) -> Option<&str> {
    member.at(&["user", "id"])?.as_str()
}

/// Whether one of a member's names is this one; `key` is folded.
fn has_name(member: &Json, key: &str) -> bool {
    let key = without_discriminator(key);
    let ways: [&[&str]; 3] = [&["user", "username"], &["user", "global_name"], &["nick"]];
    let names = ways.iter().filter_map(|way| member.at(way)?.as_str());
    let mut keys = names.map(name_key);
    keys.any(|name| name == key)
}

/// `name#1234` as the name that is searched for.
fn without_discriminator(name: &str) -> &str {
    let is_number = |text: &&str| text.len() == 4 && text.bytes().all(|it| it.is_ascii_digit());
    let split = name.rsplit_once('#');
    let split = split.filter(|(_, number)| is_number(number));
    split.map_or(name, |(name, _)| name)
}
