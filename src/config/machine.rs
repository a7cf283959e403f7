//! How much memory this machine has, or the container in which the bot runs.

use std::path::{Path, PathBuf};

/// What is assumed where the system does not say.
const UNKNOWN: usize = 2 << 30;

/// Bytes of memory that this process can expect to get.
pub(super) fn memory() -> usize {
    let machine = std::fs::read_to_string("/proc/meminfo");
    let machine = machine.ok().and_then(|text| total_of(&text));
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = limit_files(&groups, Path::new("/sys/fs/cgroup")).into_iter();
    let limits = limits.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.chain(machine).min().unwrap_or(UNKNOWN)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_of(meminfo: &str) -> Option<usize> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1 << 10)
}

/// The files with the limits of this process's control groups (both versions of them), and of those around them.
/// Without a limit the file holds a word or a huge number.
fn limit_files(groups: &str, root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(kinds), Some(group)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (folder, file) = match kinds {
            "" => (root.to_owned(), "memory.max"),
            kinds if kinds.split(',').any(|kind| kind == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let group = Path::new(group.trim_start_matches('/'));
        files.extend(group.ancestors().map(|group| folder.join(group).join(file)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_how_much_it_has() {
        let text = "MemTotal:        2048 kB\nMemFree:           12 kB\n";
        assert_eq!(total_of(text), Some(2 << 20));
        assert_eq!(total_of("nothing"), None);
        assert!(memory() > 64 << 20);
    }

    #[test]
    fn limits_are_looked_for_in_all_groups_around_this_one() {
        let files = |groups| {
            let files = limit_files(groups, Path::new("/g"));
            let shown = files.iter().map(|file| file.display().to_string());
            shown.collect::<Vec<_>>()
        };
        assert_eq!(
            files("0::/a/b\n"),
            ["/g/a/b/memory.max", "/g/a/memory.max", "/g/memory.max"]
        );
        assert_eq!(
            files("5:cpu:/x\n4:memory:/docker\n"),
            [
                "/g/memory/docker/memory.limit_in_bytes",
                "/g/memory/memory.limit_in_bytes"
            ]
        );
    }
}
