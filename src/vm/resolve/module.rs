//! What a module is called, and the text that it consists of.

use crate::escape;
use std::borrow::Borrow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// The extension of a module that no file gives one.
const EXTENSION: &str = ".luau";

/// The name of the file that stands for its folder.
pub(super) const INIT: &str = "init";

/// A module: the path of its file below `lua/`, compared without the extension
/// (`cogs/leveling`, `cogs/leveling/init`, `services/levels`).
///
/// The name of an alias (`@utils`) is an id, too: it is a node in the graph of requires, so that a
/// change of `.luaurc` reaches exactly those who used the alias. It is never executed.
#[derive(Clone)]
pub struct ModuleId {
    /// Below `lua/`, with `/` between the parts and with the extension.
    file: Arc<str>,
    /// The length of `file` without the extension.
    stem: usize,
}

impl ModuleId {
    /// The module of this stem, for which `.luau` is assumed (`services/levels`).
    pub fn new(stem: &str) -> Self {
        Self {
            file: format!("{stem}{EXTENSION}").into(),
            stem: stem.len(),
        }
    }

    /// The module in the file `stem` + `extension` (`services/levels`, `.lua`).
    pub fn of_file(stem: &str, extension: &str) -> Self {
        Self {
            file: format!("{stem}{extension}").into(),
            stem: stem.len(),
        }
    }

    /// The module in a file below `lua/`, or the alias, as [`ModuleId::file`] names it.
    pub fn named(file: &str) -> Self {
        if let Some(alias) = file.strip_prefix('@') {
            return Self::of_alias(alias);
        }
        match file.rsplit_once('.') {
            Some((stem, extension)) => Self::of_file(stem, &format!(".{extension}")),
            None => Self::new(file),
        }
    }

    /// The node of an alias, whose name is compared in lower case (`utils` becomes `@utils`).
    pub fn of_alias(name: &str) -> Self {
        let file: Arc<str> = format!("@{}", name.to_ascii_lowercase()).into();
        let stem = file.len();
        Self { file, stem }
    }

    /// The stem: `services/levels`.
    pub fn as_str(&self) -> &str {
        &self.file[..self.stem]
    }

    /// The key in `package.loaded`: `services.levels`; the `init` of a folder is left out.
    pub fn dotted(&self) -> String {
        self.without_init().replace('/', ".")
    }

    /// The file below the project: `lua/services/levels.luau`. No file with a name that cannot be shown as it is
    /// becomes a module; where one is told of, its name is escaped.
    pub fn path(&self) -> String {
        if self.is_alias() {
            format!("lua/.luaurc ({self})")
        } else {
            format!("lua/{}", escape::name(&self.file))
        }
    }

    /// The file below `lua/`: `services/levels.luau`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether this is the alias `@name` and no module.
    pub fn is_alias(&self) -> bool {
        self.file.starts_with('@')
    }

    /// Whether the module stands for its folder (`services/levels/init`).
    pub fn is_init(&self) -> bool {
        let stem = self.as_str();
        stem == INIT || stem.ends_with("/init")
    }

    /// Whether this is the init file of a folder that the other module is in, however deep. Cogs in that folder are
    /// modules of its cog as long as it is there.
    pub fn takes_in(&self, other: &Self) -> bool {
        let folder = self.as_str().strip_suffix("init");
        let folder = folder.filter(|_| self.is_init());
        folder.is_some_and(|folder| other.as_str().starts_with(folder))
    }

    /// The folder that the file is in, `services` for `services/levels`.
    pub fn folder(&self) -> &str {
        parent(self.as_str()).unwrap_or("")
    }

    /// The stem by which others require it: `services/levels` for `services/levels/init`.
    pub fn without_init(&self) -> &str {
        if self.is_init() {
            self.folder()
        } else {
            self.as_str()
        }
    }
}

/// The folder that `path` is in; nothing for the root itself.
pub(super) fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some((parent, _)) => Some(parent),
        None if path.is_empty() => None,
        None => Some(""),
    }
}

impl PartialEq for ModuleId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ModuleId {}

impl PartialOrd for ModuleId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ModuleId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for ModuleId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Borrow<str> for ModuleId {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a source says, as 64 bits of `SipHash`; the time of the file is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(u64);

impl ContentHash {
    /// The hash of this text alone.
    pub fn of(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// One module's text at one moment. It never changes: a save makes another.
#[derive(Debug)]
pub struct Source {
    /// Which module it is.
    pub id: ModuleId,
    /// The file below the project: `lua/services/levels.luau`.
    pub path: Arc<str>,
    /// The text without a byte order mark.
    pub text: Arc<str>,
    /// The text and the file's name: a module that moves from `.lua` to `.luau` is another, because
    /// errors name its file.
    pub hash: ContentHash,
    /// The compiled text, or what is wrong with it: made by the first VM that needs it and shared by all.
    pub bytecode: OnceLock<Result<Vec<u8>, String>>,
}

impl Source {
    /// The source of `id`, not yet compiled.
    pub fn new(id: ModuleId, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let mut hasher = DefaultHasher::new();
        id.file().hash(&mut hasher);
        text.hash(&mut hasher);
        Self {
            path: id.path().into(),
            hash: ContentHash(hasher.finish()),
            id,
            text,
            bytecode: OnceLock::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_stem_a_dotted_name_and_a_file() {
        let levels = ModuleId::of_file("services/levels", ".lua");
        assert_eq!(levels.as_str(), "services/levels");
        assert_eq!(levels.dotted(), "services.levels");
        assert_eq!(levels.path(), "lua/services/levels.lua");
        assert_eq!(levels, ModuleId::new("services/levels"));

        let init = ModuleId::new("cogs/leveling/init");
        assert_eq!(init.dotted(), "cogs.leveling");
        assert_eq!(init.folder(), "cogs/leveling");
        assert!(init.is_init() && !levels.is_init());
        assert_eq!(ModuleId::of_alias("Utils").as_str(), "@utils");
    }

    #[test]
    fn an_init_file_takes_in_what_is_in_its_folder() {
        let takes_in = |one: &str, other: &str| ModuleId::new(one).takes_in(&ModuleId::new(other));
        assert!(takes_in("cogs/fun/init", "cogs/fun/dice"));
        assert!(takes_in("cogs/fun/init", "cogs/fun/games/dice"));
        assert!(!takes_in("cogs/fun/init", "cogs/funny"));
        assert!(!takes_in("cogs/fun/init", "cogs/other/dice"));
        assert!(!takes_in("cogs/fun", "cogs/fun/dice"));
    }

    #[test]
    fn a_source_is_known_by_its_text_and_its_file() {
        let source = |extension, text: &str| {
            Source::new(ModuleId::of_file("utils/text", extension), text).hash
        };
        assert_eq!(source(".luau", "return 1"), source(".luau", "return 1"));
        assert_ne!(source(".luau", "return 1"), source(".luau", "return 2"));
        assert_ne!(source(".luau", "return 1"), source(".lua", "return 1"));
    }
}
