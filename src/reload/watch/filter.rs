//! Whether an event can matter, decided by its path and kind alone where that is possible.

use super::super::sources::{LUAURC, Rules};
use notify::EventKind;
use notify::event::{CreateKind, MetadataKind, ModifyKind, RemoveKind, RenameMode};

/// What an event means for the current burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// It cannot matter.
    Nothing,
    /// It may matter (a chmod may make a file readable), but it does not prolong a burst.
    Maybe,
    /// A file changed, or a folder went.
    Change,
    /// A folder came.
    Folder,
}

/// Weighs an event at `path` (below `lua/`). `is_folder` asks the disk, and only if it
/// has to, whether there is a folder or a symlink, which may lead to one.
pub(super) fn weigh(
    rules: &Rules,
    kind: EventKind,
    path: &str,
    is_folder: impl FnOnce() -> bool,
) -> Weight {
    if matches!(kind, EventKind::Access(_)) {
        return Weight::Nothing;
    }
    if is_luaurc(rules, path) || rules.is_module(path) {
        return of_file(kind, is_folder);
    }
    let near = rules.watches(path) || rules.leads_to_watched(path);
    if near && !rules.skips_any(path) {
        return of_other(kind, is_folder);
    }
    if rules.is_linked(path) {
        return of_file(kind, is_folder);
    }
    of_hidden(rules, kind, is_folder)
}

/// Something with the name of a module or of `.luaurc`.
fn of_file(kind: EventKind, is_folder: impl FnOnce() -> bool) -> Weight {
    match kind {
        // The polling watcher tells of a save as a new time of writing.
        EventKind::Modify(ModifyKind::Metadata(MetadataKind::WriteTime)) => Weight::Change,
        EventKind::Modify(ModifyKind::Metadata(_)) => Weight::Maybe,
        EventKind::Create(CreateKind::Folder) => Weight::Folder,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) if is_folder() => Weight::Folder,
        _ => Weight::Change,
    }
}

/// Something with another name: it matters only if it is, or may have been, a folder.
fn of_other(kind: EventKind, is_folder: impl FnOnce() -> bool) -> Weight {
    match kind {
        EventKind::Create(CreateKind::Folder) => Weight::Folder,
        EventKind::Remove(RemoveKind::Folder) => Weight::Change,
        // It is no longer known what it was: a folder, a symlink to one (which goes like a file), or an editor's
        // temporary file.
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
            Weight::Maybe
        }
        // Includes a new symlink to a folder.
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => {
            if is_folder() {
                Weight::Folder
            } else {
                Weight::Nothing
            }
        }
        // A folder that may be read now has to be watched, too. Its modification time does not matter: its contents
        // have their own events.
        EventKind::Modify(ModifyKind::Metadata(what))
            if what != MetadataKind::WriteTime && is_folder() =>
        {
            Weight::Folder
        }
        _ => Weight::Nothing,
    }
}

/// Something that no rescan reads: it matters only if it may be a symlink that other files need.
fn of_hidden(rules: &Rules, kind: EventKind, is_folder: impl FnOnce() -> bool) -> Weight {
    let comes = matches!(
        kind,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    if comes && rules.has_dangling() && is_folder() {
        Weight::Change
    } else {
        Weight::Nothing
    }
}

/// Whether `path` is `lua/.luaurc`, or one in a watched folder, where it is a mistake.
fn is_luaurc(rules: &Rules, path: &str) -> bool {
    match path.rsplit_once('/') {
        Some((folder, name)) => name == LUAURC && rules.watches(folder) && !rules.skips_any(folder),
        None => path == LUAURC,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{AccessKind, AccessMode, DataChange};

    fn weight(kind: EventKind, path: &str, is_folder: bool) -> Weight {
        weigh(&Rules::default(), kind, path, || is_folder)
    }

    const WRITE: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const CREATE: EventKind = EventKind::Create(CreateKind::File);
    const AWAY: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::From));
    const HERE: EventKind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
    const CHMOD: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));

    #[test]
    fn changes_of_modules_count() {
        for kind in [
            WRITE,
            CREATE,
            AWAY,
            HERE,
            EventKind::Remove(RemoveKind::File),
        ] {
            assert_eq!(weight(kind, "cogs/ping.luau", false), Weight::Change);
            assert_eq!(weight(kind, ".luaurc", false), Weight::Change);
        }
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert_eq!(weight(close, "cogs/ping.luau", false), Weight::Nothing);
        assert_eq!(weight(CHMOD, "cogs/ping.luau", false), Weight::Maybe);
    }

    #[test]
    fn other_files_do_not_count() {
        let others = [
            "cogs/ping.luau~",
            "cogs/.ping.luau.swp",
            "cogs/4913",
            "cogs/.git/HEAD",
            "cogs/x.log",
            "notes/x.luau",
            "x.luau",
            "notes/.luaurc",
        ];
        for other in others {
            assert_eq!(weight(WRITE, other, false), Weight::Nothing, "{other}");
            assert_eq!(weight(CREATE, other, false), Weight::Nothing, "{other}");
        }
    }

    #[test]
    fn folders_count_when_they_come_and_go() {
        let folder = EventKind::Create(CreateKind::Folder);
        assert_eq!(weight(folder, "cogs/fun", true), Weight::Folder);
        assert_eq!(weight(folder, "cogs", true), Weight::Folder);
        assert_eq!(weight(HERE, "cogs/fun", true), Weight::Folder);
        assert_eq!(weight(AWAY, "cogs/fun", false), Weight::Maybe);
        assert_eq!(weight(folder, "cogs/.git", true), Weight::Nothing);
        assert_eq!(weight(folder, "notes", true), Weight::Nothing);
    }
}
