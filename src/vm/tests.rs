//! What a VM does when the host itself fails.

use super::build::{Vm, VmLimits};
use super::host::HostResult;
use super::require::{Loader, Snapshot};
use super::resolve::{ModuleId, Modules, Owner, Source};
use super::slice::Run;
use super::trace::Fault;
use crate::activity::Activity;
use mlua::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A tree of one cog.
struct OneCog(ModuleId, Arc<Source>);

impl Modules for OneCog {
    fn source(&self, id: &ModuleId) -> Option<&Arc<Source>> {
        (*id == self.0).then_some(&self.1)
    }

    fn ids(&self) -> Box<dyn Iterator<Item = &ModuleId> + '_> {
        Box::new(std::iter::once(&self.0))
    }

    fn problem(&self, _: &ModuleId) -> Option<&str> {
        None
    }

    fn cog_of(&self, id: &ModuleId) -> Option<Owner<'_>> {
        (*id == self.0).then_some(Owner {
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

fn fell() -> HostResult<()> {
    panic!("fell")
}

/// A VM whose host functions `fall` and `fall_later` panic.
fn clumsy() -> Vm {
    let late = Box::new(|| None);
    let vm = Vm::build(VmLimits::default(), late, |lua, host| {
        let module = lua.create_table()?;
        let fall = host.function(lua, "fall", |_, _| fell())?;
        module.raw_set("fall", fall)?;
        let later = host.async_function(lua, "fall_later", |_, _| async {
            tokio::task::yield_now().await;
            fell()
        })?;
        module.raw_set("fall_later", later)?;
        Ok(BTreeMap::from([("clumsy", Value::Table(module))]))
    });
    vm.unwrap()
}

async fn run(vm: &Vm, body: &str) -> Result<String, Fault> {
    let text =
        format!("return function()\nlocal clumsy = require(\"@cogsmith/clumsy\")\n{body}\nend");
    let id = ModuleId::new("cogs/t");
    let source = Arc::new(Source::new(id.clone(), text));
    let snapshot: Snapshot = Arc::new(OneCog(id.clone(), source));
    let generation = Loader::prepare(vm, &snapshot, &id, 1, None);
    let generation = generation.unwrap_or_else(|failure| panic!("{:?}", failure.fault));
    generation.go_live();
    let loaded: mlua::Table = vm
        .lua()
        .globals()
        .get::<mlua::Table>("package")
        .unwrap()
        .get("loaded")
        .unwrap();
    let handler: mlua::Function = loaded.get("cogs.t").unwrap();
    let run = Run::new(&Activity::new());
    let results = vm.run(&generation, &run, &handler, ()).await?;
    Ok(match results.front() {
        Some(Value::String(text)) => text.to_string_lossy(),
        _ => String::new(),
    })
}

#[tokio::test]
async fn a_panic_of_the_hosts_is_an_error_for_the_author_and_marks_the_vm() {
    let vm = clumsy();
    assert!(!vm.is_poisoned());
    let caught = run(
        &vm,
        "local ok, err = pcall(clumsy.fall) return `{ok} {err.kind} {err}`",
    )
    .await;
    assert_eq!(
        caught.unwrap(),
        "false internal fall: the host failed; its log says more"
    );
    assert!(vm.is_poisoned());
    // It still runs: until the next reload replaces it there is no other.
    assert_eq!(run(&vm, "return \"alive\"").await.unwrap(), "alive");
}

#[tokio::test]
async fn a_panic_after_a_wait_is_one_too() {
    let vm = clumsy();
    let fault = run(&vm, "clumsy.fall_later()").await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "fall_later: the host failed; its log says more"
    );
    assert!(vm.is_poisoned());
    assert_eq!(run(&vm, "return \"alive\"").await.unwrap(), "alive");
}
