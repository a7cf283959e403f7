//! Whether a caller may use a command: runs the checks and answers the user.

use super::super::fault::report;
use super::Calling;
use crate::api::declarations::{Command, Hook};
use crate::api::invocation::Invocation;
use crate::api::unknown_guild::{Wanted, learn};
use crate::commands::checks::{self, CheckAnswer, CheckAnswers, Verdict};
use crate::commands::definition::{Check, CommandDefinition};
use crate::commands::parse::Called;
use crate::commands::text::Text;
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
        let place = self.caller().place();
        let mut verdict = checks::evaluate_context(definition.contexts, place, self.language);
        if verdict == Verdict::Pass {
            verdict = self.check(command, called, context).await?;
        }
        match verdict {
            Verdict::Denied { kind, message } => Box::pin(self.deny(context, kind, message)).await,
            _ => Ok(()),
        }
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

    pub(super) async fn decide(
        &self,
        checks: &[&Check],
        functions: &[Function],
        context: &Arc<Invocation>,
    ) -> Result<Verdict, Option<String>> {
        let mut answers = CheckAnswers::new();
        let mut learned = false;
        loop {
            match checks::evaluate(checks.iter().copied(), &self.caller(), &answers) {
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
        let Some(guild) = self.guild_id else {
            return;
        };
        let wanted = Wanted {
            guild,
            channel: self.channel_id,
            user: self.author_id,
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
