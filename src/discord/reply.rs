//! Messages that answer others.

use serde_json::{Value, json};

/// The `message_reference` of a reply to a message. Whether that message is still there does not matter: without it,
/// the reply is an ordinary message.
pub fn reply_to(message_id: &str) -> Value {
    json!({ "message_id": message_id, "fail_if_not_exists": false })
}
