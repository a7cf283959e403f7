//! Luau's require-by-string as a pure function: from the file that asks and the text that it asks
//! with to a module of the snapshot or of the host.
//!
//! ```text
//! "../services/levels" ─ base folder (here) ─ join (here) ─ the module and who may have it (here) ─ or a sentence (error, nearest)
//! ```
//!
//! Nothing here looks at the disk, so a path cannot lead out of the snapshot.

mod error;
mod module;
mod nearest;
#[cfg(test)]
mod tests;

pub use error::{Reason, ResolveError};
pub use module::{ContentHash, ModuleId, Source};

use error::shown;
use module::{INIT, parent};
use std::sync::Arc;

/// The longest text that `require` takes, in bytes. Paths in a project are a tenth of it.
const MAX_REQUEST: usize = 512;

/// The alias of the host's modules; it is compared without letter case and cannot be redefined.
pub const HOST_ALIAS: &str = "cogsmith";

/// The alias of an init file's own folder; it is compared without letter case.
pub const SELF_ALIAS: &str = "self";

/// Where a require leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A module of the snapshot.
    Module(ModuleId),
    /// `@cogsmith/<name>`; whether the host has such a module is the host's to say.
    Host(String),
}

/// The modules that there are: one generation's snapshot of `lua/`.
pub trait Modules {
    /// The module, if its file could be taken.
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>>;

    /// The module of the file at `path` (`lua/services/levels.luau`), if it could be taken.
    fn in_file(&self, path: &str) -> Option<&Arc<Source>>;

    /// All modules that could be taken.
    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_>;

    /// Why the file of `id` is there and yet not taken: a sentence that names it.
    fn problem(&self, id: &ModuleId) -> Option<&str>;

    /// The cog to which `id` belongs, also when the cog's entry could not be taken.
    fn cog_of(&self, id: &ModuleId) -> Option<ModuleOwner<'_>>;

    /// The path below `lua/` for which an alias stands, by its name in lower case.
    fn alias(&self, name: &str) -> Option<&str>;

    /// The names of all aliases, in lower case.
    fn alias_names(&self) -> Vec<&str>;

    /// The folders below `lua/` that hold modules.
    fn folders(&self) -> &[String];
}

/// The cog to which a module belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleOwner<'a> {
    /// The cog's name: `fun.dice`.
    pub name: &'a str,
    /// Whether the module is the cog's entry file, not one in its folder.
    pub is_entry: bool,
}

/// The alias that `request` begins with, as a node for the graph of requires. Nothing for relative
/// paths and for the aliases that no file defines (`@self`, `@cogsmith`).
pub fn alias_of(request: &str) -> Option<ModuleId> {
    let rest = request.strip_prefix('@')?;
    let name = rest.split('/').next()?;
    let reserved = [HOST_ALIAS, SELF_ALIAS]
        .iter()
        .any(|reserved| name.eq_ignore_ascii_case(reserved));
    (!reserved).then(|| ModuleId::of_alias(name))
}

/// Finds what `require(request)` means in the file of `from`.
///
/// # Errors
/// A sentence that names the request, the file and, if there is one, the module that was meant.
pub fn resolve<M: Modules + ?Sized>(
    modules: &M,
    from: &ModuleId,
    request: &str,
) -> Result<Target, ResolveError> {
    try_resolve(modules, from, request).map_err(|reason| refuse(modules, from, request, reason))
}

fn try_resolve<M: Modules + ?Sized>(
    modules: &M,
    from: &ModuleId,
    request: &str,
) -> Result<Target, Reason> {
    check(request)?;
    if let Some(host) = host(request) {
        return Ok(Target::Host(host?.to_owned()));
    }
    let stem = stem_of(modules, from, request)?;
    find(modules, from, &stem).map(Target::Module)
}

/// What no path may contain, whatever it begins with.
fn check(request: &str) -> Result<(), Reason> {
    if request.len() > MAX_REQUEST {
        return Err(Reason::Length(request.len()));
    }
    if request.contains('\\') {
        return Err(Reason::Character("a backslash"));
    }
    if request.contains(char::is_control) {
        return Err(Reason::Character("a control character"));
    }
    Ok(())
}

/// The name after `@cogsmith/`; nothing if the request is for no module of the host.
fn host(request: &str) -> Option<Result<&str, Reason>> {
    let rest = request.strip_prefix('@')?;
    let (alias, name) = rest.split_once('/').unwrap_or((rest, ""));
    if !alias.eq_ignore_ascii_case(HOST_ALIAS) {
        return None;
    }
    let plain = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    Some(if plain { Ok(name) } else { Err(Reason::Host) })
}

/// The path below `lua/` that the request means, without `.` and `..`.
fn stem_of<M: Modules + ?Sized>(
    modules: &M,
    from: &ModuleId,
    request: &str,
) -> Result<String, Reason> {
    if let Some(rest) = request.strip_prefix('@') {
        let (name, path) = match rest.split_once('/') {
            Some((name, path)) => (name, Some(path)),
            None => (rest, None),
        };
        return join(alias_base(modules, from, name)?, path);
    }
    if !request.starts_with("./") && !request.starts_with("../") {
        return Err(Reason::Start);
    }
    // An init file stands for its folder, so what is beside it is what is beside the folder.
    let base = if from.is_init() {
        parent(from.folder()).ok_or(Reason::Outside)?
    } else {
        from.folder()
    };
    // The first `.` is not a name; a second one, as in `././x`, is skipped like any other.
    join(base, Some(request.strip_prefix("./").unwrap_or(request)))
}

/// The folder for which the alias `@name` stands.
fn alias_base<'a, M: Modules + ?Sized>(
    modules: &'a M,
    from: &'a ModuleId,
    name: &str,
) -> Result<&'a str, Reason> {
    if !name.eq_ignore_ascii_case(SELF_ALIAS) {
        return modules
            .alias(&name.to_ascii_lowercase())
            .ok_or_else(|| Reason::Alias(shown(name)));
    }
    if from.is_init() {
        Ok(from.folder())
    } else {
        Err(Reason::NoSelf(from.path()))
    }
}

/// Walks from `base` along `path`, never above `lua/`.
fn join(base: &str, path: Option<&str>) -> Result<String, Reason> {
    let mut names: Vec<&str> = base.split('/').filter(|name| !name.is_empty()).collect();
    let mut last = None;
    for name in path.into_iter().flat_map(|path| path.split('/')) {
        last = Some(name);
        match name {
            "" => return Err(Reason::EmptyName),
            "." => {}
            ".." => {
                names.pop().ok_or(Reason::Outside)?;
            }
            name => names.push(name),
        }
    }
    if last == Some(INIT) {
        return Err(Reason::Init);
    }
    for extension in [".luau", ".lua"] {
        if last.is_some_and(|name| name.ends_with(extension)) {
            return Err(Reason::Extension(extension));
        }
    }
    Ok(names.join("/"))
}

/// The files that answer to a path: the one of that name, and the init file of the folder.
fn candidates(stem: &str) -> Vec<ModuleId> {
    // A path can end in a folder called `init` only through `..`; its init file still counts.
    let own = (!stem.is_empty() && !ModuleId::new(stem).is_init()).then(|| ModuleId::new(stem));
    let init = (!stem.is_empty()).then(|| ModuleId::new(&format!("{stem}/{INIT}")));
    own.into_iter().chain(init).collect()
}

fn find<M: Modules + ?Sized>(modules: &M, from: &ModuleId, stem: &str) -> Result<ModuleId, Reason> {
    let candidates = candidates(stem);
    if let Some(problem) = candidates.iter().find_map(|id| modules.problem(id)) {
        return Err(Reason::Problem(problem.to_owned()));
    }
    let mut found = candidates.iter().filter_map(|id| modules.source(id));
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => Err(Reason::Ambiguous(
            one.path.to_string(),
            other.path.to_string(),
        )),
        (Some(source), None) => {
            allowed(modules, from, &source.id)?;
            Ok(source.id.clone())
        }
        (None, _) => Err(missing(modules, stem)),
    }
}

/// A cog may not require a cog; what lies in a cog's folder is that cog's own.
fn allowed<M: Modules + ?Sized>(
    modules: &M,
    from: &ModuleId,
    target: &ModuleId,
) -> Result<(), Reason> {
    let Some(owner) = modules.cog_of(target) else {
        return Ok(());
    };
    let (path, cog) = (target.path(), owner.name.to_owned());
    if owner.is_entry {
        return Err(Reason::Cog { path, cog });
    }
    match modules.cog_of(from) {
        Some(own) if own.name == owner.name => Ok(()),
        _ => Err(Reason::OtherCog { path, cog }),
    }
}

fn missing<M: Modules + ?Sized>(modules: &M, stem: &str) -> Reason {
    let path = match stem {
        "" => "for the folder lua/ itself".to_owned(),
        stem => ModuleId::new(stem).path(),
    };
    let folders = modules.folders();
    let inside = |folder: &String| {
        stem == folder.as_str()
            || stem
                .strip_prefix(folder.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    };
    if stem.is_empty() || folders.is_empty() || folders.iter().any(inside) {
        return Reason::Missing(path);
    }
    Reason::Unwatched {
        path,
        folders: folders.join(", "),
    }
}

/// Completes a reason into the sentence that the author reads.
fn refuse<M: Modules + ?Sized>(
    modules: &M,
    from: &ModuleId,
    request: &str,
    reason: Reason,
) -> ResolveError {
    let mut answers: Vec<ModuleId> = Vec::new();
    let mut nearest = None;
    match &reason {
        Reason::Alias(name) => nearest = nearest::alias(modules, request, name),
        Reason::Missing(_)
        | Reason::Unwatched { .. }
        | Reason::Problem(_)
        | Reason::Ambiguous(..) => {
            if let Ok(stem) = stem_of(modules, from, request) {
                answers = candidates(&stem);
                if matches!(reason, Reason::Missing(_) | Reason::Unwatched { .. }) {
                    nearest = nearest::module(modules, from, &stem);
                }
            }
        }
        _ => {}
    }
    ResolveError {
        request: shown(request),
        from: from.path(),
        candidates: {
            let mut candidates: Vec<_> = alias_of(request).into_iter().chain(answers).collect();
            // A module may be called like the alias itself (`lua/@lua.luau`).
            candidates.dedup();
            candidates
        },
        reason: Box::new(reason),
        nearest,
    }
}
