//! Discord's JSON as immutable documents, each made in one pass over a text and in one piece of memory:
//!
//! ```text
//! text ─ read ─ writer ─▶ document ─ view ─▶ fields, items
//! ```
//!
//! - `read.rs`: a text becomes a document, charged to somebody while it is made
//! - `format.rs`: what the bytes of a document mean; `writer.rs` writes them, `cursor.rs` reads them
//! - `names.rs`: the names of fields that take two bytes
//! - `view.rs`: a value inside a document, read where it stands
//! - `convert.rs`: to and from serde's values, and into texts
//!
//! A tree with an allocation for each name and each text costs ten times the reading of its text, most of it for
//! fields that nobody asks for. In a document a value is found by walking over those before it, which are skipped as
//! a whole.
//!
//! A value shares the document that it is a part of, and keeps all of it alive: [`Json::bytes`] is therefore of the
//! whole document. What is kept for long of a large one is detached from it.

mod convert;
mod cursor;
mod format;
mod names;
mod read;
mod view;
mod writer;

pub use names::NAMES;
pub use read::Unreadable;
pub use view::{Fields, Items, JsonRef, Node, Walk};
pub use writer::Writer;

use std::fmt;
use std::sync::Arc;

/// One JSON value. Cloning shares its document.
#[derive(Clone)]
pub struct Json {
    document: Document,
    /// The byte at which the value begins.
    at: usize,
}

/// The bytes of a value and of what is around it; nothing for `null` alone.
#[derive(Clone)]
struct Document(Option<Arc<[u8]>>);

impl Document {
    fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[format::NULL])
    }
}

impl Json {
    /// `null`
    pub const NULL: Self = Self {
        document: Document(None),
        at: 0,
    };

    /// A document of what `write` writes, which must be one value.
    pub fn written(write: impl FnOnce(&mut Writer)) -> Self {
        Self::written_with_room(0, write)
    }

    /// The same, of about so many bytes.
    pub fn written_with_room(bytes: usize, write: impl FnOnce(&mut Writer)) -> Self {
        let mut writer = Writer::with_capacity(bytes);
        write(&mut writer);
        writer.into()
    }

    /// `true` or `false`
    pub fn bool(value: bool) -> Self {
        Self::written(|writer| writer.bool(value))
    }

    /// An integer.
    pub fn integer(value: i64) -> Self {
        Self::written(|writer| writer.integer(value))
    }

    /// Any other number.
    pub fn number(value: f64) -> Self {
        Self::written(|writer| writer.number(value))
    }

    /// A string.
    pub fn string(text: &str) -> Self {
        Self::written(|writer| writer.string(text))
    }

    /// An array of copies.
    pub fn array<'a>(items: impl IntoIterator<Item = JsonRef<'a>>) -> Self {
        Self::written(|writer| {
            writer.array(|writer| items.into_iter().for_each(|item| writer.copy(item)));
        })
    }

    /// An object of copies, its fields in this order.
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, JsonRef<'a>)>) -> Self {
        Self::written(|writer| {
            writer.object(|writer| {
                for (name, value) in fields {
                    writer.field(name, value);
                }
            });
        })
    }

    /// The value where it stands.
    pub fn view(&self) -> JsonRef<'_> {
        JsonRef::new(&self.document, self.at)
    }

    /// What it is.
    pub fn node(&self) -> Node<'_> {
        self.view().node()
    }

    /// The field `name` of an object; nothing for every other kind of value.
    pub fn get(&self, name: &str) -> Option<JsonRef<'_>> {
        self.view().get(name)
    }

    /// The field at the end of `path`.
    pub fn at(&self, path: &[&str]) -> Option<JsonRef<'_>> {
        self.view().at(path)
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        self.view().as_str()
    }

    /// The text of the string field `name`.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.view().str(name)
    }

    /// The integer field `name`.
    pub fn i64(&self, name: &str) -> Option<i64> {
        self.view().i64(name)
    }

    /// The items of the array field `name`; none for every other kind of value.
    pub fn list(&self, name: &str) -> Items<'_> {
        self.view().list(name)
    }

    /// Whether the field `name` is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.view().is_true(name)
    }

    /// An integer.
    pub fn as_i64(&self) -> Option<i64> {
        self.view().as_i64()
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.view().is_null()
    }

    /// The items of an array; none for every other kind of value.
    pub fn items(&self) -> Items<'_> {
        self.view().items()
    }

    /// The fields of an object; none for every other kind of value.
    pub fn fields(&self) -> Fields<'_> {
        self.view().fields()
    }

    /// The same object with the field `name` set to `value`, in a document of its own.
    #[must_use]
    pub fn with(&self, name: &str, value: JsonRef<'_>) -> Self {
        self.view().with(name, value)
    }

    /// The bytes that the document takes of which this is a part: what a VM that holds it is charged for.
    pub fn bytes(&self) -> usize {
        let document = self.document.0.as_deref();
        size_of::<Self>() + document.map_or(0, |bytes| shared(bytes.len()))
    }
}

/// The bytes of an allocation that is shared and holds so many: two counts in front of them, and what the
/// allocator rounds up and adds.
fn shared(bytes: usize) -> usize {
    (bytes + 2 * size_of::<usize>() + size_of::<usize>()).next_multiple_of(16)
}

impl JsonRef<'_> {
    /// A copy in a document of its own, which takes no more than the value: for what is kept for long.
    pub fn detached(self) -> Json {
        let mut writer = Writer::with_capacity(self.size());
        writer.copy(self);
        writer.into()
    }

    /// The same object with the field `name` set to `value`, in a document of its own.
    #[must_use]
    pub fn with(self, name: &str, value: JsonRef<'_>) -> Json {
        let mut writer = Writer::with_capacity(self.size() + name.len() + value.size());
        writer.object(|writer| {
            writer.fields_without(&[name], self);
            writer.field(name, value);
        });
        writer.into()
    }
}

impl From<Writer> for Json {
    fn from(writer: Writer) -> Self {
        Self {
            document: Document(Some(writer.into_bytes().into())),
            at: 0,
        }
    }
}

impl Default for Json {
    fn default() -> Self {
        Self::NULL
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(formatter)
    }
}

#[cfg(test)]
mod tests;
