//! What host functions can fail with, and how authors see it.

use std::fmt;

/// Characters of an error's message: as many as Discord accepts in one message.
const LONGEST_MESSAGE: usize = 2_000;

/// How a host function can fail.
#[derive(Debug)]
pub enum HostFailure {
    /// A mistake of the author, or a failure outside of the bot: an error table in Luau.
    Host(HostError),
    /// The VM itself: out of memory, mostly.
    Vm(mlua::Error),
}

/// An error as authors meet it: a table with `kind` and `message` (and more), whose `tostring` is one line.
#[derive(Clone, Debug)]
pub struct HostError {
    /// What class of error: `"argument"`, `"state"`, `"discord"`, `"limit"`, `"fail"` …
    pub kind: &'static str,
    /// One sentence.
    pub message: String,
    /// Further fields of the table.
    pub fields: Vec<(&'static str, Field)>,
}

/// The value of a further field of an error table.
#[derive(Clone, Debug)]
pub enum Field {
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// JSON, as a plain table.
    Json(crate::json::Json),
}

impl HostError {
    /// An error with only a kind and a message, which is cut if it is too long.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
            message.truncate(end);
        }
        Self {
            kind,
            message,
            fields: Vec::new(),
        }
    }

    /// A wrong argument: `function: what: expected …, got …`.
    pub fn argument(function: &str, what: &str, expected: &str, got: &str) -> Self {
        let place = if what.is_empty() {
            function.to_owned()
        } else {
            format!("{function}: {what}")
        };
        Self::new(
            "argument",
            format!("{place}: expected {expected}, got {got}"),
        )
    }

    /// The same error with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, field: Field) -> Self {
        self.fields.push((name, field));
        self
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for HostError {}

impl fmt::Display for HostFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(error) => error.fmt(formatter),
            Self::Vm(error) => {
                formatter.write_str(error.to_string().lines().next().unwrap_or_default())
            }
        }
    }
}

impl From<HostError> for HostFailure {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

impl From<mlua::Error> for HostFailure {
    fn from(error: mlua::Error) -> Self {
        Self::Vm(error)
    }
}

/// The result of a host function.
pub type HostResult<T> = Result<T, HostFailure>;
