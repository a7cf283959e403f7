//! A file is replaced as a whole: a reader, or a crash, sees the old one or the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Has `write` write a new file, and puts that in the place of the one at `path`. Folders that are missing are made.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.to_owned().into_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    write(&temporary)?;
    fs::rename(&temporary, path)
}
