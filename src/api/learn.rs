//! Asks Discord for what the gateway has not told (yet) of a guild: after a start, in an outage of Discord's, its
//! announcement may be long in coming. What is unknown is never taken for forbidden.

use super::services::Services;
use crate::discord::operations::operation;
use crate::json::Json;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long one question may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// After an answer that did not help, so long nobody asks again about that guild.
const PAUSE: Duration = Duration::from_secs(5);

/// As many guilds are asked about at the same time.
const AT_ONCE: usize = 8;

/// Whose turn it is to ask. Whoever comes meanwhile for the same guild waits for that answer.
#[derive(Debug, Default)]
pub struct Learning {
    /// When asking about a guild did not help, each guild in a part that follows from its id.
    turns: [Mutex<HashMap<u64, Duration>>; AT_ONCE],
}

/// What has to be known for a decision.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The guild.
    pub guild: &'a str,
    /// The channel or thread in it.
    pub channel: &'a str,
    /// Its members whose permissions count.
    pub users: [&'a str; 2],
}

impl Wanted<'_> {
    /// Whether the cache knows enough to say what these members may do.
    fn is_known(&self, services: &Services) -> bool {
        self.users
            .iter()
            .all(|user| services.permissions_in(self.channel, user).is_some())
    }
}

/// Learns what is missing of `wanted`. Whether all of it is known now.
pub async fn learn(services: &Services, wanted: Wanted<'_>) -> bool {
    if wanted.is_known(services) {
        return true;
    }
    let Ok(guild) = wanted.guild.parse::<u64>() else {
        return false;
    };
    // The lowest bits of a snowflake count what was made in the same moment, and are mostly 0.
    let part = usize::try_from((guild >> 22) % AT_ONCE as u64).unwrap_or(0);
    let Some(turn) = services.learning.turns.get(part) else {
        return false;
    };
    let mut failed = turn.lock().await;
    let now = services.clock.now();
    failed.retain(|_, at| now < at.saturating_add(PAUSE));
    if !wanted.is_known(services) && !failed.contains_key(&guild) {
        // A question that goes unanswered leaves the rest for the next one who wants to know.
        let _answered = ask_for(services, wanted).await.is_some();
    }
    let is_known = wanted.is_known(services);
    if !is_known {
        failed.entry(guild).or_insert(services.clock.now());
    }
    is_known
}

/// Nothing when a question is not answered.
async fn ask_for(services: &Services, wanted: Wanted<'_>) -> Option<()> {
    let Wanted { guild, channel, .. } = wanted;
    let cache = &services.cache;
    if cache.guild(guild).is_none() {
        let told = ask(services, "get_guild", json!({ "guild_id": guild })).await?;
        let channels = ask(
            services,
            "list_guild_channels",
            json!({ "guild_id": guild }),
        )
        .await?;
        // What the gateway has told meanwhile is newer.
        if cache.guild(guild).is_none() {
            cache.apply("guild_create", &told.with("channels", channels));
            // Until it is announced, cogs see that it is not.
            let away = Json::from(&json!({ "id": guild, "unavailable": true }));
            cache.apply("guild_delete", &away);
        }
    }
    let place = channel_known(services, channel).await?;
    if place.get("thread_metadata").is_some() {
        channel_known(services, place.str("parent_id")?).await?;
    }
    for user in wanted.users {
        if cache.member(guild, user).is_none() {
            let arguments = json!({ "guild_id": guild, "user_id": user });
            let told = ask(services, "get_guild_member", arguments).await?;
            let told = told.with("guild_id", Json::String(guild.into()));
            cache.apply("guild_member_update", &told);
        }
    }
    Some(())
}

/// A channel that the cache knows from now on.
async fn channel_known(services: &Services, id: &str) -> Option<Json> {
    if let Some(known) = services.cache.channel(id) {
        return Some(known);
    }
    let told = ask(services, "get_channel", json!({ "channel_id": id })).await?;
    services.cache.apply("channel_create", &told);
    Some(told)
}

async fn ask(services: &Services, id: &str, arguments: Value) -> Option<Json> {
    let operation = operation(id)?;
    let answer = services.outbound.call(operation, arguments, DEADLINE);
    answer.await.ok().flatten()
}
