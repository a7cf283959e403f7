//! The string library's guards, and that of `os.date`.

use super::check_deadline;
use super::native::call_native;
use mlua::ffi;
use std::ffi::{CStr, c_int};

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

/// As [`string_argument`], with the library's own error for what is neither a string nor a number.
///
/// # Safety
/// As for [`string_argument`], and what it raises passes through its caller.
unsafe fn check_string<'a>(state: *mut ffi::lua_State, index: c_int) -> &'a [u8] {
    // SAFETY: a string's pointer and length come from Luau itself; a number is converted in place.
    unsafe {
        let mut length = 0;
        let start = ffi::luaL_checklstring(state, index, &raw mut length);
        std::slice::from_raw_parts(start.cast(), length)
    }
}

/// # Safety
/// To be called from a C function of `state`; what it raises passes through its caller.
unsafe fn refuse(state: *mut ffi::lua_State, message: &'static CStr) {
    // SAFETY: the message is static and has no place for further arguments.
    unsafe { ffi::luaL_error(state, message.as_ptr()) }
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

/// Subject length × longest set above which a pattern is refused: 0.1 s at the measured 1.5 ns a step.
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
            refuse(
                state,
                c"the pattern's [set] is too long for a string of this size",
            );
        }
    }
}

pub(super) unsafe extern "C-unwind" fn match_(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.match` or `string.gmatch`.
    unsafe {
        check_deadline(state);
        refuse_long_sets(state);
        call_native(state)
    }
}

/// Captures that a replacement of `string.gsub` may insert: 0.02 s at the measured 20 ns each.
const MOST_INSERTED: usize = 1_000_000;

pub(super) unsafe extern "C-unwind" fn gsub(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.gsub`.
    unsafe {
        check_deadline(state);
        refuse_long_sets(state);
        if let Some(replacement) = string_argument(state, 3)
            && replacement.len() > MOST_INSERTED
            && memchr::memchr_iter(b'%', replacement).count() > MOST_INSERTED
        {
            refuse(
                state,
                c"string.gsub: the replacement inserts too many captures",
            );
        }
        call_native(state)
    }
}

pub(super) unsafe extern "C-unwind" fn find(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.find`; pushes at most the two results.
    unsafe {
        check_deadline(state);
        let (Some(subject), Some(pattern)) = (string_argument(state, 1), string_argument(state, 2))
        else {
            return call_native(state);
        };
        if subject.len().saturating_mul(pattern.len()) <= LEAST_GUARDED_WORK {
            return call_native(state);
        }
        let plain = ffi::lua_toboolean(state, 4) != 0
            || !pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte));
        if !plain {
            refuse_long_sets(state);
            return call_native(state);
        }
        let start = start_of_search(ffi::luaL_optinteger_(state, 3, 1), subject.len());
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

/// Where a search from Luau's `init` begins, from 0; none if it is after the end.
fn start_of_search(init: c_int, length: usize) -> Option<usize> {
    let (init, length) = (i64::from(init), i64::try_from(length).ok()?);
    let init = if init < 0 { length + init + 1 } else { init };
    let start = init.max(1) - 1;
    (start <= length).then(|| usize::try_from(start).ok())?
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

/// Parts that `string.split` makes before it checks the deadline.
const PARTS_AT_ONCE: c_int = 64;

/// Replaces the library's function: it searches in linear time, and checks the deadline on the way, since making a
/// string takes long while others with the same hash live.
pub(super) unsafe extern "C-unwind" fn split(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.split`, which stay on the stack.
    unsafe {
        check_deadline(state);
        let subject = check_string(state, 1);
        let separator = if ffi::lua_isnoneornil(state, 2) == 0 {
            check_string(state, 2)
        } else {
            b","
        };
        match separator {
            [] => push_list(state, subject.len(), subject.chunks(1)),
            [byte] => push_parts(state, subject, 1, memchr::memchr_iter(*byte, subject)),
            _ => {
                let found = memchr::memmem::find_iter(subject, separator);
                push_parts(state, subject, separator.len(), found)
            }
        }
    }
}

/// Pushes what lies between separators of `width` bytes, which begin at `found`.
///
/// # Safety
/// As for [`push_list`].
unsafe fn push_parts(
    state: *mut ffi::lua_State,
    subject: &[u8],
    width: usize,
    found: impl Iterator<Item = usize> + Clone,
) -> c_int {
    let count = found.clone().count() + 1;
    let mut start = 0;
    let parts = found.chain([subject.len()]).map(|end| {
        let part = &subject[start..end];
        start = end + width;
        part
    });
    // SAFETY: the caller's.
    unsafe { push_list(state, count, parts) }
}

/// # Safety
/// To be called from a C function of `state`; what it raises passes through its caller.
unsafe fn push_list<'a>(
    state: *mut ffi::lua_State,
    count: usize,
    parts: impl Iterator<Item = &'a [u8]>,
) -> c_int {
    // SAFETY: builds one table of `count` strings at the top of the stack.
    unsafe {
        ffi::lua_createtable(state, c_int::try_from(count).unwrap_or(c_int::MAX), 0);
        for (index, part) in (1..).zip(parts) {
            if index % PARTS_AT_ONCE == 0 {
                check_deadline(state);
            }
            ffi::lua_pushlstring(state, part.as_ptr().cast(), part.len());
            ffi::lua_rawseti_(state, -2, index);
        }
        1
    }
}

/// Arguments of `string.format`: a number takes up to 8 µs.
const MOST_FORMATTED: c_int = 10_000;

pub(super) unsafe extern "C-unwind" fn format(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `string.format`.
    unsafe {
        check_deadline(state);
        if ffi::lua_gettop(state) > MOST_FORMATTED {
            refuse(state, c"string.format: there are too many arguments");
        }
        call_native(state)
    }
}

/// Bytes of a format of `string.pack`, `string.unpack`, `string.packsize` and `os.date`: each option takes up to
/// 60 ns, or makes a string.
const LONGEST_FORMAT: usize = 1 << 14;

pub(super) unsafe extern "C-unwind" fn with_format(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with a format as the first argument.
    unsafe {
        check_deadline(state);
        if string_argument(state, 1).is_some_and(|format| format.len() > LONGEST_FORMAT) {
            refuse(state, c"the format is too long");
        }
        call_native(state)
    }
}
