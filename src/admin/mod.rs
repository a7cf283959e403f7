//! `!reload` and the like: in Rust, so that they work when every cog is broken.
//!
//! ```text
//! router ─ Admin (two desks, each a task) ─┬─ reload (!reload …)
//!                                          ├─ settings, menu (!settings: what a server sets for itself)
//!                                          ├─ forget (!forget: what is stored for a user)
//!                                          └─ cogs (!cogs, !load, !unload, !help) ─▶ one message
//! ```
//!
//! The same commands are slash commands: `slash.rs` tells Discord of them and reads a call as the line that would be
//! typed for it, `completion.rs` completes what is typed. `guard.rs` speaks without being asked: to those who have
//! reloaded a cog that does worse since. `text.rs` has every sentence in English and Indonesian;
//! `status.rs`, `report.rs` and `intents.rs` turn what is known into text.

mod cogs;
mod completion;
mod forget;
pub mod guard;
mod help_pages;
mod history;
mod intents;
mod menu;
mod reload;
mod report;
mod seen;
mod settings;
pub mod slash;
mod status;
mod text;
mod trial;

use crate::activity::Busy;
use crate::api::interaction::Interaction;
use crate::api::locale::{language, locale_in, locale_of};
use crate::api::services::Services;
use crate::cogs::host::Cogs;
use crate::commands::escape::inside_code;
use crate::commands::pages;
use crate::commands::text::{Language, Text};
use crate::discord::event::Event;
use crate::discord::{operation, reply_to};
use crate::host_tasks::{self, Task};
use crate::json::{Json, JsonRef};
use crate::reload::controller::{Ask, Asker, Reload, Request};
use crate::supervisor::Ticket;
use serde_json::json;
use serenity::builder::{
    CreateActionRow, CreateInteractionResponse, CreateInteractionResponseMessage,
};
use std::sync::Arc;
use std::time::Duration;
use text::Say;
use tokio::sync::mpsc;

/// Discord takes at most 2,000 characters; the rest is room for what is added around a cut text.
const LONGEST_ANSWER: usize = 1_950;
/// How long an answer may take to be sent.
const DEADLINE: Duration = Duration::from_secs(30);

/// A call of one of the bot's own commands.
#[derive(Clone, Debug)]
pub struct AdminCall {
    /// The command's name, in lower case.
    pub name: String,
    /// What follows it; of a slash command what would follow it if it were typed.
    pub arguments: String,
    /// Where it was called.
    pub channel_id: String,
    /// The server in which that is.
    pub guild_id: Option<String>,
    /// Who called it.
    pub author_id: String,
    /// How it was called.
    pub form: AdminForm,
}

/// How one of the bot's own commands is called.
#[derive(Clone, Debug)]
pub enum AdminForm {
    /// By a message.
    Typed(Arc<Event>),
    /// By a slash command.
    Slash(Arc<Interaction>),
    /// By typing into an option of a slash command.
    Completion(Arc<Interaction>),
    /// By a component below one of its answers, or a form that such a component has opened.
    Component(Arc<Interaction>),
}

impl AdminForm {
    /// The id of the message or of the interaction.
    pub fn id(&self) -> &str {
        match self {
            Self::Typed(message) => message.data().str("id"),
            Self::Slash(interaction)
            | Self::Completion(interaction)
            | Self::Component(interaction) => interaction.event().str("id"),
        }
        .unwrap_or_default()
    }

    fn interaction(&self) -> Option<&Arc<Interaction>> {
        match self {
            Self::Typed(_) => None,
            Self::Slash(interaction)
            | Self::Completion(interaction)
            | Self::Component(interaction) => Some(interaction),
        }
    }

    /// Whether what is shown is for the caller alone, as all answers to slash commands are.
    fn is_alone(&self) -> bool {
        match self {
            Self::Typed(_) => false,
            Self::Slash(_) | Self::Completion(_) => true,
            Self::Component(interaction) => interaction.is_on_ephemeral(),
        }
    }
}

impl AdminCall {
    /// The use of a component or a form of the bot's own, if an interaction is one.
    pub fn of_component(
        interaction: impl FnOnce() -> Arc<Interaction>,
        event: &Event,
    ) -> Option<Self> {
        let id = event.data().at(&["data", "custom_id"])?.as_str()?;
        let name = if menu::is_own(id) {
            "settings"
        } else if help_pages::is_own(id) {
            "help"
        } else {
            return None;
        };
        let call = Self::of_interaction(name.to_owned(), interaction(), AdminForm::Component);
        Some(call)
    }

    /// The call of a slash command that is the bot's own, of an option of one, or of a component.
    pub fn of_interaction(
        name: String,
        interaction: Arc<Interaction>,
        form: fn(Arc<Interaction>) -> AdminForm,
    ) -> Self {
        let caller = interaction.caller();
        let author = caller.at(&["author", "id"]).and_then(JsonRef::as_str);
        Self {
            name,
            arguments: slash::line(interaction.data()),
            channel_id: caller.str("channel_id").unwrap_or_default().to_owned(),
            guild_id: caller.str("guild_id").map(str::to_owned),
            author_id: author.unwrap_or_default().to_owned(),
            form: form(interaction),
        }
    }

    /// What its caller wants of hot reload.
    fn asks(&self, ask: Ask) -> Request {
        let caller = self.caller();
        let name = caller.at(&["author", "username"]).and_then(JsonRef::as_str);
        let by = match name {
            Some(name) => format!("{name} ({})", self.author_id),
            None => self.author_id.clone(),
        };
        let asker = Asker {
            user_id: self.author_id.clone(),
            channel_id: self.channel_id.clone(),
            guild_id: self.guild_id.clone(),
            interaction: self.form.interaction().map(Arc::clone),
        };
        Request {
            ask,
            by,
            asker: Some(Arc::new(asker)),
        }
    }

    /// The language in which it is answered.
    fn language(&self, services: &Services) -> Language {
        let locale = match self.form.interaction() {
            Some(interaction) => locale_of(services, interaction.event()),
            None => locale_in(services, self.guild_id.as_deref()),
        };
        language(services, &locale)
    }

    /// Who called where, in the words of a message.
    fn caller(&self) -> Json {
        match &self.form {
            AdminForm::Typed(message) => message.data().clone(),
            AdminForm::Slash(interaction)
            | AdminForm::Completion(interaction)
            | AdminForm::Component(interaction) => interaction.caller(),
        }
    }
}

/// Takes calls of the bot's own commands. Admins have a desk to themselves: whatever others ask for, and however
/// often, `!reload` does not wait behind it.
#[derive(Clone, Debug)]
pub struct Admin {
    of_admins: mpsc::UnboundedSender<Taken>,
    of_others: mpsc::Sender<Taken>,
    services: Arc<Services>,
}

/// A call, with which the bot is busy until it is answered.
type Taken = (AdminCall, Ticket, Busy);

/// Calls of others than admins that wait at most; more are not answered.
const MOST_WAITING: usize = 100;

/// What answers them.
#[derive(Clone)]
struct Desk {
    cogs: Arc<Cogs>,
    reload: Reload,
}

/// The answer to one call while it is found.
struct Answering {
    cogs: Arc<Cogs>,
    reload: Reload,
    language: Language,
    /// The prefix of typed commands.
    prefix: String,
    is_slash: bool,
}

impl Admin {
    /// Makes the desks' mailboxes; calls wait in them until [`Unanswered::open`].
    pub fn new(services: Arc<Services>) -> (Self, Unanswered) {
        let (of_admins, admins) = mpsc::unbounded_channel();
        let (of_others, others) = mpsc::channel(MOST_WAITING);
        let admin = Self {
            of_admins,
            of_others,
            services,
        };
        (admin, Unanswered { admins, others })
    }

    /// Takes a call. An admin's is answered once.
    pub fn call(&self, call: AdminCall, ticket: Ticket) {
        let busy = self.services.activity.begin();
        let is_admin = self.services.is_admin(&call.author_id);
        // A desk that is closed answers nobody any more: the bot is going down.
        let _taken = if is_admin {
            self.of_admins.send((call, ticket, busy)).is_ok()
        } else {
            self.of_others.try_send((call, ticket, busy)).is_ok()
        };
    }
}

/// Calls that nobody answers yet.
pub struct Unanswered {
    admins: mpsc::UnboundedReceiver<Taken>,
    others: mpsc::Receiver<Taken>,
}

impl Unanswered {
    /// Answers calls from now on. Admins' begin in the order in which they came, and none waits for the answer to
    /// another: a reload may take its time. Others' are answered one after the other.
    pub fn open(self, cogs: Arc<Cogs>, reload: Reload) {
        let desk = Desk { cogs, reload };
        let of_admins = (desk.clone(), self.admins);
        host_tasks::spawn(Task::AdminDesk, of_admins, |(desk, calls), _| {
            Box::pin(async {
                while let Some(taken) = calls.recv().await {
                    let desk = desk.clone();
                    let answering = async move { desk.serve(Task::AdminDesk, taken).await };
                    let mut answering = Box::pin(answering);
                    // By then it has asked for what it needs.
                    if futures_util::poll!(&mut answering).is_pending() {
                        // Its panics are caught in it, where whoever asked can be told.
                        tokio::spawn(answering);
                    }
                }
            })
        });
        let of_others = (desk, self.others);
        host_tasks::spawn(Task::PublicDesk, of_others, |(desk, calls), _| {
            Box::pin(async {
                while let Some(taken) = calls.recv().await {
                    desk.serve(Task::PublicDesk, taken).await;
                }
            })
        });
    }
}

/// Answers a message in the bot's own words.
pub async fn reply(services: &Services, channel_id: &str, message_id: &str, text: &str) {
    reply_with(services, (channel_id, message_id), text, &[]).await;
}

/// The same with components below it.
async fn reply_with(
    services: &Services,
    (channel_id, message_id): (&str, &str),
    text: &str,
    rows: &[CreateActionRow],
) {
    let Some(operation) = operation("create_message") else {
        return;
    };
    let mut body = json!({
        "channel_id": channel_id,
        "content": cut(text),
        "message_reference": reply_to(message_id),
    });
    if !rows.is_empty()
        && let Ok(rows) = serde_json::to_value(rows)
    {
        body["components"] = rows;
    }
    let sent = services.outbound.call(operation, body, DEADLINE);
    if let Err(error) = sent.await {
        tracing::warn!(%error, "A command of the bot's own could not be answered");
    }
}

/// Answers an interaction in the bot's own words, for its caller alone.
async fn respond(
    services: &Services,
    interaction: &Interaction,
    text: &str,
    rows: Vec<CreateActionRow>,
) {
    let message = CreateInteractionResponseMessage::new()
        .content(cut(text))
        .components(rows)
        .ephemeral(true);
    send(
        services,
        interaction,
        &CreateInteractionResponse::Message(message),
    )
    .await;
}

async fn send(
    services: &Services,
    interaction: &Interaction,
    response: &CreateInteractionResponse,
) {
    let sent = match serde_json::to_value(response) {
        Ok(response) => interaction.respond_by_host(services, &response).await,
        Err(error) => {
            tracing::warn!(%error, "An answer of the bot's own could not be written as JSON");
            return;
        }
    };
    if let Err(error) = sent {
        tracing::warn!(%error, "A command of the bot's own could not be answered");
    }
}

/// Answers a call in the bot's own words.
async fn answer(services: &Services, call: &AdminCall, text: &str, rows: Vec<CreateActionRow>) {
    match &call.form {
        AdminForm::Typed(_) => {
            let place = (call.channel_id.as_str(), call.form.id());
            reply_with(services, place, text, &rows).await;
        }
        AdminForm::Slash(interaction) | AdminForm::Component(interaction) => {
            respond(services, interaction, text, rows).await;
        }
        AdminForm::Completion(_) => {}
    }
}

/// Answers a message of which little has been read.
pub async fn tell(services: &Services, channel_id: &str, message_id: &str, text: Text<'_>) {
    let channel = services.cache.channel(channel_id);
    let guild = channel.as_ref().and_then(|it| it.str("guild_id"));
    let text = text.say(language(services, &locale_in(services, guild)));
    reply(services, channel_id, message_id, &text).await;
}

impl Desk {
    async fn serve(&self, desk: Task, (call, ticket, busy): Taken) {
        ticket.begin();
        let answering = async {
            host_tasks::point(desk);
            let answering = Answering::new(&self.cogs, &self.reload, &call);
            answering.answer(&call).await;
        };
        if host_tasks::caught(desk, answering).await.is_none() {
            let services = &self.cogs.services;
            let text = Text::BotFailed {}.say(call.language(services));
            answer(services, &call, &text, Vec::new()).await;
        }
        drop(ticket);
        drop(busy);
    }
}

impl Answering {
    fn new(cogs: &Arc<Cogs>, reload: &Reload, call: &AdminCall) -> Self {
        let services = &cogs.services;
        let guild = call.guild_id.as_deref();
        Self {
            cogs: Arc::clone(cogs),
            reload: reload.clone(),
            language: call.language(services),
            prefix: services.prefix_in(guild),
            is_slash: call.form.is_alone(),
        }
    }

    /// The same by what is set now.
    fn again(&self, call: &AdminCall) -> Self {
        Self::new(&self.cogs, &self.reload, call)
    }

    /// What stands before the name of one of the bot's own commands, in a form that is safe inside inline code: even
    /// `` ` `` may be a prefix.
    fn shown_prefix(&self) -> String {
        if self.is_slash {
            return "/".to_owned();
        }
        inside_code(&self.prefix)
    }

    /// A command of the bot's own as it stands before the number of a page.
    fn paged(&self, command: &str) -> String {
        let prefix = self.shown_prefix();
        let page = if self.is_slash { " page:" } else { "" };
        format!("{prefix}{}{page}", command.trim_end())
    }

    async fn answer(&self, call: &AdminCall) {
        let services = &self.cogs.services;
        if let AdminForm::Completion(interaction) = &call.form {
            let choices = self.choices(call, interaction);
            return send(services, interaction, &completion::response(choices)).await;
        }
        if let AdminForm::Component(interaction) = &call.form {
            if call.name == "help" {
                let response = self.turned(call, interaction.data());
                return send(services, interaction, &response).await;
            }
            let message = interaction.event().get("message");
            let message = message.unwrap_or(JsonRef::NULL);
            let response = self.clicked(call, interaction.data(), message).await;
            return send(services, interaction, &response).await;
        }
        if call.name == "settings" {
            let (text, rows) = self.settings(call).await;
            return answer(services, call, &text, rows).await;
        }
        let mut rows = Vec::new();
        let text = if call.name == "help" {
            let help = self.help(call);
            rows = self.turning(call, &help);
            help.text
        } else if !services.is_admin(&call.author_id) {
            Say::Refused {}.say(self.language)
        } else {
            match call.name.as_str() {
                "reload" => self.reload(call).await,
                "cogs" => self.list_cogs(&call.arguments),
                "load" => self.load(call, &call.arguments).await,
                "forget" => self.forget(&call.arguments).await,
                _ => self.unload(&call.arguments).await,
            }
        };
        // Commands that show something have pages; after commands that do something, `!reload status` shows the rest.
        let status = format!("{}reload status", self.shown_prefix());
        let text = pages::first(&text, &status, self.language);
        answer(services, call, &text, rows).await;
    }
}

/// Cuts a text to what Discord takes, and closes a code block that was cut open.
fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_ANSWER {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST_ANSWER).collect();
    short.push('…');
    if short.matches("```").count() % 2 == 1 {
        short.push_str("\n```");
    }
    short
}

/// Text of users and authors inside a code block: it cannot end the block.
fn code_block(text: &str) -> String {
    format!("```\n{}\n```", text.replace("```", "`\u{200b}``"))
}
