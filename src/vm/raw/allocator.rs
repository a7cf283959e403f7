//! The allocator of all VMs: mlua's own, behind a rule that says which requests may fail.
//!
//! Luau raises an error where an allocation fails, and neither Luau nor mlua survives an error in every place: while a
//! coroutine is closed, created or moved to another stack, while an error object is made, while the host makes a
//! handle. So the limit is not enforced here but at *safe points*, the calls and loop edges at which Luau looks for its
//! interrupt: a request that passes the limit is granted, and the interrupt is armed. There garbage is collected, and
//! if that does not make room, Luau's own `not enough memory` is raised. Some more is granted then, as an error handler
//! needs it, and after that the same happens again. What fails here is only what Luau asks for in places that it can
//! leave: a large block that is larger than the limit by itself, or that passes the *wall* above the limit.
//! docs/sandbox.md lists the places.

use super::{InterruptTarget, NOT_BY_COLLECTOR};
use mlua::{Lua, ffi};
use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Requests up to this size, in bytes, never fail. Luau's pages for small blocks have 32 KB at most (`kLargePageSize`),
/// and what it requests in places that cannot handle a failure fits in one of them.
const SMALL: usize = 64 << 10;

/// What Luau itself raises where an allocation fails.
const OUT_OF_MEMORY: &CStr = c"not enough memory";

/// What the wall leaves above twice the limit, in bytes. A block that grows is at most doubled, so a block within
/// the limit fits below the wall after that: no stack that grows ever fails.
const RESERVE: usize = 4 << 20;

/// How often a slice gets some more memory after an error, a 64th of its budget each time: code that handles the error
/// needs it.
const MOST_GRACES: u8 = 8;

/// mlua's allocator.
static INNER: OnceLock<ffi::lua_Alloc> = OnceLock::new();

/// The heap of the slice that runs on a thread.
struct Heap {
    /// Which VM it belongs to: the allocator's own argument. Null while nothing runs.
    owner: Cell<*mut c_void>,
    used: Cell<usize>,
    /// The most that was used at once.
    peak: Cell<usize>,
    /// What the slice may use: see [`HeapBudget`].
    budget: Cell<usize>,
    /// Above this there is no room; above the budget, once an error has been raised.
    limit: Cell<usize>,
    wall: Cell<usize>,
    interrupt: Cell<Option<InterruptTarget>>,
    is_over: Cell<bool>,
    /// How often it has been out of memory.
    errors: Cell<u8>,
    until_exhausted: Cell<u64>,
}

thread_local! {
    static HEAP: Heap = const { Heap {
        owner: Cell::new(ptr::null_mut()),
        used: Cell::new(0),
        peak: Cell::new(0),
        budget: Cell::new(0),
        limit: Cell::new(0),
        wall: Cell::new(0),
        interrupt: Cell::new(None),
        is_over: Cell::new(false),
        errors: Cell::new(0),
        until_exhausted: Cell::new(u64::MAX),
    } };
}

/// How many requests are granted to a slice before its heap counts as full. Only tests change it.
static UNTIL_EXHAUSTED: AtomicU64 = AtomicU64::new(u64::MAX);

/// Whether that has happened.
static IS_EXHAUSTED: AtomicBool = AtomicBool::new(false);

/// For tests: from its request number `requests` on, each slice in this process finds its heap full. Returns whether
/// one did since the last call.
pub fn exhaust_after(requests: u64) -> bool {
    UNTIL_EXHAUSTED.store(requests, Ordering::Relaxed);
    IS_EXHAUSTED.swap(false, Ordering::Relaxed)
}

/// What a slice may use of the heap, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeapBudget {
    /// What is used when it begins.
    pub used: usize,
    /// What may be used without being stopped.
    pub limit: usize,
}

/// Puts the rule in front of the VM's allocator. Fails if the place where Luau keeps it is not found.
pub(in crate::vm) fn install(lua: &Lua) -> Result<(), &'static str> {
    // SAFETY: the state is the VM's, which nobody else uses while it is built.
    unsafe {
        let state = ffi::lua_mainthread(lua.exec_raw_lua(mlua::state::RawLua::state));
        let mut owner = ptr::null_mut();
        let inner = ffi::lua_getallocf(state, &raw mut owner);
        let place = place_of_allocator(state, inner, owner)
            .ok_or("Luau keeps its allocator elsewhere than expected")?;
        if !ptr::fn_addr_eq(*INNER.get_or_init(|| inner), inner) {
            return Err("another allocator than mlua's");
        }
        place.write(allocate);
    }
    Ok(())
}

/// Luau's global state has the allocator and its argument side by side, behind the main thread and before the
/// callbacks, all in one block. There is no function to set it.
///
/// # Safety
/// `state` must be the main thread of a VM whose allocator and argument the others are.
unsafe fn place_of_allocator(
    state: *mut ffi::lua_State,
    inner: ffi::lua_Alloc,
    owner: *mut c_void,
) -> Option<*mut ffi::lua_Alloc> {
    // SAFETY: all words from the main thread to the callbacks are in the one block (`LG` in lstate.cpp) that Luau
    // has allocated and filled for them.
    unsafe {
        let begin = state.cast::<usize>();
        let end = ffi::lua_callbacks(state).cast::<usize>();
        let words = usize::try_from(end.offset_from(begin)).ok()?;
        let sought = [inner as usize, owner as usize];
        let mut found = (1..words)
            .map(|index| begin.add(index - 1))
            .filter(|place| [place.read(), place.add(1).read()] == sought);
        let place = found.next()?;
        found.next().is_none().then_some(place.cast())
    }
}

/// Runs `run` as code of the VM whose interrupt is given, with what it may use of the heap.
pub(in crate::vm) fn within<R>(
    lua: &Lua,
    budget: HeapBudget,
    interrupt: Option<InterruptTarget>,
    run: impl FnOnce() -> R,
) -> R {
    let mut owner = ptr::null_mut();
    // SAFETY: only reads the allocator's argument of a VM that lives.
    unsafe {
        ffi::lua_getallocf(lua.exec_raw_lua(mlua::state::RawLua::state), &raw mut owner);
    }
    HEAP.with(|heap| {
        heap.used.set(budget.used);
        heap.peak.set(budget.used);
        heap.budget.set(budget.limit);
        heap.limit.set(budget.limit);
        let wall = budget.limit.saturating_mul(2).saturating_add(RESERVE);
        heap.wall.set(wall);
        heap.interrupt.set(interrupt);
        heap.is_over.set(false);
        heap.errors.set(0);
        heap.until_exhausted
            .set(UNTIL_EXHAUSTED.load(Ordering::Relaxed));
        heap.owner.set(owner);
    });
    let _ended = Ended;
    run()
}

/// Ends the slice's budget, also after a panic.
struct Ended;

impl Drop for Ended {
    fn drop(&mut self) {
        HEAP.with(|heap| {
            heap.owner.set(ptr::null_mut());
            heap.end();
        });
    }
}

/// The most that the last slice on this thread had in use at once, in bytes.
pub(in crate::vm) fn peak() -> usize {
    HEAP.with(|heap| heap.peak.get())
}

/// What [`make_room`] does, for a function of the host's between two of Luau's safe points. Returns whether there is
/// room.
pub(in crate::vm) fn make_room_now(lua: &Lua) -> bool {
    if !HEAP.with(|heap| heap.is_over.get()) {
        return true;
    }
    // SAFETY: the state that runs.
    unsafe { collect(lua.exec_raw_lua(mlua::state::RawLua::state)) }.is_ok()
}

/// Collects garbage, and tells whether there is room then, as [`Heap::has_room_again`] does.
///
/// # Safety
/// `state` must be the state that runs.
unsafe fn collect(state: *mut ffi::lua_State) -> Result<Option<InterruptTarget>, OutOfMemory> {
    // SAFETY: the caller's. The collector raises nothing: what it allocates is small or protected, and the finalisers
    // are the host's.
    unsafe { ffi::lua_gc(state, ffi::LUA_GCCOLLECT, 0) };
    HEAP.with(Heap::has_room_again)
}

/// The interrupt of a VM whose heap has passed its limit.
unsafe extern "C-unwind" fn make_room(state: *mut ffi::lua_State, by_collector: c_int) {
    if by_collector != NOT_BY_COLLECTOR {
        return;
    }
    // SAFETY: called by Luau, or in its place, with the state that runs. What is raised passes through no frame that
    // has anything to drop.
    unsafe {
        match collect(state) {
            Ok(Some(interrupt)) => interrupt.rest(state, by_collector),
            Ok(None) => {}
            Err(OutOfMemory) => {
                ffi::lua_pushstring(state, OUT_OF_MEMORY.as_ptr());
                ffi::lua_error(state);
            }
        }
    }
}

/// Luau's `lua_Alloc`: the rule, then mlua's allocator.
unsafe extern "C" fn allocate(
    owner: *mut c_void,
    block: *mut c_void,
    old_size: usize,
    size: usize,
) -> *mut c_void {
    let old_size = if block.is_null() { 0 } else { old_size };
    let is_granted = HEAP.with(|heap| heap.owner.get() != owner || heap.grant(old_size, size));
    match INNER.get() {
        // SAFETY: Luau's own arguments, as mlua's allocator expects them.
        Some(inner) if is_granted => unsafe { inner(owner, block, old_size, size) },
        _ => ptr::null_mut(),
    }
}

/// A collection did not make room.
struct OutOfMemory;

impl Heap {
    /// Decides whether a block of `old_size` may become one of `size`, and counts it if it may.
    fn grant(&self, old_size: usize, size: usize) -> bool {
        let used = self.used.get().saturating_sub(old_size) + size;
        if size > old_size {
            self.count_request();
            if size > SMALL && (size > self.budget.get() || used > self.wall.get()) {
                return false;
            }
            if used > self.limit.get() && !self.is_over.replace(true) {
                self.arm();
            }
            self.peak.set(self.peak.get().max(used));
        }
        self.used.set(used);
        true
    }

    /// Makes the VM free memory at the next safe point.
    fn arm(&self) {
        if let Some(interrupt) = self.interrupt.get() {
            interrupt.arm_with(make_room);
        }
    }

    /// Whether what a collection has left is within the budget. The next one comes after a while, also where little
    /// is free, so that no slice collects at every step; and after an error, as what handles it needs some memory,
    /// too, until there have been too many. Till then the interrupt, which is returned, is disarmed.
    fn has_room_again(&self) -> Result<Option<InterruptTarget>, OutOfMemory> {
        let (used, budget) = (self.used.get(), self.budget.get());
        let has_room = used <= budget;
        if !has_room {
            let errors = self.errors.get();
            if errors == MOST_GRACES {
                return Err(OutOfMemory);
            }
            self.errors.set(errors + 1);
        }
        self.limit.set(budget.max(used + budget / 64));
        let interrupt = self.end();
        if has_room {
            Ok(interrupt)
        } else {
            Err(OutOfMemory)
        }
    }

    /// Disarms the interrupt if the heap has armed it.
    fn end(&self) -> Option<InterruptTarget> {
        let interrupt = self.interrupt.get()?;
        if self.is_over.replace(false) {
            interrupt.disarm_from(make_room);
        }
        Some(interrupt)
    }

    fn count_request(&self) {
        match self.until_exhausted.get() {
            u64::MAX => {}
            0 => {
                IS_EXHAUSTED.store(true, Ordering::Relaxed);
                self.budget.set(0);
                self.limit.set(0);
                self.wall.set(0);
            }
            left => self.until_exhausted.set(left - 1),
        }
    }
}
