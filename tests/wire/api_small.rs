//! The small modules of the contract as authors meet them: json, log, time, task, coroutines, require.

use crate::support::cases::{case, check};
use crate::support::{answering, setup};

#[tokio::test(flavor = "multi_thread")]
async fn json_goes_there_and_back() {
    check(&[
        case(r#"return json.encode { 1, "zwei", { drei = true } }"#, r#"[1,"zwei",{"drei":true}]"#),
        case(r#"return json.encode {}"#, "[]"),
        case(r#"return json.encode { a = json.null }"#, r#"{"a":null}"#),
        case(r#"return json.encode(0.5) .. json.encode(2^53) .. json.encode(true)"#, "0.59007199254740992true"),
        case(r#"return json.decode('{"a":[1,2,{"b":"c"}]}').a[3].b"#, "c"),
        case(r#"return tostring(#json.decode("[1,null,3]"))"#, "3"),
        case(r#"return tostring(json.decode("null") == json.null)"#, "true"),
        case(r#"return tostring(json.decode("[1,null,3]")[2] == json.null)"#, "true"),
        case(r#"return json.encode(json.decode('{"a":null,"b":[null,null]}').b)"#, "[null,null]"),
        case(r#"return json.decode('{"id":1618065507111835497}').id"#, "1618065507111835497"),
        case(r#"local t = json.decode("[-9007199254740993,-9007199254740992,123456789012345678901234567890]") return `{t[1]} {type(t[1])} {type(t[2])} {t[3]}`"#, "-9007199254740993 string number 123456789012345678901234567890"),
        case(r#"return json.encode(json.decode('{"a":{},"b":[],"c":[{},[]]}').c)"#, "[{},[]]"),
        case(r#"return json.encode(json.decode("{}")) .. json.encode(json.decode("[]"))"#, "{}[]"),
        case(r#"return json.encode(json.object()) .. json.encode(json.object { a = 1 }) .. json.encode(json.object(json.decode("{}")))"#, r#"{}{"a":1}{}"#),
        case(r#"return json.encode(table.clone(json.decode("{}")))"#, "{}"),
        case(r#"local t = json.decode('{"a":1}') t.a = nil t[1] = "x" return json.encode(t)"#, r#"["x"]"#),
        case(r#"return why(json.object, setmetatable({}, {}))"#, "argument: json.object: the fields: a table that is frozen or has a metatable…"),
        case(r#"local mark = getmetatable(json.decode("{}")) return tostring((pcall(function() mark.__index = print end)))"#, "false"),
        case(r#"local t = setmetatable(json.decode('{"a":1}'), { __index = { b = 2 } }) return `{t.a}{t.b}`"#, "12"),
        case(r#"return why(json.decode, '"\xff"')"#, "argument: json.decode: the text is not valid UTF-8"),
        case(r#"return why(json.decode, "[1e999]")"#, "argument: json.decode: the text is not JSON: number out of range at line 1 column…"),
        case(r#"return why(json.decode, "[123456789012345678901234567890,x]")"#, "argument: json.decode: the text is not JSON: expected value at line 1 column 33"),
        case(r#"return why(json.decode, "{12345678901234567890:1}")"#, "argument: json.decode: the text is not JSON: key must be a string…"),
        case(r#"return why(json.encode, { a = { ["\xff"] = 1 } })"#, "argument: json.encode: the value.a: the name the string…"),
        case(r#"state.user("2").a = "\xff" return why(json.encode, state.user("2"))"#, "argument: json.encode: the value.a: is not valid UTF-8"),
        case(r#"state.user("3").a = { math.huge } return why(json.encode, state.user("3"))"#, "argument: json.encode: the value.a[1]: is not a finite number"),
        case(r#"state.user("4").a = { [5] = 1, ["5"] = 2 } return why(json.encode, state.user("4"))"#, "argument: json.encode: the value.a: holds something at the number 5 and at the string…"),
        case(r#"return why(function() state.user("5").a = json.decode('{"b":[1,null]}') end)"#, r#"state: state.user["5"].a.b[2]: null cannot be stored"#),
        case(r#"state.user("6").a = json.decode('{"b":[{"c":1618065507111835497}]}') return state.user("6").a.b[1].c"#, "1618065507111835497"),
        case(r#"return why(json.decode, "{")"#, "argument: json.decode: the text is not JSON: …"),
        case(r#"return why(json.decode, {})"#, "argument: json.decode: the text: expected a string, got a table"),
        case(r#"return why(json.encode, print)"#, "argument: json.encode: the value: a function cannot be sent"),
        case(r#"return why(json.encode, { a = { b = print } })"#, "argument: json.encode: the value.a.b: a function cannot be sent"),
        case(r#"return why(json.encode, { 1, 2, { x = 0/0 } })"#, "argument: json.encode: the value[3].x: is not a finite number"),
        case(r#"return why(json.encode, { 1, 2, name = "x" })"#, r#"argument: json.encode: the value: is a list, and also holds something at the string "name""#),
        case(r#"return why(json.encode, { [5] = "x" })"#, "argument: json.encode: the value: the number 5 cannot be the name of a field"),
        case(r#"local t = {} t.t = t return why(json.encode, t)"#, "argument: json.encode: the value.t.t.t.t.t…"),
        case(r#"return why(json.encode, "\xff")"#, "argument: json.encode: the value: is not valid UTF-8"),
        case(r#"return json.encode(state.user("1"))"#, "[]"),
        case(r#"state.user("1").a = { 1, 2 } return json.encode(state.user("1"))"#, r#"{"a":[1,2]}"#),
        case(r#"return json.encode(setmetatable({ 1 }, { __iter = error, __len = error, __index = error }))"#, "[1]"),
        case(r#"local deep = ("["):rep(127) .. ("]"):rep(127) return tostring(json.encode(json.decode(deep)) == deep)"#, "true"),
        case(r#"state.user("7").a = json.decode('{"b":{},"c":[],"d":{"e":1}}') state.user("7").a.d.e = nil return json.encode(state.user("7").a)"#, r#"{"b":{},"c":[],"d":{}}"#),
        case(r#"local copy = table.clone(state.user("7").a) return json.encode(copy.b) .. json.encode(copy.c) .. json.encode(copy.d)"#, "{}[]{}"),
        case(r#"state.user("7").copy = state.user("7").a.b state.user("7").list = {} return json.encode(state.user("7").copy) .. json.encode(state.user("7").list)"#, "{}[]"),
        case(r#"return why(json.decode, ("["):rep(1000))"#, "argument: json.decode: the text is not JSON: recursion limit…"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_to_what_cannot_be_written_is_an_error_that_says_what_to_write() {
    let head = "readonly: attempt to modify a readonly table: ";
    let told = |body: &str, sentence: &str| {
        case(
            &format!("return why(function() {body} end)"),
            &format!("{head}{sentence}…"),
        )
    };
    check(&[
        told("state.coins = 5", "`state.coins` cannot be set; nothing can be stored in the state itself: write to a part of it, such as state.global.coins, "),
        told("state.session.x = 1", "`state.session.x` cannot be set; nothing can be stored in the session itself"),
        told("cog.mine = 5", "`cog.mine` cannot be set; objects of the host"),
        told("cog.check.mine = 5", "`cog.check.mine` cannot be set; objects"),
        told("cog.on.mine = 5", "`cog.on.mine` cannot be set; objects"),
        told("discord.mine = 5", "`discord.mine` cannot be set; objects"),
        told("discord.cache.mine = 5", "`discord.cache.mine` cannot be set; objects"),
        told("json.mine = 5", "`json.mine` cannot be set; objects"),
        told("time['two words'] = 5", "`time[…]` cannot be set; objects"),
        told("ctx.mine = 5", "`ctx.mine` cannot be set; the context"),
        told("ctx.author.username = 'x'", "`username` cannot be set; what Discord has said"),
        told("function string.trim() end", "`string.trim` cannot be set; Luau's libraries"),
        case("local own = table.clone(string) own.trim = function() return 'trimmed' end return own.trim()", "trimmed"),
        case("state.user('1').x = 1 return tostring(state.user('1').x)", "1"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_read_and_written() {
    check(&[
        case(r#"return tostring(math.abs(time.now() - os.time()) < 2)"#, "true"),
        case(r#"return time.iso(0)"#, "1970-01-01T00:00:00Z"),
        case(r#"return time.format(0)"#, "1970-01-01 00:00"),
        case(r#"return time.format(0, "%Y %H", "Asia/Jakarta")"#, "1970 07"),
        case(r#"return time.timestamp(12.9)"#, "<t:12>"),
        case(r#"return time.timestamp(12, "R")"#, "<t:12:R>"),
        case(r#"return tostring(time.of_id("175928847299117063"))"#, "1462015105.796"),
        case(r#"return tostring(time.parse("2020-01-01"))"#, "1577836800"),
        case(r#"return tostring(time.parse("gibberish"))"#, "nil"),
        case(r#"return tostring(time.parse("2020-01-01", { future = true }))"#, "nil"),
        case(r#"return why(time.parse, 5)"#, "argument: time.parse: the text: expected a string of at most 200 characters, got the number 5"),
        case(r#"return why(time.parse, "x", 5)"#, "argument: time.parse: how: expected a table, got the number 5"),
        case(r#"return why(time.parse, "x", { tz = 1 })"#, r#"argument: time.parse: there is no field "tz"…"#),
        case(r#"return why(time.format, "x")"#, r#"argument: time.format: the time: expected a number, got the string "x""#),
        case(r#"return why(time.format, 0, ("%A"):rep(1000))"#, "argument: time.format: the format: expected a string of at most 200…"),
        case(r#"return why(time.format, 0, "%!")"#, "argument: time.format: the format: …"),
        case(r#"return why(time.format, 0, "%Y", "Nowhere/Land")"#, r#"argument: time.format: timezone: expected a time zone like "Asia/Jakarta", got "Nowhere/Land""#),
        case(r#"return why(time.iso, math.huge)"#, "argument: time.iso: the time: expected Unix seconds, got the number inf"),
        case(r#"return why(time.iso, 0/0)"#, "argument: time.iso: the time: expected a number, got the number NaN"),
        case(r#"return why(time.timestamp, 0, "x")"#, r#"argument: time.timestamp: the style: expected one of "t", "T", "d", "D", "f", "F", "R", got the string "x""#),
        case(r#"return why(time.of_id, "abc")"#, r#"argument: time.of_id: the id: expected an id, got the string "abc""#),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_takes_anything_and_asks_nothing() {
    let hostile = "setmetatable({}, { __tostring = error, __iter = error, __index = error, __len = error, __metatable = 1 })";
    check(&[
        case(r#"log.info("a", { b = 1 }) log.warn("x") log.error("y") log.debug("z") print(1, nil, {}, print) return "ok""#, "ok"),
        case(&format!("log.info({hostile}) print({hostile}) return \"ok\""), "ok"),
        case(r#"return why(log.info, "x", 5)"#, "argument: log.info: the fields: expected a table, got the number 5"),
        case(r#"return why(log.info, "x", { f = print })"#, "argument: log.info: the fields.f: a function cannot be sent"),
        case(r#"for i = 1, 5000 do print(("x"):rep(3000)) end return "ok""#, "ok"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_run_wait_and_end() {
    check(&[
        case(
            r#"local order = {}
local thread = task.spawn(function(a) table.insert(order, a) task.wait(0.001) table.insert(order, "c") end, "a")
table.insert(order, "b")
table.insert(order, type(thread) .. coroutine.status(thread))
while #order < 4 do task.wait(0.001) end
return table.concat(order, " ") .. " " .. coroutine.status(thread)"#,
            "a b threadsuspended c dead",
        ),
        case(
            r#"local order = {}
task.defer(function(a) table.insert(order, a) end, "deferred")
table.insert(order, "first")
while #order < 2 do task.wait() end
return table.concat(order, " ")"#,
            "first deferred",
        ),
        case(
            r#"local value
task.delay("10ms", function(a, b) value = a + b end, 1, 2)
local before = value
while not value do task.wait(0.002) end
return tostring(before) .. value"#,
            "nil3",
        ),
        case(
            r#"local ran = false
local thread = task.delay(0.005, function() ran = true end)
task.cancel(thread)
task.wait(0.02)
return tostring(ran) .. coroutine.status(thread)"#,
            "falsedead",
        ),
        case(
            r#"local steps = 0
local thread = task.spawn(function() while true do steps += 1 task.wait(0.002) end end)
task.wait(0.01)
task.cancel(thread)
local then_ = steps
task.wait(0.02)
return tostring(steps == then_ and steps > 1)"#,
            "true",
        ),
        case(r#"return tostring(task.wait(0.01) >= 0.009)"#, "true"),
        case(r#"return tostring(type(task.wait()))"#, "number"),
        case(r#"return why(task.wait, "x")"#, r#"argument: task.wait: the duration: expected a duration: seconds, or a string like "90s", "5m", "2h", got the string "x""#),
        case(r#"return why(task.wait, -1)"#, "argument: task.wait: the duration: expected a duration: …"),
        case(r#"return why(task.wait, "1h")"#, "limit: task.wait: lasts at most 15 minutes; for longer use cog.every"),
        case(r#"return why(task.spawn, 5)"#, "argument: task.spawn: the function: expected a function, got the number 5"),
        case(r#"return why(task.defer)"#, "argument: task.defer: the function: expected a function, got nil"),
        case(r#"return why(task.delay, print, 5)"#, "argument: task.delay: the function: expected a function, got the number 5"),
        case(r#"return why(task.delay, "x", print)"#, "argument: task.delay: the delay: expected a duration: …"),
        case(r#"return why(task.cancel, 5)"#, "argument: task.cancel: the task: expected what task.spawn, task.defer or task.delay returned, got the number 5"),
        case(r#"local a, b = task.timeout(1, function() return 1, nil, 3 end) return tostring(a) .. tostring(b)"#, "1nil"),
        case(r#"return tostring(select('#', task.timeout(1, function() task.wait(0.001) return 1, nil, nil end)))"#, "3"),
        case(r#"return why(task.timeout, 0.01, function() task.wait(10) end)"#, "timeout: task.timeout: the function took longer than 0.01 s"),
        case(r#"return why(task.timeout, 1, function() task.wait(0.001) error("inside", 0) end)"#, "inside"),
        case(r#"return why(task.timeout, 1, function() error({ kind = "mine", message = "m" }) end)"#, "mine: m"),
        case(r#"return why(task.timeout, 1, 5)"#, "argument: task.timeout: the function: expected a function, got the number 5"),
        case(
            r#"local late = false
pcall(task.timeout, 0.005, function() task.wait(0.02) late = true end)
task.wait(0.04)
return tostring(late)"#,
            "false",
        ),
        case(
            r#"local log, left = {}, 3
for i = 1, 3 do
    task.spawn(function()
        task.lock("k", function() table.insert(log, `in{i}`) task.wait(0.002) table.insert(log, `out{i}`) end)
        left -= 1
    end)
end
while left > 0 do task.wait(0.001) end
return table.concat(log, " ")"#,
            "in1 out1 in2 out2 in3 out3",
        ),
        case(r#"local a, b = task.lock("k", function() return 1, 2 end) return `{a}{b}`"#, "12"),
        case(r#"return why(task.lock, "k", function() error("x", 0) end) .. task.lock("k", function() return "free" end)"#, "xfree"),
        case(r#"return why(task.lock, "k", function() task.lock("k", print) end)"#, "argument: task.lock: this call already holds the key, and would wait for itself"),
        case(r#"return why(task.lock, 5, print)"#, "argument: task.lock: the key: expected a string of at most 200 characters, got the number 5"),
        case(r#"return why(task.lock, "k", 5)"#, "argument: task.lock: the function: expected a function, got the number 5"),
        case(
            r#"local thread = task.spawn(function() task.lock("held", function() task.wait(60) end) end)
task.cancel(thread)
return task.timeout(5, function() return task.lock("held", function() return "free again" end) end)"#,
            "free again",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_thousand_is_one_too_many() {
    check(&[
        case(
            r#"local made = 0
local err = why(function() for i = 1, 5000 do task.delay(0.2, print) made += 1 end end)
return `{made} {err}`"#,
            "1000 limit: task.delay: this cog already has 1000 tasks (limits.tasks); wait until some of them have ended",
        ),
        case(r#"return "answers all the same""#, "answers all the same"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_works_inside_an_authors_own_coroutines() {
    check(&[
        case(
            r#"local thread = coroutine.create(function() task.lock("free", function() end) end)
return `{select('#', coroutine.resume(thread))} {select('#', coroutine.wrap(function() end)())}`"#,
            "1 0",
        ),
        case(
            r#"local got
local step = coroutine.wrap(function() task.lock("free", function() got = 1 end) got = discord.get_channel { channel_id = ctx.channel_id }.name end)
local values = select('#', step())
local before = tostring(got)
local n = 0
while got == 1 do task.wait(0.001) n += 1 end
return `{values} {before} {got} {n > 0}`"#,
            "0 1 general true",
        ),
        case(
            r#"local got
local step = coroutine.wrap(function() task.wait(0.002) got = discord.get_channel { channel_id = ctx.channel_id }.name end)
local values = select('#', step())
local before = tostring(got)
while not got do task.wait(0.001) end
return `{values} {before} {got}`"#,
            "0 nil general",
        ),
        case(
            r#"local seen, has_waited = {}, false
local thread = coroutine.create(function(a)
    table.insert(seen, a)
    task.wait(0.002)
    has_waited = true
    table.insert(seen, coroutine.yield("later"))
end)
table.insert(seen, tostring(select('#', coroutine.resume(thread, "first"))))
local ok, err = coroutine.resume(thread)
table.insert(seen, tostring(ok) .. err)
while not has_waited do task.wait(0.001) end
table.insert(seen, coroutine.status(thread))
coroutine.resume(thread, "last")
return table.concat(seen, "|")"#,
            "first|1|falsecannot resume a coroutine that waits for the host|suspended|last",
        ),
        case(
            r#"local t = {}
for value in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do table.insert(t, value) end
return table.concat(t, ",")"#,
            "1,2,3",
        ),
        case(
            r#"local count = 0
local step = coroutine.wrap(function() for i = 1, 3000 do task.wait(0) count = i end end)
step()
while count < 3000 do task.wait(0.005) end
return tostring(count)"#,
            "3000",
        ),
        case(
            r#"local thread = coroutine.create(function() task.wait(60) end)
coroutine.resume(thread)
return tostring(coroutine.close(thread)) .. coroutine.status(thread)"#,
            "truedead",
        ),
        case(r#"local f = coroutine.wrap(function() error("inside", 0) end) return why(f)"#, "inside"),
        case(
            r#"local ok, err = pcall(function() task.wait(0.001) discord.get_channel { channel_id = "1" } end)
return `{ok} {err.kind} {err.status}`"#,
            "false discord 404",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_raises_before_it_begins_where_it_cannot() {
    let refused = "phase: discord.create_message: cannot wait here: not in a metamethod, in table.sort, in string.gsub or in another function's callback";
    let send = r#"discord.create_message { channel_id = ctx.channel_id, content = "never" }"#;
    check(&[
        case(&format!(r#"return why(function() local t = setmetatable({{}}, {{ __index = function() {send} end }}) return t.x end)"#), refused),
        case(&format!(r#"return why(function() table.sort({{ 2, 1, 3 }}, function(a, b) {send} return a < b end) end)"#), refused),
        case(&format!(r#"return why(function() return ("abc"):gsub(".", function() {send} end) end)"#), refused),
        case(&format!(r#"return why(function() for _ in setmetatable({{}}, {{ __iter = function() {send} end }}) do end end)"#), refused),
        case(&format!(r#"return why(state.transaction, function() {send} end)"#), refused),
        case(r#"return why(state.transaction, function() coroutine.yield() end)"#, "attempt to yield across metamethod/C-call boundary"),
        case(r#"local n = 0 for _, m in discord.list_messages { channel_id = ctx.channel_id } do if m.content == "never" then n += 1 end end return tostring(n)"#, "0"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_module_returns_is_frozen_and_its_globals_are_its_own() {
    let stage = setup(&[
        ("utils/a.luau", "shared_name = \"a\"\nreturn { list = { 1 }, get = function() return shared_name end, text = \"x\" }"),
        ("utils/b.luau", "shared_name = \"b\"\nreturn function() return shared_name end"),
        ("utils/string.luau", "return \"only a string\""),
        ("utils/none.luau", "return nil"),
        (
            "cogs/t.luau",
            r#"local cog = require("@cogsmith/cog")
local a, b, s, none = require("../utils/a"), require("../utils/b"), require("../utils/string"), require("../utils/none")
local function why(...)
    local _, err = pcall(...)
    return type(err) == "table" and err.message or tostring(err)
end
cog.command { name = "t", run = function(ctx)
    local lines = {
        a.get() .. b() .. s .. tostring(none),
        why(function() a.x = 1 end),
        why(function() table.insert(a.list, 2) end),
        why(function() _G.x = 1 end),
        tostring(rawget(_G, "shared_name")),
        why(function() package.loaded["utils.a"] = 1 end),
        tostring(package.loaded["utils.a"] == a) .. tostring(package.loaded["cogs.t"]),
        why(function() string.x = 1 end),
        why(function() getmetatable("").__index.x = 1 end),
        why(require, "./other"),
        why(require, "../utils/missing"),
        why(require, "@nothing/x"),
        why(require, "../../outside"),
        why(require, {}),
        why(require, "@cogsmith/nothing"),
        tostring(loadstring) .. tostring(getfenv) .. tostring(setfenv) .. tostring(newproxy),
        tostring(require("@cogsmith/cog") == cog) .. tostring(cog.api),
    }
    ctx:reply(table.concat(lines, "\n"))
end }
"#,
        ),
        ("cogs/other.luau", &answering("other", "other")),
    ])
    .start()
    .await;
    let answer = stage.ask("!t").await;
    let lines: Vec<_> = answer.lines().collect();
    assert_eq!(lines[0], "abonly a stringnil");
    for line in [1, 2, 3] {
        assert!(lines[line].contains("readonly"), "{answer}");
    }
    assert_eq!(lines[4], "nil");
    assert!(lines[5].contains("readonly"), "{answer}");
    assert_eq!(lines[6], "truenil", "{answer}");
    assert!(
        lines[7].contains("readonly") && lines[8].contains("readonly"),
        "{answer}"
    );
    assert!(lines[9].contains("cog"), "{answer}");
    assert!(lines[10].contains("utils/missing"), "{answer}");
    assert!(lines[11].contains("@nothing"), "{answer}");
    assert!(lines[12].contains("outside"), "{answer}");
    assert!(
        lines[13].contains("require: the path: expected a string, got a table"),
        "{answer}"
    );
    assert!(
        lines[14].contains("there is no @cogsmith/nothing"),
        "{answer}"
    );
    assert_eq!(lines[15], "nilnilnilnil");
    assert_eq!(lines[16], "true1");
}

#[tokio::test(flavor = "multi_thread")]
async fn cycles_and_deep_chains_fail_and_say_so() {
    let mut stage = setup(&[
        ("cogs/t.luau", &answering("t", "t")),
        ("utils/a.luau", "return require(\"./b\")"),
        ("utils/b.luau", "return require(\"./a\")"),
    ])
    .start()
    .await;
    stage.save("cogs/t.luau", "require(\"../utils/a\")");
    let report = stage.failed().await;
    let message = &report.problems[0].message;
    assert!(message.contains("utils.a → utils.b → utils.a"), "{message}");
    assert_eq!(stage.ask("!t").await, "t");
    for depth in 0..40 {
        stage.save(
            &format!("utils/d{depth}.luau"),
            &format!("return require(\"./d{}\")", depth + 1),
        );
    }
    stage.save("utils/d40.luau", "return 1");
    stage.save("cogs/t.luau", "require(\"../utils/d0\")");
    let report = stage.failed().await;
    let message = &report.problems[0].message;
    assert!(message.contains("32 modules deep"), "{message}");
    assert_eq!(stage.ask("!t").await, "t");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_emoji_as_discord_writes_them() {
    check(&[
        case(r#"return discord.escape("**a** [b](https://x.test/a_b)")"#, r"\*\*a\*\* \[b](https://x.test/a_b)"),
        case(r#"return tostring(string.find(discord.escape("@everyone <@1>"), "@everyone", 1, true))"#, "nil"),
        case(r#"return why(discord.escape, 1)"#, "argument: discord.escape: the text: expected a string of at most 65536 characters, got…"),
        case(r#"return why(discord.escape, ("x"):rep(100000))"#, "argument: discord.escape: the text: expected a string of at most 65536 characters, got…"),
        case(r#"return discord.clean(`<@{ctx.author.id}> in <#{ctx.channel_id}>`, ctx.guild_id)"#, "@Owner in #general"),
        case(r#"return discord.clean(`<@{ctx.author.id}> in <#{ctx.channel_id}>`)"#, "@unknown-user in #general"),
        case(r#"return discord.clean(`<#{ctx.channel_id}> <@&{ctx.guild_id}>`, "5")"#, "#unknown @unknown-role"),
        case(r#"return discord.clean("<:wave:123> </rank:5> a<b", ctx.guild_id)"#, ":wave: /rank a<b"),
        case(r#"return discord.emoji_key("<:wave:123>") .. " " .. discord.emoji_key { id = "123", name = "waves" }"#, "123 123"),
        case(r#"return tostring(discord.emoji_key("❤") == discord.emoji_key { name = "❤️" })"#, "true"),
        case(r#"return discord.emoji_key(json.decode('{"id":null,"name":"👍"}'))"#, "👍"),
        case(r#"return why(discord.emoji_key, "word")"#, "argument: discord.emoji_key: the emoji: expected an emoji, or one of Discord's objects for emoji, got…"),
        case(r#"return why(discord.emoji_key, {})"#, "argument: discord.emoji_key: the emoji: expected…"),
        case(r#"return why(discord.emoji_key, nil)"#, "argument: discord.emoji_key: the emoji: expected…"),
    ])
    .await;
}
