//! Whether a caller may use a command: runs the checks and answers the user.

use super::super::fault::report;
use super::Calling;
use crate::api::declarations::{Command, Hook};
use crate::api::invocation::Invocation;
use crate::api::unknown_guild::{Wanted, learn};
use crate::commands::checks::{self, CheckAnswer, CheckAnswers, CheckFacts, Verdict};
use crate::commands::definition::{Check, CommandDefinition, RoleKey};
use crate::commands::parse::Called;
use crate::commands::text::{Language, Text};
use crate::json::JsonRef;
use mlua::{Function, Value};
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
        let mut verdict =
            checks::evaluate_context(definition.contexts, self.place(), self.language);
        if verdict == Verdict::Pass {
            verdict = self.check(command, called, context).await?;
        }
        match verdict {
            Verdict::Denied { kind, message } => Box::pin(self.deny(context, kind, message)).await,
            _ => Ok(()),
        }
    }

    /// Where the command was called.
    pub(super) fn place(&self) -> checks::Context {
        /// Discord's context of a direct message between others.
        const PRIVATE_CHANNEL: i64 = 2;
        let interaction = self.call.interaction();
        match interaction.and_then(|it| it.event().i64("context")) {
            _ if self.guild_id().is_some() => checks::Context::Guild,
            Some(PRIVATE_CHANNEL) => checks::Context::PrivateChannel,
            _ => checks::Context::BotDm,
        }
    }

    /// Permissions as an interaction brings them along: Discord has worked them out for its channel.
    fn permissions_brought(&self, path: &[&str]) -> Option<u64> {
        let event = self.call.interaction()?.event();
        event.at(path)?.as_str()?.parse().ok()
    }

    /// All checks of a call. Unknown facts about the guild are requested from Discord before they decide, and before a
    /// cog's own check runs; if one stays unknown and would decide, the user is told so, and no check counts as failed.
    pub(super) async fn check(
        &self,
        command: &Command,
        called: &Called<'_, '_>,
        context: &Arc<Invocation>,
    ) -> Result<Verdict, Option<String>> {
        for of_cog in self.live.declarations.checks() {
            let checks: Vec<_> = of_cog.checks.iter().collect();
            // In a box: few cogs have such checks.
            let verdict = Box::pin(self.decide(&checks, &of_cog.functions, context)).await?;
            if verdict != Verdict::Pass {
                return Ok(verdict);
            }
        }
        let checks: Vec<_> = called.checks().collect();
        self.decide(&checks, &command.checks, context).await
    }

    async fn decide(
        &self,
        checks: &[&Check],
        functions: &[Function],
        context: &Arc<Invocation>,
    ) -> Result<Verdict, Option<String>> {
        let mut answers = CheckAnswers::new();
        let mut learned = false;
        loop {
            match checks::evaluate(checks.iter().copied(), self, &answers) {
                Verdict::Unknown | Verdict::NeedsHandler(_) if !learned => {
                    self.learn().await;
                    learned = true;
                }
                Verdict::Unknown => {
                    return Err(Some(Text::ServerUnknown {}.say(self.language)));
                }
                Verdict::NeedsHandler(index) => {
                    let answer = Box::pin(self.ask(functions, index, context)).await?;
                    answers.insert(index, answer);
                }
                verdict => return Ok(verdict),
            }
        }
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

    /// A user's permissions in the channel. In a direct message nobody has any.
    fn permissions(&self, user: &str) -> Option<u64> {
        let known = self
            .cog
            .services
            .permissions_in(self.text("channel_id"), user);
        known.or_else(|| self.guild_id().is_none().then_some(0))
    }

    /// The author's permissions by the member in the message, for one whom the cache has forgotten again.
    fn permissions_as_sent(&self) -> Option<u64> {
        let services = &self.cog.services;
        let author = self.call.caller.get("author")?;
        let member = self.call.caller.get("member")?.with("user", author);
        let now = services.clock.now();
        services
            .cache
            .permissions_of(self.text("channel_id"), &member, now)
    }

    /// Asks a `cog.check.custom` function.
    async fn ask(
        &self,
        functions: &[Function],
        index: u32,
        context: &Arc<Invocation>,
    ) -> Result<CheckAnswer, Option<String>> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(check) = functions.get(index) else {
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

impl CheckFacts for Calling<'_> {
    fn is_owner(&self) -> bool {
        self.cog.services.is_owner(self.author_id())
    }

    fn channel_nsfw(&self) -> Option<bool> {
        let known = self.cog.services.is_nsfw(self.text("channel_id"));
        known.or_else(|| {
            let channel = self.call.interaction()?.event().get("channel")?;
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
        let own = || self.permissions(self.cog.services.identity.load().id());
        match self.guild_id() {
            Some(_) => self.permissions_brought(&["app_permissions"]).or_else(own),
            None => own(),
        }
    }

    fn has_role(&self, role: &RoleKey) -> bool {
        let held = self.call.caller.at(&["member", "roles"]);
        let held = held.unwrap_or(JsonRef::NULL);
        let guild = self.guild_id().unwrap_or_default();
        held.items().filter_map(JsonRef::as_str).any(|id| {
            let known = self.cog.services.cache.role(guild, id);
            let name = known.as_ref().and_then(|known| known.str("name"));
            role.fits(id, name.unwrap_or_default())
        })
    }

    fn knows_roles(&self) -> bool {
        let guild = self.guild_id().unwrap_or_default();
        self.cog.services.cache.knows_guild(guild)
    }

    fn in_guild(&self) -> bool {
        self.guild_id().is_some()
    }

    fn language(&self) -> Language {
        self.language
    }
}
