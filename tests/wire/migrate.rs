//! `state.migrate`: what was stored for an older version of a cog is brought to the one that runs.

use crate::support::{Stage, problems_of, setup};
use cogsmith::state::{Namespace, ScopeKind, StateScope, Value};

/// Coins as numbers, in every place where a cog can have them.
const FIRST: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.info { capabilities = { "shared:bank" } }
local tags = state.rows("tags", {}, "guild")
local bank = state.shared("bank")
cog.command { name = "fill", run = function(ctx)
    for index = 1, 20 do
        state.member(ctx.guild_id, tostring(index)).coins = index
        state.session.member(ctx.guild_id, tostring(index)).coins = index
        bank.user(tostring(index)).coins = index
        tags(ctx.guild_id):set(tostring(index), { coins = index })
    end
    state.global.untouched = 1
    ctx:reply("filled")
end }
cog.command { name = "show", run = function(ctx) ctx:reply(`{state.member(ctx.guild_id, "3").coins}`) end }
"#;

/// Coins as tables with what they are worth, and how often an entry was migrated.
const SECOND: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.info { capabilities = { "shared:bank" } }
local tags = state.rows("tags", {}, "guild")
local bank = state.shared("bank")
local function step(old, from)
    return { purse = { gold = old.coins }, from = from, times = (old.times or 0) + 1 }
end
local seen_while_loading = "nothing"
state.migrate(2, { member = step, rows = { tags = step } })
state.session.migrate(2, { member = step })
bank.migrate(2, { user = step })
cog.on_load(function()
    seen_while_loading = `{state.member("GUILD", "5").purse.gold}`
    state.member("GUILD", "6").purse.gold += 100
end)
local function shown(entry)
    return `{entry.coins} {entry.purse.gold} {entry.from} {entry.times}`
end
cog.command { name = "show", run = function(ctx)
    local sum = 0
    for _, entry in state.entries("member", { guild_id = ctx.guild_id }) do
        sum += entry.value.purse.gold
    end
    for _, row in tags(ctx.guild_id):list() do
        sum += row.value.purse.gold
    end
    ctx:reply(table.concat({
        shown(state.member(ctx.guild_id, "3")),
        shown(state.session.member(ctx.guild_id, "4")),
        shown(bank.user("5")),
        shown(tags(ctx.guild_id):get("6")),
        `{seen_while_loading} {state.member(ctx.guild_id, "6").purse.gold} {sum} {state.global.untouched}`,
    }, "|"))
end }
"#;

const SHOWN: &str = "nil 3 0 1|nil 4 0 1|nil 5 0 1|nil 6 0 1|5 106 520 1";

/// The versions of what is stored, each once.
fn versions(stage: &Stage) -> Vec<u32> {
    let store = &stage.bot.cogs.services.store;
    let view = store.view(&Namespace::cog("t"));
    let mut found: Vec<u32> = Vec::new();
    for (_, table) in view.stored_scopes(ScopeKind::Member, None) {
        found.push(table.version());
    }
    for (_, names) in view.stored_scopes(ScopeKind::GuildRows, None) {
        let rows = names.iter().filter_map(|(_, rows)| rows.as_table());
        for rows in rows {
            let rows = rows.iter().filter_map(|(_, row)| row.as_table());
            found.extend(rows.map(|row| row.version()));
        }
    }
    let shared = store.view(&Namespace::shared("bank"));
    let shared = shared.stored_scopes(ScopeKind::User, None);
    found.extend(shared.iter().map(|(_, table)| table.version()));
    found.sort_unstable();
    found.dedup();
    found
}

fn second(stage: &Stage) -> String {
    SECOND.replace("GUILD", &stage.sim.guild().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_is_migrated_once_before_anybody_sees_it() {
    let mut stage = setup(&[("cogs/t.luau", FIRST)]).stored().start().await;
    stage.ask("!fill").await;
    assert_eq!(versions(&stage), [0]);
    let source = second(&stage);
    stage.save("cogs/t.luau", &source);
    stage.applied().await;
    // At once, while the background has hardly begun.
    assert_eq!(stage.ask("!show").await, SHOWN);
    stage.settled().await;
    assert_eq!(versions(&stage), [2], "also what nobody has looked at");
    // The next version of the code says the same.
    stage.save("cogs/t.luau", &format!("-- changed\n{source}"));
    stage.applied().await;
    let loaded_twice = SHOWN.replace("106 520", "206 620");
    assert_eq!(stage.ask("!show").await, loaded_twice);
    // And after a restart; the session is gone then.
    let folder = stage.stop().await;
    let without_session = source.replace("shown(state.session.member(ctx.guild_id, \"4\")),", "");
    let path = folder.path().join("lua/cogs/t.luau");
    std::fs::write(path, without_session).unwrap();
    let stage = setup(&[]).folder(folder).stored().start().await;
    assert_eq!(
        stage.ask("!show").await,
        "nil 3 0 1|nil 5 0 1|nil 6 0 1|5 306 720 1"
    );
}

fn cog(migrate: &str, show: &str) -> String {
    format!(
        "local cog = require(\"@cogsmith/cog\")
local state = require(\"@cogsmith/state\")
local discord = require(\"@cogsmith/discord\")
local task = require(\"@cogsmith/task\")
{migrate}
cog.command {{ name = \"t\", run = function(ctx) ctx:reply({show}) end }}
"
    )
}

/// Cogs that store for the user `1`, in this version.
fn storing(migrate: &str, x: &str) -> String {
    cog(
        migrate,
        &format!("(function() state.user(\"1\").x = {x} return \"stored\" end)()"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_is_a_failed_load_that_changes_nothing() {
    let mut stage = setup(&[("cogs/t.luau", &storing("", "1"))])
        .stored()
        .start()
        .await;
    assert_eq!(stage.ask("!t").await, "stored");
    let begins = "state.migrate: state.user[\"1\"], of version 0, cannot be brought to version 2: ";
    for (step, why) in [
        ("error(\"no\", 0)", "no"),
        (
            "return old.missing.field",
            "cogs/t.luau:5: attempt to index nil with 'field'",
        ),
        (
            "old.x = 2",
            "a step returned nil, and must return the entry, a table",
        ),
        (
            "return 5",
            "a step returned the number 5, and must return the entry, a table",
        ),
        (
            "return { x = print }",
            "state.user[\"1\"].x: a function cannot be stored",
        ),
        (
            "return { x = 0/0 }",
            "state.user[\"1\"].x: NaN cannot be stored",
        ),
        ("return { [(\"x\"):rep(300)] = 1 }", "state.user[\"1\"].xxx"),
        (
            "state.global.x = 1 return old",
            "state: not in a step of state.migrate",
        ),
        (
            "local _ = state.global.x return old",
            "state: not in a step of state.migrate",
        ),
        (
            "task.spawn(print) return old",
            "task.spawn: not in a step of state.migrate",
        ),
        (
            "discord.create_message { channel_id = \"1\", content = \"x\" } return old",
            "create_message: not in a step of state.migrate",
        ),
        (
            "task.wait(1) return old",
            "task.wait: not in a step of state.migrate",
        ),
        ("coroutine.yield() return old", "attempt to yield"),
    ] {
        let migrate = format!("state.migrate(2, {{ user = function(old) {step} end }})");
        stage.save("cogs/t.luau", &cog(&migrate, "\"new\""));
        let report = stage.failed().await;
        let problem = &report.problems[0];
        let is_told = problem.message.starts_with(begins) && problem.message.contains(why);
        assert!(is_told, "{step}: {problem:?}");
        assert_eq!(problem.place.as_ref().unwrap().line, 5, "{problem:?}");
        assert_eq!(stage.ask("!t").await, "stored");
    }
    stage.save(
        "cogs/t.luau",
        &cog(
            "state.migrate(2, { user = function() while true do end end })",
            "\"new\"",
        ),
    );
    let report = stage.failed().await;
    assert!(
        problems_of(&report).contains("without waiting (limits.cpu_ms)"),
        "{}",
        problems_of(&report)
    );
    let store = &stage.bot.cogs.services.store;
    let view = store.view(&Namespace::cog("t"));
    assert_eq!(view.version(), 0);
    let entry = view.entries(&StateScope::User(1), &[]).unwrap();
    assert_eq!((entry.version(), entry.count()), (0, 1));
    // The same without the mistake.
    let migrate = "state.migrate(2, { user = function(old) return { x = old.x + 1 } end })";
    stage.save("cogs/t.luau", &cog(migrate, "`{state.user(\"1\").x}`"));
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_may_not_be_newer_than_the_cog() {
    let at = |version: u32| {
        storing(
            &format!("state.migrate({version}, {{}})"),
            &version.to_string(),
        )
    };
    let mut stage = setup(&[("cogs/t.luau", &at(3))]).stored().start().await;
    stage.ask("!t").await;
    for (source, says) in [
        (
            at(2),
            "was written by version 3 of this cog, and this code is for version 2: bring the newer code back",
        ),
        (
            storing("", "0"),
            "this code calls no state.migrate (it needs at least `state.migrate(3, {})`)",
        ),
    ] {
        stage.save("cogs/t.luau", &source);
        let report = stage.failed().await;
        assert!(
            problems_of(&report).contains(says),
            "{}",
            problems_of(&report)
        );
    }
    stage.save("cogs/t.luau", &at(4));
    stage.applied().await;
    // Also after a restart.
    stage.ask("!t").await;
    let folder = stage.stop().await;
    std::fs::write(folder.path().join("lua/cogs/t.luau"), at(3)).unwrap();
    let stage = setup(&[]).folder(folder).stored().start().await;
    let reports = stage.bot.reload.reports.recent();
    assert!(problems_of(&reports[0]).contains("version 4 of this cog"));
}

/// From the first version to the third, from the second to the third, and what the third has written.
#[tokio::test(flavor = "multi_thread")]
async fn versions_may_be_skipped() {
    let for_each = "state.migrate(3, { user = {
    [2] = function(old) return { list = { old.x }, path = \"2\" } end,
    [3] = function(old) old.path ..= \"3\" return old end,
} })";
    let for_all = "state.migrate(3, { user = function(old, from)
    if from < 2 then old = { list = { old.x }, path = \"2\" } end
    old.path ..= \"3\"
    return old
end })";
    for migrate in [for_each, for_all] {
        let show = "`{state.user(\"1\").list[1]} {state.user(\"1\").path} {state.user(\"2\").list[1]} {state.user(\"2\").path}`";
        let mut stage = setup(&[("cogs/t.luau", &storing("", "1"))])
            .stored()
            .start()
            .await;
        stage.ask("!t").await;
        let second = cog(
            "state.migrate(2, {})",
            "(function() state.user(\"2\").list = { 7 } state.user(\"2\").path = \"\" return \"ok\" end)()",
        );
        stage.save("cogs/t.luau", &second);
        stage.applied().await;
        assert_eq!(stage.ask("!t").await, "ok");
        stage.save("cogs/t.luau", &cog(migrate, show));
        stage.applied().await;
        assert_eq!(stage.ask("!t").await, "1 23 7 3");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_call_say_what_to_write() {
    let mut stage = setup(&[("cogs/t.luau", &storing("", "1"))]).start().await;
    for (call, says) in [
        (
            "state.migrate(0, {})",
            "state.migrate: the version: expected a whole number from 1 on, got the number 0",
        ),
        (
            "state.migrate(1.5, {})",
            "state.migrate: the version: expected a whole number from 1 on, got the number 1.5",
        ),
        (
            "state.migrate(2)",
            "state.migrate: the steps: expected a table, got nil",
        ),
        (
            "state.migrate(2, { members = print })",
            "state.migrate: there is no \"members\" to be migrated; did you mean \"member\"?",
        ),
        (
            "state.migrate(2, { member = 5 })",
            "state.migrate: member: expected a function, or a table of functions by version, got the number 5",
        ),
        (
            "state.migrate(2, { member = { [3] = print } })",
            "state.migrate: member[3]: there is no version 3 yet: the first argument says 2",
        ),
        (
            "state.migrate(2, { rows = print })",
            "state.migrate: rows: expected a table with a function for each name, got a function",
        ),
        (
            "state.migrate(2, {}) state.migrate(3, {})",
            "state.migrate: it was called before for the same state",
        ),
    ] {
        stage.save("cogs/t.luau", &cog(call, "\"new\""));
        let report = stage.failed().await;
        assert!(
            problems_of(&report).contains(says),
            "{call}: {}",
            problems_of(&report)
        );
    }
    stage.save(
        "cogs/t.luau",
        &cog("", "tostring(pcall(state.migrate, 1, {}))"),
    );
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "false");
}

/// More entries than are tried while the file loads, and the last one has a hole.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_background_stays_and_is_told() {
    let fill = "(function() for index = 1, 1500 do state.user(tostring(index)).x = index end state.user(\"1500\").x = \"word\" return \"ok\" end)()";
    let mut stage = setup(&[("cogs/t.luau", &cog("", fill))])
        .stored()
        .start()
        .await;
    assert_eq!(stage.ask("!t").await, "ok");
    let migrate = "state.migrate(1, { user = function(old) return { y = old.x + 1 } end })
cog.on_error(function(_, err) state.session.global.told = err.message end)";
    let show = "`{state.user(\"1\").y} {state.user(\"1499\").y} {select(2, pcall(function() return state.user(\"1500\").y end))} {state.session.global.told}`";
    stage.save("cogs/t.luau", &cog(migrate, show));
    stage.applied().await;
    stage.settled().await;
    let shown = stage.ask("!t").await;
    let why = "state.migrate: state.user[\"1500\"], of version 0, cannot be brought to version 1: ";
    let begins = format!("2 1500 {why}");
    assert!(shown.starts_with(&begins), "{shown}");
    assert!(
        shown.contains("1 of what is stored could not be brought to this version"),
        "{shown}"
    );
    let store = &stage.bot.cogs.services.store;
    let view = store.view(&Namespace::cog("t"));
    let kept = view.get(&StateScope::User(1500), &["x".into()]);
    assert_eq!(kept, Some(Value::from("word")), "nothing is lost");
    // A step that knows better is tried on it again.
    let mended = migrate.replace("old.x + 1", "if old.x == \"word\" then 0 else old.x");
    stage.save(
        "cogs/t.luau",
        &cog(&mended, "`{state.user(\"1\").y} {state.user(\"1500\").y}`"),
    );
    stage.applied().await;
    assert_eq!(stage.ask("!t").await, "2 0");
}

/// What the old version writes while the new one is prepared is not undone by what that has looked at.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_load_after_looking_at_entries_leaves_them_as_they_were() {
    let mut stage = setup(&[("cogs/t.luau", &storing("", "1"))])
        .stored()
        .start()
        .await;
    stage.ask("!t").await;
    let migrate = "state.migrate(2, { user = function(old) return { y = old.x } end })
cog.on_load(function() assert(state.user(\"1\").y == 1) state.user(\"1\").y = 7 error(\"after that\", 0) end)";
    stage.save("cogs/t.luau", &cog(migrate, "\"new\""));
    let report = stage.failed().await;
    assert!(
        problems_of(&report).contains("after that"),
        "{}",
        problems_of(&report)
    );
    let view = stage.bot.cogs.services.store.view(&Namespace::cog("t"));
    let entry = view.entries(&StateScope::User(1), &[]).unwrap();
    assert_eq!((entry.version(), view.version()), (0, 0));
    assert_eq!(
        view.get(&StateScope::User(1), &["x".into()]),
        Some(1.0.into())
    );
}

/// Two cogs that share a state by a service, and many entries: whichever comes first, each entry is migrated once.
#[tokio::test(flavor = "multi_thread")]
async fn cogs_that_share_a_state_migrate_each_entry_once() {
    let service = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
cog.info { capabilities = { "shared:bank" } }
local bank = state.shared("bank")
MIGRATE
return bank
"#;
    let cog = r#"local cog = require("@cogsmith/cog")
local bank = require("../services/bank")
cog.command { name = "fill_NAME", run = function(ctx)
    for index = 1, 600 do
        bank.user(tostring(index)).coins = index
    end
    ctx:reply("filled")
end }
cog.command { name = "sum_NAME", run = function(ctx)
    local coins, times = 0, 0
    for _, entry in bank.entries("user") do
        coins += entry.value.gold or 0
        times += entry.value.times or 0
    end
    ctx:reply(`{coins} {times}`)
end }
"#;
    let named = |name: &str| cog.replace("NAME", name);
    let mut stage = setup(&[
        ("services/bank.luau", &service.replace("MIGRATE", "")),
        ("cogs/one.luau", &named("one")),
        ("cogs/two.luau", &named("two")),
    ])
    .stored()
    .start()
    .await;
    assert_eq!(stage.ask("!fill_one").await, "filled");
    let migrate = "bank.migrate(2, { user = function(old) return { gold = old.coins, times = (old.times or 0) + 1 } end })";
    stage.save("services/bank.luau", &service.replace("MIGRATE", migrate));
    stage.applied().await;
    assert_eq!(stage.ask("!sum_two").await, "180300 600");
    stage.settled().await;
    assert_eq!(stage.ask("!sum_one").await, "180300 600");
}

/// The next version comes while the one before has not come to its end: it goes on with what is left, from wherever each
/// entry stands.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_while_a_migration_runs_goes_on_with_what_is_left() {
    let fill = "(function() for index = 1, 1200 do state.user(tostring(index)).path = \"\" end return \"ok\" end)()";
    let mut stage = setup(&[("cogs/t.luau", &cog("", fill))])
        .stored()
        .start()
        .await;
    assert_eq!(stage.ask("!t").await, "ok");
    let at = |version: u32| {
        let steps: String = (1..=version)
            .map(|to| format!("[{to}] = function(old) for _ = 1, 2000 do math.sqrt(2) end old.path ..= \"{to}\" return old end,"))
            .collect();
        let show = "(function() local seen = {} for _, entry in state.entries(\"user\") do seen[entry.value.path] = true end local paths = {} for path in seen do table.insert(paths, path) end return table.concat(paths, \" \") end)()";
        cog(
            &format!("state.migrate({version}, {{ user = {{ {steps} }} }})"),
            show,
        )
    };
    for version in 1..4 {
        stage.save("cogs/t.luau", &at(version));
        stage.applied().await;
    }
    assert_eq!(stage.ask("!t").await, "123");
    stage.settled().await;
    let view = stage.bot.cogs.services.store.view(&Namespace::cog("t"));
    let entries = view.stored_scopes(ScopeKind::User, None);
    assert!(entries.iter().all(|(_, entry)| entry.version() == 3));
}
