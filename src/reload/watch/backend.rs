//! The source of change reports: inotify or similar, or polling where that is not possible.

use super::limits::advice;
use super::pending::{NotifyHandler, Repair, WatchState};
use super::{POLL_INTERVAL, WatchError};
use crate::files::silent_drive;
use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, warn};
use walkdir::WalkDir;

/// The source of events.
pub(super) enum Backend {
    /// The system tells of changes.
    Native(RecommendedWatcher),
    /// All files are read again in this interval.
    Polling(Duration),
}

impl Backend {
    /// The system's own way, or polling when its limits are reached, or where it reports no changes.
    pub(super) fn native(shared: &Arc<WatchState>) -> Result<Self, WatchError> {
        if let Some(drive) = silent_drive_of(shared) {
            return Ok(Self::instead(shared, on_drive(drive)));
        }
        let config = Config::default().with_follow_symlinks(false);
        let watching = RecommendedWatcher::new(NotifyHandler(Arc::clone(shared)), config)
            .and_then(|mut watcher| watch(&mut watcher, shared).map(|()| watcher));
        match watching {
            Ok(watcher) => Ok(Self::Native(watcher)),
            Err(error) => match advice(&error) {
                Some(advice) => Ok(Self::instead(shared, advice)),
                None if has_parent(shared) => Ok(Self::instead(shared, without(&error))),
                None => Err(refused(shared, &error)),
            },
        }
    }

    /// Reads all files every `interval`. Their content shows what has changed, so nothing else has to read them.
    pub(super) fn polling(shared: &WatchState, interval: Duration) -> Result<Self, WatchError> {
        if has_parent(shared) {
            return Ok(Self::Polling(interval));
        }
        let parent = shared.absolute.parent().unwrap_or(&shared.absolute);
        let gone = notify::Error::path_not_found().add_path(parent.to_owned());
        Err(refused(shared, &gone))
    }

    /// Returns when all files must be read again; never, if the system reports changes.
    pub(super) async fn next_look(&self) {
        match self {
            Self::Native(_) => std::future::pending().await,
            Self::Polling(interval) => tokio::time::sleep(*interval).await,
        }
    }

    /// Polling, for the reason in `advice`.
    fn instead(shared: &WatchState, advice: String) -> Self {
        warn!("{advice}");
        shared.set_limit(advice);
        shared.forget_writers();
        Self::Polling(POLL_INTERVAL)
    }

    /// Repairs the watch.
    pub(super) fn repair(self, shared: &WatchState, repair: Repair) -> Self {
        let Self::Native(mut watcher) = self else {
            return self;
        };
        let mut limit = repair.limit;
        if repair.root {
            let former = shared.canonical.load();
            if let Err(error) = watcher.unwatch(&former) {
                debug!(%error, "The former folder was not watched any more");
            }
            if let Err(error) = watch_root(&mut watcher, shared) {
                limit = limit.or_else(|| advice(&error));
                debug!(%error, "The folder cannot be watched yet");
            }
            limit = limit.or_else(|| silent_drive_of(shared).map(on_drive));
        }
        for folder in outermost(repair.folders) {
            // What a symlink points to is watched where it is, if it is inside at all.
            if folder.is_symlink() {
                continue;
            }
            if let Err(error) = watch_tree(&mut watcher, &folder) {
                limit = limit.or_else(|| advice(&error));
            }
        }
        match limit {
            Some(advice) => Self::instead(shared, advice),
            None => Self::Native(watcher),
        }
    }
}

fn has_parent(shared: &WatchState) -> bool {
    shared.absolute.parent().is_none_or(Path::is_dir)
}

/// The kind of drive that `lua/` is on, or a watched folder that is mounted into it, if that reports no changes.
fn silent_drive_of(shared: &WatchState) -> Option<&'static str> {
    let rules = shared.rules();
    let folders = rules.folders().iter().map(|it| shared.absolute.join(it));
    let mut all = [shared.absolute.clone()].into_iter().chain(folders);
    all.find_map(|folder| silent_drive(&folder))
}

fn on_drive(kind: &str) -> String {
    format!(
        "lua/ is on a drive of the kind {kind}, which does not report changes made elsewhere, so files are read every \
         second instead."
    )
}

fn without(error: &notify::Error) -> String {
    let cause = match &error.kind {
        ErrorKind::Io(error) => error.to_string(),
        ErrorKind::Generic(words) => words.clone(),
        _ => "its watcher does not work".to_owned(),
    };
    format!(
        "The system does not report changes in lua/ ({cause}), so files are read every second instead."
    )
}

/// Watches the root, and its parent for the root's coming and going.
fn watch(watcher: &mut RecommendedWatcher, shared: &WatchState) -> notify::Result<()> {
    if let Some(parent) = shared.absolute.parent() {
        watcher.watch(parent, RecursiveMode::NonRecursive)?;
    }
    watch_root(watcher, shared)
}

fn watch_root(watcher: &mut RecommendedWatcher, shared: &WatchState) -> notify::Result<()> {
    // The root may be a symlink; what it points to is what changes.
    let Ok(canonical) = shared.absolute.canonicalize() else {
        return Ok(());
    };
    shared.canonical.store(Arc::new(canonical.clone()));
    watch_tree(watcher, &canonical)
}

/// Watches a folder and all within. Only reaching a limit is an error.
fn watch_tree(watcher: &mut RecommendedWatcher, folder: &Path) -> notify::Result<()> {
    let Err(error) = watcher.watch(folder, RecursiveMode::Recursive) else {
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
        match watcher.watch(entry.path(), RecursiveMode::Recursive) {
            Err(error) if advice(&error).is_some() => return Err(error),
            Err(error) => debug!(%error, "A folder cannot be watched"),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn refused(shared: &WatchState, error: &notify::Error) -> WatchError {
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

/// Leaves out folders inside others.
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
    fn whatever_keeps_the_system_from_telling_is_named() {
        let told = on_drive("NFS");
        assert!(
            told.contains("NFS") && told.contains("every second"),
            "{told}"
        );
        let denied = std::io::Error::from_raw_os_error(libc::EACCES);
        let told = without(&notify::Error::io(denied));
        assert!(
            told.contains("denied") && told.contains("every second"),
            "{told}"
        );
    }

    #[test]
    fn only_the_outermost_folders_are_watched_anew() {
        let folders = ["a", "a/b", "a/b/c", "b", "c/d"].map(PathBuf::from);
        assert_eq!(outermost(folders), ["a", "b", "c/d"].map(PathBuf::from));
    }
}
