//! One thing that a check has found, and what kind of thing it is.

use super::source::Source;
use super::syntax::Span;
use crate::problem::{Problem, SourceLocation};
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does not load, or fails when it is reached.
    Error,
    /// It is probably not meant so.
    Warning,
}

/// What kind of thing. Where Luau's own linter has a name for it, it is that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "docs/checking.md says what each means")]
pub enum Rule {
    /// The configuration or a file cannot be read, or a cog cannot be loaded.
    LoadError,
    UnknownFunction,
    /// Of `--types` alone.
    TypeError,
    LocalUnused,
    FunctionUnused,
    ImportUnused,
    LocalShadow,
    GlobalAssigned,
    UnknownGlobal,
    UnreachableCode,
    DeprecatedApi,
    OptionUnused,
    CapabilityUnused,
    IntentMissing,
    FileUnused,
}

impl Rule {
    /// How bad what it finds is.
    pub fn severity(self) -> Severity {
        match self {
            Self::LoadError | Self::UnknownFunction | Self::TypeError => Severity::Error,
            _ => Severity::Warning,
        }
    }

    /// As it is written behind `--!nolint`: `LocalUnused`.
    pub fn name(self) -> String {
        format!("{self:?}")
    }
}

/// One thing that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing it is.
    pub rule: Rule,
    /// What and where.
    pub problem: Problem,
}

impl Finding {
    /// Something at a place of a file, without the lines around it.
    pub(super) fn of(rule: Rule, source: &Source<'_>, span: Span, message: String) -> Self {
        Self::at(rule, source.path, span, message)
    }

    pub(super) fn at(rule: Rule, path: &str, span: Span, message: String) -> Self {
        let place = SourceLocation {
            file: path.to_owned(),
            line: span.line,
            columns: (span.from < span.to).then_some((span.from, span.to)),
            ..SourceLocation::default()
        };
        Self {
            rule,
            problem: Problem {
                message,
                place: Some(place),
                ..Problem::default()
            },
        }
    }

    /// Where it is: its file and line.
    pub fn spot(&self) -> Option<(&str, u32)> {
        let place = self.problem.place.as_ref()?;
        Some((&place.file, place.line))
    }
}
