//! Discord's JSON as an immutable tree with shared parts: cheap to pass on, never copied.

use crate::charge::Charge;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt;
use std::sync::Arc;

/// One JSON value. Cloning shares arrays, objects and strings.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    String(Arc<str>),
    /// An array.
    Array(Arc<[Json]>),
    /// An object, its fields in the order of the text.
    Object(Arc<[(Arc<str>, Json)]>),
}

impl Json {
    /// The field `name` of an object; nothing for every other kind of value.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else {
            return None;
        };
        fields
            .iter()
            .find(|(key, _)| key.as_ref() == name)
            .map(|(_, value)| value)
    }

    /// The field at the end of `path`.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the string field `name`.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_str)
    }

    /// Whether the field `name` is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Self::Bool(true)))
    }

    /// An integer.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of an array; empty for every other kind of value.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The fields of an object; empty for every other kind of value.
    pub fn fields(&self) -> &[(Arc<str>, Self)] {
        match self {
            Self::Object(fields) => fields,
            _ => &[],
        }
    }

    /// The same object with the field `name` set to `value`.
    #[must_use]
    pub fn with(&self, name: &str, value: Self) -> Self {
        let kept = self.fields().iter().filter(|(key, _)| key.as_ref() != name);
        Self::Object(kept.cloned().chain([(name.into(), value)]).collect())
    }

    /// The bytes that this value occupies: what a VM that holds it is charged for.
    pub fn bytes(&self) -> usize {
        let inside = match self {
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Number(_) => 0,
            Self::String(text) => shared(text.len()),
            Self::Array(items) => {
                let items = items.iter().map(|item| item.bytes() - size_of::<Self>());
                shared(size_of_val(self.items())) + items.sum::<usize>()
            }
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| shared(key.len()) + value.bytes() - size_of::<Self>());
                shared(size_of_val(self.fields())) + fields.sum::<usize>()
            }
        };
        size_of::<Self>() + inside
    }

    /// The tree of a text, which costs up to thirty times what the text does: each part of it is charged as it is
    /// made, with what is needed on the way. Afterwards `charge` has grown by [`Json::bytes`], or not at all.
    pub fn parse(text: &[u8], charge: &mut Charge) -> Result<Self, Unreadable> {
        let before = charge.bytes();
        let mut budget = Budget {
            charge: Some(charge),
            spare: 0,
            is_full: false,
        };
        let mut reader = serde_json::Deserializer::from_slice(text);
        let tree = budget.take::<serde_json::Error>(size_of::<Self>());
        let tree = tree.and_then(|()| Tree(&mut budget).deserialize(&mut reader));
        let tree = tree.and_then(|tree| reader.end().map(|()| tree));
        budget.end();
        let is_full = budget.is_full;
        tree.map_err(|error| {
            charge.shrink(charge.bytes() - before);
            if is_full {
                Unreadable::TooLarge
            } else {
                Unreadable::Syntax(error)
            }
        })
    }
}

/// Why a text does not become a tree.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON.
    #[error(transparent)]
    Syntax(serde_json::Error),
    /// Its tree needs more memory than allowed.
    #[error("its tree needs more memory than there is")]
    TooLarge,
}

/// The bytes of an allocation that is shared and holds so many: two counts in front of them, and what the
/// allocator rounds up and adds. What is empty needs none.
fn shared(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    (bytes + 2 * size_of::<usize>() + size_of::<usize>()).next_multiple_of(16)
}

/// What a list takes while it grows, for each byte of its items in the end: itself, a former self that it was
/// moved out of, and room for more.
const WHILE_IT_GROWS: usize = 3;

/// Bytes that are charged at once.
const BLOCK: usize = 8 << 10;

/// What a tree that is being made may cost.
struct Budget<'a> {
    /// Nothing: whatever it costs.
    charge: Option<&'a mut Charge>,
    /// Bytes that are charged and not used.
    spare: usize,
    is_full: bool,
}

impl Budget<'_> {
    fn take<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        let Some(charge) = &mut self.charge else {
            return Ok(());
        };
        if bytes > self.spare {
            let missing = bytes - self.spare;
            let block = missing.max(BLOCK);
            let grown = charge.grow(block).map(|()| block);
            // The last block may be a small one.
            match grown.or_else(|_| charge.grow(missing).map(|()| missing)) {
                Ok(bytes) => self.spare += bytes,
                Err(full) => {
                    self.is_full = true;
                    return Err(E::custom(full));
                }
            }
        }
        self.spare -= bytes;
        Ok(())
    }

    fn give_back(&mut self, bytes: usize) {
        if self.charge.is_some() {
            self.spare += bytes;
        }
    }

    fn end(&mut self) {
        if let Some(charge) = &mut self.charge {
            charge.shrink(self.spare);
            self.spare = 0;
        }
    }

    /// Makes the final array or object from the list `items`.
    fn settle<T, E: serde::de::Error>(&mut self, items: Vec<T>) -> Result<Arc<[T]>, E>
    where
        Arc<[T]>: Default,
    {
        let bytes = size_of_val(items.as_slice());
        self.take(shared(bytes))?;
        // An empty list that comes from nowhere needs no allocation.
        let items = if items.is_empty() {
            Arc::default()
        } else {
            items.into()
        };
        self.give_back(WHILE_IT_GROWS * bytes);
        Ok(items)
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => number.as_i64().map_or_else(
                || Self::Number(number.as_f64().unwrap_or(f64::NAN)),
                Self::Integer,
            ),
            serde_json::Value::String(text) => Self::String(text.as_str().into()),
            serde_json::Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.as_str().into(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl From<&Json> for serde_json::Value {
    fn from(value: &Json) -> Self {
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Integer(number) => (*number).into(),
            Json::Number(number) => (*number).into(),
            Json::String(text) => Self::String(text.to_string()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.to_string(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items.iter()),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields.iter() {
                    map.serialize_entry(key.as_ref(), value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut unbounded = Budget {
            charge: None,
            spare: 0,
            is_full: false,
        };
        Tree(&mut unbounded).deserialize(deserializer)
    }
}

/// Makes a tree; the caller pays for the space of the root value.
struct Tree<'a, 'b>(&'a mut Budget<'b>);

impl<'de> DeserializeSeed<'de> for Tree<'_, '_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_, '_> {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "a Luau number could not hold it either"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Number(number as f64), Json::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        self.0.take(shared(text.len()))?;
        Ok(Json::String(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let Self(budget) = self;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Tree(budget))? {
            budget.take(WHILE_IT_GROWS * size_of::<Json>())?;
            array.push(item);
        }
        Ok(Json::Array(budget.settle(array)?))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let Self(budget) = self;
        let mut object = Vec::new();
        while let Some(key) = fields.next_key::<Box<str>>()? {
            budget.take(shared(key.len()))?;
            let key: Arc<str> = key.into();
            let value = fields.next_value_seed(Tree(budget))?;
            budget.take(WHILE_IT_GROWS * size_of::<(Arc<str>, Json)>())?;
            object.push((key, value));
        }
        Ok(Json::Object(budget.settle(object)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charge::Allowance;

    #[test]
    fn a_tree_keeps_what_the_text_says() {
        let text = r#"{"id":"123456789012345678","n":-2,"f":1.5,"list":[true,null,{"deep":"x"}]}"#;
        let tree: Json = serde_json::from_str(text).unwrap();
        assert_eq!(tree.str("id"), Some("123456789012345678"));
        assert_eq!(tree.get("list").unwrap().items()[2].str("deep"), Some("x"));
        assert_eq!(serde_json::to_string(&tree).unwrap(), text);
        assert_eq!(Json::from(&serde_json::Value::from(&tree)), tree);
    }

    fn parsed(text: &str, limit: usize) -> (Result<Json, Unreadable>, usize) {
        let allowance = Allowance::alone(limit);
        let mut charge = allowance.take(0).unwrap();
        let tree = Json::parse(text.as_bytes(), &mut charge);
        (tree, charge.bytes())
    }

    #[test]
    fn a_tree_is_charged_for_what_it_takes() {
        for text in [
            "1",
            "[]",
            r#"{"a":{"b":[1,2,"three",{}]},"c":""}"#,
            &format!("[{}0]", "0,".repeat(5_000)),
            &format!("[{}[]]", r#"{"a":[]},"#.repeat(5_000)),
        ] {
            let (tree, charged) = parsed(text, 4 << 20);
            let tree = tree.unwrap();
            assert_eq!(charged, tree.bytes(), "{text:.40}");
            assert_eq!(serde_json::to_string(&tree).unwrap(), text);
        }
    }

    #[test]
    fn a_tree_that_is_too_large_is_given_up_and_costs_nothing_more() {
        for part in ["0", "[]", "{}", r#"{"a":0}"#, r#""""#, "[[[[]]]]"] {
            let text = format!("[{}{part}]", format!("{part},").repeat(50_000));
            let (tree, _) = parsed(&text, 1 << 20);
            assert!(matches!(tree, Err(Unreadable::TooLarge)), "{part}");
        }
        let (tree, charged) = parsed("[1,", 1 << 20);
        assert!(matches!(tree, Err(Unreadable::Syntax(_))));
        assert_eq!(charged, 0);
        let (tree, _) = parsed("[] []", 1 << 20);
        assert!(matches!(tree, Err(Unreadable::Syntax(_))));
    }
}
