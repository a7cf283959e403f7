//! A writer that has a file open may have written half of a text. Where the system reports that it closes the file, a
//! watcher of the file waits for that, but not for ever.

use notify::EventKind;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use std::time::Duration;

/// Whether the system tells a watcher when a writer closes a file. inotify does.
pub const TELLS_OF_CLOSE: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// A writer that pauses for longer is not waited for any more.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One that writes on and on is not waited for either, after this time.
pub const LONGEST_WRITE: Duration = Duration::from_secs(10);

/// Whether a writer wrote to a file.
pub fn is_write(kind: EventKind) -> bool {
    matches!(kind, EventKind::Modify(ModifyKind::Data(_)))
}

/// Whether a writer closed a file.
pub fn is_close(kind: EventKind) -> bool {
    kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}
