//! `@cogsmith/spec`, which exists in a spec's own VM alone: what its file declares, and the raw functions
//! behind `world` and the people in it (`actions.rs`, `user_actions.rs`). `spec.luau` makes their methods, and `spec.expect`.

use super::actions::WORLD_ACTIONS;
use super::user_actions::USER_ACTIONS;
use super::world::TestWorld;
use crate::json::Json;
use crate::lock::lock;
use crate::vm::host::{Arguments, Host, HostChunk, HostError, HostResult, plain};
use mlua::{Function, Lua, Table, Value};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

static CHUNK: HostChunk = HostChunk::new("spec", include_str!("spec.luau"));

/// What a spec's file declares, and the world in which one of its `it`s runs.
#[derive(Default)]
pub(super) struct Book {
    declared: Mutex<Declared>,
    world: OnceLock<Arc<TestWorld>>,
    runner: OnceLock<Function>,
}

/// What a file has declared so far.
#[derive(Default)]
struct Declared {
    cogs: Vec<String>,
    /// The `describe`s that are open, with what runs before each `it` in them; the first is the file.
    open: Vec<DescribeBlock>,
    its: Vec<It>,
}

#[derive(Clone, Default)]
struct DescribeBlock {
    name: Option<String>,
    before_each: Vec<Function>,
}

/// One test.
#[derive(Clone)]
pub(super) struct It {
    /// Its own name after those of its `describe`s: `rank: starts at level 0`.
    pub(super) name: String,
    /// What runs before it.
    pub(super) before_each: Vec<Function>,
    /// What it does.
    pub(super) function: Function,
}

impl Book {
    /// The cogs that each `it` starts with.
    pub(super) fn cogs(&self) -> Vec<String> {
        self.lock().cogs.clone()
    }

    /// The tests in the order in which they are written.
    pub(super) fn its(&self) -> Vec<It> {
        self.lock().its.clone()
    }

    /// What calls an `it`: with its function, and those that run before it.
    pub(super) fn runner(&self) -> Option<&Function> {
        self.runner.get()
    }

    /// Sets the world. It stays for as long as the VM.
    pub(super) fn enter(&self, world: Arc<TestWorld>) {
        // A VM runs one `it`.
        let _first = self.world.set(world).is_ok();
    }

    fn lock(&self) -> MutexGuard<'_, Declared> {
        lock(&self.declared)
    }

    /// Adds to what the file declares; raises once an `it` runs.
    fn declare(&self, function: &str, add: impl FnOnce(&mut Declared)) -> HostResult<()> {
        if self.world.get().is_some() {
            let message = format!("{function}: not inside of an it: move this to the top level");
            return Err(HostError::new("phase", message).into());
        }
        add(&mut self.lock());
        Ok(())
    }

    fn world(&self, function: &str) -> HostResult<Arc<TestWorld>> {
        self.world.get().cloned().ok_or_else(|| {
            let message = format!("{function}: only inside of an it");
            HostError::new("phase", message).into()
        })
    }
}

impl Declared {
    fn scope(&mut self) -> &mut DescribeBlock {
        if self.open.is_empty() {
            self.open.push(DescribeBlock::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }
}

/// Makes the module of a spec's VM. To be called before the VM is sandboxed.
pub(super) fn module(lua: &Lua, host: &Host, book: &Arc<Book>) -> mlua::Result<Value> {
    let raw = lua.create_table()?;
    install_declarations(lua, host, book, &raw)?;
    for (key, name, run) in WORLD_ACTIONS.into_iter().chain(USER_ACTIONS) {
        let owner = Arc::clone(book);
        let function = host.async_function(lua, name, move |lua, arguments| {
            let prepared = owner.world(name).and_then(|world| run(&world, &arguments));
            async move {
                let told = prepared?
                    .await
                    .map_err(|sentence| HostError::new("spec", format!("{name}: {sentence}")))?;
                Ok(plain(&lua, Json::from(&told).view())?)
            }
        })?;
        raw.raw_set(key, function)?;
    }
    let (module, runner): (Table, Function) = CHUNK.load(lua, raw)?;
    // Built once for each VM.
    let _first = book.runner.set(runner).is_ok();
    Ok(Value::Table(module))
}

fn install_declarations(lua: &Lua, host: &Host, book: &Arc<Book>, raw: &Table) -> mlua::Result<()> {
    type Declare = fn(&Book, &Arguments) -> HostResult<()>;
    let functions: [(&str, &'static str, Declare); 5] = [
        ("cogs", "spec.cogs", |book, arguments| {
            let table = arguments.table(0, "the cogs")?;
            let names: Vec<Value> = table.sequence_values().collect::<mlua::Result<_>>()?;
            let names: Vec<String> = names
                .iter()
                .map(|name| match name {
                    Value::String(name) => Ok(name.to_string_lossy()),
                    other => Err(arguments.wrong("the cogs", "a list of names", other)),
                })
                .collect::<HostResult<_>>()?;
            book.declare("spec.cogs", |declared| declared.cogs = names)
        }),
        ("open", "spec.describe", |book, arguments| {
            let name = arguments.string(0, "the name")?;
            book.declare("spec.describe", |declared| {
                declared.scope();
                declared.open.push(DescribeBlock {
                    name: Some(name),
                    ..DescribeBlock::default()
                });
            })
        }),
        ("close", "spec.describe", |book, _| {
            book.declare("spec.describe", |declared| {
                declared.open.pop();
            })
        }),
        ("before_each", "spec.before_each", |book, arguments| {
            let function = arguments.callback(0, "the function")?;
            book.declare("spec.before_each", |declared| {
                declared.scope().before_each.push(function);
            })
        }),
        ("it", "spec.it", |book, arguments| {
            let name = arguments.string(0, "the name")?;
            let function = arguments.callback(1, "the function")?;
            book.declare("spec.it", |declared| {
                declared.scope();
                let names = declared
                    .open
                    .iter()
                    .filter_map(|scope| scope.name.as_deref());
                let names: Vec<&str> = names.chain([name.as_str()]).collect();
                let before = declared
                    .open
                    .iter()
                    .flat_map(|scope| scope.before_each.clone());
                let it = It {
                    name: names.join(": "),
                    before_each: before.collect(),
                    function,
                };
                declared.its.push(it);
            })
        }),
    ];
    for (key, name, declare) in functions {
        let book = Arc::clone(book);
        let function = host.function(lua, name, move |_, arguments| declare(&book, arguments))?;
        raw.raw_set(key, function)?;
    }
    Ok(())
}
