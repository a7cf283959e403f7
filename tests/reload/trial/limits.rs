//! Both versions together have what one cog has, and where that is not enough, the one on trial gives way.

use super::{Servers, command};
use crate::support::{Stage, cogs_of, setup, until};
use cogsmith::api::limit_view::limits_of;
use cogsmith::reload::report::{CogOutcome, Report};
use std::sync::Arc;

async fn on_trial(config: &str, old: &str, new: &str) -> Servers {
    let setup = setup(&[("cogs/t.luau", old)]).config(config);
    let mut servers = Servers::of(setup).await;
    servers.orders("!reload try t").await;
    servers.stage.save("cogs/t.luau", new);
    servers.stage.applied().await;
    servers
}

fn met(stage: &Stage, key: &str) -> u64 {
    let cog = stage.bot.cogs.get("t").unwrap();
    let limits = limits_of(&cog.context);
    limits.iter().find(|limit| limit.key == key).unwrap().met
}

/// The report of a trial that has ended by itself.
async fn ended(servers: &mut Servers) -> Arc<Report> {
    let report = servers.stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Dropped), ["t"], "{report:#?}");
    servers.stage.settled().await;
    let cog = servers.stage.bot.cogs.get("t").unwrap();
    assert!(cog.trial().is_none());
    assert!(cog.condition().is_current(), "the others are well");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_to_discord_are_counted_together() {
    let config = r#"{ "limits": { "discord_calls_per_10s": 6 } }"#;
    // The first answer of a command is not counted.
    let say = |word: &str| command("say", &format!("for _ = 1, 7 do ctx:send(\"{word}\") end"));
    let servers = on_trial(config, &say("old"), &say("new")).await;
    assert_eq!(servers.all_in(servers.other.1, "!say").await.len(), 7);
    assert_eq!(met(&servers.stage, "discord_calls_per_10s"), 0);
    let (sim, general) = (&servers.stage.sim, servers.stage.general());
    sim.say(sim.owner(), general, "!say").unwrap();
    until(|| met(&servers.stage, "discord_calls_per_10s") > 0).await;
    servers.stage.stop().await;
}

/// A cog whose command begins four tasks, if it may, and tells how many it was allowed.
fn begins_tasks(word: &str) -> String {
    command(
        "go",
        &format!(
            "local begun = 0
    for _ = 1, 4 do
        if pcall(task.delay, 600, function() end) then begun += 1 end
    end
    ctx:reply(`{word} {{begun}}`)"
        ),
    )
}

const SIX_TASKS: &str = r#"{ "limits": { "tasks": 6 } }"#;

fn tasks(stage: &Stage) -> usize {
    stage.bot.cogs.get("t").unwrap().context.limits.tasks()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_has_the_tasks_that_the_others_leave() {
    let servers = on_trial(SIX_TASKS, &begins_tasks("old"), &begins_tasks("new")).await;
    assert_eq!(servers.ask_in(servers.other.1, "!go").await, "old 4");
    assert_eq!(servers.stage.ask("!go").await, "new 2");
    assert_eq!(servers.stage.ask("!go").await, "new 0");
    assert_eq!(tasks(&servers.stage), 6);
    assert_eq!(met(&servers.stage, "tasks"), 6);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_whose_tasks_leave_the_others_too_few_ends() {
    let mut servers = on_trial(SIX_TASKS, &begins_tasks("old"), &begins_tasks("new")).await;
    assert_eq!(servers.stage.ask("!go").await, "new 4");
    assert_eq!(tasks(&servers.stage), 4);
    assert_eq!(servers.ask_in(servers.other.1, "!go").await, "old 4");
    let report = ended(&mut servers).await;
    assert!(
        report.problems[0]
            .message
            .contains("needed more than 6 tasks (limits.tasks)"),
        "{report:#?}"
    );
    assert_eq!(tasks(&servers.stage), 4);
    assert_eq!(met(&servers.stage, "tasks"), 0);
    assert_eq!(servers.stage.ask("!go").await, "old 2");
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_leaves_no_room_for_both_is_not_tried() {
    let config = r#"{ "limits": { "memory_mb": 16 } }"#;
    let heavy = |word: &str| {
        format!(
            "local held = string.rep(\"x\", 9 * 1024 * 1024)\n{}",
            command("held", &format!("ctx:reply(`{word} {{#held}}`)"))
        )
    };
    let setup = setup(&[("cogs/t.luau", &heavy("old"))]).config(config);
    let servers = Servers::of(setup).await;
    let told = servers.stage.ask("!reload try t").await;
    assert!(
        told.contains("would need more than 16 MB of memory together (limits.memory_mb)"),
        "{told}"
    );
    assert!(servers.stage.ask("!held").await.starts_with("old"));
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_grows_too_much_ends() {
    let config = r#"{ "limits": { "memory_mb": 16 } }"#;
    let keeps = |word: &str| {
        format!(
            "local held = {{}}\n{}",
            command(
                "keep",
                &format!(
                    "table.insert(held, string.rep(\"x\", 9 * 1024 * 1024))\n    ctx:reply(\"{word}\")"
                ),
            )
        )
    };
    let mut servers = on_trial(config, &keeps("old"), &keeps("new")).await;
    assert_eq!(servers.ask_in(servers.other.1, "!keep").await, "old");
    let (sim, general) = (&servers.stage.sim, servers.stage.general());
    sim.say(sim.owner(), general, "!keep").unwrap();
    let report = ended(&mut servers).await;
    assert!(
        report.problems[0]
            .message
            .contains("more than 16 MB of memory (limits.memory_mb)"),
        "{report:#?}"
    );
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_whose_handlers_are_stopped_ends_and_the_cog_is_not_quarantined() {
    let config = r#"{ "limits": { "cpu_ms": 50, "faults_per_10min": 3 } }"#;
    let old = command("go", "ctx:reply(\"old\")");
    let new = command("go", "while true do end");
    let mut servers = on_trial(config, &old, &new).await;
    for _ in 0..3 {
        assert_eq!(servers.ask_in(servers.other.1, "!go").await, "old");
        let told = servers.stage.ask("!go").await;
        assert_ne!(told, "old");
    }
    let report = ended(&mut servers).await;
    assert!(
        report.problems[0]
            .message
            .contains("stopped 3 times within 10 minutes"),
        "{report:#?}"
    );
    assert_eq!(servers.ask_all("!go").await, ["old"; 3]);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_uses_the_processor_too_much_ends_and_the_others_do_not_pause() {
    let config =
        r#"{ "limits": { "cpu_ms": 1000, "cpu_seconds_per_minute": 5, "faults_per_10min": 100 } }"#;
    let old = command("go", "ctx:reply(\"old\")");
    let new = command(
        "go",
        "local until_then = os.clock() + 0.4\n    while os.clock() < until_then do end\n    ctx:reply(\"new\")",
    );
    let mut servers = on_trial(config, &old, &new).await;
    let cog = servers.stage.bot.cogs.get("t").unwrap();
    // On a busy machine a handler gets less of the processor in its time. The last one may be stopped after it has
    // answered, which the caller is told in a second message.
    while cog.trial().is_some() {
        servers.stage.says("owner", "!go").await;
    }
    let report = ended(&mut servers).await;
    assert!(
        report.problems[0]
            .message
            .contains("which is all that a trial may have"),
        "{report:#?}"
    );
    assert_eq!(servers.ask_all("!go").await, ["old"; 3]);
    assert_eq!(met(&servers.stage, "cpu_seconds_per_minute"), 0);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_may_do_what_it_asks_for() {
    let config = r#"{ "capabilities": { "*": ["presence"] } }"#;
    let body = "local ok, why = pcall(cog.presence, { status = \"idle\" })\n    ctx:reply(ok and \"may\" or `{why}`)";
    let old = command("go", body);
    let new = old.replace(
        "cog.command",
        "cog.info { capabilities = { \"presence\" } }\ncog.command",
    );
    let servers = on_trial(config, &old, &new).await;
    let [here, there, direct] = servers.ask_all("!go").await;
    assert_eq!(here, "may");
    for refused in [there, direct] {
        assert!(refused.contains("needs the capability"), "{refused}");
    }
    servers.stage.stop().await;
}
