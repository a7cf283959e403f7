//! Applications: each is a bot with a token, sessions and commands of its own.

use super::{ApplicationCollections, Audience, Event, Message, World};
use crate::sim::errors::{ApiError, UNKNOWN_APPLICATION};
use crate::sim::ids::Id;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An application, whose id is also that of its bot's user, as for every bot made since 2016.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) id: Id,
    pub(crate) name: String,
    /// The team that it belongs to, as Discord shows it; null without one.
    pub(crate) team: Value,
    /// Privileged intents that it may use.
    pub(crate) privileged_intents: u64,
    /// How many sessions it has ever begun.
    pub(crate) sessions_begun: u64,
    /// Its emojis.
    pub(crate) collections: ApplicationCollections,
}

impl World {
    /// The application of a bot, or Discord's error.
    pub(crate) fn application(&self, id: Id) -> Result<&Application, ApiError> {
        self.applications
            .get(&id)
            .ok_or_else(|| UNKNOWN_APPLICATION.into())
    }

    /// What an application has, for a change.
    pub(crate) fn own_collections(
        &mut self,
        id: Id,
    ) -> Result<&mut ApplicationCollections, ApiError> {
        let own = self.applications.get_mut(&id);
        own.map(|own| &mut own.collections)
            .ok_or_else(|| UNKNOWN_APPLICATION.into())
    }

    /// Whether a user is the bot of an application. Other bots are users that nobody connects as.
    pub(crate) fn is_application(&self, user: Id) -> bool {
        self.applications.contains_key(&user)
    }

    /// The application that wrote a message, itself or through a webhook that it has made: what is done with the
    /// message's components is told to it.
    pub(crate) fn application_of(&self, message: &Message) -> Option<Id> {
        let author = match message.webhook {
            Some(hook) => self.webhooks.get(&hook)?.creator,
            None => message.author,
        };
        self.is_application(author).then_some(author)
    }

    /// Dispatches something that one application alone learns.
    pub(crate) fn tell_application(
        &mut self,
        application: Id,
        name: &'static str,
        (guild, data): (Option<Id>, Value),
    ) {
        self.outbox.push(Event {
            name,
            data,
            guild,
            channel: None,
            audience: Audience::Only(application),
            views: Vec::new(),
        });
    }

    /// What the first application is shown, and what others are shown where that is something else: their own
    /// reactions, votes and memberships.
    pub(crate) fn views(&self, show: impl Fn(Id) -> Value) -> (Value, Vec<(Id, Value)>) {
        let first = show(self.bot);
        let others = self.applications.keys().copied();
        let views = others
            .filter(|id| *id != self.bot)
            .map(|id| (id, show(id)))
            .filter(|(_, shown)| *shown != first)
            .collect();
        (first, views)
    }
}
