//! Commands keep coming while cogs are saved, broken and mended: each is answered exactly once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helpers"
)]

mod support;

use cogsmith::sim::Id;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use support::{PATIENCE, Stage, command, setup};

const COMMANDS: usize = 600;
const PAUSE: Duration = Duration::from_millis(10);
const CONFIG: &str = "{}";

/// Says `!echo` with numbers, 100 a second, and returns when all have been said.
async fn talk(sim: cogsmith::sim::Sim, channel: Id) {
    let owner = sim.owner();
    let mut ticks = tokio::time::interval(PAUSE);
    for number in 0..COMMANDS {
        ticks.tick().await;
        sim.say(owner, channel, &format!("!echo {number}")).unwrap();
    }
}

/// How often each number was answered.
async fn answers(stage: &Stage) -> BTreeMap<usize, usize> {
    let channel = stage.general();
    let all = 2 * COMMANDS;
    stage
        .sim
        .wait_for("an answer to every command", PATIENCE, |sim| {
            (sim.message_count(channel) >= all).then_some(())
        })
        .await
        .unwrap();
    stage.settled().await;
    let mut answers = BTreeMap::new();
    for text in stage.written() {
        let number = text.split(' ').next_back().unwrap();
        *answers.entry(number.parse().expect(&text)).or_insert(0) += 1;
    }
    answers
}

fn echo(version: usize) -> String {
    let options = "options = { cog.option.integer { name = \"n\" } }, run";
    let text = command("echo", &format!("ctx:reply(`{version} {{ctx.options.n}}`)"));
    text.replacen("run", options, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_answered_exactly_once_while_the_cog_is_saved() {
    let mut stage = setup(&[("cogs/echo.luau", &echo(0))])
        .config(CONFIG)
        .start()
        .await;
    let talking = tokio::spawn(talk(stage.sim.clone(), stage.general()));
    for save in 1..=5 {
        let text = match save {
            2 => "this is = broken".to_owned(),
            4 => "while true do end".to_owned(),
            save => echo(save),
        };
        stage.save("cogs/echo.luau", &text);
        let report = stage.report().await;
        assert_eq!(report.problems.is_empty(), save % 2 == 1, "{report:#?}");
        let said = stage.sim.message_count(stage.general());
        let more = said + COMMANDS / 10;
        let channel = stage.general();
        stage
            .sim
            .wait_for("more of the talk", PATIENCE, |sim| {
                (talking.is_finished() || sim.message_count(channel) >= more).then_some(())
            })
            .await
            .unwrap();
    }
    talking.await.unwrap();
    let answers = answers(&stage).await;
    let wanted: BTreeMap<_, _> = (0..COMMANDS).map(|number| (number, 1)).collect();
    assert_eq!(answers, wanted);
    let versions: Vec<Value> = stage.sim.messages(stage.general());
    let last = versions.last().unwrap()["content"].as_str().unwrap();
    assert!(last.starts_with("5 "), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_answered_exactly_once_while_it_moves_between_cogs() {
    let mut stage = setup(&[("cogs/one.luau", &echo(0))])
        .config(CONFIG)
        .start()
        .await;
    let talking = tokio::spawn(talk(stage.sim.clone(), stage.general()));
    let (mut from, mut to) = ("cogs/one.luau", "cogs/two.luau");
    while !talking.is_finished() {
        std::fs::rename(stage.path(from), stage.path(to)).unwrap();
        stage.applied().await;
        std::mem::swap(&mut from, &mut to);
    }
    talking.await.unwrap();
    let answers = answers(&stage).await;
    let wanted: BTreeMap<_, _> = (0..COMMANDS).map(|number| (number, 1)).collect();
    assert_eq!(answers, wanted);
}
