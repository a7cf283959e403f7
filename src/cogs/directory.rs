//! Looks up what users name in arguments: in the cache, and at Discord where the cache may be incomplete.

use crate::api::services::Services;
use crate::api::unknown_guild::{Wanted, learn, learn_guild};
use crate::commands::directory::{self, NotTold, Told};
use crate::commands::names::{loose, names_of};
use crate::discord::missing_fields::with_guild;
use crate::discord::operations::operation;
use crate::discord::outbound::CallError;
use crate::discord::permissions::{MANAGE_THREADS, READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::json::{Json, JsonRef};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long one look-up may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Look-ups at Discord for one call: each is a request that the cog itself did not make.
const MOST_LOOK_UPS: usize = 10;

/// How many members are requested by name: few at first, and if there are that many, as many as Discord returns.
const SEARCHED: [usize; 2] = [100, 1_000];

/// How many members that the cache knows by a name, but that Discord's search does not return, are looked up again. If
/// there are more with one name, the user is asked anyway.
const MOST_VERIFIED: usize = 5;

/// With these Discord says that there is no such thing, or that it is not for the bot.
const NO_SUCH_THING: [u16; 3] = [400, 403, 404];

/// Discord's type of a thread that only its members see, and who manages threads.
const PRIVATE_THREAD: i64 = 12;

/// What Discord knows, as far as one user may know it.
pub(super) struct Directory<'a> {
    services: &'a Services,
    /// Who asks.
    user: &'a str,
    /// In which guild, if in one.
    guild: Option<&'a str>,
    /// Where they ask.
    here: &'a str,
    /// How often Discord was asked.
    asked: AtomicUsize,
}

impl<'a> Directory<'a> {
    /// The directory as `user` may see it who asks in the channel `here` of `guild`, or in a direct message.
    pub(super) fn new(
        services: &'a Services,
        user: &'a str,
        guild: Option<&'a str>,
        here: &'a str,
    ) -> Self {
        Self {
            services,
            user,
            guild,
            here,
            asked: AtomicUsize::new(0),
        }
    }

    /// Asks Discord; nothing where there is no such thing. After too many look-ups, the answer is unknown.
    async fn ask(&self, id: &str, arguments: Value) -> Told<Option<Json>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= MOST_LOOK_UPS {
            return Err(NotTold);
        }
        let operation = operation(id).ok_or(NotTold)?;
        // In a box: hardly any call of a command has to ask.
        let answer = Box::pin(self.services.outbound.call(operation, arguments, DEADLINE));
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(CallError::Arguments(_)) => Ok(None),
            Err(CallError::Discord(error)) if NO_SUCH_THING.contains(&error.status) => Ok(None),
            Err(_) => Err(NotTold),
        }
    }

    /// The members whose name begins with this one. Members with exactly this name may come after many others: if there
    /// are more than Discord returns, only a user name is certain to be unique.
    async fn search(&self, guild: &str, name: &str) -> Told<Vec<Json>> {
        let query = without_discriminator(name);
        for limit in SEARCHED {
            let arguments = json!({ "guild_id": guild, "query": query, "limit": limit });
            let answer = self.ask("search_guild_members", arguments).await?;
            // One of up to a thousand is kept: it must not keep the others.
            let answer = answer.ok_or(NotTold)?;
            let mut found: Vec<Json> = answer.items().map(JsonRef::detached).collect();
            if found.len() < limit {
                return Ok(found);
            }
            found.retain(|member| {
                let username = member.at(&["user", "username"]).and_then(JsonRef::as_str);
                username == Some(name)
            });
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Err(NotTold)
    }

    /// Makes sure that the guild in which the user asks is known.
    async fn know_guild(&self, guild: &str) -> Told<()> {
        let is_known = learn_guild(self.services, guild).await;
        is_known.then_some(()).ok_or(NotTold)
    }

    /// Makes sure that it is known what the user and the bot may do where they ask.
    async fn know_place(&self) -> Told<()> {
        let Some(guild) = self.guild else {
            return Ok(());
        };
        let wanted = Wanted {
            guild,
            channel: self.here,
            user: self.user,
        };
        let is_known = learn(self.services, wanted).await;
        is_known.then_some(()).ok_or(NotTold)
    }

    /// Members that were looked up are known from then on: `discord.permissions.outranks` asks the cache alone.
    fn remember(&self, guild: &str, member: &Json) {
        let told = with_guild(member.view(), guild);
        self.services.cache.apply("guild_member_update", &told);
    }

    /// Whether the user has these permissions in the channel. If the permissions of a channel are unknown, only the
    /// channel in which they ask (a DM) is allowed: not everybody may see what the bot sees elsewhere.
    async fn may(&self, channel: &str, wanted: u64) -> Told<bool> {
        self.know_place().await?;
        let Some(held) = self.services.permissions_in(channel, self.user) else {
            return Ok(channel == self.here);
        };
        if held & wanted != wanted {
            return Ok(false);
        }
        let is_inside = channel == self.here || held & MANAGE_THREADS != 0;
        if is_inside || !self.is_private_thread(channel) {
            return Ok(true);
        }
        let arguments = json!({ "channel_id": channel, "user_id": self.user });
        let inside = self.ask("get_thread_member", arguments).await?;
        Ok(inside.is_some())
    }

    async fn sees(&self, channel: &str) -> Told<bool> {
        self.may(channel, VIEW_CHANNEL).await
    }

    fn is_private_thread(&self, channel: &str) -> bool {
        let channel = self.services.cache.channel(channel);
        let kind = channel.and_then(|channel| channel.get("type")?.as_i64());
        kind == Some(PRIVATE_THREAD)
    }
}

impl directory::Directory for Directory<'_> {
    async fn user(&self, id: &str) -> Told<Option<Json>> {
        self.ask("get_user", json!({ "user_id": id })).await
    }

    async fn member(&self, guild: &str, id: &str) -> Told<Option<Json>> {
        if let Some(member) = self.services.cache.member(guild, id) {
            return Ok(Some(member));
        }
        let arguments = json!({ "guild_id": guild, "user_id": id });
        let member = self.ask("get_guild_member", arguments).await?;
        if let Some(member) = &member {
            // The cache keeps members of guilds that it knows. If the guild is not known, only the member is.
            let _is_known = self.know_place().await.is_ok();
            self.remember(guild, member);
        }
        Ok(member)
    }

    async fn member_by_name(&self, guild: &str, name: &str) -> Told<Vec<Json>> {
        let key = loose(name);
        let known = self
            .services
            .cache
            .members_where(guild, |member| has_name(member, &key));
        // Which members the cache knows is a matter of chance, and so is whether it knows a new nickname.
        let mut found = self.search(guild, name).await?;
        let untold = known.into_iter().filter(|member| {
            let id = user_id(member);
            !found.iter().any(|found| user_id(found) == id)
        });
        let untold: Vec<_> = untold.collect();
        for (at, member) in untold.into_iter().enumerate() {
            if at >= MOST_VERIFIED {
                found.push(member);
                continue;
            }
            let arguments = json!({ "guild_id": guild, "user_id": user_id(&member) });
            found.extend(self.ask("get_guild_member", arguments).await?);
        }
        let _is_known = self.know_place().await.is_ok();
        for member in found.iter().filter(|member| has_name(member, &key)) {
            self.remember(guild, member);
        }
        Ok(found)
    }

    async fn channel(&self, id: &str) -> Told<Option<Json>> {
        if !self.sees(id).await? {
            return Ok(None);
        }
        match self.services.cache.channel(id) {
            Some(channel) => Ok(Some(channel)),
            None => self.ask("get_channel", json!({ "channel_id": id })).await,
        }
    }

    async fn channel_by_name(&self, guild: &str, name: &str) -> Told<Vec<Json>> {
        self.know_place().await?;
        let key = loose(name);
        let mut seen = Vec::new();
        for channel in self.services.cache.channels(guild) {
            let is_named = channel.str("name").is_some_and(|name| loose(name) == key);
            let Some(id) = channel.str("id").filter(|_| is_named) else {
                continue;
            };
            if self.sees(id).await? {
                seen.push(channel);
            }
        }
        Ok(seen)
    }

    async fn role(&self, guild: &str, id: &str) -> Told<Option<Json>> {
        self.know_guild(guild).await?;
        Ok(self.services.cache.role(guild, id))
    }

    async fn role_by_name(&self, guild: &str, _name: &str) -> Told<Vec<Json>> {
        self.know_guild(guild).await?;
        Ok(self.services.cache.roles(guild))
    }

    async fn emoji_by_name(&self, guild: &str, _name: &str) -> Told<Vec<Json>> {
        self.know_guild(guild).await?;
        Ok(self.services.cache.emojis(guild))
    }

    async fn message(&self, channel: &str, id: &str) -> Told<Option<Json>> {
        if !self
            .may(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY)
            .await?
        {
            return Ok(None);
        }
        let arguments = json!({ "channel_id": channel, "message_id": id });
        self.ask("get_message", arguments).await
    }
}

fn user_id(member: &Json) -> Option<&str> {
    member.at(&["user", "id"])?.as_str()
}

/// Whether one of a member's names may be this one; `key` is folded, and may be a user name with its number.
fn has_name(member: &Json, key: &str) -> bool {
    let wanted = [key, without_discriminator(key)];
    let mut keys = names_of(member).map(|name| loose(&name));
    keys.any(|key| wanted.contains(&key.as_str()))
}

/// `name#1234` as the name that is searched for.
fn without_discriminator(name: &str) -> &str {
    let is_number = |text: &&str| text.len() == 4 && text.bytes().all(|it| it.is_ascii_digit());
    let split = name.rsplit_once('#');
    let split = split.filter(|(_, number)| is_number(number));
    split.map_or(name, |(name, _)| name)
}
