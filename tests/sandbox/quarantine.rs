//! A cog whose handlers are stopped again and again is taken out of the way, until a mended file or an admin
//! brings it back.

use crate::support::cases;
use crate::support::{Stage, answering, cogs_of, setup};
use cogsmith::api::limit_view::limits_of;
use cogsmith::api::limits::Limit;
use cogsmith::reload::report::CogOutcome;

const LIMITS: &str = r#"{ "limits": { "cpu_ms": 50, "faults_per_10min": 3 } }"#;

/// Loops in a command, counts messages, and keeps a timer and a task.
const HOG: &str = r#"local cog = require("@cogsmith/cog")
local task = require("@cogsmith/task")
local state = require("@cogsmith/state")
local session = state.session.global
cog.on_ready(function()
    task.spawn(function()
        while true do
            session.beats = (session.beats or 0) + 1
            task.wait(0.01)
        end
    end)
end)
cog.every(60, function() end)
cog.on.message_create(function() session.heard = (session.heard or 0) + 1 end)
cog.command { name = "hog", run = function() while true do end end }
cog.command { name = "fine", run = function(ctx) ctx:reply("fine") end }
"#;

const OUT_OF_ORDER: &str =
    "This command is out of order: its cog was stopped too often. The bot's admins can see why.";

fn is_quarantined(stage: &Stage) -> bool {
    let cog = stage.bot.cogs.get("hog").unwrap();
    cog.context.condition.now().is_quarantined()
}

async fn quarantined() -> Stage {
    let stage = setup(&[
        ("cogs/hog.luau", HOG),
        ("cogs/other.luau", &answering("other", "well")),
    ])
    .config(LIMITS)
    .start()
    .await;
    for _ in 0..3 {
        assert!(!is_quarantined(&stage));
        let answer = cases::answers(&stage, "!hog").await;
        assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    }
    assert!(is_quarantined(&stage));
    stage
}

fn heard(stage: &Stage) -> Option<cogsmith::state::Value> {
    let context = std::sync::Arc::clone(&stage.bot.cogs.get("hog").unwrap().context);
    let session = context.state.live().session;
    session.get(&cogsmith::state::StateScope::Global, &["heard".into()])
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_faults_put_a_cog_out_of_the_way_and_the_status_says_why() {
    let stage = quarantined().await;
    // Its commands are answered by the bot itself, its listeners, timers and tasks are gone.
    let before = heard(&stage);
    assert_eq!(stage.ask("!fine").await, OUT_OF_ORDER);
    assert_eq!(stage.ask("!hog").await, OUT_OF_ORDER);
    assert_eq!(stage.ask("!other").await, "well");
    assert_eq!(heard(&stage), before);
    let views = limits_of(&stage.bot.cogs.get("hog").unwrap().context);
    let used = |limit: Limit| {
        let view = views.iter().find(|it| it.key == limit.key()).unwrap();
        view.used.unwrap()
    };
    assert_eq!((used(Limit::Timers), used(Limit::Tasks)), (0.0, 0.0));
    let why = "is in quarantine: its handlers were stopped 3 times within 10 minutes (limits.faults_per_10min), the last time because one ran for more than 50 ms without waiting (limits.cpu_ms) and was stopped";
    for question in ["!cogs hog", "!reload status"] {
        let shown = stage.ask(question).await;
        assert!(shown.contains(why), "{question}: {shown}");
        assert!(shown.contains("lua/cogs/hog.luau:15"), "{shown}");
        assert!(shown.contains("`!reload cog hog`") || shown.contains("!reload cog hog"));
    }
    assert!(stage.ask("!cogs").await.contains("in quarantine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_brings_it_back() {
    let stage = quarantined().await;
    assert!(stage.ask("!reload cog hog").await.contains("`hog`"));
    assert!(!is_quarantined(&stage));
    assert_eq!(stage.ask("!fine").await, "fine");
    assert!(!stage.ask("!cogs").await.contains("quarantine"));
    // It begins with a clean record.
    let answer = cases::answers(&stage, "!hog").await;
    assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    assert!(!is_quarantined(&stage));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_file_brings_it_back_and_a_broken_one_does_not() {
    let mut stage = quarantined().await;
    stage.save("cogs/hog.luau", "this is no Luau");
    stage.failed().await;
    assert!(is_quarantined(&stage));
    assert_eq!(stage.ask("!fine").await, OUT_OF_ORDER);
    stage.save("cogs/hog.luau", &answering("fine", "mended"));
    stage.applied().await;
    assert!(!is_quarantined(&stage));
    assert_eq!(stage.ask("!fine").await, "mended");
}

/// A save that also concerns a cog in quarantine goes live whatever that one does.
#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_hold_others_back() {
    let using = |name: &str, more: &str| {
        format!(
            "local text = require(\"../utils/text\")\nlocal cog = require(\"@cogsmith/cog\")\n{more}\ncog.command {{ name = \"{name}\", run = function(ctx) if text.hog and \"{name}\" == \"hog\" then while true do end end ctx:reply(text.say) end }}\n"
        )
    };
    let picky = "if text.say == \"two\" then error(\"not this one\") end";
    let mut stage = setup(&[
        ("utils/text.luau", "return { say = \"one\", hog = true }"),
        ("cogs/hog.luau", &using("hog", picky)),
        ("cogs/other.luau", &using("other", "")),
    ])
    .config(LIMITS)
    .start()
    .await;
    for _ in 0..3 {
        cases::answers(&stage, "!hog").await;
    }
    assert!(is_quarantined(&stage));
    stage.save("utils/text.luau", "return { say = \"two\" }");
    let report = stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["other"]);
    assert_eq!(stage.ask("!other").await, "two");
    assert_eq!(stage.ask("!hog").await, OUT_OF_ORDER);
    stage.save("utils/text.luau", "return { say = \"three\" }");
    stage.applied().await;
    assert_eq!(stage.ask("!hog").await, "three");
}

/// Ordinary errors are bugs, not attacks.
#[tokio::test(flavor = "multi_thread")]
async fn raised_errors_do_not_count() {
    let source = crate::support::command("t", "error(\"a bug\")");
    let stage = setup(&[("cogs/hog.luau", &source)])
        .config(LIMITS)
        .start()
        .await;
    for _ in 0..10 {
        let answer = cases::answers(&stage, "!t").await;
        assert!(answer[0].contains("The log has the rest"), "{answer:?}");
    }
    assert!(!is_quarantined(&stage));
}
