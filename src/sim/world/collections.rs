//! What guilds and the application have many of, and the rules of nothing else depend on: each as Discord shows it.

use crate::sim::errors::{ApiError, Known};
use crate::sim::ids::Id;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Things of one kind by their ids, the oldest first, each as Discord shows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Collection(IndexMap<Id, Value>);

/// What a guild has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct GuildCollections {
    pub(crate) emojis: Collection,
    pub(crate) stickers: Collection,
    pub(crate) events: Collection,
    /// Who is interested in which event.
    pub(crate) interested: IndexMap<Id, Vec<Id>>,
    /// The rules of auto moderation.
    pub(crate) rules: Collection,
    /// Stages by their channels.
    pub(crate) stages: Collection,
    pub(crate) sounds: Collection,
    /// What was set of it; null before.
    pub(crate) welcome_screen: Value,
    /// What was set of it; null before.
    pub(crate) onboarding: Value,
    /// The one that was made of the guild; null without.
    pub(crate) template: Value,
    /// Who may use which invite, by its code.
    pub(crate) invite_targets: IndexMap<String, InviteTargets>,
    /// Who is connected to voice.
    pub(crate) voice: IndexMap<Id, VoiceState>,
}

/// The users that an invite is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InviteTargets {
    pub(crate) users: Vec<Id>,
    pub(crate) set_at: String,
}

/// What a member switches on and off for themselves.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "Discord has four, each on its own"
)]
pub struct Switches {
    /// The microphone is off.
    pub self_mute: bool,
    /// The loudspeaker is off.
    pub self_deaf: bool,
    /// The screen is shown.
    pub self_stream: bool,
    /// The camera is on.
    pub self_video: bool,
}

/// A member in a voice or stage channel.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VoiceState {
    pub(crate) channel: Id,
    pub(crate) session: String,
    #[serde(flatten)]
    pub(crate) switches: Switches,
    /// In the audience of a stage.
    pub(crate) suppress: bool,
    /// When the member asked to speak on a stage.
    pub(crate) asked_to_speak: Option<String>,
}

/// What the application has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ApplicationCollections {
    pub(crate) emojis: Collection,
    pub(crate) entitlements: Collection,
    pub(crate) lobbies: Collection,
    /// The records of linked roles; null before there were some.
    pub(crate) role_connections: Value,
    /// What was changed of the application itself, under Discord's names.
    pub(crate) fields: Map<String, Value>,
}

impl Collection {
    /// The thing, or Discord's error for things of this kind.
    pub(crate) fn find(&self, id: Id, unknown: Known) -> Result<&Value, ApiError> {
        self.0.get(&id).ok_or_else(|| unknown.into())
    }

    /// The thing, if it is there.
    pub(crate) fn get(&self, id: Id) -> Option<&Value> {
        self.0.get(&id)
    }

    /// Keeps a thing, in the place of one with the same id.
    pub(crate) fn keep(&mut self, id: Id, thing: Value) {
        self.0.insert(id, thing);
    }

    /// Removes a thing.
    pub(crate) fn remove(&mut self, id: Id) -> Option<Value> {
        self.0.shift_remove(&id)
    }

    /// All of them, the oldest first.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.0.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them in a list, without who made them: so they are in the guild, and in events.
    pub(crate) fn list_without_creators(&self) -> Value {
        self.all().map(without_creator).collect()
    }
}

/// A thing without who made it.
pub(crate) fn without_creator(thing: &Value) -> Value {
    let mut thing = thing.clone();
    if let Some(fields) = thing.as_object_mut() {
        fields.shift_remove("user");
    }
    thing
}
