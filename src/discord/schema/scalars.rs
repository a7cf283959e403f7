//! Strings, numbers, ids and times against their type and limits.

use super::{Field, Schema, Shape, schema};
use serde_json::Value;

/// Discord's code and sentence for a fault.
pub(super) type ValueProblem = (&'static str, String);

/// The schemes of the URLs that Discord takes somewhere.
const SCHEMES: [&str; 4] = ["http", "https", "attachment", "discord"];

/// What is wrong with a value that is neither list nor object, and not null.
pub(super) fn fault(shape: &Shape, limits: &Field, value: &Value) -> Option<ValueProblem> {
    let fault = match shape {
        Shape::Boolean if value.is_boolean() => None,
        Shape::Boolean => Some((
            "BOOLEAN_TYPE_CONVERT",
            "Must be either true or false.".into(),
        )),
        Shape::Integer => number(limits, value, "int"),
        Shape::Number => number(limits, value, "float"),
        Shape::Snowflake => snowflake(value),
        Shape::Null => Some(("BASE_TYPE_BAD_TYPE", "Must be null.".into())),
        other => text(other, limits, value),
    };
    if fault.is_none() && !limits.choices.is_empty() {
        return choice(limits.choices.iter(), value);
    }
    fault
}

fn number(limits: &Field, value: &Value, kind: &str) -> Option<ValueProblem> {
    // Discord takes numbers that come as digits in a string.
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(digits) => digits.parse::<f64>().ok().filter(|_| digits.len() <= 32),
        _ => None,
    };
    let whole = |number: &f64| kind != "int" || number.fract() == 0.0;
    let Some(number) = number.filter(whole).filter(|number| number.is_finite()) else {
        return Some((
            "NUMBER_TYPE_COERCE",
            format!("Value {value} is not {kind}."),
        ));
    };
    if let Some(max) = limits.max.filter(|max| number > *max) {
        let message = format!("{kind} value should be less than or equal to {max}.");
        return Some(("NUMBER_TYPE_MAX", message));
    }
    let min = limits.min.filter(|min| number < *min)?;
    let message = format!("{kind} value should be greater than or equal to {min}.");
    Some(("NUMBER_TYPE_MIN", message))
}

fn snowflake(value: &Value) -> Option<ValueProblem> {
    let fits = match value {
        Value::String(digits) => is_snowflake(digits),
        other => other.is_u64(),
    };
    let message = || format!("Value {value} is not snowflake.");
    (!fits).then(|| ("NUMBER_TYPE_COERCE", message()))
}

/// Whether `text` is an id: a number of 64 bits, in digits alone.
fn is_snowflake(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok()
}

fn text(shape: &Shape, limits: &Field, value: &Value) -> Option<ValueProblem> {
    let Some(text) = value.as_str() else {
        let message = format!("Could not interpret \"{value}\" as string.");
        return Some(("STRING_TYPE_CONVERT", message));
    };
    let bounds = (limits.min_length, limits.max_length);
    // The bytes are never fewer than the characters: short texts need no counting.
    let short =
        limits.min_length.is_none() && limits.max_length.is_none_or(|max| text.len() <= max);
    let too = (!short).then(|| length(bounds, text.chars().count()));
    if let Some(fault) = too.flatten() {
        return Some(fault);
    }
    match shape {
        Shape::DateTime if text.parse::<jiff::Timestamp>().is_err() => Some((
            "DATE_TIME_TYPE_PARSE",
            format!("Could not parse {text}. Should be ISO8601."),
        )),
        Shape::Uri => url(text),
        _ => limits.pattern.and_then(|pattern| matching(pattern, text)),
    }
}

fn url(text: &str) -> Option<ValueProblem> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some(("URL_TYPE_INVALID_URL", "Not a well formed URL.".into()));
    };
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Some(("URL_TYPE_INVALID_URL", "Not a well formed URL.".into()));
    }
    if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let message =
        format!("Scheme \"{scheme}\" is not supported. Scheme must be one of ('http', 'https').");
    Some(("URL_TYPE_INVALID_SCHEME", message))
}

/// The facts hold one pattern besides that of ids: a colour such as `#a0b` or `#aa00bb`.
fn matching(pattern: &str, text: &str) -> Option<ValueProblem> {
    let fits = match text.strip_prefix('#') {
        _ if !pattern.starts_with("^#") => true,
        Some(digits) => {
            matches!(digits.len(), 3 | 6) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        None => false,
    };
    let message = "String value did not match validation regex.";
    (!fits).then(|| ("STRING_TYPE_REGEX", message.into()))
}

/// What is wrong with a length between `min` and `max`.
pub(super) fn length(
    (min, max): (Option<usize>, Option<usize>),
    length: usize,
) -> Option<ValueProblem> {
    let low = min.is_some_and(|min| length < min);
    let high = max.is_some_and(|max| length > max);
    if !low && !high {
        return None;
    }
    Some(match (min, max) {
        (Some(min), Some(max)) => (
            "BASE_TYPE_BAD_LENGTH",
            format!("Must be between {min} and {max} in length."),
        ),
        (Some(min), None) => (
            "BASE_TYPE_MIN_LENGTH",
            format!("Must be {min} or more in length."),
        ),
        (_, max) => (
            "BASE_TYPE_MAX_LENGTH",
            format!("Must be {} or fewer in length.", max.unwrap_or_default()),
        ),
    })
}

/// What is wrong with a value that must be one of `choices`.
pub(super) fn choice<'c>(
    choices: impl Iterator<Item = &'c Value> + Clone,
    value: &Value,
) -> Option<ValueProblem> {
    if choices.clone().any(|choice| equal(choice, value)) {
        return None;
    }
    let listed: Vec<String> = choices.map(ToString::to_string).collect();
    let message = format!("Value must be one of ({}).", listed.join(", "));
    Some(("BASE_TYPE_CHOICES", message))
}

/// Whether a value means a choice: Luau's numbers have a fraction, and digits may come as a string.
pub(super) fn equal(choice: &Value, value: &Value) -> bool {
    match (choice, value) {
        (Value::Number(choice), Value::Number(value)) => choice.as_f64() == value.as_f64(),
        (Value::Number(choice), Value::String(digits)) => choice.to_string() == *digits,
        (choice, value) => choice == value,
    }
}

/// Whether a value is of the same class (text, number, list …) as the values of a type.
pub(super) fn same_class(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Null => value.is_null(),
        Shape::Boolean => value.is_boolean(),
        Shape::Integer | Shape::Number => value.is_number(),
        Shape::String | Shape::DateTime | Shape::Uri => value.is_string(),
        Shape::Snowflake => value.is_string() || value.is_u64(),
        Shape::List(_) => value.is_array(),
        Shape::Map(_) | Shape::Object | Shape::All(_) => value.is_object(),
        Shape::Union(parts) => parts.iter().any(|part| same_class(part, value)),
        Shape::Named(name) => match schema(name) {
            Some(Schema::Object(_)) => value.is_object(),
            Some(Schema::Alias(alias)) => same_class(&alias.shape, value),
            _ => !value.is_object() && !value.is_array(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_hold_no_pattern_that_is_not_checked() {
        for (name, schema) in crate::discord::schema::schemas() {
            let fields: Vec<&Field> = match schema {
                Schema::Object(fields) => fields.values().collect(),
                Schema::Alias(alias) => vec![alias],
                Schema::Choices(_) => Vec::new(),
            };
            for pattern in fields.iter().filter_map(|field| field.pattern) {
                let known = pattern.starts_with("^#((") || pattern == "^(0|[1-9][0-9]*)$";
                assert!(known, "{name}: {pattern}");
            }
        }
    }
}
