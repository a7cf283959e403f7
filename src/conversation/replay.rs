//! Plays a conversation again, with other people of the same names in a server made for it, against whatever bot is
//! connected.

use super::compare::{StepOutcome, compare, whole};
use super::deeds::components_of;
use super::labels::{DIRECT, Labels, map_texts, value_with_ids, with_ids};
use super::model::{Answer, BotDeed, Conversation, Deed, File, Person, Step};
use super::reader::{Reader, seconds, told};
use crate::discord::permissions::{self, VIEW_CHANNEL};
use crate::sim::{Follower, Happening, Id, InteractionRequest, Sim, SimError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// How long a bot may take for its answers beyond what it took in the recording: the time that Discord gives it.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it has to be quiet after the last answer that was recorded, and after a step that had none.
const QUIET_AFTER_ANSWER: Duration = Duration::from_millis(120);
const QUIET_WITHOUT: Duration = Duration::from_millis(350);
/// Discord's type of categories, which nothing is written in.
const CATEGORY: u64 = 4;

/// A conversation that is played again. When it is dropped, its server and its people are gone.
#[derive(Debug)]
pub struct Replay {
    sim: Sim,
    conversation: Conversation,
    guild: Id,
    /// Those who were made for it.
    users: Vec<Id>,
    reader: Reader,
    follower: Follower,
    next: usize,
    keeps_pauses: bool,
    /// When the step before was, on the simulator's clock.
    last: Option<Duration>,
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.sim.remove_guild(self.guild);
        self.sim.remove_users(&self.users);
    }
}

/// What a step makes: the message that was written, or the interaction.
#[derive(Default)]
struct Made {
    message: Option<Id>,
    interaction: Option<Id>,
}

/// Why a step was not done.
enum Failed {
    Refused(String),
    /// It cannot be done here: a sentence.
    Impossible(String),
}

impl From<SimError> for Failed {
    fn from(error: SimError) -> Self {
        match error {
            SimError::Refused(error) => Self::Refused(told(&error)),
            other => Self::Impossible(other.to_string()),
        }
    }
}

impl Replay {
    /// Makes a server like `like`, with the channels, roles and people of the conversation.
    ///
    /// # Errors
    ///
    /// A sentence about what cannot be made.
    pub async fn begin(
        sim: &Sim,
        conversation: Conversation,
        like: Id,
        keeps_pauses: bool,
    ) -> Result<Self, String> {
        let sentence = |error: SimError| error.to_string();
        let name = format!("Replay: {}", conversation.name);
        let owner = sim.owner();
        let guild = sim.add_guild_like(like, &name, owner).map_err(sentence)?;
        let mut labels = Labels::default();
        labels.set(guild, "server");
        for ((id, _), name) in sim.bots().iter().zip(sim.bot_names()) {
            labels.set(*id, &format!("@{name}"));
        }
        let mut replay = Self {
            sim: sim.clone(),
            conversation,
            guild,
            users: Vec::new(),
            reader: Reader::of_replay(sim, guild, Labels::default()),
            follower: sim.follow(),
            next: 0,
            keeps_pauses,
            last: None,
        };
        replay.furnish(&mut labels).map_err(sentence)?;
        // To the bots this is a server as any other that they are taken into: everybody is there already.
        sim.install_bots_of(like, guild).map_err(sentence)?;
        let _is_quiet = sim.quiet(PATIENCE).await.is_ok();
        tokio::time::sleep(QUIET_AFTER_ANSWER).await;
        let _setting_up = replay.follower.take();
        replay.reader = Reader::of_replay(sim, guild, labels);
        Ok(replay)
    }

    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.conversation.steps.len()
    }

    /// The conversation as it is recorded.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    fn furnish(&mut self, labels: &mut Labels) -> Result<(), SimError> {
        let (sim, guild, owner) = (&self.sim, self.guild, self.sim.owner());
        for role in &self.conversation.roles {
            let names = role.permissions.iter().map(String::as_str);
            let bits = permissions::of(names).unwrap_or(0);
            let id = sim.add_role(guild, &role.name, bits)?;
            labels.set(id, &format!("@&{}", role.name));
        }
        for person in &self.conversation.people {
            let id = if person.owner {
                owner
            } else if person.bot {
                sim.add_bot(&person.name)
            } else {
                sim.add_user(&person.name)
            };
            if !person.owner {
                self.users.push(id);
            }
            labels.set(id, &format!("@{}", person.name));
            Self::dress(sim, (guild, owner), (id, person), labels)?;
        }
        for channel in &self.conversation.channels {
            if channel.kind == CATEGORY {
                continue;
            }
            let id = sim.add_channel(guild, &channel.name, channel.kind)?;
            labels.set(id, &format!("#{}", channel.name));
            if channel.nsfw {
                let path = format!("/channels/{id}");
                sim.call_as(owner, "PATCH", &path, json!({ "nsfw": true }))?;
            }
            if let Some(seen_by) = &channel.seen_by {
                sim.overwrite(id, guild, (0, VIEW_CHANNEL))?;
                for one in seen_by.iter().filter_map(|label| labels.id(label)) {
                    sim.overwrite(id, one, (VIEW_CHANNEL, 0))?;
                }
            }
        }
        Ok(())
    }

    fn dress(
        sim: &Sim,
        (guild, owner): (Id, Id),
        (id, person): (Id, &Person),
        labels: &Labels,
    ) -> Result<(), SimError> {
        if let Some(locale) = &person.locale {
            sim.set_locale(id, locale)?;
        }
        if person.outside {
            return Ok(());
        }
        sim.join(guild, id)?;
        let roles = person.roles.iter();
        for role in roles.filter_map(|name| labels.id(&format!("@&{name}"))) {
            sim.give_role(guild, id, role)?;
        }
        if let Some(nick) = person.nick.as_ref().filter(|_| !person.owner) {
            let path = format!("/guilds/{guild}/members/{id}");
            sim.call_as(owner, "PATCH", &path, json!({ "nick": nick }))?;
        }
        Ok(())
    }

    /// Plays the next step, and waits until the bot has answered it. Nothing when all have been played.
    pub async fn step(&mut self) -> Option<StepOutcome> {
        let index = self.next;
        let recorded = self.conversation.steps.get(index)?.clone();
        self.next += 1;
        self.pause(index, &recorded).await;
        self.read();
        self.expect(&recorded);
        let at = self.sim.now();
        self.last = Some(at);
        let done = self.act(&recorded);
        let mut step = Step {
            answers: Vec::new(),
            refused: None,
            ..recorded.clone()
        };
        let mut made = Made::default();
        match done {
            Ok(done) => made = done,
            Err(Failed::Refused(words)) => step.refused = Some(words),
            Err(Failed::Impossible(sentence)) => {
                step.refused = Some(format!("(this cannot be played again: {sentence})"));
            }
        }
        if let (Some(id), Deed::Says { message, .. }) = (made.message, &recorded.does) {
            self.reader.labels.set(id, message);
        }
        let was_done = step.refused.is_none();
        self.reader
            .begin_step(at, step, made.message, made.interaction);
        if was_done {
            self.settle(index, &recorded).await;
        }
        let now = &self.reader.steps[index];
        let both = (&self.conversation, &recorded);
        let now = (&self.reader.labels, now, seconds(at));
        Some(compare(index + 1, both, now))
    }

    /// The conversation as it went this time, with what varies marked where it did.
    pub fn as_played(&self) -> Conversation {
        let mut played = self.conversation.clone();
        let names = self.reader.labels.by_text();
        let ids: std::collections::HashMap<&str, &str> = self
            .conversation
            .ids
            .iter()
            .map(|(id, label)| (label.as_str(), id.as_str()))
            .collect();
        // As far as the recording has an id for what is named, it stays.
        let former = |id: &str| Some((*ids.get(names.get(id)?.as_str())?).to_owned());
        let recorded_at = played.recorded_at;
        let steps = self.reader.steps.iter().zip(&self.reader.times);
        for (step, (now, at)) in played.steps.iter_mut().zip(steps) {
            // The times in texts are those of the recording's clock.
            let earlier = whole(seconds(*at)) - whole(recorded_at + step.at);
            let shifted = |text: &str| {
                super::times::map(text, |time, style| {
                    Some(format!("<t:{}{style}>", time - earlier))
                })
            };
            step.refused.clone_from(&now.refused);
            let answers = now.answers.iter().enumerate().map(|(index, answer)| {
                let was = step.answers.get(index);
                let value = serde_json::to_value(&answer.does).unwrap_or_default();
                let value = map_texts(&value_with_ids(&value, &former), &shifted);
                let does = serde_json::from_value(value);
                Answer {
                    does: does.unwrap_or_else(|_| answer.does.clone()),
                    after: answer.after,
                    numbers_vary: was.is_some_and(|was| {
                        was.numbers_vary || differ_in_numbers(&was.does, &answer.does)
                    }),
                }
            });
            step.answers = answers.collect();
        }
        played
    }

    async fn pause(&self, index: usize, recorded: &Step) {
        if !self.keeps_pauses {
            return;
        }
        let before = index
            .checked_sub(1)
            .map(|before| &self.conversation.steps[before]);
        if let (Some(before), Some(last)) = (before, self.last) {
            let pause = Duration::try_from_secs_f64(recorded.at - before.at).unwrap_or_default();
            let passed = self.sim.now().saturating_sub(last);
            tokio::time::sleep(pause.saturating_sub(passed)).await;
        }
    }

    fn read(&mut self) {
        for happened in self.follower.take() {
            if let Happening::Dispatch { .. } = happened.what {
                self.reader.read(&happened);
            }
        }
    }

    /// How what the bot makes next is called in the recording.
    fn expect(&mut self, recorded: &Step) {
        self.reader.expected_messages.clear();
        self.reader.expected_channels.clear();
        for answer in &recorded.answers {
            match &answer.does {
                BotDeed::Writes { message, .. } => {
                    self.reader.expected_messages.push_back(message.clone());
                }
                BotDeed::Makes { channel, .. } => {
                    self.reader.expected_channels.push_back(channel.clone());
                }
                _ => {}
            }
        }
    }

    async fn settle(&mut self, index: usize, recorded: &Step) {
        let expected = recorded.answers.len();
        let took = recorded.answers.iter().map(|answer| answer.after);
        let took = Duration::try_from_secs_f64(took.fold(0.0, f64::max)).unwrap_or_default();
        let deadline = Instant::now() + took + PATIENCE;
        loop {
            self.read();
            let is_open = self.reader.is_unanswered(index);
            if !is_open {
                self.reader.look_at_interactions();
            }
            let answers = &self.reader.steps[index].answers;
            let thinks = answers.last().is_some_and(|answer| match &answer.does {
                BotDeed::Writes { seen, .. } => seen["thinking"] == true,
                _ => false,
            });
            let is_complete = answers.len() >= expected && !is_open && !thinks;
            let left = deadline.saturating_duration_since(Instant::now());
            let silence = match (is_complete, expected) {
                (false, _) => left,
                (true, 0) => QUIET_WITHOUT,
                (true, _) => QUIET_AFTER_ANSWER,
            };
            if left.is_zero() {
                return;
            }
            let (follower, reader) = (&self.follower, &self.reader);
            let something = |_: &Sim| {
                let is_new = follower.look(|happened| !happened.is_empty());
                (is_new || reader.is_unanswered(index) != is_open).then_some(())
            };
            let waited = self.sim.wait_for("an answer", silence, something).await;
            if waited.is_err() && (is_complete || silence == left) && self.is_idle() {
                return;
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.sim.requests_in_flight() == 0
    }

    /// The id of now for what an id of the recording names.
    fn id_of(&self, recorded: &str) -> Option<String> {
        let label = self.conversation.ids.get(recorded)?;
        Some(self.reader.labels.id(label)?.to_string())
    }

    fn text(&self, text: &str) -> String {
        with_ids(text, |id| self.id_of(id))
    }

    fn message(&self, label: &str) -> Result<Id, Failed> {
        self.reader
            .labels
            .id(label)
            .ok_or_else(|| Failed::Impossible("it is about a message that there is not".to_owned()))
    }

    fn person(&self, name: &str) -> Result<Id, Failed> {
        let found = self.reader.labels.id(&format!("@{name}"));
        found.ok_or_else(|| Failed::Impossible(format!("there is no person \"{name}\"")))
    }

    fn place(&self, user: Id, name: &str) -> Result<Id, Failed> {
        if name == DIRECT {
            return Ok(self.sim.direct_channel(user));
        }
        let found = self.reader.labels.id(&format!("#{name}"));
        found.ok_or_else(|| Failed::Impossible(format!("there is no channel \"{name}\"")))
    }

    fn act(&self, step: &Step) -> Result<Made, Failed> {
        let sim = &self.sim;
        let user = self.person(&step.by)?;
        let place = || self.place(user, &step.channel);
        match &step.does {
            Deed::Says {
                content,
                reply_to,
                files,
                ..
            } => {
                let mut body = json!({ "content": self.text(content) });
                if let Some(label) = reply_to {
                    let id = self.message(label)?.to_string();
                    body["message_reference"] = json!({ "message_id": id });
                }
                let uploads = files.iter().map(|file| self.upload(user, file));
                let uploads: Vec<Id> = uploads.collect::<Result<_, _>>()?;
                let said = sim.send_uploaded(user, place()?, body, &uploads)?;
                let message = said["id"].as_str().and_then(|id| id.parse().ok());
                return Ok(Made {
                    message,
                    interaction: None,
                });
            }
            Deed::Edits { message, content } => {
                let body = json!({ "content": self.text(content) });
                sim.edit_as(user, place()?, self.message(message)?, body)?;
            }
            Deed::Deletes { message } => sim.delete_as(user, place()?, self.message(message)?)?,
            Deed::Reacts { message, emoji } => {
                sim.react_as(user, place()?, self.message(message)?, emoji)?;
            }
            Deed::Unreacts { message, emoji } => {
                sim.unreact_as(user, place()?, self.message(message)?, emoji)?;
            }
            Deed::Pins { message } | Deed::Unpins { message } => {
                let message = self.message(message)?;
                let path = format!("/channels/{}/messages/pins/{message}", place()?);
                let method = match step.does {
                    Deed::Pins { .. } => "PUT",
                    _ => "DELETE",
                };
                sim.call_as(user, method, &path, Value::Null)?;
            }
            Deed::Votes { message, answers } => {
                sim.vote_as(user, place()?, self.message(message)?, answers)?;
            }
            Deed::Joins {} => sim.join(self.guild, user)?,
            Deed::Leaves {} => sim.leave(self.guild, user)?,
            Deed::JoinsVoice {} => sim.join_voice(user, place()?)?,
            Deed::LeavesVoice {} => sim.leave_voice(user, self.guild),
            Deed::Shows { status, activities } => sim.set_presence(user, status, activities)?,
            Deed::Requests { method, path, body } => {
                let body = value_with_ids(body, &|id| self.id_of(id));
                sim.call_as(user, method, &self.text(path), body)?;
            }
            _ => {
                let channel = place()?;
                let request = self.request(user, channel, &step.does)?;
                let begun = sim.interact(user, channel, request)?;
                return Ok(Made {
                    message: None,
                    interaction: Some(begun.id()),
                });
            }
        }
        Ok(Made::default())
    }

    fn request(&self, user: Id, channel: Id, deed: &Deed) -> Result<InteractionRequest, Failed> {
        Ok(match deed {
            Deed::Runs { command, options } => InteractionRequest::Slash {
                name: command.clone(),
                options: self.entered(user, options)?.into(),
            },
            Deed::Completes {
                command,
                options,
                option,
            } => InteractionRequest::Autocomplete {
                name: command.clone(),
                options: self.entered(user, options)?.into(),
                focused: option.clone(),
            },
            Deed::Uses {
                command,
                person: Some(person),
                ..
            } => InteractionRequest::User {
                name: command.clone(),
                target: self.person(person)?,
            },
            Deed::Uses {
                command, message, ..
            } => InteractionRequest::Message {
                name: command.clone(),
                target: self.message(message.as_deref().unwrap_or_default())?,
            },
            Deed::Clicks {
                message,
                custom_id,
                label,
            } => self.component(channel, message, custom_id, label.as_deref(), Vec::new())?,
            Deed::Chooses {
                message,
                custom_id,
                values,
            } => {
                let values = values.iter().map(|value| self.text(value)).collect();
                self.component(channel, message, custom_id, None, values)?
            }
            Deed::Submits { custom_id, fields } => {
                let open = self.sim.open_modal(user);
                let open = open.and_then(|modal| Some(modal["custom_id"].as_str()?.to_owned()));
                InteractionRequest::Modal {
                    custom_id: open.unwrap_or_else(|| self.text(custom_id)),
                    fields: self.entered(user, fields)?.into_iter().collect(),
                }
            }
            _ => return Err(Failed::Impossible("it is no interaction".to_owned())),
        })
    }

    /// A button or a menu: that with the same `custom_id` but for ids, or else the only one with the same label, or that
    /// at the same place.
    fn component(
        &self,
        channel: Id,
        label: &str,
        custom_id: &str,
        text: Option<&str>,
        values: Vec<String>,
    ) -> Result<InteractionRequest, Failed> {
        let message = self.message(label)?;
        let shown = self.sim.message(channel, message).unwrap_or_default();
        let all = components_of(&shown["components"]);
        let wanted = self.text(custom_id);
        let same = all.iter().find(|one| one["custom_id"] == wanted.as_str());
        let named: Vec<_> = all
            .iter()
            .filter(|one| text.is_some_and(|text| one["label"] == text))
            .collect();
        let found = match (same, named.as_slice()) {
            (Some(same), _) => Some(same),
            (None, [only]) => Some(*only),
            _ => self.place_in(label, custom_id).and_then(|at| all.get(at)),
        };
        let custom_id = found.and_then(|one| one["custom_id"].as_str());
        Ok(InteractionRequest::Component {
            message,
            custom_id: custom_id.map_or(wanted, str::to_owned),
            values,
        })
    }

    /// At which place among the components of a recorded message one is.
    fn place_in(&self, label: &str, custom_id: &str) -> Option<usize> {
        let before = self.conversation.steps[..self.next].iter().rev();
        let mut answers = before.flat_map(|step| step.answers.iter().rev());
        let seen = answers.find_map(|answer| match &answer.does {
            BotDeed::Writes { message, seen, .. } | BotDeed::Edits { message, seen }
                if message == label =>
            {
                Some(seen)
            }
            _ => None,
        })?;
        let mut all = components_of(&seen["components"]).into_iter();
        all.position(|one| one["custom_id"] == custom_id)
    }

    /// What is entered: ids of now, and files that are uploaded.
    fn entered(&self, user: Id, given: &Map<String, Value>) -> Result<Map<String, Value>, Failed> {
        let one = |value: &Value| -> Result<Value, Failed> {
            match serde_json::from_value::<File>(value["file"].clone()) {
                Ok(file) => Ok(self.upload(user, &file)?.to_string().into()),
                Err(_) => Ok(value_with_ids(value, &|id| self.id_of(id))),
            }
        };
        let entered = given.iter().map(|(name, value)| {
            let value = match value {
                Value::Array(items) => items.iter().map(one).collect::<Result<_, _>>()?,
                other => one(other)?,
            };
            Ok((name.clone(), value))
        });
        entered.collect()
    }

    fn upload(&self, user: Id, file: &File) -> Result<Id, Failed> {
        let bytes = match (&file.text, &file.base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(coded)) => STANDARD.decode(coded).unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        let uploaded = self.sim.upload(user, &file.filename, None, bytes.into());
        Ok(uploaded?)
    }
}

/// Whether two messages differ, and in nothing but numbers.
fn differ_in_numbers(was: &BotDeed, is: &BotDeed) -> bool {
    let content = |deed: &BotDeed| match deed {
        BotDeed::Writes { seen, .. } | BotDeed::Edits { seen, .. } => seen.to_string(),
        _ => String::new(),
    };
    let plain = |text: &str| super::times::map(text, |_, style| Some(format!("<t:{style}>")));
    let (was, is) = (plain(&content(was)), plain(&content(is)));
    let without_ids = |text: &str| with_ids(text, |_| Some(String::new()));
    let (was, is) = (without_ids(&was), without_ids(&is));
    was != is && super::compare::without_numbers(&was) == super::compare::without_numbers(&is)
}
