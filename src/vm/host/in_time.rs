//! A safe point of the host.

use crate::vm::build::Vm;
use crate::vm::memory::exhausted::OUT_OF_MEMORY;
use crate::vm::raw;
use crate::vm::watchdog::EXPIRED;
use mlua::Lua;

/// Fails once the running slice's time is over or its memory is used up. To be called for each table in a loop over an
/// author's value: reading it may take long however little it contains, and may make more values than there is room
/// for.
pub fn in_time(lua: &Lua) -> mlua::Result<()> {
    if !raw::allocator::make_room_now(lua) {
        return Err(mlua::Error::MemoryError(OUT_OF_MEMORY.to_owned()));
    }
    match Vm::of(lua) {
        Ok(vm) if vm.is_expired() => Err(mlua::Error::runtime(EXPIRED)),
        _ => Ok(()),
    }
}
