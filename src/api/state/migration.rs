//! What a cog has said about the versions of one of its states: `state.migrate(version, steps)`.

use super::space::Space;
use crate::state::{Key, ScopeKind, Text};
use mlua::Function;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One call of `state.migrate`.
#[derive(Debug)]
pub struct Migration {
    /// Whose state it is about.
    pub space: Space,
    /// The version that this code is for.
    pub version: u32,
    pub(super) steps: Vec<(Subject, Steps)>,
    /// Whether everything that was older has been brought to this version.
    is_done: AtomicBool,
}

/// Which entries the steps are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The tables of this kind of scope.
    Scope(ScopeKind),
    /// The rows of this name.
    Rows(Text),
}

/// What brings an entry to the version.
#[derive(Debug)]
pub(super) enum Steps {
    /// One function, which gets the entry and its version.
    One(Function),
    /// A function for each version, which gets the entry as the version before has it.
    Each(BTreeMap<u32, Function>),
}

impl Migration {
    pub(super) fn new(space: Space, version: u32, steps: Vec<(Subject, Steps)>) -> Self {
        Self {
            space,
            version,
            steps,
            is_done: AtomicBool::new(false),
        }
    }

    /// The steps for the entries into which such a path leads.
    pub(super) fn steps_for(&self, kind: ScopeKind, path: &[Key]) -> Option<&Steps> {
        let name = match path.first() {
            Some(Key::Str(name)) if kind.is_of_rows() => Some(name),
            _ => None,
        };
        self.steps_of(kind, name)
    }

    /// The steps for a kind of scope, or for the rows of a name.
    pub(super) fn steps_of(&self, kind: ScopeKind, name: Option<&Text>) -> Option<&Steps> {
        let is_meant = |subject: &Subject| match subject {
            Subject::Scope(of) => *of == kind,
            Subject::Rows(of) => kind.is_of_rows() && name == Some(of),
        };
        let mut steps = self.steps.iter();
        steps.find(|(of, _)| is_meant(of)).map(|(_, steps)| steps)
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Relaxed)
    }

    pub(super) fn set_done(&self) {
        self.is_done.store(true, Ordering::Relaxed);
    }
}

/// Those of a generation.
#[derive(Clone, Debug, Default)]
pub struct Migrations(pub(super) Vec<Arc<Migration>>);

impl Migrations {
    /// What the files of a generation have declared.
    pub fn new(all: impl Iterator<Item = Arc<Migration>>) -> Self {
        Self(all.collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one for a state.
    pub fn of(&self, space: &Space) -> Option<&Arc<Migration>> {
        self.0.iter().find(|it| it.space == *space)
    }
}

/// The steps that an entry of version `from` needs, in order.
pub(super) fn steps_from(steps: &Steps, from: u32) -> Vec<&Function> {
    match steps {
        Steps::One(function) => vec![function],
        Steps::Each(functions) => functions.range(from + 1..).map(|(_, it)| it).collect(),
    }
}
