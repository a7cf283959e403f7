//! The only constructor of a Luau VM. Flags, guards, limits and globals are in place before any author's
//! code is.

use super::coverage::Recorder;
use super::host::{Host, HostModules};
pub use super::limits::VmLimits;
use super::loader::{Drivers, LateRequire, Loader};
use super::memory::held::HeapRecord;
use super::raw;
use super::raw::allocator::HeapBudget;
use super::watchdog::{self, Guard};
use mlua::{Function, Lua, LuaOptions, StdLib, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// Luau's flags without which running out of memory corrupts the heap, and two library calls run for
/// minutes. They are process-wide and must be set before the first VM.
const FLAGS: [&str; 3] = [
    "LuauTableRobustOom",
    "LuauTableMoveTimeoutFix",
    "LuauOptimizeStringSplit",
];

/// Globals that are removed: they run text or bytecode, break the environments, or reach into the host.
const REMOVED: [&str; 8] = [
    "loadstring",
    "getfenv",
    "setfenv",
    "newproxy",
    "require",
    "collectgarbage",
    "gcinfo",
    "print",
];

/// Why no VM can run in this process.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The linked Luau does not know a flag.
    #[error("this build's Luau does not have the flag {0}, without which it cannot be run safely")]
    Flag(&'static str),
    /// The thread that stops runaway code could not be started.
    #[error("the watchdog thread could not be started, and without it no cog may run")]
    Watchdog,
    /// A test VM did not behave as it must.
    #[error("a test VM did not behave as it must: {0}")]
    Behaviour(String),
}

/// Sets the flags and checks on a VM that the limits hold. Runs once; later calls return the first result.
pub fn self_test() -> Result<(), SelfTestError> {
    static RESULT: OnceLock<Result<(), SelfTestError>> = OnceLock::new();
    RESULT
        .get_or_init(|| {
            set_flags(&FLAGS)?;
            if !watchdog::is_running() {
                return Err(SelfTestError::Watchdog);
            }
            prove_limits(HeapBudget {
                used: 0,
                limit: 1 << 20,
            })
        })
        .clone()
}

/// A flag that this build of Luau does not know cannot have been set.
fn set_flags(flags: &[&'static str]) -> Result<(), SelfTestError> {
    let set = |flag| Lua::set_fflag(flag, true).map_err(|()| SelfTestError::Flag(flag));
    flags.iter().copied().try_for_each(set)
}

/// A VM must refuse memory beyond `heap` and still work. The test asks for 64 MB.
fn prove_limits(heap: HeapBudget) -> Result<(), SelfTestError> {
    let behaviour = |what: &str| SelfTestError::Behaviour(what.to_owned());
    let unexpected = |error: mlua::Error| behaviour(&error.to_string());
    let lua = Lua::new();
    raw::allocator::install(&lua).map_err(behaviour)?;
    let guard = Guard::install(&lua, raw::MOST_CALL_DEPTH);
    let grow: Function = lua
        .load("local kept = {} for index = 1, 16384 do kept[index] = buffer.create(4096) end")
        .into_function()
        .map_err(unexpected)?;
    let most = VmLimits::default().cpu;
    let (grown, _spent) = guard.run(&lua, most, heap, || grow.call::<()>(()));
    let lives = lua.load("assert(1 + 1 == 2)").exec();
    guard.retire();
    if grown.is_ok() {
        return Err(behaviour("memory beyond the limit was granted"));
    }
    lives.map_err(unexpected)
}

/// One cog's VM. Clones share it; it is closed when the last one is dropped.
#[derive(Clone)]
pub struct Vm(Arc<Inner>);

impl std::fmt::Debug for Vm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Vm")
    }
}

struct Inner {
    guard: Arc<Guard>,
    loader: Loader,
    limits: VmLimits,
    /// Set when the host has failed in this VM, also in one of its functions.
    poisoned: Arc<AtomicBool>,
    heap_record: HeapRecord,
    /// Counts which lines run, if anybody wants to know.
    recorder: Option<Recorder>,
    // The VM itself is dropped last: everything above refers into it.
    lua: Lua,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(recorder) = &self.recorder {
            recorder.hand_over();
        }
        // A future that a coroutine waits for refers to the Luau state that owns the coroutine.
        let _collected = self.lua.gc_collect().is_ok();
        self.guard.retire();
        self.limits.held.set_heap(0);
    }
}

/// How Rust code that Luau calls finds its VM.
struct OwnVm(Weak<Inner>);

impl Vm {
    /// Builds a VM. `install` says how the modules under `@cogsmith` are made and may replace library functions; no
    /// author's code runs before it has returned.
    pub fn build(
        limits: VmLimits,
        on_late_require: LateRequire,
        install: impl FnOnce(&Lua, &Host) -> mlua::Result<HostModules>,
    ) -> mlua::Result<Self> {
        self_test().map_err(mlua::Error::external)?;
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default())?;
        // Nearly all that is made here stays; what does not is collected once, at the end.
        lua.gc_stop();
        raw::allocator::install(&lua).map_err(mlua::Error::runtime)?;
        let guard = Guard::install(&lua, limits.call_depth);
        raw::guard_libraries(&lua)?;
        let host = Host::new(&lua, Arc::clone(&guard))?;
        // With Luau's own functions, before any are replaced.
        let drivers = Drivers::new(&lua)?;
        let poisoned = Arc::clone(host.poisoned());
        let modules = install(&lua, &host)?;
        restrict_globals(&lua, &host)?;
        let loader = Loader::new(&lua, host, drivers, modules, on_late_require)?;
        lua.sandbox(true)?;
        loader.seal(&lua)?;
        let vm = Self(Arc::new(Inner {
            guard,
            loader,
            recorder: limits.coverage.as_ref().map(Recorder::new),
            limits,
            poisoned,
            heap_record: HeapRecord::default(),
            lua,
        }));
        vm.lua().set_app_data(OwnVm(Arc::downgrade(&vm.0)));
        if let Some(coverage) = &vm.limits().coverage {
            let own = Arc::downgrade(&vm.0);
            coverage.register(Box::new(move || {
                let vm = own.upgrade();
                if let Some(recorder) = vm.as_ref().and_then(|vm| vm.recorder.as_ref()) {
                    recorder.hand_over();
                }
            }));
        }
        vm.lua().gc_restart();
        vm.lua().gc_collect()?;
        Ok(vm)
    }

    /// The VM that `lua` belongs to.
    pub fn of(lua: &Lua) -> mlua::Result<Self> {
        lua.app_data_ref::<OwnVm>()
            .and_then(|own| own.0.upgrade())
            .map(Self)
            .ok_or_else(|| mlua::Error::runtime("this VM is going down"))
    }

    /// The VM in which a coroutine lives.
    pub fn of_thread(thread: &mlua::Thread) -> mlua::Result<Self> {
        let lua = thread.weak_lua().try_upgrade();
        let lua = lua.ok_or_else(|| mlua::Error::runtime("this VM is gone"))?;
        Self::of(&lua)
    }

    /// The Luau state.
    pub fn lua(&self) -> &Lua {
        &self.0.lua
    }

    /// The module loader.
    pub fn loader(&self) -> &Loader {
        &self.0.loader
    }

    /// The limits that this VM was built with.
    pub fn limits(&self) -> &VmLimits {
        &self.0.limits
    }

    pub(super) fn recorder(&self) -> Option<&Recorder> {
        self.0.recorder.as_ref()
    }

    pub(super) fn heap_record(&self) -> &HeapRecord {
        &self.0.heap_record
    }

    /// Whether the time of the slice that runs now is over.
    pub fn is_expired(&self) -> bool {
        self.0.guard.is_expired()
    }

    pub(super) fn guard(&self) -> &Arc<Guard> {
        &self.0.guard
    }

    pub(super) fn driver(&self) -> &Function {
        &self.0.loader.drivers().run
    }

    /// Ends a coroutine that nobody drives any more, so that the future that it waits for is dropped.
    pub fn abandon(&self, thread: &mlua::Thread) {
        let closed = self.0.loader.drivers().abandon.call::<()>(thread);
        if let Err(error) = closed {
            tracing::warn!(%error, "A coroutine could not be ended");
        }
    }

    /// Marks the VM as not to be used again.
    pub(super) fn poison(&self) {
        self.0.poisoned.store(true, Ordering::Relaxed);
    }

    /// Whether the host failed in this VM.
    pub fn is_poisoned(&self) -> bool {
        self.0.poisoned.load(Ordering::Relaxed)
    }
}

/// Removes the globals that cogs must not have.
fn restrict_globals(lua: &Lua, host: &Host) -> mlua::Result<()> {
    let globals = lua.globals();
    let debug = lua.create_table()?;
    let full: mlua::Table = globals.get("debug")?;
    // `debug.info` would return functions, also those of the host.
    debug.raw_set("traceback", full.get::<Value>("traceback")?)?;
    globals.set("debug", debug)?;
    let print = globals.get::<Value>("print")?;
    let count = host.function(lua, "collectgarbage", |lua, arguments| {
        match arguments.optional_string(0, "the option")?.as_deref() {
            #[allow(
                clippy::cast_precision_loss,
                reason = "a heap is smaller than 2^53 bytes"
            )]
            None | Some("count") => Ok(lua.used_memory() as f64 / 1024.0),
            Some(_) => Err(arguments.wrong("the option", "\"count\"", &arguments.value(0))),
        }
    })?;
    for name in REMOVED {
        globals.raw_set(name, Value::Nil)?;
    }
    globals.set("collectgarbage", count)?;
    globals.set("print", print)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_luau_that_lacks_a_flag_is_refused() {
        let refused = set_flags(&["LuauTableRobustOom", "LuauNoSuchFlag"]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "this build's Luau does not have the flag LuauNoSuchFlag, without which it cannot be run safely"
        );
    }

    #[test]
    fn a_vm_that_grants_memory_beyond_its_limit_is_refused() {
        let granted = HeapBudget {
            used: 0,
            limit: 1 << 30,
        };
        let refused = prove_limits(granted).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a test VM did not behave as it must: memory beyond the limit was granted"
        );
    }
}
