//! Brings a snapshot up to date. The cost depends on the change: only changed files are read, and as long as no file
//! comes or goes, the structure is shared as it is.

use super::read::{self, RESTLESS, Read};
use super::rules::is_within;
use super::tree::{File, Found, module_of};
use super::walk::{BROKEN, OUTSIDE, Real, links_above, real, unentered_above, walk};
use super::{LUAURC, ModuleId, Snapshot, Source, below, diff};
use crate::files::Root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often a file that is still being written, or is suddenly empty, is read again before it is used as it is. There
/// is a debounce window between the attempts.
pub(super) const MAX_LOOKS: u32 = 10;

const MISSING_ROOT: &str = "does not exist; create the folder lua/ beside config.json";

/// The result of reading a file.
enum Look {
    Found(File),
    Gone,
    /// Its former state stays until it has been looked at again.
    Again(u32),
}

/// One rescan under way.
struct Rescan<'a> {
    old: &'a Snapshot,
    root: Root,
    /// At the start there is no former state that a half-written file could keep.
    initial: bool,
    looks: BTreeMap<String, Look>,
    /// What the structure will be; nothing as long as it stays the same.
    found: Option<Found>,
    luaurc: Option<Look>,
}

/// The snapshot after `changed`.
pub(super) fn rescan(old: &Snapshot, changed: &BTreeSet<PathBuf>) -> Snapshot {
    let paths = relative(&old.root, changed);
    if old.tree.leads_elsewhere(&old.rules, &paths) {
        return run(old, &BTreeSet::from([String::new()]), false);
    }
    run(old, &with_namesakes(old, paths), false)
}

/// The first snapshot: of everything, with files taken as they are.
pub(super) fn everything(empty: &Snapshot) -> Snapshot {
    run(empty, &BTreeSet::from([String::new()]), true)
}

fn run(old: &Snapshot, paths: &BTreeSet<String>, initial: bool) -> Snapshot {
    let Ok(root) = Root::open(&old.root) else {
        return without_root(old);
    };
    let mut rescan = Rescan {
        old,
        root,
        initial,
        looks: BTreeMap::new(),
        found: None,
        luaurc: None,
    };
    if old.tree.folders.contains_key("") {
        rescan.look_at("");
    }
    for path in with_links(old, paths) {
        rescan.look_at(&path);
    }
    // When files are added or deleted, symlinks may lead elsewhere without a change of their own.
    let is_whole = paths.contains("");
    if !is_whole && rescan.is_structural() && rescan.has_links() {
        return run(old, &BTreeSet::from([String::new()]), initial);
    }
    rescan.finish()
}

/// `lua/` is missing, for a moment or for good: everything is held until it is back.
fn without_root(old: &Snapshot) -> Snapshot {
    let mut new = old.clone();
    new.rebuild(Found {
        folders: BTreeMap::from([(String::new(), MISSING_ROOT.to_owned())]),
        ..Found::default()
    });
    new.changed = diff(old, &new);
    new
}

/// The paths below `root`; of a path with a name that is no UTF-8, the folder.
fn relative(root: &Path, changed: &BTreeSet<PathBuf>) -> BTreeSet<String> {
    changed
        .iter()
        .filter_map(|path| path.ancestors().find_map(|path| below(root, path)))
        .collect()
}

/// The same paths, and all other files that are or were of the same modules: if the deletion of `a.luau` is reported
/// before the new `a.lua`, both still become one change.
fn with_namesakes(old: &Snapshot, mut paths: BTreeSet<String>) -> BTreeSet<String> {
    let namesakes = paths.iter().flat_map(|path| old.rules.namesakes(path));
    let is_there = |path: &String| old.source_in(path).is_some() || old.root.join(path).is_file();
    let there: Vec<String> = namesakes.filter(is_there).collect();
    paths.extend(there);
    paths
}

/// The same paths, and all symlinks that lead to one of them.
fn with_links(old: &Snapshot, paths: &BTreeSet<String>) -> BTreeSet<String> {
    if paths.contains("") {
        return BTreeSet::from([String::new()]);
    }
    let mut all = paths.clone();
    for (link, target) in &old.tree.links {
        for path in paths {
            if let Some(rest) = is_within(path, target).then(|| &path[target.len()..]) {
                all.insert(format!("{link}{rest}"));
            } else if is_within(target, path) {
                all.insert(link.clone());
            }
        }
    }
    all
}

impl Rescan<'_> {
    fn look_at(&mut self, path: &str) {
        let links = &self.old.tree.links;
        // Behind a symlink that is not followed, nothing is a module, wherever it really is.
        let unknown = links_above(&self.old.root, path).find(|folder| !links.contains_key(*folder));
        let closed = unknown.into_iter().chain(unentered_above(path));
        let path = closed.min_by_key(|folder| folder.len()).unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or_default();
        if name == LUAURC {
            self.look_at_luaurc(path);
        } else if self.old.rules.is_module(path) && !self.old.root.join(path).is_dir() {
            self.look_at_file(path);
        } else if path.is_empty() || !self.old.rules.skips_any(path) {
            self.look_at_folder(path);
        }
    }

    fn look_at_luaurc(&mut self, path: &str) {
        if path == LUAURC {
            self.luaurc = Some(self.look(path, self.real(path)));
            return;
        }
        let folder = &path[..path.len() - LUAURC.len() - 1];
        if self.old.rules.watches(folder) && !self.old.rules.skips_any(folder) {
            self.look_at_folder(folder);
        }
    }

    fn look_at_file(&mut self, path: &str) {
        let real = self.real(path);
        let link = match &real {
            Real::Link(found, target) => Some((target, &found.via)),
            _ => None,
        };
        let tree = &self.old.tree;
        let before = tree.links.get(path).zip(tree.via.get(path));
        if link != before {
            let found = self.found();
            found.links.remove(path);
            found.via.remove(path);
            if let Some((target, via)) = link {
                found.links.insert(path.to_owned(), target.clone());
                found.via.insert(path.to_owned(), via.clone());
            }
        }
        let dangles = matches!(real, Real::Broken | Real::Refused(OUTSIDE));
        if dangles != self.old.tree.dangling.contains(path) {
            let found = self.found();
            found.dangling.remove(path);
            found.dangling.extend(dangles.then(|| path.to_owned()));
        }
        let look = self.look(path, real);
        self.looks.insert(path.to_owned(), look);
    }

    /// Reads everything in a folder, and forgets what is no longer there.
    fn look_at_folder(&mut self, path: &str) {
        let rules = Arc::clone(&self.old.rules);
        let starts: Vec<&str> = match rules.watches(path) {
            true => vec![path],
            false if rules.leads_to_watched(path) => {
                let folders = rules.folders().iter().map(String::as_str);
                folders.filter(|folder| is_within(folder, path)).collect()
            }
            false => return,
        };
        if path.is_empty() {
            self.luaurc = Some(self.look(LUAURC, self.real(LUAURC)));
        }
        let known = self.old.files_within(path);
        // An editor's temporary file, gone again, is no reason to build the structure again.
        let full = self.old.root.join(path);
        let is_there = full.is_dir() || full.is_symlink();
        if known.is_empty() && !is_there && !self.old.tree.mentions(path) {
            return;
        }
        for file in known {
            self.looks.insert(file, Look::Gone);
        }
        self.found().forget(path);
        for start in starts {
            let walk = walk(&self.root, &self.old.root, &rules, start);
            for (file, read) in walk.files {
                let look = self.judge(&file, read);
                self.looks.insert(file, look);
            }
            for (file, problem) in walk.bad {
                self.looks.insert(file, Look::Found(File::Bad(problem)));
            }
            let found = self.found();
            found.folders.extend(walk.folders);
            found.notes.extend(walk.notes);
            found.links.extend(walk.links);
            found.via.extend(walk.via);
            found.dangling.extend(walk.dangling);
        }
    }

    fn real(&self, path: &str) -> Real {
        real(&self.root, path)
    }

    fn look(&self, path: &str, real: Real) -> Look {
        let contents = match real {
            Real::Gone => Read::Gone,
            Real::Broken => Read::Problem(BROKEN.to_owned()),
            Real::Refused(problem) => Read::Problem(problem.to_owned()),
            Real::Unknown(problem) => Read::Problem(problem),
            Real::Plain(found) | Real::Link(found, _) => {
                read::read(&found, self.old.rules.allows_linked)
            }
        };
        self.judge(path, contents)
    }

    /// What reading the file means for the snapshot.
    fn judge(&self, path: &str, read: Read) -> Look {
        match read {
            Read::Gone => Look::Gone,
            Read::Problem(problem) => Look::Found(File::Bad(problem)),
            Read::Unsettled => self
                .again(path)
                .unwrap_or_else(|| Look::Found(File::Bad(RESTLESS.to_owned()))),
            Read::Text(text) => match self.again(path) {
                Some(again) if self.is_suddenly_empty(path, &text) => again,
                _ => self.take(path, text),
            },
        }
    }

    /// Another look at the file, unless there have been enough.
    fn again(&self, path: &str) -> Option<Look> {
        let looks = self.old.unsettled.get(path).map_or(1, |looks| looks + 1);
        (looks <= MAX_LOOKS).then_some(Look::Again(looks))
    }

    /// Many writers empty a file, or create an empty one, a moment before they write.
    fn is_suddenly_empty(&self, path: &str, text: &str) -> bool {
        let was_empty = match path {
            LUAURC => self.old.luaurc.is_empty(),
            path => self
                .old
                .source_in(path)
                .is_some_and(|source| source.text.is_empty()),
        };
        text.is_empty() && !was_empty && !self.initial
    }

    /// The file's text as a source; the former one if it says the same.
    fn take(&self, path: &str, text: String) -> Look {
        let Some(id) = module_of(&self.old.rules, path) else {
            // `.luaurc` is not a module; only its text is of interest.
            let source = Source::new(ModuleId::new(path), text);
            return Look::Found(File::Read(Arc::new(source)));
        };
        let new = Source::new(id, text);
        let same = self.old.source_in(path).filter(|old| old.text == new.text);
        let source = same.map_or_else(|| Arc::new(new), Arc::clone);
        Look::Found(File::Read(source))
    }

    fn found(&mut self) -> &mut Found {
        self.found.get_or_insert_with(|| self.old.found())
    }

    /// Whether more than the text of known files changed.
    fn is_structural(&self) -> bool {
        let mut looks = self.looks.iter();
        self.found.is_some() || !looks.all(|(path, look)| self.old.only_text(path, look))
    }

    fn has_links(&self) -> bool {
        let tree = &self.old.tree;
        let came = |found: &Found| !found.links.is_empty() || !found.dangling.is_empty();
        !tree.links.is_empty() || !tree.dangling.is_empty() || self.found.as_ref().is_some_and(came)
    }

    fn finish(mut self) -> Snapshot {
        let mut new = self.old.clone();
        new.changed.clear();
        let is_structural = self.is_structural();
        let looks = std::mem::take(&mut self.looks);
        new.note_unsettled(looks.iter());
        if is_structural {
            let mut found = self.found.take().unwrap_or_else(|| self.old.found());
            found.apply(looks);
            new.rebuild(found);
            new.changed = diff(self.old, &new);
        } else {
            new.replace_texts(looks);
        }
        if let Some(look) = self.luaurc {
            new.note_unsettled([(&LUAURC.to_owned(), &look)].into_iter());
            new.replace_luaurc(look);
            let aliases = self.old.aliases.differences(&new.aliases);
            new.changed.extend(aliases);
        }
        new
    }
}

impl Snapshot {
    /// The source that the file at `path` has, whether it can be taken or is in another's way.
    fn source_in(&self, path: &str) -> Option<&Arc<Source>> {
        if let Some(File::Read(source)) = self.tree.set_aside.get(path) {
            return Some(source);
        }
        let id = module_of(&self.rules, path)?;
        self.modules
            .get(&id)
            .filter(|source| source.id.file() == path)
    }

    /// All known files at or below `path`.
    fn files_within(&self, path: &str) -> Vec<String> {
        let taken = self.modules.keys().map(ModuleId::file);
        let aside = self.tree.set_aside.keys().map(String::as_str);
        let within = taken.chain(aside).filter(|file| is_within(file, path));
        within.map(str::to_owned).collect()
    }

    /// Everything as it was found, to be changed and built again.
    fn found(&self) -> Found {
        let taken = self.modules.values();
        let taken =
            taken.map(|source| (source.id.file().to_owned(), File::Read(Arc::clone(source))));
        let mut files: BTreeMap<String, File> = taken.collect();
        files.extend(self.tree.set_aside.clone());
        Found {
            files,
            folders: self.tree.folders.clone(),
            notes: self.tree.notes.clone(),
            links: self.tree.links.clone(),
            via: self.tree.via.clone(),
            dangling: self.tree.dangling.clone(),
        }
    }

    fn note_unsettled<'a>(&mut self, looks: impl Iterator<Item = (&'a String, &'a Look)>) {
        for (path, look) in looks {
            match look {
                Look::Again(looks) => self.unsettled.insert(path.clone(), *looks),
                _ => self.unsettled.remove(path),
            };
        }
    }

    /// Whether the look leaves the structure as it is.
    fn only_text(&self, path: &str, look: &Look) -> bool {
        match look {
            Look::Again(_) => true,
            Look::Gone => self.source_in(path).is_none() && !self.tree.set_aside.contains_key(path),
            Look::Found(File::Bad(_)) => false,
            Look::Found(File::Read(_)) => {
                self.source_in(path).is_some() && !self.tree.set_aside.contains_key(path)
            }
        }
    }

    fn replace_texts(&mut self, looks: BTreeMap<String, Look>) {
        for look in looks.into_values() {
            let Look::Found(File::Read(source)) = look else {
                continue;
            };
            let former = self.modules.get(&source.id);
            if former.is_none_or(|former| former.hash != source.hash) {
                self.changed.insert(source.id.clone());
                self.modules.insert_mut(source.id.clone(), source);
            }
        }
    }

    fn replace_luaurc(&mut self, look: Look) {
        match look {
            Look::Again(_) => return,
            Look::Gone => (self.aliases, self.luaurc) = (Arc::default(), "".into()),
            Look::Found(File::Bad(problem)) => {
                self.aliases = Arc::new(self.aliases.with_problem(&problem));
            }
            Look::Found(File::Read(source)) => {
                let healthy = self.aliases.problems.is_empty();
                if healthy && self.luaurc == source.text {
                    return;
                }
                self.set_aliases(&source.text);
            }
        }
        self.list_problems();
    }
}

impl Found {
    /// Forgets what is known about the folder at `path`, except for its files.
    fn forget(&mut self, path: &str) {
        for map in [&mut self.folders, &mut self.notes, &mut self.links] {
            map.retain(|known, _| !is_within(known, path));
        }
        self.via.retain(|known, _| !is_within(known, path));
        self.dangling.retain(|known| !is_within(known, path));
    }

    fn apply(&mut self, looks: BTreeMap<String, Look>) {
        for (path, look) in looks {
            match look {
                Look::Found(file) => {
                    self.files.insert(path, file);
                }
                Look::Gone => {
                    self.files.remove(&path);
                }
                Look::Again(_) => {}
            }
        }
    }
}
