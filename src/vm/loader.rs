//! What is loaded in one VM and runs there now. Loading itself is in `require`.

use super::generation::{Generation, Snapshot};
use super::host::{Host, HostChunk, HostModules, object_mark};
use super::resolve::ModuleId;
use super::run::Run;
use crate::lock::lock;
use mlua::{Function, Lua, Table, Value};
use std::sync::{Arc, Mutex};

static DRIVER: HostChunk = HostChunk::new("driver", include_str!("driver.luau"));

/// What is loaded in one VM, what of it runs now, and with what code is loaded and called.
pub struct Loader {
    pub(super) host: Host,
    /// The table behind `package.loaded`; read-only for Luau.
    loaded: Table,
    /// The metatable of every module's environment.
    pub(super) environment: Table,
    /// The modules under `@cogsmith`.
    pub(super) host_modules: HostModules,
    /// The generation whose code runs in the present slice.
    active: Mutex<Option<Arc<Generation>>>,
    /// The handler that the present slice belongs to.
    running: Mutex<Option<Arc<Run>>>,
    /// What `package.loaded` shows: the number of a generation, and its modules.
    published: Mutex<(u64, Vec<ModuleId>)>,
    pub(super) drivers: Drivers,
    /// Called when a handler has required something.
    pub(super) on_late_require: LateRequire,
}

/// The host's functions that call those of authors.
#[derive(Clone, Debug)]
pub struct Drivers {
    /// `(handler, …)`: calls a handler so that an error is returned with its stack trace.
    pub run: Function,
    /// `(coroutine, settled, …)`: a handler that drives an author's coroutine to its end.
    pub follow: Function,
    /// `(value, traceback)`: a handler that raises an error that was raised elsewhere.
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

/// Called when a handler, not a top level, has required something: the graph has changed. Returns the newest sources
/// from which the handler may be served.
pub(super) type LateRequire = Box<dyn Fn() -> Option<Snapshot> + Send + Sync>;

impl Loader {
    /// Puts `package` into the globals. To be called before the VM is sandboxed.
    pub(super) fn new(
        lua: &Lua,
        host: Host,
        drivers: Drivers,
        host_modules: HostModules,
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
    pub(super) fn show(
        &self,
        generation: &Generation,
        id: &ModuleId,
        value: &Value,
    ) -> mlua::Result<()> {
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
}
