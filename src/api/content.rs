//! What an author gives to `ctx:reply`, `message:reply` and their kin: a string, or Discord's own
//! create-message fields plus `ephemeral`, `files` and `delete_after`.

use super::convert::{Fields, to_json};
use crate::discord::arguments::File;
use crate::vm::host::{Arguments, HostResult};
use mlua::{Table, Value};
use serde_json::{Map, Value as JsonValue};
use std::time::Duration;

/// A message to be sent.
#[derive(Debug, Default)]
pub struct Content {
    /// Discord's fields.
    pub body: Map<String, JsonValue>,
    /// Files to be attached.
    pub files: Vec<File>,
    /// Whether only the caller is to see it.
    pub ephemeral: Option<bool>,
    /// When it is to be deleted again.
    pub delete_after: Option<Duration>,
}

impl Content {
    /// A message of nothing but text.
    pub fn of_text(text: &str) -> Self {
        Self {
            body: Map::from_iter([("content".to_owned(), text.into())]),
            ..Self::default()
        }
    }

    /// Reads the argument at `index`.
    pub fn read(arguments: &Arguments, index: usize) -> HostResult<Self> {
        let value = arguments.value(index);
        match &value {
            Value::String(text) => {
                let text = to_json(
                    arguments.function(),
                    "content",
                    &Value::String(text.clone()),
                )?;
                Ok(Self {
                    body: Map::from_iter([("content".to_owned(), text)]),
                    ..Self::default()
                })
            }
            Value::Table(table) => Self::read_table(arguments.function(), table),
            other => {
                Err(arguments.wrong("content", "a string or a table of message fields", other))
            }
        }
    }

    fn read_table(function: &'static str, table: &Table) -> HostResult<Self> {
        let fields = Fields::of(function, table);
        let mut content = Self {
            ephemeral: fields.boolean("ephemeral")?,
            delete_after: fields.duration("delete_after")?,
            files: read_files(&fields)?,
            body: Map::new(),
        };
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let Value::String(name) = &key else {
                return Err(fields.wrong("content", "fields with names", &key));
            };
            let name = name.to_string_lossy();
            if !["ephemeral", "delete_after", "files"].contains(&name.as_str()) {
                let value = to_json(function, &name, &value)?;
                content.body.insert(name, value);
            }
        }
        Ok(content)
    }
}

/// `files = { { filename, content } }`; the content is a string of any bytes.
pub fn read_files(fields: &Fields<'_>) -> HostResult<Vec<File>> {
    fields
        .list("files")?
        .iter()
        .map(|item| {
            let Value::Table(table) = item else {
                return Err(fields.wrong("files", "a list of { filename, content }", item));
            };
            let inner = Fields::of(format!("{}: files", fields.function), table);
            let content = match inner.value("content")? {
                Value::String(bytes) => bytes.as_bytes().to_vec(),
                Value::Buffer(buffer) => buffer.to_vec(),
                other => return Err(inner.wrong("content", "a string or a buffer", &other)),
            };
            Ok(File::new(inner.required_string("filename")?, content))
        })
        .collect()
}
