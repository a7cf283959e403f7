//! `!reload` and its kin: in Rust, so that they work when every cog is broken.
//!
//! ```text
//! router ─ Admin (a task of its own) ─ reload.rs (!reload …) / cogs.rs (!cogs, !load, !unload, !help) ─▶ one message
//! ```
//!
//! `text` has every sentence in English and Indonesian; `status` and `report` turn what is known into text.

mod cogs;
mod reload;
mod report;
mod status;
mod text;

use crate::api::services::Services;
use crate::cogs::host::Cogs;
use crate::commands::text::Language;
use crate::discord::operation;
use crate::reload::controller::Reload;
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

/// Takes calls of the bot's own commands.
#[derive(Clone, Debug)]
pub struct Admin {
    calls: mpsc::UnboundedSender<(AdminCall, crate::activity::Busy)>,
    services: Arc<Services>,
}

/// What answers them.
struct Desk {
    cogs: Arc<Cogs>,
    reload: Reload,
}

impl Admin {
    /// Makes the desk's mailbox; calls wait in it until [`Waiting::open`].
    pub fn new(services: Arc<Services>) -> (Self, Waiting) {
        let (calls, waiting) = mpsc::unbounded_channel();
        (Self { calls, services }, Waiting(waiting))
    }

    /// Takes a call. It is answered once.
    pub fn call(&self, call: AdminCall) {
        let busy = self.services.activity.begin();
        // A desk that is closed answers nobody any more: the bot is going down.
        let _taken = self.calls.send((call, busy)).is_ok();
    }
}

/// Calls that nobody answers yet.
pub struct Waiting(mpsc::UnboundedReceiver<(AdminCall, crate::activity::Busy)>);

impl Waiting {
    /// Answers calls from now on, one after the other.
    pub fn open(mut self, cogs: Arc<Cogs>, reload: Reload) {
        tokio::spawn(async move {
            let desk = Desk { cogs, reload };
            while let Some((call, busy)) = self.0.recv().await {
                desk.answer(&call).await;
                drop(busy);
            }
        });
    }
}

impl Desk {
    fn language(&self) -> Language {
        let config = self.cogs.services.config.load();
        Language::of_locale(config.bot.locale.code())
    }

    fn prefix(&self) -> String {
        self.cogs.services.config.load().bot.prefix.clone()
    }

    async fn answer(&self, call: &AdminCall) {
        let language = self.language();
        let text = if call.name == "help" {
            self.help(&call.arguments)
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
        self.send(call, &text).await;
    }

    async fn send(&self, call: &AdminCall, text: &str) {
        let Some(operation) = operation("create_message") else {
            return;
        };
        let body = json!({
            "channel_id": call.channel_id,
            "content": cut(text),
            "message_reference": { "message_id": call.message_id, "fail_if_not_exists": false },
        });
        let sent = self.cogs.services.outbound.call(operation, body, DEADLINE);
        if let Err(error) = sent.await {
            tracing::warn!(%error, "An admin could not be answered");
        }
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
