//! Which file systems do not report changes that are made elsewhere.

use std::path::Path;

/// File systems on which others may write without a report, by their number in the system (`linux/magic.h` and the
/// drivers' own headers).
const SILENT: [(u32, &str); 14] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x786F_4256, "VirtualBox"),
    (0xBACB_ACBC, "VMware"),
];

/// The kind of drive that `path` is on, if its changes are not reported to a watcher: files on it must be read again
/// and again.
pub fn silent_drive(path: &Path) -> Option<&'static str> {
    number_of(path).and_then(name_of)
}

fn name_of(number: u32) -> Option<&'static str> {
    let found = SILENT.iter().find(|(known, _)| *known == number);
    found.map(|(_, name)| *name)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "the numbers have 32 bits, and the field another type on each machine"
)]
fn number_of(path: &Path) -> Option<u32> {
    rustix::fs::statfs(path)
        .ok()
        .map(|facts| facts.f_type as u32)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn number_of(_path: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_drives_are_known_by_their_numbers_and_disks_are_none() {
        let name = |number: i64| name_of(u32::try_from(number & 0xFFFF_FFFF).unwrap());
        assert_eq!(name(0x6969), Some("NFS"));
        // As a machine with 32 bits has it, below zero.
        assert_eq!(name(-11_317_950), Some("SMB"));
        assert_eq!(name(0x6573_5546), Some("FUSE"));
        for disk in [0xEF53, 0x0102_1994, 0x794C_7630, 0x9123_683E] {
            assert_eq!(name(disk), None, "ext4, tmpfs, overlay, btrfs");
        }
        assert_eq!(silent_drive(Path::new("/nowhere/at/all")), None);
        #[cfg(target_os = "linux")]
        assert_eq!(silent_drive(Path::new("/proc")), None);
    }
}
