//! Luau's own assertions. Its sources are built with them in every profile, and one that fails ends the process.

use std::ffi::{CStr, c_char, c_int};

/// Luau's `Luau::AssertHandler`: expression, file, line, function. Whoever returns 0 has it go on.
type Handler = unsafe extern "C" fn(*const c_char, *const c_char, c_int, *const c_char) -> c_int;

#[cfg(not(target_env = "msvc"))]
unsafe extern "C" {
    /// The variable behind `Luau::assertHandler()`.
    #[link_name = "_ZZN4Luau13assertHandlerEvE7handler"]
    static mut HANDLER: Option<Handler>;
}

/// Has the assertions go on that say nothing about the VM's soundness. To be called before there are VMs on other
/// threads.
pub(in crate::vm) fn tolerate_harmless() {
    #[cfg(not(target_env = "msvc"))]
    // SAFETY: a variable of this type, which is read only where an assertion fails.
    unsafe {
        HANDLER = Some(handle);
    }
}

/// A coroutine in which memory ran out while its stack was to grow may be left with more than its stack has room
/// for. The collector asserts that this is never so, and then only takes it for a stack that is in use.
unsafe extern "C" fn handle(
    _expression: *const c_char,
    _file: *const c_char,
    _line: c_int,
    function: *const c_char,
) -> c_int {
    // SAFETY: the name of a C++ function, from the compiler.
    let function = unsafe { CStr::from_ptr(function) };
    c_int::from(function != c"shrinkstack")
}

#[cfg(all(test, not(target_env = "msvc")))]
mod tests {
    use super::*;

    #[test]
    fn only_the_harmless_assertion_goes_on() {
        crate::vm::build::self_test().unwrap();
        // SAFETY: nobody changes it after the self-test.
        let handler = unsafe { HANDLER }.unwrap();
        let answer = |function: &CStr| {
            // SAFETY: the texts end with NUL.
            unsafe { handler(c"x".as_ptr(), c"lgc.cpp".as_ptr(), 1, function.as_ptr()) }
        };
        assert_eq!(answer(c"shrinkstack"), 0);
        assert_eq!(answer(c"luaV_execute"), 1);
    }
}
