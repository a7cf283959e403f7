//! Overrides from the environment: `COGSMITH_BOT__PREFIX` for `bot.prefix`, with two underscores
//! between levels.

use super::environment::Environment;
use super::key_path::KeyPath;
use super::problem::Problem;
use super::schema::{SCHEMA_KEY, Shape, is_nullable};
use crate::nearest::nearest;
use serde_json::{Map, Value};

const PREFIX: &str = "COGSMITH_";
const BETWEEN_LEVELS: &str = "__";

/// The variables of this prefix that are no overrides.
const OTHERS: [&str; 1] = ["COGSMITH_LOG"];

/// One variable that sets a key, or all of a section.
pub(super) struct Override<'schema> {
    /// The variable's name.
    pub(super) variable: String,
    /// The names of the sections that lead to the key, and its own.
    pub(super) names: Vec<String>,
    pub(super) path: KeyPath,
    /// What the schema says about the key.
    pub(super) node: &'schema Value,
    /// The variable's text, read as what the key must be; a text where that fails.
    pub(super) value: Value,
}

/// All overrides, and a problem for each variable that looks like one and sets no known key.
pub(super) fn read<'schema>(
    environment: &Environment,
    schema: &'schema Value,
) -> (Vec<Override<'schema>>, Vec<Problem>) {
    let mut overrides = Vec::new();
    let mut problems = Vec::new();
    for (variable, text) in environment.iter() {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if OTHERS.contains(&variable) {
            continue;
        }
        match find(name, schema) {
            Some((names, path, node)) => overrides.push(Override {
                variable: variable.to_owned(),
                names,
                path,
                node,
                value: parsed(text, node),
            }),
            None => problems.extend(unknown(variable, schema)),
        }
    }
    (overrides, problems)
}

impl Override<'_> {
    /// The value within the objects that lead to it.
    pub(super) fn as_tree(&self) -> Value {
        let names = self.names.iter().rev();
        names.fold(self.value.clone(), |inside, name| {
            Value::Object(Map::from_iter([(name.clone(), inside)]))
        })
    }

    /// Takes out of `file` what this override replaces as a whole. Layers merge objects, but an override of a map such
    /// as `capabilities` replaces all of it.
    pub(super) fn forget_replaced(&self, file: &mut Value) {
        if let (Shape::Entries(_), [name]) = (Shape::of(self.node), self.names.as_slice())
            && let Some(keys) = file.as_object_mut()
        {
            keys.shift_remove(name);
        }
    }
}

/// The key that a variable sets; `name` is without its prefix.
fn find<'schema>(
    name: &str,
    schema: &'schema Value,
) -> Option<(Vec<String>, KeyPath, &'schema Value)> {
    let name = name.to_lowercase();
    let mut found = (Vec::new(), KeyPath::default(), schema);
    for part in name.split(BETWEEN_LEVELS) {
        let (mut names, path, node) = found;
        let (path, node) = match Shape::of(node) {
            Shape::Section(keys) if part != SCHEMA_KEY => (path.key(part), keys.get(part)?),
            Shape::Entries(each) if !part.is_empty() => (path.entry(part), each),
            _ => return None,
        };
        names.push(part.to_owned());
        found = (names, path, node);
    }
    Some(found)
}

/// Reads a variable's text as what the schema asks for. What cannot be read stays a text, which the
/// check then refuses.
fn parsed(text: &str, node: &Value) -> Value {
    let as_json = |text: &str| serde_json::from_str(text).ok();
    let trimmed = text.trim();
    if is_nullable(node) && matches!(trimmed, "" | "null") {
        return Value::Null;
    }
    let value = match Shape::of(node) {
        Shape::Choice(_) => Some(trimmed.into()),
        Shape::Text => Some(text.into()),
        Shape::List(_) if !trimmed.starts_with('[') => Some(separated(trimmed)),
        Shape::Section(_)
        | Shape::Entries(_)
        | Shape::List(_)
        | Shape::Integer(..)
        | Shape::Number(..)
        | Shape::Flag => as_json(trimmed),
    };
    value.unwrap_or_else(|| text.into())
}

/// `a, b` as a list; nothing as an empty one.
fn separated(text: &str) -> Value {
    let items = text.split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).collect()
}

/// The problem of a variable that sets no key. Variables with a single underscore between words may belong to somebody
/// else (Kubernetes sets `COGSMITH_PORT` for a service of that name), so they are ignored unless they differ from one
/// of ours only in underscores.
fn unknown(variable: &str, schema: &Value) -> Option<Problem> {
    let known = variables(schema);
    let bare = |name: &str| name.replace('_', "");
    let is_meant = |name: &&String| strsim::levenshtein(&bare(name), &bare(variable)) <= 1;
    let meant = known.iter().find(is_meant).map(String::as_str);
    let is_ours = variable[PREFIX.len()..].contains(BETWEEN_LEVELS);
    if meant.is_none() && !is_ours {
        return None;
    }
    let own = |name: &'_ str| name.trim_start_matches(PREFIX).to_owned();
    let owns: Vec<String> = known.iter().map(|name| own(name)).collect();
    let alike = || nearest(&own(variable), owns.iter().map(String::as_str));
    let nearest = meant
        .map(str::to_owned)
        .or_else(|| Some(format!("{PREFIX}{}", alike()?)));
    let advice = nearest.map_or_else(String::new, |name| format!(", did you mean {name}?"));
    let message = format!("this variable sets no known key{advice}");
    Some(Problem::of_variable(variable, message))
}

/// The variables of all keys.
fn variables(schema: &Value) -> Vec<String> {
    let mut names = Vec::new();
    let Shape::Section(sections) = Shape::of(schema) else {
        return names;
    };
    for (section, node) in sections.iter().filter(|(name, _)| *name != SCHEMA_KEY) {
        let section = format!("{PREFIX}{}", section.to_uppercase());
        if let Shape::Section(keys) = Shape::of(node) {
            let name = |key: &String| format!("{section}{BETWEEN_LEVELS}{}", key.to_uppercase());
            names.extend(keys.keys().map(name));
        }
        names.push(section);
    }
    names
}
