//! Records a conversation: from when the recorder is made until it is finished.

use super::deeds::people_in;
use super::labels::each_part;
use super::model::{BotDeed, Conversation, Deed, Person, VERSION};
use super::reader::Reader;
use crate::sim::{Follower, Happening, Id, Sim};
use std::collections::{BTreeMap, BTreeSet};

/// Records what happens in one server.
#[derive(Debug)]
pub struct Recorder {
    reader: Reader,
    follower: Follower,
}

/// What was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// The conversation, without a name and without cogs.
    pub conversation: Conversation,
    /// The ids of the messages that bots wrote.
    pub written: Vec<Id>,
    /// Whether the end is missing, as more happened than is kept.
    pub is_cut: bool,
}

impl Recorder {
    /// Begins to record in a server of the simulator.
    pub fn start(sim: &Sim, guild: Id) -> Self {
        Self {
            reader: Reader::new(sim, guild),
            follower: sim.follow(),
        }
    }

    /// How many things people have done so far, about: what belongs to other servers is left out in the end.
    pub fn steps(&self) -> usize {
        self.follower.look(|happened| {
            let actions = happened
                .iter()
                .filter(|it| matches!(it.what, Happening::Action(_)));
            actions.count()
        })
    }

    /// Ends the recording.
    pub fn finish(mut self) -> Recorded {
        for happened in self.follower.take() {
            self.reader.read(&happened);
        }
        self.reader.look_at_interactions();
        let Reader {
            labels,
            cast,
            steps,
            began,
            ..
        } = self.reader;
        let mut named = BTreeSet::new();
        for step in &steps {
            named.extend(people_in(step).map(str::to_owned));
        }
        let mut ids = BTreeMap::new();
        let text = serde_json::to_string(&steps).unwrap_or_default();
        each_part(&text, |part, is_id| {
            let label = part.parse().ok().filter(|_| is_id);
            if let Some(label) = label.and_then(|id| labels.of(id)) {
                ids.insert(part.to_owned(), label.to_owned());
            }
        });
        named.extend(
            ids.values()
                .filter_map(|it| Some(it.strip_prefix('@')?.to_owned())),
        );
        let mut known: Vec<Person> = cast.people.values().cloned().collect();
        known.retain(|person| named.contains(&person.name));
        let new = |name: &String| !known.iter().any(|person| person.name == *name);
        let bots: BTreeSet<String> = cast.bots.iter().cloned().collect();
        let joined = named
            .iter()
            .filter(|name| new(name) && !bots.contains(*name));
        let joined: Vec<Person> = joined
            .map(|name| Person {
                name: name.clone(),
                outside: true,
                ..Person::default()
            })
            .collect();
        known.extend(joined);
        known.sort_by(|one, other| one.name.cmp(&other.name));
        let written = labels.messages();
        let conversation = Conversation {
            schema: None,
            conversation: VERSION,
            name: String::new(),
            recorded_at: began.map_or(0.0, super::reader::seconds),
            cogs: Vec::new(),
            roles: cast.roles_of(&known, &ids),
            people: known,
            channels: cast.channels,
            ids,
            steps,
        };
        Recorded {
            conversation,
            written,
            is_cut: self.follower.is_full(),
        }
    }
}

/// Whether a bot did something that no command was used for and that was no message: what it was cannot be told from
/// what happened.
pub fn needs_all(conversation: &Conversation, prefix: &str) -> bool {
    conversation.steps.iter().any(|step| {
        let is_asked_for = match &step.does {
            Deed::Says { content, .. } => content.starts_with(prefix),
            Deed::Runs { .. }
            | Deed::Completes { .. }
            | Deed::Uses { .. }
            | Deed::Clicks { .. }
            | Deed::Chooses { .. }
            | Deed::Submits { .. } => true,
            _ => false,
        };
        let mut answers = step.answers.iter();
        !is_asked_for && answers.any(|it| !matches!(it.does, BotDeed::Writes { .. }))
    })
}

/// The first words of what people wrote and used: names of commands, behind a prefix.
pub fn commands(conversation: &Conversation, prefix: &str) -> BTreeSet<String> {
    let words = conversation.steps.iter().filter_map(|step| {
        let text = match &step.does {
            Deed::Says { content, .. } => content.strip_prefix(prefix)?,
            Deed::Runs { command, .. } | Deed::Completes { command, .. } => command,
            Deed::Uses { command, .. } => return Some(command.clone()),
            _ => return None,
        };
        Some(text.split_whitespace().next()?.to_lowercase())
    });
    words.collect()
}
