//! Other JSON files that are read as `config.json` is: all that is wrong with them at once, each with its line.

use super::check;
use super::problem::{ConfigErrors, Problem};
use super::schema::SCHEMA_KEY;
use super::source::{self, Source};
use serde_json::Value;

/// A file whose shape is that of its schema.
pub struct Document {
    source: Source,
}

impl Document {
    /// Reads a text and compares it with a schema that [`super::schema_of`] has made; `name` is what messages call
    /// the file.
    pub fn read(text: &str, name: &str, schema: &Value) -> Result<Self, ConfigErrors> {
        let source = source::read(text, name)?;
        let mut problems = source.repeated_keys();
        problems.extend(check::file(&source, schema));
        if problems.is_empty() {
            Ok(Self { source })
        } else {
            Err(problems.into())
        }
    }

    /// What the file says, without the place of its schema.
    pub fn tree(&self) -> Value {
        let mut tree = self.source.tree.clone();
        if let Some(keys) = tree.as_object_mut() {
            keys.shift_remove(SCHEMA_KEY);
        }
        tree
    }

    /// A problem with the value at a path such as `guilds[0].name`, told in one sentence.
    pub fn problem(&self, path: &str, message: String) -> Problem {
        Problem {
            origin: self.source.origin_of(path),
            key: path.to_owned(),
            message,
            excerpt: String::new(),
        }
    }
}
