//! An operation, as the facts describe it.

use super::schema::{Field, Fields, Schema};
use super::shape::Shape;
use super::{Lazy, OPERATIONS};
use crate::hash::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// One operation of Discord's API. What it takes and answers is read when it is first looked at: of the hundreds of
/// operations, a bot needs some dozens.
pub struct Operation {
    /// Discord's name for it (`create_message`), which is the function's name in a cog.
    pub id: &'static str,
    /// What a cog must be granted to call it (`messages.send`); `host` is never granted.
    pub capability: &'static str,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The template of the path below `/api/v10` (`/channels/{channel_id}/messages`).
    pub path: &'static str,
    signature: Lazy<Signature>,
    /// The schema of the answer or of its items, once it was asked for (`schema::answer_kind`).
    pub(in crate::discord) answer_kind: OnceLock<Option<&'static str>>,
}

/// What an operation takes and answers; its fields are read as the operation's own.
#[derive(Debug, Default)]
pub struct Signature {
    /// The fields of the path.
    pub params: Fields,
    /// The fields of the query string.
    pub query: Fields,
    /// The type of the body: a schema's name, or several (`A|B`, `[A]|null`, `{string}`).
    pub body: Option<&'static str>,
    /// The type of the answer in the same notation. Nothing: there is no content.
    pub returns: Option<&'static str>,
    /// The statuses of answers that are no errors.
    pub statuses: Vec<u16>,
    /// Whether Discord may answer without content as well.
    pub may_be_empty: bool,
    /// Whether the body may be `multipart/form-data`, with files.
    pub multipart: bool,
    /// Whether the body must be a form: its fields are parts of their own, not a JSON document.
    pub form_only: bool,
    /// The field of the body that is a file in a form (`file`, `target_users_file`).
    pub file_field: Option<&'static str>,
    /// `body`, read.
    pub(in crate::discord) body_field: Option<Field>,
}

impl Deref for Operation {
    type Target = Signature;

    fn deref(&self) -> &Signature {
        &self.signature
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Operation({})", self.id)
    }
}

impl Operation {
    /// Whether cogs may ever call it.
    pub fn open_to_cogs(&self) -> bool {
        self.capability != "host"
    }

    /// The type of the body, read.
    pub(in crate::discord) fn body_shape(&self) -> Option<&Shape> {
        self.body_field.as_ref().map(|field| &field.shape)
    }

    /// Whether its path holds a token that stands for the bot's own: Discord asks for no other
    /// authorization, and does not count the request against the bot's global limit.
    pub(in crate::discord) fn carries_its_token(&self) -> bool {
        self.path.contains("_token}")
    }
}

impl From<RawOperation> for Operation {
    fn from(raw: RawOperation) -> Self {
        Self {
            id: raw.id,
            capability: raw.capability,
            method: raw.method,
            path: raw.path,
            answer_kind: OnceLock::new(),
            signature: Lazy::new(Box::new(move || raw.signature().unwrap_or_default())),
        }
    }
}

/// The same in `operations.json`.
#[derive(Deserialize)]
pub(super) struct RawOperation {
    pub(super) id: &'static str,
    capability: &'static str,
    method: &'static str,
    path: &'static str,
    #[serde(borrow = "'static")]
    params: &'static RawValue,
    #[serde(borrow = "'static")]
    query: &'static RawValue,
    #[serde(borrow = "'static")]
    body: &'static RawValue,
    #[serde(borrow = "'static")]
    returns: &'static RawValue,
}

impl RawOperation {
    /// What the operation takes and answers.
    pub(super) fn signature(&self) -> serde_json::Result<Signature> {
        let bodies: IndexMap<&str, &str> = serde_json::from_str(self.body.get())?;
        let returns: IndexMap<&str, Option<&str>> = serde_json::from_str(self.returns.get())?;
        let json = bodies.get("application/json").copied();
        let form = bodies.get("multipart/form-data").copied();
        let body = json.or(form);
        Ok(Signature {
            params: serde_json::from_str(self.params.get())?,
            query: serde_json::from_str(self.query.get())?,
            body,
            returns: returns.values().flatten().next().copied(),
            statuses: returns.keys().filter_map(|it| it.parse().ok()).collect(),
            may_be_empty: returns.values().any(Option::is_none),
            multipart: form.is_some(),
            form_only: json.is_none() && form.is_some(),
            file_field: form.and_then(file_field),
            body_field: body.map(|body| Field::plain(Shape::parse(body))),
        })
    }
}

/// The field of a form that holds its one file. Discord describes files as strings.
fn file_field(form: &'static str) -> Option<&'static str> {
    let fields = |name| match OPERATIONS.schemas.get(name).map(Deref::deref) {
        Some(Schema::Object(fields)) => Some(fields.keys().copied()),
        _ => None,
    };
    let names = Shape::parse(form).names();
    let mut names = names.into_iter().filter_map(fields).flatten();
    names.find(|name| ["file", "target_users_file"].contains(name))
}
