//! Deletes the messages of a cog: at once, or a while after they were sent (`delete_after`).

use super::call::call;
use super::context::CogContext;
use super::interaction::Interaction;
use super::usage::TaskSlot;
use crate::host_tasks;
use crate::json::Json;
use crate::vm::host::HostResult;
use serde_json::{Map, Value as JsonValue};
use std::sync::Arc;
use std::time::Duration;

/// Where a message is.
#[derive(Clone, Debug)]
pub(super) struct MessagePlace {
    channel_id: String,
    message_id: String,
    /// The interaction that it answers: Discord knows some of its messages only by that.
    interaction: Option<Arc<Interaction>>,
}

impl MessagePlace {
    /// The place of a message: the ids of its channel and its own.
    pub(super) fn of((channel_id, message_id): (&str, &str)) -> Self {
        Self {
            message_id: message_id.to_owned(),
            channel_id: channel_id.to_owned(),
            interaction: None,
        }
    }

    /// The same of an answer to an interaction.
    pub(super) fn of_answer(ids: (&str, &str), interaction: &Arc<Interaction>) -> Self {
        Self {
            interaction: Some(Arc::clone(interaction)),
            ..Self::of(ids)
        }
    }

    /// Names the message in the arguments of an operation.
    pub(super) fn add_to(&self, arguments: &mut Map<String, JsonValue>) {
        if let Some(interaction) = &self.interaction {
            interaction.webhook(arguments);
        } else {
            arguments.insert("channel_id".to_owned(), self.channel_id.as_str().into());
        }
        arguments.insert("message_id".to_owned(), self.message_id.as_str().into());
    }

    /// The operation that edits it.
    pub(super) fn edited_by(&self) -> &'static str {
        match self.interaction {
            Some(_) => "update_webhook_message",
            None => "update_message",
        }
    }

    /// The same place as others find it; nothing if it is that already.
    pub(super) fn in_channel(&self) -> Option<Self> {
        self.interaction.as_ref()?;
        Some(Self {
            interaction: None,
            ..self.clone()
        })
    }

    /// Edits the message.
    pub(super) async fn edit(
        &self,
        cog: &CogContext,
        function: &'static str,
        mut body: Map<String, JsonValue>,
    ) -> HostResult<Option<Json>> {
        self.add_to(&mut body);
        call(cog, function, self.edited_by(), body, Vec::new()).await
    }

    fn deleted_by(&self) -> &'static str {
        match self.interaction {
            Some(_) => "delete_webhook_message",
            None => "delete_message",
        }
    }
}

/// A deletion that was asked for with the message, and its place among the cog's tasks.
pub(super) struct Deletion {
    after: Duration,
    place: TaskSlot,
}

impl Deletion {
    /// Takes a task slot before the message is sent; raises an error when there is none.
    pub(super) fn of(
        cog: &CogContext,
        function: &str,
        after: Option<Duration>,
    ) -> HostResult<Option<Self>> {
        let Some(after) = after else {
            return Ok(None);
        };
        let place = cog.limits.count_deletion(function)?;
        Ok(Some(Self { after, place }))
    }
}

/// Deletes a message of the cog's after a while, if that was asked for and the cog still runs then.
pub(super) fn delete_later(
    cog: &Arc<CogContext>,
    message: MessagePlace,
    deletion: Option<Deletion>,
) {
    let Some(Deletion { after, place }) = deletion else {
        return;
    };
    // Its time counts from here, and the alarm counts as firing until the message is deleted.
    let alarm = cog.services.clock.alarm(after);
    // A cog that was unloaded is not kept for it.
    let cog = Arc::downgrade(cog);
    host_tasks::errand(async move {
        let _place = place;
        let _woken = alarm.await;
        let Some(cog) = cog.upgrade().filter(|cog| cog.spawner.has_actor()) else {
            return;
        };
        // The message may be gone already, and so may the bot's access to it.
        let _deleted = delete(&cog, "delete_after", &message).await.is_ok();
    });
}

/// Deletes a message.
pub(super) async fn delete(
    cog: &CogContext,
    function: &'static str,
    message: &MessagePlace,
) -> HostResult<Option<Json>> {
    let mut target = Map::new();
    message.add_to(&mut target);
    call(cog, function, message.deleted_by(), target, Vec::new()).await
}
