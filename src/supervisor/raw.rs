//! The `unsafe` of this folder: memory that two processes share, signals, and freeing pages.
#![allow(
    unsafe_code,
    reason = "the system offers these only through its C interface; each block says why it is sound"
)]

use super::signal_origin::SignalOrigin;
use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Memory that is shared with whoever maps the same file.
#[derive(Debug)]
pub(super) struct Map {
    words: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: the memory belongs to the process, not to a thread, and is read and written through atomics alone.
unsafe impl Send for Map {}
// SAFETY: as above.
unsafe impl Sync for Map {}

impl Map {
    /// Maps the first `count` words of a file, which must have them: a file of memory that nobody makes shorter.
    pub(super) fn of(file: BorrowedFd<'_>, count: usize) -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                count * size_of::<AtomicU64>(),
                protection,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        match NonNull::new(address.cast()) {
            Some(words) if address != libc::MAP_FAILED => Ok(Self { words, count }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The words.
    pub(super) fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is as long as `self`, aligned to a page, and any bytes are valid atomics.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr(), self.count) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: this is what `of` mapped, and no reference to it outlives `self`.
        unsafe {
            libc::munmap(
                self.words.as_ptr().cast(),
                self.count * size_of::<AtomicU64>(),
            )
        };
    }
}

/// Signals that wait until this process asks for them. Only for a process with a single thread.
pub(super) struct Signals(libc::sigset_t);

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) signal: c_int,
    /// Whether a process sent it, and to this process: a signal from the terminal reaches the child by itself.
    pub(super) is_from_process: bool,
}

impl Signals {
    /// Blocks `always` from now on, and those of `unless_ignored` that are not ignored (as with `nohup`).
    pub(super) fn hold(always: &[c_int], unless_ignored: &[c_int]) -> io::Result<Self> {
        let taken = unless_ignored.iter().filter(|it| !is_ignored(**it));
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set that the other calls use; changing the calling thread's mask
        // touches no memory. A parent may have left SIGCHLD ignored, with which no child could be waited for.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in always.iter().chain(taken) {
                libc::sigaddset(set.as_mut_ptr(), *signal);
            }
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
            let set = set.assume_init();
            if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(Self(set))
        }
    }

    /// Waits for the next one without `spare`: pages that are given back before, and read again from their file
    /// when they are needed.
    pub(super) fn next_without(&self, spare: &[Range<usize>]) -> Option<Received> {
        give_back(spare);
        self.next(None)
    }

    /// Waits for the next one, at most for `limit`.
    pub(super) fn next(&self, limit: Option<Duration>) -> Option<Received> {
        let limit = limit.map(|limit| libc::timespec {
            tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the set is initialised, `info` is a place to write to, and `limit` is null or a valid time.
        let signal = unsafe { libc::sigtimedwait(&raw const self.0, info.as_mut_ptr(), limit) };
        // SAFETY: all zeros are a valid `siginfo_t`, and so is what the kernel has written.
        let code = unsafe { info.assume_init() }.si_code;
        (signal > 0).then_some(Received {
            signal,
            is_from_process: code <= 0,
        })
    }
}

/// Unblocks the signals that the parent blocked at its start, and that are therefore blocked in the child, too.
pub(super) fn let_signals_come() {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set; changing the calling thread's mask touches no memory.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}

fn is_ignored(signal: c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks; `action` is a place to write to, and all zeros are valid in it.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

/// Signals that end a process because of its own faults.
const FATAL: [c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
];

thread_local! {
    /// The calling thread's slot in the record plus 1; 0 if it has none.
    static PLACE: Cell<usize> = const { Cell::new(0) };
}

/// Where [`on_fatal`] notes what it has seen.
static NOTE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// The former handlers, by signal: that of Rust's standard library reports a stack overflow.
static FORMER: [AtomicUsize; 32] = [const { AtomicUsize::new(0) }; 32];

/// Sets which slot in the record the calling thread has.
pub(super) fn set_place(place: Option<usize>) {
    PLACE.set(place.map_or(0, |place| place + 1));
}

/// From now on a fatal signal is noted in `word` (see [`SignalOrigin`]) before it ends the process as it always did.
pub(super) fn note_fatal_signals(word: &'static AtomicU64) {
    NOTE.store(std::ptr::from_ref(word).cast_mut(), Ordering::Release);
    for signal in FATAL {
        // SAFETY: the handler does what is allowed in one: it reads and writes atomics and a thread-local that
        // needs no initialisation, and calls `sigaction` and `raise`. All zeros are a valid `sigaction`.
        unsafe {
            let mut action = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            let mut former = MaybeUninit::<libc::sigaction>::zeroed().assume_init();
            action.sa_sigaction = on_fatal as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(signal, &raw const action, &raw mut former);
            let has_own = former.sa_flags & libc::SA_SIGINFO != 0;
            let own = if has_own { former.sa_sigaction } else { 0 };
            if let Some(place) = usize::try_from(signal).ok().and_then(|it| FORMER.get(it)) {
                place.store(own, Ordering::Release);
            }
        }
    }
}

type SignalHandler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// Notes which thread received a fatal signal, and then lets the signal have its usual effect.
unsafe extern "C" fn on_fatal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid `info`, and a signal that a process sent has its sender in it.
    let (code, is_foreign) = unsafe {
        let code = (*info).si_code;
        (code, code <= 0 && (*info).si_pid() != libc::getpid())
    };
    let fault = match PLACE.get() {
        _ if is_foreign && code != SI_TKILL => SignalOrigin::FromOutside,
        0 => SignalOrigin::OtherThread,
        place => SignalOrigin::Thread(place - 1),
    };
    // SAFETY: it is null or points to a word that lives as long as the process.
    if let Some(word) = unsafe { NOTE.load(Ordering::Acquire).as_ref() } {
        // The first fault is the one that counts.
        let _first = word
            .compare_exchange(0, fault.to_word(), Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
    }
    let former = usize::try_from(signal).ok().and_then(|it| FORMER.get(it));
    let former = former.map_or(0, |it| it.load(Ordering::Acquire));
    // SAFETY: what is not 0 was installed as a handler of this type, and gets what it would have got. With its
    // default action a fatal signal ends the process when this function returns.
    unsafe {
        if code > 0 && former != 0 {
            std::mem::transmute::<usize, SignalHandler>(former)(signal, info, context);
        } else {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}

/// What the kernel says of a signal that was sent to one thread.
const SI_TKILL: c_int = -6;

/// Gives back pages that are read again from their file when they are needed.
pub(super) fn give_back(spare: &[Range<usize>]) {
    for pages in spare {
        // SAFETY: the caller names memory that mirrors a file and was never written to (`memory::rereadable`), so it
        // says the same again. The kernel refuses what is not mapped.
        unsafe { libc::madvise(pages.start as *mut c_void, pages.len(), libc::MADV_DONTNEED) };
    }
}

/// Returns free memory of the heap to the system.
pub(super) fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: releases only memory that is not allocated.
    unsafe {
        libc::malloc_trim(0);
    }
}
