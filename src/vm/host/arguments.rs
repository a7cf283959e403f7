//! The arguments of a call of a host function, and the sentences for what is wrong with them.

use super::error::{HostError, HostFailure, HostResult};
use mlua::{Function, MultiValue, Table, Value};

/// Bytes of a string argument: it is copied, and Luau does not count the copy.
const LONGEST_STRING: usize = 1 << 20;

/// The arguments of one call, and the words for what is wrong with them.
#[derive(Debug)]
pub struct Arguments {
    name: &'static str,
    values: MultiValue,
}

impl Arguments {
    /// The arguments of a call of `name`.
    pub(super) fn new(name: &'static str, values: MultiValue) -> Self {
        Self { name, values }
    }

    /// The function's name in errors.
    pub fn function(&self) -> &'static str {
        self.name
    }

    /// The argument at `index` (from 0); nil where none was given.
    pub fn value(&self, index: usize) -> Value {
        self.values.get(index).cloned().unwrap_or(Value::Nil)
    }

    /// How many were given.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether none was given.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The error for argument `what`.
    pub fn wrong(&self, what: &str, expected: &str, got: &Value) -> HostFailure {
        HostError::argument(self.name, what, expected, &describe(got)).into()
    }

    /// A string argument of at most 1 MB. A number does not count as a string.
    pub fn string(&self, index: usize, what: &str) -> HostResult<String> {
        match self.value(index) {
            Value::String(text) if text.as_bytes().len() > LONGEST_STRING => {
                let expected = format!("a string of at most {} MB", LONGEST_STRING >> 20);
                Err(self.wrong(what, &expected, &Value::String(text)))
            }
            Value::String(text) => Ok(text.to_string_lossy()),
            other => Err(self.wrong(what, "a string", &other)),
        }
    }

    /// A string argument, or nothing.
    pub fn optional_string(&self, index: usize, what: &str) -> HostResult<Option<String>> {
        match self.value(index) {
            Value::Nil => Ok(None),
            _ => self.string(index, what).map(Some),
        }
    }

    /// A number argument that is not NaN.
    pub fn number(&self, index: usize, what: &str) -> HostResult<f64> {
        let value = self.value(index);
        number(&value).ok_or_else(|| self.wrong(what, "a number", &value))
    }

    /// A table argument.
    pub fn table(&self, index: usize, what: &str) -> HostResult<Table> {
        match self.value(index) {
            Value::Table(table) => Ok(table),
            other => Err(self.wrong(what, "a table", &other)),
        }
    }

    /// A table argument, or nothing.
    pub fn optional_table(&self, index: usize, what: &str) -> HostResult<Option<Table>> {
        match self.value(index) {
            Value::Nil => Ok(None),
            _ => self.table(index, what).map(Some),
        }
    }

    /// A string argument of at most `most` bytes.
    pub fn short_string(&self, index: usize, what: &str, most: usize) -> HostResult<String> {
        match self.value(index) {
            Value::String(text) if text.as_bytes().len() <= most => Ok(text.to_string_lossy()),
            other => {
                let expected = format!("a string of at most {most} characters");
                Err(self.wrong(what, &expected, &other))
            }
        }
    }

    /// A function argument.
    pub fn callback(&self, index: usize, what: &str) -> HostResult<Function> {
        match self.value(index) {
            Value::Function(function) => Ok(function),
            other => Err(self.wrong(what, "a function", &other)),
        }
    }

    /// A duration: seconds as a number, or a string such as `"90s"`, `"5m"`, `"1h 30m"`.
    pub fn duration(&self, index: usize, what: &str) -> HostResult<std::time::Duration> {
        let value = self.value(index);
        duration(&value).ok_or_else(|| self.wrong(what, EXPECTED_DURATION, &value))
    }
}

/// How errors describe a duration.
pub const EXPECTED_DURATION: &str = "a duration: seconds, or a string like \"90s\", \"5m\", \"2h\"";

/// A number that is not NaN.
#[allow(clippy::cast_precision_loss, reason = "Luau numbers are f64 anyway")]
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) if !number.is_nan() => Some(*number),
        _ => None,
    }
}

/// A duration of at most ten years: seconds as a number, or a string.
pub fn duration(value: &Value) -> Option<std::time::Duration> {
    const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;
    const LONGEST_TEXT: usize = 200;
    let duration = match value {
        Value::String(text) if text.as_bytes().len() > LONGEST_TEXT => return None,
        Value::String(text) => humantime::parse_duration(&text.to_string_lossy()).ok()?,
        _ => std::time::Duration::try_from_secs_f64(number(value)?).ok()?,
    };
    (duration.as_secs_f64() <= LONGEST).then_some(duration)
}

/// Characters of a string that errors show.
const SHOWN: usize = 40;

/// The beginning of a name that an author gave, for an error.
pub fn shown_name(name: &str) -> String {
    let short: String = name.chars().take(SHOWN).collect();
    let dots = if short.len() < name.len() { "…" } else { "" };
    format!("{short}{dots}")
}

/// What a value is, for the end of "expected …, got …". Never calls into Luau.
pub fn describe(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(number) => format!("the number {number}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let bytes = text.as_bytes();
            // Four bytes a character at most: no more than that is looked at.
            let text = String::from_utf8_lossy(bytes.get(..4 * SHOWN).unwrap_or(&bytes));
            let short: String = text.chars().take(SHOWN).collect();
            let dots = if short.len() < bytes.len() { "…" } else { "" };
            format!("the string {short:?}{dots}")
        }
        Value::LightUserData(pointer) if pointer.0.is_null() => "null".to_owned(),
        other => format!("a {}", other.type_name()),
    }
}
