//! Folders by their descriptors.

use super::{Facts, Kind, OpenFile, Opened};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// How a file is opened. Without waiting: a pipe has no writer perhaps. A terminal does not become the process's own.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// How a folder is opened.
const ENTER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// A folder that is held open: it stays the same one, whatever becomes of its path.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder at `path`. Symlinks on the way are followed: the path is the operator's own.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(rustix::fs::open(path, ENTER, Mode::empty())?))
    }

    /// What the folder itself is.
    pub fn facts(&self) -> io::Result<Facts> {
        Self::facts_of(&self.0)
    }

    /// What `name` is. A symlink is not followed.
    pub fn look(&self, name: &OsStr) -> io::Result<Facts> {
        let stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(facts(&stat))
    }

    /// Opens the folder `name`. A symlink is an error.
    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        let flags = ENTER | OFlags::NOFOLLOW;
        Ok(Self(rustix::fs::openat(
            &self.0,
            name,
            flags,
            Mode::empty(),
        )?))
    }

    /// Opens the file `name`. Whatever else it is, or becomes in this moment, is not followed, waited for or read.
    pub fn open_file(&self, name: &OsStr) -> io::Result<Opened> {
        // Some devices do something as soon as they are opened.
        let seen = self.look(name)?;
        if seen.kind != Kind::File {
            return Ok(Opened::Not(seen.kind));
        }
        let file = match rustix::fs::openat(&self.0, name, READ | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(file) => File::from(file),
            // The names that Unixes have for "this is a symlink".
            Err(Errno::LOOP | Errno::MLINK) => return Ok(Opened::Not(Kind::Link)),
            Err(error) => return Err(error.into()),
        };
        let facts = Self::facts_of(&file)?;
        if facts.kind != Kind::File {
            return Ok(Opened::Not(facts.kind));
        }
        Ok(Opened::File(OpenFile { file, facts }))
    }

    /// Opens what is at `path`, following symlinks, without waiting for anything.
    pub(super) fn open_followed(path: &Path) -> io::Result<File> {
        Ok(File::from(rustix::fs::open(path, READ, Mode::empty())?))
    }

    /// Where the symlink `name` points.
    pub fn link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// The names in the folder, in order.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn facts_of(open: impl AsFd) -> io::Result<Facts> {
        Ok(facts(&rustix::fs::fstat(open)?))
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_lossless,
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the fields have other types on other systems"
)]
fn facts(stat: &Stat) -> Facts {
    Facts {
        kind: match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        },
        length: stat.st_size as u64,
        links: stat.st_nlink as u64,
        owner: stat.st_uid,
        identity: (stat.st_dev as u64, stat.st_ino as u64),
        written: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed: (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
    }
}
