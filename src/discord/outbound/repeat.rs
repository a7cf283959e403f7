//! Decides which requests are sent again after which failures.
//!
//! | what became of the request | what has the same effect twice | everything else |
//! |---|---|---|
//! | there was no connection, so it was never sent | again | again |
//! | the connection broke in the middle of a refusal | again | again |
//! | 429: refused before anything was done | again, when the limit allows it (see `limits`) | the same |
//! | 408, a status from 500 on, a connection that broke: it may have been carried out | again | **not** again: it could be done twice |
//! | 501, every other refusal, an answer that cannot be used | not again: it would be the same | the same |
//!
//! What has the same effect twice is said by [`Effect::of`]. A message is made to be so with a nonce ([`make_unique`]).

use crate::discord::arguments::Prepared;
use hyper::StatusCode;
use serde_json::Value;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happened to a request without a usable response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttemptFailure {
    /// It was not received, or it was refused for an unknown reason.
    NotDone,
    /// It may have been carried out.
    MaybeDone,
    /// Another attempt would end the same way.
    Final,
}

impl AttemptFailure {
    /// The meaning of a status that is neither a success nor 429.
    pub(super) fn of_status(status: StatusCode) -> Self {
        // A proxy between the bot and Discord answers 408 when it gave up waiting, but does not say for which side. And
        // a server that answers 501 does not support the request and will not later.
        let is_fault = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
        if is_fault || status == StatusCode::REQUEST_TIMEOUT {
            Self::MaybeDone
        } else {
            Self::Final
        }
    }

    /// Whether a request is sent again after this.
    pub(super) fn is_repeated(self, effect: Effect) -> bool {
        match self {
            Self::NotDone => true,
            Self::MaybeDone => effect == Effect::Same,
            Self::Final => false,
        }
    }
}

/// The effect of sending a request twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The same as to send it once.
    Same,
    /// Something is there twice, or has happened twice.
    Twice,
}

/// POST that has the same effect twice, and why.
const HARMLESS_POSTS: [(&str, &str); 4] = [
    ("create_dm", "there is one such channel, which is opened"),
    ("trigger_typing_indicator", "it only lasts a little longer"),
    ("bulk_delete_messages", "what is gone is left out"),
    ("poll_expire", "what has ended stays so"),
];

impl Effect {
    pub(super) fn of(prepared: &Prepared) -> Self {
        let is_same = match prepared.method {
            // Fields get values, whatever they were. New files are added to those that a message has, unless the
            // request says which are to be there in the end.
            "PATCH" => prepared.files.is_empty() || has(prepared, "attachments"),
            "POST" => {
                let id = prepared.operation.id;
                is_unique(prepared) || HARMLESS_POSTS.iter().any(|(harmless, _)| *harmless == id)
            }
            // GET asks, PUT says how something is to be, DELETE that it is to be gone.
            _ => true,
        };
        if is_same { Self::Same } else { Self::Twice }
    }
}

/// Whether Discord makes one thing of it however often it comes.
fn is_unique(prepared: &Prepared) -> bool {
    let body = prepared.body.as_ref();
    let enforced = body.and_then(|body| body.get("enforce_nonce"));
    enforced == Some(&Value::Bool(true)) && has(prepared, "nonce")
}

fn has(prepared: &Prepared, field: &str) -> bool {
    let body = prepared.body.as_ref();
    let value = body.and_then(|body| body.get(field));
    value.is_some_and(|value| !value.is_null())
}

/// Gives a message a nonce, by which Discord knows it when it comes again. A nonce from the author stays as it is.
pub(super) fn make_unique(prepared: &mut Prepared) {
    if prepared.operation.takes_field("enforce_nonce")
        && !has(prepared, "nonce")
        && let Some(Value::Object(body)) = &mut prepared.body
    {
        body.insert("nonce".to_owned(), new_nonce().into());
        body.insert("enforce_nonce".to_owned(), true.into());
    }
}

/// A text that no other message of this bot has: Discord takes 25 characters.
fn new_nonce() -> String {
    static PROCESS: LazyLock<String> = LazyLock::new(|| {
        let mut random = [0; 8];
        let number = match getrandom::fill(&mut random) {
            Ok(()) => u64::from_le_bytes(random),
            // Only an earlier process of this bot has to be told apart, and for minutes.
            Err(_) => crate::clock::Clock::system().now().as_secs(),
        };
        format!("{number:016x}")
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) & 0xF_FFFF_FFFF;
    format!("{}{count:09x}", *PROCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discord::arguments::{File, prepare_with};
    use crate::discord::operations::{operation, operations};
    use serde_json::json;

    fn effect(id: &str, arguments: Value, files: Vec<File>) -> Effect {
        let mut prepared = prepare_with(operation(id).unwrap(), arguments, files).unwrap();
        make_unique(&mut prepared);
        Effect::of(&prepared)
    }

    #[test]
    fn messages_are_unique_unless_their_author_wants_it_otherwise() {
        let message = |more: Value| {
            let mut fields = json!({ "channel_id": "5", "content": "hi" });
            fields
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            effect("create_message", fields, Vec::new())
        };
        assert_eq!(message(json!({})), Effect::Same);
        assert_eq!(message(json!({ "nonce": null })), Effect::Same);
        assert_eq!(message(json!({ "enforce_nonce": true })), Effect::Same);
        assert_eq!(
            message(json!({ "nonce": "1", "enforce_nonce": true })),
            Effect::Same
        );
        assert_eq!(message(json!({ "nonce": "1" })), Effect::Twice);
    }

    #[test]
    fn an_edit_that_adds_files_is_not_the_same_twice() {
        let edit = json!({ "channel_id": "5", "message_id": "6", "content": "hi" });
        let mut whole = edit.clone();
        whole["attachments"] = json!([{ "id": "0" }]);
        let file = || vec![File::new("a.txt", *b"a")];
        assert_eq!(
            effect("update_message", edit.clone(), Vec::new()),
            Effect::Same
        );
        assert_eq!(effect("update_message", edit, file()), Effect::Twice);
        assert_eq!(effect("update_message", whole, file()), Effect::Same);
    }

    #[test]
    fn nonces_differ_and_are_short_enough() {
        let (one, other) = (new_nonce(), new_nonce());
        assert_ne!(one, other);
        assert!(one.len() <= 25, "{one}");
    }

    #[test]
    fn the_posts_that_are_named_are_there() {
        for (id, _) in HARMLESS_POSTS {
            assert_eq!(operation(id).unwrap().method, "POST");
        }
        let unique: Vec<_> = operations()
            .filter(|operation| operation.takes_field("enforce_nonce"))
            .map(|operation| operation.id)
            .collect();
        assert_eq!(unique, ["create_message", "create_lobby_message"]);
    }

    #[test]
    fn the_table() {
        let of = |status| AttemptFailure::of_status(StatusCode::from_u16(status).unwrap());
        for status in [408, 500, 502, 503, 504, 520, 524] {
            assert_eq!(of(status), AttemptFailure::MaybeDone, "{status}");
        }
        for status in [302, 400, 401, 403, 404, 405, 409, 501] {
            assert_eq!(of(status), AttemptFailure::Final, "{status}");
        }
        let table = [
            AttemptFailure::NotDone,
            AttemptFailure::MaybeDone,
            AttemptFailure::Final,
        ]
        .map(|failure| [Effect::Same, Effect::Twice].map(|it| failure.is_repeated(it)));
        assert_eq!(table, [[true, true], [true, false], [false, false]]);
    }
}
