//! Memory that runs out anywhere: every operation in `tests/alone/exhaustion/` is run with a heap that is full from its
//! first request on, then from the second, and so on until none is left to refuse. Whatever the place, the process
//! lives, the VM runs on, and Luau's own assertions find its heap sound when it is closed.
//!
//! Between two safe points a call may go beyond the limit; how far is measured, too.
//!
//! `COGSMITH_EXHAUSTION_SECONDS` has it go on with other alignments of the heap, for as long.

use crate::support::cog_vm::{Cog, context};
use cogsmith::api::context::CogContext;
use cogsmith::vm::build::VmLimits;
use cogsmith::vm::exhaust_after;
use cogsmith::vm::trace::Fault;
use mlua::{Function, MultiValue, Table, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests that one operation makes are more than this only if something is wrong.
const MOST_REQUESTS: u64 = 20_000;

fn patient(memory: usize) -> VmLimits {
    VmLimits {
        memory,
        cpu: Duration::from_secs(60),
        cpu_per_minute: Duration::from_secs(3_600),
        ..VmLimits::default()
    }
}

/// A file's functions, each of them an operation.
struct Operations<'a> {
    context: &'a Arc<CogContext>,
    source: String,
}

impl Operations<'_> {
    fn cog(&self) -> Cog {
        Cog::new(self.context, patient(32 << 20), &self.source)
    }

    fn names(&self) -> Vec<String> {
        let cog = self.cog();
        let pairs = functions(&cog).pairs::<String, Function>();
        let mut names: Vec<_> = pairs.map(|pair| pair.unwrap().0).collect();
        names.sort();
        names
    }

    /// Runs an operation whose request number `refused` finds the heap full, in a heap that has `padding` more
    /// objects of each size. Returns whether it came so far.
    fn run(&self, name: &str, refused: u64, padding: usize) -> bool {
        let cog = self.cog();
        let _padding = pad(&cog, padding);
        let operation: Function = functions(&cog).get(name).unwrap();
        exhaust_after(refused);
        // How it ends is its own affair.
        let _ended = cog.call(&operation, MultiValue::new()).is_ok();
        let is_refused = exhaust_after(u64::MAX);
        // Whatever it was, the VM lives on.
        cog.vm.collect();
        let sound: Function = cog.vm.lua().load(SOUND).eval().unwrap();
        let results = cog.call(&sound, MultiValue::new()).unwrap();
        assert!(matches!(
            results.front(),
            Some(Value::Integer(_) | Value::Number(_))
        ));
        assert!(!cog.vm.is_poisoned(), "{name} at {refused}");
        is_refused
    }
}

/// Makes one of everything, and lets it go.
const SOUND: &str = r#"
return function()
    local kept = {}
    for index = 1, 500 do
        local thread = coroutine.create(function(...) coroutine.yield(...) end)
        coroutine.resume(thread, index)
        coroutine.close(thread)
        kept[index] = { "text " .. index, thread, buffer.create(index), function() return index end }
    end
    return #kept
end
"#;

/// Objects that move the next page's beginning.
fn pad(cog: &Cog, padding: usize) -> Table {
    let lua = cog.vm.lua();
    let kept = lua.create_table().unwrap();
    for index in 0..padding {
        let text = "x".repeat(index * 37 % 500);
        kept.raw_push(lua.create_string(format!("{index}{text}")).unwrap())
            .unwrap();
        kept.raw_push(
            lua.create_table_with_capacity(index % 9, index % 5)
                .unwrap(),
        )
        .unwrap();
    }
    kept
}

fn functions(cog: &Cog) -> &Table {
    match &cog.module {
        Value::Table(functions) => functions,
        _ => panic!("the module returns no table"),
    }
}

fn files() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alone/exhaustion");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Refuses each request once. Returns how many there were.
fn refuse_each(operations: &Operations<'_>, name: &str, padding: usize) -> u64 {
    for refused in 0..MOST_REQUESTS {
        if !operations.run(name, refused, padding) {
            return refused;
        }
    }
    panic!("{name} makes too many requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_may_run_out_at_every_request() {
    let _alone = crate::turn().await;
    let (_stage, context) = context().await;
    let seconds = std::env::var("COGSMITH_EXHAUSTION_SECONDS").ok();
    let seconds = seconds.map_or(0, |seconds| seconds.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut padding = 0;
    loop {
        let mut requests = 0;
        for file in files() {
            let source = std::fs::read_to_string(&file).unwrap();
            let operations = Operations {
                context: &context,
                source,
            };
            for name in operations.names() {
                requests += refuse_each(&operations, &name, padding);
            }
        }
        assert!(requests > 300, "only {requests} requests");
        eprintln!("{requests} requests refused, each once, with a padding of {padding}");
        if Instant::now() >= until {
            return;
        }
        padding += 7;
    }
}

/// Single calls that make as much as they can out of a heap of 16 MB.
const LARGEST_CALLS: [&str; 16] = [
    r#"string.split(string.rep("x,", 3000000), ",")"#,
    r#"string.split(string.rep("x", 5000000), "")"#,
    r#"json.decode("[" .. string.rep("[],", 1300000) .. "1]")"#,
    r#"json.decode("[" .. string.rep("{},", 1300000) .. "1]")"#,
    r#"json.decode("[" .. string.rep('{"a":{"b":1}},', 250000) .. "1]")"#,
    r#"json.decode(string.rep("[", 100) .. string.rep("]", 100))"#,
    r#"{ utf8.codepoint(string.rep("x", 900000), 1, -1) }"#,
    r#"{ string.byte(string.rep("x", 900000), 1, -1) }"#,
    "table.clone(table.create(900000, 1))",
    r#"table.concat(table.create(900000, "0123456789012345"), ",")"#,
    r#"string.gsub(string.rep("x", 3000000), "x", "yyyyyyyy")"#,
    r#"string.rep("x", 15000000) .. string.rep("y", 15000000)"#,
    "table.move(table.create(900000, 1), 1, 900000, 3000000)",
    "table.pack(table.unpack(table.create(900000, 1)))",
    "buffer.tostring(buffer.create(15000000))",
    r#"string.format("%*%*%*", string.rep("x", 9000000), string.rep("y", 9000000), 1)"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn one_call_does_not_go_far_beyond_the_limit() {
    let _alone = crate::turn().await;
    let (_stage, context) = context().await;
    let limit = 16 << 20;
    for call in LARGEST_CALLS {
        let source = format!(
            "local json = require(\"@cogsmith/json\")\nreturn function()\nlocal made = {call}\nreturn 1\nend"
        );
        let cog = Cog::new(&context, patient(limit), &source);
        let Value::Function(function) = &cog.module else {
            panic!("the module returns no function");
        };
        let ended = cog.call(function, MultiValue::new());
        assert!(matches!(ended, Ok(_) | Err(Fault::Memory { .. })), "{call}");
        let peak = cog.vm.peak_memory();
        assert!(peak <= 2 * limit + (8 << 20), "{peak} bytes: {call}");
    }
}
