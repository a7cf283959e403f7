//! `require`: makes generations and executes modules.

use super::build::Vm;
use super::compile::compiled;
use super::generation::{Generation, Instance, Phase, Snapshot};
use super::host::{Arguments, Field, HostError, HostFailure, HostResult};
use super::load_trace::LoadTrace;
use super::loader::Loader;
use super::resolve::{ModuleId, Source, Target};
use super::trace::{Fault, Raised, clean};
use mlua::chunk::ChunkMode;
use mlua::{Lua, MultiValue, Table, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How deep requires may nest; each level uses some of the C stack.
const DEEPEST_REQUIRE: usize = 32;

/// Why a generation could not be prepared. Nothing remains of it, except what a later plan must know.
#[derive(Debug)]
pub struct PrepareFailure {
    /// What went wrong.
    pub fault: Fault,
    /// What was read and looked for until then: a change of it is a reason to try again.
    pub trace: LoadTrace,
}

/// Makes a generation out of `snapshot`: `base`'s instances of the modules in `keep`, and the entry with
/// everything else that it requires executed again.
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

impl Loader {
    /// Loads what handlers of `base` had required and handlers of `generation` will require again: an unchanged module
    /// will require them again. So a mistake in one of them fails the reload and not a handler. Modules for which there
    /// is no time are left to the handlers, which load them in their own slices as before.
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
                // If a module above caught an earlier failure, it is overwritten by the one that counts.
                if !is_module_failure(&fault) {
                    modules.failure = Some((fault.clone(), chain));
                }
                Err(fault)
            }
        }
    }

    /// Freezes what a module returns, so that no other module can change it. Done in Luau, where the limits apply.
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
        let vm = Vm::of(lua).map_err(|error| vm_fault(lua, &error))?;
        let bytecode = compiled(source, vm.recorder().is_some())?;
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
        if let Some(recorder) = vm.recorder() {
            recorder.note(&source.path, &main);
        }
        let mut results = self
            .drivers
            .run
            .call::<MultiValue>(main)
            .map_err(|error| vm_fault(lua, &error))?;
        if let Some(Value::Boolean(true)) = results.pop_front() {
            return Ok(results);
        }
        let caught = results.pop_front();
        Err(Fault::from_raised(caught, vm.limits(), || vm.is_full()))
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
        // If the module was found before, the shared sources need not be searched.
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
            Target::Host(name) => return self.host_module(lua, &name),
            Target::Module(id) => id,
        };
        let value = self.module(lua, &generation, &id);
        if is_late {
            // The graph may have been read before this require was in it.
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

    /// A module under `@cogsmith`, which is made if it has not been.
    pub fn host_module(&self, lua: &Lua, name: &str) -> HostResult<Value> {
        let made = Vm::without_memory_errors(lua, || self.host_modules.get(lua, name));
        let module = made.map_err(|error| not_made(lua, name, error))?;
        module.ok_or_else(|| {
            let known: Vec<_> = self.host_modules.names().collect();
            let message = format!(
                "require: there is no @cogsmith/{name}; there are {}",
                known.join(", ")
            );
            HostError::new("module", message).into()
        })
    }
}

/// Why a module of the host's could not be made. Luau's own sentence would name places in the host's code.
fn not_made(lua: &Lua, name: &str, error: mlua::Error) -> HostFailure {
    let is_over = Vm::of(lua).is_ok_and(|vm| vm.is_expired());
    if is_over || matches!(error, mlua::Error::MemoryError(_)) {
        return error.into();
    }
    let message = format!(
        "require: @cogsmith/{name} could not be made here, among so many open calls: require it at the top of the file"
    );
    HostError::new("module", message).into()
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
