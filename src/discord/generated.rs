//! Files that are made from the facts: written where they are not current, and held against what they are to be.

use crate::files::decode;
use std::io;
use std::path::Path;

/// Writes files into a folder, which is made if need be. Returns the names of those that changed.
pub(crate) fn write<N: AsRef<Path>>(
    folder: &Path,
    files: impl IntoIterator<Item = (N, String)>,
) -> io::Result<Vec<N>> {
    std::fs::create_dir_all(folder)?;
    let mut changed = Vec::new();
    for (name, text) in files {
        let path = folder.join(&name);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            std::fs::write(&path, text)?;
            changed.push(name);
        }
    }
    Ok(changed)
}

/// What is wrong with the files in a folder, a sentence a file with what mends it; empty if they are current.
pub(crate) fn check<N: AsRef<Path>>(
    folder: &Path,
    files: impl IntoIterator<Item = (N, String)>,
    mend: &str,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        let shown = path.display();
        match std::fs::read(&path).map(decode) {
            // A checkout may have changed the ends of lines.
            Ok(Ok(found)) if found.replace("\r\n", "\n") == text => {}
            Ok(_) => faults.push(format!("{shown} is out of date: {mend}")),
            Err(error) => faults.push(format!("{shown} cannot be read ({error}): {mend}")),
        }
    }
    faults
}
