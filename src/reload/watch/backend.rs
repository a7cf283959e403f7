//! What tells of changes: inotify or its like, or polling where that is not possible.

use super::pending::{Handler, Repair, Shared};
use super::{POLL_INTERVAL, WatchError};
use notify::{Config, ErrorKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};
use walkdir::WalkDir;

/// The source of events.
pub(super) struct Backend {
    watcher: Box<dyn notify::Watcher + Send>,
    is_polling: bool,
}

impl Backend {
    /// The system's own way, or polling when its limits are reached.
    pub(super) fn native(shared: &Arc<Shared>) -> Result<Self, WatchError> {
        let config = Config::default().with_follow_symlinks(false);
        let opened = RecommendedWatcher::new(Handler(Arc::clone(shared)), config);
        match opened.and_then(|watcher| Self::begin(Box::new(watcher), false, shared)) {
            Ok(backend) => Ok(backend),
            Err(error) => match advice(&error) {
                Some(advice) => Self::instead(shared, advice),
                None => Err(refused(shared, &error)),
            },
        }
    }

    /// Reads all files every `interval` and compares what they say.
    pub(super) fn polling(shared: &Arc<Shared>, interval: Duration) -> Result<Self, WatchError> {
        let config = Config::default()
            .with_follow_symlinks(false)
            .with_compare_contents(true)
            .with_poll_interval(interval);
        let opened = PollWatcher::new(Handler(Arc::clone(shared)), config);
        opened
            .and_then(|watcher| Self::begin(Box::new(watcher), true, shared))
            .map_err(|error| refused(shared, &error))
    }

    fn begin(
        watcher: Box<dyn notify::Watcher + Send>,
        is_polling: bool,
        shared: &Shared,
    ) -> notify::Result<Self> {
        let mut backend = Self {
            watcher,
            is_polling,
        };
        backend.watch(shared)?;
        Ok(backend)
    }

    /// Polling, because of a limit.
    fn instead(shared: &Arc<Shared>, advice: String) -> Result<Self, WatchError> {
        warn!("{advice}");
        shared.set_limit(advice);
        Self::polling(shared, POLL_INTERVAL)
    }

    /// Does what the watch needs; on failure it goes on as it was.
    pub(super) fn repair(mut self, shared: &Arc<Shared>, repair: Repair) -> Self {
        let mut limit = repair.limit;
        if repair.root {
            let former = shared.canonical.load();
            if let Err(error) = self.watcher.unwatch(&former) {
                debug!(%error, "The former folder was not watched any more");
            }
            if let Err(error) = self.watch_root(shared) {
                limit = limit.or_else(|| advice(&error));
                debug!(%error, "The folder cannot be watched yet");
            }
        }
        for folder in outermost(repair.folders) {
            // What a symlink points to is watched where it is, if it is inside at all.
            if folder.is_symlink() {
                continue;
            }
            if let Err(error) = self.watch_tree(&folder) {
                limit = limit.or_else(|| advice(&error));
            }
        }
        let Some(advice) = limit.filter(|_| !self.is_polling) else {
            return self;
        };
        match Self::instead(shared, advice) {
            Ok(polling) => polling,
            Err(error) => {
                warn!(%error, "Changes in some folders will not be noticed");
                self
            }
        }
    }

    /// Watches the root, and its parent for the root's coming and going.
    fn watch(&mut self, shared: &Shared) -> notify::Result<()> {
        if let Some(parent) = shared.absolute.parent() {
            self.watcher.watch(parent, RecursiveMode::NonRecursive)?;
        }
        self.watch_root(shared)
    }

    fn watch_root(&mut self, shared: &Shared) -> notify::Result<()> {
        // The root may be a symlink; what it points to is what changes.
        let Ok(canonical) = shared.absolute.canonicalize() else {
            return Ok(());
        };
        shared.canonical.store(Arc::new(canonical.clone()));
        self.watch_tree(&canonical)
    }

    /// Watches a folder and all within. Only reaching a limit is an error.
    fn watch_tree(&mut self, folder: &Path) -> notify::Result<()> {
        let Err(error) = self.watcher.watch(folder, RecursiveMode::Recursive) else {
            return Ok(());
        };
        if advice(&error).is_some() {
            return Err(error);
        }
        // notify stops at the first folder that it cannot watch (unreadable, or gone meanwhile), so
        // each is watched by itself.
        for entry in WalkDir::new(folder).into_iter().flatten() {
            if !entry.file_type().is_dir() {
                continue;
            }
            match self.watcher.watch(entry.path(), RecursiveMode::Recursive) {
                Err(error) if advice(&error).is_some() => return Err(error),
                Err(error) => debug!(%error, "A folder cannot be watched"),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

/// What to do about an error, if it is one of inotify's limits.
pub(super) fn advice(error: &notify::Error) -> Option<String> {
    let (what, setting, value) = match &error.kind {
        ErrorKind::MaxFilesWatch => ("watched folders", "max_user_watches", 524_288),
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
            ("watched folders", "max_user_watches", 524_288)
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            ("watchers", "max_user_instances", 1024)
        }
        _ => return None,
    };
    Some(format!(
        "The system's limit of {what} is reached, so files are read every second instead. Raise it \
         with \"sudo sysctl fs.inotify.{setting}={value}\" and start again; a line in /etc/sysctl.d/ \
         makes it last."
    ))
}

fn refused(shared: &Shared, error: &notify::Error) -> WatchError {
    let cause = match &error.kind {
        ErrorKind::Io(error) => error.to_string(),
        ErrorKind::PathNotFound => "it does not exist".to_owned(),
        _ => "the system's watcher does not work".to_owned(),
    };
    WatchError::Refused {
        path: error.paths.first().unwrap_or(&shared.absolute).clone(),
        cause,
    }
}

/// Leaves away folders inside others.
fn outermost(folders: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for folder in folders {
        // They come in order, a folder before what is in it.
        if !kept.last().is_some_and(|last| folder.starts_with(last)) {
            kept.push(folder);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reached_limit_names_what_to_raise() {
        let watches = advice(&notify::Error::new(ErrorKind::MaxFilesWatch)).unwrap();
        assert!(watches.contains("fs.inotify.max_user_watches"), "{watches}");
        let instances = std::io::Error::from_raw_os_error(libc::EMFILE);
        let instances = advice(&notify::Error::io(instances)).unwrap();
        assert!(
            instances.contains("fs.inotify.max_user_instances"),
            "{instances}"
        );
        assert_eq!(advice(&notify::Error::path_not_found()), None);
    }

    #[test]
    fn only_the_outermost_folders_are_watched_anew() {
        let folders = ["a", "a/b", "a/b/c", "b", "c/d"].map(PathBuf::from);
        assert_eq!(outermost(folders), ["a", "b", "c/d"].map(PathBuf::from));
    }
}
