//! Files that a writer has open: they may contain half of a text.
//!
//! The number of a file's writers is not known, and a writer may never close it. So the first one that closes ends the
//! wait, as does each of two bounds; whatever is written later is a change of its own.

use crate::files::writers::{LONGEST_PAUSE, LONGEST_WRITE};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The files that are waited for.
#[derive(Debug, Default)]
pub(super) struct Unclosed(BTreeMap<PathBuf, Writing>);

#[derive(Debug)]
struct Writing {
    since: Instant,
    last: Instant,
}

impl Writing {
    fn until(&self) -> Instant {
        (self.last + LONGEST_PAUSE).min(self.since + LONGEST_WRITE)
    }
}

impl Unclosed {
    /// A program wrote to the file.
    pub(super) fn wrote(&mut self, path: &Path, at: Instant) {
        if let Some(writing) = self.0.get_mut(path) {
            writing.last = at;
            return;
        }
        let writing = Writing {
            since: at,
            last: at,
        };
        self.0.insert(path.to_owned(), writing);
    }

    /// A writer closed the file. Says whether it was waited for.
    pub(super) fn closed(&mut self, path: &Path) -> bool {
        self.0.remove(path).is_some()
    }

    /// The file or folder at `path` was deleted or replaced: no event will report its writers under this name.
    pub(super) fn gone(&mut self, path: &Path) {
        self.0.retain(|known, _| !known.starts_with(path));
    }

    /// Forgets all writers: their files may have been closed without an event.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Stops waiting for files when the time for them is over.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.0.retain(|_, writing| writing.until() > now);
    }

    /// Whether the file is waited for.
    pub(super) fn holds(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    /// When the wait for all of them ends, if no event comes before.
    pub(super) fn until(&self) -> Option<Instant> {
        self.0.values().map(Writing::until).max()
    }
}
