//! The code that runs now, and what it may do at this point of its life.

use crate::vm::build::Vm;
use crate::vm::generation::Generation;
use crate::vm::host::{HostError, HostResult};
use mlua::Lua;
use std::sync::Arc;

/// The generation whose code runs now.
pub(super) fn active(lua: &Lua) -> HostResult<Arc<Generation>> {
    let vm = Vm::of(lua)?;
    vm.loader()
        .active()
        .ok_or_else(|| HostError::new("phase", "no code of a cog is running").into())
}

/// The generation whose code runs, if that code may act on the world now.
pub(super) fn may_act(lua: &Lua, function: &str) -> HostResult<Arc<Generation>> {
    let generation = active(lua)?;
    generation.may_act(function)?;
    Ok(generation)
}

/// The generation whose code runs, if that code may write state now.
pub(super) fn may_write(lua: &Lua, function: &str) -> HostResult<Arc<Generation>> {
    let generation = active(lua)?;
    generation.may_look(function)?;
    if generation.is_loading() {
        let message = format!("{function}: not while loading: move this into cog.on_ready");
        return Err(HostError::new("phase", message).into());
    }
    Ok(generation)
}
