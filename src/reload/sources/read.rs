//! One file's text, or a sentence about why it cannot be a module.

use super::rules::Rules;
use crate::files::{Contents, Facts, Folder, Found, Kind, Opened, decode};
use std::ffi::OsStr;
use std::io;

const IS_FOLDER: &str = "is a folder with the name of a module; rename it";
pub(super) const RESTLESS: &str =
    "keeps changing while it is read; save it again when its writer is done";
const NO_FILE: &str = "is not a regular file; replace it by one";

/// The longest source, in bytes. Nothing can interrupt the compiler, and a table literal of 1 MB
/// keeps it busy for 0.2 s.
pub(super) const MAX_SOURCE: u64 = 1024 * 1024;

/// The result of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Its whole text.
    Text(String),
    /// It was written while it was read.
    Unsettled,
    /// There is no such file.
    Gone,
    /// It cannot be a module; the text follows "lua/x.luau ".
    Problem(String),
}

/// How often a file that is being replaced at this moment is opened again at once.
const TRIES: usize = 3;

/// Reads what was found inside `lua/`. `allows_linked`: also files that may be from elsewhere.
pub(super) fn read(found: &Found, allows_linked: bool) -> Read {
    for _ in 1..TRIES {
        match read_once(found, allows_linked) {
            Read::Unsettled => {}
            read => return read,
        }
    }
    read_once(found, allows_linked)
}

/// The text of a file beside the modules, such as a spec: under the same rules. An error follows the file's name; none
/// if there is no such file.
pub fn text_of(found: &Found, rules: &Rules) -> Result<Option<String>, String> {
    match read(found, rules.allows_linked) {
        Read::Text(text) => Ok(Some(text)),
        Read::Gone => Ok(None),
        Read::Problem(problem) => Err(problem),
        Read::Unsettled => Err(RESTLESS.to_owned()),
    }
}

fn read_once(found: &Found, allows_linked: bool) -> Read {
    match try_read(&found.folder, &found.name, allows_linked) {
        Ok(read) => read,
        Err(error) if is_gone(&error) => Read::Gone,
        Err(error) => Read::Problem(format!(
            "cannot be read ({}); check its owner and permissions",
            plain(&error)
        )),
    }
}

fn try_read(folder: &Folder, name: &OsStr, allows_linked: bool) -> io::Result<Read> {
    let file = match folder.open_file(name)? {
        Opened::File(file) => file,
        // It was something else a moment ago.
        Opened::Not(Kind::Link) => return Ok(Read::Unsettled),
        Opened::Not(Kind::Folder) => return Ok(Read::Problem(IS_FOLDER.to_owned())),
        Opened::Not(_) => return Ok(Read::Problem(NO_FILE.to_owned())),
    };
    if !allows_linked && let Some(problem) = foreign(&file.facts, &folder.facts()?) {
        return Ok(Read::Problem(problem));
    }
    Ok(match file.read(folder, name, MAX_SOURCE)? {
        Contents::Whole(bytes) => check(bytes),
        Contents::Restless => Read::Unsettled,
        Contents::TooLong(length) => Read::Problem(format!(
            "has {length} bytes, more than the {MAX_SOURCE} that a module may have; split it"
        )),
    })
}

/// Why this may be a file from elsewhere that the person who writes to the folder may not read.
fn foreign(file: &Facts, folder: &Facts) -> Option<String> {
    let (links, owner) = (file.links, file.owner);
    if links > 1 {
        return Some(format!(
            "has {links} hard links and may be a file from elsewhere, so it is not read; replace it by a copy, or set hot_reload.allow_linked_files in config.json"
        ));
    }
    (owner != folder.owner).then(|| {
        format!(
            "belongs to user {owner}, and its folder to user {}, so it may be a file from elsewhere and is not read; make both belong to one user (chown), or set hot_reload.allow_linked_files in config.json",
            folder.owner
        )
    })
}

fn check(bytes: Vec<u8>) -> Read {
    // Luau's bytecode begins with its version, a small number.
    if bytes
        .first()
        .is_some_and(|first| *first > 0 && *first < b' ' && !first.is_ascii_whitespace())
    {
        return Read::Problem(
            "is bytecode or another binary file; only source text runs".to_owned(),
        );
    }
    match decode(bytes) {
        Ok(text) => Read::Text(text),
        Err(problem) => Read::Problem(problem.to_string()),
    }
}

pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The system's message for an error, without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    words.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(folder: &std::path::Path, name: &str) -> Read {
        match crate::files::Root::open(folder).unwrap().find(name) {
            Ok(found) => read(&found, false),
            Err(_) => Read::Gone,
        }
    }

    fn read_bytes(bytes: &[u8]) -> Read {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.luau"), bytes).unwrap();
        read_in(folder.path(), "x.luau")
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
        assert!(problem(b"\xFF\xFE1\0").contains("is UTF-16 text; save it as UTF-8"));
        assert!(problem(b"\0r\0e\0t").contains("is UTF-16 text; save it as UTF-8"));
        assert!(problem(b"\x06\x03\x01").contains("bytecode"));
        let long = vec![b' '; 1024 * 1024 + 1];
        assert!(problem(&long).contains("1048577 bytes"));
        assert_eq!(read_bytes(&long[1..]), Read::Text(" ".repeat(1024 * 1024)));
    }

    #[test]
    fn a_missing_file_is_gone_and_a_folder_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("y.luau")).unwrap();
        assert_eq!(read_in(folder.path(), "x.luau"), Read::Gone);
        let problem = read_in(folder.path(), "y.luau");
        assert!(matches!(problem, Read::Problem(problem) if problem.contains("folder")));
    }
}
