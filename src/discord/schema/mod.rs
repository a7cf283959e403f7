//! What Discord's objects look like:
//!
//! ```text
//! shape (the notation for types) ─ mod (schemas and their fields) ─ check, scalars (a body against its schema)
//!                                                                ├ words (types and values in errors)
//!                                                                └ kinds (which objects have methods)
//! ```

mod check;
mod kinds;
mod scalars;
mod shape;
mod words;

pub use check::{Violation, check_body};
pub(crate) use check::{check_field, meant};
pub use kinds::{Kind, field_kind, item_kind, kind_of};
pub use scalars::is_snowflake;
pub use shape::Shape;
pub(crate) use words::{expected, got};

use super::facts::{EVENTS, OPERATIONS};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// The fields of an object by name, in Discord's order.
pub type Fields = IndexMap<&'static str, Field>;

/// One of Discord's types.
#[derive(Debug)]
pub enum Schema {
    /// An object with these fields.
    Object(Fields),
    /// One of these values, by Discord's names for them.
    Choices(IndexMap<&'static str, Value>),
    /// Another name for a type, perhaps with limits.
    Alias(Box<Field>),
}

/// The type and the limits of a field, a parameter or a query parameter. Lengths count Unicode
/// characters, `item_…` limits hold for each item of a list.
#[derive(Debug, Deserialize)]
#[allow(missing_docs, reason = "the names are the facts' own")]
pub struct Field {
    #[serde(rename = "type")]
    pub shape: Shape,
    #[serde(default)]
    pub required: bool,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub min_items: Option<usize>,
    pub max_items: Option<usize>,
    pub item_min: Option<f64>,
    pub item_max: Option<f64>,
    pub item_min_length: Option<usize>,
    pub item_max_length: Option<usize>,
    pub pattern: Option<&'static str>,
    /// The values that are allowed here, fewer than the type has. Empty: all of them.
    #[serde(default, rename = "enum")]
    pub choices: Vec<Value>,
    #[serde(default)]
    pub item_enum: Vec<Value>,
}

impl Field {
    /// A field of this shape without limits.
    pub(super) fn plain(shape: Shape) -> Self {
        Self {
            shape,
            required: false,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            min_items: None,
            max_items: None,
            item_min: None,
            item_max: None,
            item_min_length: None,
            item_max_length: None,
            pattern: None,
            choices: Vec::new(),
            item_enum: Vec::new(),
        }
    }

    /// The limits of this list's items.
    fn of_items(&self, shape: Shape) -> Self {
        Self {
            min: self.item_min,
            max: self.item_max,
            min_length: self.item_min_length,
            max_length: self.item_max_length,
            choices: self.item_enum.clone(),
            ..Self::plain(shape)
        }
    }
}

/// A schema as the facts hold it.
#[derive(Deserialize)]
pub(super) struct RawSchema {
    fields: Option<Fields>,
    values: Option<IndexMap<&'static str, Value>>,
    #[serde(rename = "type")]
    shape: Option<Shape>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<&'static str>,
}

impl From<RawSchema> for Schema {
    fn from(raw: RawSchema) -> Self {
        if let Some(fields) = raw.fields {
            return Self::Object(fields);
        }
        if let Some(values) = raw.values {
            return Self::Choices(values);
        }
        Self::Alias(Box::new(Field {
            min: raw.min,
            max: raw.max,
            pattern: raw.pattern,
            ..Field::plain(raw.shape.unwrap_or(Shape::Any))
        }))
    }
}

/// The schema called `name`: one of the API's (`MessageResponse`), or an event's under its gateway
/// name (`MESSAGE_CREATE`).
pub fn schema(name: &str) -> Option<&'static Schema> {
    OPERATIONS
        .schemas
        .get(name)
        .or_else(|| EVENTS.objects.get(name))
}

/// The fields of the object schema called `name`.
pub fn fields(name: &str) -> Option<&'static Fields> {
    match schema(name)? {
        Schema::Object(fields) => Some(fields),
        _ => None,
    }
}

/// The names of the API's schemas, without the events'.
pub fn schemas() -> impl Iterator<Item = (&'static str, &'static Schema)> {
    OPERATIONS
        .schemas
        .iter()
        .map(|(name, schema)| (*name, schema))
}
