//! Discord's types, as the facts describe them.

use super::shape::Shape;
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
    pub(in crate::discord) fn plain(shape: Shape) -> Self {
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
    pub(in crate::discord) fn of_items(&self, shape: Shape) -> Self {
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

impl Schema {
    /// Reads a schema of the facts.
    pub(super) fn read(text: &'static str) -> serde_json::Result<Self> {
        serde_json::from_str::<RawSchema>(text).map(Self::from)
    }

    /// What any value is.
    pub(super) fn of_anything() -> Self {
        Self::Alias(Box::new(Field::plain(Shape::Any)))
    }
}

/// A schema as the facts hold it.
#[derive(Deserialize)]
struct RawSchema {
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
