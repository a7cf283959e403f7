//! What hangs together is taken together, and nothing else waits.

use super::{burst, telling};
use crate::support::{PATIENCE, Stage, answering, cogs_of, command, problems_of, setup};
use cogsmith::reload::report::CogOutcome;

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
    // Long enough for `a` to answer meanwhile, and met before the time for a load is over on a machine with other work.
    .config(r#"{ "limits": { "cpu_ms": 300 } }"#)
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
