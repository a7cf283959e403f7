//! Sessions in a file, so that the next process resumes them.

use super::session_budget::Budget;
use crate::files;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::{info, warn};

/// How old the stored sequences may be when the process is killed.
pub(super) const SAVE_INTERVAL: Duration = Duration::from_millis(500);

/// One shard's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) shard: u32,
    pub(super) session_id: String,
    /// The last event that was handed to the sink.
    pub(super) sequence: u64,
    pub(super) resume_url: Option<String>,
    pub(super) intents: u64,
    /// Whether `sequence` is exact: the process was shut down, not killed.
    pub(super) exact: bool,
}

/// Whose sessions these are: those of another token, server or number of shards are of no use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SessionOwner {
    /// The gateway's address.
    pub(super) url: String,
    /// SHA-256 of the token.
    pub(super) token: String,
    pub(super) shards: u32,
}

/// What the next process is to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) sessions: Vec<Stored>,
    /// What was used of the day's identifies.
    pub(super) budget: Budget,
}

#[derive(Serialize, Deserialize)]
struct File {
    owner: SessionOwner,
    sessions: Vec<Stored>,
    #[serde(default)]
    budget: Budget,
}

/// The file of sessions.
#[derive(Clone, Debug)]
pub(super) struct Store {
    path: PathBuf,
    owner: SessionOwner,
}

impl Store {
    pub(super) fn new(path: PathBuf, owner: SessionOwner) -> Self {
        Self { path, owner }
    }

    /// What was stored for this token, and its sessions if they are of this server and number of shards; nothing if
    /// the file is missing, cannot be read or belongs to somebody else.
    pub(super) fn load(&self) -> Contents {
        let path = self.path.display();
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Contents::default(),
            Err(error) => {
                warn!(%path, %error, "The stored gateway sessions cannot be read; opening new ones");
                return Contents::default();
            }
        };
        let file: File = match serde_json::from_slice(&text) {
            Ok(file) => file,
            Err(error) => {
                warn!(%path, %error, "The stored gateway sessions are damaged; opening new ones");
                return Contents::default();
            }
        };
        let count = file.sessions.len();
        let mut sessions = file.sessions;
        sessions.retain(|stored| file.owner == self.owner && stored.shard < self.owner.shards);
        if sessions.len() < count {
            info!(%path, "The stored gateway sessions belong to another token, server or number of \
                  shards; opening new ones");
        }
        // Discord counts the identifies of a token, wherever they go.
        let same_token = file.owner.token == self.owner.token;
        let budget = if same_token {
            file.budget
        } else {
            Budget::default()
        };
        Contents { sessions, budget }
    }

    /// Replaces the file as a whole: a reader, or a crash, sees the old one or the new one.
    pub(super) fn save(&self, contents: Contents) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&File {
            owner: self.owner.clone(),
            sessions: contents.sessions,
            budget: contents.budget,
        })?;
        files::replace(&self.path, |temporary| write_private(temporary, &text))
    }
}

/// Writes a file that only its owner may read: with the token, a session's id is as good as a login.
fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(shard: u32) -> Stored {
        Stored {
            shard,
            session_id: "s".to_owned(),
            sequence: 5,
            resume_url: None,
            intents: 512,
            exact: true,
        }
    }

    #[test]
    fn sessions_come_back_only_to_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("var/sessions.json");
        let owner = SessionOwner {
            url: "ws://a".to_owned(),
            token: "t".to_owned(),
            shards: 2,
        };
        let store = Store::new(path.clone(), owner.clone());
        assert_eq!(store.load(), Contents::default());
        let mut budget = Budget::default();
        budget.count(Duration::from_secs(1_000));
        let sessions = vec![stored(0), stored(1), stored(7)];
        let budget_of_token = budget.clone();
        store.save(Contents { sessions, budget }).unwrap();
        let loaded = store.load();
        assert_eq!(loaded.sessions, [stored(0), stored(1)]);
        assert_eq!(loaded.budget, budget_of_token);
        for (url, token, shards) in [("ws://b", "t", 2), ("ws://a", "u", 2), ("ws://a", "t", 3)] {
            let (url, token) = (url.to_owned(), token.to_owned());
            let other = SessionOwner {
                url,
                token: token.clone(),
                shards,
            };
            let loaded = Store::new(path.clone(), other).load();
            assert!(loaded.sessions.is_empty());
            assert_eq!(loaded.budget == budget_of_token, token == "t");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "{").unwrap();
        assert_eq!(store.load(), Contents::default());
    }
}
