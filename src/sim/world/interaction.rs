//! Application commands, interactions, webhooks and invites.

use crate::sim::ids::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// A registered application command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Command {
    /// Whose command it is.
    pub(crate) application: Id,
    /// None: in every guild.
    pub(crate) guild: Option<Id>,
    /// The command as Discord shows it.
    pub(crate) shown: Value,
}

impl Command {
    /// The command's name.
    pub(crate) fn name(&self) -> &str {
        self.shown["name"].as_str().unwrap_or_default()
    }

    /// 1 is a slash command, 2 one on users, 3 one on messages.
    pub(crate) fn kind(&self) -> u64 {
        self.shown["type"].as_u64().unwrap_or(1)
    }
}

/// What somebody did with a command, a component or a modal, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) id: Id,
    /// The application that answers it.
    pub(crate) application: Id,
    pub(crate) token: String,
    /// Discord's interaction type (2 command, 3 component, 4 autocomplete, 5 modal).
    pub(crate) kind: u64,
    pub(crate) user: Id,
    pub(crate) channel: Id,
    /// The message that a component sits on.
    pub(crate) message: Option<Id>,
    /// The command that was called.
    pub(crate) command: Option<CalledCommand>,
    /// For autocompletion: the type of the option that is typed.
    pub(crate) focused: Option<u64>,
    /// `interaction_metadata` of the messages that answer it.
    pub(crate) metadata: Value,
    pub(crate) created: Duration,
    pub(crate) stage: Stage,
    /// The type of the first answer (4 message, 5 deferred, …).
    pub(crate) answer: Option<u64>,
    /// The answer's `data`: choices, or the modal.
    pub(crate) answer_data: Value,
    /// The message that `@original` names.
    pub(crate) original: Option<Id>,
    pub(crate) follow_ups: Vec<Id>,
}

/// A command that was called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CalledCommand {
    /// With its subcommands: `tag add`.
    pub(crate) name: String,
    /// 1 is a slash command, 2 one on users, 3 one on messages.
    pub(crate) kind: u64,
}

/// How far an interaction is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Not at all.
    Waiting,
    /// "Thinking …": the original message has yet to be filled.
    Deferred,
    /// Answered.
    Answered,
}

/// A modal that stands open in front of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OpenModal {
    /// The application that has opened it.
    pub(crate) application: Id,
    pub(crate) custom_id: String,
    pub(crate) components: Value,
    pub(crate) channel: Id,
    pub(crate) message: Option<Id>,
    /// `interaction_metadata` of the interaction that the bot answered with it.
    pub(crate) opened_by: Value,
}

/// A webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) id: Id,
    pub(crate) token: String,
    pub(crate) name: String,
    pub(crate) channel: Id,
    pub(crate) guild: Id,
    pub(crate) creator: Id,
    pub(crate) avatar: Option<String>,
    /// The announcement channel that it follows: what is published there comes with it.
    pub(crate) follows: Option<Id>,
}

impl Webhook {
    /// The author of its messages, whose name and picture each message may choose.
    pub(crate) fn show_author(&self, name: Option<&str>, avatar: Option<&str>) -> Value {
        json!({
            "id": self.id.to_string(), "bot": true, "discriminator": "0000", "global_name": null,
            "username": name.unwrap_or(&self.name), "avatar": avatar.or(self.avatar.as_deref()),
            "public_flags": 0, "flags": 0, "primary_guild": null,
        })
    }
}

/// An invite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invite {
    pub(crate) code: String,
    pub(crate) channel: Id,
    pub(crate) guild: Id,
    pub(crate) inviter: Id,
    pub(crate) max_age: u64,
    /// None: never.
    pub(crate) expires: Option<Duration>,
    pub(crate) max_uses: u64,
    pub(crate) temporary: bool,
    pub(crate) uses: u64,
    pub(crate) created_at: String,
}
