//! Paths, queries and headers.

use super::{ArgumentError, Params, expected, got};
use crate::discord::operations::Operation;
use crate::discord::schema::Shape;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// The characters that are percent-encoded: all except those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` with everything percent-encoded that is not a letter, a digit or one of `-._~`.
pub fn percent(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The operation's path with its parameters filled in.
pub(super) fn path(
    operation: &'static Operation,
    params: &Params,
) -> Result<String, ArgumentError> {
    let mut path = String::with_capacity(operation.path.len() + 32);
    for segment in operation.path.split('/').skip(1) {
        path.push('/');
        let Some(name) = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
        else {
            path.push_str(segment);
            continue;
        };
        match params.get(name) {
            None | Some(Value::Null) => {
                let expected = operation.params.get(name).map(expected);
                let expected = expected.unwrap_or_default();
                return Err(ArgumentError::missing(operation, name, &expected));
            }
            Some(value) => path.push_str(&segment_of(operation, name, value)?),
        }
    }
    Ok(path)
}

fn segment_of(
    operation: &'static Operation,
    name: &str,
    value: &Value,
) -> Result<String, ArgumentError> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    // These would mean another path, encoded or not.
    if ["", ".", ".."].contains(&text.as_str()) {
        let expected = "a name that is not empty and not made of dots";
        return Err(ArgumentError::wrong(operation, name, expected, got(value)));
    }
    Ok(percent(&text))
}

/// Adds a value to the query: a list comes once for each item, or joined by commas where Discord
/// takes a string as well.
pub(super) fn query(
    name: &'static str,
    shape: &Shape,
    value: &Value,
    query: &mut Vec<(&'static str, String)>,
) {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match value {
        Value::Array(items) if shape.alternatives().contains(&Shape::String) => {
            let items: Vec<String> = items.iter().map(text).collect();
            query.push((name, items.join(",")));
        }
        Value::Array(items) => query.extend(items.iter().map(|item| (name, text(item)))),
        other => query.push((name, text(other))),
    }
}
