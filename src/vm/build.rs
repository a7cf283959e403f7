//! The only constructor of a Luau VM. Flags, guards, limits and globals are in place before any author's
//! code is.

use super::cpu_usage::CpuMeter;
use super::host::Host;
use super::memory::Memory;
use super::raw;
use super::raw::allocator::HeapBudget;
use super::require::{Drivers, LateRequire, Loader};
use super::watchdog::{self, Guard};
use mlua::{Function, Lua, LuaOptions, StdLib, Value};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Luau's flags without which running out of memory corrupts the heap, and two library calls run for
/// minutes. They are process-wide and must be set before the first VM.
const FLAGS: [&str; 3] = [
    "LuauTableRobustOom",
    "LuauTableMoveTimeoutFix",
    "LuauOptimizeStringSplit",
];

/// Globals that no cog gets: they run text or bytecode, break the environments, or reach into the host.
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

/// What one VM may use.
#[derive(Clone, Debug)]
pub struct VmLimits {
    /// Bytes of Luau's heap.
    pub memory: usize,
    /// Calls within calls.
    pub call_depth: u32,
    /// CPU time of one slice: from an entry into Luau until it waits or ends.
    pub cpu: Duration,
    /// CPU time of all slices of committed code within a minute.
    pub cpu_per_minute: Duration,
    /// Where the time of the cog's time slices is counted.
    pub cpu_meter: Arc<CpuMeter>,
    /// Where its memory is counted.
    pub held: Arc<Memory>,
}

impl Default for VmLimits {
    fn default() -> Self {
        Self {
            memory: 32 << 20,
            call_depth: raw::MOST_CALL_DEPTH,
            cpu: Duration::from_millis(250),
            cpu_per_minute: Duration::from_secs(15),
            cpu_meter: Arc::default(),
            held: Arc::default(),
        }
    }
}

/// Why no VM can run in this process.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SelfTestError {
    /// The linked Luau does not know a flag.
    #[error("this build's Luau does not have the flag {0}, without which it cannot be run safely")]
    Flag(&'static str),
    /// The thread that stops runaway code could not be started.
    #[error("the watchdog thread could not be started, and without it no cog may run")]
    Watchdog,
    /// A VM did not behave as it must.
    #[error("a test VM did not behave as it must: {0}")]
    Behaviour(String),
}

/// Sets the flags and proves on a VM that limits hold. Runs once; later calls return the first result.
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

/// A VM must refuse memory beyond `heap` and live on. Asks for 64 MB.
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

/// One cog's VM. Clones share it; the last one to go takes it down.
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
    /// Bytes of the heap after the last collection that the host asked for.
    collected: AtomicUsize,
    /// How often the host has asked for one.
    collections: AtomicUsize,
    /// See [`Vm::peak_memory`].
    peak: AtomicUsize,
    // The VM itself goes last: everything above refers into it.
    lua: Lua,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What a coroutine waits for refers to the Luau state that owns it.
        let _collected = self.lua.gc_collect().is_ok();
        self.guard.retire();
        self.limits.held.set_heap(0);
    }
}

/// How Rust code that Luau calls finds its VM.
struct OwnVm(Weak<Inner>);

impl Vm {
    /// Builds a VM. `install` makes the modules under `@cogsmith` and may replace library functions; no
    /// author's code runs before it has returned.
    pub fn build(
        limits: VmLimits,
        on_late_require: LateRequire,
        install: impl FnOnce(&Lua, &Host) -> mlua::Result<BTreeMap<&'static str, Value>>,
    ) -> mlua::Result<Self> {
        self_test().map_err(mlua::Error::external)?;
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default())?;
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
            limits,
            poisoned,
            collected: AtomicUsize::new(0),
            collections: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            lua,
        }));
        vm.lua().set_app_data(OwnVm(Arc::downgrade(&vm.0)));
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

    /// Bytes of Luau's heap in use.
    pub fn memory(&self) -> usize {
        self.0.lua.used_memory()
    }

    /// The most that a slice has had in use at once so far, in bytes of Luau's heap.
    pub fn peak_memory(&self) -> usize {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// Remembers what the slice that has just ended on this thread needed.
    pub(super) fn note_peak(&self) {
        self.0
            .peak
            .fetch_max(raw::allocator::peak(), Ordering::Relaxed);
    }

    /// Notes how large the heap is, for those who look from outside.
    pub fn note_memory(&self) {
        self.0.limits.held.set_heap(self.memory());
    }

    /// What the heap may have: what Rust keeps for the VM takes its share of the limit.
    fn heap_limit(&self) -> usize {
        let limits = &self.0.limits;
        limits.memory.saturating_sub(limits.held.outside()).max(1)
    }

    /// Whether there is next to no room left on the heap.
    pub(super) fn is_full(&self) -> bool {
        self.memory() > self.heap_limit() / 16 * 15
    }

    /// Whether more than three quarters of what it may have are in use, and no garbage.
    pub fn is_crowded(&self) -> bool {
        let limits = &self.0.limits;
        let most = limits.memory / 4 * 3;
        let is_crowded = || self.memory() + limits.held.outside() > most;
        is_crowded() && {
            self.collect();
            is_crowded()
        }
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

    /// Has mlua call Luau in protected mode where memory may run out. Its own limit is never reached: see
    /// `raw::allocator`.
    pub(super) fn expect_memory_errors(&self, on: bool) {
        let limit = if on { isize::MAX.unsigned_abs() } else { 0 };
        // Fails only for a Lua state that mlua does not own.
        let _set = self.0.lua.set_memory_limit(limit).is_ok();
    }

    /// What the slice that begins now may use of the heap; nothing if the heap is full for good. One that is a
    /// little too full has room for code that tidies up.
    /// An older version leaves the one that answers a quarter of it.
    pub(super) fn heap_budget(&self, is_older: bool) -> Option<HeapBudget> {
        self.make_room();
        let (used, whole) = (self.memory(), self.heap_limit());
        let limit = if is_older { whole / 4 * 3 } else { whole };
        let a_little = limit / 16;
        if used > limit + 3 * a_little {
            return None;
        }
        let limit = limit.max(used + a_little);
        Some(HeapBudget { used, limit })
    }

    /// Collects garbage when little room is left and much has come since the last time.
    fn make_room(&self) {
        if self.memory() > self.heap_limit() / 4 * 3 {
            self.collect_growth();
        }
    }

    /// Collects garbage when much has come since the last time.
    pub fn collect_growth(&self) {
        let collected = self.0.collected.load(Ordering::Relaxed);
        if self.memory() > collected + self.heap_limit() / 16 {
            self.collect();
        }
    }

    /// Collects all garbage, outside of any slice.
    pub fn collect(&self) {
        // Only a finaliser could raise, and Luau's have none.
        let _collected = self.0.lua.gc_collect().is_ok();
        self.0.collected.store(self.memory(), Ordering::Relaxed);
        self.0.collections.fetch_add(1, Ordering::Relaxed);
        self.note_memory();
    }

    /// How often garbage was collected.
    pub(super) fn collections(&self) -> usize {
        self.0.collections.load(Ordering::Relaxed)
    }

    /// From now on what the last collection left may be garbage, too.
    pub(super) fn forget_collection(&self) {
        self.0.collected.store(0, Ordering::Relaxed);
    }

    /// Ends a coroutine that nobody drives any more, so that what it waited for is given up.
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

/// Takes away what no cog gets.
fn restrict_globals(lua: &Lua, host: &Host) -> mlua::Result<()> {
    let globals = lua.globals();
    let debug = lua.create_table()?;
    let full: mlua::Table = globals.get("debug")?;
    // `debug.info` hands out functions, also the host's own.
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
