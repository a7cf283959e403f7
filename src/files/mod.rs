//! Reads files that others may replace at the same time.
//!
//! What a path says now may be something else a moment later: a symlink, a pipe that nobody writes to, a device.
//! So nothing is looked at by its path and then read by its path:
//!
//! ```text
//! a folder is held open ─ a name in it is opened once, without following and without waiting ─ what is open decides
//!                          beneath: symlinks are followed name by name, and never out of the folder
//! ```
//!
//! `text` turns what was read into text, `replace` writes a file again, `writers` says how long one who has a file open
//! is waited for, `drives` knows where no changes are told.
//!
//! `unix` does this with the system's calls relative to an open folder. `portable` is for other systems: it looks at
//! the same things by path, which leaves an attacker on the same machine a moment.

mod beneath;
mod drives;
#[cfg(not(unix))]
mod portable;
mod replace;
mod text;
#[cfg(unix)]
mod unix;
pub mod writers;

pub use beneath::{Astray, Found, Root};
pub use drives::silent_drive;
#[cfg(not(unix))]
pub use portable::Folder;
pub use replace::replace;
pub use text::{NotText, decode};
#[cfg(unix)]
pub use unix::Folder;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// What a name in a folder can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symlink, whatever it points to.
    Link,
    /// A pipe, a device, a socket: what must never be read.
    Other,
}

/// What the system says about a file at one moment. If the facts are equal, it was not replaced or written meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub length: u64,
    /// How many names it has: more than one are hard links.
    pub links: u64,
    /// The user whom it belongs to.
    pub owner: u32,
    /// Its device and its number there.
    identity: (u64, u64),
    /// When it was written last, in seconds and nanoseconds.
    written: (i64, i64),
    /// When it was written, linked or given away last.
    changed: (i64, i64),
}

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    /// What was opened.
    pub facts: Facts,
}

/// The result of opening a name.
#[derive(Debug)]
pub enum Opened {
    /// A regular file.
    File(OpenFile),
    /// Something else, which is not open.
    Not(Kind),
}

/// The result of reading a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Contents {
    /// All of it, as it was the whole time.
    Whole(Vec<u8>),
    /// It has more bytes than were asked for: so many.
    TooLong(u64),
    /// It was written or exchanged meanwhile.
    Restless,
}

impl OpenFile {
    /// Reads at most `most` bytes, also of a file that grows. `name` in `folder` is what was opened, and must
    /// still be: a hard link that went meanwhile leaves no trace in the file.
    pub fn read(mut self, folder: &Folder, name: &OsStr, most: u64) -> io::Result<Contents> {
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.file).take(most.saturating_add(1));
        bounded.read_to_end(&mut bytes)?;
        let now = Folder::facts_of(&self.file)?;
        if bytes.len() as u64 > most {
            return Ok(Contents::TooLong(now.length.max(bytes.len() as u64)));
        }
        let is_same = now == self.facts && folder.look(name).is_ok_and(|it| it == self.facts);
        if !is_same || now.length != bytes.len() as u64 {
            return Ok(Contents::Restless);
        }
        Ok(Contents::Whole(bytes))
    }
}

/// The bytes of an operator's file, at most `most`. A symlink is followed, whoever it belongs to; what it leads to
/// must be a regular file. Errors are in the system's words, or in those of a sentence about the file.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = Folder::open_followed(path)?;
    let facts = Folder::facts_of(&file)?;
    if facts.kind != Kind::File {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    (&mut file)
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let words = format!("it has more than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(bytes)
}

/// Looks through a folder and those in it, following no symlink, in order of name. `visit` gets the folder that
/// something is in, its name, its path below the first folder, and what it is; it says whether to go into it.
pub fn walk(folder: &Arc<Folder>, visit: &mut dyn FnMut(&WalkEntry<'_>) -> bool) -> io::Result<()> {
    walk_within(folder, Path::new(""), 0, visit)
}

/// Something that [`walk`] has found.
#[derive(Debug)]
pub struct WalkEntry<'a> {
    /// The folder that it is in.
    pub folder: &'a Arc<Folder>,
    /// Its name there.
    pub name: &'a OsStr,
    /// Its path below the folder in which the walk began.
    pub path: &'a Path,
    /// What it is, or why that is unknown.
    pub kind: io::Result<Kind>,
}

/// Folders within folders that are looked through: each is held open meanwhile.
pub const DEEPEST: usize = 64;

fn walk_within(
    folder: &Arc<Folder>,
    at: &Path,
    depth: usize,
    visit: &mut dyn FnMut(&WalkEntry<'_>) -> bool,
) -> io::Result<()> {
    for name in folder.names()? {
        let path = at.join(&name);
        let tell = |kind| WalkEntry {
            folder,
            name: &name,
            path: &path,
            kind,
        };
        let kind = folder.look(&name).map(|facts| facts.kind);
        let is_folder = matches!(kind, Ok(Kind::Folder));
        if !visit(&tell(kind)) || !is_folder || depth == DEEPEST {
            continue;
        }
        let inner = folder.enter(&name).map(Arc::new);
        let walked = inner.and_then(|it| walk_within(&it, &path, depth + 1, visit));
        if let Err(error) = walked {
            visit(&tell(Err(error)));
        }
    }
    Ok(())
}
