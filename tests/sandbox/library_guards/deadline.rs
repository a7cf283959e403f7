//! Calls that would last for minutes, and code that hides from its end.

use crate::support::PATIENCE;
use crate::support::cog_vm::{Cog, context};
use cogsmith::api::context::CogContext;
use cogsmith::vm::build::VmLimits;
use cogsmith::vm::trace::Fault;
use mlua::MultiValue;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Each of these would run for minutes without passing an interrupt, or have the host look through it as long.
const WORST: [(&str, &str); 21] = [
    (
        "a plain search",
        r#"return ("a"):rep(1e7):find(("a"):rep(5e6) .. "b", 1, true)"#,
    ),
    (
        "a search without specials",
        r#"return ("a"):rep(1e7):find(("a"):rep(5e6) .. "b")"#,
    ),
    (
        "a long separator",
        r#"return #("a"):rep(1e7):split(("a"):rep(5e6) .. "ba")"#,
    ),
    (
        "a long set in find",
        r#"return ("a"):rep(5e6):find("[" .. ("b"):rep(5e6) .. "]*c")"#,
    ),
    (
        "a long set in match",
        r#"return ("a"):rep(5e6):match("[" .. ("b"):rep(5e6) .. "]-c")"#,
    ),
    (
        "a long set in gmatch",
        r#"return ("a"):rep(5e6):gmatch("[" .. ("b"):rep(5e6) .. "]+c")()"#,
    ),
    (
        "a long set in gsub",
        r#"return ("a"):rep(5e6):gsub("[" .. ("b"):rep(5e6) .. "]*c", "")"#,
    ),
    (
        "a pattern that backtracks",
        r#"return ("a"):rep(1e5):find((".-"):rep(20) .. "b")"#,
    ),
    (
        "moving nothing far",
        "return table.move({}, -2^30, 2^30 - 2, 2)",
    ),
    (
        "sorting texts that begin alike",
        r#"local texts, all = {}, table.create(1e6) for i = 1, 60 do texts[i] = ("x"):rep(1e5) .. i end
        for i = 1, 1e6 do all[i] = texts[i * 7919 % 60 + 1] end table.sort(all)"#,
    ),
    (
        "sorting with a function of the library",
        "table.sort(table.create(1e5, table.create(1e6, 1)), table.find)",
    ),
    (
        "sorting with a metamethod of the library",
        "local one = setmetatable(table.create(1e6, 1), { __lt = table.find }) table.sort(table.create(1e5, one))",
    ),
    (
        "sorting with a search",
        r#"table.sort(table.create(1e5, ("x"):rep(1e7)), string.find)"#,
    ),
    (
        "finding with a metamethod of the library",
        "local meta = { __eq = table.find } local one = setmetatable(table.create(1e6, 1), meta)
        return table.find(table.create(1e5, setmetatable({}, meta)), one)",
    ),
    (
        "foreachi with a search",
        r#"table.foreachi(table.create(1e5, ("x"):rep(1e7)), string.find)"#,
    ),
    (
        "foreach with a search",
        r#"table.foreach(table.create(1e5, ("x"):rep(1e7)), string.find)"#,
    ),
    (
        "formatting with a metamethod of the library",
        r#"local one = setmetatable(table.create(1e6, ""), { __tostring = table.concat })
        return string.format(("%*"):rep(9000), table.unpack(table.create(9000, one)))"#,
    ),
    (
        "splitting into strings of one hash",
        r#"local function mixed(i)
            local a = bit32.bxor(i, 44) a = bit32.band(a - bit32.rrotate(44, 14), 0xffffffff)
            local b = a b = bit32.band(b - bit32.rrotate(a, 11), 0xffffffff)
            local h = bit32.bxor(44, b) h = bit32.band(h - bit32.rrotate(b, 25), 0xffffffff)
            return a, b, h
        end
        local data = buffer.create(2e5 * 48)
        for i = 0, 2e5 - 1 do
            local a, b, h = mixed(i)
            buffer.writeu32(data, i * 48, i)
            buffer.writeu32(data, i * 48 + 12, -a) buffer.writeu32(data, i * 48 + 16, -b) buffer.writeu32(data, i * 48 + 20, -h)
            buffer.writestring(data, i * 48 + 44, "\1\2\3\4")
        end
        return #buffer.tostring(data):split("\1\2\3\4")"#,
    ),
    (
        "looking through tables that were emptied, for JSON",
        "local all = table.create(1.9e5, emptied()) return require(\"@cogsmith/json\").encode(all)",
    ),
    (
        "looking through tables that were emptied, for the state",
        "require(\"@cogsmith/state\").global.x = table.create(1.9e5, emptied())",
    ),
    (
        "looking through tables that were emptied, for the log",
        "local all = table.create(1.9e5, emptied()) all[#all] = print print(all)",
    ),
];

/// What runs after the deadline must not get far.
const EVASIONS: [(&str, &str); 24] = [
    ("pcall", "pcall(forever)"),
    ("nested pcall", "pcall(pcall, pcall, forever)"),
    ("xpcall", "xpcall(forever, forever)"),
    (
        "a handler that goes on",
        "xpcall(forever, function() busy() end)",
    ),
    ("a coroutine", "coroutine.resume(coroutine.create(forever))"),
    ("wrap", "pcall(coroutine.wrap(forever))"),
    (
        "a coroutine in a coroutine",
        "coroutine.resume(coroutine.create(function() pcall(coroutine.wrap(forever)) busy() end))",
    ),
    (
        "closing a coroutine",
        "local one = coroutine.create(forever) coroutine.resume(one) coroutine.close(one)",
    ),
    (
        "__index",
        "pcall(function() return setmetatable({}, { __index = forever }).x end)",
    ),
    (
        "__newindex",
        "pcall(function() setmetatable({}, { __newindex = forever }).x = 1 end)",
    ),
    ("__call", "pcall(setmetatable({}, { __call = forever }))"),
    (
        "__eq",
        "pcall(function() local meta = { __eq = forever } return setmetatable({}, meta) == setmetatable({}, meta) end)",
    ),
    (
        "__lt",
        "local meta = { __lt = forever } pcall(table.sort, { setmetatable({}, meta), setmetatable({}, meta) })",
    ),
    (
        "__concat",
        "pcall(function() return setmetatable({}, { __concat = forever }) .. \"\" end)",
    ),
    (
        "__len",
        "pcall(function() return #setmetatable({}, { __len = forever }) end)",
    ),
    (
        "__iter",
        "pcall(function() for _ in setmetatable({}, { __iter = forever }) do end end)",
    ),
    (
        "__tostring",
        "pcall(tostring, setmetatable({}, { __tostring = forever }))",
    ),
    (
        "__tostring of an error",
        "pcall(error, setmetatable({}, { __tostring = forever })) pcall(forever)",
    ),
    ("a comparator", "pcall(table.sort, { 3, 2, 1 }, forever)"),
    (
        "a replacement",
        "pcall(string.gsub, \"xx\", \"x\", forever)",
    ),
    ("foreach", "pcall(table.foreach, { 1 }, forever)"),
    (
        "find",
        "local meta = { __eq = forever } pcall(table.find, { setmetatable({}, meta) }, setmetatable({}, meta))",
    ),
    (
        "a task",
        "pcall(require(\"@cogsmith/task\").spawn, function() pcall(forever) busy() end)",
    ),
    (
        "a transaction",
        "pcall(require(\"@cogsmith/state\").transaction, function() pcall(forever) busy() end)",
    ),
];

/// Calls what the module returns on a thread of its own, and gives up when that does not end.
fn patiently(
    what: &'static str,
    context: &Arc<CogContext>,
    source: &str,
    cpu: Duration,
) -> (Result<MultiValue, Fault>, Cog) {
    let limits = VmLimits {
        cpu,
        cpu_per_minute: Duration::MAX,
        ..VmLimits::default()
    };
    let cog = Cog::new(context, limits, source);
    let (send, ended) = mpsc::channel();
    let body = std::thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || {
            let result = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
            let _received = send.send((result, cog)).is_ok();
        });
    body.unwrap();
    let ended = ended.recv_timeout(PATIENCE);
    ended.unwrap_or_else(|_| panic!("{what} does not end"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_library_call_outlives_the_deadline() {
    let (_stage, context) = context().await;
    for (what, body) in WORST {
        let source = format!(
            "local asked = false
            local function emptied()
                local all = {{}}
                for i = 1, 2e5 do all[i + 0.5] = i end
                for i = 1, 2e5 do all[i + 0.5] = nil end
                return all
            end
            return function() if asked then return \"well\" end asked = true {body} end"
        );
        // Some have to make something first, for which they get time enough.
        let makes = body.contains("for ") || body.contains("emptied");
        let cpu = Duration::from_millis(if makes { 400 } else { 100 });
        let (result, cog) = patiently(what, &context, &source, cpu);
        if let Err(Fault::Panic) = result {
            panic!("{what} makes the host fail");
        }
        drop(result);
        let again = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
        assert_eq!(
            again.unwrap()[0].to_string().unwrap(),
            "well",
            "after {what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_on_after_the_deadline() {
    let (_stage, context) = context().await;
    for (what, body) in EVASIONS {
        let source = format!(
            "local steps = 0
            local function busy() for _ = 1, 1000 do steps += 1 end end
            local function forever() while true do end end
            return function() if steps > 0 then return steps end steps = 1 {body} busy() end"
        );
        let (result, cog) = patiently(what, &context, &source, Duration::from_millis(20));
        assert!(
            matches!(result, Err(Fault::Cpu { .. })),
            "{what}: {result:?}"
        );
        let steps = cog.call(cog.module.as_function().unwrap(), MultiValue::new());
        let steps = steps.unwrap()[0].as_i64().unwrap();
        assert!(steps < 20, "{what}: {steps} steps");
    }
}
