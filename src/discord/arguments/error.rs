//! What is wrong with a call's arguments, in a sentence for its author.

use crate::discord::operations::Operation;
use crate::discord::schema::Violation;
use crate::nearest::nearest;
use std::fmt::{self, Write as _};

/// An argument that the operation does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ArgumentError {
    /// The operation's name.
    pub operation: &'static str,
    /// The field as the author would write it (`embeds[1].title`). Empty: the arguments as a whole.
    pub field: String,
    /// What was expected (`a string of at most 256 characters`); empty if there is no such field.
    pub expected: String,
    /// What was given (`nothing`, `the number 5`).
    pub got: String,
    /// The name that was probably meant.
    pub nearest: Option<String>,
}

impl ArgumentError {
    pub(super) fn wrong(
        operation: &Operation,
        field: &str,
        expected: &str,
        got: impl Into<String>,
    ) -> Self {
        Self {
            operation: operation.id,
            field: field.into(),
            expected: expected.into(),
            got: got.into(),
            nearest: None,
        }
    }

    pub(super) fn missing(operation: &Operation, field: &str, expected: &str) -> Self {
        Self::wrong(operation, field, expected, "nothing")
    }

    pub(super) fn unknown(operation: &Operation, field: &str) -> Self {
        let own = operation
            .params
            .keys()
            .chain(operation.query.keys())
            .copied();
        let body = operation.body_fields();
        let body = body.iter().map(|(name, _)| *name);
        let files = operation.multipart.then_some("files");
        let names = own.chain(body).chain(["reason"]).chain(files);
        Self {
            nearest: nearest(field, names).map(str::to_owned),
            ..Self::wrong(operation, field, "", "")
        }
    }

    pub(super) fn unknown_inside<'a>(
        operation: &Operation,
        place: &str,
        field: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            nearest: nearest(field, names).map(str::to_owned),
            ..Self::wrong(operation, &format!("{place}.{field}"), "", "")
        }
    }

    /// `name` is the argument whose value was checked; empty for the fields of the body.
    pub(super) fn violated(operation: &Operation, name: &str, violation: Violation) -> Self {
        let mut field = name.to_owned();
        for step in &violation.path {
            push_step(&mut field, step);
        }
        Self::wrong(operation, &field, &violation.expected, violation.got)
    }
}

/// Adds a step to a path as Luau writes it: `embeds` and `0` become `embeds[1]`.
pub(crate) fn push_step(path: &mut String, step: &str) {
    if let Ok(position) = step.parse::<usize>() {
        // Writing to a string cannot fail.
        let _written = write!(path, "[{}]", position.saturating_add(1)).is_ok();
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(step);
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            field,
            expected,
            got,
            nearest,
        } = self;
        if expected.is_empty() {
            write!(formatter, "discord.{operation} has no field \"{field}\"")?;
        } else if field.is_empty() {
            write!(
                formatter,
                "discord.{operation}: expected {expected}, got {got}"
            )?;
        } else {
            write!(
                formatter,
                "discord.{operation}: {field}: expected {expected}, got {got}"
            )?;
        }
        match nearest {
            Some(nearest) => write!(formatter, "; did you mean \"{nearest}\"?"),
            None => Ok(()),
        }
    }
}
