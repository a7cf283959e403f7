//! The state as authors meet it: a table that Rust owns, with its five rules.

use crate::support::cases::{case, check};
use crate::support::{command, setup};

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_and_writes_like_a_table() {
    check(&[
        case(r#"local s = state.user("1") s.a = 1 s.a += 2 s.t = { 1, 2, { x = "y" } } return `{s.a} {#s.t} {s.t[3].x} {type(s)} {typeof(s)}`"#, "3 3 y userdata state"),
        case(r#"local s = state.user("2") s.list = {} table.insert(s.list, "a") table.insert(s.list, 1, "b") table.insert(s.list, "c") return table.concat(s.list, ",") .. table.remove(s.list) .. table.remove(s.list, 1) .. #s.list"#, "b,a,ccb1"),
        case(r#"local s = state.user("3") s.n = { 3, 1, 2 } table.sort(s.n) return table.concat(s.n) .. tostring(table.find(s.n, 2)) .. select('#', table.unpack(s.n))"#, "12323"),
        case(r#"local s = state.user("4") s.n = { 3, 1, 2 } table.sort(s.n, function(a, b) return a > b end) return table.concat(s.n)"#, "321"),
        case(r#"local s = state.user("5") s.b = 1 s.a = 2 s[1] = "x" s[2] = "y" local t = {} for k, v in s do table.insert(t, `{k}={v}`) end return table.concat(t, " ")"#, "1=x 2=y a=2 b=1"),
        case(r#"local s = state.user("5") local t = {} for k, v in pairs(s) do table.insert(t, `{k}`) end for i, v in ipairs(s) do table.insert(t, v) end return table.concat(t, " ") .. next(s)"#, "1 2 a b x y1"),
        case(r#"local s = state.user("5") local c = table.clone(s) c.a = 9 return type(c) .. s.a .. c.a"#, "table29"),
        case(r#"local s = state.user("5") table.clear(s) return tostring(next(s)) .. #s"#, "nil0"),
        case(r#"local s = state.user("6") s.from = { 1, 2, 3 } s.to = {} table.move(s.from, 1, 3, 2, s.to) return tostring(s.to[1]) .. s.to[4] .. table.concat(table.move(s.from, 1, 3, 1, {}))"#, "nil3123"),
        case(r#"local s = state.user("7") s.x = { a = 1 } return tostring(s.x == s.x) .. tostring(state.user("7") == state.user("7")) .. tostring(s == state.user("8"))"#, "truetruefalse"),
        case(r#"local s = state.user("7") s["1"] = "text" s[1] = "number" return s["1"] .. s[1] .. tostring(rawget(s, 1)) .. rawlen(s)"#, "textnumbernumber1"),
        case(r#"local s = state.user("9") for i = 1, 5 do s[i] = i end s[3] = nil return #s .. """#, "2"),
        case(r#"return tostring(state.user("7"))"#, r#"state.user["7"]"#),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assigning_copies_and_a_handle_is_a_path() {
    check(&[
        case(r#"local t = { a = 1 } local s = state.user("1") s.t = t t.a = 2 return `{s.t.a}`"#, "1"),
        case(r#"local s = state.user("1") s.copy = s.t s.t.a = 5 return `{s.copy.a}`"#, "1"),
        case(r#"local s = state.user("1") local h = s.t s.t = nil local read = tostring(h.a) return read .. why(function() h.a = 1 end)"#, "nilstate: …"),
        case(r#"local s = state.user("1") s.t = { x = 1 } local h = s.t s.t = { x = 2 } return `{h.x}`"#, "2"),
        case(r#"local s = state.user("1") s.t = nil return why(function() for _ in s.copy do s.copy = nil end return "ok" end)"#, "no error"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_named_by_its_path() {
    check(&[
        case(r#"return why(function() state.guild("1").xp = { handler = print } end)"#, r#"state: state.guild["1"].xp.handler: a function cannot be stored"#),
        case(r#"return why(function() state.user("1").x = 0/0 end)"#, r#"state: state.user["1"].x: NaN cannot be stored"#),
        case(r#"return why(function() state.user("1").x = ctx end)"#, r#"state: state.user["1"].x: an object (copy the fields that you need) cannot be stored"#),
        case(r#"return why(function() state.user("1").x = ctx.author end)"#, r#"state: state.user["1"].x: an object (copy the fields that you need) cannot be stored"#),
        case(r#"return why(function() state.user("1").x = coroutine.create(print) end)"#, r#"state: state.user["1"].x: a thread cannot be stored"#),
        case(r#"return why(function() state.user("1")[1.5] = 1 end)"#, r#"state: state.user["1"]: the number 1.5 cannot be a key; keys are strings and integers"#),
        case(r#"return why(function() state.user("1")[true] = 1 end)"#, r#"state: state.user["1"]: true cannot be a key; keys are strings and integers"#),
        case(r#"return why(function() local t = {} t.t = t state.user("1").x = t end)"#, r#"state: state.user["1"].x.t.t.t…"#),
        case(r#"return why(function() state.user("1").x = ("x"):rep(2^21) end)"#, r#"state: state.user["1"].x…"#),
        case(r#"return why(function() local s, t = ("x"):rep(2^20), {} for i = 1, 2000 do t[i] = s end state.user("1").x = t end)"#, r#"state: state.user["1"].x[16]: a value of more than 16 MB cannot be stored"#),
        case(r#"return why(function() state.user("1")[("k"):rep(300)] = 1 end)"#, r#"state: state.user["1"]…"#),
        case(r#"return why(state.user)"#, "state: …"),
        case(r#"return why(state.user, 5)"#, "argument: state.user: user_id: expected an id as a string, got the number 5"),
        case(r#"return why(state.user, "abc")"#, "state: …"),
        case(r#"return why(state.member, "1")"#, "state: …"),
        case(r#"return why(setmetatable, state.user("1"), {})"#, "invalid argument #1 to 'setmetatable' (table expected, got state)"),
        case(r#"return why(rawset, state.user("1"), "a", 1)"#, "invalid argument #1 to 'rawset' (table expected, got state)"),
        case(r#"return why(table.freeze, state.user("1"))"#, "invalid argument #1 to 'freeze' (table expected, got state)"),
        case(r#"return why(state.shared, "bank")"#, r#"capability: state.shared: needs the capability "shared:bank": add it to cog.info { capabilities = { "shared:bank" } }"#),
        case(r#"return why(state.shared, "no spaces!")"#, r#"argument: state.shared: the name: expected 1 to 64 letters, digits, _ or -, got the string "no spaces!""#),
        case(r#"return why(state.defaults, { user = {} })"#, "phase: state.defaults: only while the file loads: move this to its top level"),
        case(r#"return why(state.entries, "users")"#, r#"argument: state.entries: the scope: expected "global", "guild", "channel", "user", "role" or "member", got the string "users""#),
        case(r#"return why(state.entries, "user", 5)"#, "argument: state.entries: the options: expected a table, got the number 5"),
        case(r#"return why(state.entries, "user", { sorted = "x" })"#, r#"argument: state.entries: there is no field "sorted"; did you mean "sort"?"#),
        case(r#"return why(state.entries, "user", { guild_id = "x" })"#, r#"argument: state.entries: guild_id: expected an id, got the string "x""#),
        case(r#"return why(state.forget, "user", 5)"#, "argument: state.user: user_id: expected an id as a string, got the number 5"),
        case(r#"return why(state.transaction, 5)"#, "argument: state.transaction: the function: expected a function, got the number 5"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_apply_all_or_nothing() {
    check(&[
        case(r#"local a, b = state.transaction(function() state.user("1").x = 1 state.guild("1").y = 2 return "a", "b" end) return a .. b .. state.user("1").x .. state.guild("1").y"#, "ab12"),
        case(r#"local err = why(state.transaction, function() state.user("1").x = 100 state.session.user("1").z = 1 error("no", 0) end) return err .. state.user("1").x .. tostring(state.session.user("1").z)"#, "no1nil"),
        case(r#"local err = why(state.transaction, function() state.user("1").x = 100 cog.fail("told") end) return err .. state.user("1").x"#, "fail: told1"),
        case(r#"state.transaction(function() state.user("1").x = 5 pcall(state.transaction, function() state.user("1").x = 6 error("inner") end) end) return `{state.user("1").x}`"#, "5"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_a_leaderboard() {
    check(&[
        case(
            r#"for i = 1, 5 do state.member("10", tostring(i)).xp = i * 10 end
state.member("11", "1").xp = 99
local all = state.entries("member", { guild_id = "10", sort = "xp", descending = true, limit = 2, offset = 1 })
return `{#all} {all[1].id} {all[1].guild_id} {all[1].value.xp} {all[2].id}`"#,
            "2 4 10 40 3",
        ),
        case(r#"local some = state.entries("member", { where = function(v) return v.xp > 40 end }) return `{#some}`"#, "2"),
        case(r#"state.forget("member", "10", "5") return `{#state.entries("member", { guild_id = "10" })}`"#, "4"),
        case(r#"return why(state.entries, "member", { where = function() error("inside", 0) end })"#, "inside"),
        case(r#"return why(state.entries, "member", { where = 5 })"#, "argument: state.entries: where: expected a function, or a table of conditions, got the number 5"),
    ])
    .await;
}

/// Defaults, the session and what cogs share, over a reload that keeps a service.
#[tokio::test(flavor = "multi_thread")]
async fn defaults_stay_with_modules_that_are_kept() {
    let service = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.info { capabilities = { "shared:bank" } }
local bank = state.shared("bank")
local data = state.defaults { user = { xp = 1, list = { 1, 2 } } }
local money = bank.defaults { user = { coins = 100 } }
local seen = state.session.defaults { user = { count = 10 } }
return function(id)
    local mine = data.user(id)
    local sum = `{mine.xp} {#mine.list} {money.user(id).coins} {seen.user(id).count}`
    mine.xp += 1
    table.insert(mine.list, 3)
    money.user(id).coins -= 1
    seen.user(id).count += 1
    return sum
end
"#;
    let cog = r#"local cog = require("@cogsmith/cog")
local step = require("../services/step")
cog.command { name = "t", run = function(ctx) ctx:reply(step(ctx.author.id) .. "VERSION") end }
"#;
    let mut stage = setup(&[
        ("services/step.luau", service),
        ("cogs/t.luau", &cog.replace("VERSION", " one")),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!t").await, "1 2 100 10 one");
    assert_eq!(stage.ask("!t").await, "2 3 99 11 one");
    stage.save("cogs/t.luau", &cog.replace("VERSION", " two"));
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "3 4 98 12 two");
    // Nobody has written for anna: the defaults are all there is, also after the reload.
    let anna = stage.says("anna", "!t").await;
    assert_eq!(anna[0]["content"], "1 2 100 10 two");
}

/// Also where a handle comes from another version, and in `on_load`, before anything is committed.
#[tokio::test(flavor = "multi_thread")]
async fn shared_state_is_for_the_version_that_asked_and_was_granted() {
    let keep = "local kept
return { put = function(it) kept = it end, get = function() return kept end }";
    let old = r#"local cog = require("@cogsmith/cog")
local keep = require("../utils/keep")
cog.command { name = "t", run = function(ctx)
    local ok, err = pcall(function() keep.get().global.coins = 1 end)
    ctx:reply(`{ok} {err}`)
end }
"#;
    let new = r#"local cog = require("@cogsmith/cog")
local keep = require("../utils/keep")
cog.info { capabilities = { "shared:bank" } }
keep.put(require("@cogsmith/state").shared("bank"))
error("not yet")
"#;
    let ungranted = r#"local cog = require("@cogsmith/cog")
cog.info { capabilities = { "shared:bank" } }
local ok, err = pcall(require("@cogsmith/state").shared, "bank")
error(`{ok} {err}`)
"#;
    let granted = r#"local cog = require("@cogsmith/cog")
cog.info { capabilities = { "shared:bank" } }
local bank = require("@cogsmith/state").shared("bank")
cog.on_load(function() bank.global.coins = 5 end)
cog.command { name = "v", run = function(ctx) ctx:reply(`{bank.global.coins}`) end }
"#;
    let mut stage = setup(&[
        ("utils/keep.luau", keep),
        ("cogs/t.luau", old),
        ("cogs/u.luau", &crate::support::answering("u", "old")),
        ("cogs/v.luau", granted),
    ])
    .config(r#"{ "capabilities": { "*": ["shared:bank"], "u": [] } }"#)
    .start()
    .await;
    assert_eq!(stage.ask("!v").await, "5");
    stage.save("cogs/t.luau", new);
    stage.failed().await;
    let refused = stage.ask("!t").await;
    assert!(
        refused.contains(r#"state.shared: needs the capability "shared:bank": add it"#),
        "{refused}"
    );
    assert_eq!(stage.ask("!v").await, "5");
    stage.save("cogs/u.luau", ungranted);
    let report = stage.failed().await;
    let message = &report.problems[0].message;
    assert!(
        message.contains(r#""shared:bank", which config.json does not grant"#),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nil_brings_a_default_back_and_reading_stores_nothing() {
    let cog = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local data = state.defaults { user = { xp = 7, t = { a = 1, b = 2 } } }
cog.command { name = "t", run = function(ctx)
    local s = data.user(ctx.author.id)
    local lines = { `{s.xp} {s.t.b} {#state.entries("user")}` }
    s.t.a = 5
    table.insert(lines, `{s.t.a} {s.t.b} {#state.entries("user")}`)
    s.t = nil
    s.xp = 8
    s.xp = nil
    table.insert(lines, `{s.t.a} {s.xp}`)
    ctx:reply(table.concat(lines, "|"))
end }
"#;
    let stage = setup(&[("cogs/t.luau", cog)]).start().await;
    assert_eq!(stage.ask("!t").await, "7 2 0|5 2 1|1 7");
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_while_loading_raises_and_nothing_is_written() {
    let good = crate::support::answering("t", "old");
    let mut stage = setup(&[("cogs/t.luau", &good)]).start().await;
    for (line, source) in [
        (
            2,
            "local state = require(\"@cogsmith/state\")\nstate.global.x = 1\n",
        ),
        (
            2,
            "local state = require(\"@cogsmith/state\")\nstate.transaction(function() end)\n",
        ),
        (
            2,
            "local state = require(\"@cogsmith/state\")\nstate.forget(\"user\", \"1\")\n",
        ),
        (
            2,
            "local task = require(\"@cogsmith/task\")\ntask.spawn(function() end)\n",
        ),
        (
            2,
            "local task = require(\"@cogsmith/task\")\ntask.wait(1)\n",
        ),
        (
            2,
            "local task = require(\"@cogsmith/task\")\ntask.delay(1, function() end)\n",
        ),
        (
            2,
            "local discord = require(\"@cogsmith/discord\")\ndiscord.create_message { channel_id = \"1\", content = \"x\" }\n",
        ),
    ] {
        stage.save("cogs/t.luau", source);
        let report = stage.failed().await;
        let problem = &report.problems[0];
        assert!(
            problem
                .message
                .contains("not while loading: move this into cog.on_ready"),
            "{problem:?}"
        );
        assert_eq!(problem.place.as_ref().unwrap().line, line, "{problem:?}");
    }
    let sent = stage.sim.messages(stage.general()).len();
    assert_eq!(stage.ask("!t").await, "old");
    assert_eq!(stage.sim.messages(stage.general()).len(), sent + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_load_writes_are_kept_back_until_the_commit() {
    let cog = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.on_load(function(reason)
    state.global.loads = (state.global.loads or 0) + 1
    state.global.reason = reason
    assert(state.global.loads == LOADS)
    FAIL
end)
cog.command { name = "t", run = function(ctx) ctx:reply(`{state.global.loads} {state.global.reason}`) end }
"#;
    let with = |loads: &str, fail: &str| cog.replace("LOADS", loads).replace("FAIL", fail);
    let mut stage = setup(&[("cogs/t.luau", &with("1", ""))]).start().await;
    assert_eq!(stage.ask("!t").await, "1 start");
    stage.save("cogs/t.luau", &with("2", "error(\"no\")"));
    let report = stage.failed().await;
    assert_eq!(report.problems[0].message, "no");
    assert_eq!(stage.ask("!t").await, "1 start");
    for act in [
        "require(\"@cogsmith/task\").wait(1)",
        "require(\"@cogsmith/discord\").create_message { channel_id = \"1\", content = \"x\" }",
        "require(\"@cogsmith/task\").spawn(print)",
    ] {
        stage.save("cogs/t.luau", &with("2", act));
        let report = stage.failed().await;
        let message = &report.problems[0].message;
        assert!(
            message.contains("not in cog.on_load: move this into cog.on_ready"),
            "{message}"
        );
    }
    stage.save("cogs/t.luau", &with("2", ""));
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "2 reload");
}

/// What JSON tells apart stays apart, over a reload, a restart and what the state does with it.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_object_stays_one() {
    let head = "local json = require(\"@cogsmith/json\")\n";
    let source = |version: u32| {
        format!("-- {version}\n")
            + head
            + &command(
                "put",
                "state.global.a = json.decode('{\"b\":{},\"c\":[],\"d\":[{},[]]}') ctx:reply(\"put\")",
            )
            + &command("get", "ctx:reply(json.encode(state.global.a))")
    };
    let whole = r#"{"b":{},"c":[],"d":[{},[]]}"#;
    let mut stage = setup(&[("cogs/t.luau", &source(1))]).stored().start().await;
    assert_eq!(stage.ask("!put").await, "put");
    assert_eq!(stage.ask("!get").await, whole);
    stage.save("cogs/t.luau", &source(2));
    stage.applied().await;
    assert_eq!(stage.ask("!get").await, whole);
    let folder = stage.stop().await;
    let stage = setup(&[]).folder(folder).stored().start().await;
    assert_eq!(stage.ask("!get").await, whole);
}

/// Before the limit is met, `!cogs` says so, and no longer when there is room again.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_nearly_full_is_told_of() {
    let source = command(
        "put",
        "for index = 1, 17 do state.global[index] = (\"x\"):rep(51_200) end ctx:reply(\"put\")",
    ) + &command(
        "most",
        "state.global[17] = nil state.global[16] = nil state.global[15] = nil ctx:reply(\"left\")",
    );
    let stage = setup(&[("cogs/t.luau", &source)])
        .config(r#"{ "limits": { "state_mb": 1 } }"#)
        .start()
        .await;
    let warning = "⚠️ Its state is nearly full: 0.8 of 1 MB (`limits.state_mb`).";
    assert!(!stage.ask("!cogs t").await.contains("nearly full"));
    assert_eq!(stage.ask("!put").await, "put");
    let told = stage.ask("!cogs t").await;
    assert!(told.contains(warning), "{told}");
    assert_eq!(stage.ask("!most").await, "left");
    assert!(!stage.ask("!cogs t").await.contains("nearly full"));
}
