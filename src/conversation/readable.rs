//! Values as people read them in the files of snapshots: messages as their readers see them, ids as names.

use super::labels::DIGITS;
use super::seen::{is_number_of_component, keep_fields};
use crate::escape::one_line;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The fields of a message that its readers see, in the order in which they are written.
const SEEN: [&str; 6] = [
    "content",
    "ephemeral",
    "embeds",
    "components",
    "poll",
    "attachments",
];
/// The fields of these that are no text of the cog's own.
const LEFT_OUT: [(&str, &[&str]); 2] = [
    ("poll", &["expiry", "results", "layout_type"]),
    (
        "attachments",
        &["id", "url", "proxy_url", "size", "content_type"],
    ),
];

/// The value as text. `names` has the names of people, channels and roles by their ids.
pub(crate) fn readable(value: &Value, names: &BTreeMap<String, String>) -> String {
    let value = match value {
        Value::Object(fields)
            if fields.contains_key("author") && fields.contains_key("content") =>
        {
            seen(value)
        }
        other => other.clone(),
    };
    let mut text = String::new();
    write(&mut text, &value, 0, names);
    text.trim_start_matches(['\n', ' ']).to_owned()
}

/// A message without what nobody sees.
fn seen(message: &Value) -> Value {
    let fields = SEEN.iter().filter_map(|name| {
        let value = without_ids(name, &message[*name])?;
        Some(((*name).to_owned(), value))
    });
    Value::Object(fields.collect())
}

fn without_ids(name: &str, value: &Value) -> Option<Value> {
    let is_nothing = match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    if is_nothing {
        return None;
    }
    let left_out = LEFT_OUT.iter().find(|(field, _)| *field == name);
    let left_out = left_out.map_or(&[][..], |(_, names)| names);
    let are_components = name == "components";
    Some(keep_fields(value, &|name, value| {
        let is_number = are_components && is_number_of_component(name, value);
        !left_out.contains(&name) && !is_number
    }))
}

/// Writes a value that stands `depth` levels deep, behind what is in its line already.
fn write(text: &mut String, value: &Value, depth: usize, names: &BTreeMap<String, String>) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                write(&mut inner, item, depth + 1, names);
                // The first field stands behind the dash.
                let inner = inner.trim_start_matches(['\n', ' ']);
                let _always = write!(text, "\n{indent}- {inner}");
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let mut all: Vec<_> = fields.iter().collect();
            // A message's own order is told; that of other tables is nobody's.
            all.sort_by_key(|(name, _)| {
                let place = SEEN.iter().position(|seen| *seen == name.as_str());
                (place.unwrap_or(SEEN.len()), name.as_str())
            });
            for (name, value) in all {
                let _always = write!(text, "\n{indent}{}:", one_line(&named(name, names)));
                write(text, value, depth + 1, names);
            }
        }
        Value::String(words) => write_text(text, &named(words, names), &indent),
        other => {
            let _always = write!(text, " {other}");
        }
    }
}

/// A text in its line, or in lines of its own; in quotes where it would not be seen otherwise.
fn write_text(text: &mut String, words: &str, indent: &str) {
    let is_plain = |line: &str| !line.is_empty() && line.trim() == line && one_line(line) == line;
    if is_plain(words) && words != "|" && !words.starts_with('"') {
        let _always = write!(text, " {words}");
    } else if words.contains('\n')
        && words
            .split('\n')
            .all(|line| line.is_empty() || is_plain(line))
    {
        text.push_str(" |");
        for line in words.split('\n') {
            text.push_str(format!("\n{indent}{line}").trim_end_matches(' '));
        }
    } else {
        let _always = write!(text, " {}", Value::from(words));
    }
}

/// The text with names in place of ids: `<@{anna}>`.
fn named(text: &str, names: &BTreeMap<String, String>) -> String {
    let mut shown = String::new();
    let mut digits = String::new();
    let flush = |digits: &mut String, shown: &mut String| {
        match names.get(digits.as_str()) {
            Some(name) => {
                let _always = write!(shown, "{{{name}}}");
            }
            None if DIGITS.contains(&digits.len()) => shown.push_str("{id}"),
            None => shown.push_str(digits),
        }
        digits.clear();
    };
    for one in text.chars() {
        if one.is_ascii_digit() {
            digits.push(one);
        } else {
            flush(&mut digits, &mut shown);
            shown.push(one);
        }
    }
    flush(&mut digits, &mut shown);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_what_its_reader_sees() {
        let names = BTreeMap::from([("123456789012345678".to_owned(), "anna".to_owned())]);
        let message = json!({
            "id": "999999999999999999", "author": { "id": "1" }, "timestamp": "2026",
            "content": "Hello <@123456789012345678>,\n\nsee message 999999999999999999 of 2026.",
            "embeds": [{ "title": "Rules", "fields": [{ "name": "1", "value": " be kind" }] }],
            "components": [{ "type": 1, "id": 1, "components": [{ "type": 2, "id": 2, "custom_id": "a:123456789012345678" }] }],
            "attachments": [{ "id": "5", "filename": "a.txt", "url": "http://x" }],
            "ephemeral": false, "mentions": [],
        });
        insta::assert_snapshot!(readable(&message, &names), @r#"
        content: |
          Hello <@{anna}>,

          see message {id} of 2026.
        embeds:
          - fields:
              - name: 1
                value: " be kind"
            title: Rules
        components:
          - components:
              - custom_id: a:{anna}
                type: 2
            type: 1
        attachments:
          - filename: a.txt
        "#);
        insta::assert_snapshot!(readable(&json!({ "b": [], "a": [1, "\"", "|", ""], "c": null }), &names), @r#"
        a:
          - 1
          - "\""
          - "|"
          - ""
        b: []
        c: null
        "#);
        assert_eq!(readable(&json!("one line"), &names), "one line");
    }
}
