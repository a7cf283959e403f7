//! What happened in one server of a simulator becomes steps: who did what, and what the bots did then.

use super::cast::Cast;
use super::deeds;
use super::labels::{DIRECT, Labels};
use super::model::{Answer, BotDeed, Deed, MOST_STEPS, Step};
use super::seen::{modal, seen};
use crate::sim::{ActionKind, Dispatch, Happened, Happening, Id, PersonAction, Sim, sentences};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// A change of a message so soon after it was written is a part of writing it, in seconds.
const SOON: f64 = 1.0;

/// Reads what happened, in order.
#[derive(Debug)]
pub(super) struct Reader {
    sim: Sim,
    pub(super) guild: Id,
    pub(super) labels: Labels,
    pub(super) cast: Cast,
    bots: BTreeSet<Id>,
    /// When the first step was, on the simulator's clock.
    pub(super) began: Option<Duration>,
    pub(super) steps: Vec<Step>,
    /// When each step was.
    pub(super) times: Vec<Duration>,
    /// The step of each interaction, and of each message that a person wrote.
    causes: HashMap<Id, usize>,
    /// Where the newest answer about each message is: step and answer.
    newest: HashMap<Id, (usize, usize)>,
    /// The interaction of each step.
    interactions: HashMap<usize, Id>,
    messages: usize,
    /// The messages of bots as they were last.
    latest: HashMap<Id, Value>,
    /// Whether the steps are known before, as in a replay.
    is_replay: bool,
    /// In a replay: how what the bots make next is called.
    pub(super) expected_messages: VecDeque<String>,
    pub(super) expected_channels: VecDeque<String>,
}

impl Reader {
    /// Reads what happens in a guild from now on, and in the direct messages of its people.
    pub(super) fn new(sim: &Sim, guild: Id) -> Self {
        let mut labels = Labels::default();
        let bots = sim.bots().into_iter().map(|(id, _)| id).collect();
        let cast = Cast::of(&sim.world(), guild, &bots, &mut labels);
        Self {
            cast,
            is_replay: false,
            ..Self::of_replay(sim, guild, labels)
        }
    }

    /// Reads what comes of steps that are known, where these ids have these names.
    pub(super) fn of_replay(sim: &Sim, guild: Id, labels: Labels) -> Self {
        Self {
            sim: sim.clone(),
            guild,
            labels,
            cast: Cast::default(),
            bots: sim.bots().into_iter().map(|(id, _)| id).collect(),
            began: None,
            steps: Vec::new(),
            times: Vec::new(),
            causes: HashMap::new(),
            newest: HashMap::new(),
            interactions: HashMap::new(),
            messages: 0,
            latest: HashMap::new(),
            is_replay: true,
            expected_messages: VecDeque::new(),
            expected_channels: VecDeque::new(),
        }
    }

    /// Reads one thing that happened.
    pub(super) fn read(&mut self, happened: &Happened) {
        match &happened.what {
            Happening::Action(action) => self.action(happened.at, action),
            Happening::Dispatch {
                dispatch,
                by_person: false,
            } => {
                if let Some((message, does)) = self.deed_of(dispatch) {
                    self.answer(happened.at, message, does, &dispatch.data);
                }
            }
            Happening::Dispatch { .. } => {}
        }
    }

    /// What is seen of the answers to interactions alone: forms and choices.
    pub(super) fn look_at_interactions(&mut self) {
        for (step, id) in self.interactions.clone() {
            let state = self.sim.interaction(id).state();
            let does = match state.response_type {
                Some(8) => BotDeed::Offers {
                    choices: state.choices,
                },
                Some(9) => BotDeed::Opens {
                    modal: modal(&state.modal.unwrap_or_default()),
                },
                _ => continue,
            };
            self.interactions.remove(&step);
            self.push(step, 0.0, does);
        }
    }

    /// Whether the bot has yet to answer the interaction of a step.
    pub(super) fn is_unanswered(&self, step: usize) -> bool {
        let interaction = self.interactions.get(&step);
        interaction.is_some_and(|id| {
            let state = self.sim.interaction(*id).state();
            state.response_type.is_none()
        })
    }

    fn action(&mut self, at: Duration, action: &PersonAction) {
        if self.is_replay || self.steps.len() >= MOST_STEPS || self.bots.contains(&action.user) {
            return;
        }
        self.look_at_interactions();
        let Some((by, channel, does, message)) = deeds::of(
            action,
            &self.sim,
            self.guild,
            &mut self.labels,
            (&self.latest, self.messages + 1),
        ) else {
            return;
        };
        let began = *self.began.get_or_insert(at);
        let interaction = match action.kind {
            ActionKind::Interaction { id, .. } => id,
            _ => None,
        };
        if let Deed::Says { .. } = does {
            self.messages += 1;
        }
        let step = Step {
            at: seconds(at.saturating_sub(began)),
            by,
            channel,
            does,
            refused: action.refused.as_ref().map(told),
            answers: Vec::new(),
        };
        // While somebody types, only what is there in the end is a step.
        if deeds::types_on(self.steps.last(), &step) {
            self.steps.pop();
            self.times.pop();
            self.interactions.remove(&self.steps.len());
        }
        self.begin_step(at, step, message, interaction);
    }

    /// Begins a step: what comes now is an answer to it.
    pub(super) fn begin_step(
        &mut self,
        at: Duration,
        step: Step,
        message: Option<Id>,
        interaction: Option<Id>,
    ) {
        let index = self.steps.len();
        self.steps.push(step);
        self.times.push(at);
        self.causes.extend(
            [message, interaction]
                .into_iter()
                .flatten()
                .map(|id| (id, index)),
        );
        if let Some(id) = interaction {
            self.interactions.insert(index, id);
        }
    }

    /// What a bot did with this, and the message that it is about.
    fn deed_of(&mut self, dispatch: &Dispatch) -> Option<(Option<Id>, BotDeed)> {
        let data = &dispatch.data;
        if dispatch.guild.is_some_and(|guild| guild != self.guild) {
            return None;
        }
        let id = |field: &str| -> Option<Id> { data[field].as_str()?.parse().ok() };
        let message = |id: Id| self.labels.of(id).map(str::to_owned);
        Some(match dispatch.name.as_str() {
            "MESSAGE_CREATE" => return self.writes(dispatch),
            "MESSAGE_UPDATE" => {
                let id = id("id")?;
                let message = message(id)?;
                self.latest.insert(id, data.clone());
                let does = BotDeed::Edits {
                    message,
                    seen: self.seen(data),
                };
                (Some(id), does)
            }
            "MESSAGE_DELETE" => {
                let message = message(id("id")?)?;
                (None, BotDeed::Deletes { message })
            }
            name @ ("MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE") => {
                if !self.bots.contains(&id("user_id")?) {
                    return None;
                }
                let message = message(id("message_id")?)?;
                let emoji = deeds::emoji(&data["emoji"])?;
                let does = match name {
                    "MESSAGE_REACTION_ADD" => BotDeed::Reacts { message, emoji },
                    _ => BotDeed::Unreacts { message, emoji },
                };
                (None, does)
            }
            "CHANNEL_CREATE" | "THREAD_CREATE" if dispatch.guild.is_some() => {
                let id = id("id")?;
                let kind = data["type"].as_u64().unwrap_or(0);
                match self.expected_channels.pop_front() {
                    Some(name) => self.labels.set(id, &format!("#{name}")),
                    None => drop(self.labels.add(id, "#", data["name"].as_str()?)),
                }
                let channel = self.labels.name(id, "#")?.to_owned();
                (None, BotDeed::Makes { channel, kind })
            }
            "GUILD_MEMBER_REMOVE"
            | "GUILD_BAN_ADD"
            | "GUILD_BAN_REMOVE"
            | "GUILD_MEMBER_UPDATE" => {
                let user: Id = data["user"]["id"].as_str()?.parse().ok()?;
                if self.bots.contains(&user) {
                    return None;
                }
                let person = self.labels.name(user, "@")?.to_owned();
                (None, self.member_deed(&dispatch.name, person, data))
            }
            _ => return None,
        })
    }

    fn member_deed(&self, event: &str, person: String, data: &Value) -> BotDeed {
        match event {
            "GUILD_MEMBER_REMOVE" => BotDeed::Removes { person },
            "GUILD_BAN_ADD" => BotDeed::Bans { person },
            "GUILD_BAN_REMOVE" => BotDeed::Unbans { person },
            _ => {
                let roles = data["roles"].as_array().into_iter().flatten();
                let roles = roles.filter_map(|id| {
                    let id = id.as_str()?.parse().ok()?;
                    Some(self.labels.name(id, "@&")?.to_owned())
                });
                BotDeed::Updates {
                    person,
                    nick: data["nick"].as_str().map(str::to_owned),
                    roles: roles.collect(),
                    timed_out: data["communication_disabled_until"].is_string(),
                }
            }
        }
    }

    fn writes(&mut self, dispatch: &Dispatch) -> Option<(Option<Id>, BotDeed)> {
        let data = &dispatch.data;
        let is_bot = data["author"]["bot"] == true || data["webhook_id"].is_string();
        let id: Id = data["id"].as_str()?.parse().ok()?;
        let place: Id = data["channel_id"].as_str()?.parse().ok()?;
        if !is_bot || self.steps.is_empty() {
            return None;
        }
        let channel = match self.sim.place_of(place) {
            Some((None, ..)) => {
                let all = self.sim.recipients_of(place).into_iter();
                let people = all.filter(|id| !self.bots.contains(id));
                let mut known = people.filter_map(|id| self.labels.name(id, "@"));
                let person = known.next()?;
                match self.steps.last() {
                    Some(step) if step.by == person => DIRECT.to_owned(),
                    _ => format!("{DIRECT} {person}"),
                }
            }
            found => {
                let name = found.map(|(_, name, _)| name).unwrap_or_default();
                let label = self.labels.add(place, "#", &name);
                label.trim_start_matches('#').to_owned()
            }
        };
        let message = if let Some(label) = self.expected_messages.pop_front() {
            self.labels.set(id, &label);
            label
        } else {
            self.messages += 1;
            self.labels.add(id, "m", &self.messages.to_string())
        };
        self.latest.insert(id, data.clone());
        let does = BotDeed::Writes {
            message,
            channel,
            seen: self.seen(data),
        };
        Some((Some(id), does))
    }

    fn seen(&self, data: &Value) -> Value {
        seen(data, &self.labels, &self.sim.url())
    }

    fn answer(&mut self, at: Duration, message: Option<Id>, does: BotDeed, data: &Value) {
        let Some(last) = self.steps.len().checked_sub(1) else {
            return;
        };
        let reference = |value: &Value| -> Option<usize> {
            let id: Id = value.as_str()?.parse().ok()?;
            self.causes.get(&id).copied()
        };
        let cause = reference(&data["interaction_metadata"]["id"])
            .or_else(|| reference(&data["message_reference"]["message_id"]));
        let is_new = matches!(does, BotDeed::Writes { .. });
        // What answers a message that was edited or reacted to just now answers that.
        let answered = data["message_reference"]["message_id"].as_str();
        let answered = answered.and_then(|id| self.labels.of(id.parse().ok()?));
        let is_about_last = answered.is_some() && answered == deeds::about(&self.steps[last].does);
        let step = cause.filter(|_| is_new && !is_about_last).unwrap_or(last);
        if let BotDeed::Edits { seen, .. } = &does
            && let Some(id) = message
            && let Some((step, index)) = self.newest.get(&id).copied()
        {
            let after = self.after(step, at);
            let former = &mut self.steps[step].answers[index];
            if let BotDeed::Writes { seen: known, .. } | BotDeed::Edits { seen: known, .. } =
                &mut former.does
                && (step == last || known["thinking"] == true)
                && after - former.after < SOON
            {
                known.clone_from(seen);
                return;
            }
        }
        let after = self.after(step, at);
        self.push(step, after, does);
        if let Some(id) = message {
            self.newest
                .insert(id, (step, self.steps[step].answers.len() - 1));
        }
    }

    fn after(&self, step: usize, at: Duration) -> f64 {
        seconds(at.saturating_sub(self.times[step]))
    }

    fn push(&mut self, step: usize, after: f64, does: BotDeed) {
        self.steps[step].answers.push(Answer {
            after,
            does,
            numbers_vary: false,
        });
    }
}

/// In seconds, to the millisecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000.0).round() / 1_000.0
}

/// Why Discord refused something, in its words.
pub(super) fn told(error: &crate::sim::ApiError) -> String {
    match &error.errors {
        Some(errors) => format!("{}: {}", error.message, sentences(errors).join(" ")),
        None => error.message.clone(),
    }
}
