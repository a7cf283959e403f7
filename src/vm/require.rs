//! `require`, `package.loaded` and the require graph: one structure.
//!
//! A [`Generation`] is what a cog runs: module instances by id, the requires between them as they were
//! executed, and the immutable snapshot of sources that all of it was read from. A reload makes a new
//! generation which takes over the untouched instances by identity and executes the rest; until it is
//! committed nothing else sees it, and on failure it is dropped.

use super::build::Vm;
use super::host::{Arguments, Failure, Field, Host, HostError, HostResult, load_host_chunk};
use super::resolve::{ContentHash, ModuleId, Modules as Sources, Source};
use super::resolve::{Target, alias_of, resolve};
use super::slice::Run;
use super::trace::{Fault, Raised, split_place};
use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, MultiValue, Table, Value};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How deep requires may nest; each level uses some of the C stack.
const DEEPEST_REQUIRE: usize = 32;

/// One immutable state of `lua/`.
pub type Snapshot = Arc<dyn Sources + Send + Sync>;

/// The modules of one cog, as one load or reload left them.
pub struct Generation {
    /// Counts up from 1 with each load of the cog.
    pub number: u64,
    /// The sources that this generation reads, also for a require in a handler.
    snapshot: Mutex<Snapshot>,
    entry: ModuleId,
    modules: Mutex<Modules>,
    /// Whether its cog runs a later one, or none any more.
    retired: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Modules {
    instances: BTreeMap<ModuleId, Instance>,
    edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
    /// Modules whose top level is running, outermost first.
    loading: Vec<ModuleId>,
    /// Modules in the order in which their top level ended.
    executed: Vec<ModuleId>,
    /// How far the generation has come.
    phase: Phase,
    /// The innermost failure of a module's top level, with the chain of requires that led there.
    failure: Option<(Fault, Vec<ModuleId>)>,
}

#[derive(Clone, Debug)]
struct Instance {
    value: Value,
    hash: ContentHash,
}

impl fmt::Debug for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Generation({} of {})", self.number, self.entry)
    }
}

/// How far a generation has come, and so what its code may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Top levels run: they declare, and act on nothing.
    #[default]
    Declaring,
    /// `on_load` runs: it may also read and write state, which is kept back until the commit.
    Preparing,
    /// It is committed, or about to be: everything but declaring.
    Live,
}

impl Generation {
    fn new(number: u64, snapshot: Snapshot, entry: ModuleId) -> Self {
        Self {
            number,
            snapshot: Mutex::new(snapshot),
            entry,
            modules: Mutex::default(),
            retired: watch::Sender::new(false),
        }
    }

    fn modules(&self) -> MutexGuard<'_, Modules> {
        self.modules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cog's own file.
    pub fn entry(&self) -> &ModuleId {
        &self.entry
    }

    /// The sources that this generation reads.
    pub fn snapshot(&self) -> Snapshot {
        Arc::clone(&lock(&self.snapshot))
    }

    /// Reads from `newest` from now on, provided that everything loaded so far says the same there: then
    /// one state of the sources still answers for all of it.
    fn follow(&self, newest: &Snapshot) {
        let mut snapshot = lock(&self.snapshot);
        if Arc::ptr_eq(&snapshot, newest) || *self.retired.borrow() {
            return;
        }
        let modules = self.modules();
        let same_text = modules.instances.iter().all(|(id, module)| {
            let source = newest.source(id);
            source.is_some_and(|source| source.hash == module.hash)
        });
        let mut aliases = modules.edges.values().flatten().filter(|id| id.is_alias());
        let alias = |sources: &Snapshot, id: &ModuleId| hash_of_alias(sources.as_ref(), id);
        if same_text && aliases.all(|id| alias(&snapshot, id) == alias(newest, id)) {
            *snapshot = Arc::clone(newest);
        }
    }

    /// The modules that this generation holds, with the hash of the source that each was made from.
    pub fn loaded(&self) -> BTreeMap<ModuleId, ContentHash> {
        let modules = self.modules();
        let hashes = modules.instances.iter();
        hashes
            .map(|(id, module)| (id.clone(), module.hash))
            .collect()
    }

    /// The requires that were executed, including those that found nothing.
    pub fn edges(&self) -> BTreeMap<ModuleId, BTreeSet<ModuleId>> {
        self.modules().edges.clone()
    }

    /// What the aliases that requires went through stand for.
    pub fn aliases(&self) -> BTreeMap<ModuleId, ContentHash> {
        let snapshot = self.snapshot();
        let modules = self.modules();
        let aliases = modules.edges.values().flatten().filter(|id| id.is_alias());
        aliases
            .filter_map(|id| Some((id.clone(), hash_of_alias(snapshot.as_ref(), id)?)))
            .collect()
    }

    /// The modules that were executed for this generation, in order.
    pub fn executed(&self) -> Vec<ModuleId> {
        self.modules().executed.clone()
    }

    /// The module whose top level runs now, if it may declare.
    pub fn declaring(&self) -> Option<ModuleId> {
        let modules = self.modules();
        (modules.phase == Phase::Declaring)
            .then(|| modules.loading.last().cloned())
            .flatten()
    }

    /// How far it has come.
    pub fn phase(&self) -> Phase {
        self.modules().phase
    }

    /// From now on its code may do everything.
    pub fn go_live(&self) {
        self.modules().phase = Phase::Live;
    }

    /// Its cog runs a later generation, or none any more: what still runs of it has to come to its end.
    pub fn retire(&self) {
        self.retired.send_replace(true);
    }

    /// Returns once it is retired.
    pub async fn retired(&self) {
        // The sender lives in `self`, so waiting cannot end with an error.
        let _closed = self
            .retired
            .subscribe()
            .wait_for(|retired| *retired)
            .await
            .is_err();
    }

    /// Whether a module's top level runs now.
    pub fn is_loading(&self) -> bool {
        !self.modules().loading.is_empty()
    }

    /// The error for `function` unless this code may act on the world now.
    pub fn may_act(&self, function: &str) -> Result<(), HostError> {
        let when = if self.is_loading() {
            "not while loading"
        } else if self.phase() == Phase::Live {
            return Ok(());
        } else {
            "not in cog.on_load"
        };
        let message = format!("{function}: {when}: move this into cog.on_ready");
        Err(HostError::new("phase", message))
    }

    /// Drops what the entry no longer reaches, so that a dependency removed by an edit is gone.
    fn forget_unreachable(&self) {
        let mut modules = self.modules();
        let mut reached = BTreeSet::new();
        let mut open = vec![self.entry.clone()];
        while let Some(id) = open.pop() {
            if reached.insert(id.clone())
                && let Some(targets) = modules.edges.get(&id)
            {
                open.extend(targets.iter().cloned());
            }
        }
        modules.instances.retain(|id, _| reached.contains(id));
        modules.edges.retain(|id, _| reached.contains(id));
    }
}

/// Why a generation could not be prepared. Nothing of it remains, except what a later plan must know.
#[derive(Debug)]
pub struct PrepareFailure {
    /// What went wrong.
    pub fault: Fault,
    /// The requires executed up to then: a change of one of them is a reason to try again.
    pub edges: BTreeMap<ModuleId, BTreeSet<ModuleId>>,
    /// The sources that were read up to then.
    pub read: BTreeMap<ModuleId, ContentHash>,
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
}

impl Drivers {
    pub(super) fn new(lua: &Lua) -> mlua::Result<Self> {
        let source = include_str!("driver.luau");
        let pending = Lua::poll_pending();
        let (run, follow, fail, abandon) = load_host_chunk(lua, "driver", source, pending)?;
        Ok(Self {
            run,
            follow,
            fail,
            abandon,
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
            edges: generation.edges(),
            read: generation.read(),
        })
    }

    /// Loads what handlers of `base` had required and handlers of `generation` will require again: a module
    /// that says the same as before still does. So a mistake in it fails the reload, not a handler.
    fn load_late(
        &self,
        vm: &Vm,
        generation: &Arc<Generation>,
        base: Option<&Arc<Generation>>,
    ) -> Result<(), Fault> {
        let Some(base) = base else {
            return Ok(());
        };
        while let Some((from, target)) = generation.next_late(base) {
            let entered = vm.enter(generation, || {
                let has_it = generation.modules().instances.contains_key(&target);
                if has_it {
                    return Ok(Ok(Value::Nil));
                }
                generation.modules().loading.push(from.clone());
                let result = self.execute(vm.lua(), generation, &target);
                generation.modules().loading.pop();
                Ok(result)
            });
            match entered {
                Ok(Ok(_)) => {}
                Ok(Err(fault)) | Err(fault) => return Err(fault),
            }
        }
        Ok(())
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
            return Err(plain_fault(format!("there is no module {}", id.dotted())));
        };
        generation.modules().loading.push(id.clone());
        generation.modules().edges.entry(id.clone()).or_default();
        let result = self.run_top_level(lua, id, &source);
        let result = result.and_then(|values| single_value(id, generation.entry(), values));
        let chain = {
            let mut modules = generation.modules();
            let chain = modules.loading.clone();
            modules.loading.pop();
            chain
        };
        match result {
            Ok(value) => {
                freeze(&value);
                self.show(generation, id, &value)
                    .map_err(|error| vm_fault(&error))?;
                let mut modules = generation.modules();
                modules.executed.push(id.clone());
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
                // A failure that a module above caught is overwritten by the one that counts.
                if !is_module_failure(&fault) {
                    modules.failure = Some((fault.clone(), chain));
                }
                Err(fault)
            }
        }
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
            .map_err(|error| vm_fault(&error))?;
        let mut results = self
            .drivers
            .run
            .call::<MultiValue>(main)
            .map_err(|error| vm_fault(&error))?;
        if let Some(Value::Boolean(true)) = results.pop_front() {
            return Ok(results);
        }
        let vm = Vm::of(lua).map_err(|error| vm_fault(&error))?;
        Err(Fault::from_raised(results.pop_front(), vm.limits()))
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
        if generation.phase() == Phase::Live
            && !request.starts_with("@cogsmith/")
            && let Some(newest) = (self.on_late_require)()
        {
            generation.follow(&newest);
        }
        let target = resolve(generation.snapshot().as_ref(), from, &request).map_err(|error| {
            let mut modules = generation.modules();
            let edges = modules.edges.entry(from.clone()).or_default();
            edges.extend(error.candidates.iter().cloned());
            edges.extend(alias_of(&request));
            HostError::new("module", error.to_string())
        })?;
        let id = match target {
            Target::Host(name) => return self.host_module(&name),
            Target::Module(id) => id,
        };
        {
            let mut modules = generation.modules();
            let edges = modules.edges.entry(from.clone()).or_default();
            edges.insert(id.clone());
            edges.extend(alias_of(&request));
            if let Some(start) = modules.loading.iter().position(|loading| *loading == id) {
                return Err(cycle(&modules.loading[start..], &id).into());
            }
            if let Some(module) = modules.instances.get(&id) {
                return Ok(module.value.clone());
            }
            if modules.loading.len() >= DEEPEST_REQUIRE {
                let message = format!("require: more than {DEEPEST_REQUIRE} modules deep");
                return Err(HostError::new("module", message).into());
            }
        }
        self.execute(lua, &generation, &id)
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

impl Generation {
    /// Takes over instances by identity, with their requires.
    fn take_over(&self, base: &Self, keep: &BTreeSet<ModuleId>) {
        let base = base.modules();
        let mut modules = self.modules();
        for id in keep {
            if let Some(instance) = base.instances.get(id) {
                modules.instances.insert(id.clone(), instance.clone());
                let edges = base.edges.get(id).cloned().unwrap_or_default();
                modules.edges.insert(id.clone(), edges);
            }
        }
    }

    /// Takes over one require that a handler of `base` made in a module that is unchanged, and that nobody
    /// has made in this generation yet. Nothing when there is none left.
    fn next_late(&self, base: &Self) -> Option<(ModuleId, ModuleId)> {
        let base = base.modules();
        let mut modules = self.modules();
        let found = modules.executed.iter().find_map(|from| {
            let before = base.instances.get(from)?;
            if modules.instances.get(from)?.hash != before.hash {
                return None;
            }
            let known = modules.edges.get(from);
            let is_new = |target: &&ModuleId| known.is_none_or(|known| !known.contains(*target));
            let mut targets = base.edges.get(from)?.iter().filter(is_new);
            // A target that was not found, or an alias, is no module to be loaded.
            let target = targets.find(|target| base.instances.contains_key(*target))?;
            Some((from.clone(), target.clone()))
        })?;
        let (from, target) = found.clone();
        modules.edges.entry(from).or_default().insert(target);
        Some(found)
    }

    /// The hashes of all sources that an attempt has looked at, also of those that failed.
    fn read(&self) -> BTreeMap<ModuleId, ContentHash> {
        let snapshot = self.snapshot();
        let modules = self.modules();
        let tried = modules.edges.keys().chain(modules.edges.values().flatten());
        tried
            .filter_map(|id| Some((id.clone(), snapshot.source(id)?.hash)))
            .collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hash_of_alias(sources: &dyn Sources, id: &ModuleId) -> Option<ContentHash> {
    sources
        .alias(id.as_str().strip_prefix('@')?)
        .map(ContentHash::of)
}

/// A source's bytecode, compiled once for all cogs.
pub fn compiled(source: &Source) -> Result<&[u8], Fault> {
    if let Some(bytecode) = source.bytecode.get() {
        return Ok(bytecode);
    }
    let compiler = mlua::chunk::Compiler::new()
        .set_optimization_level(1)
        .set_debug_level(1);
    match compiler.compile(source.text.as_bytes()) {
        Ok(bytecode) => Ok(source.bytecode.get_or_init(|| bytecode.into())),
        Err(error) => Err(syntax_fault(source, &error.to_string())),
    }
}

/// Luau's compiler says `3: Expected …`; the file is ours to add.
fn syntax_fault(source: &Source, message: &str) -> Fault {
    let message = message
        .strip_prefix("syntax error: ")
        .unwrap_or(message)
        .lines()
        .next()
        .unwrap_or_default();
    let placed = format!("{}:{}", source.path, message.trim_start_matches(':'));
    let (place, message) = match split_place(&placed) {
        (None, _) => (None, message.to_owned()),
        placed => placed,
    };
    let mut place = place.unwrap_or_default();
    place.file = source.path.to_string();
    Fault::Syntax {
        place: Box::new(place),
        message,
    }
}

fn plain_fault(message: String) -> Fault {
    Fault::Raised(Box::new(Raised {
        message,
        ..Raised::default()
    }))
}

fn vm_fault(error: &mlua::Error) -> Fault {
    Fault::from_vm(error, &super::build::VmLimits::default())
}

/// A module's failure, passed on to the module that required it.
const MODULE_FAILURE: &str = "module_failure";

fn is_module_failure(fault: &Fault) -> bool {
    matches!(fault, Fault::Raised(raised) if raised.kind.as_deref() == Some(MODULE_FAILURE))
}

fn raise_again(fault: &Fault) -> Failure {
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
        _ => Err(plain_fault(format!(
            "the module {} must return exactly one value, and returned {count}",
            id.dotted()
        ))),
    }
}

/// Freezes a plain table and the plain tables in it: what a module returns is not changed from outside.
fn freeze(value: &Value) {
    let mut seen = HashSet::new();
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        let Value::Table(table) = value else {
            continue;
        };
        if table.metatable().is_some() || !seen.insert(table.to_pointer()) {
            continue;
        }
        table.set_readonly(true);
        // A table that could not be walked to its end is frozen all the same.
        for (key, value) in table.pairs::<Value, Value>().flatten() {
            open.extend([key, value].into_iter().filter(Value::is_table));
        }
    }
}
