//! The `unsafe` of the VM:
//!
//! ```text
//! Luau calls a library function ─ library (its guard: strings, tables) ─ native (the function behind it)
//! Luau allocates ─ allocator (the rule in front)
//! mlua asks the process's allocator ─ pages (where the pages of Luau's heaps lie)
//! Luau asks for an interrupt ─ mod (the pointer with which a running VM is interrupted, the thread's CPU clock)
//! ```
//!
//! - `library.rs`: the guards in front of library calls which no interrupt can reach; those of the string library in
//!   `strings.rs`, those of the table library in `tables.rs`. `native.rs` calls what stands behind them.
//! - `allocator.rs`: the rule in front of the allocator
#![allow(
    unsafe_code,
    reason = "Luau offers these only through its C interface; each block says why it is sound"
)]

pub(super) mod allocator;
mod library;
mod native;
pub(super) mod pages;
mod strings;
mod tables;

pub(super) use library::guard_libraries;
pub(crate) use library::with_fallback;
use mlua::{Lua, VmState, ffi};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type InterruptFunction = unsafe extern "C-unwind" fn(*mut ffi::lua_State, c_int);

/// What Luau passes to an interrupt from anywhere but its collector.
const NOT_BY_COLLECTOR: c_int = -1;

/// Calls within calls that Luau allows in any case; a constant of its build (`LUAI_MAXCALLS`).
pub(super) const MOST_CALL_DEPTH: u32 = 20_000;

/// How much deeper calls may nest once too many have been, until they have come back: a handler of that error runs
/// on top of them. Luau does the same at its own limit.
const GRACE: c_int = 50;

thread_local! {
    /// The call depth that the VM on this thread allows: usually, and now.
    static CALL_DEPTH: Cell<(c_int, c_int)> = const { Cell::new((c_int::MAX, c_int::MAX)) };
}

/// How deep calls may nest in the slice that begins on this thread.
pub(super) fn limit_call_depth(depth: u32) {
    let depth = c_int::try_from(depth).unwrap_or(c_int::MAX);
    CALL_DEPTH.set((depth, depth));
}

/// The interrupt of a VM in which calls nest less deep than Luau allows: raises what Luau raises at its own limit.
unsafe extern "C-unwind" fn check_call_depth(state: *mut ffi::lua_State, by_collector: c_int) {
    if by_collector != NOT_BY_COLLECTOR {
        return;
    }
    let (usual, now) = CALL_DEPTH.get();
    // SAFETY: called by Luau, or in its place, with the state that runs.
    let depth = unsafe { ffi::lua_stackdepth(state) };
    if depth > now {
        CALL_DEPTH.set((usual, usual.saturating_add(GRACE)));
        // SAFETY: as above; what is raised passes through no frame that has anything to drop.
        unsafe { ffi::luaL_error(state, c"stack overflow".as_ptr()) };
    } else if depth <= usual && now != usual {
        CALL_DEPTH.set((usual, usual));
    }
}

/// The place where a VM looks for its interrupt at every loop edge and call, for the thread on which it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterruptTarget {
    address: usize,
    /// The function that is there while it is not armed.
    at_rest: usize,
}

impl InterruptTarget {
    fn cell(&self) -> &AtomicUsize {
        // SAFETY: the address is that of a pointer-sized, pointer-aligned field of a VM that lives: the owner of
        // an `InterruptCell` forgets it before the VM goes, and a slice has its VM. Every write to it after
        // `install` goes through this atomic.
        unsafe { AtomicUsize::from_ptr(self.address as *mut usize) }
    }

    /// From now on the VM calls `function`, unless it is armed already.
    fn arm_with(self, function: InterruptFunction) {
        self.exchange(self.at_rest, function as usize);
    }

    /// Disarms it, unless it is armed with another function than this one.
    fn disarm_from(self, function: InterruptFunction) {
        self.exchange(function as usize, self.at_rest);
    }

    fn exchange(self, old: usize, new: usize) {
        // Fails where something else is there, which is meant.
        let _is_exchanged = self
            .cell()
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
    }

    /// Does what the VM does at this place while it is not armed.
    ///
    /// # Safety
    /// As for the function that is called.
    unsafe fn rest(self, state: *mut ffi::lua_State, by_collector: c_int) {
        if self.at_rest != 0 {
            // SAFETY: it is the one function that `InterruptCell::install` puts there.
            unsafe { check_call_depth(state, by_collector) };
        }
    }
}

/// A VM's interrupt. Null (the usual case) costs nothing; the watchdog writes the function there from another
/// thread, which Luau documents as intended.
///
/// It points into the VM, so its owner must drop it before the VM is closed: see `watchdog::Guard::retire`.
#[derive(Debug)]
pub(super) struct InterruptCell {
    target: InterruptTarget,
    function: usize,
}

impl InterruptCell {
    /// Installs `on_interrupt` in the VM, unarmed. A `call_depth` below Luau's own is checked at every call.
    pub(super) fn install(
        lua: &Lua,
        call_depth: u32,
        on_interrupt: impl Fn(&Lua) -> mlua::Result<VmState> + Send + 'static,
    ) -> Self {
        lua.set_interrupt(on_interrupt);
        // SAFETY: `lua_callbacks` returns a pointer into the VM's global state, which lives as long as the
        // VM and does not move. mlua has just stored its trampoline there, so the option is set.
        let (address, function) = unsafe {
            let callbacks = ffi::lua_callbacks(lua.exec_raw_lua(mlua::state::RawLua::state));
            let cell = &raw mut (*callbacks).interrupt;
            let function = std::mem::transmute::<Option<InterruptFunction>, usize>(*cell);
            (cell as usize, function)
        };
        let at_rest = if call_depth < MOST_CALL_DEPTH {
            check_call_depth as *const () as usize
        } else {
            0
        };
        let target = InterruptTarget { address, at_rest };
        let cell = Self { target, function };
        cell.disarm();
        cell
    }

    /// Where it is.
    pub(super) fn target(&self) -> InterruptTarget {
        self.target
    }

    /// From now on the VM calls its interrupt at the next loop edge or call, whatever it was armed for.
    pub(super) fn arm(&self) {
        self.target.cell().store(self.function, Ordering::Release);
    }

    /// Disarms the interrupt: from now on the VM continues.
    pub(super) fn disarm(&self) {
        self.target
            .cell()
            .store(self.target.at_rest, Ordering::Release);
    }
}

/// Where a C function has an interrupt of its own: raises if the running slice's time is over.
///
/// # Safety
/// To be called from a C function of `state`; what it raises passes through its caller.
unsafe fn check_deadline(state: *mut ffi::lua_State) {
    // SAFETY: the field is pointer-sized and lives as long as the VM. Whatever is not null there is one of the
    // three functions that `InterruptTarget` takes, which Luau itself would call with the same arguments.
    unsafe {
        let cell = &raw mut (*ffi::lua_callbacks(state)).interrupt;
        let function = AtomicUsize::from_ptr(cell.cast()).load(Ordering::Acquire);
        if let Some(interrupt) = std::mem::transmute::<usize, Option<InterruptFunction>>(function) {
            interrupt(state, NOT_BY_COLLECTOR);
        }
    }
}

/// Names the CPU clock of the calling thread, so that another thread can read it.
pub(super) fn thread_clock() -> Option<libc::clockid_t> {
    let mut clock = 0;
    // SAFETY: the calling thread exists, and `clock` is a valid place to write to.
    let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
    (failed == 0).then_some(clock)
}

/// The CPU time that a thread has used so far; nothing once that thread has ended.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "the kernel reports neither negative seconds nor more than 999,999,999 nanoseconds"
)]
pub(super) fn cpu_time(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the kernel checks the clock's id and answers EINVAL for a thread that is gone.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    (failed == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// A thread as the kernel names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadId(libc::id_t);

impl ThreadId {
    /// The calling thread.
    pub(crate) fn current() -> Self {
        // SAFETY: asks for a number and cannot fail.
        let thread = unsafe { libc::gettid() };
        Self(libc::id_t::try_from(thread).unwrap_or_default())
    }

    /// Raises the nice value of this thread, which must not have ended, by so many levels: the kernel then prefers
    /// threads with a lower value. This cannot be undone.
    pub(crate) fn step_back(self, levels: c_int) {
        // SAFETY: changes nothing but the scheduling of one thread, which is what the kernel means by a "process"
        // here. It cannot fail: every thread may become nicer, and the kernel bounds the level.
        unsafe {
            let niceness = libc::getpriority(libc::PRIO_PROCESS, self.0);
            libc::setpriority(libc::PRIO_PROCESS, self.0, niceness.saturating_add(levels));
        }
    }
}
