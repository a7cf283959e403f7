//! Puts guards in front of Luau's libraries, so that no call in them outlives the deadline for long.
//!
//! Every function whose cost grows with its arguments checks the deadline first: called by another C function
//! (`table.sort(t, table.find)`), it would otherwise never be interrupted. Those that can take long in one call are
//! bounded or replaced besides.

use super::native::{NATIVE, call_native, call_pointer, push_native};
use super::{check_deadline, strings, tables};
use mlua::{Function, Lua, Table, ffi};
use std::ffi::{CStr, c_int};

/// The functions of one library, with the guard in front of each.
type Guards = &'static [(&'static CStr, ffi::lua_CFunction)];

/// Functions that are missing here take the same time whatever their arguments are.
const GUARDS: [(&str, Guards); 6] = [
    (
        "string",
        &[
            (c"byte", enter),
            (c"char", enter),
            (c"find", strings::find),
            (c"format", strings::format),
            (c"gmatch", strings::match_),
            (c"gsub", strings::gsub),
            (c"lower", enter),
            (c"match", strings::match_),
            (c"pack", strings::with_format),
            (c"packsize", strings::with_format),
            (c"rep", enter),
            (c"reverse", enter),
            (c"split", strings::split),
            (c"sub", enter),
            (c"unpack", strings::with_format),
            (c"upper", enter),
        ],
    ),
    (
        "table",
        &[
            (c"clear", enter),
            (c"clone", enter),
            (c"concat", enter),
            (c"create", enter),
            (c"find", enter),
            (c"foreach", tables::foreach),
            (c"foreachi", tables::foreach),
            (c"insert", enter),
            (c"maxn", enter),
            (c"move", tables::move_),
            (c"pack", enter),
            (c"remove", enter),
            (c"sort", tables::sort),
            (c"unpack", enter),
        ],
    ),
    (
        "utf8",
        &[
            (c"char", enter),
            (c"codepoint", enter),
            (c"len", enter),
            (c"offset", enter),
        ],
    ),
    (
        "buffer",
        &[
            (c"copy", enter),
            (c"create", enter),
            (c"fill", enter),
            (c"fromstring", enter),
            (c"readstring", enter),
            (c"tostring", enter),
            (c"writestring", enter),
        ],
    ),
    ("os", &[(c"date", strings::with_format)]),
    (
        "_G",
        &[
            (c"next", enter),
            (c"select", enter),
            (c"tonumber", enter),
            (c"unpack", enter),
        ],
    ),
];

/// Guards the libraries of a new VM.
pub(in crate::vm) fn guard_libraries(lua: &Lua) -> mlua::Result<()> {
    for (name, guards) in GUARDS {
        let library: Table = lua.globals().get(name)?;
        for &(name, guard) in guards {
            let key = name.to_string_lossy();
            let guarded = guarded(lua, library.raw_get(key.as_ref())?, name, guard)?;
            library.raw_set(key.as_ref(), guarded)?;
        }
    }
    Ok(())
}

/// The first upvalue of every guard: the original's own (or nil). The second is its pointer.
const OWN_UPVALUE: c_int = 1;

/// `original` behind `guard`. It is a C function as before, under the same name, so an error of the library's
/// own reads as before and is raised at its caller's line.
fn guarded(
    lua: &Lua,
    original: Function,
    name: &'static CStr,
    guard: ffi::lua_CFunction,
) -> mlua::Result<Function> {
    // SAFETY: the stack holds the original: a C function of the library's with at most one upvalue, which stays
    // the first one of the new closure, where the original looks for it. `name` is static.
    unsafe {
        lua.exec_raw(original, |state| {
            push_upvalue(state, OWN_UPVALUE);
            push_native(state);
            ffi::lua_pushcclosured(state, guard, name.as_ptr(), NATIVE);
            ffi::lua_replace(state, 1);
            ffi::lua_settop(state, 1);
        })
    }
}

/// The same library function, but with userdata as its first or fifth argument `fallback` is called, with `name` in
/// front of the arguments.
pub(crate) fn with_fallback(
    lua: &Lua,
    original: &Function,
    name: &'static CStr,
    fallback: &Function,
) -> mlua::Result<Function> {
    // SAFETY: the stack holds the two functions. The original is a C function of the library's or a guard, with
    // at most two upvalues, which stay the first ones of the new closure. The other three are the original's
    // pointer, the fallback and the name; `name` is static.
    unsafe {
        lua.exec_raw((original, fallback), |state| {
            push_upvalue(state, OWN_UPVALUE);
            push_upvalue(state, NATIVE);
            push_native(state);
            ffi::lua_pushvalue(state, 2);
            ffi::lua_pushstring(state, name.as_ptr());
            ffi::lua_pushcclosured(state, native_or_fallback, name.as_ptr(), NAME);
            ffi::lua_replace(state, 1);
            ffi::lua_settop(state, 1);
        })
    }
}

/// The further upvalues of a function with a fallback.
const EXTENDED: c_int = 3;
const FALLBACK: c_int = 4;
const NAME: c_int = 5;

/// # Safety
/// The first value on the stack is a C function.
unsafe fn push_upvalue(state: *mut ffi::lua_State, number: c_int) {
    // SAFETY: pushes one value, whether there is such an upvalue or not.
    unsafe {
        if ffi::lua_getupvalue(state, 1, number).is_null() {
            ffi::lua_pushnil(state);
        }
    }
}

/// The guard of functions that always end soon enough.
unsafe extern "C-unwind" fn enter(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau as the closure that `guarded` makes.
    unsafe {
        check_deadline(state);
        call_native(state)
    }
}

unsafe extern "C-unwind" fn native_or_fallback(state: *mut ffi::lua_State) -> c_int {
    // SAFETY: called by Luau as the closure that `with_fallback` makes, whose upvalues are known.
    unsafe {
        let of_userdata = |index| ffi::lua_type(state, index) == ffi::LUA_TUSERDATA;
        if of_userdata(1) || of_userdata(5) {
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(FALLBACK));
            ffi::lua_insert(state, 1);
            ffi::lua_pushvalue(state, ffi::lua_upvalueindex(NAME));
            ffi::lua_insert(state, 2);
            ffi::lua_call(state, ffi::lua_gettop(state) - 1, ffi::LUA_MULTRET);
            return ffi::lua_gettop(state);
        }
        call_pointer(state, EXTENDED)
    }
}
