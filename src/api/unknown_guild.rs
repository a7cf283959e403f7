//! Asks Discord for what the gateway has not told (yet) of a guild: after a start, in an outage of Discord's, its
//! announcement may be long in coming. What is unknown is never taken for forbidden, nor for missing.

use super::asked_once::{Question, is_recent};
use super::services::Services;
use crate::discord::missing_fields::with_guild;
use crate::discord::operations::operation;
use crate::json::Json;
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;

/// How long all questions for one decision may take together.
const DEADLINE: Duration = Duration::from_secs(5);

/// What has to be known for a decision.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The guild.
    pub guild: &'a str,
    /// The channel or thread in it.
    pub channel: &'a str,
    /// The member whose permissions count beside the bot's.
    pub user: &'a str,
}

/// Learns what is missing of `wanted`. Whether all of it is known now.
pub async fn learn(services: &Services, wanted: Wanted<'_>) -> bool {
    let bot = services.identity.load_full();
    let users = [wanted.user, bot.id()];
    if users
        .iter()
        .all(|user| services.permissions_in(wanted.channel, user).is_some())
    {
        return true;
    }
    // In a box: hardly anybody has to ask.
    let known = Box::pin(async { Asking::new(services).all(wanted, users).await });
    known.await.is_some()
}

/// Learns a guild with its roles, emoji and channels, if it is not known yet. Whether it is known now.
pub async fn learn_guild(services: &Services, guild: &str) -> bool {
    let known = Box::pin(async { Asking::new(services).guild(guild).await });
    known.await.is_some()
}

/// The questions for one decision. Each of them has `None` for what stays unknown.
struct Asking<'a> {
    services: &'a Services,
    until: Duration,
}

impl<'a> Asking<'a> {
    fn new(services: &'a Services) -> Self {
        let until = services.clock.now().saturating_add(DEADLINE);
        Self { services, until }
    }

    async fn all(&self, wanted: Wanted<'_>, users: [&str; 2]) -> Option<()> {
        self.guild(wanted.guild).await?;
        let place = self.channel(wanted.channel).await?;
        if place.get("thread_metadata").is_some() {
            self.channel(place.str("parent_id")?).await?;
        }
        for user in users {
            self.member(wanted.guild, user).await?;
        }
        Some(())
    }

    async fn guild(&self, id: &str) -> Option<()> {
        let cache = &self.services.cache;
        let known = || cache.knows_guild(id).then_some(());
        let asked = async {
            let of_guild = || json!({ "guild_id": id });
            let told = self.ask("get_guild", of_guild()).await?;
            let channels = self.ask("list_guild_channels", of_guild()).await?;
            // Without the threads, all else of it is known.
            let threads = self.ask("get_active_guild_threads", of_guild()).await;
            let threads = threads.and_then(|told| Some(told.get("threads")?.to_json()));
            let threads = threads.unwrap_or(Json::NULL);
            cache.supplement(
                &told
                    .with("channels", channels.view())
                    .with("threads", threads.view()),
            );
            Some(())
        };
        self.once(Question::Guild(id.to_owned()), known, asked)
            .await
    }

    async fn channel(&self, id: &str) -> Option<Json> {
        let cache = &self.services.cache;
        let asked = async {
            let told = self.ask("get_channel", json!({ "channel_id": id })).await?;
            cache.apply("channel_create", &told);
            Some(())
        };
        let question = Question::Channel(id.to_owned());
        self.once(question, || cache.channel(id), asked).await
    }

    async fn member(&self, guild: &str, user: &str) -> Option<()> {
        let cache = &self.services.cache;
        let known = || cache.member(guild, user).map(|_| ());
        let asked = async {
            let arguments = json!({ "guild_id": guild, "user_id": user });
            let told = self.ask("get_guild_member", arguments).await?;
            let told = with_guild(told.view(), guild);
            cache.apply("guild_member_update", &told);
            Some(())
        };
        let question = Question::Member(guild.to_owned(), user.to_owned());
        self.once(question, known, asked).await
    }

    /// What is known, if need be after a question. It is asked by one at a time, and not again right after an answer
    /// that did not help.
    async fn once<T>(
        &self,
        question: Question,
        known: impl Fn() -> Option<T>,
        asked: impl Future<Output = Option<()>>,
    ) -> Option<T> {
        if let Some(known) = known() {
            return Some(known);
        }
        let clock = &self.services.clock;
        let asking = self.services.questions.asking(question, clock.now());
        let mut failed = asking.lock().await;
        if let Some(known) = known() {
            return Some(known);
        }
        if !is_recent(*failed, clock.now()) {
            let _answered = asked.await.is_some();
            *failed = known().is_none().then(|| clock.now());
        }
        known()
    }

    async fn ask(&self, id: &str, arguments: Value) -> Option<Json> {
        let left = self.until.checked_sub(self.services.clock.now())?;
        let answer = self.services.outbound.call(operation(id)?, arguments, left);
        answer.await.ok().flatten()
    }
}
