//! From the text of `config.json` to a tree, with the line of every key.

use super::key_path::KeyPath;
use super::problem::{Origin, Problem};
use crate::secrets;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};

/// How many lines an excerpt shows before the one with the error.
const LINES_BEFORE: usize = 2;

/// How many characters of a line an excerpt shows, and how many of them before the error.
const COLUMNS: usize = 100;
const COLUMNS_BEFORE: usize = 80;

/// A configuration file that is JSON, whatever it says.
pub(super) struct Source {
    pub(super) tree: Value,
    name: String,
    /// The line of each value by its path, as [`KeyPath::shown`] writes it.
    lines: HashMap<String, usize>,
    /// The paths of keys that are written more than once in one object, with the later line.
    repeated: Vec<(String, usize)>,
}

/// Parses the text of the file `name`.
pub(super) fn read(text: &str, name: &str) -> Result<Source, Problem> {
    // Some editors begin a file with a byte order mark, which JSON does not know.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        let what = "is empty: write {} for the defaults, or remove the file";
        return Err(Problem::of_file(name, what));
    }
    let tree = serde_json::from_str(text).map_err(|error| not_json(text, name, &error))?;
    let mut source = Source {
        tree,
        name: name.to_owned(),
        lines: HashMap::new(),
        repeated: Vec::new(),
    };
    source.locate(text, text, &KeyPath::default());
    Ok(source)
}

impl Source {
    /// Where the value at `path` was written.
    pub(super) fn origin(&self, path: &KeyPath) -> Origin {
        self.origin_of(&path.shown)
    }

    /// Where the value at a path in its shown form was written.
    pub(super) fn origin_of(&self, path: &str) -> Origin {
        Origin::File(self.name.clone(), self.lines.get(path).copied())
    }

    /// Keys that are written twice: JSON would silently take the last.
    pub(super) fn repeated_keys(&self) -> Vec<Problem> {
        let problem = |(key, line): &(String, usize)| Problem {
            origin: Origin::File(self.name.clone(), Some(*line)),
            key: key.clone(),
            message: format!("`{key}` is written twice: remove one of the two"),
            excerpt: String::new(),
        };
        self.repeated.iter().map(problem).collect()
    }

    /// Notes the line of `part`, a JSON value within `text`, and of everything in it. The depth is
    /// bounded, since the whole text has been parsed with `serde_json`'s limit of 128 levels.
    fn locate(&mut self, text: &str, part: &str, path: &KeyPath) {
        let line = line_at(text, part);
        self.lines.entry(path.shown.clone()).or_insert(line);
        let part = part.trim_start();
        if part.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(part).unwrap_or_default();
            for (index, item) in items.into_iter().enumerate() {
                self.locate(text, item.get(), &path.item(index));
            }
        } else if part.starts_with('{') {
            let Fields(fields) = serde_json::from_str(part).unwrap_or_default();
            let mut seen = HashSet::new();
            for (name, value) in fields {
                let key = path.key(&name);
                if seen.insert(name) {
                    self.locate(text, value.get(), &key);
                } else {
                    let line = line_at(text, value.get());
                    self.repeated.push((key.shown, line));
                }
            }
        }
    }
}

/// The line, from 1, at which `part` begins; `part` lies within `text`.
fn line_at(text: &str, part: &str) -> usize {
    let offset = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + memchr::memchr_iter(b'\n', before).count()
}

/// The fields of an object in the order of the text, repeated ones as well.
#[derive(Default)]
struct Fields<'text>(Vec<(String, &'text RawValue)>);

impl<'text> Deserialize<'text> for Fields<'text> {
    fn deserialize<D: Deserializer<'text>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'text> Visitor<'text> for Collect {
            type Value = Fields<'text>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'text>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Why the text is not JSON, with the lines around the place.
fn not_json(text: &str, name: &str, error: &serde_json::Error) -> Problem {
    let whole = error.to_string();
    let reason = whole.split(" at line ").next().unwrap_or(&whole);
    let line = error.line().max(1);
    let hint = hint(text, line, reason);
    Problem {
        origin: Origin::File(name.to_owned(), Some(line)),
        key: String::new(),
        message: format!("not JSON in column {}: {reason}{hint}", error.column()),
        excerpt: excerpt(text, line, error.column()),
    }
}

/// What to do about the mistakes that are made most often.
fn hint(text: &str, line: usize, reason: &str) -> &'static str {
    let line = text.lines().nth(line - 1).unwrap_or_default();
    if line.contains("//") || line.contains("/*") || line.trim_start().starts_with('#') {
        " (JSON has no comments)"
    } else if reason.starts_with("trailing comma") {
        ": remove the comma before it"
    } else if reason.starts_with("EOF") {
        ": a bracket or a quote is not closed"
    } else {
        ""
    }
}

/// The lines up to `line`, numbered, with a marker below byte `column` (from 1) of the last.
fn excerpt(text: &str, line: usize, column: usize) -> String {
    let text = &secrets::hide_text(text);
    let first = line.saturating_sub(LINES_BEFORE).max(1);
    let width = line.to_string().len();
    let last = text.lines().nth(line - 1).unwrap_or_default();
    let before = last.as_bytes().get(..column.saturating_sub(1));
    let before = String::from_utf8_lossy(before.unwrap_or(last.as_bytes()));
    // What is left of the window is cut off from every line.
    let cut = before.chars().count().saturating_sub(COLUMNS_BEFORE);
    let window = |line: &str| line.chars().skip(cut).take(COLUMNS).collect::<String>();

    let mut shown = String::new();
    for (number, content) in (1..=line).zip(text.lines()).skip(first - 1) {
        let _always = writeln!(shown, "{number:width$} | {}", window(content));
    }
    // A tab is as wide in the marker's line as in the line above it.
    let indent = window(&before).replace(|letter| letter != '\t', " ");
    shown + &format!("{:width$} | {indent}^", "")
}
