//! One interaction, and how far it has been answered. Discord takes the first answer within three seconds, and
//! everything else for a quarter of an hour:
//!
//! ```text
//! waiting ─┬─ the answer ────────────────────────────────────────▶ answered ─ follow-ups
//!          ├─ deferred (by the cog, or by the host after 2 s) ─┬─ the answer fills it
//!          │                                                   └─ it is to be seen by others: deleted, sent anew
//!          └─ of a component: updated (its message is edited, or may be later) ─ follow-ups
//! ```

mod by_host;
mod modal;
mod update;

use super::call::{PreparedCall, call_error, known, make, prepare, send};
use super::content::Content;
use super::context::CogContext;
use super::locale::{language, locale_of};
use super::own_messages::Tie;
use super::services::Services;
use crate::api::answer::CallAnswer;
use crate::commands::text::Text;
use crate::discord::arguments::File;
use crate::discord::event::{Event, InteractionPeek};
use crate::discord::operation;
use crate::discord::outbound::CallError;
use crate::host_tasks;
use crate::json::{Json, JsonRef};
use crate::vm::host::HostResult;
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard, Notify};

/// The host puts the answer off when there is none after so long: Discord waits for three seconds.
const DEFERRED_AFTER: Duration = Duration::from_secs(2);
/// How long an answer of the host's own may take.
const DEADLINE: Duration = Duration::from_secs(10);

// Discord's types of first answers.
const MESSAGE: u8 = 4;
const DEFERRED_MESSAGE: u8 = 5;
const DEFERRED_UPDATE: u8 = 6;
const UPDATE: u8 = 7;
const CHOICES: u8 = 8;
const MODAL: u8 = 9;
/// Discord's type of an interaction by which a modal is submitted.
const SUBMISSION: u64 = 5;

/// Discord's flag of a message that one user alone sees.
const EPHEMERAL: u64 = 1 << 6;
/// The flags that an edit may set: no embeds, and the newer kinds of components.
const OF_EDITS: u64 = (1 << 2) | (1 << 15);
/// Discord's code for an interaction that has its first answer already.
const ANSWERED_ALREADY: i64 = 40_060;

/// Fields of a message in a channel that an answer to an interaction has not.
const OF_CHANNELS: [&str; 3] = ["message_reference", "nonce", "enforce_nonce"];

/// One interaction.
pub struct Interaction {
    event: Arc<Event>,
    id: String,
    application_id: String,
    token: String,
    /// Whether it comes from a message: from a component on it, or from a modal that such a component opened.
    is_on_message: bool,
    /// Whether a modal was submitted.
    is_submission: bool,
    /// The submission of the modal that answers it, once a handler goes on with that.
    successor: OnceLock<Arc<Self>>,
    /// When it arrived, since the Unix epoch.
    arrived: Duration,
    /// Held while the first answer is given, so that a deferral never overtakes it.
    progress: Mutex<Progress>,
    /// Rings when it has its first answer.
    acknowledged: Notify,
    /// Whether its cog has put the answer off, and so has one in mind.
    is_promised: AtomicBool,
    /// Whether its call has ended without an answer.
    has_ended: AtomicBool,
}

/// How far an interaction is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Not at all.
    Waiting,
    /// Discord shows that the bot is thinking: to all, or to the caller alone.
    Deferred { ephemeral: bool },
    /// The message that it comes from has been edited, or may be later: that is what `@original` names. Everything
    /// else is a follow-up.
    Updated,
    /// Everything from now on is a follow-up.
    Answered,
}

impl Progress {
    /// What it is when a message has been sent.
    fn after_message(self) -> Self {
        match self {
            Self::Updated => Self::Updated,
            Self::Waiting | Self::Deferred { .. } | Self::Answered => Self::Answered,
        }
    }
}

impl fmt::Debug for Interaction {
    /// Without the token, with which anybody could answer.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Interaction({})", self.id)
    }
}

impl Interaction {
    /// An interaction that has just arrived.
    pub fn new(event: &Arc<Event>, peek: &InteractionPeek<'_>, services: &Services) -> Self {
        Self {
            event: Arc::clone(event),
            id: peek.id.to_owned(),
            application_id: peek.application_id.to_owned(),
            token: peek.token.to_owned(),
            is_on_message: peek.message.is_some(),
            is_submission: peek.kind == SUBMISSION,
            successor: OnceLock::new(),
            arrived: services.clock.now(),
            progress: Mutex::new(Progress::Waiting),
            acknowledged: Notify::new(),
            is_promised: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }
    }

    /// All that Discord has said about it.
    pub fn event(&self) -> &Json {
        self.event.data()
    }

    /// The user who has done it; 0 if it does not say.
    pub fn user(&self) -> u64 {
        self.event.origin().user
    }

    /// What was called, and with which options.
    pub fn data(&self) -> JsonRef<'_> {
        self.event().get("data").unwrap_or(JsonRef::NULL)
    }

    /// The message that it comes from, if it comes from one.
    pub fn message(&self) -> Option<JsonRef<'_>> {
        let message = self.event().get("message")?;
        (self.is_on_message && message.is_object()).then_some(message)
    }

    /// Whether the message that it comes from is for one person alone.
    pub fn is_on_ephemeral(&self) -> bool {
        let flags = self.message().and_then(|message| message.i64("flags"));
        let flags = flags.and_then(|flags| u64::try_from(flags).ok());
        flags.unwrap_or(0) & EPHEMERAL != 0
    }

    /// Whether it comes from a message: from a component on it, or from a modal that such a component opened.
    pub fn is_on_message(&self) -> bool {
        self.is_on_message
    }

    /// The handler goes on with the submission of the modal that answers it.
    pub(super) fn go_on_with(&self, submission: &Arc<Self>) {
        // A modal is submitted once.
        let _is_first = self.successor.set(Arc::clone(submission)).is_ok();
    }

    /// What the caller has done last in this call, and waits for: this, or the submission of a modal.
    pub fn latest(self: &Arc<Self>) -> &Arc<Self> {
        self.successor.get().unwrap_or(self)
    }

    /// How long ago it arrived.
    pub fn age(&self, services: &Services) -> Duration {
        services.clock.now().saturating_sub(self.arrived)
    }

    /// Who called where, in the words of a message: `id`, `channel_id`, `guild_id`, `author`, `member`.
    pub fn caller(&self) -> Json {
        let event = self.event();
        let member = event.get("member").filter(|it| it.is_object());
        let user = member.and_then(|it| it.get("user"));
        let author = user.or_else(|| event.get("user"));
        let fields = ["id", "channel_id", "guild_id"].map(|name| (name, event.get(name)));
        let people = [("author", author), ("member", member)];
        let all = fields.into_iter().chain(people);
        Json::object(all.filter_map(|(name, value)| Some((name, value?))))
    }

    /// Puts the answer off when there is none after two seconds; `is_ephemeral` tells whether it will be for the
    /// caller alone. Where it comes from a message, nothing is shown meanwhile.
    pub fn defer_in_time(
        self: &Arc<Self>,
        services: &Arc<Services>,
        is_ephemeral: impl FnOnce() -> bool + Send + 'static,
    ) {
        let (interaction, services) = (Arc::clone(self), Arc::clone(services));
        let alarm = services.clock.alarm(DEFERRED_AFTER);
        host_tasks::errand(async move {
            tokio::select! {
                biased;
                () = interaction.acknowledged.notified() => {}
                woken = alarm => {
                    let _busy = services.activity.begin();
                    drop(woken);
                    let has_ended = interaction.has_ended.load(Ordering::Relaxed);
                    if has_ended && !interaction.is_on_message {
                        interaction.tell(&services, Text::Done {}).await;
                    } else {
                        interaction.defer_by_host(&services, is_ephemeral()).await;
                    }
                }
            }
        });
    }

    async fn defer_by_host(&self, services: &Services, ephemeral: bool) {
        let mut progress = self.progress.lock().await;
        if *progress != Progress::Waiting {
            return;
        }
        let ephemeral = (!self.is_on_message).then_some(ephemeral);
        let (body, deferred) = self.deferral(ephemeral);
        match call(services, "create_interaction_response", body).await {
            Ok(_) => self.note(&mut progress, deferred),
            Err(error) => tracing::warn!(
                %error,
                "An answer to an interaction could not be put off, so Discord may show that the bot did not respond"
            ),
        }
    }

    /// Tells Discord that it has arrived, and nothing to the user: somebody deals with it who cannot answer it.
    pub async fn accept(&self, services: &Services) {
        self.defer_by_host(services, true).await;
    }

    /// Puts the answer off for a cog (`ctx:defer`); nothing happens once there is an answer, or this was done already.
    /// Without `ephemeral` nothing is shown meanwhile, which is possible where it comes from a message.
    pub(super) async fn defer(
        &self,
        cog: &CogContext,
        function: &'static str,
        ephemeral: Option<bool>,
    ) -> HostResult<()> {
        self.is_promised.store(true, Ordering::Relaxed);
        let mut progress = self.progress.lock().await;
        if *progress != Progress::Waiting {
            return Ok(());
        }
        let operation = known("create_interaction_response")?;
        let (body, deferred) = self.deferral(ephemeral);
        make(
            cog,
            prepare(cog, function, operation, body, Vec::new(), None)?,
        )
        .await?;
        self.note(&mut progress, deferred);
        Ok(())
    }

    fn note(&self, progress: &mut MutexGuard<'_, Progress>, now: Progress) {
        **progress = now;
        self.acknowledged.notify_one();
    }

    /// The answer of a cog: the first one, the one that was put off, or a follow-up. Returns the message.
    pub(super) async fn respond(
        self: &Arc<Self>,
        cog: &CogContext,
        function: &'static str,
        content: Content,
        ephemeral: bool,
    ) -> HostResult<Option<CallAnswer>> {
        let Content { body, files, .. } = content;
        let answer = || Answer {
            body: body.clone(),
            files: files.clone(),
            ephemeral,
        };
        // What is wrong with it is said in the author's words, where it is no part of something else, and before
        // anything is changed.
        drop(self.call_of(Progress::Answered, answer(), cog, function)?);
        cog.state.writes_committed().await?;
        let mut progress = self.progress.lock().await;
        loop {
            let now = *progress;
            let call = self.call_of(now, answer(), cog, function)?;
            if let Progress::Deferred { ephemeral: shown } = now
                && shown != ephemeral
            {
                self.delete_deferred(cog, function).await?;
                *progress = Progress::Answered;
                continue;
            }
            match send(cog, call).await? {
                Ok(answered) => {
                    self.note(&mut progress, now.after_message());
                    let message = answered.map(|answer| match now {
                        Progress::Waiting => CallAnswer::Read(first_message(answer.json())),
                        _ => answer,
                    });
                    if let Some((_, id)) = message.as_ref().and_then(CallAnswer::place) {
                        cog.services.own_messages.note(&cog.name, id, Tie::Answer);
                    }
                    return Ok(message);
                }
                // An attempt that seemed to fail had come through.
                Err(CallError::Discord(error))
                    if now == Progress::Waiting && error.code == ANSWERED_ALREADY =>
                {
                    self.note(&mut progress, Progress::Answered);
                }
                Err(error) => return Err(call_error(cog, function, &error)),
            }
        }
    }

    /// The call that gives an answer.
    fn call_of(
        &self,
        progress: Progress,
        answer: Answer,
        cog: &CogContext,
        function: &'static str,
    ) -> HostResult<PreparedCall> {
        let Answer {
            mut body,
            files,
            ephemeral,
        } = answer;
        for field in OF_CHANNELS {
            body.remove(field);
        }
        let (operation, arguments) = match progress {
            Progress::Waiting => {
                set_flags(&mut body, ephemeral);
                let mut first = self.first(MESSAGE);
                first.insert("with_response".to_owned(), true.into());
                first.insert("data".to_owned(), body.into());
                ("create_interaction_response", first)
            }
            Progress::Deferred { ephemeral: shown } if shown == ephemeral => {
                without_flags_of_new_messages(&mut body);
                self.webhook(&mut body);
                ("update_original_webhook_message", body)
            }
            Progress::Deferred { .. } | Progress::Updated | Progress::Answered => {
                set_flags(&mut body, ephemeral);
                self.webhook(&mut body);
                body.insert("wait".to_owned(), true.into());
                ("execute_webhook", body)
            }
        };
        prepare(cog, function, known(operation)?, arguments, files, None)
            .map(|call| call.needing(None))
    }

    /// What Discord shows while the bot is thinking goes; it may have gone already.
    async fn delete_deferred(&self, cog: &CogContext, function: &'static str) -> HostResult<()> {
        let mut arguments = Map::new();
        self.webhook(&mut arguments);
        let operation = known("delete_original_webhook_message")?;
        let call = prepare(cog, function, operation, arguments, Vec::new(), None)?;
        match send(cog, call).await? {
            Ok(_) => Ok(()),
            Err(CallError::Discord(error)) if error.status == 404 => Ok(()),
            Err(error) => Err(call_error(cog, function, &error)),
        }
    }

    /// What the host itself has to say to the caller alone.
    pub async fn tell(&self, services: &Services, text: Text<'_>) {
        let language = language(services, &locale_of(services, self.event()));
        let text = text.say(language);
        let mut progress = self.progress.lock().await;
        let mut body = Map::from_iter([("content".to_owned(), Value::from(text))]);
        set_flags(&mut body, true);
        let told = match *progress {
            Progress::Waiting => {
                let mut first = self.first(MESSAGE);
                first.insert("data".to_owned(), body.into());
                call(services, "create_interaction_response", first).await
            }
            Progress::Deferred { .. } | Progress::Updated | Progress::Answered => {
                self.webhook(&mut body);
                call(services, "execute_webhook", body).await
            }
        };
        let after = progress.after_message();
        match told {
            Ok(_) => self.note(&mut progress, after),
            Err(error) => tracing::warn!(%error, "A user could not be answered"),
        }
    }

    /// Sends the choices of an option that is being completed. Discord no longer wants those that come too late.
    pub async fn offer(&self, services: &Services, choices: Value) {
        let mut progress = self.progress.lock().await;
        if *progress != Progress::Waiting {
            return;
        }
        let mut body = self.first(CHOICES);
        body.insert("data".to_owned(), json!({ "choices": choices }));
        if let Err(error) = call(services, "create_interaction_response", body).await {
            tracing::debug!(%error, "The choices for an option could not be sent");
        }
        self.note(&mut progress, Progress::Answered);
    }

    /// The call has ended. Returns whether the caller still waits, and for nothing: then somebody should say so. If
    /// tasks of the cog go on, one of them may still answer in time. Who has used a component sees what became of it,
    /// and need not be told.
    pub async fn end(&self, services: &Services, tasks_go_on: bool) -> bool {
        let progress = *self.progress.lock().await;
        match progress {
            Progress::Waiting if tasks_go_on => {
                self.has_ended.store(true, Ordering::Relaxed);
                false
            }
            Progress::Waiting if self.is_on_message => {
                self.accept(services).await;
                false
            }
            Progress::Waiting => true,
            Progress::Deferred { .. } => !self.is_promised.load(Ordering::Relaxed),
            Progress::Updated | Progress::Answered => false,
        }
    }

    /// The arguments with which an answer is put off, and how far it is answered then. Without `ephemeral` nothing is
    /// shown meanwhile.
    fn deferral(&self, ephemeral: Option<bool>) -> (Map<String, Value>, Progress) {
        let Some(ephemeral) = ephemeral else {
            return (self.first(DEFERRED_UPDATE), Progress::Updated);
        };
        let flags = if ephemeral { EPHEMERAL } else { 0 };
        let mut first = self.first(DEFERRED_MESSAGE);
        first.insert("data".to_owned(), json!({ "flags": flags }));
        (first, Progress::Deferred { ephemeral })
    }

    /// The arguments of a first answer of this type.
    fn first(&self, kind: u8) -> Map<String, Value> {
        Map::from_iter([
            ("interaction_id".to_owned(), self.id.as_str().into()),
            ("interaction_token".to_owned(), self.token.as_str().into()),
            ("type".to_owned(), kind.into()),
        ])
    }

    /// Names the interaction in the arguments of whatever follows its first answer.
    pub(super) fn webhook(&self, arguments: &mut Map<String, Value>) {
        let application = self.application_id.as_str();
        arguments.insert("webhook_id".to_owned(), application.into());
        arguments.insert("webhook_token".to_owned(), self.token.as_str().into());
    }
}

/// What a cog answers.
struct Answer {
    body: Map<String, Value>,
    files: Vec<File>,
    ephemeral: bool,
}

/// A call of the host's own.
async fn call(
    services: &Services,
    id: &'static str,
    arguments: Map<String, Value>,
) -> Result<Option<Json>, CallError> {
    let operation = operation(id).ok_or(CallError::Failed { operation: id })?;
    let call = services
        .outbound
        .call(operation, Value::Object(arguments), DEADLINE);
    call.await
}

/// The message in the response to a first answer.
fn first_message(response: &Json) -> Json {
    let message = response.at(&["resource", "message"]);
    message.map_or(Json::NULL, JsonRef::to_json)
}

fn set_flags(body: &mut Map<String, Value>, ephemeral: bool) {
    let given = body.get("flags").filter(|it| !it.is_null());
    let Some(flags) = given.map_or(Some(0), Value::as_u64) else {
        // Whatever it is, the check refuses it.
        return;
    };
    let flags = (flags & !EPHEMERAL) | if ephemeral { EPHEMERAL } else { 0 };
    if flags == 0 {
        body.remove("flags");
    } else {
        body.insert("flags".to_owned(), flags.into());
    }
}

/// A message that fills a deferred one edits it.
fn without_flags_of_new_messages(body: &mut Map<String, Value>) {
    body.remove("tts");
    if let Some(flags) = body.get("flags").and_then(Value::as_u64) {
        match flags & OF_EDITS {
            0 => body.remove("flags"),
            kept => body.insert("flags".to_owned(), kept.into()),
        };
    }
}
