//! How a command is called, or a component is used, on its way from the event to the handler.

use crate::api::context::CogContext;
use crate::api::declarations::Use;
use crate::api::interaction::Interaction;
use crate::api::invocation::CallOrigin;
use crate::api::lines::Line as RunLine;
use crate::api::locale::{locale_in, locale_of};
use crate::commands::parse::Line;
use crate::commands::text::Text;
use crate::discord::event::Event;
use crate::json::Json;
use std::sync::Arc;

/// A call of one of a cog's commands.
#[derive(Clone, Debug)]
pub struct CommandCall {
    /// Who called where: the message, with `member.user` completed, or the same of an interaction.
    pub caller: Json,
    /// How it was called.
    pub form: CallForm,
}

/// How a command is called.
#[derive(Clone, Debug)]
pub enum CallForm {
    /// By a message.
    Typed {
        /// The name as it was typed.
        name: String,
        /// The byte of the message's text at which the arguments begin.
        arguments: usize,
        /// The text before the name.
        prefix: String,
    },
    /// By a line that another command has called with `ctx:run`.
    Run(Arc<RunLine>),
    /// Not at all: nobody has such a command, and the cog is asked what to do.
    Unknown(Arc<RunLine>),
    /// By a slash command, or one of a context menu.
    Slash(Arc<Interaction>),
    /// By typing into an option of a slash command that completes what is typed.
    Completion(Arc<Interaction>),
    /// By a component or a modal.
    Component(Use, Arc<Interaction>),
}

impl CallForm {
    /// The interaction that is answered; nothing for a message.
    pub fn interaction(&self) -> Option<&Arc<Interaction>> {
        match self {
            Self::Typed { .. } => None,
            Self::Run(line) | Self::Unknown(line) => line.interaction(),
            Self::Slash(interaction)
            | Self::Completion(interaction)
            | Self::Component(_, interaction) => Some(interaction),
        }
    }

    /// A sentence about commands, or the one that says the same about a component.
    pub fn wording<'t>(&self, text: Text<'t>) -> Text<'t> {
        match self {
            Self::Component(..) => text.of_component(),
            _ => text,
        }
    }
}

/// A call that waits for its cog: it takes little more memory than the event's text.
#[derive(Debug)]
pub struct WaitingCall {
    /// The event with the message or the interaction.
    pub event: Arc<Event>,
    /// How it was called.
    pub form: CallForm,
}

impl WaitingCall {
    /// The call that it is.
    pub fn call(&self) -> CommandCall {
        let caller = match &self.form {
            CallForm::Typed { .. } | CallForm::Run(_) | CallForm::Unknown(_) => {
                self.event.data().clone()
            }
            CallForm::Slash(interaction)
            | CallForm::Completion(interaction)
            | CallForm::Component(_, interaction) => interaction.caller(),
        };
        CommandCall {
            caller,
            form: self.form.clone(),
        }
    }
}

impl CommandCall {
    /// The name as the caller has it; of a component its custom id.
    pub(super) fn name(&self) -> &str {
        match &self.form {
            CallForm::Typed { name, .. } => name,
            CallForm::Run(line) | CallForm::Unknown(line) => &line.name,
            CallForm::Slash(interaction) | CallForm::Completion(interaction) => {
                interaction.data().str("name").unwrap_or_default()
            }
            CallForm::Component(_, interaction) => {
                interaction.data().str("custom_id").unwrap_or_default()
            }
        }
    }

    /// What stands before the name.
    pub(super) fn prefix(&self) -> &str {
        match &self.form {
            CallForm::Typed { prefix, .. } => prefix,
            CallForm::Run(line) | CallForm::Unknown(line) => &line.prefix,
            CallForm::Slash(_) | CallForm::Completion(_) | CallForm::Component(..) => "/",
        }
    }

    /// The interaction that is answered.
    pub(super) fn interaction(&self) -> Option<&Arc<Interaction>> {
        self.form.interaction()
    }

    /// The locale of whoever calls.
    pub(super) fn locale(&self, cog: &CogContext) -> String {
        match self.interaction() {
            Some(interaction) => locale_of(&cog.services, interaction.event()),
            None => locale_in(&cog.services, self.caller.str("guild_id")),
        }
    }

    /// The line that was typed.
    pub(super) fn line(&self) -> Line<'_> {
        let arguments = match &self.form {
            CallForm::Typed { arguments, .. } => *arguments,
            CallForm::Run(line) | CallForm::Unknown(line) => line.arguments,
            CallForm::Slash(_) | CallForm::Completion(_) | CallForm::Component(..) => {
                return Line {
                    content: "",
                    arguments: 0,
                };
            }
        };
        Line {
            content: self.caller.str("content").unwrap_or_default(),
            arguments,
        }
    }

    /// What its answers belong to.
    pub(super) fn origin(&self) -> CallOrigin {
        match &self.form {
            CallForm::Typed { .. } => CallOrigin::Message(self.caller.clone()),
            CallForm::Run(line) | CallForm::Unknown(line) => {
                match line.interaction::<Interaction>() {
                    Some(interaction) => CallOrigin::Interaction(Arc::clone(interaction)),
                    None => CallOrigin::Message(self.caller.clone()),
                }
            }
            CallForm::Slash(interaction) | CallForm::Component(_, interaction) => {
                CallOrigin::Interaction(Arc::clone(interaction.latest()))
            }
            CallForm::Completion(interaction) => CallOrigin::Completion(Arc::clone(interaction)),
        }
    }
}
