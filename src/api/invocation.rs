//! One call of a command, or one use of a component: who called it where, with which arguments, and what the result is.
//!
//! ```text
//! of_call ─ options (the values) ─ luau (`ctx`, for the handlers) ─ answers (what they say to the user) ─ end
//! ```
//!
//! `author, member, guild_id, in_guild, channel_id, message, interaction, command, options, prefix, locale, values,
//! resolved, fields; get, reply, send, edit, delete, update, modal, confirm, paginate, typing, defer, finally, refund, run, help, t`

mod answers;
mod context_value;
mod dialogs;
mod fields;
mod luau;
mod options;
mod resolved;
mod running;
mod target;

use super::context::CogContext;
use super::declarations::{Command, Staged, Use};
use super::deletion::MessagePlace;
use super::interaction::Interaction;
use crate::commands::cooldown::{Cooldowns, Taken};
use crate::commands::help::help_for;
use crate::commands::text::Language;
use crate::json::{Json, JsonRef};
use crate::lock::lock;
use crate::vm::host::{HostError, HostResult};
pub(super) use luau::install;
use mlua::Function;
use options::OptionValue;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// Functions that `ctx:finally` takes in one call, also from each other.
const MOST_FINALLY: usize = 100;

/// One call of a command.
#[derive(Debug)]
pub struct Invocation {
    /// Whose command it is.
    cog: Arc<CogContext>,
    /// Who called.
    author: Json,
    /// The caller as a member, with `user` and `guild_id`; nothing in a DM.
    member: Option<Json>,
    /// Where it was called.
    guild_id: Option<String>,
    /// Where it was called.
    channel_id: String,
    /// The message that called, or the interaction.
    origin: CallOrigin,
    /// What was called, and how.
    called: Called,
    /// The uses that the call took from the command's cooldowns.
    taken: Mutex<Option<(Arc<Cooldowns>, Taken)>>,
    /// The options' values.
    values: Mutex<BTreeMap<String, OptionValue>>,
    /// Functions that run when the handler has ended, also after an error.
    finally: Mutex<Vec<Function>>,
    /// Whether the call is over.
    ended: AtomicBool,
    /// How many such functions there have been.
    finally_count: AtomicUsize,
    /// How many lines the call has run.
    lines_run: AtomicUsize,
    /// Whether the one answer that does not count against the limit of calls has been given.
    answered: AtomicBool,
    /// Our last answer.
    answer: Mutex<Option<MessagePlace>>,
    /// The call in which the modal was opened whose submission this is.
    former: Option<Arc<Self>>,
}

/// How a call came.
#[derive(Clone, Debug)]
pub enum CallOrigin {
    /// By this message.
    Message(Json),
    /// By this interaction.
    Interaction(Arc<Interaction>),
    /// By this interaction, in which an option is being typed: nothing can be answered but choices.
    Completion(Arc<Interaction>),
}

/// What was called, and how.
#[derive(Clone, Debug)]
pub struct Called {
    /// The words that call the command (`tag add`).
    pub name: String,
    /// The command at the root; nothing where the call found none.
    pub command: Option<Arc<Command>>,
    /// What was typed before them.
    pub prefix: Option<String>,
    /// The locale of whoever called, or of where it was typed.
    pub locale: String,
    /// The language of the bot's own sentences.
    pub language: Language,
    /// Whether answers are for the caller alone unless they say otherwise.
    pub ephemeral: bool,
    /// Whether another command has called it with `ctx:run`.
    pub is_run: bool,
    /// What its version declares, as long as that runs.
    pub declared: Weak<Staged>,
}

impl Called {
    /// Whether `cog.modal` handles a custom id.
    fn handles_modal(&self, id: &str) -> bool {
        let declared = self.declared.upgrade();
        declared.is_some_and(|declared| declared.component(Use::Modal, id).is_some())
    }

    /// How the command is used.
    fn help(&self) -> String {
        let root = self.command.as_ref().map(|command| &command.definition);
        let mut path = Vec::from_iter(root);
        for name in self.name.split(' ').skip(1) {
            let below = path.last().map(|definition| &definition.subcommands);
            path.extend(below.and_then(|below| below.iter().find(|it| it.name == name)));
        }
        help_for(
            &path,
            self.prefix.as_deref().unwrap_or("/"),
            1,
            self.language,
        )
    }
}

impl Invocation {
    /// What was called: the command with its groups, or the template of the custom id.
    pub fn name(&self) -> &str {
        &self.called.name
    }

    /// A call. `source` says who called where, as a message does, with its `member` completed.
    pub fn of_call(
        cog: &Arc<CogContext>,
        source: &Json,
        origin: CallOrigin,
        called: Called,
    ) -> Self {
        let names = ["author", "member", "guild_id", "channel_id"];
        let [author, member, guild_id, channel_id] = source.view().pick(names);
        let text = |id: Option<JsonRef<'_>>| Some(id?.as_str()?.to_owned());
        Self {
            cog: Arc::clone(cog),
            author: author.map_or(Json::NULL, JsonRef::to_json),
            member: member.map(JsonRef::to_json),
            guild_id: text(guild_id),
            channel_id: text(channel_id).unwrap_or_default(),
            origin,
            called,
            taken: Mutex::default(),
            values: Mutex::default(),
            finally: Mutex::default(),
            ended: AtomicBool::new(false),
            finally_count: AtomicUsize::new(0),
            lines_run: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            answer: Mutex::default(),
            former: None,
        }
    }

    /// The same, made by the version of a cog that has declared this.
    #[must_use]
    pub fn of_version(mut self, declared: &Arc<Staged>) -> Self {
        self.called.declared = Arc::downgrade(declared);
        self
    }

    /// The same call, answered from now on where its modal was submitted.
    fn continued(self: &Arc<Self>, submission: Arc<Interaction>) -> Self {
        let caller = submission.caller();
        let origin = CallOrigin::Interaction(submission);
        Self {
            former: Some(Arc::clone(self)),
            ..Self::of_call(&self.cog, &caller, origin, self.called.clone())
        }
    }

    /// The call that has the options, and ends for all that it was continued with.
    fn begun(&self) -> &Self {
        self.former.as_deref().unwrap_or(self)
    }

    /// Notes the uses that the call took from `cooldowns`.
    pub fn note_taken(&self, cooldowns: &Arc<Cooldowns>, taken: Taken) {
        *lock(&self.taken) = Some((Arc::clone(cooldowns), taken));
    }

    /// Takes back these uses, once.
    pub fn refund(&self) {
        if let Some((cooldowns, taken)) = lock(&self.begun().taken).take() {
            cooldowns.refund(taken);
        }
    }

    /// One more function runs when the handler has ended.
    fn add_finally(&self, function: Function) -> HostResult<()> {
        let begun = self.begun();
        if begun.finally_count.fetch_add(1, Ordering::Relaxed) >= MOST_FINALLY {
            let message = format!("ctx:finally: at most {MOST_FINALLY} functions in one call");
            return Err(HostError::new("limit", message).into());
        }
        let mut finally = lock(&begun.finally);
        self.still_on("ctx:finally")?;
        finally.push(function);
        Ok(())
    }

    /// The next function to run, of those that are left: the last one first, also of those that another one adds.
    pub fn next_finally(&self) -> Option<Function> {
        lock(&self.finally).pop()
    }

    /// Ends the call: drops the values that the cog's code has made. They may refer to the call, and then neither would
    /// ever be freed. The values from the caller stay, for tasks that are still running.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let finally = std::mem::take(&mut *lock(&self.finally));
        drop(finally);
        self.end_values();
    }

    /// Refuses once the call is over.
    fn still_on(&self, function: &str) -> HostResult<()> {
        if self.begun().ended.load(Ordering::Relaxed) {
            let message = format!("{function}: the call has ended");
            return Err(HostError::new("phase", message).into());
        }
        Ok(())
    }
}
