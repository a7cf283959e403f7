//! Everything that is wrong with a tree, found by walking it beside the schema.

use super::key_path::KeyPath;
use super::overrides::Override;
use super::problem::{Origin, Problem};
use super::rules::{Rule, rule_for};
use super::schema::{Shape, is_nullable};
use super::source::Source;
use crate::nearest::nearest;
use serde_json::{Map, Value};

/// How much of a wrong value is shown, in characters.
const VALUE_SHOWN: usize = 60;

/// What is wrong with the file.
pub(super) fn file(source: &Source, schema: &Value) -> Vec<Problem> {
    let origin = |path: &KeyPath| source.origin(path);
    let mut check = Check::new(schema, &origin);
    check.value(&KeyPath::default(), schema, &source.tree);
    check.problems
}

/// What is wrong with one override.
pub(super) fn one_override(item: &Override, schema: &Value) -> Vec<Problem> {
    let origin = |_: &KeyPath| Origin::Variable(item.variable.clone());
    let mut check = Check::new(schema, &origin);
    if item.path.pattern.ends_with("{}") {
        let name = item.names.last().map_or("", String::as_str);
        check.text(&item.path, name, rule_for(&item.path.pattern));
    }
    check.value(&item.path, item.node, &item.value);
    check.problems
}

struct Check<'a> {
    schema: &'a Value,
    origin: &'a dyn Fn(&KeyPath) -> Origin,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn new(schema: &'a Value, origin: &'a dyn Fn(&KeyPath) -> Origin) -> Self {
        Self {
            schema,
            origin,
            problems: Vec::new(),
        }
    }

    fn add(&mut self, path: &KeyPath, message: String) {
        self.problems.push(Problem {
            origin: (self.origin)(path),
            key: path.shown.clone(),
            message,
            excerpt: String::new(),
        });
    }

    fn value(&mut self, path: &KeyPath, node: &Value, value: &Value) {
        if value.is_null() && is_nullable(node) {
            return;
        }
        let shape = Shape::of(node);
        match (&shape, value) {
            (Shape::Section(keys), Value::Object(fields)) => self.section(path, keys, fields),
            (Shape::Entries(each), Value::Object(fields)) => {
                for (name, value) in fields {
                    let entry = path.entry(name);
                    self.text(&entry, name, rule_for(&entry.pattern));
                    self.value(&entry, each, value);
                }
            }
            (Shape::List(each), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(&path.item(index), each, item);
                }
            }
            (Shape::Text, Value::String(text)) => self.text(path, text, rule_for(&path.pattern)),
            _ if fits(&shape, value) => {}
            _ => {
                let expected = expected(&shape, path, node);
                let shown = match shape {
                    // A text in the place of a whole section may contain a password.
                    Shape::Section(_) | Shape::Entries(_) if value.is_string() => "a text".into(),
                    _ => shown(value, rule_for(&path.pattern)),
                };
                self.add(
                    path,
                    format!("{} must be {expected}, but is {shown}", named(path)),
                );
            }
        }
    }

    fn section(&mut self, path: &KeyPath, keys: &Map<String, Value>, fields: &Map<String, Value>) {
        for (name, value) in fields {
            let key = path.key(name);
            if let Some(node) = keys.get(name) {
                self.value(&key, node, value);
            } else {
                let advice = self.advice(path, name, keys);
                self.add(&key, format!("unknown key `{}`{advice}", key.shown));
            }
        }
    }

    fn text(&mut self, path: &KeyPath, text: &str, rule: Option<&Rule>) {
        let Some((rule, fault)) = rule.and_then(|rule| Some((rule, (rule.fault)(text)?))) else {
            return;
        };
        let shown = shown(&text.into(), Some(rule));
        let message = format!(
            "{} must be {}, but is {shown}, which {fault}",
            named(path),
            rule.expected
        );
        self.add(path, message);
    }

    /// What somebody may have meant by the unknown key `name`.
    fn advice(&self, path: &KeyPath, name: &str, siblings: &Map<String, Value>) -> String {
        if name.to_lowercase().contains("token") {
            return ": the token is never written here, but as DISCORD_TOKEN into the environment \
                    or the file .env"
                .to_owned();
        }
        let elsewhere = sections(self.schema)
            .find(|(_, keys)| keys.contains_key(name))
            .map(|(section, _)| format!("{section}.{name}"));
        let alike = || nearest(name, siblings.keys().map(String::as_str));
        if let Some(known) = elsewhere.or_else(|| Some(path.key(alike()?).shown)) {
            return format!(", did you mean `{known}`?");
        }
        let known: Vec<String> = siblings.keys().map(|key| format!("`{key}`")).collect();
        format!(", known here: {}", known.join(", "))
    }
}

/// The sections of the configuration with their keys.
fn sections(schema: &Value) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter_map(|(name, node)| Some((name, node.get("properties")?.as_object()?)))
}

/// Whether a value without parts is what the schema asks for.
fn fits(shape: &Shape<'_>, value: &Value) -> bool {
    match shape {
        Shape::Choice(names) => value.as_str().is_some_and(|text| names.contains(&text)),
        Shape::Integer(low, high) => value.as_i64().is_some_and(|n| (*low..=*high).contains(&n)),
        Shape::Number(low, high) => value.as_f64().is_some_and(|n| (*low..=*high).contains(&n)),
        Shape::Flag => value.is_boolean(),
        Shape::Text | Shape::Section(_) | Shape::Entries(_) | Shape::List(_) => false,
    }
}

/// The key in quotes.
fn named(path: &KeyPath) -> String {
    match path.shown.as_str() {
        "" => "the whole file".to_owned(),
        path => format!("`{path}`"),
    }
}

/// What a value must be; follows "must be".
fn expected(shape: &Shape<'_>, path: &KeyPath, node: &Value) -> String {
    let expected = match shape {
        Shape::Section(_) | Shape::Entries(_) => "an object in { }".to_owned(),
        Shape::List(_) => "a list in [ ]".to_owned(),
        Shape::Choice(names) => {
            let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            quoted.join(" or ")
        }
        Shape::Text => rule_for(&path.pattern)
            .map_or("a text", |rule| rule.expected)
            .to_owned(),
        Shape::Integer(low, high) => format!("a whole number from {low} to {high}"),
        Shape::Number(low, high) => format!("a number from {low} to {high}"),
        Shape::Flag => "true or false".to_owned(),
    };
    if is_nullable(node) {
        expected + ", or null"
    } else {
        expected
    }
}

/// A value as a message shows it.
fn shown(value: &Value, rule: Option<&Rule>) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(_) if rule.is_some_and(|rule| rule.is_secret) => "a text".to_owned(),
        Value::String(text) => match text.char_indices().nth(VALUE_SHOWN) {
            Some((end, _)) => Value::from(format!("{}…", &text[..end])).to_string(),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The patterns of all texts below `node`.
    fn texts(path: &KeyPath, node: &Value, found: &mut Vec<String>) {
        match Shape::of(node) {
            Shape::Section(keys) => {
                for (name, node) in keys {
                    texts(&path.key(name), node, found);
                }
            }
            Shape::Entries(each) => {
                found.push(path.entry("x").pattern);
                texts(&path.entry("x"), each, found);
            }
            Shape::List(each) => texts(&path.item(0), each, found),
            Shape::Text => found.push(path.pattern.clone()),
            Shape::Choice(_) | Shape::Integer(..) | Shape::Number(..) | Shape::Flag => {}
        }
    }

    #[test]
    fn every_text_has_a_rule() {
        let mut found = Vec::new();
        texts(&KeyPath::default(), &crate::config::schema(), &mut found);
        found.retain(|pattern| pattern != "$schema" && rule_for(pattern).is_none());
        assert!(found.is_empty(), "add a rule for {found:?}");
    }
}
