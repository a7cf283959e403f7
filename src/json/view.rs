//! A value inside a document, read where it stands.

use super::cursor::{Cursor, NameKey};
use super::format::{ARRAY, FALSE, INTEGER, NUMBER, OBJECT, OTHER, STRING, TRUE};
use super::{Document, Json, names};
use smallvec::SmallVec;
use std::fmt;

/// A value inside a document. Copying it costs nothing.
#[derive(Clone, Copy)]
pub struct JsonRef<'a> {
    document: &'a Document,
    at: usize,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits 64 bits.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    String(&'a str),
    /// An array.
    Array(Items<'a>),
    /// An object.
    Object(Fields<'a>),
}

/// The items of an array.
#[derive(Clone)]
pub struct Items<'a>(Inside<'a>);

/// The fields of an object, in the order of the text.
#[derive(Clone)]
pub struct Fields<'a>(Inside<'a>);

/// What is left of the inside of an array or an object.
#[derive(Clone)]
struct Inside<'a> {
    document: &'a Document,
    at: usize,
    end: usize,
}

/// A way over the items of an array or the fields of an object that keeps them alive.
pub struct Walk {
    json: Json,
    /// Whether these are fields.
    has_names: bool,
    at: usize,
    end: usize,
}

impl<'a> JsonRef<'a> {
    /// `null`
    pub const NULL: JsonRef<'static> = JsonRef {
        document: &Document(None),
        at: 0,
    };

    pub(super) fn new(document: &'a Document, at: usize) -> Self {
        Self { document, at }
    }

    fn cursor(self) -> Cursor<'a> {
        Cursor {
            bytes: self.document.bytes(),
            at: self.at,
        }
    }

    /// The bytes of the value.
    pub(super) fn encoded(self) -> &'a [u8] {
        let mut cursor = self.cursor();
        cursor.skip();
        cursor.bytes.get(self.at..cursor.at).unwrap_or_default()
    }

    /// What it is.
    pub fn node(self) -> Node<'a> {
        let mut cursor = self.cursor();
        match cursor.byte() {
            FALSE => Node::Bool(false),
            TRUE => Node::Bool(true),
            INTEGER => Node::Integer(cursor.integer()),
            NUMBER => Node::Number(cursor.number()),
            STRING => Node::String(cursor.text()),
            ARRAY => Node::Array(self.items()),
            OBJECT => Node::Object(self.fields()),
            _ => Node::Null,
        }
    }

    /// The field `name` of an object; nothing for every other kind of value.
    pub fn get(self, name: &str) -> Option<Self> {
        let wanted = names::number(name);
        let mut inside = self.inside(OBJECT);
        while let Some(mut cursor) = inside.cursor() {
            let is_it = cursor.name_key().is(name, wanted);
            let value = Self::new(self.document, cursor.at);
            if is_it {
                return Some(value);
            }
            cursor.skip();
            inside.at = cursor.at;
        }
        None
    }

    /// The fields with these names, found in one walk.
    pub fn pick<const N: usize>(self, names: [&str; N]) -> [Option<Self>; N] {
        let numbers = names.map(|name| names::number(name).unwrap_or(OTHER));
        let (mut found, mut left) = ([None; N], N);
        let mut inside = self.inside(OBJECT);
        while let Some(cursor) = inside.cursor().filter(|_| left > 0) {
            let mut value = cursor;
            let place = match value.name_key() {
                NameKey::Numbered(number) => numbers.iter().position(|it| *it == number),
                NameKey::Other(name) => names.iter().position(|it| it.as_bytes() == name),
            };
            if let Some(place) = place.and_then(|place| found.get_mut(place)) {
                left -= usize::from(place.is_none());
                place.get_or_insert(Self::new(self.document, value.at));
            }
            value.skip();
            inside.at = value.at;
        }
        found
    }

    /// Whether it is an array or an object, and not empty.
    pub fn has_parts(self) -> bool {
        let mut cursor = self.cursor();
        matches!(cursor.byte(), ARRAY | OBJECT) && cursor.length() > 0
    }

    /// The field at the end of `path`.
    pub fn at(self, path: &[&str]) -> Option<Self> {
        path.iter().try_fold(self, |value, name| value.get(name))
    }

    /// The text of a string.
    pub fn as_str(self) -> Option<&'a str> {
        match self.node() {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of the string field `name`.
    pub fn str(self, name: &str) -> Option<&'a str> {
        self.get(name)?.as_str()
    }

    /// The integer field `name`.
    pub fn i64(self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// The items of the array field `name`; none for every other kind of value.
    pub fn list(self, name: &str) -> Items<'a> {
        self.get(name).unwrap_or(JsonRef::NULL).items()
    }

    /// Whether the field `name` is `true`.
    pub fn is_true(self, name: &str) -> bool {
        matches!(self.get(name).map(Self::node), Some(Node::Bool(true)))
    }

    /// An integer.
    pub fn as_i64(self) -> Option<i64> {
        match self.node() {
            Node::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        matches!(self.node(), Node::Null)
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        matches!(self.node(), Node::Object(_))
    }

    /// The items of an array; none for every other kind of value.
    pub fn items(self) -> Items<'a> {
        Items(self.inside(ARRAY))
    }

    /// The fields of an object; none for every other kind of value.
    pub fn fields(self) -> Fields<'a> {
        Fields(self.inside(OBJECT))
    }

    /// What is inside, if it has this tag.
    fn inside(self, tag: u8) -> Inside<'a> {
        let mut cursor = self.cursor();
        let is_it = cursor.byte() == tag;
        let length = if is_it { cursor.length() } else { 0 };
        Inside {
            document: self.document,
            at: cursor.at,
            end: cursor.at + length,
        }
    }

    /// The same value, which keeps the document alive.
    pub fn to_json(self) -> Json {
        Json {
            document: self.document.clone(),
            at: self.at,
        }
    }

    /// The bytes of the fields of an object that have none of these names: what stands together in one piece.
    pub(super) fn encoded_without(self, names: &[&str]) -> impl Iterator<Item = &'a [u8]> {
        let names: SmallVec<[_; 4]> = names.iter().map(|it| (*it, names::number(it))).collect();
        let mut inside = self.inside(OBJECT);
        std::iter::from_fn(move || {
            let (begin, mut end) = (inside.at, inside.at);
            while let Some(mut cursor) = inside.cursor() {
                let name = cursor.name_key();
                cursor.skip();
                inside.at = cursor.at;
                if names.iter().any(|(it, number)| name.is(it, *number)) {
                    break;
                }
                end = cursor.at;
            }
            let is_over = inside.at == begin;
            let bytes = inside.document.bytes();
            (!is_over).then(|| bytes.get(begin..end).unwrap_or_default())
        })
    }

    /// The bytes of the value alone.
    pub fn size(self) -> usize {
        self.encoded().len()
    }
}

impl Items<'_> {
    /// How many are left, which takes a walk over all of them.
    pub fn len(&self) -> usize {
        self.clone().count()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.0.cursor().is_none()
    }
}

impl Fields<'_> {
    /// How many are left, which takes a walk over all of them.
    pub fn len(&self) -> usize {
        self.clone().count()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.0.cursor().is_none()
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = JsonRef<'a>;

    fn next(&mut self) -> Option<JsonRef<'a>> {
        let mut cursor = self.0.cursor()?;
        let value = JsonRef::new(self.0.document, cursor.at);
        cursor.skip();
        self.0.at = cursor.at;
        Some(value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, JsonRef<'a>);

    fn next(&mut self) -> Option<(&'a str, JsonRef<'a>)> {
        let mut cursor = self.0.cursor()?;
        let name = cursor.name();
        let value = JsonRef::new(self.0.document, cursor.at);
        cursor.skip();
        self.0.at = cursor.at;
        Some((name, value))
    }
}

impl<'a> Inside<'a> {
    /// Where the next item or field begins; nothing at the end.
    fn cursor(&self) -> Option<Cursor<'a>> {
        (self.at < self.end).then(|| Cursor {
            bytes: self.document.bytes(),
            at: self.at,
        })
    }
}

impl Walk {
    /// Begins at the first item or field of `json`.
    pub fn over(json: &Json) -> Self {
        let has_names = json.view().is_object();
        let inside = json.view().inside(if has_names { OBJECT } else { ARRAY });
        let (at, end) = (inside.at, inside.end);
        Self {
            json: json.clone(),
            has_names,
            at,
            end,
        }
    }

    /// The next item, or the next field and its name.
    pub fn step(&mut self) -> Option<(Option<&str>, JsonRef<'_>)> {
        let document = &self.json.document;
        let (at, end) = (self.at, self.end);
        let mut cursor = Inside { document, at, end }.cursor()?;
        let name = self.has_names.then(|| cursor.name());
        let value = JsonRef::new(document, cursor.at);
        cursor.skip();
        self.at = cursor.at;
        Some((name, value))
    }
}

impl PartialEq for JsonRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.encoded() == other.encoded()
    }
}

impl<'a> From<&'a Json> for JsonRef<'a> {
    fn from(json: &'a Json) -> Self {
        json.view()
    }
}

impl fmt::Debug for JsonRef<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            Node::Null => formatter.write_str("null"),
            Node::Bool(value) => value.fmt(formatter),
            Node::Integer(number) => number.fmt(formatter),
            Node::Number(number) => number.fmt(formatter),
            Node::String(text) => text.fmt(formatter),
            Node::Array(items) => items.fmt(formatter),
            Node::Object(fields) => fields.fmt(formatter),
        }
    }
}

impl fmt::Debug for Items<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.clone()).finish()
    }
}
