//! What Discord has answered to a call of a cog. A message that was sent is read when somebody looks at it: most cogs
//! only send.

use super::hidden_content::Veil;
use crate::discord::missing_fields::found_in_guild;
use crate::discord::operations::Operation;
use crate::discord::outbound::{AnswerBody, SentMessage};
use crate::discord::schema::answer_kind;
use crate::json::Json;
use std::sync::{Arc, OnceLock};

/// An answer, as the cog may see it. Clones share it.
#[derive(Clone, Debug)]
pub enum CallAnswer {
    /// It has been read.
    Read(Json),
    /// A message that was sent.
    Sent(Arc<Sent>),
}

/// A message that is read when it is first looked at.
#[derive(Debug)]
pub struct Sent {
    message: SentMessage,
    view: AnswerView,
    json: OnceLock<Json>,
}

/// How a cog sees the answers to one operation.
#[derive(Debug)]
pub(super) struct AnswerView {
    pub(super) operation: &'static Operation,
    pub(super) veil: Veil,
    /// Which guild the call has named.
    pub(super) guild: Option<String>,
}

impl AnswerView {
    fn shown(&self, json: Json) -> Json {
        let json = self.veil.over(self.operation, json);
        match &self.guild {
            Some(guild) => found_in_guild(json, answer_kind(self.operation), guild),
            None => json,
        }
    }
}

impl CallAnswer {
    /// Nothing where Discord has answered without content.
    pub(super) fn of(body: AnswerBody, view: AnswerView) -> Option<Self> {
        match body {
            AnswerBody::Empty => None,
            AnswerBody::Read(json) => Some(Self::Read(view.shown(json))),
            AnswerBody::Sent(message) => Some(Self::Sent(Arc::new(Sent {
                message,
                view,
                json: OnceLock::new(),
            }))),
        }
    }

    pub(super) fn json(&self) -> &Json {
        match self {
            Self::Read(json) => json,
            Self::Sent(sent) => sent
                .json
                .get_or_init(|| sent.view.shown(sent.message.read())),
        }
    }

    pub(super) fn into_json(self) -> Json {
        match self {
            Self::Read(json) => json,
            Self::Sent(_) => self.json().clone(),
        }
    }

    /// The ids of the channel and of the message, if it is one.
    pub(super) fn place(&self) -> Option<(&str, &str)> {
        match self {
            Self::Read(json) => Some((json.str("channel_id")?, json.str("id")?)),
            Self::Sent(sent) => Some((sent.message.channel_id(), sent.message.id())),
        }
    }

    /// What it takes at most, read or not.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Read(json) => json.bytes(),
            Self::Sent(sent) => sent.message.bytes(),
        }
    }
}
