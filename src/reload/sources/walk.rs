//! Finds the module files in a folder and reads them. Symlinks are followed as long as they stay inside `lua/` and
//! lead into no loop.
//!
//! Folders are held open from the top down and files are read relative to them (`crate::files`): what is exchanged
//! meanwhile leads nowhere else.

use super::read::{Read, is_gone, plain, read};
use super::rules::{LUAURC, Rules, is_within};
use crate::escape::is_unfit_in_name;
use crate::files::{Astray, DEEPEST, Folder, Found, Kind, Root};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What there is in a folder. All paths are below `lua/`.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The files that may be modules, with what reading them came to.
    pub(super) files: BTreeMap<String, Read>,
    /// Files that can be none, with what comes after "lua/x.luau ".
    pub(super) bad: BTreeMap<String, String>,
    /// Folders that could not be looked into, with what comes after "lua/x ".
    pub(super) folders: BTreeMap<String, String>,
    /// What is wrong without hurting a module, in the same form.
    pub(super) notes: BTreeMap<String, String>,
    /// Symlinks with what they point to, both below `lua/`.
    pub(super) links: BTreeMap<String, String>,
    /// Symlinks with those that they lead over, themselves among them.
    pub(super) via: BTreeMap<String, Vec<String>>,
    /// Symlinks to nothing, and to the outside: what they lead over may come to lead inside.
    pub(super) dangling: BTreeSet<String>,
    /// The walk itself began behind a symlink.
    is_behind_link: bool,
}

/// Where a path really is.
pub(super) enum Real {
    /// Not a symlink, and inside `lua/`.
    Plain(Found),
    /// A symlink to this path below `lua/`.
    Link(Found, String),
    /// What is not followed; what comes after "lua/x ".
    Refused(&'static str),
    /// The system does not say; what comes after "lua/x ".
    Unknown(String),
    /// A symlink to nothing. Only with the name of a module is it a mistake.
    Broken,
    /// Nothing is there.
    Gone,
}

pub(super) const OUTSIDE: &str =
    "is or lies behind a symlink that points outside lua/; put the files themselves there";
const UNNAMABLE: &str = "is a symlink to a place whose name is not UTF-8; rename that";
pub(super) const BROKEN: &str = "is a symlink that points to nothing; remove it";
const LINKED_TWICE: &str =
    "is a symlink inside a symlinked folder, which is not followed; link to the place itself";
const UNFIT_NAME: &str =
    "has an invisible character or a terminal control character in its name; rename it";
const TOO_DEEP: &str = "is nested too deep in folders and is not read; move it up";
const DEEP_LUAURC: &str = "is not read: aliases are defined in lua/.luaurc alone; move them there";

/// Looks where `path` (below the root) really is.
pub(super) fn real(root: &Root, path: &str) -> Real {
    if path.contains(is_unfit_in_name) {
        return Real::Refused(UNFIT_NAME);
    }
    let found = match root.find(path) {
        Ok(found) => found,
        Err(Astray::Gone) => return Real::Gone,
        Err(Astray::Broken) => return Real::Broken,
        Err(Astray::Outside) => return Real::Refused(OUTSIDE),
        Err(Astray::Unknown(error)) => return Real::Unknown(unreadable(&error)),
    };
    if !found.is_link {
        return Real::Plain(found);
    }
    // Wherever inside it leads, changes are noticed there: see `Rules::note_linked`.
    match found.real.clone() {
        Some(target) => Real::Link(found, target),
        None => Real::Refused(UNNAMABLE),
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read ({}); check its permissions", plain(error))
}

/// The folders above `path` that are symlinks, the outermost first.
pub(super) fn links_above<'a>(root: &'a Path, path: &'a str) -> impl Iterator<Item = &'a str> {
    path.match_indices('/')
        .map(|(end, _)| &path[..end])
        .filter(|folder| root.join(folder).is_symlink())
}

/// The outermost folder above `path` that no walk goes into, whatever is in it.
pub(super) fn unentered_above(path: &str) -> Option<&str> {
    let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    let mut folders = folders.enumerate();
    folders
        .find(|(depth, folder)| *depth > DEEPEST || folder.contains(is_unfit_in_name))
        .map(|(_, folder)| folder)
}

/// Looks through the watched folder `start`, or one inside it. `at` is the path of the root.
pub(super) fn walk(root: &Root, at: &Path, rules: &Rules, start: &str) -> Walk {
    let mut walker = Walker {
        root,
        at,
        rules,
        found: Walk {
            is_behind_link: links_above(at, start).next().is_some(),
            ..Walk::default()
        },
    };
    // A folder on the way to `start` may be a symlink as well.
    let real = real(root, start);
    walker.sort_in(start.to_owned(), real);
    walker.found
}

/// A walk under way.
struct Walker<'a> {
    root: &'a Root,
    /// The path of the root.
    at: &'a Path,
    rules: &'a Rules,
    found: Walk,
}

impl Walker<'_> {
    /// Looks through the open folder that is at `path`, and really at `place`.
    fn look_through(&mut self, folder: &Arc<Folder>, path: &str, place: &str) {
        let names = match folder.names() {
            Ok(names) => names,
            Err(error) => return self.note_unreadable(path.to_owned(), &error),
        };
        for name in names {
            match name.to_str() {
                Some(known) => {
                    let path = format!("{path}/{known}");
                    let real = self.real_in(folder, &name, &path, format!("{place}/{known}"));
                    self.sort_in(path, real);
                }
                None => self.note_unnamable(folder, path, &name),
            }
        }
    }

    /// Where `name` in an open folder really is.
    fn real_in(&self, folder: &Arc<Folder>, name: &OsStr, path: &str, place: String) -> Real {
        if self.rules.skips(path) && !is_luaurc(path) {
            return Real::Gone;
        }
        match folder.look(name) {
            Ok(facts) if facts.kind == Kind::Link => real(self.root, path),
            Ok(_) if path.contains(is_unfit_in_name) => Real::Refused(UNFIT_NAME),
            Ok(facts) => Real::Plain(Found {
                folder: Arc::clone(folder),
                name: name.to_owned(),
                facts,
                real: Some(place),
                is_link: false,
                via: Vec::new(),
            }),
            Err(error) if is_gone(&error) => Real::Gone,
            Err(error) => Real::Unknown(unreadable(&error)),
        }
    }

    /// Notes what is at `path`, and reads it if it is a folder.
    fn sort_in(&mut self, path: String, real: Real) {
        if matches!(real, Real::Gone) {
            return;
        }
        if is_luaurc(&path) {
            self.found.notes.insert(path, DEEP_LUAURC.to_owned());
            return;
        }
        if self.rules.skips(&path) {
            return;
        }
        let is_module = has_module_name(self.rules, &path);
        match real {
            Real::Plain(found) => self.take(path, is_module, &found),
            Real::Link(found, target) => self.take_link(path, is_module, &found, target),
            Real::Refused(problem) => {
                if problem == OUTSIDE {
                    self.found.dangling.insert(path.clone());
                }
                self.refuse(path, is_module, problem);
            }
            Real::Unknown(problem) => self.found.refuse(path, !is_module, problem),
            Real::Broken => {
                if is_module {
                    self.found.bad.insert(path.clone(), BROKEN.to_owned());
                }
                self.found.dangling.insert(path);
            }
            Real::Gone => {}
        }
    }

    fn take(&mut self, path: String, is_module: bool, found: &Found) {
        if is_module {
            let read = read(found, self.rules.allows_linked);
            self.found.files.insert(path, read);
        } else if found.facts.kind == Kind::Folder {
            self.enter(&path, found);
        }
    }

    fn enter(&mut self, path: &str, found: &Found) {
        if path.matches('/').count() > DEEPEST {
            let problem = TOO_DEEP.to_owned();
            self.found.folders.insert(path.to_owned(), problem);
            return;
        }
        match found.folder.enter(&found.name) {
            Ok(folder) => {
                let place = found.real.as_deref().unwrap_or(path);
                self.look_through(&Arc::new(folder), path, place);
            }
            // It was exchanged meanwhile, of which there is an event.
            Err(error) if is_gone(&error) => {}
            Err(error) => self.note_unreadable(path.to_owned(), &error),
        }
    }

    fn take_link(&mut self, path: String, is_module: bool, found: &Found, target: String) {
        let is_folder = found.facts.kind == Kind::Folder;
        if !is_folder && !is_module {
            return;
        }
        // A link to a folder above it adds nothing that is not there already.
        if is_folder && self.is_loop(&path, &target) {
            return;
        }
        if is_folder && self.found.is_behind_link(&path) {
            let problem = LINKED_TWICE.to_owned();
            self.found.folders.insert(path, problem);
            return;
        }
        self.found.via.insert(path.clone(), found.via.clone());
        self.found.links.insert(path.clone(), target);
        self.take(path, is_module, found);
    }

    /// Whether the symlink at `path` leads to a folder that it lies in.
    fn is_loop(&self, path: &str, target: &str) -> bool {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let place = self.root.find(folder).ok().and_then(|it| it.real);
        place.is_some_and(|place| is_within(&place, target))
    }

    fn refuse(&mut self, path: String, is_module: bool, problem: &str) {
        // For a link that is not followed, it only matters whether it leads to a folder.
        let is_folder = self.at.join(&path).is_dir();
        if is_folder || is_module {
            let is_folder = is_folder && !is_module;
            self.found.refuse(path, is_folder, problem.to_owned());
        }
    }

    fn note_unreadable(&mut self, path: String, error: &io::Error) {
        if !is_gone(error) {
            self.found.refuse(path, true, unreadable(error));
        }
    }

    /// A name that is not UTF-8 can be no module id.
    fn note_unnamable(&mut self, folder: &Folder, path: &str, name: &OsStr) {
        let path = format!("{path}/{}", name.to_string_lossy());
        let is_folder = || folder.look(name).is_ok_and(|it| it.kind == Kind::Folder);
        let matters = has_module_name(self.rules, &path) || is_folder();
        if matters && !self.rules.skips(&path) {
            let problem = "has a name that is not UTF-8; rename it";
            self.found.notes.insert(path, problem.to_owned());
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn is_luaurc(path: &str) -> bool {
    name_of(path) == LUAURC
}

fn has_module_name(rules: &Rules, path: &str) -> bool {
    rules.stem_length(name_of(path)).is_some()
}

impl Walk {
    fn refuse(&mut self, path: String, is_folder: bool, problem: String) {
        let place = if is_folder {
            &mut self.folders
        } else {
            &mut self.bad
        };
        place.insert(path, problem);
    }

    /// Whether a folder above `path` was entered through a symlink. Links within links could
    /// multiply without end.
    fn is_behind_link(&self, path: &str) -> bool {
        let mut above = path.match_indices('/');
        self.is_behind_link || above.any(|(end, _)| self.links.contains_key(&path[..end]))
    }
}
