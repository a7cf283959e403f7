//! Which cog has which name, also across restarts: the cog that had a name keeps it.
//!
//! Without this the order of names would decide at each start, and a copy that comes first (`Copy of word.luau`)
//! would take the commands of the cog that it was copied from.

use crate::commands::conflicts::Claim;
use crate::files;
use crate::files::decode;
use crate::lock::lock;
use crate::vm::resolve::ModuleId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use tracing::warn;

/// What one cog has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its own file below `lua/` (`cogs/word.luau`).
    pub file: String,
    /// The names that it has, and what they look like.
    pub claims: BTreeSet<Claim>,
}

impl Held {
    /// The cog's entry.
    pub fn entry(&self) -> ModuleId {
        ModuleId::named(&self.file)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct File {
    cogs: BTreeMap<String, Held>,
}

#[derive(Debug, Default)]
struct Record {
    cogs: BTreeMap<String, Held>,
    owners: HashMap<Claim, String>,
    /// Where it is kept; nothing keeps it in memory.
    path: Option<PathBuf>,
    /// Whether the file must be written.
    is_new: bool,
}

/// A file with more bytes than this is not read: the bot never writes one so large.
const MOST_BYTES: u64 = 64 << 20;

/// The content of the file, in any encoding in which an editor may have saved it.
fn parse(bytes: Vec<u8>) -> Result<File, String> {
    let text = decode(bytes).map_err(|problem| format!("it {problem}"))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// The names that the bot's cogs have, kept in a file.
#[derive(Debug, Default)]
pub struct Names(Mutex<Record>);

impl Names {
    fn lock(&self) -> MutexGuard<'_, Record> {
        lock(&self.0)
    }

    /// Takes over what is kept in a file. If the file is missing or damaged, no owners are known: then the alphabetical
    /// order decides, as at the first start.
    pub fn read(&self, path: &Path) {
        let file = match files::read(path, MOST_BYTES).map(parse) {
            Ok(Ok(file)) => file,
            Ok(Err(error)) => {
                let path = path.display();
                warn!(%path, %error, "The record of which cog has which command is damaged and is written again");
                File::default()
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    let path = path.display();
                    warn!(%path, %error, "The record of which cog has which command cannot be read");
                }
                File::default()
            }
        };
        let mut record = self.lock();
        for (cog, held) in file.cogs {
            record.put(&cog, held);
        }
        record.is_new = false;
    }

    /// The same, and keeps changes in the file.
    pub fn open(&self, path: PathBuf) {
        self.read(&path);
        self.lock().path = Some(path);
    }

    /// The cog to which something belongs.
    pub fn owner(&self, claim: &Claim) -> Option<String> {
        self.lock().owners.get(claim).cloned()
    }

    /// The cogs that have something, with their files.
    pub fn files(&self) -> Vec<(String, ModuleId)> {
        let record = self.lock();
        let files = record.cogs.iter();
        files
            .map(|(cog, held)| (cog.clone(), held.entry()))
            .collect()
    }

    /// The own file of a cog that has something.
    pub fn entry(&self, cog: &str) -> Option<ModuleId> {
        self.lock().cogs.get(cog).map(Held::entry)
    }

    /// What a cog has from now on; it has nothing else.
    pub fn set(&self, cog: &str, held: Held) {
        let mut record = self.lock();
        if record.cogs.get(cog) != Some(&held) {
            record.remove(cog);
            record.put(cog, held);
        }
    }

    /// A cog is gone, and its names are free.
    pub fn release(&self, cog: &str) {
        self.lock().remove(cog);
    }

    /// Whether there are changes for the file.
    pub fn are_dirty(&self) -> bool {
        self.lock().dirty_file().is_some()
    }

    /// Writes changes to the file. If that fails, it is tried again with the next change; until then the owners are
    /// kept in memory only.
    pub fn save(&self) {
        let (path, text) = {
            let mut record = self.lock();
            let Some(path) = record.dirty_file().cloned() else {
                return;
            };
            record.is_new = false;
            let cogs = record.cogs.clone();
            (path, serde_json::to_vec_pretty(&File { cogs }))
        };
        let saved = text.map_err(io::Error::from);
        if let Err(error) = saved.and_then(|text| replace(&path, &text)) {
            self.lock().is_new = true;
            let path = path.display();
            warn!(%path, %error, "The record of which cog has which command cannot be written; a restart may give a command to another cog that also declares it");
        }
    }
}

impl Record {
    /// The file, if there are changes for it.
    fn dirty_file(&self) -> Option<&PathBuf> {
        self.path.as_ref().filter(|_| self.is_new)
    }

    fn put(&mut self, cog: &str, held: Held) {
        self.is_new = true;
        for claim in &held.claims {
            // In a file that was edited by hand, two cogs may claim the same name.
            let owner = self.owners.entry(claim.clone());
            owner.or_insert_with(|| cog.to_owned());
        }
        self.cogs.insert(cog.to_owned(), held);
    }

    fn remove(&mut self, cog: &str) {
        let Some(held) = self.cogs.remove(cog) else {
            return;
        };
        self.is_new = true;
        for claim in &held.claims {
            if self.owners.get(claim).is_some_and(|owner| owner == cog) {
                self.owners.remove(claim);
            }
        }
    }
}

/// Replaces the file; afterwards it is on the disk.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    files::replace(path, |temporary| {
        let mut file = fs::File::create(temporary)?;
        file.write_all(text)?;
        file.sync_all()
    })?;
    // The new name is on the disk when its folder is. Not every system supports that.
    let folder = path.parent().unwrap_or(Path::new("."));
    let _flushed = fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .is_ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(file: &str, names: &[&str]) -> Held {
        let claims = names.iter().map(|name| Claim::Typed((*name).to_owned()));
        Held {
            file: file.to_owned(),
            claims: claims.collect(),
        }
    }

    fn owner(names: &Names, name: &str) -> Option<String> {
        names.owner(&Claim::Typed(name.to_owned()))
    }

    #[test]
    fn names_outlive_the_process_until_their_cog_lets_go_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("var/names.json");
        let first = Names::default();
        first.open(path.clone());
        first.set("word", held("cogs/word.luau", &["word", "w"]));
        first.set("poll", held("cogs/poll/init.lua", &["poll"]));
        first.save();
        let second = Names::default();
        second.open(path.clone());
        assert_eq!(owner(&second, "w").as_deref(), Some("word"));
        let files = second.files();
        assert_eq!(files[0].1.file(), "cogs/poll/init.lua");
        assert_eq!(files[1].1.as_str(), "cogs/word");
        second.set("word", held("cogs/word.luau", &["word"]));
        second.release("poll");
        second.save();
        let third = Names::default();
        third.read(&path);
        assert_eq!(owner(&third, "word").as_deref(), Some("word"));
        assert_eq!((owner(&third, "w"), owner(&third, "poll")), (None, None));
        third.release("word");
        third.save();
        second.read(&path);
        assert_eq!(owner(&second, "word").as_deref(), Some("word"), "only read");
    }

    #[test]
    fn a_record_that_an_editor_has_saved_is_read_and_one_that_is_no_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.json");
        let first = Names::default();
        first.open(path.clone());
        first.set("word", held("cogs/word.luau", &["word"]));
        first.save();
        let text = fs::read(&path).unwrap();
        fs::write(&path, [b"\xEF\xBB\xBF", text.as_slice()].concat()).unwrap();
        let second = Names::default();
        second.read(&path);
        assert_eq!(owner(&second, "word").as_deref(), Some("word"));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let third = Names::default();
        third.read(&path);
        assert_eq!(owner(&third, "word"), None);
    }

    #[test]
    fn a_damaged_record_says_nothing_and_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.json");
        for text in ["", "{", "[1]", "{\"cogs\": {\"word\": 3}}", "\u{0}"] {
            fs::write(&path, text).unwrap();
            let names = Names::default();
            names.open(path.clone());
            assert_eq!(owner(&names, "word"), None, "{text}");
            names.set("word", held("cogs/word.luau", &["word"]));
            names.save();
            let again = Names::default();
            again.read(&path);
            assert_eq!(owner(&again, "word").as_deref(), Some("word"), "{text}");
        }
    }
}
