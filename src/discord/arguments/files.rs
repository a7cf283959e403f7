//! Files that go along with a call.

use super::{ArgumentError, got};
use crate::discord::operations::Operation;
use serde_json::Value;

/// As many files as Discord takes with one message.
const MOST: usize = 10;

/// A file to send.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// The name under which it appears.
    pub filename: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// The name of its part in the form; nothing: `files[n]`.
    pub part: Option<&'static str>,
}

impl File {
    /// A file among a message's.
    pub fn new(filename: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            filename: filename.into(),
            content: content.into(),
            part: None,
        }
    }

    /// The file in the field `name`: `{ filename, content }`, or its content alone.
    pub(super) fn named(
        operation: &'static Operation,
        name: &str,
        value: Value,
    ) -> Result<Self, ArgumentError> {
        match value {
            Value::String(content) => Ok(Self::new(name, content)),
            other => Self::from_value(operation, name, other),
        }
    }

    fn from_value(
        operation: &'static Operation,
        place: &str,
        mut value: Value,
    ) -> Result<Self, ArgumentError> {
        let mut take = |name: &str| match value.get_mut(name).map(Value::take) {
            Some(Value::String(text)) => Ok(text),
            other => Err(ArgumentError::wrong(
                operation,
                &format!("{place}.{name}"),
                "a string",
                got(&other.unwrap_or_default()),
            )),
        };
        let filename = take("filename")?;
        let content = take("content")?;
        if filename.is_empty() || filename.contains(['/', '\\', '\r', '\n', '\0']) {
            let expected = "a name without slashes and line breaks";
            let place = format!("{place}.filename");
            let got = got(&filename.into());
            return Err(ArgumentError::wrong(operation, &place, expected, got));
        }
        Ok(Self::new(filename, content))
    }
}

/// Takes the argument `files`.
pub(super) fn take(
    operation: &'static Operation,
    value: Value,
    files: &mut Vec<File>,
) -> Result<(), ArgumentError> {
    let expected = format!("a list of at most {MOST} files: {{ filename, content }}");
    let items = match value {
        Value::Null => return Ok(()),
        Value::Object(fields) if fields.is_empty() => return Ok(()),
        Value::Array(items) if items.len() + files.len() <= MOST => items,
        other => {
            let got = got(&other);
            return Err(ArgumentError::wrong(operation, "files", &expected, got));
        }
    };
    for (position, item) in items.into_iter().enumerate() {
        let place = format!("files[{}]", position + 1);
        files.push(File::from_value(operation, &place, item)?);
    }
    Ok(())
}

/// Gives the file of an operation that takes one file, in a part of a certain name, that name.
pub(super) fn name_part(
    operation: &'static Operation,
    files: &mut [File],
) -> Result<(), ArgumentError> {
    let Some(name) = operation.file_field else {
        return Ok(());
    };
    match files {
        [] if operation.form_only => Err(ArgumentError::missing(
            operation,
            name,
            "a file: { filename, content }",
        )),
        [] => Ok(()),
        [only] => {
            only.part = Some(name);
            Ok(())
        }
        more => {
            let got = format!("{} files", more.len());
            Err(ArgumentError::wrong(operation, name, "one file", got))
        }
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            filename, content, ..
        } = self;
        write!(formatter, "File({filename:?}, {} bytes)", content.len())
    }
}
