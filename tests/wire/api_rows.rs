//! `state.rows` as authors meet it: many small records by their keys.

use crate::support::cases::{Case, case, check_in, cog_of};
use crate::support::setup;

/// A cog with rows of its own, of a shared state and of the session, and a command for each case.
fn with_rows(cases: &[Case]) -> String {
    let rows = r#"local tags = state.rows("tags", { text = "", uses = 0, owner = "", log = {} }, "guild")
local notes = state.rows("notes", {}, "global")
local bank = state.shared("bank").rows("accounts", { coins = 10 }, "global")
local seen = state.session.rows("seen", { times = 0 }, "guild")
local function keys(list)
    local found = {}
    for _, row in list do
        table.insert(found, row.key)
    end
    return table.concat(found, " ")
end
"#;
    let source = cog_of(cases);
    let capabilities = "capabilities = { ";
    let (head, rest) = source.split_once("cog.info { ").unwrap();
    let rest = rest.replacen(capabilities, &format!("{capabilities}\"shared:bank\", "), 1);
    let (info, rest) = rest.split_once('\n').unwrap();
    format!("{head}cog.info {{ {info}\n{rows}{rest}")
}

async fn check(cases: &[Case]) {
    let setup = setup(&[("cogs/cases.luau", &with_rows(cases))]);
    check_in(setup, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_live_and_has_its_shape() {
    check(&[
        case(r#"local g = tags("1") return `{g:get("a")} {g:count()} {typeof(g)} {g}`"#, r#"nil 0 rows state.rows("tags")("1")"#),
        case(r#"local g = tags("1") g:set("a", { text = "hello" }) local a = g:get("a") a.uses += 1 a.uses += 1 table.insert(a.log, "x") return `{a.text} {a.uses} {#a.log} {g:get("a").uses} {g:count()} {type(a)}`"#, "hello 2 1 2 1 userdata"),
        case(r#"local a = tags("1"):get("a") a.uses = nil a.log = nil return `{a.uses} {#a.log} {a}`"#, r#"0 0 state.rows("tags")("1").a"#),
        case(r#"return `{tags("2"):get("a")} {tags("2"):count()}`"#, "nil 0"),
        // Empty rows are rows, and a row may be copied from anywhere in the state.
        case(r#"notes():set("x", {}) notes():set("y", tags("1"):get("a")) return `{notes():count()} {next(notes():get("x"))} {notes():get("y").text}`"#, "2 nil hello"),
        case(r#"local a = tags("1"):get("a") tags("1"):set("a", nil) return `{tags("1"):count()} {tags("1"):get("a")} {a.text} {why(function() a.text = "b" end)}`"#,
             r#"0 nil nil state: state.rows("tags")("1").a.text cannot be written: state.rows("tags")("1").a is not a table (was it removed?)"#),
        case(r#"tags("1"):set("none", nil) tags("3"):set("none", nil) return `{tags("3"):count()}`"#, "0"),
        // Other rows, other guilds and other kinds of state are apart.
        case(r#"bank():set("anna", {}) bank():get("anna").coins -= 3 seen("1"):set("anna", { times = 2 }) return `{bank():get("anna").coins} {seen("1"):get("anna").times} {seen("2"):get("anna")} {notes():get("anna")}`"#, "7 2 nil nil"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_listed_by_prefix_conditions_order_and_page() {
    let fill = r#"local g = tags("1")
for index = 1, 60 do
    g:set(string.format("t%02d", index), { uses = index % 7, owner = if index % 2 == 0 then "anna" else "ben" })
end
g:set("other", { text = "x", uses = 100 })
g:set("default", {})
return `{g:count()}`"#;
    check(&[
        case(fill, "62"),
        case(r#"return keys(tags("1"):list { prefix = "t0", limit = 3 })"#, "t01 t02 t03"),
        case(r#"return keys(tags("1"):list { prefix = "t", limit = 2, offset = 58 })"#, "t59 t60"),
        case(r#"return keys(tags("1"):list { prefix = "t", limit = 3, descending = true, offset = 1 })"#, "t59 t58 t57"),
        case(r#"return keys(tags("1"):list { limit = 3 })"#, "default other t01"),
        case(r#"return keys(tags("1"):list { prefix = "zzz" }) .. #tags("9"):list()"#, "0"),
        case(r#"return keys(tags("1"):list { where = { uses = 6, owner = "anna" }, limit = 3 })"#, "t06 t20 t34"),
        case(r#"return keys(tags("1"):list { where = { uses = { at_least = 5, below = 7 } }, prefix = "t1" })"#, "t12 t13 t19"),
        case(r#"return keys(tags("1"):list { where = { uses = { above = 5 } }, sort = "uses", descending = true, limit = 3 })"#, "other t06 t13"),
        case(r#"return keys(tags("1"):list { sort = "uses", limit = 4 })"#, "default t07 t14 t21"),
        case(r#"return keys(tags("1"):list { where = { owner = { one_of = { "nobody", "" } } } })"#, "default other"),
        case(r#"return keys(tags("1"):list { where = { owner = { is_not = "anna" } }, prefix = "t0" })"#, "t01 t03 t05 t07 t09"),
        case(r#"return keys(tags("1"):list { where = { owner = { prefix = "an" } }, prefix = "t0" })"#, "t02 t04 t06 t08"),
        // A function sees the defaults, and leaves out and counts what it takes.
        case(r#"return keys(tags("1"):list { where = function(tag) return tag.owner == "" end })"#, "default other"),
        case(r#"return keys(tags("1"):list { where = function(tag) return tag.uses == 6 end, limit = 2, offset = 1 })"#, "t13 t20"),
        case(r#"return keys(tags("1"):list { where = function(tag) return tag.uses == 6 end, limit = 2, descending = true })"#, "t55 t48"),
        case(r#"return keys(tags("1"):list { where = function(tag) return tag.uses > 5 end, sort = "uses", descending = true, limit = 2 })"#, "other t06"),
        case(r#"local row = tags("1"):list { prefix = "other" }[1] row.value.uses = 5 return `{row.key} {row.value.text} {#row.value.log} {tags("1"):get("other").uses} {type(row.value)}`"#, "other x 0 100 table"),
        // What is written while a function looks at a list is no reason to stop.
        case(r#"return `{#tags("1"):list { where = function(tag) tags("1"):set("t01", nil) return tag.uses == 1 end }}`"#, "8"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_with_rows_say_what_to_write() {
    check(&[
        case(r#"return why(tags)"#, "argument: state.rows: guild_id: expected an id as a string, got nil"),
        case(r#"return why(tags, "x")"#, r#"state: state.rows: guild_id is "x"; an id is a string of digits"#),
        case(r#"return why(tags("1").get, "a")"#, "argument: rows:get: call it with a colon: rows:get(…)"),
        case(r#"local g = tags("1") return why(g.get, g, 5)"#, "argument: rows:get: the key: expected a string, got the number 5"),
        case(r#"local g = tags("1") return why(g.set, g, "a", 5)"#, "argument: rows:set: the value: expected a table, or nil to remove the row, got the number 5"),
        case(r#"local g = tags("1") return why(g.set, g, "a", { x = print })"#, r#"state: state.rows("tags")("1").a.x: a function cannot be stored"#),
        case(r#"local g = tags("1") return why(g.set, g, ("k"):rep(300), {})"#, r#"state: state.rows("tags")("1").kkk…"#),
        case(r#"return why(function() tags("1").hello = {} end)"#, r#"state: state.rows: the string "hello" cannot be assigned to; write rows:set(key, value)"#),
        case(r#"local g = tags("1") return why(g.list, g, { were = 1 })"#, r#"argument: rows:list: there is no field "were"; did you mean "where"?"#),
        case(r#"local g = tags("1") return why(g.list, g, { where = 5 })"#, "argument: rows:list: where: expected a function, or a table of conditions, got the number 5"),
        case(r#"local g = tags("1") return why(g.list, g, { where = { uses = { over = 3 } } })"#, r#"argument: rows:list: where.uses: expected conditions by name (is, is_not, above, at_least, below, at_most, one_of, prefix), got the string "over""#),
        case(r#"local g = tags("1") return why(g.list, g, { where = { uses = { above = true } } })"#, "argument: rows:list: where.uses.above: expected a number or a string, got true"),
        case(r#"local g = tags("1") return why(g.list, g, { where = { uses = print } })"#, "argument: rows:list: where.uses: expected a string, a number or a boolean, got a function"),
        case(r#"return why(state.rows, "tags", {}, "guild")"#, "phase: state.rows: only while the file loads: move this to its top level"),
        case(r#"return why(state.rows, "a b", {}, "guild")"#, r#"argument: state.rows: the name: expected 1 to 64 letters, digits, _ or -, got the string "a b""#),
        case(r#"return why(state.rows, "tags", {}, "user")"#, r#"argument: state.rows: the scope: expected "guild" or "global", got the string "user""#),
        case(r#"return why(state.rows, "tags", nil, "guild")"#, "argument: state.rows: the shape: expected a table of defaults, got nil"),
        case(r#"return why(state.entries, "rows")"#, r#"argument: state.entries: the scope: …"#),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_holds_for_rows_and_a_failed_one_leaves_nothing() {
    check(&[
        case(r#"tags("1"):set("a", { uses = 1 }) local err = why(state.transaction, function() tags("1"):get("a").uses = 5 tags("1"):set("b", {}) bank():set("anna", {}) error("no", 0) end) return `{err} {tags("1"):get("a").uses} {tags("1"):count()} {bank():count()}`"#, "no 1 1 0"),
        case(r#"state.transaction(function() tags("1"):set("b", { uses = 2 }) tags("1"):get("b").uses += 1 tags("1"):set("a", nil) assert(keys(tags("1"):list()) == "b") end) return `{keys(tags("1"):list())} {tags("1"):get("b").uses}`"#, "b 3"),
    ])
    .await;
}

/// Over a reload that keeps the service, one that changes the shape, and a restart.
#[tokio::test(flavor = "multi_thread")]
async fn rows_stay_with_their_shapes() {
    let service = r#"local state = require("@cogsmith/state")
return state.rows("tags", { uses = SHAPE }, "guild")
"#;
    let cog = r#"local cog = require("@cogsmith/cog")
local tags = require("../services/tags")
cog.command { name = "t", run = function(ctx)
    local mine = tags(ctx.guild_id)
    if not mine:get("a") then
        mine:set("a", {})
    end
    local row = mine:get("a")
    row.seen = (row.seen or 0) + 1
    ctx:reply(`{row.uses} {row.seen} VERSION`)
end }
"#;
    let mut stage = setup(&[
        ("services/tags.luau", &service.replace("SHAPE", "1")),
        ("cogs/t.luau", &cog.replace("VERSION", "one")),
    ])
    .stored()
    .start()
    .await;
    assert_eq!(stage.ask("!t").await, "1 1 one");
    stage.save("cogs/t.luau", &cog.replace("VERSION", "two"));
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "1 2 two");
    stage.save("services/tags.luau", &service.replace("SHAPE", "2"));
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "2 3 two");
    let folder = stage.stop().await;
    let stage = setup(&[]).folder(folder).stored().start().await;
    assert_eq!(stage.ask("!t").await, "2 4 two");
}
