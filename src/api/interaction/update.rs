//! `ctx:update`: edits the message that a component sits on.

use super::without_flags_of_new_messages;
use super::{ANSWERED_ALREADY, Interaction, OF_CHANNELS, Progress, UPDATE};
use crate::api::call::{PreparedCall, call_error, known, prepare, send};
use crate::api::context::CogContext;
use crate::api::deletion::MessagePlace;
use crate::discord::arguments::File;
use crate::discord::outbound::CallError;
use crate::json::JsonRef;
use crate::vm::host::{HostError, HostResult};
use serde_json::{Map, Value};
use std::sync::Arc;

impl Interaction {
    /// Edits the message that it comes from: as the first answer, or later. Returns where the message is.
    pub(in crate::api) async fn update(
        self: &Arc<Self>,
        cog: &CogContext,
        function: &'static str,
        (mut body, files): (Map<String, Value>, Vec<File>),
    ) -> HostResult<Option<MessagePlace>> {
        let message = self.message().ok_or_else(|| no_message(function))?;
        for field in OF_CHANNELS {
            body.remove(field);
        }
        without_flags_of_new_messages(&mut body);
        let edit = |progress| {
            let (body, files) = (body.clone(), files.clone());
            self.edit_of(progress, (body, files), cog, function)
        };
        // What is wrong with it is said in the author's words, before anything is changed.
        drop(edit(Progress::Updated)?);
        cog.state.writes_committed().await?;
        let mut progress = self.progress.lock().await;
        loop {
            let now = *progress;
            match send(cog, edit(now)?).await? {
                Ok(_) => {
                    let next = match now {
                        Progress::Waiting => Progress::Updated,
                        other => other,
                    };
                    self.note(&mut progress, next);
                    let ids = message.str("channel_id").zip(message.str("id"));
                    return Ok(ids.map(|ids| match next {
                        Progress::Updated => MessagePlace::of_answer(ids, self),
                        _ => MessagePlace::of(ids),
                    }));
                }
                // An attempt that seemed to fail had come through.
                Err(CallError::Discord(error))
                    if now == Progress::Waiting && error.code == ANSWERED_ALREADY =>
                {
                    self.note(&mut progress, Progress::Updated);
                }
                Err(error) => return Err(call_error(cog, function, &error)),
            }
        }
    }

    /// The call that edits the message.
    fn edit_of(
        &self,
        progress: Progress,
        (mut body, files): (Map<String, Value>, Vec<File>),
        cog: &CogContext,
        function: &'static str,
    ) -> HostResult<PreparedCall> {
        let (operation, arguments) = match progress {
            Progress::Waiting => {
                let mut first = self.first(UPDATE);
                first.insert("data".to_owned(), body.into());
                ("create_interaction_response", first)
            }
            Progress::Updated => {
                self.webhook(&mut body);
                ("update_original_webhook_message", body)
            }
            // `@original` is another message: what is left is the way on which any message is edited.
            Progress::Deferred { .. } | Progress::Answered => {
                let message = self.message().unwrap_or(JsonRef::NULL);
                if self.is_on_ephemeral() {
                    let why = "a message for one person alone can be changed only before ctx:reply; call ctx:update first";
                    return Err(HostError::new("phase", format!("{function}: {why}")).into());
                }
                for (name, field) in [("channel_id", "channel_id"), ("message_id", "id")] {
                    let id = message.str(field).unwrap_or_default();
                    body.insert(name.to_owned(), id.into());
                }
                ("update_message", body)
            }
        };
        prepare(cog, function, known(operation)?, arguments, files, None)
            .map(|call| call.needing(None))
    }
}

fn no_message(function: &str) -> HostError {
    let message = format!(
        "{function}: this call does not come from a component on a message; ctx:edit changes the last answer"
    );
    HostError::new("phase", message)
}
