//! Takes the content from messages in Discord's answers that a cog may not read. What events bring, and what
//! a caller names, is the cog's to read; what it fetches by itself takes the capability `messages.read`.

use super::context::CogContext;
use super::services::Services;
use crate::discord::operations::Operation;
use crate::discord::schema::{answer_kind, field_kind};
use crate::json::{Json, JsonRef, Node, Writer};
use std::fmt;
use std::sync::Arc;

/// The schemas of messages.
const MESSAGES: [&str; 4] = [
    "MessageResponse",
    "BasicMessageResponse",
    "SearchMessageResponse",
    "LobbyMessageResponse",
];

/// The fields of a message that stay: where it is, who sent it, and when.
const SHOWN: [&str; 14] = [
    "id",
    "channel_id",
    "guild_id",
    "lobby_id",
    "author",
    "webhook_id",
    "application_id",
    "type",
    "flags",
    "timestamp",
    "edited_timestamp",
    "pinned",
    "position",
    "message_reference",
];

/// The field of an own message that stays hidden: what it forwards was written by others.
const SNAPSHOTS: &str = "message_snapshots";

/// What one cog may not see.
pub(super) struct Veil {
    services: Arc<Services>,
    cog: Arc<str>,
    sees_all: bool,
    /// The message that was sent, if it is the cog's. It stays so in this answer, however many follow.
    sent: Option<String>,
}

impl Veil {
    /// `sent` is the id of the message that the call has made.
    pub(super) fn of(cog: &CogContext, sent: Option<&str>) -> Self {
        let veil = Self {
            services: Arc::clone(&cog.services),
            cog: Arc::clone(&cog.name),
            sees_all: cog.capabilities.has("messages.read"),
            sent: None,
        };
        let sent = sent.filter(|id| !veil.sees_all && veil.is_own(id));
        Self {
            sent: sent.map(str::to_owned),
            ..veil
        }
    }

    /// The answer to an operation, as the cog may see it.
    pub(super) fn over(&self, operation: &'static Operation, answer: Json) -> Json {
        let schema = answer_kind(operation);
        let is_own = |id: &str| self.is_own(id);
        if self.sees_all || !hides(answer.view(), schema, &is_own) {
            return answer;
        }
        Json::written(|writer| without_content(writer, answer.view(), schema, &is_own))
    }

    fn is_own(&self, id: &str) -> bool {
        let is_sent = self.sent.as_deref() == Some(id);
        is_sent || self.services.own_messages.tie(&self.cog, id).is_some()
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Veil({})", self.cog)
    }
}

/// Which fields of an object stay: all of them, unless it is a message.
fn shown<'a>(
    object: JsonRef<'a>,
    schema: &'a str,
    is_own: &dyn Fn(&str) -> bool,
) -> impl Fn(&str) -> bool + use<'a> {
    let is_message = MESSAGES.contains(&schema);
    let is_own_message = is_message && object.str("id").is_some_and(is_own);
    move |name| match is_message {
        true if is_own_message => name != SNAPSHOTS,
        true => SHOWN.contains(&name),
        false => true,
    }
}

/// Whether anything has to be taken out. Most answers are to a message that the cog has just sent, and stay as they are.
fn hides(json: JsonRef<'_>, schema: Option<&'static str>, is_own: &dyn Fn(&str) -> bool) -> bool {
    match (json.node(), schema) {
        (Node::Array(mut items), _) => items.any(|item| hides(item, schema, is_own)),
        (Node::Object(mut fields), Some(schema)) => {
            let is_shown = shown(json, schema, is_own);
            fields.any(|(name, value)| {
                !is_shown(name)
                    || value.has_parts() && hides(value, field_kind(schema, name), is_own)
            })
        }
        _ => false,
    }
}

/// Writes the same without the content of messages that are not the cog's.
fn without_content(
    writer: &mut Writer,
    json: JsonRef<'_>,
    schema: Option<&'static str>,
    is_own: &dyn Fn(&str) -> bool,
) {
    match (json.node(), schema) {
        (Node::Array(items), _) => writer.array(|writer| {
            for item in items {
                without_content(writer, item, schema, is_own);
            }
        }),
        (Node::Object(fields), Some(schema)) => {
            let is_shown = shown(json, schema, is_own);
            writer.object(|writer| {
                for (name, value) in fields.filter(|(name, _)| is_shown(name)) {
                    writer.name(name);
                    without_content(writer, value, field_kind(schema, name), is_own);
                }
            });
        }
        _ => writer.copy(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::operations::operations;
    use crate::discord::schema::{fields, item_kind};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    fn veiled(answer: &Value, schema: &'static str) -> Value {
        let answer = Json::from(answer);
        let is_own = |id: &str| id == "1";
        let veiled = Json::written(|writer| {
            without_content(writer, answer.view(), Some(schema), &is_own);
        });
        let hides = hides(answer.view(), Some(schema), &is_own);
        assert_eq!(hides, veiled != answer, "{answer:?}");
        Value::from(&veiled)
    }

    /// An object of this schema with nothing in it but what leads to somebody else's message, if anything does.
    fn around_a_message(
        schema: &'static str,
        seen: &mut BTreeSet<&'static str>,
        depth: usize,
    ) -> Option<Value> {
        if MESSAGES.contains(&schema) {
            return Some(json!({ "id": "2", "content": "secret" }));
        }
        if depth == 0 || !seen.insert(schema) {
            return None;
        }
        fields(schema)?.iter().find_map(|(name, field)| {
            let inner = around_a_message(item_kind(&field.shape)?, seen, depth - 1)?;
            Some(json!({ *name: inner }))
        })
    }

    #[test]
    fn the_operations_whose_answers_bring_messages_are_found() {
        let open = operations().filter(|operation| operation.open_to_cogs());
        let bringing = open.filter(|operation| {
            let schema = answer_kind(operation);
            let answer = schema.and_then(|it| around_a_message(it, &mut BTreeSet::new(), 6));
            answer.is_some_and(|answer| hides(Json::from(&answer).view(), schema, &|_| false))
        });
        let ids: Vec<_> = bringing.map(|operation| operation.id).collect();
        insta::assert_snapshot!(ids.join(" "), @"list_messages create_message list_pins get_message update_message crosspost_message deprecated_list_pins poll_expire list_private_archived_threads list_public_archived_threads thread_search list_my_private_archived_threads guild_search get_active_guild_threads get_lobby_messages create_lobby_message execute_webhook get_webhook_message update_webhook_message");
    }

    #[test]
    fn only_the_cogs_own_messages_keep_their_content() {
        let own = json!({ "id": "1", "content": "mine", "embeds": [{ "title": "t" }] });
        assert_eq!(veiled(&own, "MessageResponse"), own);
        let foreign = json!({ "id": "2", "channel_id": "3", "content": "secret", "embeds": [], "new_field": "secret" });
        let shown = json!({ "id": "2", "channel_id": "3" });
        assert_eq!(veiled(&foreign, "MessageResponse"), shown);
        let reply = json!({
            "id": "1", "content": "mine", "referenced_message": foreign,
            "message_snapshots": [{ "message": { "content": "secret" } }],
        });
        let expected = json!({ "id": "1", "content": "mine", "referenced_message": shown });
        assert_eq!(veiled(&reply, "MessageResponse"), expected);
        let threads =
            json!({ "threads": [{ "id": "9", "name": "n" }], "first_messages": [foreign, own] });
        let expected =
            json!({ "threads": [{ "id": "9", "name": "n" }], "first_messages": [shown, own] });
        assert_eq!(veiled(&threads, "ThreadsResponse"), expected);
    }
}
