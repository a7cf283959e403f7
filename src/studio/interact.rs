//! Slash commands, context menus, buttons, menus and modals, as the reader uses them.

use super::StudioState;
use super::actions::{Body, Named, Snowflake, answer, on_discord, place};
use crate::sim::{InteractionRequest, Sim, SimError};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long the reader waits for an answer: Discord's three seconds, and a little.
const PATIENCE: Duration = Duration::from_millis(3_200);

#[derive(Deserialize)]
pub(super) struct Interact {
    user: Named,
    channel: Named,
    /// The bot whose command is meant, by id or name, where several have one of that name.
    bot: Option<Named>,
    request: Request,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Request {
    /// A slash command.
    Command {
        /// `["tag", "add"]`
        path: Vec<String>,
        /// The options by name.
        options: Map<String, Value>,
    },
    /// Somebody types into an option with autocompletion.
    Autocomplete {
        path: Vec<String>,
        /// What is entered so far, the option that is typed included.
        options: Map<String, Value>,
        /// The option that is typed.
        focused: String,
    },
    /// A command in the menu of a user.
    User { name: String, target: Snowflake },
    /// A command in the menu of a message.
    Message { name: String, target: Snowflake },
    /// A button or a menu.
    Component {
        message: Snowflake,
        custom_id: String,
        values: Vec<String>,
    },
    /// The modal that stands open.
    Modal {
        custom_id: String,
        /// What is entered, by the `custom_id` of each input: a text, a list of texts, or a boolean.
        fields: Vec<(String, Value)>,
    },
}

impl From<Request> for InteractionRequest {
    fn from(request: Request) -> Self {
        match request {
            Request::Command { path, options } => Self::Slash {
                name: path.join(" "),
                options: options.into(),
            },
            Request::Autocomplete {
                path,
                options,
                focused,
            } => Self::Autocomplete {
                name: path.join(" "),
                options: options.into(),
                focused,
            },
            Request::User { name, target } => Self::User {
                name,
                target: target.0,
            },
            Request::Message { name, target } => Self::Message {
                name,
                target: target.0,
            },
            Request::Component {
                message,
                custom_id,
                values,
            } => Self::Component {
                message: message.0,
                custom_id,
                values,
            },
            Request::Modal { custom_id, fields } => Self::Modal { custom_id, fields },
        }
    }
}

/// Sends an interaction and waits until the bot has acknowledged it. The answer holds the modal, if
/// the bot opened one, the choices that it offers, and the message with which it has answered so far.
pub(super) async fn interact(
    State(shared): State<StudioState>,
    Body(body): Body<Interact>,
) -> Response {
    match &shared.options.chat {
        Some(chat) => answer(send(chat, body).await),
        None => on_discord(),
    }
}

async fn send(chat: &Sim, body: Interact) -> Result<Value, SimError> {
    let (user, channel) = place(chat, &body.user, &body.channel)?;
    let bot = body.bot.map(|bot| chat.find_user(&bot.0)).transpose()?;
    let interaction = chat.interact_with(user, channel, &body.request.into(), bot)?;
    // Whoever waits in vain is told by the state below.
    let _acknowledged = interaction.acknowledged(PATIENCE).await.is_ok();
    let state = interaction.state();
    Ok(json!({
        "answered": state.response_type.is_some(),
        "modal": state.modal,
        "choices": state.choices,
        "message": state.message,
    }))
}
