//! What a method is called on, and its fields.

use super::object::Object;
use crate::discord::schema::Kind;
use crate::json::{Json, JsonRef};
use crate::vm::host::{Arguments, HostError, HostFailure, HostResult, describe};
use mlua::Value;

/// The object before the colon.
pub(super) fn this(arguments: &Arguments) -> HostResult<Object> {
    let value = arguments.value(0);
    let wrong = || -> HostFailure {
        let name = arguments.function();
        let message = format!(
            "{name}: called on {}; write a colon, as in `{name}(…)`",
            describe(&value)
        );
        HostError::new("argument", message).into()
    };
    let Value::UserData(data) = &value else {
        return Err(wrong());
    };
    data.borrow::<Object>()
        .map(|object| object.clone())
        .map_err(|_| wrong())
}

/// The object before the colon, of the kind that the method is for: another one's fields may lead elsewhere.
pub(super) fn this_of(arguments: &Arguments, kind: Kind) -> HostResult<Object> {
    let object = this(arguments)?;
    if object.kind() == Some(kind) {
        return Ok(object);
    }
    let name = arguments.function();
    let owner = name.split(':').next().unwrap_or_default();
    let message = format!("{name}: called on something that is not a {owner}");
    Err(HostError::new("argument", message).into())
}

/// A text in the object, which must be there.
pub(super) fn field<'a>(
    json: &'a Json,
    arguments: &Arguments,
    path: &[&str],
) -> HostResult<&'a str> {
    json.at(path).and_then(JsonRef::as_str).ok_or_else(|| {
        let message = format!(
            "{}: this object has no {}",
            arguments.function(),
            path.join(".")
        );
        HostError::new("argument", message).into()
    })
}
