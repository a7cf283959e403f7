//! Nobody waits long for a cog that takes its time to be prepared: neither another cog's save, nor a question of an
//! admin's. And a preparation has one budget of time for all that it does.

use crate::support::{PATIENCE, Stage, answering, cogs_of, command, problems_of, setup};
use cogsmith::reload::report::CogOutcome;
use std::time::Duration;

/// A line of Luau that uses so many milliseconds of time.
fn busy(milliseconds: u32) -> String {
    format!(
        "do local began = os.clock() while os.clock() - began < {} do end end\n",
        f64::from(milliseconds) / 1_000.0
    )
}

/// What the bot has written in #general after this many messages, as soon as it has written `count` more.
async fn written_after(stage: &Stage, seen: usize, count: usize) -> Vec<String> {
    let enough = |_: &_| (stage.written().len() >= seen + count).then_some(());
    let sim = &stage.sim;
    sim.wait_for("the answers", PATIENCE, enough).await.unwrap();
    stage.written().split_off(seen)
}

/// Returns when a reload is under way: the watcher joins what is saved at the same moment.
async fn begun(stage: &Stage) {
    let mut look = tokio::time::interval(Duration::from_millis(2));
    while stage.bot.services.activity.count() == 0 {
        look.tick().await;
    }
}

const SLOW: &str = r#"{ "limits": { "cpu_ms": 20000, "cpu_seconds_per_minute": 3600 } }"#;

#[tokio::test(flavor = "multi_thread")]
async fn another_cogs_save_goes_live_while_one_takes_its_time() {
    let slow = |version: &str| busy(3_000) + &answering("slow", version);
    let mut stage = setup(&[
        ("cogs/slow.luau", &answering("slow", "1")),
        ("cogs/quick.luau", &answering("quick", "1")),
    ])
    .config(SLOW)
    .start()
    .await;
    stage.save("cogs/slow.luau", &slow("2"));
    begun(&stage).await;
    stage.save("cogs/quick.luau", &answering("quick", "2"));
    let first = stage.applied().await;
    assert_eq!(cogs_of(&first, CogOutcome::Reloaded), ["quick"]);
    // What is saved of the slow one meanwhile is taken as soon as it can be.
    stage.save("cogs/slow.luau", &answering("slow", "3"));
    let reports = [stage.applied().await, stage.applied().await];
    for report in reports {
        assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["slow"]);
    }
    assert_eq!(stage.ask("!slow").await, "3");
    assert_eq!(stage.ask("!quick").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_together_with_a_slow_cog_waits_for_it_and_nothing_is_lost() {
    let user = |name: &str| {
        "local shared = require(\"../services/shared\")\n".to_owned()
            + &command(name, "ctx:reply(shared)")
    };
    let mut stage = setup(&[
        ("cogs/slow.luau", &user("slow")),
        ("cogs/user.luau", &user("user")),
        ("services/shared.luau", "return \"1\""),
    ])
    .config(SLOW)
    .start()
    .await;
    stage.save("cogs/slow.luau", &(busy(2_000) + &user("slow")));
    begun(&stage).await;
    stage.save("services/shared.luau", "return \"2\"");
    let first = stage.applied().await;
    assert_eq!(cogs_of(&first, CogOutcome::Reloaded), ["slow"]);
    let second = stage.applied().await;
    assert_eq!(cogs_of(&second, CogOutcome::Reloaded), ["slow", "user"]);
    assert_eq!(stage.ask("!slow").await, "2");
    assert_eq!(stage.ask("!user").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_of_admins_are_answered_while_a_reload_is_under_way() {
    let slow = busy(2_000) + &answering("slow", "1");
    let stage = setup(&[
        ("cogs/slow.luau", &slow),
        ("cogs/quick.luau", &answering("quick", "1")),
    ])
    .config(SLOW)
    .start()
    .await;
    let (owner, general) = (stage.sim.owner(), stage.general());
    let lines = [
        "!reload cog slow",
        "!reload status",
        "!cogs",
        "!reload cog quick",
        "!reload cog slow",
    ];
    for line in lines {
        stage.sim.say(owner, general, line).unwrap();
    }
    let written = written_after(&stage, 0, lines.len()).await;
    let place = |text: &str| written.iter().position(|it| it.contains(text)).unwrap();
    let reloaded = written
        .iter()
        .position(|it| it.contains("Reload") && it.contains("`slow`"));
    let reloaded = reloaded.unwrap();
    assert!(place("Configuration") < reloaded, "{written:#?}");
    assert_eq!(stage.version("slow"), 3, "{written:#?}");
    assert_eq!(stage.version("quick"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_to_one_of_two_cogs_that_are_reloaded_beside_each_other() {
    let mut stage = setup(&[
        ("cogs/a.luau", &answering("a", "a")),
        ("cogs/b.luau", &answering("b", "b")),
    ])
    .config(SLOW)
    .start()
    .await;
    stage.save("cogs/a.luau", &(busy(2_000) + &answering("same", "a")));
    begun(&stage).await;
    stage.save("cogs/b.luau", &answering("same", "b"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["b"]);
    let report = stage.failed().await;
    assert!(problems_of(&report).contains("same"), "{report:#?}");
    assert_eq!(stage.ask("!same").await, "b");
    assert_eq!(stage.ask("!a").await, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_that_handlers_required_have_one_budget_together_when_they_are_loaded_again() {
    let modules: Vec<(String, String)> = (0..20)
        .map(|number| {
            let text = busy(120) + &format!("return {number}");
            (format!("services/m{number}.luau"), text)
        })
        .collect();
    let requires: Vec<String> = (0..20)
        .map(|number| format!("sum += require(\"../services/m{number}\") task.wait(0)"))
        .collect();
    let body = format!("local sum = 0 {} ctx:reply(`{{sum}}`)", requires.join(" "));
    let cog = command("all", &body);
    let mut files: Vec<(&str, &str)> = vec![("cogs/t.luau", &cog)];
    files.extend(
        modules
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    let mut stage = setup(&files)
        .config(r#"{ "limits": { "cpu_ms": 200, "cpu_seconds_per_minute": 3600 } }"#)
        .start()
        .await;
    let sum = (0..20).sum::<u32>().to_string();
    assert_eq!(stage.ask("!all").await, sum);
    stage.save("cogs/t.luau", &format!("{cog}-- saved again\n"));
    let report = stage.applied().await;
    let executed = report.cogs[0].executed.len();
    assert!(executed <= 6, "{executed} of 20 modules were loaded again");
    // What there was no time for is loaded by the handler, as before.
    assert_eq!(stage.ask("!all").await, sum);
    stage.save("services/m19.luau", "return 20");
    stage.applied().await;
    let sum = (sum.parse::<u32>().unwrap() + 1).to_string();
    assert_eq!(stage.ask("!all").await, sum);
}
