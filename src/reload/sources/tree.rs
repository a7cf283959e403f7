//! From the files that there are to modules and cogs: which file is which module, which module is a cog's entry, and
//! which files conflict with each other.

use super::rules::{Linked, Rules, is_within};
use super::{ModuleId, ModuleMap, Source, SourceProblem};
use crate::vm::resolve::ModuleOwner;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The folder whose files are cogs.
const COGS: &str = "cogs";

const NAMELESS_COG: &str =
    "would make all of lua/cogs one cog without a name; move it to a folder of its own";

/// One file that may be a module.
#[derive(Clone, Debug)]
pub(super) enum File {
    /// It could be read.
    Read(Arc<Source>),
    /// It could not, and this comes after "lua/x.luau ".
    Bad(String),
}

/// Everything that was found below `lua/`; all paths are relative to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// The files that may be modules.
    pub(super) files: BTreeMap<String, File>,
    /// Folders that could not be looked into.
    pub(super) folders: BTreeMap<String, String>,
    /// What is wrong without hurting a module.
    pub(super) notes: BTreeMap<String, String>,
    /// Symlinks with what they point to.
    pub(super) links: BTreeMap<String, String>,
    /// Symlinks with those that they lead over, themselves among them.
    pub(super) via: BTreeMap<String, Vec<String>>,
    /// Symlinks to nothing, or to the outside.
    pub(super) dangling: BTreeSet<String>,
}

/// The structure of one snapshot. It stays the same as long as only texts change.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Files that are not among the modules: bad ones, and ones that conflict with each other.
    pub(super) set_aside: BTreeMap<String, File>,
    pub(super) folders: BTreeMap<String, String>,
    pub(super) notes: BTreeMap<String, String>,
    pub(super) links: BTreeMap<String, String>,
    pub(super) via: BTreeMap<String, Vec<String>>,
    pub(super) dangling: BTreeSet<String>,
    /// Cogs whose entry could be taken, by name.
    pub(super) cogs: BTreeMap<String, ModuleId>,
    /// The entries of all cogs with their names, also of those that could not be taken.
    entries: BTreeMap<ModuleId, String>,
    /// Modules whose file is there and not taken, with the whole sentence.
    held: BTreeMap<ModuleId, String>,
    /// Folders whose modules are not known, with the whole sentence.
    held_folders: BTreeMap<String, String>,
    /// Everything that is wrong, in order of path.
    pub(super) problems: Vec<SourceProblem>,
}

/// The module that the file at `path` (below `lua/`) is.
pub(super) fn module_of(rules: &Rules, path: &str) -> Option<ModuleId> {
    let (stem, extension) = rules.split(path)?;
    Some(ModuleId::of_file(stem, extension))
}

/// A path below `lua/` as it is shown to people.
pub(super) fn shown(path: &str) -> String {
    format!("lua/{}", crate::escape::name(path))
}

impl Tree {
    /// Sorts what was found into modules and the structure around them.
    pub(super) fn build(rules: &Rules, found: Found) -> (ModuleMap, Self) {
        let mut tree = Self {
            folders: found.folders,
            notes: found.notes,
            links: found.links,
            via: found.via,
            dangling: found.dangling,
            ..Self::default()
        };
        let mut modules = ModuleMap::default();
        tree.name_cogs(rules, &found.files);
        for group in groups(rules, found.files) {
            tree.sort_in(group, &mut modules);
        }
        tree.cogs = tree
            .entries
            .iter()
            .filter(|(entry, _)| modules.contains_key(*entry))
            .map(|(entry, name)| (name.clone(), entry.clone()))
            .collect();
        tree.list_folders_and_notes();
        (modules, tree)
    }

    /// Why the file of `id` is there and not taken, or why it cannot be known which cog it is in.
    pub(super) fn held(&self, id: &ModuleId) -> Option<&str> {
        if self.held_folders.is_empty() && self.held.is_empty() {
            return None;
        }
        let own = self.held.get(id);
        let init = || self.held.get(self.init_above(id)?.0);
        own.or_else(init)
            .map(String::as_str)
            .or_else(|| self.held_folder(id))
    }

    /// The modules that are held here or in `other`, and not in both.
    pub(super) fn held_otherwise(&self, other: &Self) -> Vec<ModuleId> {
        let here = self.held.keys().filter(|id| !other.held.contains_key(*id));
        let there = other.held.keys().filter(|id| !self.held.contains_key(*id));
        here.chain(there).cloned().collect()
    }

    fn held_folder(&self, id: &ModuleId) -> Option<&str> {
        let stem = id.as_str();
        let ends = stem.match_indices('/').map(|(end, _)| end);
        [0].into_iter()
            .chain(ends)
            .find_map(|end| self.held_folders.get(&stem[..end]))
            .map(String::as_str)
    }

    /// Whether a trouble or a symlink at or below `path` is known.
    pub(super) fn mentions(&self, path: &str) -> bool {
        [&self.folders, &self.notes, &self.links]
            .iter()
            .any(|map| map.keys().any(|known| is_within(known, path)))
            || self.dangling.iter().any(|known| is_within(known, path))
    }

    /// All places that symlinks lead to or over.
    pub(super) fn linked(&self) -> Linked {
        let over = self.via.values().flatten();
        Linked {
            places: self.links.values().chain(over).cloned().collect(),
            dangles: !self.dangling.is_empty(),
        }
    }

    /// Whether a change at one of the paths may have a symlink lead elsewhere than before.
    pub(super) fn leads_elsewhere(&self, rules: &Rules, paths: &BTreeSet<String>) -> bool {
        let is_over = |path: &String| {
            let mut over = self.via.iter().flat_map(|(link, over)| {
                // What is exchanged under its own name is looked at under it.
                over.iter().filter(move |place| *place != link)
            });
            over.any(|place| is_within(place, path))
        };
        let mends = |path: &String| !self.dangling.is_empty() && rules.skips_any(path);
        paths.iter().any(|path| is_over(path) || mends(path))
    }

    /// The cog to which `id` belongs: its entry, or a module in the folder of its init file.
    pub(super) fn cog_of(&self, id: &ModuleId) -> Option<ModuleOwner<'_>> {
        if let Some(name) = self.entries.get(id) {
            return Some(ModuleOwner {
                name,
                is_entry: true,
            });
        }
        let (_, name) = self.init_above(id)?;
        Some(ModuleOwner {
            name,
            is_entry: false,
        })
    }

    /// The entry of the cog in whose folder the module is, and the cog's name.
    fn init_above(&self, id: &ModuleId) -> Option<(&ModuleId, &str)> {
        let stem = id.as_str();
        stem.strip_prefix(COGS)?.strip_prefix('/')?;
        stem.match_indices('/')
            .map(|(end, _)| format!("{}/init", &stem[..end]))
            .filter(|init| init != stem)
            .find_map(|init| self.entries.get_key_value(init.as_str()))
            .map(|(init, name)| (init, name.as_str()))
    }

    /// Finds the entry of each cog.
    fn name_cogs(&mut self, rules: &Rules, files: &BTreeMap<String, File>) {
        let prefix = format!("{COGS}/");
        let ids: BTreeSet<ModuleId> = files
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .filter_map(|(path, _)| module_of(rules, path))
            .collect();
        for id in &ids {
            if let Some(name) = cog_name(id, &ids) {
                self.entries.insert(id.clone(), name);
            }
        }
    }

    /// Takes the only file of a group, or sets all of several aside.
    fn sort_in(&mut self, group: Vec<(ModuleId, File)>, modules: &mut ModuleMap) {
        if group.len() > 1 {
            let sentence = clash(&group);
            let ids: Vec<ModuleId> = group.iter().map(|(id, _)| id.clone()).collect();
            self.hold(ids, sentence, true);
            for (id, file) in group {
                self.set_aside.insert(id.file().to_owned(), file);
            }
            return;
        }
        for (id, file) in group {
            let problem = match &file {
                File::Read(_) if is_nameless_cog(&id) => NAMELESS_COG,
                File::Bad(problem) => problem,
                File::Read(source) => {
                    modules.insert_mut(id, Arc::clone(source));
                    continue;
                }
            };
            let sentence = format!("{} {problem}", shown(id.file()));
            self.hold(vec![id.clone()], sentence, false);
            self.set_aside.insert(id.file().to_owned(), file);
        }
    }

    fn hold(&mut self, mut ids: Vec<ModuleId>, sentence: String, is_clash: bool) {
        // `a.lua` and `a.luau` have one id.
        ids.dedup();
        for id in &ids {
            self.held.insert(id.clone(), sentence.clone());
        }
        self.problems.push(SourceProblem {
            path: ids.first().map(|id| shown(id.file())).unwrap_or_default(),
            message: sentence,
            modules: ids,
            is_clash,
        });
    }

    fn list_folders_and_notes(&mut self) {
        let sentence = |(path, problem): (&String, &String)| {
            (path.clone(), format!("{} {problem}", shown(path)))
        };
        self.held_folders = self.folders.iter().map(sentence).collect();
        let notes: Vec<_> = self.notes.iter().map(sentence).collect();
        let all = self.held_folders.clone().into_iter().chain(notes);
        for (path, message) in all {
            self.problems.push(SourceProblem {
                path: shown(&path),
                message,
                modules: Vec::new(),
                is_clash: false,
            });
        }
        self.problems
            .sort_by(|one, other| one.path.cmp(&other.path));
    }
}

/// Files that would be the same module, or the same on a disk that ignores letter case.
fn groups(rules: &Rules, files: BTreeMap<String, File>) -> Vec<Vec<(ModuleId, File)>> {
    let mut groups: BTreeMap<String, Vec<(ModuleId, File)>> = BTreeMap::new();
    for (path, file) in files {
        if let Some(id) = module_of(rules, &path) {
            let key = id.dotted().to_lowercase();
            groups.entry(key).or_default().push((id, file));
        }
    }
    groups.into_values().collect()
}

/// The sentence about files that conflict with each other.
fn clash(group: &[(ModuleId, File)]) -> String {
    let paths: Vec<String> = group.iter().map(|(id, _)| shown(id.file())).collect();
    let (last, others) = match paths.split_last() {
        Some((last, others)) => (last.as_str(), others.join(", ")),
        None => ("", String::new()),
    };
    let names: BTreeSet<String> = group.iter().map(|(id, _)| id.dotted()).collect();
    let cause = match names.len() {
        1 => "would be the same module",
        _ => "differ only in letter case, which not every disk keeps apart",
    };
    format!("{others} and {last} {cause}; remove or rename all but one")
}

fn is_nameless_cog(id: &ModuleId) -> bool {
    id.is_init() && id.folder() == COGS
}

/// The cog whose entry `id` is, when `all` are the modules in `lua/cogs`.
fn cog_name(id: &ModuleId, all: &BTreeSet<ModuleId>) -> Option<String> {
    let stem = id.as_str();
    let name = id.without_init().strip_prefix(COGS)?.strip_prefix('/')?;
    if stem.split('/').any(|part| part.starts_with('_')) {
        return None;
    }
    // The outermost folder with an init file is the cog; all below are its modules.
    let outermost = stem
        .match_indices('/')
        .skip(1)
        .map(|(end, _)| ModuleId::new(&format!("{}/init", &stem[..end])))
        .find(|init| all.contains(init));
    let is_entry = outermost.is_none_or(|init| init == *id);
    is_entry.then(|| name.replace('/', "."))
}
