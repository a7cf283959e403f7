//! How a guard calls the library function behind it.

use super::check_deadline;
use mlua::ffi;
use std::ffi::{c_int, c_void};

/// The upvalue of every guard that is the pointer of the function behind it.
pub(super) const NATIVE: c_int = 2;

/// # Safety
/// The first value on the stack is a C function.
pub(super) unsafe fn push_native(state: *mut ffi::lua_State) {
    // SAFETY: a function's pointer is as wide as any other; it comes back out in `call_pointer`.
    unsafe {
        let native = ffi::lua_tocfunction(state, 1);
        ffi::lua_pushlightuserdata(
            state,
            native.map_or(std::ptr::null_mut(), |it| it as *mut c_void),
        );
    }
}

/// # Safety
/// To be called from a C function whose upvalue `number` is by `push_native`, with its own arguments on the
/// stack.
pub(super) unsafe fn call_pointer(state: *mut ffi::lua_State, number: c_int) -> c_int {
    // SAFETY: the same stack, the same arguments, the same convention: as if Luau had called it.
    unsafe {
        let address = ffi::lua_touserdata(state, ffi::lua_upvalueindex(number));
        let native = std::mem::transmute::<*mut c_void, Option<ffi::lua_CFunction>>(address);
        native.map_or(0, |native| native(state))
    }
}

/// The function behind a guard.
///
/// # Safety
/// To be called from a guard, with the arguments for the original on the stack.
pub(super) unsafe fn call_native(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: a guard's second upvalue is the original's pointer.
    unsafe { call_pointer(state, NATIVE) }
}

/// Makes a callback that is a C function check the deadline each time: Luau code does so by itself.
///
/// # Safety
/// To be called from a C function of `state` with its own arguments on the stack.
pub(super) unsafe fn check_in_callback(state: *mut ffi::lua_State, argument: c_int) {
    // SAFETY: replaces one argument by a closure over it.
    unsafe {
        if ffi::lua_iscfunction(state, argument) != 0 {
            ffi::lua_pushvalue(state, argument);
            ffi::lua_pushcclosured(state, checked_callback, c"callback".as_ptr(), 1);
            ffi::lua_replace(state, argument);
        }
    }
}

unsafe extern "C-unwind" fn checked_callback(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called as the closure that `check_in_callback` makes: its upvalue is the callback.
    unsafe {
        check_deadline(state);
        ffi::lua_pushvalue(state, ffi::lua_upvalueindex(1));
        ffi::lua_insert(state, 1);
        ffi::lua_call(state, ffi::lua_gettop(state) - 1, ffi::LUA_MULTRET);
        ffi::lua_gettop(state)
    }
}
