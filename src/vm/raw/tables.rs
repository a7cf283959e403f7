//! The table library's guards.

use super::check_deadline;
use super::native::{call_native, check_in_callback};
use mlua::ffi;
use std::ffi::c_int;

/// In front of `table.foreach` and `table.foreachi`.
pub(super) unsafe extern "C-unwind" fn foreach(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with a table and a function.
    unsafe {
        check_deadline(state);
        check_in_callback(state, 2);
        call_native(state)
    }
}

/// Elements from which a sort without a comparator gets one that can be interrupted (0.1 s for a million
/// numbers without), and the length of a string from which comparing is slow enough to want it as well.
const LONG_SORT: usize = 200_000;
const LONG_STRING: usize = 1_024;

pub(super) unsafe extern "C-unwind" fn sort(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `table.sort`; leaves the table and a comparator.
    unsafe {
        check_deadline(state);
        if ffi::lua_isnoneornil(state, 2) == 0 {
            check_in_callback(state, 2);
        } else if ffi::lua_type(state, 1) == ffi::LUA_TTABLE && sort_may_be_long(state) {
            ffi::lua_settop(state, 1);
            ffi::lua_pushcfunctiond(state, less_than, c"less_than".as_ptr());
        }
        call_native(state)
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
    // SAFETY: called by `table.sort` with two values.
    unsafe {
        check_deadline(state);
        let less = ffi::lua_lessthan(state, 1, 2);
        ffi::lua_pushboolean(state, less);
        1
    }
}

/// Indices and counts beyond which `table.move` is refused: 2^26 is the largest table that Luau allows.
const MOST_INDEX: f64 = 67_108_864.0;
const MOST_MOVED: f64 = 4_000_000.0;

/// Elements that `table.move` moves before it checks the deadline: 0.1 s where it has to rehash.
const PIECE: c_int = 100_000;

pub(super) unsafe extern "C-unwind" fn move_(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau with the arguments of `table.move`.
    unsafe {
        check_deadline(state);
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let from = ffi::luaL_checknumber(state, 2);
        let to = ffi::luaL_checknumber(state, 3);
        let target = ffi::luaL_checknumber(state, 4);
        let inside = |index: f64| (-MOST_INDEX..=MOST_INDEX).contains(&index);
        if !(inside(from) && inside(to) && inside(target)) || to - from > MOST_MOVED {
            ffi::luaL_error(state, c"table.move: the range is too large".as_ptr());
        }
        if to - from < f64::from(PIECE) {
            return call_native(state);
        }
        move_in_pieces(state, whole(from), whole(to), whole(target))
    }
}

/// As Luau makes an index of a number that is not whole.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the index was found to be inside of the range"
)]
fn whole(index: f64) -> c_int {
    index as c_int
}

/// # Safety
/// As for [`move_`], with its numbers.
unsafe fn move_in_pieces(
    state: *mut ffi::lua_State,
    from: c_int,
    to: c_int,
    target: c_int,
) -> c_int {
    // SAFETY: the original is called with its own five arguments, of which the numbers are replaced, and its
    // one result goes before the next piece.
    unsafe {
        ffi::lua_settop(state, 5);
        let same = ffi::lua_isnil(state, 5) != 0 || ffi::lua_rawequal(state, 1, 5) != 0;
        // If the pieces overlap with their target, the last piece is moved first, as in the original.
        let upwards = same && from < target && target <= to;
        let pieces = (to - from) / PIECE + 1;
        for number in 0..pieces {
            let number = if upwards { pieces - 1 - number } else { number };
            let offset = number * PIECE;
            check_deadline(state);
            ffi::lua_settop(state, 5);
            set_index(state, 2, from + offset);
            set_index(state, 3, to.min(from + offset + (PIECE - 1)));
            set_index(state, 4, target + offset);
            call_native(state);
        }
        1
    }
}

/// # Safety
/// There is such an argument.
unsafe fn set_index(state: *mut ffi::lua_State, argument: c_int, index: c_int) {
    // SAFETY: replaces one value.
    unsafe {
        ffi::lua_pushnumber(state, f64::from(index));
        ffi::lua_replace(state, argument);
    }
}
