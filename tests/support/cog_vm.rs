//! A cog's VM without its actor, for tests that call functions in it.

use super::{Stage, answering, setup};
use cogsmith::activity::Activity;
use cogsmith::api::context::CogContext;
use cogsmith::vm::build::{Vm, VmLimits};
use cogsmith::vm::generation::{Generation, Snapshot};
use cogsmith::vm::require;
use cogsmith::vm::resolve::{ModuleId, ModuleOwner, Modules, Source};
use cogsmith::vm::run::Run;
use cogsmith::vm::trace::Fault;
use mlua::{Function, MultiValue, Table, Value};
use std::sync::Arc;

/// A tree of one cog.
struct OneCog(ModuleId, Arc<Source>);

impl Modules for OneCog {
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        (*id == self.0).then_some(&self.1)
    }

    fn in_file(&self, path: &str) -> Option<&Arc<Source>> {
        (&*self.1.path == path).then_some(&self.1)
    }

    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_> {
        Box::new(std::iter::once(&self.0))
    }

    fn problem(&self, _: &ModuleId) -> Option<&str> {
        None
    }

    fn cog_of(&self, id: &ModuleId) -> Option<ModuleOwner<'_>> {
        (*id == self.0).then_some(ModuleOwner {
            name: "t",
            is_entry: true,
        })
    }

    fn alias(&self, _: &str) -> Option<&str> {
        None
    }

    fn alias_names(&self) -> Vec<&str> {
        Vec::new()
    }

    fn folders(&self) -> &[String] {
        &[]
    }
}

/// A cog's VM with all that a cog can require, and what its one module returns.
pub struct Cog {
    pub vm: Vm,
    pub module: Value,
    generation: Arc<Generation>,
}

impl Cog {
    pub fn new(context: &Arc<CogContext>, limits: VmLimits, source: &str) -> Self {
        let vm = Vm::build(limits, Box::new(|| None), |lua, host| {
            cogsmith::api::install(lua, host, context)
        });
        Self::load(vm.unwrap(), source)
    }

    /// A cog of this one module in a VM that is there already.
    pub fn load(vm: Vm, source: &str) -> Self {
        let id = ModuleId::new("cogs/t");
        let source = Arc::new(Source::new(id.clone(), source.to_owned()));
        let snapshot: Snapshot = Arc::new(OneCog(id.clone(), source));
        let generation = require::prepare(&vm, &snapshot, &id, 1, None);
        let generation = generation.unwrap_or_else(|failure| panic!("{}", failure.fault));
        generation.go_live();
        let package: Table = vm.lua().globals().get("package").unwrap();
        let module = package.get::<Table>("loaded").unwrap().get("cogs.t");
        Self {
            module: module.unwrap(),
            generation,
            vm,
        }
    }

    pub fn call(&self, function: &Function, arguments: MultiValue) -> Result<MultiValue, Fault> {
        self.vm.call(&self.generation, function, arguments)
    }

    /// Runs the function that the module returns, which may wait.
    pub async fn run(&self) -> Result<MultiValue, Fault> {
        let Value::Function(handler) = &self.module else {
            panic!("the module returns no function");
        };
        let run = Run::new(&Activity::new());
        self.vm.run(&self.generation, &run, handler, ()).await
    }
}

/// What a cog's functions know, of a cog that really runs.
pub async fn context() -> (Stage, Arc<CogContext>) {
    let stage = setup(&[("cogs/t.luau", &answering("t", "t"))])
        .start()
        .await;
    let context = Arc::clone(&stage.bot.cogs.get("t").unwrap().context);
    (stage, context)
}
