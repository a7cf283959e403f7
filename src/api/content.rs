//! What an author gives to `ctx:reply`, `message:reply` and the like: a string, or Discord's own
//! create-message fields plus `ephemeral`, `files` and `delete_after`.

use super::convert::{Converter, USUAL_FIELDS, to_json};
use super::fields::Fields;
use crate::discord::arguments::File;
use crate::vm::host::{Arguments, HostError, HostResult, describe};
use mlua::{Table, Value};
use serde_json::{Map, Value as JsonValue};
use std::time::Duration;

/// How long a message may stay before `delete_after` deletes it; for longer times, use stored state.
const LONGEST_STAY: Duration = Duration::from_secs(60 * 60);

/// A message to be sent.
#[derive(Debug, Default)]
pub struct Content {
    /// Discord's fields.
    pub body: Map<String, JsonValue>,
    /// Files to be attached.
    pub files: Vec<File>,
    /// Whether only the caller is to see it.
    pub ephemeral: Option<bool>,
    /// When the message will be deleted again.
    pub delete_after: Option<Duration>,
}

impl Content {
    /// A message of nothing but text.
    pub fn of_text(text: &str) -> Self {
        Self {
            body: body_of(text.into()),
            ..Self::default()
        }
    }

    /// Reads the argument at `index`.
    pub fn read(arguments: &Arguments, index: usize) -> HostResult<Self> {
        Self::of_value(arguments.function(), &arguments.value(index))
    }

    /// The same of a value.
    pub(super) fn of_value(function: &'static str, value: &Value) -> HostResult<Self> {
        match value {
            Value::String(text) => {
                let text = to_json(function, "content", &Value::String(text.clone()))?;
                Ok(Self {
                    body: body_of(text),
                    ..Self::default()
                })
            }
            Value::Table(table) => Self::read_table(function, table),
            other => {
                let expected = "a string or a table of message fields";
                let got = describe(other);
                Err(HostError::argument(function, "content", expected, &got).into())
            }
        }
    }

    fn read_table(function: &'static str, table: &Table) -> HostResult<Self> {
        let fields = Fields::of(function, table);
        let mut content = Self {
            ephemeral: fields.boolean("ephemeral")?,
            delete_after: read_stay(&fields)?,
            files: read_files(&fields)?,
            body: Map::new(),
        };
        content.body =
            Converter::default().fields(function, "content", table, |name| match name {
                "ephemeral" | "delete_after" | "files" => Ok(false),
                // The method decides where the message goes.
                "channel_id" | "message_id" | "recipient_id" => {
                    let message = format!("{function}: there is no field \"{name}\"");
                    Err(HostError::new("argument", message).into())
                }
                _ => Ok(true),
            })?;
        Ok(content)
    }
}

fn body_of(text: JsonValue) -> Map<String, JsonValue> {
    let mut body = Map::with_capacity(USUAL_FIELDS);
    body.insert("content".to_owned(), text);
    body
}

/// `delete_after`, of at most an hour.
fn read_stay(fields: &Fields<'_>) -> HostResult<Option<Duration>> {
    let stay = fields.duration("delete_after")?;
    if stay.is_some_and(|stay| stay > LONGEST_STAY) {
        let message = format!("{}: delete_after: at most 1 hour", fields.function);
        return Err(HostError::new("limit", message).into());
    }
    Ok(stay)
}

/// How many files Discord accepts in one message, and their bytes together.
const MOST_FILES: usize = 10;
const MOST_FILE_BYTES: usize = 25 << 20;

/// `files = { { filename, content } }`; the content is a string of any bytes.
pub(super) fn read_files(fields: &Fields<'_>) -> HostResult<Vec<File>> {
    let items = fields.list("files")?;
    if items.len() > MOST_FILES {
        let expected = format!("at most {MOST_FILES} files");
        let got = items.len().to_string();
        return Err(HostError::argument(&fields.function, "files", &expected, &got).into());
    }
    let mut left = MOST_FILE_BYTES;
    items
        .iter()
        .map(|item| read_file(fields, item, &mut left))
        .collect()
}

fn read_file(fields: &Fields<'_>, item: &Value, left: &mut usize) -> HostResult<File> {
    let Value::Table(table) = item else {
        return Err(fields.wrong("files", "a list of { filename, content }", item));
    };
    let inner = Fields::of(format!("{}: files", fields.function), table);
    inner.only(&["filename", "content"])?;
    let filename = inner.required_string("filename")?;
    if filename.is_empty() || filename.contains(['/', '\\']) || filename.contains(char::is_control)
    {
        let expected = "a name without slashes and line breaks";
        return Err(inner.wrong("filename", expected, &inner.value("filename")?));
    }
    let value = inner.value("content")?;
    let length = match &value {
        Value::String(bytes) => bytes.as_bytes().len(),
        Value::Buffer(buffer) => buffer.len(),
        other => return Err(inner.wrong("content", "a string or a buffer", other)),
    };
    let Some(rest) = left.checked_sub(length) else {
        let megabytes = MOST_FILE_BYTES >> 20;
        let message = format!("{}: more than {megabytes} MB", inner.function);
        return Err(HostError::new("argument", message).into());
    };
    *left = rest;
    let content = match &value {
        Value::Buffer(buffer) => buffer.to_vec(),
        Value::String(bytes) => bytes.as_bytes().to_vec(),
        _ => Vec::new(),
    };
    Ok(File::new(filename, content))
}
