//! The notation for types in the facts: `string|null`, `[RichEmbed]`, `{string}`, `A&B`.

use serde::{Deserialize, Deserializer};

/// A type, as `operations.json` and `events.json` write it.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// `null`
    Null,
    /// `any`
    Any,
    /// `object`, of which nothing more is known.
    Object,
    /// `boolean`
    Boolean,
    /// `integer`, `integer:int32`, `integer:int64`
    Integer,
    /// `number`, `number:double`
    Number,
    /// `string`
    String,
    /// `string:date-time`, ISO 8601
    DateTime,
    /// `string:uri`
    Uri,
    /// `string:snowflake` and `SnowflakeType`: an id, which is a string of digits.
    Snowflake,
    /// The name of a schema.
    Named(&'static str),
    /// `[item]`
    List(Box<Shape>),
    /// `{value}`: an object whose keys are free.
    Map(Box<Shape>),
    /// `a|b`: one of them.
    Union(Vec<Shape>),
    /// `a&b`: the fields of all of them.
    All(Vec<Shape>),
}

impl Shape {
    /// Reads the notation. It binds from loose to tight: `&`, `|`, brackets.
    pub fn parse(text: &'static str) -> Self {
        Self::parse_with(text, &|name| Self::Named(name))
    }

    /// Reads the notation; `named` tells what a name stands for.
    pub(in crate::discord) fn parse_with<'t>(
        text: &'t str,
        named: &impl Fn(&'t str) -> Self,
    ) -> Self {
        read(text, named)
    }

    /// The alternatives of a union; the shape itself when it is none.
    pub(in crate::discord) fn alternatives(&self) -> &[Self] {
        match self {
            Self::Union(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// Whether `null` is a value of this type.
    pub(in crate::discord) fn takes_null(&self) -> bool {
        let takes = |part: &Self| matches!(part, Self::Null | Self::Any);
        self.alternatives().iter().any(takes)
    }

    /// The schemas named in it, through lists, maps and unions, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        self.each_name(&mut |name| names.push(name));
        names
    }

    /// Calls `each` with each of them.
    pub(in crate::discord) fn each_name(&self, each: &mut impl FnMut(&'static str)) {
        let mut none = |name| {
            each(name);
            None::<()>
        };
        self.find_name(&mut none);
    }

    /// What `find` makes of the first of these names of which it makes anything.
    pub(in crate::discord) fn find_name<R>(
        &self,
        find: &mut impl FnMut(&'static str) -> Option<R>,
    ) -> Option<R> {
        match self {
            Self::Named(name) => find(name),
            Self::List(inner) | Self::Map(inner) => inner.find_name(find),
            Self::Union(parts) | Self::All(parts) => {
                parts.iter().find_map(|part| part.find_name(find))
            }
            _ => None,
        }
    }
}

fn read<'t>(text: &'t str, named: &impl Fn(&'t str) -> Shape) -> Shape {
    let all = |parts: Vec<&'t str>| parts.into_iter().map(|part| read(part, named)).collect();
    if let Some(parts) = split(text, '&') {
        return Shape::All(all(parts));
    }
    if let Some(parts) = split(text, '|') {
        return Shape::Union(all(parts));
    }
    if let Some(item) = inside(text, '[', ']') {
        return Shape::List(Box::new(read(item, named)));
    }
    if let Some(value) = inside(text, '{', '}') {
        return Shape::Map(Box::new(read(value, named)));
    }
    match text {
        "null" => Shape::Null,
        "any" => Shape::Any,
        "object" => Shape::Object,
        "boolean" => Shape::Boolean,
        "SnowflakeType" | "string:snowflake" => Shape::Snowflake,
        "string:date-time" => Shape::DateTime,
        "string:uri" => Shape::Uri,
        _ => match text.split(':').next() {
            Some("integer") => Shape::Integer,
            Some("number") => Shape::Number,
            Some("string") => Shape::String,
            _ => named(text),
        },
    }
}

/// The parts of `text` between the separators that stand outside brackets; nothing without one.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ if character == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(&text[start..]);
    Some(parts)
}

fn inside(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.strip_suffix(close)
}

impl<'de> Deserialize<'de> for Shape
where
    'de: 'static,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'de str>::deserialize(deserializer).map(Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_bind_tighter_than_bars() {
        let shape = Shape::parse("[A|null]|null");
        let item = Shape::Union(vec![Shape::Named("A"), Shape::Null]);
        assert_eq!(
            shape,
            Shape::Union(vec![Shape::List(Box::new(item)), Shape::Null])
        );
        assert!(shape.takes_null());
        assert_eq!(shape.names(), ["A"]);
        assert_eq!(
            Shape::parse("{string}"),
            Shape::Map(Box::new(Shape::String))
        );
        assert_eq!(Shape::parse("SnowflakeType"), Shape::Snowflake);
    }
}
