//! What the host offers to cogs, by name. Whoever can make a VM looks it up there, so that no list is kept by hand.

use std::collections::{BTreeMap, BTreeSet};

/// What can be named behind a module, or behind something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// These, and no others.
    Of(BTreeMap<String, Names>),
    /// Anything, or something that has no names: a function, a value.
    Any,
}

impl Names {
    /// Names with nothing behind them.
    pub fn flat<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let names = names.into_iter().map(|name| (name.to_owned(), Self::Any));
        Self::Of(names.collect())
    }

    /// What is behind one of the names.
    pub(super) fn inside(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Of(names) => names.get(name),
            Self::Any => None,
        }
    }
}

/// What the host offers.
#[derive(Clone, Debug, Default)]
pub struct HostNames {
    /// The modules under `@cogsmith`.
    pub modules: BTreeMap<String, Names>,
    /// Luau's globals that a cog has.
    pub globals: BTreeSet<String>,
    /// By capability: names (of operations, functions, methods, fields) that need it, or may.
    pub by_capability: BTreeMap<String, BTreeSet<String>>,
}

impl HostNames {
    pub(super) fn module(&self, name: &str) -> Option<&Names> {
        self.modules.get(name)
    }

    pub(super) fn is_global(&self, name: &str) -> bool {
        self.globals.contains(name)
    }

    pub(super) fn globals(&self) -> impl Iterator<Item = &str> {
        self.globals.iter().map(String::as_str)
    }
}
