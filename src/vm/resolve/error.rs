//! Why a require finds no module, as a sentence for the author.

use super::module::ModuleId;

/// How much of an author's text an error repeats, in characters.
const SHOWN: usize = 80;

/// A require that finds no module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("require(\"{request}\") in {from}: {reason}{}", crate::nearest::hint(nearest.as_deref()))]
pub struct ResolveError {
    /// The requested path, shortened and on one line.
    pub request: String,
    /// The file with the require: `lua/cogs/leveling.luau`.
    pub from: String,
    /// Why there is nothing.
    pub reason: Box<Reason>,
    /// The path of the existing module with the most similar name.
    pub nearest: Option<String>,
    /// The modules and aliases that would have answered. If one of them appears, the same require
    /// may succeed.
    pub candidates: Vec<ModuleId>,
}

/// Why a require finds no module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Neither relative nor an alias.
    #[error("a path begins with \"./\", \"../\" or \"@\"")]
    Start,
    /// Longer than [`super::MAX_REQUEST`].
    #[error("a path has at most {max} bytes, and this one has {0}", max = super::MAX_REQUEST)]
    Length(usize),
    /// `//`, a `/` at the end, or nothing after `./`.
    #[error(
        "there is an empty name in the path; write one \"/\" between names and none at the end"
    )]
    EmptyName,
    /// A backslash or a control character.
    #[error("{0} is not possible in a path; names are separated by \"/\"")]
    Character(&'static str),
    /// `./levels.luau`
    #[error("a path has no extension: leave out \"{0}\"")]
    Extension(&'static str),
    /// `./levels/init`
    #[error("a folder's init is required by the folder's name: leave out \"/init\"")]
    Init,
    /// More `..` than folders.
    #[error("the path leads outside lua/, where no module can be")]
    Outside,
    /// `@self` in a file that stands for no folder.
    #[error(
        "@self is the folder of an init file, and {0} is not one; write \"./\" for files beside it"
    )]
    NoSelf(String),
    /// An alias that `lua/.luaurc` does not define.
    #[error("lua/.luaurc defines no alias @{0}")]
    Alias(String),
    /// `@cogsmith` alone or with more than one name.
    #[error(
        "the host's modules are \"@cogsmith/cog\", \"@cogsmith/discord\" and so on, with one name after the \"/\""
    )]
    Host,
    /// No such module.
    #[error("there is no module {0}")]
    Missing(String),
    /// A module could only be where nobody looks.
    #[error(
        "there is no module {path}: of the folders in lua/ only those of hot_reload.watch_directories hold modules ({folders})"
    )]
    Unwatched {
        /// The file that was looked for.
        path: String,
        /// The folders that hold modules.
        folders: String,
    },
    /// Two files for one module.
    #[error("{0} and {1} would be the same module; remove or rename one of them")]
    Ambiguous(String, String),
    /// The file is there and cannot be taken.
    #[error("{0}")]
    Problem(String),
    /// The entry file of a cog.
    #[error(
        "{path} is the cog {cog}, and a cog cannot be required; move what both need to lua/services/"
    )]
    Cog {
        /// The entry file.
        path: String,
        /// The cog's name.
        cog: String,
    },
    /// A module in another cog's folder.
    #[error(
        "{path} belongs to the cog {cog}, and only that cog may require it; move what both need to lua/services/"
    )]
    OtherCog {
        /// The module's file.
        path: String,
        /// The cog to which it belongs.
        cog: String,
    },
}

/// `text` on one line and of a bearable length.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.escape_debug().to_string()
}
