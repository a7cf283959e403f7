//! The sources of an earlier version, laid over those that there are now.

use crate::vm::resolve::{ContentHash, ModuleId, ModuleOwner, Modules, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sources of one version of one cog.
#[derive(Debug)]
pub struct Kept {
    /// The cog's name.
    pub cog: String,
    /// The version's number.
    pub number: u32,
    /// The cog's own file.
    pub entry: ModuleId,
    /// Its modules, as they were.
    pub modules: BTreeMap<ModuleId, Arc<Source>>,
    /// The aliases that these go through, with the paths below `lua/` for which they stood.
    pub aliases: BTreeMap<String, String>,
}

impl Kept {
    /// What a module or alias said.
    pub fn hash(&self, id: &ModuleId) -> Option<ContentHash> {
        match id.as_str().strip_prefix('@') {
            Some(alias) => self.aliases.get(alias).map(|path| ContentHash::of(path)),
            None => self.modules.get(id).map(|source| source.hash),
        }
    }
}

/// A cog runs an earlier version until one of its files is saved, also over restarts.
#[derive(Clone, Debug)]
pub struct Undone {
    /// What it runs.
    pub kept: Arc<Kept>,
    /// Since when, in Unix seconds.
    pub since: f64,
    /// Who wanted it.
    pub by: String,
    /// What the files of both versions said at that moment; nothing for one that was not there.
    pub files: BTreeMap<ModuleId, Option<ContentHash>>,
}

/// What is stored of it.
#[derive(Clone, Debug)]
pub struct UndoneRecord {
    /// What the cog runs.
    pub kept: Arc<Kept>,
    /// Since when, in Unix seconds.
    pub since: f64,
    /// Who wanted it.
    pub by: String,
    /// The digests of what the files said; nothing for one that was not there.
    pub files: BTreeMap<ModuleId, Option<Digest>>,
}

/// The SHA-256 of what a module or alias says: it means the same after an update of the bot, unlike [`ContentHash`].
pub(super) type Digest = [u8; 32];

/// The digest of a text.
pub(super) fn digest(text: &str) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
    digest
}

/// What a module or alias says.
fn hash_in(sources: &dyn Modules, id: &ModuleId) -> Option<ContentHash> {
    match id.as_str().strip_prefix('@') {
        Some(alias) => sources.alias(alias).map(ContentHash::of),
        None => sources.source(id).map(|source| source.hash),
    }
}

fn digest_in(sources: &dyn Modules, id: &ModuleId) -> Option<Digest> {
    match id.as_str().strip_prefix('@') {
        Some(alias) => sources.alias(alias).map(digest),
        None => sources.source(id).map(|source| digest(&source.text)),
    }
}

impl Undone {
    /// A cog is to run `kept` until one of `files` says something else than it does in `sources`.
    pub fn new(
        kept: Arc<Kept>,
        (since, by): (f64, String),
        files: impl IntoIterator<Item = ModuleId>,
        sources: &dyn Modules,
    ) -> Self {
        let files = files.into_iter().map(|id| {
            let hash = hash_in(sources, &id);
            (id, hash)
        });
        Self {
            kept,
            since,
            by,
            files: files.collect(),
        }
    }

    /// What is stored of it; `sources` are those that it was made with.
    pub fn record(&self, sources: &dyn Modules) -> UndoneRecord {
        let digests = self.files.keys();
        let digests = digests.map(|id| (id.clone(), digest_in(sources, id)));
        UndoneRecord {
            kept: Arc::clone(&self.kept),
            since: self.since,
            by: self.by.clone(),
            files: digests.collect(),
        }
    }
}

impl UndoneRecord {
    /// The same after a restart; nothing if one of the files says something else by now.
    pub fn resume(self, sources: &dyn Modules) -> Option<Undone> {
        let mut files = self.files.iter();
        let is_same = files.all(|(id, then)| digest_in(sources, id) == *then);
        let of = (self.since, self.by);
        is_same.then(|| Undone::new(self.kept, of, self.files.into_keys(), sources))
    }
}

/// Two are the same if they come from one order.
impl PartialEq for Undone {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kept, &other.kept) && self.files == other.files
    }
}

impl Eq for Undone {}

/// The sources that one cog reads while it runs an earlier version: those of the version, and for what it has not read,
/// those that there are now.
pub struct KeptSources {
    kept: Arc<Kept>,
    now: Arc<dyn Modules + Send + Sync>,
}

impl KeptSources {
    /// The sources of a version over others.
    pub fn over(kept: &Arc<Kept>, now: Arc<dyn Modules + Send + Sync>) -> Self {
        Self {
            kept: Arc::clone(kept),
            now,
        }
    }
}

impl Modules for KeptSources {
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        let kept = self.kept.modules.get(id);
        kept.or_else(|| self.now.source(id))
    }

    fn in_file(&self, path: &str) -> Option<&Arc<Source>> {
        let mut kept = self.kept.modules.values();
        let kept = kept.find(|source| &*source.path == path);
        kept.or_else(|| self.now.in_file(path))
    }

    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_> {
        let others = self.now.ids();
        let others = others.filter(|id| !self.kept.modules.contains_key(*id));
        Box::new(self.kept.modules.keys().chain(others))
    }

    fn problem(&self, id: &ModuleId) -> Option<&str> {
        let is_kept = self.kept.modules.contains_key(id);
        (!is_kept).then(|| self.now.problem(id)).flatten()
    }

    fn cog_of(&self, id: &ModuleId) -> Option<ModuleOwner<'_>> {
        if *id == self.kept.entry {
            return Some(ModuleOwner {
                name: &self.kept.cog,
                is_entry: true,
            });
        }
        let owner = self.now.cog_of(id)?;
        // The file that is the cog's own now may have been a module of it.
        Some(ModuleOwner {
            is_entry: owner.is_entry && owner.name != self.kept.cog,
            ..owner
        })
    }

    fn alias(&self, name: &str) -> Option<&str> {
        let kept = self.kept.aliases.get(name).map(String::as_str);
        kept.or_else(|| self.now.alias(name))
    }

    fn alias_names(&self) -> Vec<&str> {
        let mut names = self.now.alias_names();
        let kept = self.kept.aliases.keys().map(String::as_str);
        let missing: Vec<&str> = kept.filter(|name| !names.contains(name)).collect();
        names.extend(missing);
        names
    }

    fn folders(&self) -> &[String] {
        self.now.folders()
    }
}
