//! What a cog may do without a capability, and what it needs for the rest.
//!
//! | act | without a capability | otherwise |
//! |---|---|---|
//! | `ctx:reply`, `ctx:send`, `ctx:help`, `ctx:typing` | where it was called; `ephemeral`: to the caller alone | |
//! | `ctx:edit`, `ctx:delete`, `delete_after` | the call's last answer; the message that was just sent | |
//! | `message:reply` | to the message that called it, and to its own answers | `messages.send` |
//! | `message:edit` | its own answers | what it took to send the message, or `messages.send` |
//! | `message:delete` | its own answers | the same for the bot's messages, else `messages.manage` |
//! | `message:react`, `message:pin` | nothing | `reactions.add`, `messages.manage` |
//! | `channel:send`, `channel:typing` | nothing | `messages.send` |
//! | `user:send`, `member:send` | nothing | `dm.send` |
//! | `message_reference` | the message that called it, and its own | `messages.read` |
//! | `allowed_mentions` | users | roles and everyone: `mentions.everyone` |
//! | operations of `guild.read` | all; messages in the answers come without content | `messages.read` |
//! | every other operation | nothing | the operation's capability |
//!
//! An answer is what a cog sends where it was called. Which messages are a cog's is in `own_messages`.

use super::context::CogContext;
use super::own_messages::Tie;
use crate::discord::arguments::Prepared;
use crate::json::{Json, JsonRef};
use crate::vm::host::HostResult;
use serde_json::Value;

/// The words in a source behind which a capability may be needed: methods, functions and fields, as in the table above.
/// Discord's operations are not among them; they say themselves what they need.
pub const WORDS: [(&str, &[&str]); 13] = [
    (
        "messages.send",
        &["reply", "edit", "delete", "send", "typing"],
    ),
    ("messages.manage", &["delete", "pin", "flags"]),
    (
        "messages.read",
        &[
            "message_reference",
            // Answers of these bring messages.
            "poll_expire",
            "list_private_archived_threads",
            "list_public_archived_threads",
            "list_my_private_archived_threads",
            "thread_search",
            "guild_search",
            "get_active_guild_threads",
            "get_lobby_messages",
            "crosspost_message",
            "get_webhook_message",
            "update_webhook_message",
        ],
    ),
    ("reactions.add", &["react"]),
    ("dm.send", &["send"]),
    ("roles.assign", &["add_role", "remove_role"]),
    ("roles.manage", &["delete"]),
    ("channels.manage", &["delete"]),
    ("members.moderate", &["timeout", "kick"]),
    ("members.ban", &["ban"]),
    ("members.read", &["request_members"]),
    ("mentions.everyone", &["allowed_mentions"]),
    ("commands.run", &["run"]),
];

/// A capability that is needed, or nothing.
pub(super) type Need = Option<&'static str>;

/// What it takes to reply to a message.
pub(super) fn to_reply(cog: &CogContext, message: &Json) -> Need {
    match tie(cog, message) {
        Some(Tie::Called | Tie::Answer) => None,
        _ => Some("messages.send"),
    }
}

/// What it takes to edit a message.
pub(super) fn to_edit(cog: &CogContext, message: &Json) -> Need {
    own(cog, message).unwrap_or(Some("messages.send"))
}

/// What it takes to delete a message. Who may edit the bot's messages may empty them, so that deleting one
/// takes no more.
pub(super) fn to_delete(cog: &CogContext, message: &Json) -> Need {
    let author = message.at(&["author", "id"]).and_then(JsonRef::as_str);
    let is_bots = author.is_some_and(|author| author == cog.services.identity.load().id());
    let others = if is_bots {
        "messages.send"
    } else {
        "messages.manage"
    };
    own(cog, message).unwrap_or(Some(others))
}

/// What it takes to change a message that the cog sent itself; nothing for any other.
fn own(cog: &CogContext, message: &Json) -> Option<Need> {
    match tie(cog, message)? {
        Tie::Answer => Some(None),
        Tie::Sent(capability) => Some(Some(capability)),
        Tie::Called => None,
    }
}

fn tie(cog: &CogContext, message: &Json) -> Option<Tie> {
    cog.services.own_messages.tie(&cog.name, message.str("id")?)
}

/// How the message that a call makes will be the cog's.
pub(super) fn tie_of(need: Need) -> Tie {
    need.map_or(Tie::Answer, Tie::Sent)
}

/// What a request is about, as far as it is not in its body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Subject<'a> {
    /// The message whose content the cog has been given, and which it may therefore refer to.
    pub heard: Option<&'a str>,
    /// The message that is changed.
    pub changed: Option<&'a str>,
}

/// Raises when the body of a request asks for more than its operation's capability allows.
pub(super) fn check(
    cog: &CogContext,
    function: &str,
    request: &Prepared,
    subject: Subject<'_>,
) -> HostResult<()> {
    let known = |id: &str| cog.services.own_messages.tie(&cog.name, id).is_some();
    let body = request.body.as_ref().unwrap_or(&Value::Null);
    if mentions_many(request.operation.id, body) {
        cog.capabilities.require(function, "mentions.everyone")?;
    }
    let is_free = |id: &str| subject.heard == Some(id) || known(id);
    if refers_elsewhere(body, &is_free) {
        cog.capabilities.require(function, "messages.read")?;
    }
    let is_foreign = subject.changed.is_some_and(|id| !known(id));
    if request.operation.id == "update_message" && is_foreign && changes_flags_only(body) {
        cog.capabilities.require(function, "messages.manage")?;
    }
    Ok(())
}

/// Whether a message may reach more people than those that it names: roles, `@everyone` and `@here`.
fn mentions_many(operation: &str, body: &Value) -> bool {
    // These bodies have no field that could keep a mention from reaching people.
    let cannot_be_silenced = [
        "execute_slack_compatible_webhook",
        "execute_github_compatible_webhook",
    ];
    cannot_be_silenced.contains(&operation)
        || any_named(body, "allowed_mentions", &|allowed| {
            let items = |name: &str| allowed[name].as_array().map_or(&[][..], Vec::as_slice);
            items("parse").iter().any(|kind| kind != "users") || !items("roles").is_empty()
        })
}

/// Whether a message shows another one: a forward copies it, and a reply comes back with it.
fn refers_elsewhere(body: &Value, is_free: &dyn Fn(&str) -> bool) -> bool {
    any_named(body, "message_reference", &|reference| {
        let is_reply = matches!(reference["type"].as_u64(), Some(0)) || reference["type"].is_null();
        reference.is_object()
            && !(is_reply && reference["message_id"].as_str().is_some_and(is_free))
    })
}

/// Whether an edit is one that Discord also takes for somebody else's message.
fn changes_flags_only(body: &Value) -> bool {
    let fields = body.as_object();
    fields.is_some_and(|fields| fields.keys().all(|name| name == "flags"))
}

/// Whether a test holds for any field of this name, however deep.
fn any_named(value: &Value, name: &str, test: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, inner)| (key == name && test(inner)) || any_named(inner, name, test)),
        Value::Array(items) => items.iter().any(|item| any_named(item, name, test)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn roles_and_everyone_are_many_wherever_they_are_asked_for() {
        let many = |body: Value| mentions_many("create_message", &body);
        for allowed in [
            json!({ "parse": ["everyone"] }),
            json!({ "parse": ["users", "roles"] }),
            json!({ "parse": [], "roles": ["1"] }),
            json!({ "parse": ["EVERYONE"] }),
        ] {
            assert!(many(json!({ "allowed_mentions": allowed })), "{allowed}");
            let inner = json!({ "message": { "allowed_mentions": allowed } });
            assert!(many(inner), "{allowed}");
        }
        assert!(!many(
            json!({ "allowed_mentions": { "parse": ["users"], "roles": [] } })
        ));
        assert!(!many(json!({ "content": "@everyone" })));
        assert!(mentions_many(
            "execute_slack_compatible_webhook",
            &json!({ "text": "@everyone" })
        ));
    }

    #[test]
    fn a_reply_may_refer_to_what_the_cog_knows_and_a_forward_to_nothing() {
        let elsewhere = |reference: Value| {
            refers_elsewhere(&json!({ "message_reference": reference }), &|id| id == "1")
        };
        assert!(!elsewhere(json!({ "message_id": "1" })));
        assert!(!elsewhere(json!({ "message_id": "1", "type": 0 })));
        assert!(!elsewhere(Value::Null));
        assert!(elsewhere(json!({ "message_id": "2" })));
        assert!(elsewhere(json!({ "message_id": "01" })));
        assert!(elsewhere(json!({ "message_id": "1", "type": 1 })));
        assert!(elsewhere(json!({ "message_id": "1", "type": "0" })));
        assert!(elsewhere(json!({})));
    }
}
