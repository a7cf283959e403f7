//! Using commands, buttons, menus and modals, and what the bot answers.

use super::Sim;
use crate::sim::client;
pub use crate::sim::client::InteractionRequest;
use crate::sim::errors::SimError;
use crate::sim::follow::ActionKind;
use crate::sim::ids::Id;
use crate::sim::world::{Stage, World};
use serde_json::Value;
use std::time::Duration;

/// An interaction that was sent to the bot.
#[derive(Clone, Debug)]
pub struct Interaction {
    sim: Sim,
    id: Id,
}

/// How far the bot has answered an interaction.
#[derive(Clone, Debug, Default)]
pub struct InteractionView {
    /// Discord's type of the first answer (4 a message, 5 a deferred one, 6 a deferred update,
    /// 7 an update, 8 choices, 9 a modal); none before it.
    pub response_type: Option<u64>,
    /// Whether the answer is there: answered, and not deferred any more. A deferred update is
    /// complete at once; whether an edit follows is the bot's choice.
    pub is_complete: bool,
    /// The message that `@original` names: the answer, or the message with the component.
    pub message: Option<Value>,
    /// The messages that followed, the oldest first.
    pub follow_ups: Vec<Value>,
    /// For autocompletion: the choices.
    pub choices: Vec<Value>,
    /// The modal that was opened: `{custom_id, title, components}`.
    pub modal: Option<Value>,
}

impl Sim {
    /// Lets a user use a command, a button, a menu or a modal in a channel.
    ///
    /// # Errors
    ///
    /// What Discord or its client would refuse: an unknown command (10063), one that the user may
    /// not use (50013), a missing or wrong option (50035, `CLIENT_VALIDATION`), a component that is
    /// not there or disabled.
    #[allow(clippy::needless_pass_by_value, reason = "it is made for this call")]
    pub fn interact(
        &self,
        user: Id,
        channel: Id,
        interaction: InteractionRequest,
    ) -> Result<Interaction, SimError> {
        self.interact_with(user, channel, &interaction, None)
    }

    /// The same, with the bot whose command is meant where several have one of that name.
    ///
    /// # Errors
    ///
    /// As for `interact`.
    pub fn interact_with(
        &self,
        user: Id,
        channel: Id,
        interaction: &InteractionRequest,
        application: Option<Id>,
    ) -> Result<Interaction, SimError> {
        let request = (interaction, application);
        let id = self.hub().change(|state| {
            let begun = client::begin(&mut state.world, user, channel, request);
            let kind = ActionKind::Interaction {
                channel,
                request: interaction.clone(),
                id: begun.as_ref().ok().copied(),
            };
            let refused = begun.as_ref().err().cloned();
            state.tell_action(user, kind, refused);
            begun
        })?;
        Ok(self.interaction(id))
    }

    /// An interaction that was sent before.
    pub fn interaction(&self, id: Id) -> Interaction {
        Interaction {
            sim: self.clone(),
            id,
        }
    }
}

impl Interaction {
    /// The interaction's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// How far it is answered now.
    pub fn state(&self) -> InteractionView {
        self.sim.hub().look(|state| view(&state.world, self.id))
    }

    /// Waits until the bot has answered at all, be it by deferring.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn acknowledged(&self, timeout: Duration) -> Result<InteractionView, SimError> {
        let what = format!("an answer of any kind to interaction {}", self.id);
        let seen = |view: InteractionView| view.response_type.map(|_| view);
        self.sim
            .wait_for(&what, timeout, |_| seen(self.state()))
            .await
    }

    /// Waits until the bot's answer is complete: a message that is not deferred any more, choices,
    /// a modal, or an update.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn response(&self, timeout: Duration) -> Result<InteractionView, SimError> {
        let what = format!("the complete answer to interaction {}", self.id);
        let complete = |view: InteractionView| view.is_complete.then_some(view);
        self.sim
            .wait_for(&what, timeout, |_| complete(self.state()))
            .await
    }

    /// Waits until the bot has sent at least `count` follow-ups.
    ///
    /// # Errors
    ///
    /// After `timeout`.
    pub async fn follow_ups(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Value>, SimError> {
        let what = format!("{count} follow-ups to interaction {}", self.id);
        self.sim
            .wait_for(&what, timeout, |_| {
                let follow_ups = self.state().follow_ups;
                (follow_ups.len() >= count).then_some(follow_ups)
            })
            .await
    }
}

fn view(world: &World, id: Id) -> InteractionView {
    let Some(interaction) = world.interactions.get(&id) else {
        return InteractionView::default();
    };
    let message = |id: Id| {
        let message = world.message(interaction.channel, id, interaction.user);
        message
            .ok()
            .map(|message| message.show(interaction.application))
    };
    let choices = interaction.answer_data["choices"].as_array();
    InteractionView {
        response_type: interaction.answer,
        is_complete: interaction.stage == Stage::Answered,
        message: interaction.original.and_then(message),
        follow_ups: interaction
            .follow_ups
            .iter()
            .copied()
            .filter_map(message)
            .collect(),
        choices: choices.cloned().unwrap_or_default(),
        modal: (interaction.answer == Some(9)).then(|| interaction.answer_data.clone()),
    }
}
