//! Values as tables of Luau: in a line if there is room, or else one field a line.

use super::text::{is_name, quoted};

/// The longest line, in characters.
const WIDE: usize = 100;

/// A value in Luau.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    /// An expression as it is written.
    Code(String),
    List(Vec<Expression>),
    Map(Vec<(String, Expression)>),
}

impl Expression {
    /// Whether it is a table without anything in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Code(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(fields) => fields.is_empty(),
        }
    }

    /// The value, behind `before` characters of its line at this depth.
    pub(super) fn write(&self, before: usize, depth: usize) -> String {
        let line = self.line();
        if before + line.chars().count() <= WIDE {
            return line;
        }
        let inner = "    ".repeat(depth + 1);
        let entries: Vec<String> = match self {
            Self::Code(code) => return code.clone(),
            Self::List(items) => items
                .iter()
                .map(|item| item.write(inner.len() + 1, depth + 1))
                .collect(),
            Self::Map(fields) => fields
                .iter()
                .map(|(name, value)| {
                    let key = key(name);
                    let value = value.write(inner.len() + key.chars().count() + 4, depth + 1);
                    format!("{key} = {value}")
                })
                .collect(),
        };
        let mut text = "{\n".to_owned();
        for entry in entries {
            text.extend([&inner, &*entry, ",\n"]);
        }
        text.push_str(&"    ".repeat(depth));
        text.push('}');
        text
    }

    fn line(&self) -> String {
        let entries: Vec<String> = match self {
            Self::Code(code) => return code.clone(),
            Self::List(items) => items.iter().map(Self::line).collect(),
            Self::Map(fields) => fields
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), value.line()))
                .collect(),
        };
        match entries.as_slice() {
            [] => "{}".to_owned(),
            entries => format!("{{ {} }}", entries.join(", ")),
        }
    }
}

fn key(name: &str) -> String {
    if is_name(name) {
        name.to_owned()
    } else {
        format!("[{}]", quoted(name))
    }
}
