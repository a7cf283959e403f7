//! Discord's types, as the facts describe them.

use super::shape::Shape;
use crate::hash::IndexMap;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::ops::Deref;
use std::sync::LazyLock;

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

/// The type and the limits of a field, a parameter or a query parameter; the limits are read as its own.
#[derive(Debug)]
pub struct Field {
    /// The type.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// Apart, because most fields have none.
    limits: Option<Box<Limits>>,
}

/// Lengths count Unicode characters, `item_…` limits hold for each item of a list.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
#[allow(missing_docs, reason = "the names are the facts' own")]
pub struct Limits {
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
    #[serde(rename = "enum")]
    pub choices: Vec<Value>,
    pub item_enum: Vec<Value>,
}

static NO_LIMITS: LazyLock<Limits> = LazyLock::new(Limits::default);

impl Deref for Field {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        self.limits.as_deref().unwrap_or(&NO_LIMITS)
    }
}

/// A field as the facts hold it.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct RawField {
    #[serde(rename = "type")]
    shape: Shape,
    #[serde(default)]
    required: bool,
    #[serde(flatten)]
    limits: Limits,
}

impl<'de> Deserialize<'de> for Field
where
    'de: 'static,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawField::deserialize(deserializer)?;
        Ok(Self {
            required: raw.required,
            ..Self::limited(raw.shape, raw.limits)
        })
    }
}

impl Field {
    /// A field of this shape without limits.
    pub(in crate::discord) fn plain(shape: Shape) -> Self {
        Self {
            shape,
            required: false,
            limits: None,
        }
    }

    /// A field of another shape with these limits.
    pub(in crate::discord) fn with_shape(&self, shape: Shape) -> Self {
        Self {
            shape,
            required: self.required,
            limits: self.limits.clone(),
        }
    }

    /// Whether it has limits of its own.
    pub(in crate::discord) fn limits_anything(&self) -> bool {
        self.limits.is_some()
    }

    /// The same without limits.
    pub(super) fn without_limits(&self) -> Self {
        Self {
            required: self.required,
            ..Self::plain(self.shape.clone())
        }
    }

    fn limited(shape: Shape, limits: Limits) -> Self {
        Self {
            limits: (limits != Limits::default()).then(|| Box::new(limits)),
            ..Self::plain(shape)
        }
    }

    /// The limits of this list's items.
    pub(in crate::discord) fn of_items(&self, shape: Shape) -> Self {
        let limits = Limits {
            min: self.item_min,
            max: self.item_max,
            min_length: self.item_min_length,
            max_length: self.item_max_length,
            choices: self.item_enum.clone(),
            ..Limits::default()
        };
        Self::limited(shape, limits)
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
        let limits = Limits {
            min: raw.min,
            max: raw.max,
            pattern: raw.pattern,
            ..Limits::default()
        };
        let shape = raw.shape.unwrap_or(Shape::Any);
        Self::Alias(Box::new(Field::limited(shape, limits)))
    }
}
