//! What Luau and mlua do at their edges, and what is done against it: one test for each finding. The library
//! calls that no interrupt reaches are in `sandbox.rs` and beside their guards; modules, state and coroutines are
//! in `reload_graph.rs`, `api_state.rs` and `api_small.rs`, as far as they are not here.

use crate::support::cases::answers;
use crate::support::cog_vm::Cog;
use crate::support::{Stage, answering, resident, setup};
use cogsmith::vm::build::{Vm, VmLimits, self_test};
use cogsmith::vm::host::{HostModules, HostResult};
use cogsmith::vm::trace::Fault;
use cogsmith::vm::watchdog::{Guard, HeapBudget};
use mlua::{Lua, Value};
use std::time::Duration;

/// A bot with one cog that has memory for trouble and as much time as it needs, and a harmless one.
async fn stage_of(name: &str, source: &str, memory_mb: u32) -> Stage {
    let limits = format!(
        r#"{{ "limits": {{ "cpu_ms": 60000, "memory_mb": {memory_mb}, "discord_calls_per_10s": 10000, "cpu_seconds_per_minute": 3600, "faults_per_10min": 10000 }} }}"#
    );
    setup(&[
        (&format!("cogs/{name}.luau"), source),
        ("cogs/other.luau", &answering("other", "well")),
    ])
    .config(&limits)
    .start()
    .await
}

/// The first answer to a command, which may be that it failed. When memory is full there may be no room for
/// what an answer returns, and a second one says so.
async fn answer(stage: &Stage, line: &str) -> String {
    let mut texts = answers(stage, line).await;
    assert!((1..=2).contains(&texts.len()), "{line}: {texts:?}");
    texts.remove(0)
}

/// Without `LuauTableRobustOom` the collector frees with a wrong size here, and the process dies.
#[tokio::test(flavor = "multi_thread")]
async fn running_out_of_memory_in_a_rehash_does_not_corrupt_the_heap() {
    let source = include_str!("oomshrink.luau");
    let stage = stage_of("oomshrink", source, 16).await;
    for _ in 0..3 {
        answer(&stage, "!oomshrink").await;
        // The tables are freed, and the memory is used again.
        assert_eq!(answer(&stage, "!afterwards").await, "true 2600000");
    }
    assert_eq!(stage.ask("!other").await, "well");
}

#[tokio::test(flavor = "multi_thread")]
async fn random_operations_at_the_brim_of_memory_leave_a_sound_heap() {
    let source = include_str!("oomfuzz.luau");
    let stage = stage_of("oomfuzz", source, 8).await;
    for seed in 1..=12 {
        let told = answer(&stage, &format!("!oomfuzz {seed}")).await;
        assert!(
            told == "through" || told.contains("The log has the rest"),
            "{seed}: {told}"
        );
        assert_eq!(answer(&stage, "!still-there").await, "still there");
    }
    assert_eq!(stage.ask("!other").await, "well");
}

/// mlua ends the process when there is no room for the first userdata of a type.
#[tokio::test(flavor = "multi_thread")]
async fn objects_of_the_hosts_are_refused_when_there_is_no_room_for_them() {
    let stage = stage_of("brim", include_str!("brim.luau"), 8).await;
    for _ in 0..3 {
        assert_eq!(answer(&stage, "!brim").await, "refused");
        // The next ones are the first of their VM, again.
        assert!(stage.ask("!reload cog brim").await.contains("`brim`"));
    }
    assert_eq!(stage.ask("!other").await, "well");
}

/// mlua ends the process when it drops an asynchronous thread without room.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_waits_without_room_can_be_dropped() {
    let stage = stage_of("brim", include_str!("brim.luau"), 8).await;
    for _ in 0..3 {
        stage.says("owner", "!wait-at-the-brim").await;
        assert!(answer(&stage, "!unload brim").await.contains("Unloaded"));
        // The handler that still waits gives way to the new version, and whoever called it is told, now or later.
        assert!(answer(&stage, "!load brim").await.contains("`brim`"));
        assert_eq!(answer(&stage, "!brim").await, "refused");
    }
    assert_eq!(stage.ask("!other").await, "well");
}

/// As Rust errors inside Luau they would be userdata which no limit counts: 1 MB each, here.
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_tables_that_know_their_line_and_cost_no_memory_outside_of_luau() {
    let stage = stage_of("errors", include_str!("errors.luau"), 64).await;
    let before = resident();
    assert_eq!(answer(&stage, "!errors").await, "500 table true");
    let grown = resident().saturating_sub(before) >> 20;
    assert!(grown < 300, "{grown} MB");
}

/// About 200 calls deep Luau refuses; by then a thread with a small stack would have ended the process.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_nest_through_the_host_fit_the_c_stack() {
    let stage = stage_of("nested", include_str!("nested.luau"), 32).await;
    assert_eq!(answer(&stage, "!nested").await, "true");
    assert_eq!(stage.ask("!other").await, "well");
}

/// A watchdog that decides and arms in two steps would hit the slice that comes next.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_is_never_late_for_the_slice_that_comes_next() {
    let source = r#"local cog = require("@cogsmith/cog")
cog.command { name = "near", run = function()
    local till = os.clock() + 0.02
    while os.clock() < till do
    end
end }
cog.command { name = "tiny", run = function(ctx)
    ctx:reply("tiny")
end }
"#;
    let stage = setup(&[("cogs/t.luau", source)])
        .config(r#"{ "limits": { "cpu_ms": 20 } }"#)
        .start()
        .await;
    for _ in 0..100 {
        stage.says("owner", "!near").await;
        assert_eq!(answer(&stage, "!tiny").await, "tiny");
    }
}

/// The interrupt's pointer leads into the VM, so nobody may write there once it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_vm_may_go_while_the_watchdog_stops_its_code() {
    let source = r#"local cog = require("@cogsmith/cog")
cog.command { name = "stuck", run = function()
    while true do
    end
end }
"#;
    let stage = setup(&[
        ("cogs/stuck.luau", source),
        ("cogs/other.luau", &answering("other", "well")),
    ])
    .config(r#"{ "limits": { "cpu_ms": 10 } }"#)
    .start()
    .await;
    for _ in 0..20 {
        let general = stage.general();
        stage.sim.say(stage.sim.owner(), general, "!stuck").unwrap();
        stage.says("owner", "!reload cog stuck").await;
        assert_eq!(stage.ask("!other").await, "well");
    }
}

/// The budget is processor time: a thread that does not get to run, or sleeps, uses none.
#[test]
fn only_processor_time_makes_a_slice_too_long() {
    self_test().unwrap();
    let lua = Lua::new();
    let guard = Guard::install(&lua, 20_000);
    let budget = Duration::from_millis(50);
    let heap = HeapBudget {
        used: 0,
        limit: 1 << 20,
    };
    let ((), spent) = guard.run(&lua, budget, heap, || std::thread::sleep(8 * budget));
    assert!(spent.expired.is_none());
    let endless = lua.load("while true do end").into_function().unwrap();
    let (ended, spent) = guard.run(&lua, budget, heap, || endless.call::<()>(()));
    assert!(ended.is_err());
    assert!(spent.expired.is_some());
    let charged = spent.used;
    assert!(charged > budget / 2, "{charged:?}");
    guard.retire();
}

/// Each module has a `require` of its own, so the stack is not asked who calls.
#[tokio::test(flavor = "multi_thread")]
async fn the_caller_of_require_is_known_behind_pcall_coroutines_and_handlers() {
    let service = r#"shared = "the service's"
local function ask(...)
    local found = {}
    local ok, near = pcall(require, "./near")
    table.insert(found, tostring(ok and near))
    table.insert(found, coroutine.wrap(require)("./near"))
    local thread = coroutine.create(function()
        return require("./near")
    end)
    table.insert(found, select(2, coroutine.resume(thread)))
    table.insert(found, select(2, xpcall(require, print, "./near")))
    table.insert(found, (string.gsub("x", "x", function()
        return require("./near")
    end)))
    return table.concat(found, " ") .. " " .. shared
end
return ask
"#;
    let cog = r#"local cog = require("@cogsmith/cog")
local ask = require("../services/far")
shared = "the cog's"
cog.command { name = "t", run = function(ctx)
    local wrong = pcall(require, "./near")
    ctx:reply(`{ask()} {shared} {wrong}`)
end }
"#;
    let stage = setup(&[
        ("services/far.luau", service),
        ("services/near.luau", "return \"near\""),
        ("cogs/t.luau", cog),
    ])
    .start()
    .await;
    assert_eq!(
        stage.ask("!t").await,
        "near near near near near the service's the cog's false"
    );
}

fn fell() -> HostResult<()> {
    panic!("fell")
}

/// A VM whose host functions `fall` and `fall_later` panic.
fn clumsy() -> Vm {
    let vm = Vm::build(VmLimits::default(), Box::new(|| None), |lua, host| {
        let module = lua.create_table()?;
        let fall = host.function(lua, "fall", |_, _| fell())?;
        module.raw_set("fall", fall)?;
        let later = host.async_function(lua, "fall_later", |_, _| async {
            tokio::task::yield_now().await;
            fell()
        })?;
        module.raw_set("fall_later", later)?;
        let module = Value::Table(module);
        Ok(HostModules::default().with("clumsy", move |_| Ok(module.clone())))
    });
    vm.unwrap()
}

async fn run(vm: &Vm, body: &str) -> Result<String, Fault> {
    let source =
        format!("return function()\nlocal clumsy = require(\"@cogsmith/clumsy\")\n{body}\nend");
    let results = Cog::load(vm.clone(), &source).run().await?;
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
