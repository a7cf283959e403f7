//! Conversations and the specs of them, in the folder of specs.

use super::model::Conversation;
use crate::files::replace;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest name.
const LONGEST_NAME: usize = 60;
/// What the names of conversations end with.
const CONVERSATION: &str = ".conversation.json";
/// The most that are listed.
const LISTED: usize = 200;

/// What is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `NAME_spec.luau`
    Spec,
    /// `NAME.conversation.json`
    Json,
}

/// Why something is not saved or read.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The name is none.
    #[error(
        "\"{}\" is no name for a file here: give 1 to {LONGEST_NAME} small letters, digits and underscores",
        crate::escape::name(.0)
    )]
    Name(String),
    /// There is such a file already.
    #[error("there is a file {0} already")]
    Exists(String),
    /// It cannot be written or read.
    #[error("{file} cannot be {action}: {reason}")]
    File {
        /// The file.
        file: String,
        /// `written` or `read`
        action: &'static str,
        /// Why.
        reason: String,
    },
}

/// The file's name, for a name that can be one: nothing in it leads out of the folder.
fn file_of(name: &str, kind: Kind) -> Result<String, SaveError> {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_fit) {
        return Err(SaveError::Name(name.to_owned()));
    }
    Ok(match kind {
        Kind::Spec => format!("{name}_spec.luau"),
        Kind::Json => format!("{name}{CONVERSATION}"),
    })
}

/// Writes a file into the folder of specs. One that is there is replaced only if `overwrite` says so. Returns its path
/// below the project.
///
/// # Errors
///
/// For a name that is none, a file that is there, and what the system refuses.
pub fn save(
    folder: &Path,
    name: &str,
    (kind, text): (Kind, &str),
    overwrite: bool,
) -> Result<String, SaveError> {
    let file = file_of(name, kind)?;
    let path = folder.join(&file);
    let shown = shown(folder, &file);
    let failed = |error: io::Error| SaveError::File {
        file: shown.clone(),
        action: "written",
        reason: error.to_string(),
    };
    // A link is a file that is there, wherever it leads.
    let is_there = fs::symlink_metadata(&path).is_ok();
    if is_there && !overwrite {
        return Err(SaveError::Exists(shown));
    }
    if is_there {
        replace(&path, |new| fs::write(new, text)).map_err(failed)?;
        return Ok(shown);
    }
    fs::create_dir_all(folder).map_err(failed)?;
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path);
    match made.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes())) {
        Ok(()) => Ok(shown),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SaveError::Exists(shown)),
        Err(error) => Err(failed(error)),
    }
}

fn shown(folder: &Path, file: &str) -> String {
    let folder = folder.file_name().unwrap_or_default();
    PathBuf::from(folder).join(file).display().to_string()
}

/// The names of the conversations in the folder of specs.
pub fn saved(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.strip_suffix(CONVERSATION)?;
        file_of(name, Kind::Json).ok()?;
        Some(name.to_owned())
    });
    let mut names: Vec<String> = names.take(LISTED).collect();
    names.sort();
    names
}

/// Reads a conversation from the folder of specs.
///
/// # Errors
///
/// For a name that is none, and a file that is none.
pub fn load(folder: &Path, name: &str) -> Result<Conversation, SaveError> {
    let file = file_of(name, Kind::Json)?;
    let unreadable = |reason: String| SaveError::File {
        file: shown(folder, &file),
        action: "read",
        reason,
    };
    Conversation::open(&folder.join(&file)).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_folder() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("spec");
        for name in [
            "",
            "../a",
            "a/b",
            "a\\b",
            "A",
            "a b",
            "a.b",
            "a\u{200b}",
            "..",
            &"a".repeat(61),
        ] {
            let refused = save(&folder, name, (Kind::Spec, "x"), true);
            assert!(matches!(refused, Err(SaveError::Name(_))), "{name:?}");
            assert!(
                matches!(load(&folder, name), Err(SaveError::Name(_))),
                "{name:?}"
            );
        }
        assert!(!folder.exists());
    }

    #[test]
    fn nothing_is_replaced_without_asking() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("spec");
        let save = |text, overwrite| save(&folder, "poll", (Kind::Spec, text), overwrite);
        assert_eq!(save("one", false).unwrap(), "spec/poll_spec.luau");
        assert_eq!(
            save("two", false).unwrap_err().to_string(),
            "there is a file spec/poll_spec.luau already"
        );
        let path = folder.join("poll_spec.luau");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        save("two", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join("spec");
        fs::create_dir_all(&folder).unwrap();
        let outside = here.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        std::os::unix::fs::symlink(&outside, folder.join("poll_spec.luau")).unwrap();
        let save = |overwrite| save(&folder, "poll", (Kind::Spec, "two"), overwrite);
        assert!(matches!(save(false), Err(SaveError::Exists(_))));
        save(true).unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    }
}
