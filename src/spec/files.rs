//! What a spec may read: the files below `spec/`, and the modules of `lua/` by their real paths
//! (`require("../lua/services/levels")`).

use crate::config::Config;
use crate::escape;
use crate::files::{Root, WalkEntry, walk};
use crate::reload::sources::{Rules, RulesError, Snapshot, text_of};
use crate::vm::resolve::{ContentHash, ModuleId, ModuleOwner, Modules, Source, Target, resolve};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The folder of the specs, beside `lua/`.
pub const SPEC: &str = "spec";
/// What ids of modules below `lua/` begin with here, where ids are below the project.
const LUA: &str = "lua/";
/// What the name of a spec's file ends with, before its extension.
const SUFFIX: &str = "_spec";

/// One state of `spec/` and `lua/`.
pub struct Files {
    specs: BTreeMap<ModuleId, Arc<Source>>,
    lua: Snapshot,
    /// The modules of `lua/`, by their ids here.
    modules: BTreeMap<ModuleId, Arc<Source>>,
    aliases: BTreeMap<String, String>,
    folders: Vec<String>,
}

impl Files {
    /// Reads both folders. A file of `spec/` that cannot be read counts as missing.
    pub fn read(config: &Config) -> Result<Self, RulesError> {
        let hot = &config.hot_reload;
        let rules = Rules::of(hot)?;
        let lua = Snapshot::scan(&config.lua_dir(), &rules);
        let specs = read_specs(&config.root, &rules);
        let below = |path: &str| format!("{LUA}{path}");
        let modules = lua.modules.values().map(|source| {
            let source = below_project(source);
            (source.id.clone(), Arc::new(source))
        });
        let aliases = lua.alias_names().into_iter().filter_map(|name| {
            let path = lua.alias(name)?;
            Some((name.to_owned(), below(path)))
        });
        let mut folders: Vec<String> = lua.folders().iter().map(|it| below(it)).collect();
        folders.extend(specs.keys().map(|id| id.folder().to_owned()));
        folders.dedup();
        Ok(Self {
            modules: modules.collect(),
            aliases: aliases.collect(),
            specs,
            folders,
            lua,
        })
    }

    /// The files that hold specs, in order of path.
    pub(super) fn specs(&self) -> impl Iterator<Item = &ModuleId> {
        self.specs.keys().filter(|id| id.as_str().ends_with(SUFFIX))
    }

    /// All files of `spec/` with their texts, in order of path.
    pub fn spec_sources(&self) -> impl Iterator<Item = (&str, &str)> {
        let sources = self.specs.values();
        sources.map(|source| (source.path.as_ref(), source.text.as_ref()))
    }

    /// Whether there is a module or a file of `spec/` at this path.
    pub fn has(&self, path: &str) -> bool {
        self.in_file(path).is_some()
    }

    /// The path of the file that `require(request)` means in the file at `from`, if it is one of these.
    pub fn required(&self, from: &str, request: &str) -> Option<String> {
        let from = &self.in_file(from)?.id;
        match resolve(self, from, request).ok()? {
            Target::Module(id) => Some(self.source(&id)?.path.to_string()),
            Target::Host(_) => None,
        }
    }

    /// The modules below `lua/`.
    pub(super) fn lua(&self) -> &Snapshot {
        &self.lua
    }

    /// The text of a file by its path below the project (`spec/leveling_spec.luau`).
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let all = self.ids().filter_map(|id| self.source(id));
        let mut named = all.filter(|source| source.path.as_ref() == path);
        named.next().map(|source| source.text.to_string())
    }
}

/// What a spec's file is called: `fun.dice` for `spec/fun/dice_spec`.
pub(super) fn name_of(id: &ModuleId) -> String {
    let stem = id.as_str();
    let stem = stem.strip_prefix("spec/").unwrap_or(stem);
    stem.strip_suffix(SUFFIX).unwrap_or(stem).replace('/', ".")
}

/// A module of `lua/` under its id below the project.
fn below_project(source: &Source) -> Source {
    let stem = format!("{LUA}{}", source.id.as_str());
    let extension = if source.path.ends_with(".lua") {
        ".lua"
    } else {
        ".luau"
    };
    Source {
        id: ModuleId::of_file(&stem, extension),
        path: Arc::clone(&source.path),
        text: Arc::clone(&source.text),
        hash: source.hash,
        bytecode: OnceLock::new(),
    }
}

fn read_specs(root: &Path, rules: &Rules) -> BTreeMap<ModuleId, Arc<Source>> {
    let mut sources = BTreeMap::new();
    let Ok(folder) = Root::open(&root.join(SPEC)) else {
        return sources;
    };
    let walked = walk(folder.folder(), &mut |entry: &WalkEntry<'_>| {
        if entry.name.as_encoded_bytes().starts_with(b".") {
            return false;
        }
        let source = read_spec(&folder, entry.path, rules);
        sources.extend(source.map(|source| (source.id.clone(), Arc::new(source))));
        true
    });
    if let Err(error) = walked {
        tracing::warn!(%error, "The folder spec/ cannot be read");
    }
    sources
}

fn read_spec(folder: &Root, path: &Path, rules: &Rules) -> Option<Source> {
    let below = path.to_str()?.replace('\\', "/");
    let extension = [".luau", ".lua"]
        .into_iter()
        .find(|it| below.ends_with(it))?;
    let found = folder.find(&below).ok()?;
    let path = format!("{SPEC}/{below}");
    let text: Arc<str> = match text_of(&found, rules) {
        Ok(text) => text?.into(),
        Err(problem) => {
            tracing::warn!("{} {problem}", escape::name(&path));
            return None;
        }
    };
    let stem = path.strip_suffix(extension)?;
    Some(Source {
        id: ModuleId::of_file(stem, extension),
        hash: ContentHash::of(&text),
        path: escape::name(&path).into(),
        text,
        bytecode: OnceLock::new(),
    })
}

impl std::fmt::Debug for Files {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.ids()).finish()
    }
}

impl Modules for Files {
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        self.modules.get(id).or_else(|| self.specs.get(id))
    }

    fn in_file(&self, path: &str) -> Option<&Arc<Source>> {
        let mut all = self.specs.values().chain(self.modules.values());
        all.find(|source| &*source.path == path)
    }

    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_> {
        Box::new(self.specs.keys().chain(self.modules.keys()))
    }

    fn problem(&self, id: &ModuleId) -> Option<&str> {
        let below = id.as_str().strip_prefix(LUA)?;
        self.lua.problem(&ModuleId::new(below))
    }

    fn cog_of(&self, _: &ModuleId) -> Option<ModuleOwner<'_>> {
        // A spec may look at everything.
        None
    }

    fn alias(&self, name: &str) -> Option<&str> {
        self.aliases.get(name).map(String::as_str)
    }

    fn alias_names(&self) -> Vec<&str> {
        self.aliases.keys().map(String::as_str).collect()
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_called_like_the_cog_that_it_is_about() {
        assert_eq!(name_of(&ModuleId::new("spec/leveling_spec")), "leveling");
        assert_eq!(name_of(&ModuleId::new("spec/fun/dice_spec")), "fun.dice");
    }
}
