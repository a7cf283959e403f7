//! A conversation as JSON: what people did, step by step, and what was answered.

use crate::files;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// A conversation with a bot, recorded in the simulator: what people did, step by step, and what the bots answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// Where an editor finds the schema of this file.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of this format: 1.
    pub conversation: u32,
    /// What it is called.
    pub name: String,
    /// When it began, in Unix seconds.
    pub recorded_at: f64,
    /// The cogs that took part; none for the bots of other programs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cogs: Vec<String>,
    /// The people who take part, as they are at the beginning.
    pub people: Vec<Person>,
    /// The roles that these people have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// The server's channels.
    pub channels: Vec<Channel>,
    /// What the ids in the texts name: `@anna`, `#general`, `@&moderators`, `m1` (a message), `server`.
    #[serde(default)]
    pub ids: BTreeMap<String, String>,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

/// Somebody who takes part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name of the user.
    pub name: String,
    /// The name in the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// The names of the roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whether this is the owner of the server and of the bot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub owner: bool,
    /// Whether this is another bot.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bot: bool,
    /// Whether the person is not in the server at the beginning.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outside: bool,
    /// The language of the person's Discord; `en-US` if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it allows, by the names in Discord's documents in `snake_case`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
}

/// A channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Discord's type: 0 for text, 2 for voice.
    #[serde(default, rename = "type")]
    pub kind: u64,
    /// Whether it is for adults.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nsfw: bool,
    /// The names of the roles and people who see it, where it is hidden from the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_by: Option<Vec<String>>,
}

/// Something that a person did, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds since the beginning.
    pub at: f64,
    /// The name of the person.
    pub by: String,
    /// The name of the channel; `dm` for the direct messages with the bot.
    pub channel: String,
    /// What the person did.
    pub does: Deed,
    /// In Discord's words why that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What the bots did then, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// A file that a person sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// `notes.txt`
    pub filename: String,
    /// Its text, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Otherwise its bytes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Whether it was too large to be kept: then neither is there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left_out: bool,
}

/// What a person did. Messages are named `m1`, `m2`, … in the order in which they were written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// Wrote a message.
    Says {
        /// The message's own name.
        message: String,
        /// Its text.
        content: String,
        /// The message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<String>,
        /// The files in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<File>,
    },
    /// Changed the text of a message.
    Edits {
        /// Which.
        message: String,
        /// The new text.
        content: String,
    },
    /// Deleted a message.
    Deletes {
        /// Which.
        message: String,
    },
    /// Reacted to a message.
    Reacts {
        /// To which.
        message: String,
        /// `👍`, or `name:id`.
        emoji: String,
    },
    /// Took a reaction back.
    Unreacts {
        /// From which.
        message: String,
        /// `👍`, or `name:id`.
        emoji: String,
    },
    /// Pinned a message.
    Pins {
        /// Which.
        message: String,
    },
    /// Unpinned a message.
    Unpins {
        /// Which.
        message: String,
    },
    /// Voted in a poll.
    Votes {
        /// Of which message.
        message: String,
        /// The numbers of all answers that are the person's from then on.
        answers: Vec<u64>,
    },
    /// Used a slash command.
    Runs {
        /// `tag add`
        command: String,
        /// The options by name. Ids for people, channels and roles; `{"file": …}` for a file.
        #[serde(default)]
        options: Map<String, Value>,
    },
    /// Typed into an option with autocompletion.
    Completes {
        /// `tag add`
        command: String,
        /// What was entered.
        options: Map<String, Value>,
        /// The option that was typed.
        option: String,
    },
    /// Used a command of a context menu.
    Uses {
        /// Its name.
        command: String,
        /// On this person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<String>,
        /// On this message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Clicked a button.
    Clicks {
        /// Of which message.
        message: String,
        /// The button's `custom_id`.
        custom_id: String,
        /// What is written on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// Chose in a menu.
    Chooses {
        /// Of which message.
        message: String,
        /// The menu's `custom_id`.
        custom_id: String,
        /// What was chosen; ids in menus of people, roles and channels.
        values: Vec<String>,
    },
    /// Sent the form that stood open.
    Submits {
        /// The `custom_id` of the form.
        custom_id: String,
        /// What was entered, by the `custom_id` of each input.
        fields: Map<String, Value>,
    },
    /// Came into the server.
    Joins {},
    /// Left the server.
    Leaves {},
    /// Connected to the voice channel of the step.
    JoinsVoice {},
    /// Disconnected from voice.
    LeavesVoice {},
    /// Showed a status.
    Shows {
        /// `online`, `idle`, `dnd`, `offline`
        status: String,
        /// Activities in Discord's shape.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        activities: Vec<Value>,
    },
    /// Called a route of Discord's API: what Discord's own client does for everything else.
    Requests {
        /// `PUT`
        method: String,
        /// `/guilds/{id}/bans/{id}`
        path: String,
        /// The body; null without one.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        body: Value,
    },
}

/// Something that a bot did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Seconds since its step.
    pub after: f64,
    /// What the bot did.
    pub does: BotDeed,
    /// Whether the numbers in it are others each time, and so are not compared.
    #[serde(default, skip_serializing_if = "is_false")]
    pub numbers_vary: bool,
}

/// What a bot did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BotDeed {
    /// Wrote a message.
    Writes {
        /// The message's own name.
        message: String,
        /// The channel; `dm` for direct messages with the person of the step, and `dm ben` for those with another.
        channel: String,
        /// What its readers see: `content`, `embeds`, `components`, `ephemeral` and others of Discord's fields.
        seen: Value,
    },
    /// Changed a message.
    Edits {
        /// Which.
        message: String,
        /// What its readers see then.
        seen: Value,
    },
    /// Deleted a message.
    Deletes {
        /// Which.
        message: String,
    },
    /// Reacted to a message.
    Reacts {
        /// To which.
        message: String,
        /// `👍`, or `name:id`.
        emoji: String,
    },
    /// Took a reaction away.
    Unreacts {
        /// From which.
        message: String,
        /// `👍`, or `name:id`.
        emoji: String,
    },
    /// Made a channel or a thread.
    Makes {
        /// Its name.
        channel: String,
        /// Discord's type.
        #[serde(rename = "type")]
        kind: u64,
    },
    /// Opened a form.
    Opens {
        /// Its title and its inputs.
        modal: Value,
    },
    /// Offered choices for an option.
    Offers {
        /// `{name, value}`
        choices: Vec<Value>,
    },
    /// Took somebody out of the server.
    Removes {
        /// Whom.
        person: String,
    },
    /// Banned somebody.
    Bans {
        /// Whom.
        person: String,
    },
    /// Took a ban back.
    Unbans {
        /// Whose.
        person: String,
    },
    /// Changed a member.
    Updates {
        /// Whom.
        person: String,
        /// The name in the server from then on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nick: Option<String>,
        /// The roles from then on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
        /// Whether the member is timed out.
        #[serde(default, skip_serializing_if = "is_false")]
        timed_out: bool,
    },
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives a reference to what it asks about"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// The largest file of a conversation, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// The most steps of a conversation.
pub(super) const MOST_STEPS: usize = 500;

impl Conversation {
    /// Reads a conversation. The error is a sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if read.conversation != VERSION {
            let version = read.conversation;
            return Err(format!(
                "it has version {version} of the format, and this program knows version {VERSION}"
            ));
        }
        if read.steps.len() > MOST_STEPS {
            return Err(format!("it has more than {MOST_STEPS} steps"));
        }
        Ok(read)
    }

    /// Reads one from a file.
    ///
    /// # Errors
    ///
    /// Why it is none, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, String> {
        let bytes = files::read(path, MOST_BYTES).map_err(|error| error.to_string())?;
        let text = files::decode(bytes).map_err(|error| error.to_string())?;
        Self::read(&text)
    }

    /// The conversation as JSON.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Step {
    /// What the person did, in words for a list.
    pub fn told(&self) -> String {
        let by = &self.by;
        match &self.does {
            Deed::Says { content, files, .. } if content.is_empty() => {
                let names: Vec<_> = files.iter().map(|file| file.filename.as_str()).collect();
                format!("{by} sends {}", names.join(", "))
            }
            Deed::Says { content, .. } => format!("{by}: {content}"),
            Deed::Edits { content, .. } => format!("{by} edits a message: {content}"),
            Deed::Deletes { .. } => format!("{by} deletes a message"),
            Deed::Reacts { emoji, .. } => format!("{by} reacts with {emoji}"),
            Deed::Unreacts { emoji, .. } => format!("{by} takes {emoji} back"),
            Deed::Pins { .. } => format!("{by} pins a message"),
            Deed::Unpins { .. } => format!("{by} unpins a message"),
            Deed::Votes { .. } => format!("{by} votes"),
            Deed::Runs { command, options } => format!("{by}: /{command}{}", told_options(options)),
            Deed::Completes {
                command, options, ..
            } => {
                format!("{by} types /{command}{}", told_options(options))
            }
            Deed::Uses { command, .. } => format!("{by} uses {command}"),
            Deed::Clicks {
                label, custom_id, ..
            } => format!("{by} clicks {}", label.as_ref().unwrap_or(custom_id)),
            Deed::Chooses { values, .. } => format!("{by} chooses {}", values.join(", ")),
            Deed::Submits { .. } => format!("{by} sends the form"),
            Deed::Joins {} => format!("{by} joins"),
            Deed::Leaves {} => format!("{by} leaves"),
            Deed::JoinsVoice {} => format!("{by} joins {}", self.channel),
            Deed::LeavesVoice {} => format!("{by} leaves voice"),
            Deed::Shows { status, .. } => format!("{by} is {status}"),
            Deed::Requests { method, path, .. } => format!("{by}: {method} {path}"),
        }
    }
}

fn told_options(options: &Map<String, Value>) -> String {
    let told = options.iter().map(|(name, value)| match value {
        Value::String(text) => format!(" {name}:{text}"),
        other => format!(" {name}:{other}"),
    });
    told.collect()
}
