//! What `lua/` says at one moment, as the documents put it: which files are modules, which modules are
//! cogs, and what a require finds.

use super::text::Text;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A module by its path below `lua/` without the extension, or an alias by its name with `@`.
pub(crate) type Node = String;

/// The files below `lua/` by path, and the folder for which `@u` stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) texts: BTreeMap<String, Rc<Text>>,
    pub(crate) alias: Option<String>,
}

/// What a module or an alias says: a file with its text's number, or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Text(String, u32),
    Folder(String),
}

/// The files sorted into modules and cogs.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    modules: BTreeMap<Node, (String, Rc<Text>)>,
    held: BTreeSet<Node>,
    /// The names of cogs by their entries, also of those that cannot be taken.
    entries: BTreeMap<Node, String>,
    alias: Option<String>,
}

/// The only alias.
pub(crate) const ALIAS: &str = "@u";

impl Sources {
    pub(crate) fn new(files: &Files) -> Self {
        let mut sources = Self {
            alias: files.alias.clone(),
            ..Self::default()
        };
        let stems: BTreeSet<&str> = files.texts.keys().map(|path| stem_of(path)).collect();
        for stem in &stems {
            if let Some(name) = cog_name(stem, &stems) {
                sources.entries.insert((*stem).to_owned(), name);
            }
        }
        let mut groups: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        for path in files.texts.keys() {
            groups
                .entry(without_init(stem_of(path)))
                .or_default()
                .push(path);
        }
        for paths in groups.values() {
            for path in paths {
                let stem = stem_of(path).to_owned();
                if paths.len() > 1 {
                    sources.held.insert(stem);
                } else {
                    let text = Rc::clone(&files.texts[*path]);
                    sources.modules.insert(stem, ((*path).clone(), text));
                }
            }
        }
        sources
    }

    pub(crate) fn text(&self, module: &str) -> Option<&Rc<Text>> {
        self.modules.get(module).map(|(_, text)| text)
    }

    pub(crate) fn says(&self, node: &str) -> Option<Says> {
        if node == ALIAS {
            return self.alias.clone().map(Says::Folder);
        }
        let (path, text) = self.modules.get(node)?;
        Some(Says::Text(path.clone(), text.number))
    }

    /// The modules and aliases that say something else in `other`, or are held in one of the two.
    pub(crate) fn differences(&self, other: &Self) -> BTreeSet<Node> {
        let alias = ALIAS.to_owned();
        let modules = self.modules.keys().chain(other.modules.keys());
        let others = modules
            .chain([&alias])
            .filter(|node| self.says(node) != other.says(node));
        let held = self.held.symmetric_difference(&other.held);
        others.chain(held).cloned().collect()
    }

    /// Whether the module's file is there and cannot be taken.
    pub(crate) fn is_held(&self, node: &str) -> bool {
        let above = || {
            self.init_above(node)
                .is_some_and(|init| self.held.contains(init))
        };
        self.held.contains(node) || above()
    }

    /// The cogs that can be taken, with their entries.
    pub(crate) fn cogs(&self) -> BTreeMap<String, Node> {
        let taken = self.entries.iter();
        taken
            .filter(|(entry, _)| self.modules.contains_key(*entry))
            .map(|(entry, name)| (name.clone(), entry.clone()))
            .collect()
    }

    pub(crate) fn entry(&self, cog: &str) -> Option<Node> {
        self.cogs().remove(cog)
    }

    /// What `require(request)` in the module `from` finds, or the modules whose coming would change that.
    pub(crate) fn resolve(&self, from: &str, request: &str) -> Result<Node, Vec<Node>> {
        let Some(stem) = self.meant(from, request) else {
            return Err(Vec::new());
        };
        let candidates = vec![stem.clone(), format!("{stem}/init")];
        if candidates.iter().any(|id| self.is_held(id)) {
            return Err(candidates);
        }
        match candidates.iter().find(|id| self.modules.contains_key(*id)) {
            None => Err(candidates),
            Some(found) if self.may_require(from, found) => Ok(found.clone()),
            Some(_) => Err(Vec::new()),
        }
    }

    /// The path below `lua/` that a request means.
    fn meant(&self, from: &str, request: &str) -> Option<String> {
        let folder = folder_of(from);
        let (base, path) = if let Some(path) = request.strip_prefix("@self/") {
            (is_init(from).then_some(folder)?, path)
        } else if let Some(path) = request.strip_prefix("@u/") {
            (self.alias.as_deref()?, path)
        } else {
            let base = if is_init(from) {
                folder_of(folder)
            } else {
                folder
            };
            (base, request)
        };
        let mut names: Vec<&str> = base.split('/').filter(|name| !name.is_empty()).collect();
        for name in path.split('/') {
            match name {
                "." => {}
                ".." => drop(names.pop()?),
                name => names.push(name),
            }
        }
        Some(names.join("/"))
    }

    /// A cog's entry is for nobody, and what lies in its folder for that cog alone.
    fn may_require(&self, from: &str, target: &str) -> bool {
        if self.entries.contains_key(target) {
            return false;
        }
        let Some(owner) = self.init_above(target) else {
            return true;
        };
        from == owner || (!self.entries.contains_key(from) && self.init_above(from) == Some(owner))
    }

    /// The entry of the cog in whose folder a module lies.
    fn init_above<'a>(&'a self, node: &str) -> Option<&'a str> {
        let inits = node
            .match_indices('/')
            .map(|(end, _)| format!("{}/init", &node[..end]));
        let mut inits = inits.filter(|init| init != node);
        inits.find_map(|init| {
            self.entries
                .get_key_value(&init)
                .map(|(init, _)| init.as_str())
        })
    }
}

/// The alias that a request goes through.
pub(crate) fn alias_of(request: &str) -> Option<Node> {
    request.starts_with("@u/").then(|| ALIAS.to_owned())
}

/// A path without its extension.
pub(crate) fn stem_of(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

/// The name under which reports list a module.
pub(crate) fn dotted(node: &str) -> String {
    without_init(node).replace('/', ".")
}

/// The path by which others require a module.
pub(crate) fn without_init(stem: &str) -> &str {
    stem.strip_suffix("/init").unwrap_or(stem)
}

pub(crate) fn is_init(stem: &str) -> bool {
    stem.ends_with("/init")
}

pub(crate) fn folder_of(stem: &str) -> &str {
    stem.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The cog whose entry a module is, when these are all modules that there are.
fn cog_name(stem: &str, all: &BTreeSet<&str>) -> Option<String> {
    let name = without_init(stem).strip_prefix("cogs/")?;
    let folders = stem.match_indices('/').skip(1);
    let mut inits = folders.map(|(end, _)| format!("{}/init", &stem[..end]));
    let outermost = inits.find(|init| all.contains(init.as_str()));
    let is_entry = outermost.is_none_or(|init| init == stem);
    is_entry.then(|| name.replace('/', "."))
}
