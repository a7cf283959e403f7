//! One save is one transaction: all affected cogs take it or none does, and nothing of a failed attempt
//! remains.

use crate::support::{PATIENCE, Stage, answering, cogs_of, command, problems_of, setup};
use cogsmith::clock::Clock;
use cogsmith::reload::report::{CogOutcome, Outcome};
use std::time::Duration;

/// A cog whose command answers with a count of its own, and that counts messages.
const COUNTING: &str = r#"local cog = require("@cogsmith/cog")
local state = require("@cogsmith/state")
local data = state.defaults { global = { heard = 0, asked = 0 } }
cog.on.message_create(function(message)
    if not message.author.bot then
        data.global.heard += 1
    end
end)
cog.command { name = "count", run = function(ctx)
    data.global.asked += 1
    ctx:reply(`{data.global.heard} {data.global.asked}`)
end }
"#;

/// Asks again and again until the next report is there; the old code must answer each time.
async fn answers_until_report(stage: &mut Stage, question: &str, answer: &str) {
    while stage.no_report() {
        assert_eq!(stage.ask(question).await, answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_code_answers_through_every_kind_of_failure_and_the_fix_goes_live() {
    let failures = [
        ("syntax error", "local x = = 1", "="),
        (
            "error at top level",
            "local t\nprint(t.x)",
            "attempt to index nil",
        ),
        (
            "error in on_load",
            "require(\"@cogsmith/cog\").on_load(function() error(\"not today\") end)",
            "not today",
        ),
        ("endless loop", "while true do end", "limits.cpu_ms"),
        (
            "endless loop around pcall",
            "while true do pcall(function() while true do end end) end",
            "limits.cpu_ms",
        ),
        (
            "memory bomb",
            "local kept = {}\nwhile true do kept[#kept + 1] = buffer.create(1_000_000) end",
            "limits.memory_mb",
        ),
        (
            "memory bomb of strings",
            "local s = \"x\"\nwhile true do s = s .. s end",
            "limits.memory_mb",
        ),
        (
            "endless loop in on_load",
            "require(\"@cogsmith/cog\").on_load(function() while true do end end)",
            "limits.cpu_ms",
        ),
        (
            "a module that is not there",
            "require(\"./nothing\")",
            "nothing",
        ),
        (
            "too much declared",
            "require(\"@cogsmith/cog\").command { name = \"a b\", run = function() end }",
            "name",
        ),
    ];
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .config(r#"{ "limits": { "discord_calls_per_10s": 10000 } }"#)
        .start()
        .await;
    for (round, (kind, text, wanted)) in failures.into_iter().enumerate() {
        let answer = round.to_string();
        let broken = format!("{}\n{text}", answering("broken", "never"));
        stage.save("cogs/ping.luau", &broken);
        answers_until_report(&mut stage, "!ping", &answer).await;
        let report = stage.failed().await;
        assert_eq!(cogs_of(&report, CogOutcome::Kept), ["ping"], "{kind}");
        assert!(problems_of(&report).contains(wanted), "{kind}: {report:#?}");
        assert_eq!(stage.ask("!ping").await, answer, "{kind}");
        assert_eq!(stage.answer("!broken").await, None, "{kind}");
        let next = (round + 1).to_string();
        stage.save("cogs/ping.luau", &answering("ping", &next));
        let report = stage.applied().await;
        assert_eq!(report.cogs[0].version, round as u64 + 2, "{kind}");
        assert_eq!(stage.ask("!ping").await, next, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_failed_attempt_remains() {
    let mut stage = setup(&[("cogs/count.luau", COUNTING)]).start().await;
    assert_eq!(stage.ask("!count").await, "0 1");
    for _ in 0..5 {
        let attempt = format!(
            "{COUNTING}
cog.every(\"100ms\", function() data.global.heard += 1000 end)
cog.on_ready(function() data.global.heard += 1000 end)
cog.on_load(function() data.global.heard += 1000 error(\"no\") end)
cog.command {{ name = \"other\", run = function(ctx) ctx:reply(\"other\") end }}"
        );
        stage.save("cogs/count.luau", &attempt);
        stage.failed().await;
        stage.save("cogs/count.luau", COUNTING);
        stage.applied().await;
    }
    assert_eq!(stage.answer("!other").await, None);
    assert_eq!(stage.ask("!count").await, "2 2");
    assert_eq!(
        stage.version("count"),
        1,
        "it is just what ran all the time"
    );
}

/// Five cogs that share a module and say what it says.
fn five() -> Vec<(String, String)> {
    let cogs = ["a", "b", "c", "d", "e"];
    let mut files: Vec<_> = cogs
        .iter()
        .map(|name| {
            let text = "local text = require(\"../utils/text\")\n".to_owned()
                + &command(name, "ctx:reply(text.hello)");
            (format!("cogs/{name}.luau"), text)
        })
        .collect();
    files[2].1 += "assert(text.hello ~= \"two\", \"not two\")";
    files.push((
        "utils/text.luau".to_owned(),
        "return { hello = \"one\" }".to_owned(),
    ));
    files
}

async fn start_five() -> Stage {
    let files = five();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    setup(&files).start().await
}

async fn all_say(stage: &Stage, text: &str) {
    for cog in ["a", "b", "c", "d", "e"] {
        assert_eq!(stage.ask(&format!("!{cog}")).await, text, "{cog}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_five_affected_cogs_cannot_take_the_new_code_and_none_takes_it() {
    let mut stage = start_five().await;
    stage.save("utils/text.luau", "return { hello = \"two\" }");
    let report = stage.failed().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::Kept),
        ["a", "b", "c", "d", "e"]
    );
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].cog.as_deref(), Some("c"));
    assert!(report.problems[0].message.contains("not two"));
    all_say(&stage, "one").await;
    // A save of something else is no reason to try half of them again, and neither is the same mistake.
    stage.nothing_else().await;
    all_say(&stage, "one").await;
    stage.save("utils/text.luau", "return { hello = \"two\" } -- again");
    stage.failed().await;
    all_say(&stage, "one").await;
    // The cog's own fix brings all five up.
    let files = five();
    let fixed = files[2].1.replace("~= \"two\"", "~= \"three\"");
    stage.save("cogs/c.luau", &fixed);
    let report = stage.applied().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::Reloaded),
        ["a", "b", "c", "d", "e"]
    );
    all_say(&stage, "two").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_taken_back_clears_the_report_and_may_come_again() {
    let mut stage = start_five().await;
    for _ in 0..2 {
        stage.save("utils/text.luau", "return { hello = \"two\" }");
        let report = stage.failed().await;
        assert_eq!(report.cogs.len(), 5);
        stage.save("utils/text.luau", "return { hello = \"one\" }");
        let report = stage.applied().await;
        assert_eq!(report.changed, ["lua/utils/text.luau"]);
        assert!(report.cogs.is_empty(), "{report:#?}");
        assert!(stage.bot.cogs.get("c").unwrap().problem().is_none());
    }
    stage.save("utils/text.luau", "return { hello = \"three\" }");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded).len(), 5);
    all_say(&stage, "three").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_was_already_broken_does_not_hold_the_others_back() {
    let mut stage = start_five().await;
    let healthy = five()[1].1.clone();
    stage.save("cogs/b.luau", &format!("{healthy}\nerror(\"broken\")"));
    stage.failed().await;
    stage.save("utils/text.luau", "return { hello = \"three\" }");
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "c", "d", "e"]);
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["b"]);
    assert_eq!(stage.ask("!b").await, "one");
    assert_eq!(stage.ask("!a").await, "three");
    stage.save("cogs/b.luau", &healthy);
    stage.applied().await;
    all_say(&stage, "three").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_broken_at_the_start_waits_for_its_fix_or_its_deletion() {
    let mut stage = setup(&[
        ("cogs/a.luau", "error(\"broken\")"),
        ("cogs/b.luau", "local it = require(\"../utils/missing\")"),
        ("cogs/c.luau", &answering("c", "c")),
    ])
    .start()
    .await;
    let start = stage.bot.reload.reports.recent();
    assert_eq!(start.len(), 1);
    assert_eq!(cogs_of(&start[0], CogOutcome::NotRunning), ["a", "b"]);
    assert_eq!(cogs_of(&start[0], CogOutcome::Loaded), ["c"]);
    assert_eq!(stage.ask("!c").await, "c");
    assert!(
        stage
            .ask("!cogs")
            .await
            .contains("its file must be fixed first")
    );
    stage.nothing_else().await;
    stage.delete("cogs/a.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["a"]);
    assert!(!stage.ask("!cogs").await.contains("a  "));
    stage.save("utils/missing.luau", "error(\"there, and broken\")");
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::NotRunning), ["b"]);
    stage.save("utils/missing.luau", "return 1");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["b"]);
    stage.save("cogs/a.luau", &answering("a", "a"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["a"]);
    assert_eq!(stage.ask("!a").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cogs_that_declare_the_same_command_are_named_and_the_first_stays() {
    let second = |alias: &str| {
        format!(
            "local cog = require(\"@cogsmith/cog\")\ncog.command {{ name = \"second\", aliases = {{ \"{alias}\" }}, run = function(ctx) ctx:reply(\"second\") end }}"
        )
    };
    let mut stage = setup(&[("cogs/first.luau", &answering("ping", "first"))])
        .start()
        .await;
    for text in [answering("ping", "second"), second("PING"), second("ping")] {
        stage.save("cogs/another.luau", &text);
        let report = stage.failed().await;
        let told = problems_of(&report);
        assert!(told.contains("lua/cogs/first.luau:2"), "{told}");
        assert!(told.contains("lua/cogs/another.luau:2"), "{told}");
        assert_eq!(cogs_of(&report, CogOutcome::NotRunning), ["another"]);
        assert_eq!(stage.ask("!ping").await, "first");
        assert_eq!(stage.answer("!second").await, None);
    }
    // Building everything afresh does not change who was first.
    stage.ask("!reload all").await;
    stage.failed().await;
    assert_eq!(stage.ask("!ping").await, "first");
    // The name is free again as soon as the first one lets go of it.
    stage.save("cogs/first.luau", &answering("pong", "first"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["another"]);
    assert_eq!(stage.ask("!ping").await, "second");
    assert_eq!(stage.ask("!pong").await, "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_moves_to_another_cog_in_one_save_or_when_its_owner_is_deleted() {
    let mut stage = setup(&[
        ("cogs/a.luau", &answering("x", "from a")),
        ("cogs/b.luau", &answering("y", "from b")),
    ])
    .config(r#"{ "hot_reload": { "reload_delay": 0.5 } }"#)
    .start()
    .await;
    stage.save("cogs/a.luau", &answering("y", "from a"));
    stage.save("cogs/b.luau", &answering("x", "from b"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "b"]);
    assert_eq!(stage.ask("!x").await, "from b");
    assert_eq!(stage.ask("!y").await, "from a");
    stage.save("cogs/c.luau", &answering("x", "from c"));
    stage.failed().await;
    stage.delete("cogs/b.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["c"]);
    assert_eq!(stage.ask("!x").await, "from c");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_move_in_a_circle_come_up_with_the_last_fix() {
    for is_saved_between in [false, true] {
        let mut stage = burst(&[
            ("cogs/a.luau", &answering("one", "a")),
            ("cogs/b.luau", &answering("two", "b")),
            ("cogs/c.luau", &answering("three", "c")),
            ("cogs/lone.luau", &answering("lone", "old")),
        ])
        .await;
        let of_b = answering("three", "new b");
        stage.save("cogs/a.luau", &answering("two", "new a"));
        stage.save("cogs/b.luau", &format!("{of_b}local x = = 1"));
        stage.save("cogs/c.luau", &answering("one", "new c"));
        stage.save("cogs/lone.luau", &answering("lone", "new"));
        let report = stage.failed().await;
        assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["lone"]);
        assert_eq!(cogs_of(&report, CogOutcome::Kept), ["a", "b", "c"]);
        let text = format!("{:?}", report.problems);
        assert!(
            text.contains("mend that if it lets go of the name"),
            "{text}"
        );
        if is_saved_between {
            stage.save("cogs/a.luau", &answering("two", "newer a"));
            stage.failed().await;
        }
        stage.save("cogs/b.luau", &of_b);
        let report = stage.applied().await;
        assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "b", "c"]);
        assert_eq!(stage.ask("!one").await, "new c");
        assert_eq!(stage.ask("!three").await, "new b");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_the_admins_commands_are_reserved() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "pong"))])
        .start()
        .await;
    for name in ["reload", "cogs", "load", "unload", "help", "RELOAD"] {
        let alias = format!("aliases = {{ \"{name}\" }}, run");
        let with_alias = answering("other", "mine").replace("run", &alias);
        for text in [answering(name, "mine"), with_alias] {
            stage.save("cogs/ping.luau", &text);
            let report = stage.report().await;
            assert_eq!(report.outcome, Outcome::Failed, "{text}: {report:#?}");
            assert!(stage.ask("!help").await.contains("ping"));
            assert_eq!(stage.ask("!ping").await, "pong");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_reload_then_the_fix_then_another_edit_works_every_time() {
    let mut stage = setup(&[("cogs/ping.luau", &answering("ping", "0"))])
        .start()
        .await;
    for round in 1..=10 {
        stage.save("cogs/ping.luau", &format!("local broken = = {round}"));
        stage.failed().await;
        let condition = stage.bot.cogs.get("ping").unwrap().condition();
        assert!(condition.is_failing() && condition.problem().is_some());
        for text in [format!("{round} fixed"), format!("{round} edited")] {
            stage.save("cogs/ping.luau", &answering("ping", &text));
            let report = stage.applied().await;
            assert!(report.problems.is_empty());
            assert_eq!(stage.ask("!ping").await, text);
        }
        assert!(stage.bot.cogs.get("ping").unwrap().problem().is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_while_loading_raises_and_nothing_has_happened() {
    let mut stage = setup(&[("cogs/count.luau", COUNTING)]).start().await;
    let channel = stage.general();
    let send =
        format!("discord.create_message {{ channel_id = \"{channel}\", content = \"sent\" }}");
    let acts = [
        send.as_str(),
        "state.global.heard = 1000",
        "state.transaction(function() state.global.heard = 1000 end)",
        "task.spawn(function() state.global.heard = 1000 end)",
        "task.delay(\"100ms\", function() state.global.heard = 1000 end)",
        "task.wait(1)",
        "state.forget(\"global\")",
    ];
    let heads = "local cog = require(\"@cogsmith/cog\")
local state, task, discord = require(\"@cogsmith/state\"), require(\"@cogsmith/task\"), require(\"@cogsmith/discord\")
cog.info { capabilities = { \"messages.send\" } }";
    for act in acts {
        for quiet in [
            act.to_owned(),
            format!("coroutine.wrap(function() {act} end)()"),
        ] {
            stage.save("cogs/count.luau", &format!("{heads}\n{quiet}"));
            let report = stage.failed().await;
            let told = problems_of(&report);
            assert!(told.contains("not while loading"), "{act}: {told}");
            assert_eq!(report.problems[0].place.as_ref().unwrap().line, 4, "{told}");
        }
        if act.starts_with("state.") {
            continue;
        }
        stage.save(
            "cogs/count.luau",
            &format!("{heads}\ncog.on_load(function() {act} end)"),
        );
        let told = problems_of(&*stage.failed().await);
        assert!(told.contains("not in cog.on_load"), "{act}: {told}");
    }
    assert!(!stage.written().contains(&"sent".to_owned()));
    assert_eq!(stage.ask("!count").await, "0 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn declaring_after_loading_raises_also_in_a_module_that_a_handler_requires() {
    let module =
        "require(\"@cogsmith/cog\").command { name = \"x\", run = function() end }\nreturn 1";
    let body = "local ok, it = pcall(require, \"../utils/late\") ctx:reply(`{ok} {it}`)";
    let stage = setup(&[
        ("utils/late.luau", module),
        ("cogs/late.luau", &command("late", body)),
    ])
    .start()
    .await;
    let told = stage.ask("!late").await;
    assert!(
        told.starts_with("false") && told.contains("only while the file loads"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_on_load_wrote_is_gone_when_a_sibling_fails_and_there_when_none_does() {
    let writing = |text: &str| {
        format!(
            "local text = require(\"../utils/text\")\n{}
local data = state.defaults {{ global = {{ loads = 0 }} }}
require(\"@cogsmith/cog\").on_load(function()
    data.global.loads += 1
    state.session.global.loads = (state.session.global.loads or 0) + 1
    if text == \"{text}\" then error(\"no\") end
end)",
            command(
                if text.is_empty() { "a" } else { "b" },
                "ctx:reply(`{text} {state.global.loads} {state.session.global.loads}`)"
            )
        )
    };
    let mut stage = setup(&[
        ("utils/text.luau", "return \"one\""),
        ("cogs/a.luau", &writing("")),
        ("cogs/b.luau", &writing("two")),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!a").await, "one 1 1");
    stage.save("utils/text.luau", "return \"two\"");
    stage.failed().await;
    assert_eq!(stage.ask("!a").await, "one 1 1");
    assert_eq!(stage.ask("!b").await, "one 1 1");
    stage.save("utils/text.luau", "return \"three\"");
    stage.applied().await;
    assert_eq!(stage.ask("!a").await, "three 2 2");
    assert_eq!(stage.ask("!b").await, "three 2 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_generation_keeps_answering_while_the_top_level_of_a_sibling_loops() {
    let prepared = "local times = 0
return { times = function() return times end, once_more = function() times += 1 end }";
    let a = format!(
        "local version, prepared = require(\"../utils/version\"), require(\"../utils/prepared\")
{}require(\"@cogsmith/cog\").on_load(prepared.once_more)",
        command("a", "ctx:reply(`{version} {prepared.times()}`)")
    );
    let b = "if require(\"../utils/version\") == \"new\" then while true do end end";
    let mut stage = setup(&[
        ("utils/version.luau", "return \"old\""),
        ("utils/prepared.luau", prepared),
        ("cogs/a.luau", &a),
        ("cogs/b.luau", b),
    ])
    .config(r#"{ "limits": { "cpu_ms": 1000 } }"#)
    .start()
    .await;
    stage.save("utils/version.luau", "return \"new\"");
    let (owner, general) = (stage.sim.owner(), stage.general());
    loop {
        let said = stage.sim.say(owner, general, "!a").unwrap();
        let said = said["id"].as_str().unwrap().parse().unwrap();
        let answer = stage.sim.reply_to(said, PATIENCE).await.unwrap();
        assert!(stage.no_report(), "b still loops");
        // The new version of `a` is prepared, and the old one has answered after that.
        if answer["content"] == "old 2" {
            break;
        }
        assert_eq!(answer["content"], "old 1");
    }
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["a", "b"]);
    assert!(
        problems_of(&report).contains("limits.cpu_ms"),
        "{report:#?}"
    );
    assert_eq!(stage.ask("!a").await, "old 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_attempt_remains_when_time_passes() {
    let mut stage = setup(&[("cogs/count.luau", COUNTING)])
        .clock(Clock::paused(1_700_000_000))
        .start()
        .await;
    let declared = "
cog.every(\"1s\", function() data.global.heard += 1000 end, { immediately = true })
cog.on_load(function() data.global.heard += 1000 end)
cog.on_ready(function() data.global.heard += 1000 end)
cog.on_unload(function() data.global.heard += 1000 end)
cog.on.message_create(function() data.global.heard += 1000 end)
cog.command { name = \"other\", run = function(ctx) ctx:reply(\"other\") end }
";
    let failures = [
        "local x = = 1",
        "error(\"no\")",
        "cog.on_load(function() error(\"no\") end)",
        "while true do end",
        "local kept = {} while true do kept[#kept + 1] = buffer.create(1_000_000) end",
    ];
    for failure in failures {
        stage.save("cogs/count.luau", &format!("{COUNTING}{declared}{failure}"));
        stage.failed().await;
        stage.advance(Duration::from_secs(60)).await;
        assert_eq!(stage.answer("!other").await, None, "{failure}");
    }
    let heard = failures.len();
    assert_eq!(stage.ask("!count").await, format!("{heard} 1"));
    assert_eq!(stage.version("count"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_hangs_together_with_what_is_broken_waits_for_the_fix() {
    // The command moves to another cog, whose text cannot be run.
    let moves = |end: &str| format!("{}{end}", answering("gone", "moved"));
    let mut stage = burst(&[
        ("cogs/gone.luau", &answering("gone", "here")),
        ("cogs/b.luau", &answering("b", "old")),
        ("cogs/other.luau", &answering("other", "old")),
    ])
    .await;
    stage.delete("cogs/gone.luau");
    stage.save("cogs/b.luau", &moves("local x = = 1"));
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["b"]);
    assert!(cogs_of(&report, CogOutcome::Unloaded).is_empty());
    assert!(
        problems_of(&report).contains("hang together: gone"),
        "{report:#?}"
    );
    assert_eq!(stage.ask("!gone").await, "here");
    assert_eq!(stage.ask("!b").await, "old");
    // Neither a save of something else nor another broken one takes it away.
    stage.save("cogs/other.luau", &answering("other", "new"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["other"]);
    assert_eq!(stage.ask("!gone").await, "here");
    stage.save("cogs/b.luau", &moves("local x = = 2"));
    stage.failed().await;
    assert_eq!(stage.ask("!gone").await, "here");
    stage.save("cogs/b.luau", &moves(""));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["gone"]);
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["b"]);
    assert_eq!(stage.ask("!gone").await, "moved");
}

/// A bot that takes saves that follow each other closely as one burst.
async fn burst(files: &[(&str, &str)]) -> Stage {
    let setup = setup(files).config(r#"{ "hot_reload": { "reload_delay": 0.5 } }"#);
    setup.start().await
}

/// A command that answers with what a module says.
fn telling(name: &str, module: &str) -> String {
    format!(
        "local text = require(\"{module}\")\n{}",
        command(name, "ctx:reply(text)")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_holds_back_nothing_that_it_has_nothing_to_do_with() {
    let mut stage = burst(&[
        ("cogs/a.luau", &telling("a", "../utils/text")),
        ("cogs/b.luau", &telling("b", "../utils/text")),
        ("cogs/lone.luau", &answering("lone", "old")),
        ("cogs/gone.luau", &answering("gone", "here")),
        ("cogs/bad.luau", &answering("bad", "old")),
        ("utils/text.luau", "return \"old\""),
    ])
    .await;
    stage.save("cogs/bad.luau", "local x = = 1");
    stage.save("utils/text.luau", "return \"new\"");
    stage.save("cogs/lone.luau", &answering("lone", "new"));
    stage.save("cogs/fresh.luau", &answering("fresh", "new"));
    stage.delete("cogs/gone.luau");
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["bad"]);
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "b", "lone"]);
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["fresh"]);
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["gone"]);
    for name in ["a", "b", "lone", "fresh"] {
        assert_eq!(stage.ask(&format!("!{name}")).await, "new", "{name}");
    }
    assert_eq!(stage.ask("!bad").await, "old");
    assert_eq!(stage.answer("!gone").await, None);
    let status = stage.ask("!reload status").await;
    assert!(
        status.contains("❌") && status.contains("✅ `a`, `b`, `fresh`"),
        "{status}"
    );
    assert!(
        status.contains("old code: the last reload failed"),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_module_holds_back_all_that_its_users_change_and_nothing_else() {
    let mut stage = burst(&[
        ("cogs/a.luau", &telling("a", "../utils/text")),
        ("cogs/b.luau", &telling("b", "../utils/text")),
        ("cogs/c.luau", &telling("c", "../utils/other")),
        ("utils/text.luau", "return \"old\""),
        ("utils/other.luau", "return \"old\""),
    ])
    .await;
    let edited = |name: &str| telling(name, "../utils/text") + "-- edited";
    stage.save("utils/text.luau", "return = \"new\"");
    stage.save("cogs/a.luau", &edited("a"));
    stage.save("utils/other.luau", "return \"new\"");
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["a", "b"]);
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["c"]);
    assert_eq!(stage.ask("!a").await, "old");
    assert_eq!(stage.ask("!b").await, "old");
    assert_eq!(stage.ask("!c").await, "new");
    stage.save("utils/text.luau", "return \"new\"");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_module_that_a_broken_cog_and_a_good_one_need_connects_them() {
    let mut stage = burst(&[
        ("cogs/good.luau", &answering("good", "old")),
        ("cogs/bad.luau", &answering("bad", "old")),
        ("cogs/lone.luau", &answering("lone", "old")),
    ])
    .await;
    let bad = |end: &str| telling("bad", "../utils/text") + end;
    stage.save("utils/text.luau", "return \"new\"");
    stage.save("cogs/good.luau", &telling("good", "../utils/text"));
    stage.save("cogs/bad.luau", &bad("local x = = 1"));
    stage.save("cogs/lone.luau", &answering("lone", "new"));
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["bad", "good"]);
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["lone"]);
    let told = problems_of(&report);
    assert!(told.contains("hang together: good"), "{told}");
    assert_eq!(stage.ask("!good").await, "old");
    assert_eq!(stage.ask("!lone").await, "new");
    let cogs = stage.ask("!cogs").await;
    assert!(cogs.contains("old code: waits for a fix of bad"), "{cogs}");
    // It still is when it is saved again and still broken, as long as the good one stays as it is.
    stage.save("cogs/bad.luau", &bad("local x = = 2"));
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["bad", "good"]);
    assert_eq!(stage.ask("!good").await, "old");
    stage.save("cogs/bad.luau", &bad(""));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["bad", "good"]);
    let cogs = stage.ask("!cogs").await;
    assert!(!cogs.contains("waits for"), "{cogs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_moves_connects_its_cogs() {
    let mut stage = burst(&[
        ("cogs/a.luau", &answering("x", "from a")),
        ("cogs/b.luau", &telling("y", "../utils/text")),
        ("cogs/c.luau", &telling("z", "../utils/text")),
        ("cogs/lone.luau", &answering("lone", "old")),
        ("utils/text.luau", "return \"old\""),
    ])
    .await;
    // `x` moves from `a` to `b`, which shares a changed module with `c`, which is broken.
    let taken = "cog.command { name = \"x\", run = function(ctx) ctx:reply(\"from b\") end }\n";
    let moved = telling("y", "../utils/text") + taken;
    stage.save("cogs/a.luau", &answering("w", "from a"));
    stage.save("cogs/b.luau", &moved);
    stage.save("utils/text.luau", "return \"new\"");
    stage.save(
        "cogs/c.luau",
        &format!("{}error(\"no\")", telling("z", "../utils/text")),
    );
    stage.save("cogs/lone.luau", &answering("lone", "new"));
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["a", "b", "c"]);
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["lone"]);
    assert_eq!(stage.ask("!x").await, "from a");
    assert_eq!(stage.answer("!w").await, None);
    stage.save("cogs/c.luau", &telling("z", "../utils/text"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["a", "b", "c"]);
    assert_eq!(stage.ask("!x").await, "from b");
    assert_eq!(stage.ask("!z").await, "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_moves_to_another_folder_and_is_broken_there_stays_where_it_was() {
    // One has a command, one but a timer, and one goes into an init file that takes in its folder.
    let timer = "local cog = require(\"@cogsmith/cog\")\ncog.every(\"1h\", function() end)\n";
    let mut stage = burst(&[
        ("cogs/dice.luau", &answering("dice", "here")),
        ("cogs/watch.luau", timer),
        ("cogs/fun/coin.luau", &answering("coin", "here")),
        ("cogs/lone.luau", &answering("lone", "old")),
    ])
    .await;
    let broken = "\nlocal x = = 1";
    stage.delete("cogs/dice.luau");
    stage.save(
        "cogs/games/roll.luau",
        &(answering("dice", "moved") + broken),
    );
    stage.delete("cogs/watch.luau");
    stage.save("cogs/games/look.luau", &(timer.to_owned() + broken));
    stage.save("cogs/fun/init.luau", broken);
    stage.save("cogs/lone.luau", &answering("lone", "new"));
    let report = stage.failed().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::NotRunning),
        ["fun", "games.look", "games.roll"]
    );
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["lone"]);
    assert!(
        cogs_of(&report, CogOutcome::Unloaded).is_empty(),
        "{report:#?}"
    );
    assert_eq!(stage.ask("!dice").await, "here");
    assert_eq!(stage.ask("!coin").await, "here");
    assert!(stage.bot.cogs.get("watch").is_some());
    stage.save("cogs/games/roll.luau", &answering("dice", "moved"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["games.roll"]);
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["dice"]);
    assert_eq!(stage.ask("!dice").await, "moved");
    // What an admin asks for does not wait for others.
    stage.ask("!reload all").await;
    let report = stage.report().await;
    assert_eq!(
        cogs_of(&report, CogOutcome::Unloaded),
        ["fun.coin", "watch"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cogs_that_declare_the_same_alias_are_named_and_the_first_stays() {
    let cog = |name: &str, alias: &str| {
        let with_alias = format!("aliases = {{ \"{alias}\" }}, run =");
        answering(name, name).replace("run =", &with_alias)
    };
    let mut stage = setup(&[("cogs/first.luau", &cog("first", "both"))])
        .start()
        .await;
    stage.save("cogs/another.luau", &cog("another", "BOTH"));
    let report = stage.failed().await;
    let told = problems_of(&report);
    assert!(told.contains("lua/cogs/first.luau:2"), "{told}");
    assert!(told.contains("lua/cogs/another.luau:2"), "{told}");
    assert_eq!(cogs_of(&report, CogOutcome::NotRunning), ["another"]);
    assert_eq!(stage.ask("!both").await, "first");
    assert_eq!(stage.answer("!another").await, None);
    stage.save("cogs/another.luau", &cog("another", "mine"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["another"]);
    assert_eq!(stage.ask("!mine").await, "another");
    assert_eq!(stage.ask("!both").await, "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_on_unload_and_a_failing_on_ready_are_reported_and_the_new_version_stays() {
    let hook = |hook: &str, text: &str| {
        let cog = answering("ping", text);
        format!("{cog}cog.{hook}(function() error(\"{hook} fails\") end)")
    };
    let mut stage = setup(&[("cogs/ping.luau", &hook("on_unload", "0"))])
        .start()
        .await;
    let faults = stage.bot.services.faults.clone();
    let since = |seen: usize| {
        let new = faults.since(seen);
        let shown = new.iter().map(|fault| {
            let place = fault.place.as_ref().unwrap();
            let excerpt = place.excerpt.join("\n");
            assert_eq!(fault.cog.as_deref(), Some("ping"));
            assert_eq!((place.file.as_str(), place.line), ("lua/cogs/ping.luau", 8));
            assert!(excerpt.contains(&fault.message), "{excerpt}");
            fault.message.clone()
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort();
        shown
    };
    stage.save("cogs/ping.luau", &hook("on_ready", "1"));
    let report = stage.applied().await;
    assert_eq!(report.cogs[0].version, 2);
    assert_eq!(stage.ask("!ping").await, "1");
    assert_eq!(since(0), ["on_ready fails", "on_unload fails"]);
    stage.save("cogs/ping.luau", &hook("on_unload", "2"));
    stage.applied().await;
    assert_eq!(stage.ask("!ping").await, "2");
    assert_eq!(since(2), [""; 0]);
    stage.delete("cogs/ping.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["ping"]);
    assert_eq!(stage.answer("!ping").await, None);
    assert_eq!(since(2), ["on_unload fails"]);
}
