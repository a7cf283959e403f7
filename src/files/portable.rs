//! Folders by their paths, for systems without calls relative to an open folder.

use super::{Facts, Kind, OpenFile, Opened};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A folder.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`. Symlinks on the way are followed: the path is the operator's own.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = path.canonicalize()?;
        if folder.is_dir() {
            Ok(Self(folder))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// What the folder itself is.
    pub fn facts(&self) -> io::Result<Facts> {
        Ok(facts(&self.0.symlink_metadata()?))
    }

    /// What `name` is. A symlink is not followed.
    pub fn look(&self, name: &OsStr) -> io::Result<Facts> {
        Ok(facts(&self.0.join(name).symlink_metadata()?))
    }

    /// The folder `name`. A symlink is an error.
    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        match self.look(name)?.kind {
            Kind::Folder => Ok(Self(self.0.join(name))),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Opens the file `name`, and nothing else.
    pub fn open_file(&self, name: &OsStr) -> io::Result<Opened> {
        let seen = self.look(name)?;
        if seen.kind != Kind::File {
            return Ok(Opened::Not(seen.kind));
        }
        let file = File::open(self.0.join(name))?;
        let facts = Self::facts_of(&file)?;
        Ok(Opened::File(OpenFile { file, facts }))
    }

    /// Opens what is at `path`, following symlinks.
    pub(super) fn open_followed(path: &Path) -> io::Result<File> {
        if path.metadata()?.is_file() {
            File::open(path)
        } else {
            Err(io::Error::other("it is not a regular file"))
        }
    }

    /// Where the symlink `name` points.
    pub fn link(&self, name: &OsStr) -> io::Result<PathBuf> {
        self.0.join(name).read_link()
    }

    /// The names in the folder, in order.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(&self.0)?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
        let mut names: Vec<OsString> = names.collect::<io::Result<_>>()?;
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn facts_of(open: &File) -> io::Result<Facts> {
        Ok(facts(&open.metadata()?))
    }
}

fn facts(metadata: &Metadata) -> Facts {
    Facts {
        kind: kind(metadata.file_type()),
        length: metadata.len(),
        links: 1,
        owner: 0,
        identity: (0, 0),
        written: time(metadata.modified()),
        changed: (0, 0),
    }
}

fn kind(file_type: FileType) -> Kind {
    if file_type.is_symlink() {
        Kind::Link
    } else if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}

fn time(time: io::Result<SystemTime>) -> (i64, i64) {
    let since = time.ok().and_then(|it| it.duration_since(UNIX_EPOCH).ok());
    let since = since.unwrap_or_default();
    (
        i64::try_from(since.as_secs()).unwrap_or_default(),
        i64::from(since.subsec_nanos()),
    )
}
