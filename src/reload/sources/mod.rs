//! An immutable snapshot of `lua/`: the text of every module at one moment.
//!
//! ```text
//! rules (which files) ─ walk (find them) ─ read (their text, and whether it may be read) ─ tree (modules, cogs, clashes) ─ Snapshot
//!                                                          aliases (lua/.luaurc) ─┘
//! a change: rescan (read what changed, share the rest) ─ diff
//! ```
//!
//! A file that cannot be taken (two files for one module, no UTF-8, too long, …) is a problem with a sentence. Its
//! module is *held*: cogs that run its former text keep it. No other file is affected.

mod aliases;
mod read;
mod rescan;
mod rules;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

pub use crate::vm::resolve::{ContentHash, ModuleId, Source};
pub use aliases::Aliases;
pub use read::text_of;
pub(super) use rules::{LUAURC, below};
pub use rules::{Rules, RulesError};

use crate::problem::Problem;
use crate::vm::resolve::{ModuleOwner, Modules};
use rpds::RedBlackTreeMapSync;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tree::{File, Found, Tree};

/// Modules in order. A map shares with the next one what both have in common.
pub type ModuleMap = RedBlackTreeMapSync<ModuleId, Arc<Source>>;

/// The texts of all modules at one moment. It never changes; [`Snapshot::rescan`] makes another one that shares
/// everything unchanged.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The modules that can be used.
    pub modules: ModuleMap,
    /// The files that cannot be used, in order of path.
    pub problems: Vec<SourceProblem>,
    /// The aliases of `lua/.luaurc`.
    pub aliases: Arc<Aliases>,
    /// The text from which `aliases` was read.
    luaurc: Arc<str>,
    tree: Arc<Tree>,
    root: Arc<Path>,
    rules: Arc<Rules>,
    /// Files that must be read again (below `lua/`), with how often they have been read.
    unsettled: BTreeMap<String, u32>,
    /// Modules that differ from the snapshot from which this one was made.
    changed: BTreeSet<ModuleId>,
}

/// A file or folder below `lua/` that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProblem {
    /// The first file or folder that it is about: `lua/services/levels.luau`.
    pub path: String,
    /// A sentence with every path that it is about.
    pub message: String,
    /// The modules that are held by it; none if it is about a folder or affects no module.
    pub modules: Vec<ModuleId>,
    /// Whether the problem is that these files conflict with each other.
    pub is_clash: bool,
}

impl From<&SourceProblem> for Problem {
    fn from(problem: &SourceProblem) -> Self {
        Self {
            message: problem.message.clone(),
            ..Self::default()
        }
    }
}

impl Snapshot {
    /// Reads everything below `root`, the folder `lua/`. If it is not there, that is a problem of
    /// the snapshot.
    pub fn scan(root: &Path, rules: &Rules) -> Self {
        rescan::everything(&Self::empty(root, rules))
    }

    /// Reads what is new at the `changed` paths (files or folders, `root` itself for everything) and
    /// shares the rest. Paths that do not matter are ignored.
    #[must_use]
    pub fn rescan(&self, changed: &BTreeSet<PathBuf>) -> Self {
        rescan::rescan(self, changed)
    }

    /// Reads every file again and shares those that are unchanged.
    #[must_use]
    pub(super) fn rescan_all(&self) -> Self {
        self.rescan(&BTreeSet::from([self.root.to_path_buf()]))
    }

    /// The same with other rules, read again where they differ.
    #[must_use]
    pub fn with_rules(&self, rules: &Rules) -> Self {
        let mut other = self.clone();
        other.rules = Arc::new(rules.clone());
        other.rescan_all()
    }

    /// A snapshot of these files (below `lua/`, `cogs/ping.luau`) that is on no disk.
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut snapshot = Self::empty(Path::new(""), &Rules::default());
        let mut found = Found::default();
        for (path, text) in texts {
            if path == LUAURC {
                snapshot.set_aliases(text);
            } else if let Some(id) = tree::module_of(&snapshot.rules, path) {
                let source = Arc::new(Source::new(id, text));
                found.files.insert(path.to_owned(), File::Read(source));
            }
        }
        snapshot.rebuild(found);
        snapshot
    }

    /// The folder `lua/`, as it was given to [`Snapshot::scan`].
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The text of `lua/.luaurc`; empty if there is none.
    pub fn luaurc(&self) -> &str {
        &self.luaurc
    }

    /// The module's source, if its file can be taken.
    pub fn get(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        self.modules.get(id)
    }

    /// The cogs whose entry can be taken: their names (`fun.dice`) and entries.
    pub fn cogs(&self) -> &BTreeMap<String, ModuleId> {
        &self.tree.cogs
    }

    /// The modules and aliases that differ from the snapshot that was rescanned, or are in only one of the two.
    pub fn changed(&self) -> &BTreeSet<ModuleId> {
        &self.changed
    }

    /// The sentence about why the file of `id` is there and not taken.
    pub fn held(&self, id: &ModuleId) -> Option<&str> {
        self.tree.held(id)
    }

    /// The hash of `id`: of a module's text and file, or of an alias's folder.
    pub fn hash(&self, id: &ModuleId) -> Option<ContentHash> {
        if id.is_alias() {
            return self.aliases.hash(id);
        }
        self.modules.get(id).map(|source| source.hash)
    }

    /// Files that were being written, or were suddenly empty: rescan these after another debounce window. The number of
    /// repetitions is limited.
    pub fn unsettled(&self) -> BTreeSet<PathBuf> {
        let paths = self.unsettled.keys();
        paths.map(|path| self.root.join(path)).collect()
    }

    fn empty(root: &Path, rules: &Rules) -> Self {
        Self {
            modules: ModuleMap::default(),
            problems: Vec::new(),
            aliases: Arc::default(),
            luaurc: "".into(),
            tree: Arc::default(),
            root: root.into(),
            rules: Arc::new(rules.clone()),
            unsettled: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    fn set_aliases(&mut self, text: &str) {
        self.aliases = Arc::new(Aliases::parse(text, &self.aliases));
        self.luaurc = text.into();
    }

    /// Replaces modules, structure and problems by what was found.
    fn rebuild(&mut self, found: Found) {
        let (modules, tree) = Tree::build(&self.rules, found);
        self.modules = modules;
        self.rules.note_linked(tree.linked());
        self.tree = Arc::new(tree);
        self.list_problems();
    }

    fn list_problems(&mut self) {
        let path = format!("lua/{LUAURC}");
        let of_aliases = self.aliases.problems.iter().map(|problem| SourceProblem {
            message: format!("{path} {problem}"),
            path: path.clone(),
            modules: Vec::new(),
            is_clash: false,
        });
        self.problems = of_aliases
            .chain(self.tree.problems.iter().cloned())
            .collect();
    }
}

/// The modules and aliases that say something else in `new`, or are in only one of the two, or are held in only
/// one (an init file that cannot be taken still decides which files around it are cogs): whatever lies between
/// two snapshots, at the cost of a look at every module.
pub fn diff(old: &Snapshot, new: &Snapshot) -> BTreeSet<ModuleId> {
    let mut changed = BTreeSet::new();
    let mut before = old.modules.iter().peekable();
    for (id, source) in &new.modules {
        while let Some((gone, _)) = before.next_if(|(before, _)| *before < id) {
            changed.insert(gone.clone());
        }
        let same = before
            .next_if(|(before, _)| *before == id)
            .is_some_and(|(_, before)| Arc::ptr_eq(before, source) || before.hash == source.hash);
        if !same {
            changed.insert(id.clone());
        }
    }
    changed.extend(before.map(|(gone, _)| gone.clone()));
    if !Arc::ptr_eq(&old.tree, &new.tree) {
        changed.extend(old.tree.held_otherwise(&new.tree));
    }
    if !Arc::ptr_eq(&old.aliases, &new.aliases) {
        changed.extend(old.aliases.differences(&new.aliases));
    }
    changed
}

impl Modules for Snapshot {
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        self.get(id)
    }

    fn in_file(&self, path: &str) -> Option<&Arc<Source>> {
        let id = tree::module_of(&self.rules, path.strip_prefix("lua/")?)?;
        self.get(&id).filter(|source| &*source.path == path)
    }

    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_> {
        Box::new(self.modules.keys())
    }

    fn problem(&self, id: &ModuleId) -> Option<&str> {
        self.held(id)
    }

    fn cog_of(&self, id: &ModuleId) -> Option<ModuleOwner<'_>> {
        self.tree.cog_of(id)
    }

    fn alias(&self, name: &str) -> Option<&str> {
        self.aliases.get(name)
    }

    fn alias_names(&self) -> Vec<&str> {
        self.aliases.names().collect()
    }

    fn folders(&self) -> &[String] {
        self.rules.folders()
    }
}
