//! `!reload` and the like: in Rust, so that they work when every cog is broken.
//!
//! ```text
//! router ─ Admin (two desks, each a task) ─┬─ reload (!reload …)
//!                                          └─ cogs (!cogs, !load, !unload, !help) ─▶ one message
//! ```
//!
//! `text.rs` has every sentence in English and Indonesian; `status.rs`, `report.rs` and `intents.rs` turn what is known
//! into text.

mod cogs;
mod intents;
mod reload;
mod report;
mod status;
mod text;

use crate::activity::Busy;
use crate::api::services::Services;
use crate::cogs::host::Cogs;
use crate::commands::escape::inside_code;
use crate::commands::pages;
use crate::commands::text::{Language, Text};
use crate::discord::{operation, reply_to};
use crate::host_tasks::{self, Task};
use crate::reload::controller::Reload;
use crate::supervisor::Ticket;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use text::Say;
use tokio::sync::mpsc;

/// Discord takes at most 2,000 characters; the rest is room for what is added around a cut text.
const LONGEST_ANSWER: usize = 1_950;
/// How long an answer may take to be sent.
const DEADLINE: Duration = Duration::from_secs(30);

/// A typed line that calls one of the bot's own commands.
#[derive(Clone, Debug)]
pub struct AdminCall {
    /// The command's name, in lower case.
    pub name: String,
    /// What follows it.
    pub arguments: String,
    /// Where it was typed.
    pub channel_id: String,
    /// The message.
    pub message_id: String,
    /// Who typed it.
    pub author_id: String,
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
pub async fn answer(services: &Services, channel_id: &str, message_id: &str, text: &str) {
    let Some(operation) = operation("create_message") else {
        return;
    };
    let body = json!({
        "channel_id": channel_id,
        "content": cut(text),
        "message_reference": reply_to(message_id),
    });
    let sent = services.outbound.call(operation, body, DEADLINE);
    if let Err(error) = sent.await {
        tracing::warn!(%error, "A command of the bot's own could not be answered");
    }
}

/// Tells whoever waits for an answer that the bot itself has failed.
pub async fn apologise(services: &Services, channel_id: &str, message_id: &str) {
    let language = Language::of_locale(services.config.load().bot.locale.code());
    let text = Text::BotFailed {}.say(language);
    answer(services, channel_id, message_id, &text).await;
}

impl Desk {
    async fn serve(&self, desk: Task, (call, ticket, busy): Taken) {
        ticket.begin();
        let answering = async {
            host_tasks::point(desk);
            self.answer(&call).await;
        };
        if host_tasks::caught(desk, answering).await.is_none() {
            apologise(&self.cogs.services, &call.channel_id, &call.message_id).await;
        }
        drop(ticket);
        drop(busy);
    }

    fn language(&self) -> Language {
        let config = self.cogs.services.config.load();
        Language::of_locale(config.bot.locale.code())
    }

    fn prefix(&self) -> String {
        self.cogs.services.config.load().bot.prefix.clone()
    }

    /// The prefix in a form that is safe inside inline code: even `` ` `` may be a prefix.
    fn shown_prefix(&self) -> String {
        inside_code(&self.prefix())
    }

    async fn answer(&self, call: &AdminCall) {
        let language = self.language();
        let text = if call.name == "help" {
            self.help(call)
        } else if !self.cogs.services.is_admin(&call.author_id) {
            Say::Refused {}.say(language)
        } else {
            match call.name.as_str() {
                "reload" => self.reload(&call.arguments).await,
                "cogs" => self.list_cogs(&call.arguments),
                "load" => self.load(&call.arguments).await,
                _ => self.unload(&call.arguments).await,
            }
        };
        // Commands that show something have pages; after commands that do something, `!reload status` shows the rest.
        let status = format!("{}reload status", self.shown_prefix());
        let text = pages::first(&text, &status, language);
        let services = &self.cogs.services;
        answer(services, &call.channel_id, &call.message_id, &text).await;
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
