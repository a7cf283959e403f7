//! One file's text, or a sentence about why it cannot be a module.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// The longest source, in bytes. Nothing can interrupt the compiler, and a table literal of 1 MB
/// keeps it busy for 0.2 s.
pub const MAX_SOURCE: u64 = 1024 * 1024;

/// What reading a file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Its whole text.
    Text(String),
    /// It was written while it was read.
    Unsettled,
    /// There is no such file.
    Gone,
    /// It can be no module; what comes after "lua/x.luau ".
    Problem(String),
}

/// Reads the file at `path`, which is known to be inside `lua/`.
pub(super) fn read(path: &Path) -> Read {
    match try_read(path) {
        Ok(read) => read,
        Err(error) if is_gone(&error) => Read::Gone,
        Err(error) => Read::Problem(format!(
            "cannot be read ({}); check its owner and permissions",
            plain(&error)
        )),
    }
}

fn try_read(path: &Path) -> io::Result<Read> {
    // Opening a pipe would wait for its writer, so the kind is looked at first.
    if let Some(problem) = wrong_kind(&path.metadata()?) {
        return Ok(Read::Problem(problem.to_owned()));
    }
    let mut file = File::open(path)?;
    let before = file.metadata()?;
    let mut bytes = Vec::new();
    (&mut file).take(MAX_SOURCE + 1).read_to_end(&mut bytes)?;
    let after = file.metadata()?;
    if after.len() > MAX_SOURCE {
        return Ok(Read::Problem(format!(
            "has {} bytes, more than the {MAX_SOURCE} that a module may have; split it",
            after.len()
        )));
    }
    if after.len() != bytes.len() as u64 || after.modified().ok() != before.modified().ok() {
        return Ok(Read::Unsettled);
    }
    Ok(check(bytes))
}

fn wrong_kind(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_dir() {
        return Some("is a folder with the name of a module; rename it");
    }
    (!metadata.is_file()).then_some("is no regular file; replace it by one")
}

fn check(mut bytes: Vec<u8>) -> Read {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    // Luau's bytecode begins with its version, a small number.
    if bytes
        .first()
        .is_some_and(|first| *first < b' ' && !first.is_ascii_whitespace())
    {
        return Read::Problem(
            "is bytecode or another binary file; only source text runs".to_owned(),
        );
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let line = line_of(&bytes, at);
        return Read::Problem(format!("contains a zero byte in line {line}; remove it"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Read::Text(text),
        Err(error) => {
            let line = line_of(error.as_bytes(), error.utf8_error().valid_up_to());
            Read::Problem(format!("is not UTF-8 in line {line}; save it as UTF-8"))
        }
    }
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1
}

pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The system's words for an error, without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Read {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path())
    }

    fn problem(bytes: &[u8]) -> String {
        match read_bytes(bytes) {
            Read::Problem(problem) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_is_taken_without_its_byte_order_mark() {
        assert_eq!(
            read_bytes(b"\xEF\xBB\xBFreturn 1"),
            Read::Text("return 1".into())
        );
        assert_eq!(
            read_bytes(b"\r\n\treturn 1"),
            Read::Text("\r\n\treturn 1".into())
        );
        assert_eq!(read_bytes(b""), Read::Text(String::new()));
    }

    #[test]
    fn what_is_no_source_text_is_told() {
        assert!(problem(b"a\n\xFF\xFE").contains("not UTF-8 in line 2"));
        assert!(problem(b"a\0b").contains("zero byte in line 1"));
        assert!(problem(b"\x06\x03\x01").contains("bytecode"));
        let long = vec![b' '; 1024 * 1024 + 1];
        assert!(problem(&long).contains("1048577 bytes"));
        assert_eq!(read_bytes(&long[1..]), Read::Text(" ".repeat(1024 * 1024)));
    }

    #[test]
    fn a_missing_file_is_gone_and_a_folder_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("x.luau")), Read::Gone);
        assert!(
            matches!(read(folder.path()), Read::Problem(problem) if problem.contains("folder"))
        );
    }
}
