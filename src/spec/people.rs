//! Acting as somebody: only what that person could do, and what the bot answers.

use super::world::{SpecResult, TestWorld};
use crate::lock::lock;
use crate::sim::{Id, Interaction, InteractionRequest, SimError};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Flag of messages that one person alone sees.
const EPHEMERAL: u64 = 1 << 6;
/// Discord's type of buttons.
const BUTTON: u64 = 2;

/// An answer of a poll, as a spec names it.
pub(super) enum Answer {
    /// By its number, counted from 1.
    Numbered(String),
    /// By its text.
    Named(String),
}

impl TestWorld {
    /// Says something in a channel. Returns what the bot answered there, or to the speaker alone.
    pub(super) async fn say(&self, user: Id, channel: Id, body: Value) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| {
            sim.send_as(user, channel, body).map(drop)
        })
        .await
    }

    /// Edits a message of one's own.
    pub(super) async fn edit(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        body: Value,
    ) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| {
            sim.edit_as(user, channel, message, body).map(drop)
        })
        .await
    }

    /// Deletes a message.
    pub(super) async fn delete_as(
        &self,
        user: Id,
        channel: Id,
        message: Id,
    ) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| sim.delete_as(user, channel, message))
            .await
    }

    /// Reacts to a message, or takes the reaction back.
    pub(super) async fn react(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        emoji: &str,
        is_added: bool,
    ) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| {
            if is_added {
                sim.react_as(user, channel, message, emoji)
            } else {
                sim.unreact_as(user, channel, message, emoji)
            }
        })
        .await
    }

    /// Votes in a message's poll: for these answers and for no other.
    pub(super) async fn vote(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        answers: Vec<Answer>,
    ) -> SpecResult<Vec<Value>> {
        let found = self
            .sim
            .message(channel, message)
            .ok_or("the message is gone")?;
        let known = found["poll"]["answers"].as_array();
        let known = known.ok_or("the message has no poll")?;
        let number = |answer: &Answer| {
            let mut known = known.iter();
            let found = known.find(|it| match answer {
                Answer::Numbered(number) => {
                    let answer = it["answer_id"].as_u64();
                    number
                        .parse()
                        .is_ok_and(|number: u64| answer == Some(number))
                }
                Answer::Named(text) => it["poll_media"]["text"] == text.as_str(),
            });
            let (Answer::Numbered(shown) | Answer::Named(shown)) = answer;
            found
                .and_then(|it| it["answer_id"].as_u64())
                .ok_or_else(|| format!("the poll has no answer \"{shown}\""))
        };
        let answers: Vec<u64> = answers.iter().map(number).collect::<SpecResult<_>>()?;
        self.act(user, channel, |sim| {
            sim.vote_as(user, channel, message, &answers)
        })
        .await
    }

    /// Calls a route of Discord's API.
    pub(super) async fn request(
        &self,
        user: Id,
        channel: Id,
        (method, path): (&str, &str),
        body: Value,
    ) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| {
            sim.call_as(user, method, path, body).map(drop)
        })
        .await
    }

    /// Connects to a voice channel.
    pub(super) async fn enter_voice(
        &self,
        user: Id,
        channel: Id,
        voice: Id,
    ) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| sim.join_voice(user, voice))
            .await
    }

    /// Disconnects from voice.
    pub(super) async fn leave_voice(&self, user: Id, channel: Id) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| {
            sim.leave_voice(user, self.guild);
            Ok(())
        })
        .await
    }

    /// Shows a status and activities.
    pub(super) async fn show(
        &self,
        user: Id,
        channel: Id,
        status: &str,
        activities: &[Value],
    ) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| {
            sim.set_presence(user, status, activities)
        })
        .await
    }

    /// Comes into the guild, again or for the first time.
    pub(super) async fn come(&self, user: Id, channel: Id) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| sim.join(self.guild, user))
            .await
    }

    /// Leaves the guild.
    pub(super) async fn go(&self, user: Id, channel: Id) -> SpecResult<Vec<Value>> {
        self.act(user, channel, |sim| sim.leave(self.guild, user))
            .await
    }

    /// What the bot offers while an option of a slash command is typed: `{ name, value }`.
    pub(super) async fn complete(
        &self,
        user: Id,
        channel: Id,
        name: &str,
        options: Value,
        focused: String,
    ) -> SpecResult<Value> {
        let request = InteractionRequest::Autocomplete {
            name: name.trim_start_matches('/').to_owned(),
            options,
            focused,
        };
        let typed = self.sim.interact(user, channel, request);
        let typed = typed.map_err(|error| error.to_string())?;
        self.settle().await?;
        let answered = typed.state();
        if answered.response_type.is_none() {
            return Err("the bot has not answered yet: what it offers must come within 3 s".into());
        }
        Ok(answered.choices.into())
    }

    /// Uses a slash command: `name` with its subcommands, and the options by name.
    pub(super) async fn run(
        &self,
        user: Id,
        channel: Id,
        name: &str,
        options: Value,
    ) -> SpecResult<Vec<Value>> {
        let name = name.trim_start_matches('/').to_owned();
        let request = InteractionRequest::Slash { name, options };
        self.interact(user, channel, request).await
    }

    /// Uses a command of the context menu of a user, or of a message.
    pub(super) async fn use_menu(
        &self,
        user: Id,
        channel: Id,
        name: String,
        (target, is_message): (Id, bool),
    ) -> SpecResult<Vec<Value>> {
        let request = if is_message {
            InteractionRequest::Message { name, target }
        } else {
            InteractionRequest::User { name, target }
        };
        self.interact(user, channel, request).await
    }

    /// Clicks a button: the one with this label or custom id, or the only one.
    pub(super) async fn click(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        which: Option<&str>,
    ) -> SpecResult<Vec<Value>> {
        let custom_id = self.component(channel, message, which, |kind| kind == BUTTON)?;
        let request = InteractionRequest::Component {
            message,
            custom_id,
            values: Vec::new(),
        };
        self.interact(user, channel, request).await
    }

    /// Chooses in a menu: the one with this custom id, or the only one.
    pub(super) async fn choose(
        &self,
        user: Id,
        channel: Id,
        message: Id,
        values: Vec<String>,
        which: Option<&str>,
    ) -> SpecResult<Vec<Value>> {
        let is_menu = |kind| kind == 3 || (5..=8).contains(&kind);
        let request = InteractionRequest::Component {
            message,
            custom_id: self.component(channel, message, which, is_menu)?,
            values,
        };
        self.interact(user, channel, request).await
    }

    /// Sends the modal that stands open, with what is entered by the custom ids of its inputs.
    pub(super) async fn submit(
        &self,
        user: Id,
        channel: Id,
        fields: Vec<(String, Value)>,
    ) -> SpecResult<Vec<Value>> {
        let open = lock(&self.modals).remove(&user);
        let custom_id = open.as_ref().and_then(|modal| modal["custom_id"].as_str());
        let custom_id = custom_id.ok_or("no modal is open: the bot has not answered with one")?;
        let custom_id = custom_id.to_owned();
        let request = InteractionRequest::Modal { custom_id, fields };
        self.interact(user, channel, request).await
    }

    async fn interact(
        &self,
        user: Id,
        channel: Id,
        request: InteractionRequest,
    ) -> SpecResult<Vec<Value>> {
        let mut begun: Option<Interaction> = None;
        let answers = self
            .act(user, channel, |sim| {
                begun = Some(sim.interact(user, channel, request)?);
                Ok(())
            })
            .await?;
        let Some(interaction) = begun else {
            return Ok(answers);
        };
        let answered = interaction.state();
        if answered.response_type.is_none() {
            // It waits for the clock, and puts its answer off when that moves.
            return Ok(answers);
        }
        if let Some(modal) = answered.modal {
            lock(&self.modals).insert(user, modal);
        }
        // An update of the message that the component sits on is the answer, too.
        match answered.message {
            Some(message) if answers.is_empty() => Ok(vec![message]),
            _ => Ok(answers),
        }
    }

    /// Does something, waits until the bot has settled, and collects what it answered.
    async fn act(
        &self,
        user: Id,
        channel: Id,
        action: impl FnOnce(&crate::sim::Sim) -> std::result::Result<(), SimError>,
    ) -> SpecResult<Vec<Value>> {
        let mut before = BTreeSet::new();
        for place in self.places(user, channel) {
            before.extend(self.sim.messages(place).iter().filter_map(id_of));
        }
        action(&self.sim).map_err(|error| error.to_string())?;
        self.settle().await?;
        let bot = self.sim.bot_user().to_string();
        let mut answers = Vec::new();
        for place in self.places(user, channel) {
            answers.extend(self.sim.messages(place).into_iter().filter(|message| {
                message["author"]["id"] == bot.as_str()
                    && id_of(message).is_some_and(|id| !before.contains(&id))
                    && is_visible(message, user)
            }));
        }
        answers.sort_by_key(|message| id_of(message).unwrap_or(0));
        Ok(answers)
    }

    /// Where the bot may answer: in the channel, and in its direct channel with the user.
    fn places(&self, user: Id, channel: Id) -> Vec<Id> {
        let mut places = vec![channel];
        places.extend(
            self.direct_channel(user)
                .filter(|direct| *direct != channel),
        );
        places
    }

    /// The direct channel with a user, if there is one already.
    pub(super) fn direct_channel(&self, user: Id) -> Option<Id> {
        let world = self.sim.world();
        let user = user.to_string();
        let direct = world["direct_channels"]
            .as_array()?
            .iter()
            .find(|channel| {
                let recipients = channel["recipients"].as_array();
                recipients
                    .into_iter()
                    .flatten()
                    .any(|one| one["id"] == user.as_str())
            })?;
        id_of(direct)
    }

    /// The custom id of a component: by label or custom id, or the only one of its kind.
    fn component(
        &self,
        channel: Id,
        message: Id,
        which: Option<&str>,
        kind: impl Fn(u64) -> bool,
    ) -> SpecResult<String> {
        let message = self
            .sim
            .message(channel, message)
            .ok_or("the message is gone")?;
        let mut all = Vec::new();
        collect(&message["components"], &mut all);
        // Among them are others, such as emoji, which have no type.
        all.retain(|one| {
            let number = one.get("type").and_then(Value::as_u64);
            number.is_some_and(&kind)
        });
        let text = |one: &Map<String, Value>, field: &str| {
            one.get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let named: Vec<_> = match which {
            Some(name) => all
                .iter()
                .filter(|one| text(one, "label") == name || text(one, "custom_id") == name)
                .collect(),
            None => all.iter().collect(),
        };
        if let [only] = named.as_slice() {
            return Ok(text(only, "custom_id"));
        }
        let shown: Vec<_> = all
            .iter()
            .map(|one| format!("\"{}\" ({})", text(one, "label"), text(one, "custom_id")))
            .collect();
        let wanted = which.map_or_else(|| "exactly one".to_owned(), |name| format!("\"{name}\""));
        let shown = if shown.is_empty() {
            "none".to_owned()
        } else {
            shown.join(", ")
        };
        Err(format!(
            "the message does not have the component that was asked for ({wanted}); it has {shown}"
        ))
    }
}

/// All objects with a `type` in a tree of components.
fn collect<'a>(components: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    match components {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) => {
            found.push(fields);
            fields.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}

fn id_of(object: &Value) -> Option<Id> {
    object["id"].as_str()?.parse().ok()
}

fn is_visible(message: &Value, user: Id) -> bool {
    let is_ephemeral = message["flags"]
        .as_u64()
        .is_some_and(|flags| flags & EPHEMERAL != 0);
    let reader = &message["interaction_metadata"]["user"]["id"];
    !is_ephemeral || *reader == user.to_string().as_str()
}
