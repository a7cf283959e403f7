//! Follows the configuration file while the bot runs, and reports each edit once it is complete.
//!
//! The file's folder is watched rather than the file, since editors replace files; nothing is polled unless
//! the system's limit of watchers is reached.

use super::environment::Environment;
use super::keys::Config;
use super::problem::{ConfigErrors, Problem};
use super::{MOST_BYTES, folder_of, from_text};
use crate::files::{self, NotText, writers};
use crate::host_tasks::{self, Task};
use notify::{Config as Options, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

/// The debounce window: the file is read when it has not changed for this long. Some editors write a file in several
/// steps, and some remove it for a moment.
const QUIET: Duration = Duration::from_millis(100);
/// How long a file that is wrong (empty, cut off, missing) may stay unchanged before the problem is reported.
const GRACE: Duration = Duration::from_millis(400);
/// If the file keeps changing, it is read after this time.
const LONGEST: Duration = Duration::from_secs(2);
/// How often the file is read where the system does not report changes.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Follows one configuration file.
pub struct Follower {
    path: PathBuf,
    environment: Environment,
    seen: Option<Seen>,
    touched: mpsc::Receiver<()>,
    /// Whether a change was reported and the file has not been read since.
    again: bool,
    /// Whether a program has begun to write the file and has not closed it yet.
    is_open: Arc<AtomicBool>,
    /// Reports changes until it is dropped; none where the system does not report changes.
    watcher: Option<RecommendedWatcher>,
    /// Keeps `touched` open.
    _touch: mpsc::Sender<()>,
}

/// What a look at the file found.
#[derive(PartialEq)]
enum Seen {
    Missing,
    Unreadable(String),
    NotText(NotText),
    Text(String),
}

impl Follower {
    /// Follows the file at `path`, which need not exist, from now on. The first edit is what the file says
    /// at this moment. `environment` has the overrides.
    pub fn start(path: &Path, environment: Environment) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (touch, touched) = mpsc::channel(1);
        let is_open = Arc::new(AtomicBool::new(false));
        let drive = files::silent_drive(path.parent().unwrap_or(&path));
        let watcher = match drive {
            None => open(&path, touch.clone(), Arc::clone(&is_open)),
            Some(drive) => Err(notify::Error::generic(&format!("a {drive} drive"))),
        };
        let watcher = watcher.inspect_err(|error| {
            warn!(%error, "config.json is read every 2 s, because the system does not report its changes");
        });
        // An edit between the start of the bot and this moment is not lost.
        let _is_first = touch.try_send(()).is_ok();
        Self {
            path,
            environment,
            seen: None,
            touched,
            again: false,
            is_open,
            watcher: watcher.ok(),
            _touch: touch,
        }
    }

    /// The text of the edit that was reported last; empty if there was no file.
    pub fn text(&self) -> &str {
        match &self.seen {
            Some(Seen::Text(text)) => text,
            _ => "",
        }
    }

    /// The next edit: the configuration that the file has now, or what is wrong with it. Saves without a change of the
    /// text are skipped.
    pub async fn edited(&mut self) -> Result<Config, ConfigErrors> {
        loop {
            self.settled().await;
            let path = self.path.clone();
            let seen = tokio::task::spawn_blocking(move || look(&path)).await;
            let Ok(seen) = seen else {
                self.again = true;
                continue;
            };
            // A missing file is not an edit if the bot was started without one.
            let is_new = match &self.seen {
                None => seen != Seen::Missing,
                Some(before) => *before != seen,
            };
            if is_new {
                let read = self.read(&seen);
                if read.is_err() && self.goes_on().await {
                    continue;
                }
                self.seen = Some(seen);
                return read;
            }
            self.seen = Some(seen);
        }
    }

    /// Makes the file's present content the next edit, even if it was reported before.
    pub fn look_again(&mut self) {
        self.seen = None;
        self.again = true;
    }

    /// Returns when the file was changed and then left alone for the debounce window.
    async fn settled(&mut self) {
        if !std::mem::take(&mut self.again) {
            self.touched().await;
        }
        let first = Instant::now();
        loop {
            let (pause, longest) = if self.is_open.load(Ordering::Relaxed) {
                (writers::LONGEST_PAUSE, writers::LONGEST_WRITE)
            } else {
                (QUIET, LONGEST)
            };
            let quiet = (first + longest).min(Instant::now() + pause);
            match timeout_at(quiet, self.touched.recv()).await {
                Ok(Some(())) if Instant::now() < first + longest => {}
                _ => break,
            }
        }
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// Returns when the file may have changed.
    async fn touched(&mut self) {
        let polled = async {
            match self.watcher {
                Some(_) => std::future::pending().await,
                None => tokio::time::sleep(POLL_INTERVAL).await,
            }
        };
        tokio::select! {
            _ = self.touched.recv() => {}
            () = polled => {}
        }
    }

    /// Whether a file with a mistake changes again soon: it may have been only half written.
    async fn goes_on(&mut self) -> bool {
        let touched = tokio::time::timeout(GRACE, self.touched.recv()).await;
        if touched.is_ok() {
            // The same change begins the next read.
            self.again = true;
        }
        touched.is_ok()
    }

    fn read(&self, seen: &Seen) -> Result<Config, ConfigErrors> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        let name = name.to_string_lossy();
        let problem = |what: &str| Err(Problem::of_file(&name, what).into());
        match seen {
            Seen::Missing => problem("is gone: put it back, or restart the bot for the defaults"),
            Seen::Unreadable(why) => problem(&format!("cannot be read: {why}")),
            Seen::NotText(problem) => Err(Problem::of_bytes(&name, *problem).into()),
            Seen::Text(text) => from_text(text, &name, folder_of(&self.path), &self.environment),
        }
    }
}

fn look(path: &Path) -> Seen {
    match files::read(path, MOST_BYTES) {
        Ok(bytes) => files::decode(bytes).map_or_else(Seen::NotText, Seen::Text),
        Err(error) if error.kind() == ErrorKind::NotFound => Seen::Missing,
        Err(error) => Seen::Unreadable(error.to_string()),
    }
}

/// Called on the watcher's own thread.
fn telling(
    path: &Path,
    touch: mpsc::Sender<()>,
    is_open: Arc<AtomicBool>,
) -> impl Fn(notify::Result<Event>) + Send + 'static {
    let name = path.file_name().map(std::ffi::OsStr::to_owned);
    let path = path.to_owned();
    let matters = move |event: Event| {
        host_tasks::point(Task::ConfigWatch);
        let is_read = is_read(event.kind);
        let names_it = event
            .paths
            .iter()
            .any(|it| it.file_name() == name.as_deref());
        // When a symlink's target is replaced, the event has the target's name.
        let matters = !is_read && (names_it || event.paths.is_empty() || path.is_symlink());
        if matters {
            is_open.store(is_begun(event.kind), Ordering::Relaxed);
        }
        matters
    };
    move |event: notify::Result<Event>| {
        // The thread belongs to the library and would end with a panic. An event that could not be judged counts as a
        // change.
        let judged = host_tasks::caught_now(Task::ConfigWatch, || event.map_or(true, &matters));
        if judged.unwrap_or(true) {
            // If a report is waiting already, it covers this one, too.
            let _is_first = touch.try_send(()).is_ok();
        }
    }
}

/// Whether the event changes nothing. That a writer closed the file does matter: the file is complete now.
fn is_read(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(_)) && !writers::is_close(kind)
}

/// Whether a program has begun to write, so that another event will follow when it closes the file.
fn is_begun(kind: EventKind) -> bool {
    writers::TELLS_OF_CLOSE && writers::is_write(kind)
}

fn open(
    path: &Path,
    touch: mpsc::Sender<()>,
    is_open: Arc<AtomicBool>,
) -> notify::Result<RecommendedWatcher> {
    let mut watcher = RecommendedWatcher::new(telling(path, touch, is_open), Options::default())?;
    for folder in folders(path) {
        watcher.watch(&folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// The folder of the file, and that of the file to which it links.
fn folders(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut folders = vec![folder.to_owned()];
    let target = path.canonicalize().unwrap_or_default();
    let same = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if path.is_symlink()
        && let Some(other) = target.parent()
        && *other != same
    {
        folders.push(other.to_owned());
    }
    folders
}
