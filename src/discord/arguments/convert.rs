//! Forms that authors may write more conveniently than Discord accepts them: times as Unix seconds, permissions as
//! lists of names, whole numbers that Luau holds as fractions, empty tables.

use super::error::{ArgumentError, push_step};
use super::{expected, got};
use crate::discord::operations::Operation;
use crate::discord::permissions;
use crate::discord::schema::{Field, Schema, Shape, fields, meant, schema};
use serde_json::{Map, Number, Value};
use smallvec::SmallVec;
use std::borrow::Cow;

/// How deep arguments are converted; the check finds whatever lies deeper.
const DEEPEST: usize = 32;

/// Converts one argument, where it is.
pub(super) struct Converter<'v> {
    operation: &'static Operation,
    /// The names and positions (from 0) that lead to the value.
    path: Vec<Cow<'v, str>>,
}

impl<'v> Converter<'v> {
    /// `name` is the argument's; empty for the fields of the body.
    pub(super) fn new(operation: &'static Operation, name: &'v str) -> Self {
        let named = !name.is_empty();
        Self {
            operation,
            path: named.then_some(Cow::Borrowed(name)).into_iter().collect(),
        }
    }

    /// Makes the value what Discord takes. Faults that the check finds are left for it.
    pub(super) fn convert(
        &mut self,
        field: &Field,
        value: &'v mut Value,
    ) -> Result<(), ArgumentError> {
        if self.path.len() > DEEPEST {
            return Ok(());
        }
        let parts = field.shape.alternatives();
        if let Some(meant) = self.meant_instead(parts, field, value)? {
            *value = meant;
            return Ok(());
        }
        match value {
            Value::Array(items) => match parts.iter().find_map(item) {
                Some(item) => self.list(item, items),
                None => Ok(()),
            },
            Value::Object(_) => self.object(parts, value),
            _ => Ok(()),
        }
    }

    /// Another value, if the whole of this one is to be replaced.
    fn meant_instead(
        &self,
        parts: &[Shape],
        field: &Field,
        value: &Value,
    ) -> Result<Option<Value>, ArgumentError> {
        let has = |wanted: fn(&Shape) -> bool| parts.iter().any(wanted);
        match value {
            Value::Number(number) => self.number(parts, field, number),
            Value::Array(names) if self.is_permissions(parts) => self.permissions(names).map(Some),
            Value::Object(fields) if fields.is_empty() && self.is_permissions(parts) => {
                self.permissions(&[]).map(Some)
            }
            Value::Array(items) if items.is_empty() && !has(is_list) && has(is_object) => {
                Ok(Some(Value::Object(Map::new())))
            }
            Value::Object(fields) if fields.is_empty() && has(is_list) && !has(is_object) => {
                Ok(Some(Value::Array(Vec::new())))
            }
            _ => Ok(None),
        }
    }

    fn number(
        &self,
        parts: &[Shape],
        field: &Field,
        number: &Number,
    ) -> Result<Option<Value>, ArgumentError> {
        let whole = whole(number);
        if self.is_permissions(parts) {
            return Ok(whole.map(|bits| bits.to_string().into()));
        }
        if let (true, Some(seconds)) = (parts.contains(&Shape::DateTime), number.as_f64()) {
            return Ok(iso(seconds).map(Value::String));
        }
        let takes_numbers = parts.iter().any(|part| match part {
            Shape::Integer | Shape::Number | Shape::Any => true,
            Shape::Named(name) => !matches!(schema(name), Some(Schema::Object(_))),
            _ => false,
        });
        if parts.contains(&Shape::Snowflake) && !takes_numbers {
            let got = got(&Value::Number(number.clone()));
            return Err(self.wrong(&expected(field), format!("{got}: ids are strings")));
        }
        Ok(whole.map(Value::from))
    }

    fn is_permissions(&self, parts: &[Shape]) -> bool {
        let named = self.path.last();
        named.is_some_and(|name| permissions::FIELDS.contains(&&**name))
            && parts.contains(&Shape::Integer)
    }

    fn permissions(&self, names: &[Value]) -> Result<Value, ArgumentError> {
        let mut bits = 0;
        for name in names {
            let bit = name.as_str().and_then(permissions::bit);
            let Some(bit) = bit else {
                let nearest = name.as_str().and_then(permissions::nearest_permission);
                return Err(ArgumentError {
                    nearest: nearest.map(str::to_owned),
                    ..self.wrong("names of permissions, or their bits in digits", got(name))
                });
            };
            bits |= bit;
        }
        Ok(bits.to_string().into())
    }

    fn list(&mut self, item: &Shape, items: &'v mut [Value]) -> Result<(), ArgumentError> {
        let field = Field::plain(item.clone());
        for (position, value) in items.iter_mut().enumerate() {
            self.path.push(Cow::Owned(position.to_string()));
            self.convert(&field, value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn object(&mut self, parts: &[Shape], value: &'v mut Value) -> Result<(), ArgumentError> {
        let variants = meant(parts, value);
        let Value::Object(object) = value else {
            return Ok(());
        };
        let known: SmallVec<[_; 4]> = variants.iter().filter_map(|name| fields(name)).collect();
        let map = parts.iter().find_map(map_value);
        let map = map.map(|inner| Field::plain(inner.clone()));
        for (name, value) in object {
            let field = known.iter().find_map(|fields| fields.get(name.as_str()));
            let Some(field) = field.or(map.as_ref()) else {
                if known.is_empty() {
                    continue;
                }
                let names = known.iter().flat_map(|fields| fields.keys().copied());
                let place = self.place();
                return Err(ArgumentError::unknown_inside(
                    self.operation,
                    &place,
                    name,
                    names,
                ));
            };
            self.path.push(Cow::Borrowed(name));
            self.convert(field, value)?;
            self.path.pop();
        }
        Ok(())
    }

    fn wrong(&self, expected: &str, got: String) -> ArgumentError {
        ArgumentError::wrong(self.operation, &self.place(), expected, got)
    }

    fn place(&self) -> String {
        let mut place = String::new();
        for step in &self.path {
            push_step(&mut place, step);
        }
        place
    }
}

fn item(shape: &Shape) -> Option<&Shape> {
    match shape {
        Shape::List(item) => Some(item),
        _ => None,
    }
}

fn map_value(shape: &Shape) -> Option<&Shape> {
    match shape {
        Shape::Map(inner) => Some(inner),
        _ => None,
    }
}

fn is_list(shape: &Shape) -> bool {
    matches!(shape, Shape::List(_))
}

fn is_object(shape: &Shape) -> bool {
    match shape {
        Shape::Map(_) | Shape::Object | Shape::All(_) => true,
        Shape::Named(name) => fields(name).is_some(),
        _ => false,
    }
}

/// The integer that a number is, however it is held.
fn whole(number: &Number) -> Option<i64> {
    // Beyond this a fraction of 64 bits no longer tells neighbouring integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let fraction = || {
        let float = number.as_f64()?;
        let exact = float.fract() == 0.0 && float.abs() <= EXACT;
        exact.then(|| format!("{float:.0}").parse().ok())?
    };
    number.as_i64().or_else(fraction)
}

/// ISO 8601 of Unix seconds.
fn iso(seconds: f64) -> Option<String> {
    let duration = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    let time = jiff::Timestamp::from_duration(duration).ok()?;
    let time = time.round(jiff::Unit::Millisecond).ok()?;
    Some(time.to_string())
}
