//! Commands that were running when the process before this one died: they are not run again, because nobody knows how
//! much of them was done. Their users get a message that says so.

use crate::api::locale::{language, locale_in};
use crate::api::services::Services;
use crate::commands::text::Text;
use crate::discord::{operation, reply_to};
use crate::supervisor::Interrupted;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take to be sent.
const DEADLINE: Duration = Duration::from_secs(30);

/// At most so many users get a message; after a flood the rest is only in the log.
const MOST_TOLD: usize = 100;

/// Tells each user.
pub(super) async fn tell(services: Arc<Services>, commands: Vec<Interrupted>) {
    let count = commands.len();
    if count > 0 {
        tracing::warn!(
            count,
            "Commands were running when the process died; they are not run again, and their users get a message"
        );
    }
    let Some(operation) = operation("create_message") else {
        return;
    };
    for command in commands.into_iter().take(MOST_TOLD) {
        let channel_id = command.channel.to_string();
        let channel = services.cache.channel(&channel_id);
        let guild = channel.as_ref().and_then(|it| it.str("guild_id"));
        let body = json!({
            "channel_id": channel_id,
            "content": Text::Interrupted {}.say(language(&services, &locale_in(&services, guild))),
            "message_reference": reply_to(&command.message.to_string()),
        });
        if let Err(error) = services.outbound.call(operation, body, DEADLINE).await {
            tracing::warn!(%error, "A user could not be told that a command was interrupted");
        }
    }
}
