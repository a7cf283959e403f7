//! Deletes the messages of a cog: at once, or a while after they were sent (`delete_after`).

use super::call::call;
use super::context::CogContext;
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
    pub(super) channel_id: String,
    pub(super) message_id: String,
}

impl MessagePlace {
    /// The place of a message that Discord has sent.
    pub(super) fn of(message: &Json) -> Option<Self> {
        Some(Self {
            message_id: message.str("id")?.to_owned(),
            channel_id: message.str("channel_id")?.to_owned(),
        })
    }

    /// Names the message in the arguments of an operation.
    pub(super) fn add_to(&self, arguments: &mut Map<String, JsonValue>) {
        arguments.insert("channel_id".to_owned(), self.channel_id.as_str().into());
        arguments.insert("message_id".to_owned(), self.message_id.as_str().into());
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
    call(cog, function, "delete_message", target, Vec::new()).await
}
