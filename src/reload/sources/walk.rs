//! Finds the module files in a folder, without reading them. Symlinks are followed as long as they
//! stay inside `lua/` and lead into no loop.

use super::read::{is_gone, plain};
use super::rules::{LUAURC, Rules, below};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use walkdir::{DirEntry, WalkDir};

/// What there is in a folder. All paths are below `lua/`.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The files that may be modules.
    pub(super) files: BTreeSet<String>,
    /// Files that can be none, with what comes after "lua/x.luau ".
    pub(super) bad: BTreeMap<String, String>,
    /// Folders that could not be looked into, with what comes after "lua/x ".
    pub(super) folders: BTreeMap<String, String>,
    /// What is wrong without hurting a module, in the same form.
    pub(super) notes: BTreeMap<String, String>,
    /// Symlinks with what they point to, both below `lua/`.
    pub(super) links: BTreeMap<String, String>,
    /// Symlinks to nothing.
    pub(super) dangling: BTreeSet<String>,
    /// The walk itself began behind a symlink.
    is_behind_link: bool,
}

/// Where a path really is.
pub(super) enum Real {
    /// Not a symlink, and inside `lua/`.
    Plain,
    /// A symlink to this path below `lua/`.
    Link(String),
    /// Not inside `lua/`, or where nobody watches; what comes after "lua/x ".
    Outside(&'static str),
    /// A symlink to nothing. Only with the name of a module is it a mistake.
    Broken,
    /// Nothing is there.
    Gone,
}

const OUTSIDE: &str =
    "is or lies behind a symlink that points outside lua/; put the files themselves there";
const UNWATCHED: &str = "is a symlink to a place in lua/ where changes are not noticed; link to a module or folder in one of hot_reload.watch_directories";
pub(super) const BROKEN: &str = "is a symlink that points to nothing; remove it";
const LINKED_TWICE: &str =
    "is a symlink inside a symlinked folder, which is not followed; link to the place itself";
const DEEP_LUAURC: &str = "is not read: aliases are defined in lua/.luaurc alone; move them there";

/// Looks where `path` (below `root`) really is.
pub(super) fn real(root: &Path, canonical: &Path, rules: &Rules, path: &str) -> Real {
    let full = root.join(path);
    let is_link = match full.symlink_metadata() {
        Ok(metadata) => metadata.is_symlink(),
        Err(_) => return Real::Gone,
    };
    match full.canonicalize() {
        Ok(target) if !target.starts_with(canonical) => Real::Outside(OUTSIDE),
        Ok(target) if is_link => match below(canonical, &target) {
            Some(target) if can_be_followed(rules, &target, full.is_dir()) => Real::Link(target),
            _ => Real::Outside(UNWATCHED),
        },
        Ok(_) => Real::Plain,
        Err(_) if is_link => Real::Broken,
        // What cannot be resolved cannot be read either, and reading tells why.
        Err(error) if !is_gone(&error) => Real::Plain,
        Err(_) => Real::Gone,
    }
}

/// Only where changes are noticed may a symlink lead, or what it leads to would grow old.
fn can_be_followed(rules: &Rules, target: &str, is_folder: bool) -> bool {
    if is_folder {
        rules.watches(target) && !rules.skips_any(target)
    } else {
        rules.is_module(target)
    }
}

/// The folders above `path` that are symlinks, the outermost first.
pub(super) fn links_above<'a>(root: &'a Path, path: &'a str) -> impl Iterator<Item = &'a str> {
    path.match_indices('/')
        .map(|(end, _)| &path[..end])
        .filter(|folder| root.join(folder).is_symlink())
}

/// Looks through the watched folder `start`, or one inside it.
pub(super) fn walk(root: &Path, canonical: &Path, rules: &Rules, start: &str) -> Walk {
    let mut found = Walk::default();
    // A folder on the way to `start` may be a symlink as well.
    match real(root, canonical, rules, start) {
        Real::Outside(problem) => {
            found.folders.insert(start.to_owned(), problem.to_owned());
            return found;
        }
        Real::Broken => {
            found.dangling.insert(start.to_owned());
            return found;
        }
        Real::Gone => return found,
        Real::Plain | Real::Link(_) => {}
    }
    found.is_behind_link = links_above(root, start).next().is_some();
    let mut entries = WalkDir::new(root.join(start))
        .follow_links(true)
        .into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) => {
                let enter = found.add(root, canonical, rules, &entry);
                if !enter && entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            }
            Err(error) => found.add_error(root, rules, &error),
        }
    }
    found
}

impl Walk {
    /// Takes note of an entry. False if a folder is not to be entered.
    fn add(&mut self, root: &Path, canonical: &Path, rules: &Rules, entry: &DirEntry) -> bool {
        let is_folder = entry.file_type().is_dir();
        let Some(path) = below(root, entry.path()) else {
            self.add_unnamable(rules, root, entry);
            return false;
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        if name == LUAURC {
            self.notes.insert(path, DEEP_LUAURC.to_owned());
            return false;
        }
        if rules.skips(&path) {
            return false;
        }
        let is_module = rules.stem_length(name).is_some();
        if path.contains(char::is_control) {
            self.refuse(
                path,
                is_folder,
                "has a control character in its name; rename it",
            );
            return false;
        }
        if entry.path_is_symlink() && (is_folder || is_module) {
            match real(root, canonical, rules, &path) {
                Real::Link(_) if is_folder && self.is_behind_link(&path) => {
                    self.folders.insert(path, LINKED_TWICE.to_owned());
                    return false;
                }
                Real::Link(target) => {
                    self.links.insert(path.clone(), target);
                }
                Real::Outside(problem) => {
                    self.refuse(path, is_folder && !is_module, problem);
                    return false;
                }
                Real::Plain | Real::Broken | Real::Gone => {}
            }
        }
        match (is_folder, is_module) {
            // Reading it says what is wrong; its content is no module of anything.
            (true, true) => {
                self.files.insert(path);
                false
            }
            (true, false) => true,
            (false, true) => self.files.insert(path),
            (false, false) => false,
        }
    }

    fn refuse(&mut self, path: String, is_folder: bool, problem: &str) {
        let place = if is_folder {
            &mut self.folders
        } else {
            &mut self.bad
        };
        place.insert(path, problem.to_owned());
    }

    /// Whether a folder above `path` was entered through a symlink. Links within links could
    /// multiply without end.
    fn is_behind_link(&self, path: &str) -> bool {
        let mut above = path.match_indices('/');
        self.is_behind_link || above.any(|(end, _)| self.links.contains_key(&path[..end]))
    }

    /// A name that is not UTF-8 can be no module id.
    fn add_unnamable(&mut self, rules: &Rules, root: &Path, entry: &DirEntry) {
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let path = path.to_string_lossy().into_owned();
        let name = path.rsplit('/').next().unwrap_or_default();
        let matters = entry.file_type().is_dir() || rules.stem_length(name).is_some();
        if matters && !rules.skips(&path) {
            let problem = "has a name that is not UTF-8; rename it";
            self.notes.insert(path, problem.to_owned());
        }
    }

    fn add_error(&mut self, root: &Path, rules: &Rules, error: &walkdir::Error) {
        // A link to a folder above it adds nothing that is not there already.
        if error.loop_ancestor().is_some() {
            return;
        }
        let (Some(path), Some(cause)) = (error.path(), error.io_error()) else {
            return;
        };
        let Some(path) = below(root, path).filter(|path| !rules.skips(path)) else {
            return;
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let is_module = rules.stem_length(name).is_some();
        if !is_gone(cause) {
            let problem = format!("cannot be read ({}); check its permissions", plain(cause));
            self.refuse(path, !is_module, &problem);
        } else if root.join(&path).is_symlink() {
            if is_module {
                self.bad.insert(path.clone(), BROKEN.to_owned());
            }
            self.dangling.insert(path);
        }
    }
}
