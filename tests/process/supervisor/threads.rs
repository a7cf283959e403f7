//! The threads of another process, as the kernel shows them.

use std::ffi::c_int;
use std::fs;

/// The processor time that a thread must have used to count as busy, in the kernel's ticks of 10 ms.
const BUSY: u64 = 20;

/// The busiest of the threads on which cogs run, once `count` of them are busy.
pub(crate) fn busiest(process: u32, count: usize) -> Option<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut busy: Vec<(u64, u32)> = tasks.flatten().filter_map(|task| used(&task)).collect();
    busy.retain(|(ticks, _)| *ticks >= BUSY);
    busy.sort_unstable();
    (busy.len() >= count).then(|| busy.last().map(|(_, thread)| *thread))?
}

/// The processor time of a thread, if cogs run on it.
fn used(task: &fs::DirEntry) -> Option<(u64, u32)> {
    let stat = fs::read_to_string(task.path().join("stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let (id, name) = head.split_once(" (")?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let ticks = fields.get(11)?.parse().ok()?;
    name.starts_with("cogsmith-cogs")
        .then_some((ticks, id.parse().ok()?))
}

/// Sends SIGSEGV to one thread.
pub(crate) fn send_segv(process: u32, thread: u32) {
    let number = |id: u32| c_int::try_from(id).unwrap();
    #[allow(
        unsafe_code,
        reason = "a signal to another process touches no memory of this one"
    )]
    // SAFETY: as said in the reason.
    let failed = unsafe {
        libc::syscall(
            libc::SYS_tgkill,
            number(process),
            number(thread),
            libc::SIGSEGV,
        )
    };
    assert_eq!(failed, 0);
}

/// Whether a process runs: it is there, and no zombie.
pub(crate) fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some(Some('Z' | 'X')))
}
