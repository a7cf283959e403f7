//! A file is replaced as a whole: a reader, or a crash, sees the old one or the new one.

use std::fs;
use std::io;
use std::path::Path;
use tempfile::Builder;

/// Has `write` write a new file, and puts that in the place of the one at `path`. Folders that are missing are made. If
/// that fails, nothing of the new file remains.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)?;
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    // The name alone: whatever becomes of the file, it is removed unless it gets to its place.
    let new = builder.make_in(folder, |_| Ok(()))?;
    write(new.path())?;
    new.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_is_replaced_or_stays_and_nothing_else_remains() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("deep/names.json");
        replace(&path, |new| fs::write(new, "one")).unwrap();
        replace(&path, |new| fs::write(new, "two")).unwrap();
        let failed = replace(&path, |new| {
            fs::write(new, "thr")?;
            Err(io::Error::other("the disk is full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(names(&here.path().join("deep")), ["names.json"]);
    }
}
