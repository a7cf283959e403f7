//! The crate's only `unsafe`: the pointer with which a running VM is interrupted, the thread's CPU clock,
//! and C functions that stand in front of library calls which no interrupt can reach.
#![allow(
    unsafe_code,
    reason = "Luau offers these only through its C interface; each block says why it is sound"
)]

use mlua::{Function, Lua, Table, VmState, ffi};
use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type InterruptFunction = unsafe extern "C-unwind" fn(*mut ffi::lua_State, c_int);

/// The place where a VM looks for its interrupt at every loop edge and call. Null (the usual case) costs
/// nothing; the watchdog writes the function there from another thread, which Luau documents as intended.
///
/// It points into the VM, so its owner must forget it before the VM goes: see `watchdog::Guard::retire`.
#[derive(Debug)]
pub(super) struct InterruptCell {
    address: usize,
    function: usize,
}

impl InterruptCell {
    /// Installs `on_interrupt` in the VM, unarmed.
    pub(super) fn install(
        lua: &Lua,
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
        let cell = Self { address, function };
        cell.disarm();
        cell
    }

    fn cell(&self) -> &AtomicUsize {
        // SAFETY: the address is that of a pointer-sized, pointer-aligned field which outlives `self` (the
        // owner's duty, above). Every write to it after `install` goes through this atomic.
        unsafe { AtomicUsize::from_ptr(self.address as *mut usize) }
    }

    /// From now on the VM calls its interrupt at the next loop edge or call.
    pub(super) fn arm(&self) {
        self.cell().store(self.function, Ordering::Release);
    }

    /// From now on the VM runs without interrupts.
    pub(super) fn disarm(&self) {
        self.cell().store(0, Ordering::Release);
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

/// A library function of Luau's own, saved so that its guard can call it.
type Native = OnceLock<ffi::lua_CFunction>;

static FIND: Native = OnceLock::new();
static MATCH: Native = OnceLock::new();
static GMATCH: Native = OnceLock::new();
static GSUB: Native = OnceLock::new();
static SPLIT: Native = OnceLock::new();
static SORT: Native = OnceLock::new();
static MOVE: Native = OnceLock::new();

/// Puts guards in front of the library calls that could otherwise run for minutes without an interrupt.
/// Measured worst cases under 32 MB without them: `string.find` over 60 s, a long `[set]` over 60 s,
/// `table.move` 32 s, `table.sort` 4 s.
pub(super) fn guard_libraries(lua: &Lua) -> mlua::Result<()> {
    let string: Table = lua.globals().get("string")?;
    let table: Table = lua.globals().get("table")?;
    replace(lua, &string, c"find", &FIND, find)?;
    replace(lua, &string, c"match", &MATCH, match_)?;
    replace(lua, &string, c"gmatch", &GMATCH, gmatch)?;
    replace(lua, &string, c"gsub", &GSUB, gsub)?;
    replace(lua, &string, c"split", &SPLIT, split)?;
    replace(lua, &table, c"sort", &SORT, sort)?;
    replace(lua, &table, c"move", &MOVE, move_)
}

fn replace(
    lua: &Lua,
    library: &Table,
    name: &'static CStr,
    native: &'static Native,
    guard: ffi::lua_CFunction,
) -> mlua::Result<()> {
    let key = name.to_string_lossy();
    let original: Function = library.raw_get(key.as_ref())?;
    // SAFETY: the one value on the stack is the library's C function; the closure neither raises nor pops.
    unsafe {
        lua.exec_raw::<()>(original, |state| {
            if let Some(function) = ffi::lua_tocfunction(state, -1) {
                native.get_or_init(|| function);
            }
            ffi::lua_settop(state, 0);
        })?;
    }
    // SAFETY: pushes one C function, which is the closure's one result; `name` is static.
    let guarded: Function = unsafe {
        lua.exec_raw((), |state| {
            ffi::lua_pushcfunctiond(state, guard, name.as_ptr());
        })?
    };
    library.raw_set(key.as_ref(), guarded)
}

/// The same library function, but with userdata as its first or fifth argument `fallback` is called. It is a C
/// function as before, so an error of the library's own is still raised at its caller's line.
pub(crate) fn with_fallback(
    lua: &Lua,
    original: &Function,
    name: &'static CStr,
    fallback: &Function,
) -> mlua::Result<Function> {
    // SAFETY: the stack holds the two functions. The original is a C function of the library's with at most one
    // upvalue, which stays the first one of the new closure, where the original looks for it. The other two
    // are the original's pointer and the fallback; `name` is static.
    unsafe {
        lua.exec_raw((original, fallback), |state| {
            let Some(native) = ffi::lua_tocfunction(state, 1) else {
                return ffi::lua_settop(state, 1);
            };
            if ffi::lua_getupvalue(state, 1, 1).is_null() {
                ffi::lua_pushnil(state);
            }
            ffi::lua_pushlightuserdata(state, native as *mut c_void);
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushcclosured(state, native_or_fallback, name.as_ptr(), 3);
            ffi::lua_replace(state, 1);
            ffi::lua_settop(state, 1);
        })
    }
}

unsafe extern "C-unwind" fn native_or_fallback(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau as the closure that `with_fallback` makes, whose upvalues are known.
    unsafe {
        let of_userdata = |index| ffi::lua_type(state, index) == ffi::LUA_TUSERDATA;
        if of_userdata(1) || of_userdata(5) {
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(3));
            ffi::lua_insert(state, 1);
            ffi::lua_call(state, ffi::lua_gettop(state) - 1, ffi::LUA_MULTRET);
            return ffi::lua_gettop(state);
        }
        let address = ffi::lua_touserdata(state, ffi::lua_upvalueindex(2));
        let native = std::mem::transmute::<*mut c_void, ffi::lua_CFunction>(address);
        native(state)
    }
}

/// # Safety
/// To be called from a C function of `state` with that function's own arguments on the stack.
unsafe fn call_native(native: &'static Native, state: *mut ffi::lua_State) -> c_int {
    match native.get() {
        // SAFETY: the same stack, the same arguments, the same convention: as if Luau had called it.
        Some(function) => unsafe { function(state) },
        None => 0,
    }
}

/// # Safety
/// `state` must be valid; the bytes live as long as the argument stays on the stack.
unsafe fn string_argument<'a>(state: *mut ffi::lua_State, index: c_int) -> Option<&'a [u8]> {
    // SAFETY: a string's pointer and length come from Luau itself; numbers are not converted in place.
    unsafe {
        if ffi::lua_type(state, index) != ffi::LUA_TSTRING {
            return None;
        }
        let mut length = 0;
        let start = ffi::lua_tolstring(state, index, &raw mut length);
        Some(std::slice::from_raw_parts(start.cast(), length))
    }
}

/// The longest `[set]` of a pattern, in bytes: what one step of a repetition may cost between two interrupts.
fn longest_set(pattern: &[u8]) -> usize {
    let (mut at, mut longest) = (0, 1);
    while at < pattern.len() {
        match pattern[at] {
            b'%' => at += 2,
            b'[' => {
                let start = at;
                at += 1;
                if pattern.get(at) == Some(&b'^') {
                    at += 1;
                }
                loop {
                    at += if pattern.get(at) == Some(&b'%') { 2 } else { 1 };
                    if at >= pattern.len() || pattern[at] == b']' {
                        break;
                    }
                }
                longest = longest.max(at - start);
            }
            _ => at += 1,
        }
    }
    longest
}

/// Subject length × longest set above which a pattern is refused: 0.3 s at the measured 4 ns a step.
const MOST_PATTERN_WORK: usize = 1 << 26;

/// Below this product of lengths the library's own search is fast enough whatever the strings are.
const LEAST_GUARDED_WORK: usize = 1 << 16;

/// # Safety
/// As for [`call_native`].
unsafe fn refuse_long_sets(state: *mut ffi::lua_State) {
    // SAFETY: reads two arguments, then raises with a static text.
    unsafe {
        if let (Some(subject), Some(pattern)) =
            (string_argument(state, 1), string_argument(state, 2))
            && subject.len().saturating_mul(pattern.len()) > LEAST_GUARDED_WORK
            && subject.len().saturating_mul(longest_set(pattern)) > MOST_PATTERN_WORK
        {
            ffi::luaL_error(
                state,
                c"the pattern's [set] is too long for a string of this size".as_ptr(),
            );
        }
    }
}

unsafe extern "C-unwind" fn match_(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.match`.
    unsafe {
        refuse_long_sets(state);
        call_native(&MATCH, state)
    }
}

unsafe extern "C-unwind" fn gmatch(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.gmatch`.
    unsafe {
        refuse_long_sets(state);
        call_native(&GMATCH, state)
    }
}

unsafe extern "C-unwind" fn gsub(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.gsub`.
    unsafe {
        refuse_long_sets(state);
        call_native(&GSUB, state)
    }
}

unsafe extern "C-unwind" fn find(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.find`; pushes at most the two results.
    unsafe {
        let (Some(subject), Some(pattern)) = (string_argument(state, 1), string_argument(state, 2))
        else {
            return call_native(&FIND, state);
        };
        if subject.len().saturating_mul(pattern.len()) <= LEAST_GUARDED_WORK {
            return call_native(&FIND, state);
        }
        let plain = ffi::lua_toboolean(state, 4) != 0
            || !pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte));
        if !plain {
            refuse_long_sets(state);
            return call_native(&FIND, state);
        }
        let start = start_of_search(ffi::luaL_optinteger(state, 3, 1), subject.len());
        let found = start.and_then(|start| {
            memchr::memmem::find(&subject[start..], pattern).map(|offset| start + offset)
        });
        let Some(at) = found else {
            ffi::lua_pushnil(state);
            return 1;
        };
        push_length(state, at + 1);
        push_length(state, at + pattern.len());
        2
    }
}

/// Where a search from Luau's `init` begins, from 0; nothing when it lies behind the end.
fn start_of_search(init: ffi::lua_Integer, length: usize) -> Option<usize> {
    let length_signed = i64::try_from(length).ok()?;
    let init = if init < 0 {
        length_signed + init + 1
    } else {
        init
    };
    let start = usize::try_from(init.max(1) - 1).ok()?;
    (start <= length).then_some(start)
}

/// # Safety
/// `state` must have room for one more value.
#[allow(
    clippy::cast_precision_loss,
    reason = "no string is longer than 2^53 bytes"
)]
unsafe fn push_length(state: *mut ffi::lua_State, length: usize) {
    // SAFETY: pushes one number.
    unsafe { ffi::lua_pushnumber(state, length as f64) }
}

unsafe extern "C-unwind" fn split(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.split`; builds the result as the library does.
    unsafe {
        let (Some(subject), Some(separator)) =
            (string_argument(state, 1), string_argument(state, 2))
        else {
            return call_native(&SPLIT, state);
        };
        if separator.len() < 2
            || subject.len().saturating_mul(separator.len()) <= LEAST_GUARDED_WORK
        {
            return call_native(&SPLIT, state);
        }
        ffi::lua_createtable(state, 0, 0);
        let mut start = 0;
        let mut index = 0;
        let ends = memchr::memmem::find_iter(subject, separator).chain([subject.len()]);
        for end in ends {
            let part = &subject[start..end];
            ffi::lua_pushlstring(state, part.as_ptr().cast(), part.len());
            index += 1;
            ffi::lua_rawseti(state, -2, index);
            start = (end + separator.len()).min(subject.len());
        }
        1
    }
}

/// Elements from which a sort without a comparator gets one that can be interrupted (0.1 s for a million
/// numbers without), and the length of a string from which comparing is slow enough to want it as well.
const LONG_SORT: usize = 200_000;
const LONG_STRING: usize = 1_024;

unsafe extern "C-unwind" fn sort(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `table.sort`; leaves the table and a comparator.
    unsafe {
        if ffi::lua_type(state, 1) == ffi::LUA_TTABLE
            && ffi::lua_isnoneornil(state, 2) != 0
            && sort_may_be_long(state)
        {
            ffi::lua_settop(state, 1);
            ffi::lua_pushcfunctiond(state, less_than, c"less_than".as_ptr());
        }
        call_native(&SORT, state)
    }
}

/// # Safety
/// The table is the first argument.
unsafe fn sort_may_be_long(state: *mut ffi::lua_State) -> bool {
    // SAFETY: raw reads of a table; every pushed value is popped again.
    unsafe {
        let length = ffi::lua_objlen(state, 1);
        if length > LONG_SORT {
            return true;
        }
        for index in 1..=c_int::try_from(length).unwrap_or(c_int::MAX) {
            let kind = ffi::lua_rawgeti(state, 1, ffi::lua_Integer::from(index));
            let long = kind == ffi::LUA_TSTRING && ffi::lua_objlen(state, -1) > LONG_STRING;
            ffi::lua_pop(state, 1);
            if long {
                return true;
            }
        }
        false
    }
}

unsafe extern "C-unwind" fn less_than(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by `table.sort` with two values; an armed interrupt means that the time is over.
    unsafe {
        if (*ffi::lua_callbacks(state)).interrupt.is_some() {
            ffi::luaL_error(state, c"the time limit was reached while sorting".as_ptr());
        }
        let less = ffi::lua_lessthan(state, 1, 2);
        ffi::lua_pushboolean(state, less);
        1
    }
}

/// Indices and counts beyond which `table.move` is refused: 2^26 is the largest table that Luau allows.
const MOST_INDEX: f64 = 67_108_864.0;
const MOST_MOVED: f64 = 4_000_000.0;

unsafe extern "C-unwind" fn move_(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `table.move`.
    unsafe {
        let from = ffi::luaL_checknumber(state, 2);
        let to = ffi::luaL_checknumber(state, 3);
        let target = ffi::luaL_checknumber(state, 4);
        let inside = |index: f64| (-MOST_INDEX..=MOST_INDEX).contains(&index);
        if !(inside(from) && inside(to) && inside(target)) || to - from > MOST_MOVED {
            ffi::luaL_error(state, c"table.move: the range is too large".as_ptr());
        }
        call_native(&MOVE, state)
    }
}
