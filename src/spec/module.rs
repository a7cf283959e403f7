//! `@cogsmith/spec`, which exists in a spec's own VM alone: what its file declares, and the raw functions
//! behind `world` and the people in it (`actions.rs`, `user_actions.rs`). `spec.luau` makes their methods, and `spec.expect`.

use super::actions::WORLD_ACTIONS;
use super::snapshots::Snapshots;
use super::user_actions::USER_ACTIONS;
use super::world::TestWorld;
use crate::api::convert::to_json;
use crate::conversation::readable::readable;
use crate::escape::one_line;
use crate::json::Json;
use crate::lock::lock;
use crate::vm::host::{Arguments, Host, HostChunk, HostError, HostResult, plain};
use mlua::{Function, Lua, Table, Value};
use serde_json::Value as JsonValue;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// How errors call the expectation.
const SNAPSHOT: &str = "matches_snapshot";

static CHUNK: HostChunk = HostChunk::new("spec", include_str!("spec.luau"));

/// What a spec's file declares, and the one of its `it`s that runs.
#[derive(Default)]
pub(super) struct Book {
    declared: Mutex<Declared>,
    running: OnceLock<RunningTest>,
    runner: OnceLock<Function>,
}

/// One `it` that runs.
pub(super) struct RunningTest {
    world: Arc<TestWorld>,
    snapshots: Arc<Snapshots>,
    /// The path of its file.
    spec: String,
    /// Its name with those of its `describe`s.
    name: String,
    /// How many snapshots it has taken, by name.
    taken: Mutex<BTreeMap<String, usize>>,
    /// The difference to the last snapshot that did not fit, in lines.
    difference: Mutex<Option<String>>,
}

impl RunningTest {
    pub(super) fn new(
        world: &Arc<TestWorld>,
        snapshots: &Arc<Snapshots>,
        (spec, name): (&str, &str),
    ) -> Self {
        Self {
            world: Arc::clone(world),
            snapshots: Arc::clone(snapshots),
            spec: spec.to_owned(),
            name: one_line(name).into_owned(),
            taken: Mutex::default(),
            difference: Mutex::default(),
        }
    }

    /// Compares a value with the test's next snapshot. The error is a sentence.
    fn matches_snapshot(&self, value: &JsonValue, name: Option<&str>) -> Result<(), String> {
        let name = match name {
            Some(name) => format!("{} ({})", self.name, one_line(name)),
            None => self.name.clone(),
        };
        let number = {
            let mut taken = lock(&self.taken);
            let number = taken.entry(name.clone()).or_default();
            *number += 1;
            *number
        };
        let name = match number {
            1 => name,
            number => format!("{name} #{number}"),
        };
        let text = readable(value, &self.world.names());
        let compared = self.snapshots.compare(&self.spec, &name, &text);
        compared.map_err(|[sentence, difference]| {
            *lock(&self.difference) = Some(difference);
            sentence
        })
    }
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

    /// Sets the test that runs. It stays for as long as the VM.
    pub(super) fn enter(&self, test: RunningTest) {
        // A VM runs one `it`.
        let _first = self.running.set(test).is_ok();
    }

    /// The difference to a snapshot that did not fit, in lines.
    pub(super) fn difference(&self) -> Option<String> {
        lock(&self.running.get()?.difference).take()
    }

    fn lock(&self) -> MutexGuard<'_, Declared> {
        lock(&self.declared)
    }

    /// Adds to what the file declares; raises once an `it` runs.
    fn declare(&self, function: &str, add: impl FnOnce(&mut Declared)) -> HostResult<()> {
        if self.running.get().is_some() {
            let message = format!("{function}: not inside of an it: move this to the top level");
            return Err(HostError::new("phase", message).into());
        }
        add(&mut self.lock());
        Ok(())
    }

    fn world(&self, function: &str) -> HostResult<Arc<TestWorld>> {
        self.test(function).map(|test| Arc::clone(&test.world))
    }

    fn test(&self, function: &str) -> HostResult<&RunningTest> {
        self.running.get().ok_or_else(|| {
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
    let owner = Arc::clone(book);
    let snapshot = host.function(lua, SNAPSHOT, move |_, arguments| {
        let value = match arguments.value(0) {
            Value::Nil => JsonValue::Null,
            value => to_json(SNAPSHOT, "the value", &value)?,
        };
        let name = arguments.optional_string(1, "the name")?;
        let compared = owner
            .test(SNAPSHOT)?
            .matches_snapshot(&value, name.as_deref());
        compared
            .map_err(|sentence| HostError::new("spec", format!("{SNAPSHOT}: {sentence}")).into())
    })?;
    raw.raw_set("snapshot", snapshot)?;
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
