//! Luau chunks that belong to the host.

use mlua::chunk::{ChunkMode, Compiler};
use mlua::{IntoLuaMulti, Lua};
use std::sync::OnceLock;

/// A chunk of Luau code of the host, compiled once for all VMs; its frames are left out of the traces that authors see.
#[derive(Debug)]
pub struct HostChunk {
    name: &'static str,
    source: &'static str,
    bytecode: OnceLock<Vec<u8>>,
}

impl HostChunk {
    /// A chunk that is compiled when it is first loaded.
    pub const fn new(name: &'static str, source: &'static str) -> Self {
        Self {
            name,
            source,
            bytecode: OnceLock::new(),
        }
    }

    /// Runs the chunk in a VM.
    pub fn load<R: mlua::FromLuaMulti>(
        &self,
        lua: &Lua,
        arguments: impl IntoLuaMulti,
    ) -> mlua::Result<R> {
        let bytecode = if let Some(bytecode) = self.bytecode.get() {
            bytecode
        } else {
            // Nobody is shown lines of these, and every VM would hold them.
            let compiler = Compiler::new().set_optimization_level(1).set_debug_level(0);
            let bytecode = compiler.compile(self.source)?;
            self.bytecode.get_or_init(|| bytecode)
        };
        lua.load(bytecode.as_slice())
            .set_name(format!("=[cogsmith {}]", self.name))
            .set_mode(ChunkMode::Binary)
            .call(arguments)
    }
}
