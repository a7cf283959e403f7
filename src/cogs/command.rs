//! A call of a command, from the typed line or the slash command to the answer:
//!
//! ```text
//! walk (subcommand) ─ context ─ checks ─ cooldown ─ concurrency ─ arguments ─ handler ─ finally
//! ```
//!
//! A use of a component goes a shorter way, in `component.rs`.
//!
//! Everything except the handlers is decided here, in Rust.

mod arguments;
mod checks;
mod completion;
mod component;
mod form;
mod unknown;

use super::caller::Caller;
use super::fault::{fault_id, hook_arguments, report};
use super::handler;
use super::live::Live;
use super::watched::{self, refusal};
use crate::activity::Busy;
use crate::api::content::Content;
use crate::api::context::CogContext;
use crate::api::declarations::{Command, Hook, Use};
use crate::api::interaction::Interaction;
use crate::api::invocation::{self, Invocation};
use crate::api::locale::language;
use crate::api::own_messages::Tie;
use crate::commands::cooldown::ScopeIds;
use crate::commands::definition::CommandDefinition;
use crate::commands::help;
use crate::commands::parse::{Called, Walk, answers_to, walk};
use crate::commands::slash::{SlashCalled, is_called, walk_slash};
use crate::commands::slash_values::Given;
use crate::commands::text::{Language, Text, duration_in_words};
use crate::guard::HandlerKind;
use crate::host_tasks::{self, Task};
use crate::json::JsonRef;
use crate::lock::lock;
use crate::vm::life::UnderWay;
use crate::vm::run::Run;
use crate::vm::trace::Fault;
use completion::no_choices;
pub use form::{CallForm, CommandCall, WaitingCall};
use mlua::{Function, MultiValue};
use std::sync::Arc;
use std::time::Duration;

/// Characters of one message.
const LONGEST_ANSWER: usize = 2_000;

/// One call while it is carried out.
struct Calling<'a> {
    cog: &'a Arc<CogContext>,
    live: &'a Live,
    call: &'a CommandCall,
    /// Of a command that was typed.
    message_id: &'a str,
    author_id: &'a str,
    channel_id: &'a str,
    guild_id: Option<&'a str>,
    locale: &'a str,
    language: Language,
    limit: Duration,
    /// Held while the call is carried out; its handlers count as busy by themselves.
    busy: std::sync::Mutex<Option<Busy>>,
}

/// Tells the user that a call is not carried out.
pub async fn refuse(cog: &Arc<CogContext>, call: &CommandCall, why: Text<'_>) {
    if let CallForm::Completion(interaction) = &call.form {
        return interaction.offer(&cog.services, no_choices()).await;
    }
    if let CallForm::Unknown(_) = &call.form {
        // It is not this cog's command.
        return;
    }
    let locale = call.locale(cog);
    let language = language(&cog.services, &locale);
    let why = call.form.wording(why);
    answer(cog, call, (&locale, language), &why.say(language)).await;
}

/// Carries out a call, from its checks to its end. If anything is wrong, the user always gets exactly one answer. The bot
/// counts as busy until what is returned is dropped.
pub async fn run(
    cog: &Arc<CogContext>,
    live: Live,
    under_way: UnderWay,
    call: CommandCall,
    limit: Duration,
    busy: Busy,
) -> Option<Busy> {
    let locale = call.locale(cog);
    let language = language(&cog.services, &locale);
    let names = ["id", "author", "channel_id", "guild_id"];
    let [id, author, channel_id, guild_id] = call.caller.view().pick(names);
    let calling = Calling {
        cog,
        live: &live,
        call: &call,
        message_id: id.and_then(JsonRef::as_str).unwrap_or_default(),
        author_id: author.and_then(|it| it.str("id")).unwrap_or_default(),
        channel_id: channel_id.and_then(JsonRef::as_str).unwrap_or_default(),
        guild_id: guild_id.and_then(JsonRef::as_str),
        locale: &locale,
        language,
        limit,
        busy: std::sync::Mutex::new(Some(busy)),
    };
    if let CallForm::Completion(interaction) = &call.form {
        let choices = async {
            host_tasks::point(Task::Command);
            calling.complete(interaction).await
        };
        let choices = host_tasks::caught(Task::Command, Box::pin(choices)).await;
        let busy = lock(&calling.busy).take();
        drop((under_way, live));
        let choices = choices.unwrap_or_else(no_choices);
        interaction.offer(&cog.services, choices).await;
        return busy;
    }
    let carrying_out = async {
        host_tasks::point(Task::Command);
        calling.carry_out().await
    };
    let ended = host_tasks::caught(Task::Command, carrying_out).await;
    let ended = ended.unwrap_or_else(|| Err(Some(calling.say(Text::BotFailed {}))));
    let is_known = matches!(call.form, CallForm::Unknown(_)) && ended != Err(None);
    let is_done = ended.is_ok() || is_known;
    let told = ended.err().flatten();
    let busy = lock(&calling.busy).take();
    let goes_on = live.generation.life.has_tasks();
    // An answer may have to wait for Discord; the VM is not kept alive for it.
    drop((under_way, live));
    let told = match (told, &call.form) {
        // Discord waits for an answer, where somebody who has typed sees what was done.
        (None, CallForm::Slash(interaction) | CallForm::Component(_, interaction))
            if Box::pin(interaction.latest().end(&cog.services, goes_on)).await =>
        {
            Some(Text::Done {}.say(language))
        }
        (told, _) => told,
    };
    if let Some(text) = told {
        // In a box, as are all ways that hardly any call goes: each call is carried from its mailbox to its task.
        Box::pin(answer(cog, &call, (&locale, language), &text)).await;
    }
    if let CallForm::Run(line) | CallForm::Unknown(line) = &call.form {
        line.answer(is_done, cog.services.activity.begin());
    }
    busy
}

/// Answers a call in the bot's own words.
async fn answer(
    cog: &Arc<CogContext>,
    call: &CommandCall,
    (locale, language): (&str, Language),
    text: &str,
) {
    let invocation = invocation(cog, call, (locale, language), call.name(), None);
    let invocation = Arc::new(invocation);
    // Discord accepts no empty message, and no longer one.
    let shown: String = text.chars().take(LONGEST_ANSWER).collect();
    let mut content = if shown.trim().is_empty() {
        Content::of_text(&Text::NotAllowed {}.say(language))
    } else {
        Content::of_text(&shown)
    };
    content.ephemeral = call.interaction().map(|_| true);
    if let Err(failure) = invocation.reply("the bot's answer", content).await
        && let Some([error]) = cog.limits.may_log(|| None, || [failure.to_string()])
    {
        tracing::warn!(cog = %cog.name, error, "A user could not be answered");
    }
}

/// What a handler gets as `ctx`, and in which language. `command` is the one that was called, with the definition of
/// the subcommand.
fn invocation(
    cog: &Arc<CogContext>,
    call: &CommandCall,
    (locale, language): (&str, Language),
    name: &str,
    command: Option<(&Arc<Command>, &CommandDefinition)>,
) -> Invocation {
    let called = invocation::Called {
        declared: std::sync::Weak::new(),
        name: name.to_owned(),
        command: command.map(|(command, _)| Arc::clone(command)),
        prefix: match &call.form {
            CallForm::Typed { .. } | CallForm::Run(_) | CallForm::Unknown(_) => {
                Some(call.prefix().to_owned())
            }
            CallForm::Slash(_) | CallForm::Completion(_) | CallForm::Component(..) => None,
        },
        locale: locale.to_owned(),
        is_run: matches!(call.form, CallForm::Run(_)),
        language,
        ephemeral: command.is_some_and(|(_, definition)| definition.ephemeral),
    };
    Invocation::of_call(cog, &call.caller, call.origin(), called)
}

impl Calling<'_> {
    fn caller(&self) -> Caller<'_> {
        Caller {
            services: &self.cog.services,
            call: &self.call.caller,
            interaction: self.call.interaction().map(|it| &**it),
            language: self.language,
        }
    }

    /// A sentence of the bot's own.
    fn say(&self, text: Text<'_>) -> String {
        self.call.form.wording(text).say(self.language)
    }

    /// If the command does not run to its end, the error is the message for the user, unless a handler has sent one.
    async fn carry_out(&self) -> Result<(), Option<String>> {
        if let CallForm::Unknown(line) = &self.call.form {
            return Box::pin(self.ask_of_unknown(line)).await;
        }
        if let CallForm::Component(used, interaction) = &self.call.form {
            // In a box: calls of commands have no room for it.
            return Box::pin(self.use_component(*used, interaction)).await;
        }
        let Some(command) = self.command() else {
            return Err(Some(self.gone()));
        };
        match &self.call.form {
            CallForm::Typed { .. } | CallForm::Run(_) | CallForm::Unknown(_) => {
                match walk(&command.definition, self.call.line()) {
                    Walk::Command(called) => self.begin(&command, &called, None).await,
                    Walk::Group { path, given } => Err(Some(help::unknown_subcommand(
                        &path,
                        given.as_ref(),
                        self.call.prefix(),
                        self.language,
                    ))),
                }
            }
            CallForm::Slash(interaction)
            | CallForm::Completion(interaction)
            | CallForm::Component(_, interaction) => {
                match walk_slash(&command.definition, interaction.data()) {
                    Some(called) => {
                        let given = Given {
                            options: called.options.clone(),
                            resolved: resolved_by(interaction),
                        };
                        self.begin(&command, &self.as_typed(called), Some(&given))
                            .await
                    }
                    None => Err(Some(Text::CommandChanged {}.say(self.language))),
                }
            }
        }
    }

    /// The command that is called; none if a reload has removed it while the call was on its way.
    fn command(&self) -> Option<Arc<Command>> {
        let name = self.call.name();
        let data = match &self.call.form {
            CallForm::Slash(interaction) | CallForm::Completion(interaction) => {
                Some(interaction.data())
            }
            // A component calls none.
            CallForm::Component(..) => return None,
            CallForm::Typed { .. } | CallForm::Run(_) | CallForm::Unknown(_) => None,
        };
        let mut commands = self.live.declarations.commands();
        let found = commands.find(|command| match data {
            None => answers_to(&command.definition, name),
            Some(data) => is_called(&command.definition, data),
        });
        found.cloned()
    }

    /// What the user is told then.
    fn gone(&self) -> String {
        if self.call.interaction().is_some() {
            return Text::CommandGone {}.say(self.language);
        }
        let known = self.cog.services.shown_names.load();
        let known = known.iter().map(String::as_str);
        let (name, prefix) = (self.call.name(), self.call.prefix());
        help::unknown_command(name, known, prefix, self.language)
    }

    /// A call of a slash command in the terms of a typed one, without a line.
    fn as_typed<'d>(&self, called: SlashCalled<'d, '_>) -> Called<'d, '_> {
        Called {
            path: called.path,
            line: self.call.line(),
        }
    }

    async fn begin(
        &self,
        command: &Arc<Command>,
        called: &Called<'_, '_>,
        given: Option<&Given<'_>>,
    ) -> Result<(), Option<String>> {
        let Some(definition) = called.path.last().copied() else {
            return Ok(());
        };
        let name = called.name();
        let context = Arc::new(
            invocation(
                self.cog,
                self.call,
                (self.locale, self.language),
                &name,
                Some((command, definition)),
            )
            .of_version(&self.live.declarations),
        );
        let _end = EndOfCall(&context);
        if self.call.interaction().is_none() {
            let own_messages = &self.cog.services.own_messages;
            own_messages.note(&self.cog.name, self.message_id, Tie::Called);
        }
        self.allow(command, called, definition, &context).await?;
        let ids = ScopeIds {
            user: self.author_id,
            channel: self.channel_id,
            guild: self.guild_id,
        };
        let services = &self.cog.services;
        let cooldowns: Vec<_> = called
            .path
            .iter()
            .flat_map(|definition| definition.cooldowns.iter().cloned())
            .collect();
        let now = services.clock.now();
        let counted = definition.kind.key(&name);
        match services.cooldowns.take(&counted, &ids, &cooldowns, now) {
            Ok(taken) => context.note_taken(&services.cooldowns, taken),
            Err(left) => {
                let left = &duration_in_words(left, self.language);
                let message = Text::OnCooldown { left }.say(self.language);
                return Box::pin(self.deny(&context, "cooldown", message)).await;
            }
        }
        let limit = definition.max_concurrent.as_ref();
        // Each version has its own count: calls of an older one that do not end must not block the fixed one.
        let counted = format!("{counted}\n{}", self.live.generation.number);
        let permit = limit.map(|limit| services.running.begin(&counted, &ids, limit));
        if let Some(None) = permit {
            context.refund();
            let message = Text::AlreadyRunning {}.say(self.language);
            return Box::pin(self.deny(&context, "max_concurrent", message)).await;
        }
        let arguments = self.arguments(command, called, given, definition, &context);
        let arguments = arguments.await;
        if let Err(text) = arguments {
            // A typing mistake does not count as a use.
            context.refund();
            return Err(Some(text));
        }
        let path = sub_path(&called.path);
        let result = match command.runs.get(&path) {
            Some(run) => self.handle(run, &context).await,
            None => Ok(()),
        };
        self.run_finally(&context).await;
        drop(permit);
        result
    }

    async fn call_handler(
        &self,
        function: &Function,
        arguments: impl mlua::IntoLuaMulti,
    ) -> Result<MultiValue, Fault> {
        let activity = &self.cog.services.activity;
        let run = Run::new(activity);
        // From here on only the run counts: it may wait for the clock or for a user.
        lock(&self.busy).take();
        let result =
            handler::run_as(&run, self.cog, self.live, function, arguments, self.limit).await;
        *lock(&self.busy) = Some(activity.begin());
        result
    }

    /// Calls a function with `ctx` and `more`; the error is the message for the user.
    async fn call_with_context(
        &self,
        function: &Function,
        context: &Arc<Invocation>,
        more: impl mlua::IntoLuaMulti,
    ) -> Result<MultiValue, Option<String>> {
        let lua = self.live.vm.lua();
        let result = match context.to_ctx(lua) {
            Ok(context) => self.call_handler(function, (context, more)).await,
            Err(_) => Err(Fault::Panic),
        };
        match result {
            Ok(values) => Ok(values),
            Err(fault) => Err(Box::pin(self.explain(&fault, context)).await),
        }
    }

    async fn handle(
        &self,
        run: &Function,
        context: &Arc<Invocation>,
    ) -> Result<(), Option<String>> {
        for hook in self.live.hooks(Hook::Before) {
            Box::pin(self.call_with_context(&hook, context, ())).await?;
        }
        let result = match context.handed_over(self.live.vm.lua()) {
            Ok(arguments) => self.call_handler(run, arguments).await,
            Err(fault) => Err(fault),
        };
        let hooks = self.live.hooks(Hook::After);
        if !hooks.is_empty() {
            Box::pin(self.run_after(hooks, result.as_ref().err(), context)).await;
        }
        self.end_of_handler(result, context).await
    }

    /// What a user is told of how a handler has ended.
    async fn end_of_handler(
        &self,
        result: Result<MultiValue, Fault>,
        context: &Arc<Invocation>,
    ) -> Result<(), Option<String>> {
        let fault = result.err();
        let is_told = |fault: &Fault| fault.told_to_user().is_some();
        if fault.as_ref().is_none_or(is_told) {
            self.note_handled(context, None);
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(Box::pin(self.explain(&fault, context)).await),
        }
    }

    fn note_handled(&self, context: &Invocation, fault: Option<&Fault>) {
        let kind = match &self.call.form {
            CallForm::Component(Use::Component, _) => HandlerKind::Component,
            CallForm::Component(Use::Modal, _) => HandlerKind::Modal,
            _ => HandlerKind::Command,
        };
        watched::handled(self.cog, self.live, (kind, context.name()), fault);
    }

    /// Calls the `cog.after` functions with the error that ended the handler, if one has.
    async fn run_after(
        &self,
        hooks: Vec<Function>,
        fault: Option<&Fault>,
        context: &Arc<Invocation>,
    ) {
        for hook in hooks {
            let arguments = hook_arguments(self.live, fault, Some(context));
            let result = match arguments {
                Ok(arguments) => self.call_handler(&hook, arguments).await,
                Err(_) => Err(Fault::Panic),
            };
            if let Err(fault) = result {
                report(self.cog, self.live, &fault, None).await;
            }
        }
    }

    /// The message for the user about a fault; the details go to the log under the id that the user gets.
    async fn explain(&self, fault: &Fault, context: &Arc<Invocation>) -> Option<String> {
        if let Some(text) = fault.told_to_user() {
            return Some(text.to_owned());
        }
        self.note_handled(context, Some(fault));
        let is_closed = matches!(fault, Fault::Closed | Fault::GaveWay(_));
        if is_closed && self.cog.is_quarantined() {
            return Some(self.say(Text::OutOfOrder {}));
        }
        if let Some(refusal) = refusal(fault) {
            report(self.cog, self.live, fault, Some(("", context))).await;
            return Some(refusal.say(self.language));
        }
        let id = fault_id();
        report(self.cog, self.live, fault, Some((&id, context))).await;
        let id = id.as_str();
        Some(self.say(Text::HandlerFailed { id }))
    }

    async fn run_finally(&self, context: &Arc<Invocation>) {
        while let Some(function) = context.next_finally() {
            if let Err(fault) = Box::pin(self.call_handler(&function, ())).await {
                Box::pin(report(self.cog, self.live, &fault, None)).await;
            }
        }
    }
}

/// Ends a call when it is dropped, also when the call is cancelled.
struct EndOfCall<'a>(&'a Invocation);

impl Drop for EndOfCall<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The objects that the values of an interaction's options name.
fn resolved_by(interaction: &Interaction) -> JsonRef<'_> {
    interaction.data().get("resolved").unwrap_or(JsonRef::NULL)
}

/// The key of a subcommand's handlers: its names below the root.
fn sub_path(path: &[&CommandDefinition]) -> String {
    let names: Vec<_> = path.iter().skip(1).map(|it| it.name.as_str()).collect();
    names.join(" ")
}
