//! What stands for ids: names of people, channels, roles and messages, which are the same in each run.

use crate::sim::Id;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

/// Ids of Discord's have so many digits.
pub(crate) const DIGITS: RangeInclusive<usize> = 17..=20;

/// The direct messages between a person and the bot.
pub(super) const DIRECT: &str = "dm";

/// The names of ids. A label is the name behind the mark of its kind: `@anna`, `#general`, `@&moderators`, `m1`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    labels: HashMap<Id, String>,
    ids: HashMap<String, Id>,
}

impl Labels {
    /// Names an id. A name that another id has already gets a number.
    pub(super) fn add(&mut self, id: Id, mark: &str, name: &str) -> String {
        if let Some(known) = self.labels.get(&id) {
            return known.clone();
        }
        let plain = format!("{mark}{name}");
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        let label = candidates.find(|label| !self.ids.contains_key(label));
        let label = label.unwrap_or(plain);
        self.set(id, &label);
        label
    }

    /// Names an id in this way and no other.
    pub(super) fn set(&mut self, id: Id, label: &str) {
        self.labels.insert(id, label.to_owned());
        self.ids.insert(label.to_owned(), id);
    }

    /// The label of an id.
    pub(super) fn of(&self, id: Id) -> Option<&str> {
        self.labels.get(&id).map(String::as_str)
    }

    /// The name behind a mark: `anna` for the id of `@anna`.
    pub(super) fn name(&self, id: Id, mark: &str) -> Option<&str> {
        self.of(id)?.strip_prefix(mark)
    }

    /// The id with a label.
    pub(super) fn id(&self, label: &str) -> Option<Id> {
        self.ids.get(label).copied()
    }

    /// The ids of messages.
    pub(super) fn messages(&self) -> Vec<Id> {
        let all = self.labels.iter();
        let messages = all.filter(|(_, label)| label.starts_with('m'));
        messages.map(|(id, _)| *id).collect()
    }

    /// The labels by the texts of ids.
    pub(super) fn by_text(&self) -> BTreeMap<String, String> {
        let all = self.labels.iter();
        all.map(|(id, label)| (id.to_string(), label.clone()))
            .collect()
    }
}

/// Calls `each` with the parts of a text: `true` for what may be an id.
pub(super) fn each_part<'a>(text: &'a str, mut each: impl FnMut(&'a str, bool)) {
    let mut rest = text;
    while !rest.is_empty() {
        let is_digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest
            .find(|c: char| c.is_ascii_digit() != is_digits)
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        each(part, is_digits && DIGITS.contains(&part.len()));
        rest = after;
    }
}

/// The text with other ids in place of those for which `other` has one.
pub(super) fn with_ids(text: &str, other: impl Fn(&str) -> Option<String>) -> String {
    let mut replaced = String::with_capacity(text.len());
    each_part(text, |part, is_id| {
        match is_id.then(|| other(part)).flatten() {
            Some(id) => replaced.push_str(&id),
            None => replaced.push_str(part),
        }
    });
    replaced
}

/// The same for all texts in a value.
pub(super) fn value_with_ids(value: &Value, other: &impl Fn(&str) -> Option<String>) -> Value {
    map_texts(value, &|text| with_ids(text, other))
}

/// The value with each of its texts, and none of its keys, made another.
pub(super) fn map_texts(value: &Value, other: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => other(text).into(),
        Value::Array(items) => items.iter().map(|item| map_texts(item, other)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter();
            let mapped = fields.map(|(name, value)| (name.clone(), map_texts(value, other)));
            Value::Object(mapped.collect())
        }
        other => other.clone(),
    }
}
