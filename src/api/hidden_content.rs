//! Takes the content from messages in Discord's answers that a cog may not read. What events bring, and what
//! a caller names, is the cog's to read; what it fetches by itself takes the capability `messages.read`.

use super::context::CogContext;
use crate::discord::operations::{Operation, operations};
use crate::discord::schema::{Shape, field_kind, fields, item_kind};
use crate::json::{Json, JsonRef, Node, Writer};
use std::collections::BTreeSet;
use std::sync::LazyLock;

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

/// How deep schemas may be nested around a message.
const DEEPEST: usize = 6;

/// The answer to an operation, as this cog may see it.
pub(super) fn veil(cog: &CogContext, operation: &'static Operation, answer: Json) -> Json {
    if !BRING_MESSAGES.contains(operation.id) || cog.capabilities.has("messages.read") {
        return answer;
    }
    let schema = operation.returns.map(Shape::parse);
    let schema = schema.and_then(|shape| item_kind(&shape));
    let is_own = |id: &str| cog.services.own_messages.tie(&cog.name, id).is_some();
    Json::written(|writer| without_content(writer, answer.view(), schema, &is_own))
}

/// The operations in whose answers messages can stand.
static BRING_MESSAGES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let brings = |operation: &&Operation| {
        let shape = operation.returns.map(Shape::parse);
        shape.as_ref().is_some_and(brings_messages)
    };
    operations().filter(brings).map(|it| it.id).collect()
});

fn brings_messages(shape: &Shape) -> bool {
    fn reaches(name: &'static str, seen: &mut BTreeSet<&'static str>, depth: usize) -> bool {
        if MESSAGES.contains(&name) {
            return true;
        }
        if depth == 0 || !seen.insert(name) {
            return false;
        }
        let mut inner = fields(name).into_iter().flatten();
        inner.any(|(_, field)| {
            let mut names = field.shape.names().into_iter();
            names.any(|name| reaches(name, seen, depth - 1))
        })
    }
    let mut seen = BTreeSet::new();
    let mut names = shape.names().into_iter();
    names.any(|name| reaches(name, &mut seen, DEEPEST))
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
            let is_message = MESSAGES.contains(&schema);
            let is_own_message = json.str("id").is_some_and(is_own);
            let is_shown = |name: &str| match is_message {
                true if is_own_message => name != "message_snapshots",
                true => SHOWN.contains(&name),
                false => true,
            };
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
    use serde_json::{Value, json};

    fn veiled(answer: &Value, schema: &'static str) -> Value {
        let answer = Json::from(answer);
        let veiled = Json::written(|writer| {
            without_content(writer, answer.view(), Some(schema), &|id| id == "1");
        });
        Value::from(&veiled)
    }

    #[test]
    fn the_operations_whose_answers_bring_messages_are_found() {
        let open = operations().filter(|operation| operation.open_to_cogs());
        let ids: Vec<_> = open
            .map(|operation| operation.id)
            .filter(|id| BRING_MESSAGES.contains(id))
            .collect();
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
