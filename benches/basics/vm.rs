//! What runs in a VM, beside a bare Luau VM: state beside a plain table, limits, the start.

use super::requests::micros;
use super::stage::cog_vm::Cog;
use super::stage::{Stage, answering, setup};
use super::{Sizes, Table, medians};
use cogsmith::api::context::CogContext;
use cogsmith::state::{StateLimits, StateScope, StateTable};
use cogsmith::vm::build::VmLimits;
use mlua::{Function, Lua, LuaOptions, MultiValue, StdLib, Value};
use std::sync::Arc;
use std::time::Duration;

const FIB: &str = "local function fib(n)
    if n < 2 then
        return n
    end
    return fib(n - 1) + fib(n - 2)
end
return function()
    return fib(30)
end";
const EMPTY: &str = "return function() end";

/// A cog that runs, for VMs beside its own.
struct Running {
    _runtime: tokio::runtime::Runtime,
    _stage: Stage,
    context: Arc<CogContext>,
}

impl Running {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let cog = answering("t", "t");
        let setup = setup(&[("cogs/t.luau", &cog)]).stored();
        let stage = runtime.block_on(setup.start());
        let context = Arc::clone(&stage.bot.cogs.get("t").unwrap().context);
        Self {
            _runtime: runtime,
            _stage: stage,
            context,
        }
    }

    fn cog(&self, source: &str) -> Cog {
        // No minute of processor time is over within a benchmark.
        let limits = VmLimits {
            cpu_per_minute: Duration::from_secs(3_600),
            ..VmLimits::default()
        };
        Cog::new(&self.context, limits, source)
    }
}

/// A VM with Luau's libraries alone.
fn bare() -> Lua {
    let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default()).unwrap();
    lua.sandbox(true).unwrap();
    lua
}

/// What a chunk returns, compiled as the bot compiles.
fn function(lua: &Lua, source: &str) -> Function {
    let compiler = mlua::chunk::Compiler::new()
        .set_optimization_level(1)
        .set_debug_level(1);
    let chunk = lua.load(source).set_compiler(compiler);
    chunk.eval().unwrap()
}

fn call(cog: &Cog) {
    let Value::Function(handler) = &cog.module else {
        panic!("the module returns a function");
    };
    let called = cog.call(handler, MultiValue::new());
    called.unwrap_or_else(|fault| panic!("{fault}"));
}

/// Nanoseconds of one operation on the state, beside the same on a plain table.
pub(super) fn state(sizes: Sizes, table: &mut Table) {
    let running = Running::new();
    for (what, operation) in [
        ("a number of the state is read: ns", "local _ = data.xp"),
        ("a number of the state is written: ns", "data.xp = index"),
        (
            "a number of the state is changed (+=): ns",
            "data.xp += index",
        ),
        (
            "a member's number is changed: ns",
            "all.member(\"1\", \"2\").xp += index",
        ),
    ] {
        let ours = format!(
            "local state = require(\"@cogsmith/state\")\nlocal all, data = state, state.global\n{}",
            looped(operation, sizes.operations)
        );
        let plain = format!(
            "local members = {{ [\"1\"] = {{ [\"2\"] = {{ xp = 1 }} }} }}\n\
             local all = {{ member = function(one, two) return members[one][two] end }}\nlocal data = {{ xp = 1 }}\n{}",
            looped(operation, sizes.operations)
        );
        let cog = running.cog(&ours);
        let lua = bare();
        let function = function(&lua, &plain);
        let taken = medians(sizes.times, || call(&cog), || function.call(()).unwrap());
        let [here, baseline] =
            taken.map(|time| time.as_secs_f64() * 1e9 / f64::from(sizes.operations));
        table.add(what, here, (baseline, "a plain table"), "");
    }
}

/// Nanoseconds of one operation on rows, among many and among few.
pub(super) fn rows(sizes: Sizes, table: &mut Table) {
    let running = Running::new();
    let services = &running.context.services;
    services.store.set_limits(StateLimits {
        namespace_bytes: usize::MAX,
        ..StateLimits::default()
    });
    let view = running.context.state.live().stored;
    let operations = sizes.operations.min(1_000);
    let [few, many] = sizes.rows.map(|count| {
        let name = format!("of{count}");
        for number in 0..count {
            let row: StateTable = [("uses", 1.0)].into_iter().collect();
            let path = [name.as_str().into(), format!("k{number:07}").as_str().into()];
            let set = view.set(&StateScope::Rows, &path, Some(row.into()));
            set.unwrap();
        }
        // Scattered over all of them.
        format!(
            "local rows = require(\"@cogsmith/state\").rows(\"{name}\", {{ uses = 0 }}, \"global\")()
local keys = {{}}
for index = 1, {operations} do
    keys[index] = string.format(\"k%07d\", index * 7919 % {count})
end
return function()
    for index = 1, {operations} do
        OPERATION
    end
end"
        )
    });
    for (what, operation) in [
        (
            "a row is got and read: ns",
            "local _ = rows:get(keys[index]).uses",
        ),
        (
            "a row is set: ns",
            "rows:set(keys[index], { uses = index })",
        ),
        (
            "a field of a row is changed (+=): ns",
            "rows:get(keys[index]).uses += 1",
        ),
        (
            "ten rows of a prefix are listed: ns",
            "rows:list { prefix = string.sub(keys[index], 1, 7), limit = 10 }",
        ),
        ("rows are counted: ns", "local _ = rows:count()"),
    ] {
        let [small, large] =
            [&few, &many].map(|it| running.cog(&it.replace("OPERATION", operation)));
        let taken = medians(sizes.times, || call(&large), || call(&small));
        let [here, baseline] = taken.map(|time| time.as_secs_f64() * 1e9 / f64::from(operations));
        let [few, many] = sizes.rows;
        table.add(
            &format!("{what} of {many}"),
            here,
            (baseline, &format!("the same of {few}")),
            "<= 3",
        );
    }
}

fn looped(operation: &str, times: u32) -> String {
    format!(
        "return function()
    data.xp = 1
    all.member(\"1\", \"2\").xp = 1
    for index = 1, {times} do
        {operation}
    end
end"
    )
}

/// What the interrupt and the limits cost code that only calculates.
pub(super) fn limits(sizes: Sizes, table: &mut Table) {
    let running = Running::new();
    let cog = running.cog(FIB);
    let lua = bare();
    let function = function(&lua, FIB);
    let taken = medians(
        sizes.times,
        || call(&cog),
        || function.call::<f64>(()).map(drop).unwrap(),
    );
    let [here, baseline] = taken.map(|time| time.as_secs_f64() * 1e3);
    let what = "fib(30) with interrupt and limits: ms";
    table.add(what, here, (baseline, "a bare Luau VM"), "<= 1.1");
}

/// Starting a VM with all that a cog can require, beside an empty one.
pub(super) fn start(sizes: Sizes, table: &mut Table) {
    let running = Running::new();
    let taken = medians(
        sizes.times,
        || drop(running.cog(EMPTY)),
        || drop(function(&bare(), EMPTY)),
    );
    let [here, baseline] = taken.map(micros);
    let name = "an empty Luau VM";
    table.add(
        "start and end of a cog's VM: us",
        here,
        (baseline, name),
        "",
    );
    let kilobytes = |lua: &Lua| {
        lua.gc_collect().unwrap();
        f64::from(u32::try_from(lua.used_memory()).unwrap()) / 1024.0
    };
    let cog = running.cog(EMPTY);
    let (here, baseline) = (kilobytes(cog.vm.lua()), kilobytes(&bare()));
    table.add("heap of a cog's VM: KB", here, (baseline, name), "");
}
