//! Takes the content from messages in Discord's answers that a cog may not read. What events bring, and what
//! a caller names, is the cog's to read; what it fetches by itself takes the capability `messages.read`.

use super::context::CogContext;
use crate::discord::operations::{Operation, operations};
use crate::discord::schema::{Schema, Shape, field_kind, item_kind, schemas};
use crate::json::{Json, JsonRef, Node, Writer};
use std::collections::HashMap;
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

/// The field of an own message that stays hidden: what it forwards was written by others.
const SNAPSHOTS: &str = "message_snapshots";

/// The answer to an operation, as this cog may see it.
pub(super) fn veil(cog: &CogContext, operation: &'static Operation, answer: Json) -> Json {
    let Some(schema) = BRING_MESSAGES.get(operation.id) else {
        return answer;
    };
    let is_own = |id: &str| cog.services.own_messages.tie(&cog.name, id).is_some();
    if cog.capabilities.has("messages.read") || !hides(answer.view(), *schema, &is_own) {
        return answer;
    }
    Json::written(|writer| without_content(writer, answer.view(), *schema, &is_own))
}

/// The operations in whose answers messages can stand, with the schema of the answers or of their items.
static BRING_MESSAGES: LazyLock<HashMap<&'static str, Option<&'static str>>> =
    LazyLock::new(|| {
        let shapes = operations().filter_map(|it| Some((it.id, Shape::parse(it.returns?))));
        let bring = shapes.filter(|(_, shape)| leads_to(shape, is_message_or_around));
        bring.map(|(id, shape)| (id, item_kind(&shape))).collect()
    });

/// The schemas around messages, with the fields in which messages can stand, at any depth.
static AROUND_MESSAGES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let mut found: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
    loop {
        let known = |name: &str| MESSAGES.contains(&name) || found.contains_key(name);
        let around = schemas().filter_map(|(schema, described)| {
            let Schema::Object(fields) = described else {
                return None;
            };
            let leading = fields
                .iter()
                .filter(|(_, field)| leads_to(&field.shape, known));
            let names: Vec<_> = leading.map(|(name, _)| *name).collect();
            (!names.is_empty()).then_some((schema, names))
        });
        let more: HashMap<_, _> = around.collect();
        if more == found {
            return found;
        }
        found = more;
    }
});

fn is_message_or_around(schema: &str) -> bool {
    MESSAGES.contains(&schema) || AROUND_MESSAGES.contains_key(schema)
}

fn leads_to(shape: &Shape, is_wanted: impl Fn(&str) -> bool) -> bool {
    shape.names().into_iter().any(is_wanted)
}

/// Whether anything has to be taken out: most answers are to a message that the cog has just sent.
fn hides(json: JsonRef<'_>, schema: Option<&'static str>, is_own: &dyn Fn(&str) -> bool) -> bool {
    match (json.node(), schema) {
        (Node::Array(mut items), _) => items.any(|item| hides(item, schema, is_own)),
        (Node::Object(_), Some(schema)) => {
            if MESSAGES.contains(&schema)
                && (!json.str("id").is_some_and(is_own) || json.get(SNAPSHOTS).is_some())
            {
                return true;
            }
            let mut names = AROUND_MESSAGES.get(schema).into_iter().flatten();
            names.any(|name| {
                json.get(name)
                    .is_some_and(|value| hides(value, field_kind(schema, name), is_own))
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
            let is_message = MESSAGES.contains(&schema);
            let is_own_message = json.str("id").is_some_and(is_own);
            let is_shown = |name: &str| match is_message {
                true if is_own_message => name != SNAPSHOTS,
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
        let is_own = |id: &str| id == "1";
        let veiled = Json::written(|writer| {
            without_content(writer, answer.view(), Some(schema), &is_own);
        });
        let hides = hides(answer.view(), Some(schema), &is_own);
        assert_eq!(hides, veiled != answer, "{answer:?}");
        Value::from(&veiled)
    }

    #[test]
    fn the_operations_whose_answers_bring_messages_are_found() {
        let open = operations().filter(|operation| operation.open_to_cogs());
        let ids: Vec<_> = open
            .map(|operation| operation.id)
            .filter(|id| BRING_MESSAGES.contains_key(id))
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
