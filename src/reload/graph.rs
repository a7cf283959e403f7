//! Who requires what: the graph of each cog's modules, and an index from modules to cogs.
//!
//! A cog's VM reports its graph after each load, and again whenever a handler requires something new.

use super::sources::ModuleId;
use crate::api::condition::Condition;
use crate::history::Undone;
use crate::vm::load_trace::{LoadTrace, Seen};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// One cog as its VM sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CogView {
    /// The cog's name: `fun.dice`.
    pub name: String,
    /// Its entry file.
    pub entry: ModuleId,
    /// What its VM has read and looked for; for a cog that is not running, what the last attempt has.
    pub trace: LoadTrace,
    /// The modules whose top level failed although the cog runs: it works without them.
    pub failed: BTreeSet<ModuleId>,
    /// How it stands.
    pub condition: Condition,
    /// Set while it runs an earlier version than its files.
    pub undone: Option<Arc<Undone>>,
    /// What the last attempt saw, where it differs from `trace` (nothing for a module that was not there), or what the
    /// sibling saw that held it back. As long as the sources are exactly this, no further attempt is planned. If this
    /// is empty, every change of the tree leads to another attempt.
    pub attempted: Seen,
}

impl CogView {
    /// Every module that the entry leads to, itself included, and the files that it looked for and did not find.
    /// Modules that the entry no longer requires after an edit are not part of the graph.
    pub fn reachable(&self) -> BTreeSet<&ModuleId> {
        let mut seen = BTreeSet::from([&self.entry]);
        let mut open = vec![&self.entry];
        while let Some(module) = open.pop() {
            for target in self.trace.edges.get(module).into_iter().flatten() {
                if seen.insert(target) {
                    open.push(target);
                }
            }
        }
        seen
    }

    /// The modules whose change concerns it: those that it reaches, and the files whose earlier version it runs.
    pub(super) fn concerning(&self) -> BTreeSet<&ModuleId> {
        let mut modules = self.reachable();
        modules.extend(self.undone.iter().flat_map(|undone| undone.files.keys()));
        modules
    }

    /// The given modules and all that require them, directly or not, within `reachable`.
    pub(super) fn dependents<'a>(
        &'a self,
        reachable: &BTreeSet<&'a ModuleId>,
        of: &BTreeSet<&'a ModuleId>,
    ) -> BTreeSet<&'a ModuleId> {
        let mut users: BTreeMap<&ModuleId, Vec<&ModuleId>> = BTreeMap::new();
        for (user, targets) in &self.trace.edges {
            if reachable.contains(user) {
                for target in targets {
                    users.entry(target).or_default().push(user);
                }
            }
        }
        let mut seen = of.clone();
        let mut open: Vec<&ModuleId> = of.iter().copied().collect();
        while let Some(module) = open.pop() {
            for user in users.get(module).into_iter().flatten() {
                if seen.insert(user) {
                    open.push(user);
                }
            }
        }
        seen
    }
}

/// The graphs of all cogs, with an index, so that the cost of a change depends on how many cogs it affects.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    cogs: BTreeMap<Arc<str>, CogView>,
    users: HashMap<ModuleId, BTreeSet<Arc<str>>>,
    /// The dirty cogs: what they run differs from the sources, or may differ.
    dirty: BTreeSet<Arc<str>>,
}

impl Graph {
    /// No cogs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cog or replaces what is known about it: after a load, a failed attempt, or a require
    /// in a handler. A cog that answers and is not failing counts as up to date.
    pub fn put(&mut self, view: CogView) {
        let name: Arc<str> = view.name.as_str().into();
        self.remove(&name);
        for module in view.concerning() {
            let users = self.users.entry(module.clone()).or_default();
            users.insert(Arc::clone(&name));
        }
        if view.condition.is_failing() || !view.condition.answers() {
            self.dirty.insert(Arc::clone(&name));
        }
        self.cogs.insert(name, view);
    }

    /// Forgets a cog.
    pub fn remove(&mut self, cog: &str) {
        self.dirty.remove(cog);
        let Some(view) = self.cogs.remove(cog) else {
            return;
        };
        for module in view.concerning() {
            if let Some(users) = self.users.get_mut(module) {
                users.remove(cog);
                if users.is_empty() {
                    self.users.remove(module);
                }
            }
        }
    }

    /// Marks a cog as dirty: the next plan looks at it, whatever changes, as what it runs may be older than the sources.
    pub(super) fn mark_dirty(&mut self, cog: &str) {
        if let Some((name, _)) = self.cogs.get_key_value(cog) {
            self.dirty.insert(Arc::clone(name));
        }
    }

    /// The dirty cogs: those that run something else than the sources, or may do so.
    pub(super) fn dirty(&self) -> impl Iterator<Item = &str> {
        self.dirty.iter().map(|name| &**name)
    }

    /// What is known about a cog.
    pub fn get(&self, cog: &str) -> Option<&CogView> {
        self.cogs.get(cog)
    }

    /// All cogs in order of name.
    pub fn cogs(&self) -> impl Iterator<Item = &CogView> {
        self.cogs.values()
    }

    /// The names of the cogs whose graph has this module.
    pub fn users(&self, module: &ModuleId) -> impl Iterator<Item = &str> {
        let users = self.users.get(module).into_iter().flatten();
        users.map(|name| &**name)
    }

    /// The cogs whose names begin with `prefix`.
    pub(super) fn with_prefix<'a, 'p>(
        &'a self,
        prefix: &'p str,
    ) -> impl Iterator<Item = &'a CogView> + use<'a, 'p> {
        self.cogs
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(_, view)| view)
    }

    /// The cogs that a change of these modules can concern, and those that are dirty.
    pub(super) fn concerned(&self, changed: &BTreeSet<ModuleId>) -> BTreeMap<&str, &CogView> {
        let users = changed.iter().flat_map(|module| self.users(module));
        let dirty = self.dirty.iter().map(|name| &**name);
        users
            .chain(dirty)
            .filter_map(|name| Some((name, self.cogs.get(name)?)))
            .collect()
    }
}
