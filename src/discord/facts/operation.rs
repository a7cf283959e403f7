//! An operation, as the facts describe it.

use super::schema::{Field, Fields};
use super::shape::Shape;
use crate::hash::IndexMap;
use serde::Deserialize;
use std::sync::OnceLock;

/// One operation of Discord's API.
#[derive(Debug)]
pub struct Operation {
    /// Discord's name for it (`create_message`), which is the function's name in a cog.
    pub id: &'static str,
    /// What a cog must be granted to call it (`messages.send`); `host` is never granted.
    pub capability: &'static str,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The template of the path below `/api/v10` (`/channels/{channel_id}/messages`).
    pub path: &'static str,
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
    /// The schema of the answer or of its items, once it was asked for (`schema::answer_kind`).
    pub(in crate::discord) answer_kind: OnceLock<Option<&'static str>>,
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
        let json = raw.body.get("application/json");
        let form = raw.body.get("multipart/form-data");
        let body = json.or(form).copied();
        Self {
            id: raw.id,
            capability: raw.capability,
            method: raw.method,
            path: raw.path,
            params: raw.params,
            query: raw.query,
            body,
            returns: raw.returns.values().flatten().next().copied(),
            statuses: raw
                .returns
                .keys()
                .filter_map(|it| it.parse().ok())
                .collect(),
            may_be_empty: raw.returns.values().any(Option::is_none),
            multipart: form.is_some(),
            form_only: json.is_none() && form.is_some(),
            file_field: None,
            body_field: body.map(|body| Field::plain(Shape::parse(body))),
            answer_kind: OnceLock::new(),
        }
    }
}

/// The same in `operations.json`.
#[derive(Deserialize)]
pub(super) struct RawOperation {
    pub(super) id: &'static str,
    pub(super) capability: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) params: Fields,
    pub(super) query: Fields,
    pub(super) body: IndexMap<&'static str, &'static str>,
    pub(super) returns: IndexMap<&'static str, Option<&'static str>>,
}
