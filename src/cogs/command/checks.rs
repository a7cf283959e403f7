//! Whether a caller may use a command: runs the checks and answers the user.

use super::super::fault::report;
use super::Calling;
use crate::api::declarations::{Command, Hook};
use crate::api::invocation::Invocation;
use crate::api::unknown_guild::{Wanted, learn};
use crate::commands::checks::{self, CheckAnswer, CheckAnswers, CheckFacts, RoleFact, Verdict};
use crate::commands::definition::CommandDefinition;
use crate::commands::parse::Called;
use crate::commands::text::{Language, Text};
use crate::json::Json;
use mlua::Value;
use std::sync::Arc;

impl Calling<'_> {
    /// Contexts and checks; the error is the message for the user.
    pub(super) async fn allow(
        &self,
        command: &Command,
        called: &Called<'_, '_>,
        definition: &CommandDefinition,
        context: &Arc<Invocation>,
    ) -> Result<(), Option<String>> {
        let place = if self.guild_id().is_some() {
            checks::Context::Guild
        } else {
            checks::Context::BotDm
        };
        let mut verdict = checks::evaluate_context(definition.contexts, place, self.language);
        if verdict == Verdict::Pass {
            verdict = self.check(command, called, context).await?;
        }
        match verdict {
            Verdict::Denied { kind, message } => self.deny(context, kind, message).await,
            _ => Ok(()),
        }
    }

    /// All checks of a call. Unknown facts about the guild are requested from Discord before they decide, and before a
    /// cog's own check runs; if one stays unknown and would decide, the user is told so, and no check counts as failed.
    async fn check(
        &self,
        command: &Command,
        called: &Called<'_, '_>,
        context: &Arc<Invocation>,
    ) -> Result<Verdict, Option<String>> {
        let mut answers = CheckAnswers::new();
        let mut facts = self.facts();
        let mut learned = false;
        loop {
            match self.evaluate(called, &facts, &answers) {
                Verdict::Unknown | Verdict::NeedsHandler(_) if !learned => {
                    self.learn().await;
                    facts = self.facts();
                    learned = true;
                }
                Verdict::Unknown => {
                    return Err(Some(Text::ServerUnknown {}.say(self.language)));
                }
                Verdict::NeedsHandler(index) => {
                    let answer = self.ask(command, index, context).await?;
                    answers.insert(index, answer);
                }
                verdict => return Ok(verdict),
            }
        }
    }

    /// The verdict from what is known.
    fn evaluate(&self, called: &Called<'_, '_>, facts: &Facts, answers: &CheckAnswers) -> Verdict {
        let roles = facts.roles.iter();
        let roles: Vec<_> = roles.map(|(id, name)| RoleFact { id, name }).collect();
        let facts = facts.borrow(&roles, self.language);
        checks::evaluate(called.checks(), &facts, answers)
    }

    /// Requests what is not known yet about the guild in which the command was called.
    async fn learn(&self) {
        let Some(guild) = self.guild_id() else {
            return;
        };
        let wanted = Wanted {
            guild,
            channel: self.text("channel_id"),
            user: self.author_id(),
        };
        let _is_known: bool = learn(&self.cog.services, wanted).await;
    }

    /// Calls the cog's `on_denied`, if it has one; otherwise tells the user.
    pub(super) async fn deny(
        &self,
        context: &Arc<Invocation>,
        kind: &'static str,
        message: String,
    ) -> Result<(), Option<String>> {
        let hooks = self.live.hooks(Hook::Denied);
        if hooks.is_empty() {
            return Err(Some(message));
        }
        let lua = self.live.vm.lua();
        let mut told = None;
        for hook in hooks {
            let denial = lua.create_table().and_then(|denial| {
                denial.raw_set("kind", kind)?;
                denial.raw_set("message", message.as_str())?;
                Ok((context.to_ctx(lua)?, denial))
            });
            match denial {
                Ok(arguments) => {
                    if let Err(fault) = self.call_handler(&hook, arguments).await {
                        report(self.cog, self.live, &fault, None).await;
                        told = fault.told_to_user().map(str::to_owned);
                        told = told.or_else(|| Some(message.clone()));
                    }
                }
                Err(error) => {
                    if let Some([error]) = self.cog.limits.may_log(|| None, || [error.to_string()])
                    {
                        tracing::error!(cog = %self.cog.name, error, "cog.on_denied could not be called");
                    }
                }
            }
        }
        // A hook that failed has not told the user.
        Err(told)
    }

    fn facts(&self) -> Facts {
        let services = &self.cog.services;
        let message = &self.call.message;
        let member_roles = message
            .at(&["member", "roles"])
            .map(Json::items)
            .unwrap_or_default();
        let guild = self.guild_id().unwrap_or_default();
        let in_guild = self.guild_id().is_some();
        let roles = member_roles.iter().filter_map(Json::as_str).map(|id| {
            let role = services.cache.role(guild, id);
            let name = role.as_ref().and_then(|role| role.str("name"));
            (id.to_owned(), name.unwrap_or_default().to_owned())
        });
        let channel = self.text("channel_id");
        let permissions = |user: &str| services.permissions_in(channel, user);
        let of_author = permissions(self.author_id()).or_else(|| self.permissions_as_sent(channel));
        // In a direct message nobody has any.
        let none = (!in_guild).then_some(0);
        Facts {
            is_owner: services.is_owner(self.author_id()),
            channel_nsfw: services.is_nsfw(channel),
            member_permissions: of_author.or(none),
            bot_permissions: permissions(services.identity.load().id()).or(none),
            roles: roles.collect(),
            knows_roles: services.cache.knows_guild(guild),
            in_guild,
        }
    }

    /// The author's permissions by the member in the message, for one whom the cache has forgotten again.
    fn permissions_as_sent(&self, channel: &str) -> Option<u64> {
        let services = &self.cog.services;
        let author = self.call.message.get("author")?.clone();
        let member = self.call.message.get("member")?.with("user", author);
        let now = services.clock.now();
        services.cache.permissions_of(channel, &member, now)
    }

    /// Asks a `cog.check.custom` function.
    async fn ask(
        &self,
        command: &Command,
        index: u32,
        context: &Arc<Invocation>,
    ) -> Result<CheckAnswer, Option<String>> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(check) = command.checks.get(index) else {
            return Ok(CheckAnswer::Deny(None));
        };
        let mut results = self.call_with_context(check, context, ()).await?;
        let passed = !matches!(
            results.pop_front(),
            None | Some(Value::Nil | Value::Boolean(false))
        );
        if passed {
            return Ok(CheckAnswer::Pass);
        }
        let sentence = match results.pop_front() {
            Some(Value::String(sentence)) => Some(sentence.to_string_lossy()),
            _ => None,
        };
        Ok(CheckAnswer::Deny(sentence))
    }
}

/// What checks need to know, owned.
struct Facts {
    is_owner: bool,
    channel_nsfw: Option<bool>,
    member_permissions: Option<u64>,
    bot_permissions: Option<u64>,
    roles: Vec<(String, String)>,
    knows_roles: bool,
    in_guild: bool,
}

impl Facts {
    fn borrow<'a>(&self, roles: &'a [RoleFact<'a>], language: Language) -> CheckFacts<'a> {
        CheckFacts {
            is_owner: self.is_owner,
            channel_nsfw: self.channel_nsfw,
            member_permissions: self.member_permissions,
            bot_permissions: self.bot_permissions,
            member_roles: roles,
            knows_roles: self.knows_roles,
            in_guild: self.in_guild,
            language,
        }
    }
}
