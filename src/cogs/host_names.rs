//! What the host offers to cogs, by name, as a cog's VM has it: for checks of texts that run in none.

use super::prepare::build_vm;
use crate::api::context::CogContext;
use crate::api::module_names;
use crate::api::reach::WORDS;
use crate::api::services::Services;
use crate::discord::events::events;
use crate::discord::operations::{Operation, operations};
use crate::lint::{HostNames, Names};
use crate::vm::host::HostFailure;
use mlua::{Table, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the module's own tables are searched to: `cog.check.any` is two.
const DEEPEST: usize = 3;
/// What every module has in front of Luau's globals.
const OF_MODULES: [&str; 3] = ["require", "package", "print"];
/// Capabilities that are those of a module of their own name, or of a function of theirs.
const OTHERS: [&str; 2] = ["http", "presence"];

/// Looks all names up in a VM that is made for it. The error is a sentence.
pub fn host_names(services: &Arc<Services>) -> Result<HostNames, String> {
    let (spawns, _nobody) = mpsc::unbounded_channel();
    let cog = Arc::new(CogContext::new("check", Arc::clone(services), spawns));
    let vm = build_vm(&cog).map_err(|failure| failure.fault.to_string())?;
    let lua = vm.lua();
    let mut modules = BTreeMap::new();
    for name in module_names() {
        let module = vm
            .loader()
            .host_module(lua, name)
            .map_err(|failure| told(&failure))?;
        modules.insert(
            name.to_owned(),
            names_of(&module, 0).map_err(|it| it.to_string())?,
        );
    }
    add_computed(&mut modules);
    let globals = globals(&lua.globals()).map_err(|error| error.to_string())?;
    Ok(HostNames {
        modules,
        globals,
        by_capability: by_capability(),
    })
}

fn told(failure: &HostFailure) -> String {
    format!("a module of the host's cannot be made: {failure:?}")
}

/// The keys of a table, and those of the tables in it.
fn names_of(value: &Value, depth: usize) -> mlua::Result<Names> {
    let Value::Table(table) = value else {
        return Ok(Names::Any);
    };
    if depth == DEEPEST {
        return Ok(Names::Any);
    }
    let mut names = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        if let (Value::String(key), value) = pair? {
            names.insert(key.to_string_lossy(), names_of(&value, depth + 1)?);
        }
    }
    Ok(Names::Of(names))
}

/// Names that exist only once they are looked up.
fn add_computed(modules: &mut BTreeMap<String, Names>) {
    let open = open_operations().map(|operation| (operation.id.to_owned(), Names::Any));
    if let Some(Names::Of(discord)) = modules.get_mut("discord") {
        discord.extend(open);
    }
    let names = || events().map(|event| event.name);
    if let Some(Names::Of(cog)) = modules.get_mut("cog") {
        cog.insert("on".to_owned(), Names::flat(names().chain(["raw"])));
        cog.insert("wait".to_owned(), Names::flat(names()));
    }
}

fn open_operations() -> impl Iterator<Item = &'static Operation> {
    operations().filter(|operation| operation.open_to_cogs())
}

fn globals(table: &Table) -> mlua::Result<BTreeSet<String>> {
    let mut names: BTreeSet<String> = OF_MODULES.map(str::to_owned).into();
    let mut tables = vec![table.clone()];
    // A sandbox has the real globals behind an empty table.
    if let Some(metatable) = table.metatable()
        && let Value::Table(base) = metatable.raw_get("__index")?
    {
        tables.push(base);
    }
    for table in tables {
        for pair in table.pairs::<Value, Value>() {
            if let (Value::String(key), _) = pair? {
                names.insert(key.to_string_lossy());
            }
        }
    }
    Ok(names)
}

fn by_capability() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let of_operations = open_operations().map(|it| (it.capability, it.id));
    let words = WORDS
        .iter()
        .flat_map(|(capability, words)| words.iter().map(move |word| (*capability, *word)));
    let others = OTHERS.map(|capability| (capability, capability));
    for (capability, name) in of_operations.chain(words).chain(others) {
        all.entry(capability.to_owned())
            .or_default()
            .insert(name.to_owned());
    }
    all
}
