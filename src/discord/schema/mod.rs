//! What Discord's objects look like. The schemas are in `facts`, and asked for here:
//!
//! ```text
//! mod (a schema by its name) ─ check, scalars (a body against its schema)
//!                            ├ words (types and values in errors)
//!                            └ kinds (which objects have methods)
//! ```

mod check;
mod kinds;
mod scalars;
mod words;

pub use check::{Violation, check_body};
pub(crate) use check::{check_field, meant};
pub use kinds::{Kind, answer_kind, field_kind, item_kind, kind_of};
pub(crate) use words::{expected, got};

use super::facts::{EVENTS, OPERATIONS};
pub use super::facts::{Field, Fields, Limits, Schema, Shape};
use std::ops::Deref;

/// The schema called `name`: one of the API's (`MessageResponse`), or an event's under its gateway
/// name (`MESSAGE_CREATE`).
pub fn schema(name: &str) -> Option<&'static Schema> {
    let found = OPERATIONS.schemas.get(name);
    found.or_else(|| EVENTS.objects.get(name)).map(Deref::deref)
}

/// The fields of the object schema called `name`.
pub fn fields(name: &str) -> Option<&'static Fields> {
    match schema(name)? {
        Schema::Object(fields) => Some(fields),
        _ => None,
    }
}

/// The names of the API's schemas, without the events'.
#[cfg(test)]
pub(super) fn schemas() -> impl Iterator<Item = (&'static str, &'static Schema)> {
    OPERATIONS
        .schemas
        .iter()
        .map(|(name, schema)| (*name, &**schema))
}

/// Reads the notation of the facts for types; a name that is no schema's stands for any value.
fn shape_of_known(text: &str) -> Shape {
    Shape::parse_with(text, &|name| match OPERATIONS.schemas.get_key_value(name) {
        Some((name, _)) => Shape::Named(name),
        None => Shape::Any,
    })
}
