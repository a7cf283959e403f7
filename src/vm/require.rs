//! `require` and `package.loaded`: makes generations and executes modules.

use super::build::Vm;
use super::compile::compiled;
use super::generation::{Generation, Instance, Phase, Snapshot};
use super::host::{
    Arguments, Field, Host, HostChunk, HostError, HostFailure, HostResult, object_mark,
};
use super::load_trace::LoadTrace;
use super::resolve::{ModuleId, Source, Target};
use super::slice::Run;
use super::trace::{Fault, Raised, clean};
use crate::lock::lock;
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, MultiValue, Table, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

static DRIVER: HostChunk = HostChunk::new("driver", include_str!("driver.luau"));

/// How deep requires may nest; each level uses some of the C stack.
const DEEPEST_REQUIRE: usize = 32;

/// Why a generation could not be prepared. Nothing of it remains, except what a later plan must know.
#[derive(Debug)]
pub struct PrepareFailure {
    /// What went wrong.
    pub fault: Fault,
    /// What was read and looked for up to then: a change of it is a reason to try again.
    pub trace: LoadTrace,
}

/// Loads modules in one VM.
pub struct Loader {
    host: Host,
    /// The table behind `package.loaded`; read-only for Luau.
    loaded: Table,
    /// The metatable of every module's environment.
    environment: Table,
    /// The modules under `@cogsmith`, by name.
    host_modules: BTreeMap<&'static str, Value>,
    /// The generation whose code runs in the present slice.
    active: Mutex<Option<Arc<Generation>>>,
    /// The handler that the present slice belongs to.
    running: Mutex<Option<Arc<Run>>>,
    /// What `package.loaded` shows: the number of a generation, and its modules.
    published: Mutex<(u64, Vec<ModuleId>)>,
    drivers: Drivers,
    /// Told when a handler has required something.
    on_late_require: LateRequire,
}

/// The host's own functions around an author's.
#[derive(Clone, Debug)]
pub struct Drivers {
    /// `(handler, …)`: calls a handler such that an error comes back with its stack.
    pub run: Function,
    /// `(coroutine, settled, …)`: a handler that drives an author's coroutine to its end.
    pub follow: Function,
    /// `(value, traceback)`: a handler that raises what was raised elsewhere.
    pub fail: Function,
    /// `(coroutine)`: ends a coroutine that nobody drives any more.
    pub abandon: Function,
    /// `(value)`: freezes a plain table and the plain tables in it.
    pub freeze: Function,
}

impl Drivers {
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        let (run, follow, fail, abandon, freeze) =
            DRIVER.load(lua, (Lua::poll_pending(), object_mark(lua)?))?;
        Ok(Self {
            run,
            follow,
            fail,
            abandon,
            freeze,
        })
    }
}

/// Is told when a handler, not a top level, has required something: the graph has changed. Returns the
/// newest sources from which the handler may be served.
pub type LateRequire = Box<dyn Fn() -> Option<Snapshot> + Send + Sync>;

impl Loader {
    /// Puts `package` into the globals. To be called before the VM is sandboxed.
    pub(super) fn new(
        lua: &Lua,
        host: Host,
        drivers: Drivers,
        host_modules: BTreeMap<&'static str, Value>,
        on_late_require: LateRequire,
    ) -> mlua::Result<Self> {
        let loaded = lua.create_table()?;
        loaded.set_readonly(true);
        let package = lua.create_table()?;
        package.raw_set("loaded", &loaded)?;
        package.set_readonly(true);
        lua.globals().raw_set("package", package)?;
        Ok(Self {
            host,
            loaded,
            environment: lua.create_table()?,
            host_modules,
            active: Mutex::default(),
            running: Mutex::default(),
            published: Mutex::default(),
            on_late_require,
            drivers,
        })
    }

    /// Binds the environments to the sandboxed globals. To be called after the VM was sandboxed.
    pub(super) fn seal(&self, lua: &Lua) -> mlua::Result<()> {
        // `sandbox` puts an empty table in front of the real, now read-only globals.
        let base: Value = match lua.globals().metatable() {
            Some(metatable) => metatable.get("__index")?,
            None => Value::Table(lua.globals()),
        };
        self.environment.raw_set("__index", base)?;
        self.environment.raw_set("__metatable", "locked")?;
        self.environment.set_readonly(true);
        Ok(())
    }

    /// The functions through which all of an author's code is called.
    pub fn drivers(&self) -> &Drivers {
        &self.drivers
    }

    /// From now on `generation`'s code runs.
    pub(super) fn activate(&self, generation: &Arc<Generation>) {
        *lock(&self.active) = Some(Arc::clone(generation));
    }

    /// The generation whose code runs in the present slice.
    pub fn active(&self) -> Option<Arc<Generation>> {
        lock(&self.active).clone()
    }

    pub(super) fn set_running(&self, run: Option<&Arc<Run>>) {
        *lock(&self.running) = run.cloned();
    }

    /// The handler that the present slice belongs to.
    pub fn running(&self) -> Option<Arc<Run>> {
        lock(&self.running).clone()
    }

    /// Makes a generation out of `snapshot`: `base`'s instances of the modules in `keep`, and the entry with
    /// everything else that it requires executed anew.
    pub fn prepare(
        vm: &Vm,
        snapshot: &Snapshot,
        entry: &ModuleId,
        number: u64,
        base: Option<(&Arc<Generation>, &BTreeSet<ModuleId>)>,
    ) -> Result<Arc<Generation>, PrepareFailure> {
        let generation = Generation::new(number, Arc::clone(snapshot), entry.clone());
        if let Some((base, keep)) = base {
            generation.take_over(base, keep);
        }
        let generation = Arc::new(generation);
        let loader = vm.loader();
        let result = vm.enter(&generation, || {
            loader.publish(&generation)?;
            Ok(loader.execute(vm.lua(), &generation, entry))
        });
        {
            let mut modules = generation.modules();
            modules.phase = Phase::Preparing;
            modules.loading.clear();
        }
        let failure = generation.modules().failure.take();
        let fault = match result {
            Ok(Ok(_)) => match loader.load_late(vm, &generation, base.map(|(base, _)| base)) {
                Ok(()) => {
                    generation.forget_unreachable();
                    return Ok(generation);
                }
                Err(fault) => with_chain(fault, generation.modules().failure.take()),
            },
            Ok(Err(fault)) | Err(fault) => with_chain(fault, failure),
        };
        Err(PrepareFailure {
            fault,
            trace: generation.trace(),
        })
    }

    /// Loads what handlers of `base` had required and handlers of `generation` will require again: a module
    /// that says the same as before still does. So a mistake in it fails the reload, not a handler. What there is
    /// no time for is left to the handlers, which have a slice for it as they had before.
    fn load_late(
        &self,
        vm: &Vm,
        generation: &Arc<Generation>,
        base: Option<&Arc<Generation>>,
    ) -> Result<(), Fault> {
        let Some(base) = base else {
            return Ok(());
        };
        let executed = |place: usize| generation.modules().executed.get(place).cloned();
        let mut place = 0;
        while let Some(from) = executed(place) {
            for request in generation.late_again(base, &from) {
                if !generation.has_time_for_more(vm.limits()) {
                    return Ok(());
                }
                let entered = vm.enter(generation, || {
                    Ok(self.load_again(vm.lua(), generation, &from, &request))
                });
                entered??;
            }
            place += 1;
        }
        Ok(())
    }

    /// Carries out a require that a handler in `from` will make.
    fn load_again(
        &self,
        lua: &Lua,
        generation: &Arc<Generation>,
        from: &ModuleId,
        request: &str,
    ) -> Result<(), Fault> {
        let found = generation.find(from, request);
        let Target::Module(id) = found.map_err(|error| plain_fault(&error.message))? else {
            return Ok(());
        };
        generation.note_late(from, &id, request);
        if generation.modules().instances.contains_key(&id) {
            return Ok(());
        }
        generation.modules().loading.push(from.clone());
        let result = self.execute(lua, generation, &id);
        generation.modules().loading.pop();
        result.map(drop)
    }

    /// Shows `generation` in `package.loaded`.
    pub fn publish(&self, generation: &Generation) -> mlua::Result<()> {
        let modules = generation.modules();
        let mut published = lock(&self.published);
        self.loaded.set_readonly(false);
        published.0 = generation.number;
        let result = published
            .1
            .drain(..)
            .filter(|id| !modules.instances.contains_key(id))
            .try_for_each(|id| self.loaded.raw_set(id.dotted(), Value::Nil))
            .and_then(|()| {
                modules
                    .instances
                    .iter()
                    .try_for_each(|(id, module)| self.loaded.raw_set(id.dotted(), &module.value))
            });
        self.loaded.set_readonly(true);
        published.1.extend(modules.instances.keys().cloned());
        result
    }

    /// Adds a module to `package.loaded`, unless that shows another generation: a handler of an older one
    /// may still require something.
    fn show(&self, generation: &Generation, id: &ModuleId, value: &Value) -> mlua::Result<()> {
        let mut published = lock(&self.published);
        if published.0 != generation.number {
            return Ok(());
        }
        published.1.push(id.clone());
        drop(published);
        self.loaded.set_readonly(false);
        let result = self.loaded.raw_set(id.dotted(), value);
        self.loaded.set_readonly(true);
        result
    }

    /// Runs a module's top level and keeps what it returns.
    fn execute(
        &self,
        lua: &Lua,
        generation: &Arc<Generation>,
        id: &ModuleId,
    ) -> Result<Value, Fault> {
        let Some(source) = generation.snapshot().source(id).cloned() else {
            return Err(plain_fault(&format!("there is no module {}", id.dotted())));
        };
        generation.modules().loading.push(id.clone());
        generation.modules().edges.entry(id.clone()).or_default();
        let result = self.run_top_level(lua, id, &source);
        let result = result
            .and_then(|values| single_value(id, generation.entry(), values))
            .and_then(|value| self.freeze(lua, value));
        let chain = {
            let mut modules = generation.modules();
            let chain = modules.loading.clone();
            modules.loading.pop();
            chain
        };
        match result {
            Ok(value) => {
                self.show(generation, id, &value)
                    .map_err(|error| vm_fault(lua, &error))?;
                let mut modules = generation.modules();
                modules.executed.push(id.clone());
                modules.failed.remove(id);
                modules.instances.insert(
                    id.clone(),
                    Instance {
                        value: value.clone(),
                        hash: source.hash,
                    },
                );
                Ok(value)
            }
            Err(fault) => {
                let mut modules = generation.modules();
                modules.failed.insert(id.clone(), source.hash);
                // A failure that a module above caught is overwritten by the one that counts.
                if !is_module_failure(&fault) {
                    modules.failure = Some((fault.clone(), chain));
                }
                Err(fault)
            }
        }
    }

    /// What a module returns is not changed from outside. In Luau, where the limits hold.
    fn freeze(&self, lua: &Lua, value: Value) -> Result<Value, Fault> {
        if value.is_table() {
            let frozen = self.drivers.freeze.call::<()>(&value);
            frozen.map_err(|error| vm_fault(lua, &error))?;
        }
        Ok(value)
    }

    fn run_top_level(
        &self,
        lua: &Lua,
        id: &ModuleId,
        source: &Source,
    ) -> Result<MultiValue, Fault> {
        let bytecode = compiled(source)?;
        let main = self
            .environment_of(lua, id)
            .and_then(|environment| {
                lua.load(bytecode)
                    .set_name(format!("@{}", source.path))
                    .set_mode(ChunkMode::Binary)
                    .set_environment(environment)
                    .into_function()
            })
            .map_err(|error| vm_fault(lua, &error))?;
        let mut results = self
            .drivers
            .run
            .call::<MultiValue>(main)
            .map_err(|error| vm_fault(lua, &error))?;
        if let Some(Value::Boolean(true)) = results.pop_front() {
            return Ok(results);
        }
        let vm = Vm::of(lua).map_err(|error| vm_fault(lua, &error))?;
        Err(Fault::from_raised(results.pop_front(), &vm))
    }

    /// A table for a module's globals, through which the module's own `require` and the library are seen.
    fn environment_of(&self, lua: &Lua, id: &ModuleId) -> mlua::Result<Table> {
        let environment = lua.create_table()?;
        let from = id.clone();
        let require = self.host.function(lua, "require", move |lua, arguments| {
            let vm = Vm::of(lua)?;
            vm.loader().require(lua, &from, arguments)
        })?;
        environment.raw_set("require", require)?;
        environment.set_metatable(Some(self.environment.clone()))?;
        environment.set_safeenv(true);
        Ok(environment)
    }

    fn require(&self, lua: &Lua, from: &ModuleId, arguments: &Arguments) -> HostResult<Value> {
        let request = arguments.string(0, "the path")?;
        let Some(generation) = self.active() else {
            return Err(HostError::new("module", "require: no code is running").into());
        };
        let is_late = generation.phase() == Phase::Live && !generation.is_loading();
        // What all cogs share is not looked at for what is here already.
        if is_late && let Some(value) = generation.found_before(from, &request) {
            return Ok(value);
        }
        if is_late
            && !request.starts_with("@cogsmith/")
            && let Some(newest) = (self.on_late_require)()
        {
            generation.follow(&newest);
        }
        let id = match generation.find(from, &request)? {
            Target::Host(name) => return self.host_module(&name),
            Target::Module(id) => id,
        };
        let value = self.module(lua, &generation, &id);
        if is_late {
            // The graph may have been looked at before this require was in it.
            (self.on_late_require)();
        }
        let value = value?;
        if is_late {
            generation.note_late(from, &id, &request);
        }
        Ok(value)
    }

    /// The value of a module that was found; it is executed if it has not been.
    fn module(&self, lua: &Lua, generation: &Arc<Generation>, id: &ModuleId) -> HostResult<Value> {
        {
            let modules = generation.modules();
            if let Some(start) = modules.loading.iter().position(|loading| loading == id) {
                return Err(cycle(&modules.loading[start..], id).into());
            }
            if let Some(module) = modules.instances.get(id) {
                return Ok(module.value.clone());
            }
            if modules.loading.len() >= DEEPEST_REQUIRE {
                let message = format!("require: more than {DEEPEST_REQUIRE} modules deep");
                return Err(HostError::new("module", message).into());
            }
        }
        self.execute(lua, generation, id)
            .map_err(|fault| raise_again(&fault))
    }

    fn host_module(&self, name: &str) -> HostResult<Value> {
        self.host_modules.get(name).cloned().ok_or_else(|| {
            let known: Vec<_> = self.host_modules.keys().copied().collect();
            let message = format!(
                "require: there is no @cogsmith/{name}; there are {}",
                known.join(", ")
            );
            HostError::new("module", message).into()
        })
    }
}

fn plain_fault(message: &str) -> Fault {
    Fault::Raised(Box::new(Raised {
        message: clean(message),
        ..Raised::default()
    }))
}

fn vm_fault(lua: &Lua, error: &mlua::Error) -> Fault {
    match Vm::of(lua) {
        Ok(vm) => Fault::from_vm(error, vm.limits()),
        Err(gone) => plain_fault(&gone.to_string()),
    }
}

/// A module's failure, passed on to the module that required it.
const MODULE_FAILURE: &str = "module_failure";

fn is_module_failure(fault: &Fault) -> bool {
    matches!(fault, Fault::Raised(raised) if raised.kind.as_deref() == Some(MODULE_FAILURE))
}

fn raise_again(fault: &Fault) -> HostFailure {
    let mut error = HostError::new(MODULE_FAILURE, fault.to_string());
    let place = match fault {
        Fault::Raised(raised) => raised.place.as_ref(),
        Fault::Syntax { place, .. } => Some(place.as_ref()),
        _ => None,
    };
    if let Some(place) = place {
        error = error
            .with("file", Field::Text(place.file.clone()))
            .with("line", Field::Integer(i64::from(place.line)));
    }
    error.into()
}

/// The innermost failure with its chain of requires, if that is what the entry failed with.
fn with_chain(fault: Fault, innermost: Option<(Fault, Vec<ModuleId>)>) -> Fault {
    let (mut fault, chain) = match innermost {
        Some(innermost) if is_module_failure(&fault) || same_message(&fault, &innermost.0) => {
            innermost
        }
        _ => return fault,
    };
    if let Fault::Raised(raised) = &mut fault
        && chain.len() > 1
    {
        raised.requires = chain.iter().map(ModuleId::dotted).collect();
    }
    fault
}

fn same_message(a: &Fault, b: &Fault) -> bool {
    a.to_string() == b.to_string()
}

fn cycle(loading: &[ModuleId], again: &ModuleId) -> HostError {
    let chain: Vec<_> = loading
        .iter()
        .chain([again])
        .map(ModuleId::dotted)
        .collect();
    let message = format!("a cycle of requires: {}", chain.join(" → "));
    HostError::new("module", message)
}

fn single_value(id: &ModuleId, entry: &ModuleId, values: MultiValue) -> Result<Value, Fault> {
    if id == entry {
        return Ok(values.into_iter().next().unwrap_or(Value::Nil));
    }
    let count = values.len();
    let mut values = values.into_iter();
    match (values.next(), count) {
        (Some(value), 1) => Ok(value),
        _ => Err(plain_fault(&format!(
            "the module {} must return exactly one value, and returned {count}",
            id.dotted()
        ))),
    }
}
