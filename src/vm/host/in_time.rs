//! A safe point of the host's.

use crate::vm::build::Vm;
use crate::vm::memory::exhausted::OUT_OF_MEMORY;
use crate::vm::raw;
use crate::vm::watchdog::EXPIRED;
use mlua::Lua;

/// Refuses once the running slice's time is over, or its memory used up. To be asked for
/// each table in a loop over what an author gave, which may take long to look through however little is in it, and
/// make more than there is room for.
pub fn in_time(lua: &Lua) -> mlua::Result<()> {
    if !raw::allocator::make_room_now(lua) {
        return Err(mlua::Error::MemoryError(OUT_OF_MEMORY.to_owned()));
    }
    match Vm::of(lua) {
        Ok(vm) if vm.is_expired() => Err(mlua::Error::runtime(EXPIRED)),
        _ => Ok(()),
    }
}
