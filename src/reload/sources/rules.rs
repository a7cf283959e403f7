//! Which files below `lua/` are modules: watched folders × extensions − ignored names.

use crate::config::{GlobFault, Globs, HotReload};
use arc_swap::ArcSwap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The file that defines aliases; it is read although its name is hidden.
pub(in crate::reload) const LUAURC: &str = ".luaurc";

/// The rules as `hot_reload` of `config.json` gives them.
#[derive(Clone, Debug)]
pub struct Rules {
    folders: Vec<String>,
    /// With their dot, the longest first.
    extensions: Vec<String>,
    ignore: Globs,
    /// Files that are no modules although their names would be.
    left_out: BTreeSet<String>,
    /// Where symlinks lead to: what the last look at the files found, for all who have these rules.
    linked: Arc<ArcSwap<Linked>>,
    /// Whether files with hard links, and of another owner than their folder, are read.
    pub(super) allows_linked: bool,
}

/// Places below `lua/` that matter whatever they are called, for a symlink leads there.
#[derive(Debug, Default)]
pub(super) struct Linked {
    /// What symlinks lead to, and the symlinks that they lead over.
    pub(super) places: BTreeSet<String>,
    /// Whether a symlink leads to nothing or to the outside, and any new one may fix it.
    pub(super) dangles: bool,
}

/// A value of `hot_reload` that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// A folder that is not plainly below `lua/`.
    #[error(
        "hot_reload.watch_directories: \"{0}\" is not a folder below lua/; write it like \"cogs\" or \"data/tables\""
    )]
    Folder(String),
    /// An extension without letters, or with a separator.
    #[error("hot_reload.watch_extensions: \"{0}\" is not an extension; write it like \".luau\"")]
    Extension(String),
    /// A pattern that is not a glob.
    #[error("hot_reload.ignore_patterns: \"{0}\" is no glob, because {1}")]
    Pattern(String, GlobFault),
}

impl Rules {
    /// The rules of `hot_reload` in `config.json`.
    pub fn of(hot: &HotReload) -> Result<Self, RulesError> {
        let rules = Self::new(
            &hot.watch_directories,
            &hot.watch_extensions,
            &hot.ignore_patterns,
        )?;
        Ok(Self {
            allows_linked: hot.allow_linked_files,
            ..rules
        })
    }

    /// Rules for these `watch_directories`, `watch_extensions` and `ignore_patterns`.
    pub fn new<S: AsRef<str>>(
        folders: &[S],
        extensions: &[S],
        ignore: &[S],
    ) -> Result<Self, RulesError> {
        let folders: Result<Vec<_>, _> = folders.iter().map(|name| folder(name.as_ref())).collect();
        let extensions: Result<Vec<_>, _> = extensions
            .iter()
            .map(|name| extension(name.as_ref()))
            .collect();
        let mut extensions = extensions?;
        extensions.sort_by_key(|extension| std::cmp::Reverse(extension.len()));
        let ignore =
            Globs::new(ignore).map_err(|(pattern, fault)| RulesError::Pattern(pattern, fault))?;
        Ok(Self {
            folders: outermost(folders?),
            extensions,
            ignore,
            left_out: BTreeSet::new(),
            linked: Arc::default(),
            allows_linked: false,
        })
    }

    /// The same rules, by which `files` (below `lua/`) are no modules.
    pub(in crate::reload) fn leaving_out(mut self, files: BTreeSet<String>) -> Self {
        self.left_out.extend(files);
        self
    }

    /// The same rules for a folder of which everything counts, whatever its folders are called.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.folders = vec![String::new()];
        self
    }

    /// The watched folders, relative to `lua/`, none inside another.
    pub fn folders(&self) -> &[String] {
        &self.folders
    }

    /// All files that would be the same module as this one; none if it is not a module.
    pub(super) fn namesakes(&self, path: &str) -> Vec<String> {
        let Some((stem, _)) = self.split(path).filter(|_| self.is_module(path)) else {
            return Vec::new();
        };
        let stem = stem.strip_suffix("/init").unwrap_or(stem);
        let names = self.extensions.iter();
        names
            .flat_map(|extension| {
                [
                    format!("{stem}{extension}"),
                    format!("{stem}/init{extension}"),
                ]
            })
            .collect()
    }

    /// A path without its extension, and the extension, if that is watched.
    pub(super) fn split<'a>(&self, path: &'a str) -> Option<(&'a str, &'a str)> {
        let start = path.rfind('/').map_or(0, |at| at + 1);
        Some(path.split_at(start + self.stem_length(&path[start..])?))
    }

    /// The length of the stem in a file's name, if its extension is watched.
    pub(in crate::reload) fn stem_length(&self, name: &str) -> Option<usize> {
        self.extensions
            .iter()
            .filter_map(|extension| name.strip_suffix(extension.as_str()))
            .map(str::len)
            .find(|length| *length > 0)
    }

    /// Whether the file or folder at `path` (below `lua/`) is ignored by its own name: hidden, an
    /// editor's backup, or a pattern's match. The folders above it are not looked at.
    pub(in crate::reload) fn skips(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.starts_with(['.', '#'])
            || name.ends_with('~')
            || self.ignore.matches(name)
            || self.ignore.matches(path)
            || self.left_out.contains(path)
    }

    /// Whether `path` (below `lua/`) or a folder above it is ignored.
    pub(in crate::reload) fn skips_any(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end);
        ends.chain([path.len()]).any(|end| self.skips(&path[..end]))
    }

    /// Whether `path` is a watched folder or inside one.
    pub(in crate::reload) fn watches(&self, path: &str) -> bool {
        self.folders.iter().any(|folder| is_within(path, folder))
    }

    /// Whether `path` is a folder that has a watched folder inside.
    pub(in crate::reload) fn leads_to_watched(&self, path: &str) -> bool {
        path.is_empty() || self.folders.iter().any(|folder| is_within(folder, path))
    }

    /// Takes note of where symlinks lead to now.
    pub(super) fn note_linked(&self, linked: Linked) {
        self.linked.store(Arc::new(linked));
    }

    /// Whether a symlink leads to `path`, over it, or to something in it; or to a folder that has such a module.
    pub(in crate::reload) fn is_linked(&self, path: &str) -> bool {
        let is_module = || {
            let name = path.rsplit('/').next().unwrap_or(path);
            self.stem_length(name).is_some()
        };
        let linked = self.linked.load();
        let mut places = linked.places.iter();
        places.any(|place| is_within(place, path) || is_within(path, place) && is_module())
    }

    /// Whether there is a symlink that a new one may fix.
    pub(in crate::reload) fn has_dangling(&self) -> bool {
        self.linked.load().dangles
    }

    /// Whether a file at `path` would be a module.
    pub fn is_module(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.stem_length(name).is_some() && self.watches(path) && !self.skips_any(path)
    }
}

impl Default for Rules {
    /// The rules of a `config.json` that says nothing.
    fn default() -> Self {
        let hot = HotReload::default();
        Self {
            // These are known to be good; a test holds them to it.
            ignore: Globs::new(&hot.ignore_patterns).unwrap_or_default(),
            folders: hot.watch_directories,
            extensions: hot.watch_extensions,
            left_out: BTreeSet::new(),
            linked: Arc::default(),
            allows_linked: false,
        }
    }
}

/// Whether `path` is `folder` or inside it. Everything is inside the root, `""`.
pub(in crate::reload) fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path of `path` below `root` with `/` between names. Nothing if it is not below, or if a name
/// is not UTF-8.
pub(in crate::reload) fn below(root: &Path, path: &Path) -> Option<String> {
    let mut names = Vec::new();
    for name in path.strip_prefix(root).ok()?.components() {
        let std::path::Component::Normal(name) = name else {
            return None;
        };
        names.push(name.to_str()?);
    }
    Some(names.join("/"))
}

fn folder(name: &str) -> Result<String, RulesError> {
    let plain = name.strip_prefix("./").unwrap_or(name);
    let plain = plain.strip_suffix('/').unwrap_or(plain);
    let possible = |part: &str| !part.is_empty() && !part.starts_with('.');
    if plain.split('/').all(possible) && !plain.contains(['\\', '\0']) {
        Ok(plain.to_owned())
    } else {
        Err(RulesError::Folder(name.to_owned()))
    }
}

fn extension(name: &str) -> Result<String, RulesError> {
    let plain = name.strip_prefix('.').unwrap_or(name);
    if plain.is_empty() || plain.contains(['/', '\\', '*']) {
        Err(RulesError::Extension(name.to_owned()))
    } else {
        Ok(format!(".{plain}"))
    }
}

/// Leaves away folders that are inside another one of the list.
fn outermost(mut folders: Vec<String>) -> Vec<String> {
    let all = folders.clone();
    folders.retain(|folder| {
        !all.iter()
            .any(|other| other != folder && is_within(folder, other))
    });
    let mut seen = BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rules_take_modules_and_nothing_else() {
        let rules = Rules::default();
        for module in ["cogs/ping.luau", "cogs/_shared/a.lua", "data/a/b/c.luau"] {
            assert!(rules.is_module(module), "{module}");
        }
        let others = [
            "cogs/ping.luau~",
            "cogs/.#ping.luau",
            "cogs/#ping.luau#",
            "cogs/.ping.luau.swp",
            "cogs/ping.luau.swp",
            "cogs/ping.txt",
            "cogs/.git/ping.luau",
            "cogs/.luau",
            "ping.luau",
            "cogsy/ping.luau",
            "cogs/x.tmp/ping.luau",
        ];
        for other in others {
            assert!(!rules.is_module(other), "{other}");
        }
    }

    #[test]
    fn patterns_match_names_folders_and_paths() {
        let rules = Rules::new(
            &["cogs", "cogs/fun", "data/x/"],
            &["luau"],
            &["old/", "cogs/draft_*.luau"],
        )
        .unwrap();
        assert_eq!(rules.folders(), ["cogs", "data/x"]);
        assert!(!rules.is_module("cogs/old/ping.luau"));
        assert!(!rules.is_module("cogs/draft_ping.luau"));
        assert!(rules.is_module("cogs/fun/draft_ping.luau"));
        assert!(rules.is_module("data/x/y.luau"));
        assert!(rules.leads_to_watched("data") && !rules.watches("data"));
        assert!(Rules::default().ignore.matches("a.swp"));
    }

    #[test]
    fn impossible_rules_are_refused_with_their_key() {
        let none: &[&str] = &[];
        for folder in ["../cogs", "/cogs", "", "a//b", ".", ".hidden"] {
            let error = Rules::new(&[folder], none, none).unwrap_err().to_string();
            assert!(
                error.starts_with("hot_reload.watch_directories"),
                "{folder}: {error}"
            );
        }
        let error = Rules::new(none, &["."], none).unwrap_err().to_string();
        assert!(error.starts_with("hot_reload.watch_extensions"), "{error}");
        let error = Rules::new(none, none, &["a[b"]).unwrap_err().to_string();
        assert!(error.starts_with("hot_reload.ignore_patterns"), "{error}");
    }
}
