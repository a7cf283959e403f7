//! The operations of Discord's API that a bot may call.

use super::facts::{OPERATIONS, RawOperation};
use super::schema::{Fields, Shape};
use crate::nearest::nearest;

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
    /// Whether Discord may answer without content as well.
    pub may_be_empty: bool,
    /// Whether the body may be `multipart/form-data`, with files.
    pub multipart: bool,
    /// Whether the body must be a form: its fields are parts of their own, not a JSON document.
    pub form_only: bool,
    /// The field of the body that is a file in a form (`file`, `target_users_file`).
    pub file_field: Option<&'static str>,
    /// `body`, read.
    pub(super) body_shape: Option<Shape>,
}

impl Operation {
    /// Whether cogs may ever call it.
    pub fn open_to_cogs(&self) -> bool {
        self.capability != "host"
    }

    /// Whether its path holds a token that stands for the bot's own: Discord asks for no other
    /// authorization, and does not count the request against the bot's global limit.
    pub fn carries_its_token(&self) -> bool {
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
            may_be_empty: raw.returns.values().any(Option::is_none),
            multipart: form.is_some(),
            form_only: json.is_none() && form.is_some(),
            file_field: None,
            body_shape: body.map(Shape::parse),
        }
    }
}

/// The operation called `id`.
pub fn operation(id: &str) -> Option<&'static Operation> {
    OPERATIONS.by_id.get(id)
}

/// All operations, in the order of their paths.
pub fn operations() -> impl ExactSizeIterator<Item = &'static Operation> {
    OPERATIONS.by_id.values()
}

/// The operation open to cogs whose name is most like `id`, if one is like it at all.
pub fn nearest_operation(id: &str) -> Option<&'static str> {
    let open = operations().filter(|operation| operation.open_to_cogs());
    nearest(id, open.map(|operation| operation.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_its_name() {
        let create = operation("create_message").unwrap();
        assert_eq!(create.capability, "messages.send");
        assert_eq!(create.path, "/channels/{channel_id}/messages");
        assert_eq!(create.body, Some("MessageCreateRequest"));
        assert_eq!(create.returns, Some("MessageResponse"));
        assert!(create.multipart && !create.form_only);
        assert!(operation("create_guild_sticker").unwrap().form_only);
        assert_eq!(nearest_operation("creat_mesage"), Some("create_message"));
        assert_eq!(nearest_operation("zzzz"), None);
        let open = operations().filter(|operation| operation.open_to_cogs());
        assert_eq!(open.count(), 196);
    }
}
