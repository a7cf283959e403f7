//! What a cog can do to the bot: nothing. Each attack ends with an answer or with the one sentence that a
//! user gets, other cogs go on, and the process lives.

use crate::support::cases::{self, CAPABILITIES, answers};
use crate::support::{Stage, answering, holds, setup};
use cogsmith::clock::Clock;
use std::fmt::Write as _;
use std::time::Duration;

fn limits(cpu_ms: u32) -> String {
    // So many attacks of one cog would have it in quarantine.
    let patient = r#""faults_per_10min": 1000, "cpu_seconds_per_minute": 3600"#;
    format!(
        r#"{{ "limits": {{ "cpu_ms": {cpu_ms}, "memory_mb": 32, "state_mb": 2, {patient} }} }}"#
    )
}

/// Where an attack ends.
enum End {
    /// With the sentence for users; the log has a text like this.
    Fault(&'static str),
    /// With an answer that begins like this.
    Answer(&'static str),
    /// With either.
    Any,
}
use End::{Answer, Any, Fault};

fn cog_of(attacks: &[(&str, End)]) -> String {
    let mut source = format!(
        r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local state = require("@cogsmith/state")
local task = require("@cogsmith/task")
local json = require("@cogsmith/json")
local log = require("@cogsmith/log")
local time = require("@cogsmith/time")
local ui = require("@cogsmith/ui")
cog.info {{ capabilities = {{ {CAPABILITIES} }} }}
local last = "nothing"
cog.on_error(function(ctx, err) last = `{{err.message}}` end)
cog.command {{ name = "last", run = function(ctx) ctx:reply(last) end }}
local function why(...)
    local ok, err = pcall(...)
    if ok then return "no error" end
    return type(err) == "table" and err.message or tostring(err)
end
"#
    );
    for (number, (body, _)) in attacks.iter().enumerate() {
        writeln!(
            source,
            "cog.command {{ name = \"a{number}\", run = function(ctx) local answer = (function()\n{body}\nend)() if answer then ctx:reply(answer) end end }}"
        )
        .unwrap();
    }
    source
}

/// CPU time for attacks that are to end by themselves, also in a build without optimisation on a busy machine.
const AMPLE: u32 = 800;
/// For those that first do something, and then end with it.
const SCARCE: u32 = 250;
/// For those that may end with it at any place.
const LITTLE: u32 = 80;

/// Makes all attacks, one after the other, and looks after each that the bot is well.
async fn attack(cpu_ms: u32, attacks: &[(&str, End)]) -> Stage {
    cases::show_log();
    let stage = setup(&[
        ("cogs/attack.luau", &cog_of(attacks)),
        ("cogs/other.luau", &answering("other", "well")),
    ])
    .config(&limits(cpu_ms))
    .start()
    .await;
    let mut wrong = String::new();
    for (number, (body, end)) in attacks.iter().enumerate() {
        let answer = answers(&stage, &format!("!a{number}")).await;
        let is_told = |answer: &String| answer.contains("The log has the rest under `");
        let told = answer.len() == 1 && is_told(&answer[0]);
        let last = match end {
            Fault(_) => stage.ask("!last").await,
            _ => String::new(),
        };
        let fits = match end {
            Fault(text) => told && last.contains(text),
            Answer(text) => answer.len() == 1 && answer[0].starts_with(text),
            // Its time may also be over when it has just answered.
            Any => answer.len() == 1 || answer.len() == 2 && is_told(&answer[1]),
        };
        if !fits {
            writeln!(
                wrong,
                "--- {number}\n{body}\nanswer: {answer:?}\nlast: {last}"
            )
            .unwrap();
        }
        assert_eq!(stage.ask("!other").await, "well", "after {body}");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_code_is_stopped_however_it_hides() {
    let cpu = Fault("limits.cpu_ms");
    let cpu = |body: &'static str| {
        (
            body,
            Fault(match &cpu {
                Fault(text) => text,
                _ => "",
            }),
        )
    };
    let stage = attack(LITTLE, &[
        cpu("while true do end"),
        cpu("while true do pcall(function() while true do end end) end"),
        cpu("local function f() pcall(f) f() end f()"),
        cpu("pcall(function() while true do end end) state.global.hacked = 1 discord.create_message { channel_id = ctx.channel_id, content = \"hacked\" }"),
        cpu("xpcall(function() while true do end end, function() state.global.hacked = 2 while true do end end) ctx:reply(\"hacked\")"),
        cpu("coroutine.wrap(function() pcall(function() while true do end end) state.global.hacked = 3 end)() ctx:send(\"hacked\")"),
        cpu("pcall(string.gsub, (\"x\"):rep(10), \".\", function() while true do end end) state.global.hacked = 4 ctx.message:reply(\"hacked\")"),
        cpu("pcall(table.sort, { 3, 2, 1 }, function() while true do end end) state.global.hacked = 5"),
        cpu("local t = setmetatable({}, { __index = function() while true do end end }) pcall(function() return t.x end) state.global.hacked = 6"),
        cpu("pcall(state.transaction, function() state.global.hacked = 7 while true do end end)"),
        cpu("state.user(\"1\").x = 1 pcall(state.entries, \"user\", { where = function() while true do end end }) task.spawn(function() ctx:reply(\"hacked\") end)"),
        cpu("task.spawn(function() pcall(function() while true do end end) ctx:reply(\"hacked\") end)"),
        cpu("pcall(function() while true do end end) task.delay(0, function() ctx:reply(\"hacked\") end) cog.fail(\"hacked\")"),
        cpu("for _ in setmetatable({}, { __iter = function() return function() return 1 end end }) do end"),
        cpu("return tostring(setmetatable({}, { __tostring = function() while true do end end }))"),
        cpu("local s = setmetatable({}, { __concat = function() while true do end end }) return s .. s"),
        cpu("ctx:finally(function() end) while true do local x = ctx.author end"),
        cpu("while true do state.global.x = (state.global.y or 0) end"),
        cpu("while true do pcall(task.wait, \"x\") end"),
        cpu("while true do coroutine.wrap(function() end)() end"),
        ("local t = {} for i = 1, 1e7 do t[i] = 1 / i end table.sort(t)", Any),
    ])
    .await;
    let all = stage.sim.messages(stage.general());
    assert!(
        all.iter().all(|message| message["content"] != "hacked"),
        "{all:?}"
    );
    let views = stage.bot.cogs.get("attack").unwrap().context.state.live();
    let hacked = views
        .stored
        .get(&cogsmith::state::StateScope::Global, &["hacked".into()]);
    assert_eq!(hacked, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_has_a_limit_and_comes_back() {
    let memory = "limits.memory_mb";
    attack(AMPLE, &[
        ("local t = {} while true do t[#t + 1] = (\"x\"):rep(1e5) .. #t end", Fault(memory)),
        ("local s = \"x\" while true do s ..= s end", Fault(memory)),
        ("local t = {} while true do t[#t + 1] = buffer.create(65536) end", Fault(memory)),
        ("return #(\"x\"):rep(2^30)", Fault(memory)),
        ("return #table.create(2^25, 0)", Fault(memory)),
        ("local t = {} while true do t[#t + 1] = coroutine.create(function() end) end", Any),
        ("local t = {} while true do t[#t + 1] = function() return t end end", Any),
        ("local t = {} for i = 1, 2000 do local _, e = pcall(error, (\"x\"):rep(1e6) .. i) t[i] = e end", Fault(memory)),
        ("local t, s = {}, (\"x\"):rep(1e6) for i = 1, 2000 do local _, e = pcall(discord.create_message, { channel_id = s .. i }) t[i] = e end return `{#t}`", Any),
        ("local t = {} for i = 1, 1e6 do t[i] = ctx.author end return \"kept\"", Any),
        ("local t = {} for i = 1, 1e5 do t[i] = discord.cache.guild(ctx.guild_id) end return \"kept\"", Any),
        ("local t = {} for i = 1, 1e5 do t[i] = json.decode('[[[[[[1]]]]]]') end return \"kept\"", Any),
        ("return why(json.decode, \"[\" .. (\"1,\"):rep(5e6) .. \"1]\")", Any),
        ("local ok, err = pcall(string.rep, \"x\", 2^30) return `{ok} {err}`", Answer("false not enough memory")),
        ("return \"room again\"", Answer("room again")),
    ])
    .await;
}

/// What is built is the cog's own memory, and looking at it takes its own time.
#[tokio::test(flavor = "multi_thread")]
async fn builders_cost_what_tables_cost() {
    attack(AMPLE, &[
        ("local t = {} while true do t[#t + 1] = ui.text(\"x\") end", Any),
        ("local long = (\"x\"):rep(4000) local t = {} while true do t[#t + 1] = ui.text(long .. #t % 10) end", Any),
        ("while true do pcall(ui.row, {}) end", Fault("limits.cpu_ms")),
        ("local t = table.create(1e4, { type = 10, content = \"x\" }) return why(ui.container, { components = { { type = 17, components = t } } })", Answer("ui.container: components[1]: expected a row")),
        ("local t = table.create(1e4, { type = 2, style = 1 }) return why(ui.container, { components = { { type = 1, components = t } } })", Answer("ui.container: components[1].components: expected a list of 1 to 5 items, got a list of 10000 items")),
        ("local t = table.create(1e4, { name = \"\", value = \"\" }) return why(ctx.reply, ctx, { embeds = { { fields = t } } })", Answer("ctx:reply: embeds[1].fields: expected a list of at most 25 items")),
        ("local t = table.create(1e5, \"a\") return why(ui.select, { id = \"s\", options = t })", Answer("ui.select: options: expected a list of options")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_recursion_ends_in_an_error() {
    attack(AMPLE, &[
        ("local function f() return f() + 1 end return `{f()}`", Fault("stack overflow")),
        ("local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k .. \"x\"] end return t.a", Any),
        ("local function f() return (\"x\"):gsub(\"x\", f) end return (f())", Any),
        ("local function f() table.sort({ 1, 2 }, function() f() return false end) end f()", Any),
        ("local function f() state.transaction(f) end f()", Any),
        ("local function f() return coroutine.wrap(f)() end f()", Any),
        ("local function f() return task.spawn(f) end f() return \"x\"", Any),
        ("local function f() pcall(f) end f() return \"survived\"", Any),
        ("local function f() return xpcall(f, f) end f() return \"survived\"", Any),
        ("local t = setmetatable({}, { __tostring = function(self) return tostring(self) end }) return tostring(t)", Any),
        ("local t = {} for i = 1, 1e5 do t = { t } end return why(json.encode, t)", Answer("json.encode: the value[1][1]")),
        ("local t = {} for i = 1, 1e5 do t = { t } end return why(function() state.global.x = t end)", Answer("state.global.x[1][1]")),
        ("return why(error, setmetatable({}, { __tostring = function() while true do end end }))", Any),
        ("error(setmetatable({}, { __tostring = function() while true do end end, __index = error }))", Fault("raised a table without a message")),
        ("error(coroutine.create(print))", Fault("raised a thread instead of a message")),
        ("error(ctx)", Fault("raised a userdata instead of a message")),
        ("error(false)", Fault("raised false instead of a message")),
        ("error((\"x\"):rep(1e6))", Fault("xxxxxxxx")),
        ("error({ message = (\"x\"):rep(1e6), kind = (\"k\"):rep(1e6), file = (\"lua/\"):rep(1e6), line = 0/0, requires = { 1, {} } })", Fault("xxxxx")),
        ("error({ message = \"a\\nb\\0c\", file = \"lua/a\\nb\", line = -5 })", Fault("a b c")),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn library_calls_cannot_be_made_to_run_for_long() {
    attack(LITTLE, &[
        ("local s = (\"a\"):rep(5e6) return tostring(s:find((\"a\"):rep(2e6) .. \"b\"))", Any),
        ("local s = (\"a\"):rep(2e5) return tostring(s:find(\"[\" .. (\"b\"):rep(2e5) .. \"]*c\"))", Any),
        ("local s = (\"a\"):rep(5e6) return tostring(s:match(\"[\" .. (\"b\"):rep(1e5) .. \"]-c\"))", Any),
        ("local s = (\"a\"):rep(1e5) return tostring(s:find((\"a-\"):rep(20) .. \"b\"))", Any),
        ("local s = (\"a\"):rep(3e4) return tostring(s:find((\".-\"):rep(8) .. \"b\"))", Any),
        ("local s = (\"a\"):rep(1e6) return tostring(s:find(\".-.-.-.-b\"))", Any),
        ("local s = (\"a\"):rep(1e6) return tostring(s:gsub(\"a*b\", \"\"))", Any),
        ("local s = (\"a\"):rep(1e6) return tostring(s:find(\"%f[b]\"))", Any),
        ("local s = (\"(\"):rep(1e6) return tostring(s:find(\"%b()\"))", Any),
        ("local s = (\"(\"):rep(3e5) return tostring(s:gsub(\"%b()\", \"\"))", Any),
        ("local s = (\"a\"):rep(2e6) return tostring(#s:split(\"\"))", Any),
        ("return why(string.format, \"%99999d\", 1)", Any),
        ("return tostring(#string.format((\"%99.99f\"):rep(1000), table.unpack(table.create(1000, 1e300))))", Any),
        ("return why(string.pack, (\"s8\"):rep(1000), \"x\")", Any),
        ("return why(string.unpack, \"!16i16\", (\"x\"):rep(100), 2^40)", Any),
        ("return why(string.packsize, (\"i16\"):rep(1e6))", Any),
        ("return tostring(#table.move(table.create(1e5, 1), 1, 1e5, 2))", Any),
        ("local t = table.create(1e6) for i = 1, 1e6 do t[i] = (i * 7919) % 1000003 end table.sort(t) return \"sorted\"", Any),
        ("local t, s = {}, (\"x\"):rep(5e4) for i = 1, 400 do t[i] = s .. (i * 7) % 400 end table.sort(t) return \"sorted\"", Any),
        ("local t = table.create(1e5) for i = 1, 1e5 do t[i] = i end table.sort(t, function() return true end)", Any),
        ("return why(table.concat, table.create(1e6, \"x\"), (\"y\"):rep(100))", Any),
        ("return why(table.concat, { 1 }, \"\", 1, 2^31)", Any),
        ("return why(table.unpack, {}, 1, 1e8)", Any),
        ("return why(table.insert, {}, 2^40, 1)", Any),
        ("return tostring(select(\"#\", (\"x\"):rep(1e6):byte(1, -1)))", Any),
        ("return why(utf8.codepoint, (\"x\"):rep(1e7), 1, -1)", Any),
        ("return why(utf8.char, table.unpack(table.create(7000, 0x10ffff)))", Any),
        ("return tostring(tonumber((\"9\"):rep(1e6)))", Any),
        ("return why(os.date, (\"%c\"):rep(1e5))", Any),
        ("return why(os.time, { year = 1e300, month = 1, day = 1 })", Any),
        ("return why(buffer.create, 2^40)", Any),
        ("local b = buffer.create(1e6) for i = 1, 1e5 do buffer.copy(b, 0, b, 1, 1e5) end return \"copied\"", Any),
        ("return why(setmetatable, string, {})", Any),
        ("return why(table.clear, string)", Any),
        ("return why(rawset, _G, \"x\", 1)", Any),
        ("coroutine = nil task.wait = nil", Any),
    ])
    .await;
    attack(AMPLE, &[
        ("local s = (\"a\"):rep(5e6) return tostring(s:find((\"a\"):rep(2e6) .. \"b\", 1, true))", Answer("nil")),
        ("local s = (\"a\"):rep(5e6) return tostring(#s:split((\"a\"):rep(1e6) .. \"b\"))", Answer("1")),
        ("return tostring(#(\"\"):rep(2^31 - 1))", Answer("0")),
        ("return tostring(#(\"\"):rep(1e15))", Answer("0")),
        ("return why(table.move, {}, 1, 2^31 - 1, 2, {})", Answer("table.move: the range is too large")),
        ("local ok, err = pcall(function() table.insert({}, 1, 2, 3) end) return err", Answer("lua/cogs/attack.luau:")),
        ("local ok, err = pcall(function() table.sort({ 3, 2, 1, 4, 5 }, 5) end) return err", Answer("lua/cogs/attack.luau:")),
        ("local ok, err = pcall(function() for _ in pairs(nil) do end end) return err", Answer("lua/cogs/attack.luau:")),
        ("local ok, err = pcall(function() for _ in ipairs() do end end) return err", Answer("lua/cogs/attack.luau:")),
        ("local n = 0 for i, v in ipairs({ 1, 2, nil, 4 }) do n += v end for k, v in pairs({ a = 5 }) do n += v end return `{n}`", Answer("8")),
        ("return why(table.move, { [-1e9] = 1 }, -1e9, 1e9, 1)", Answer("table.move: the range is too large")),
        ("return why(collectgarbage, \"collect\")", Answer("collectgarbage: the option: expected \"count\"")),
        ("return type(collectgarbage(\"count\")) .. type(gcinfo) .. type(debug.info) .. type(string.dump)", Answer("numbernilnilnil")),
        ("return why(function() getmetatable(\"\").__index = nil end)", Answer("lua/cogs/attack.luau:")),
    ])
    .await;
}

/// Each of these would have Rust copy or keep what Luau counts once, or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn what_rust_holds_for_a_cog_is_bounded() {
    let stage = attack(AMPLE, &[
        // A string counts once in Luau, and would be copied each time.
        ("local s, t = (\"x\"):rep(1e6), {} for i = 1, 1e4 do t[i] = s end return why(json.encode, t)", Answer("json.encode: the value[17]: holds more than 16 MB")),
        ("local s, t = (\"x\"):rep(1e6), {} for i = 1, 1e4 do t[i] = s end return why(function() state.global.x = t end)", Answer("state.global.x[17]")),
        ("local s, t = (\"x\"):rep(1e6), {} for i = 1, 1e4 do t[i] = s end print(table.unpack(t, 1, 5000)) return \"printed\"", Answer("printed")),
        ("local k = (\"k\"):rep(5e6) local t = {} for i = 1, 1e4 do t[i] = 1 end return why(json.encode, { [k] = { [k .. 1] = { t, print } } })", Answer("json.encode: the value.kkk")),
        ("local s = (\"x\"):rep(5e6) local t = {} for i = 1, 100 do t[i] = { filename = \"a\", content = s } end return why(ctx.reply, ctx, { content = \"x\", files = t })", Answer("ctx:reply: files: expected at most 10 files, got 100")),
        ("for i = 1, 1e5 do state.global[i] = (\"x\"):rep(1e5) end", Fault("limits.state_mb")),
        ("return `{#state.global > 10}`", Answer("true")),
        ("table.clear(state.global) return `{#state.global}`", Any),
        // Iterators keep snapshots, and every write makes another.
        ("for i = 1, 15 do state.global[i] = (\"x\"):rep(1e5) end return \"filled\"", Answer("filled")),
        ("local kept = {} local err for round = 1, 500 do local ok, e = pcall(function() for _ in state.global do kept[#kept + 1] = coroutine.create(function() for _ in state.global do coroutine.yield() end end) coroutine.resume(kept[#kept]) break end end) state.global[1] = round if not ok then err = e break end end return tostring(err and err.message)", Any),
        ("local t = {} for i = 1, 2000 do t[i] = pairs(state.global) state.global[1] = i end return \"kept\"", Any),
        // Handles have paths of their own.
        ("local key, t = (\"k\"):rep(20), { x = 1 } for i = 1, 20 do t = { [key] = t } end state.user(\"1\").deep = t return \"deep\"", Answer("deep")),
        ("local key, kept = (\"k\"):rep(20), {} for i = 1, 1e6 do local h = state.user(\"1\").deep for j = 1, 20 do h = h[key] end kept[i] = h end", Any),
        ("local kept = {} for i = 1, 40 do kept[i] = discord.get_channel { channel_id = ctx.channel_id } end return \"kept\"", Answer("kept")),
        ("for i = 1, 1e5 do task.delay(60, print) end", Fault("1000 tasks")),
        ("for i = 1, 1e5 do ctx:finally(function() end) end", Fault("at most 100 functions in one call")),
        ("for i = 1, 1e5 do coroutine.wrap(function() task.wait(60) end)() end", Any),
        ("for i = 1, 2000 do task.spawn(function() task.lock(\"same\", function() task.wait(60) end) end) end", Any),
        ("return \"still here\"", Answer("still here")),
    ])
    .await;
    stage.ask("!unload attack").await;
    assert_eq!(stage.ask("!other").await, "well");
}

/// What Luau holds of Discord's objects is counted, and given back.
#[tokio::test(flavor = "multi_thread")]
async fn objects_are_charged_for_as_long_as_they_live() {
    let source = r#"local cog = require("@cogsmith/cog")
local discord = require("@cogsmith/discord")
local kept = {}
cog.command { name = "keep", run = function(ctx)
    local ok, err = pcall(function() for i = 1, 1e6 do kept[i] = discord.cache.guild(ctx.guild_id) end end)
    local many = #kept > 10
    for i = 1, 5 do kept[#kept] = nil end
    ctx:reply(`{many} {err.kind} {err.message}`)
end }
cog.command { name = "drop", run = function(ctx) table.clear(kept) ctx:reply("dropped") end }
cog.command { name = "fill", run = function(ctx) for i = 1, 200000 do local x = discord.cache.guild(ctx.guild_id) end ctx:reply("filled") end }
"#;
    let stage = setup(&[("cogs/t.luau", source)])
        .config(r#"{ "limits": { "cpu_ms": 20000, "memory_mb": 16 } }"#)
        .start()
        .await;
    let held = || {
        let cog = stage.bot.cogs.get("t").unwrap();
        cog.context.object_bytes()
    };
    assert_eq!(
        stage.ask("!keep").await,
        "true limit this cog holds more than 16 MB of Discord objects and references to state (limits.memory_mb)"
    );
    assert!(held() > 10 << 20, "{}", held());
    assert_eq!(stage.ask("!drop").await, "dropped");
    assert_eq!(stage.ask("!keep").await.split(' ').next(), Some("true"));
    stage.ask("!drop").await;
    stage.ask("!reload cog t").await;
    stage.settled().await;
    assert!(held() < 1 << 20, "{}", held());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_cog_delays_only_itself() {
    let stuck = r#"local cog = require("@cogsmith/cog")
cog.command { name = "stuck", run = function() while true do end end }
cog.on.message_create(function(message) if message.content == "all stuck" then while true do end end end)
"#;
    let stage = setup(&[
        ("cogs/stuck.luau", stuck),
        ("cogs/other.luau", &answering("other", "well")),
    ])
    .config(r#"{ "limits": { "cpu_ms": 1500 } }"#)
    .start()
    .await;
    let owner = stage.sim.owner();
    let general = stage.general();
    stage.sim.say(owner, general, "!stuck").unwrap();
    let mut feed = stage.sim.subscribe();
    stage.sim.say(owner, general, "!other").unwrap();
    let bot = stage.sim.bot_user().to_string();
    loop {
        let dispatch = tokio::time::timeout(crate::support::PATIENCE, feed.recv())
            .await
            .unwrap()
            .unwrap();
        if dispatch.name == "MESSAGE_CREATE" && dispatch.data["author"]["id"] == bot.as_str() {
            // It comes before the stuck command's, which is an error.
            assert_eq!(dispatch.data["content"], "well");
            break;
        }
    }
    stage.settled().await;
}

/// Code that gives way to others without end has the handler's limit of wall time.
#[tokio::test(flavor = "multi_thread")]
async fn giving_way_without_end_ends_with_the_handlers_time() {
    let source = r#"local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")
local last
cog.on_error(function(_, err) last = err.message end)
cog.command { name = "zero", run = function() while true do task.wait(0) end end }
cog.command { name = "yield", run = function() while true do coroutine.yield() end end }
cog.command { name = "last", run = function(ctx) ctx:reply(last) end }
"#;
    let stage = setup(&[("cogs/t.luau", source)])
        .config(r#"{ "limits": { "handler_seconds": 1 } }"#)
        .start()
        .await;
    for command in ["!zero", "!yield"] {
        let answer = answers(&stage, command).await;
        assert!(answer[0].contains("The log has the rest"), "{answer:?}");
        assert!(stage.ask("!last").await.contains("limits.handler_seconds"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_top_level_that_attacks_changes_nothing() {
    let mut stage = setup(&[("cogs/t.luau", &answering("t", "old"))])
        .config(&limits(SCARCE))
        .start()
        .await;
    for (source, expected) in [
        (
            "local t = {} while true do t[#t + 1] = (\"x\"):rep(1e5) .. #t end",
            "limits.memory_mb",
        ),
        (
            "while true do pcall(function() while true do end end) end",
            "limits.cpu_ms",
        ),
        (
            "local function f() return f() + 1 end f()",
            "stack overflow",
        ),
        (
            "coroutine.wrap(function() while true do coroutine.yield() end end)() coroutine.yield()",
            "attempt to yield",
        ),
        (
            "error(setmetatable({}, { __tostring = function() while true do end end }))",
            "raised a table without a message",
        ),
        (
            "local cog = require(\"@cogsmith/cog\") cog.on_load(function() while true do end end)",
            "limits.cpu_ms",
        ),
        (
            "local cog = require(\"@cogsmith/cog\") for i = 1, 1e6 do cog.command { name = \"x\" .. i, run = print } end",
            "cog.command: a cog may call it 1000 times at most",
        ),
        (
            "local state = require(\"@cogsmith/state\") local t = {} t.t = t state.defaults { user = t }",
            "state.user",
        ),
    ] {
        stage.save("cogs/t.luau", source);
        let report = stage.failed().await;
        let message = &report.problems[0].message;
        assert!(message.contains(expected), "{source}\n{message}");
        assert_eq!(stage.ask("!t").await, "old");
    }
    stage.save("cogs/t.luau", &answering("t", "new"));
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "new");
}

/// Tasks end with their cog, and what they waited for is given up.
#[tokio::test(flavor = "multi_thread")]
async fn tasks_end_with_their_cog() {
    let source = r#"local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")
local state = require("@cogsmith/state")
local session = state.session.global
cog.on_ready(function()
    task.spawn(function() while true do session.beats = (session.beats or 0) + 1 task.wait(0.005) end end)
    task.delay("10m", function() session.never = true end)
    coroutine.wrap(function() task.wait(600) end)()
end)
cog.command { name = "beats", run = function(ctx) ctx:reply(`{session.beats or 0}`) end }
"#;
    let clock = Clock::paused(1_750_000_000);
    let stage = setup(&[("cogs/t.luau", source)])
        .clock(clock.clone())
        .start()
        .await;
    let context = std::sync::Arc::clone(&stage.bot.cogs.get("t").unwrap().context);
    let beats = || {
        let session = context.state.live().session;
        session.get(&cogsmith::state::StateScope::Global, &["beats".into()])
    };
    // Moves the clock from sleeper to sleeper, for a tenth of a second.
    let pass = async || {
        let until = clock.now() + Duration::from_millis(100);
        while clock.advance_to_next(until) {
            stage.settled().await;
        }
    };
    let at_first = beats();
    pass().await;
    assert_ne!(beats(), at_first);
    assert!(stage.ask("!unload t").await.contains("Unloaded"));
    stage.settled().await;
    let at_the_end = beats();
    pass().await;
    assert_eq!(beats(), at_the_end);
}

/// A VM that is replaced goes, also when its coroutines still waited for something.
#[tokio::test(flavor = "multi_thread")]
async fn replaced_vms_are_given_back() {
    let source = r#"local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")
local kept = {}
cog.on_ready(function()
    task.delay(600, function() end)
    kept[1] = task.spawn(function() task.wait(600) end)
    kept[2] = coroutine.create(function() pcall(task.timeout, 500, function() task.wait(600) end) end)
    coroutine.resume(kept[2])
    kept[3] = task.spawn(function() task.lock("k", function() task.wait(600) end) end)
    kept[4] = task.spawn(function() task.lock("k", function() end) end)
    kept[5] = coroutine.create(function() coroutine.yield() end)
    coroutine.resume(kept[5])
    task.wait(600)
end)
cog.command { name = "t", run = function(ctx) ctx:reply("t") end }
"#;
    let stage = setup(&[("cogs/t.luau", source)])
        .config(r#"{ "limits": { "handler_seconds": 1 } }"#)
        .start()
        .await;
    // Every function of a VM's refers to the cog.
    let context = std::sync::Arc::clone(&stage.bot.cogs.get("t").unwrap().context);
    let of_one = std::sync::Arc::strong_count(&context);
    for _ in 0..5 {
        assert!(stage.ask("!reload cog t").await.contains("`t`"));
        assert_eq!(stage.ask("!t").await, "t");
    }
    let several = std::sync::Arc::strong_count(&context);
    assert!(
        several > 2 * of_one,
        "{of_one} and {several}: the old handlers still wait"
    );
    let now = || std::sync::Arc::strong_count(&context);
    assert!(
        holds(|| now() <= of_one + of_one / 4).await,
        "{of_one}, {several} and now {}",
        now()
    );
}
