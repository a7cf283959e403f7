//! Commands keep coming while cogs are saved, broken and mended: each is answered exactly once.

use crate::support::log;
use crate::support::{PATIENCE, Stage, command, setup, times};
use cogsmith::sim::Id;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two commands: 200 of them a second.
const PAUSE: Duration = Duration::from_millis(5);
/// Between two saves, so that 40 commands come meanwhile.
const SAVE_PAUSE: Duration = Duration::from_millis(200);
/// So many commands may wait for their answers; then the talk goes on when all have theirs. A machine that is slower
/// than the talk would fill the cog's mailbox, from which events are dropped, and older versions, which come after newer
/// ones, would never have their turn, until there are too many of them.
const MOST_WAITING: usize = 100;
/// For the same reason an answer may take its time: of a handler that lasts too long, the user is told something else.
const CONFIG: &str = r#"{ "limits": { "handler_seconds": 600 } }"#;

/// Says `!echo` with so many numbers, and returns when all have been said.
async fn talk(sim: cogsmith::sim::Sim, channel: Id, commands: usize) {
    let owner = sim.owner();
    let mut ticks = tokio::time::interval(PAUSE);
    for number in 0..commands {
        ticks.tick().await;
        let all = 2 * number;
        if all - sim.message_count(channel) >= MOST_WAITING {
            sim.wait_for("answers to the talk so far", PATIENCE, |sim| {
                (sim.message_count(channel) >= all).then_some(())
            })
            .await
            .unwrap();
        }
        sim.say(owner, channel, &format!("!echo {number}")).unwrap();
    }
}

/// What the log says of handlers that failed.
fn failures() -> String {
    log::logged(&["A handler"]).join("\n")
}

/// How often each number was answered.
async fn answers(stage: &Stage, commands: usize) -> BTreeMap<usize, usize> {
    let channel = stage.general();
    let all = 2 * commands;
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
        let number = text.split(' ').next_back().and_then(|it| it.parse().ok());
        let number = number.unwrap_or_else(|| panic!("{text}\n{}", failures()));
        *answers.entry(number).or_insert(0) += 1;
    }
    answers
}

fn echo(version: usize) -> String {
    let options = "options = { cog.option.integer { name = \"n\" } }, run";
    let text = command("echo", &format!("ctx:reply(`{version} {{ctx.options.n}}`)"));
    text.replacen("run", options, 1)
}

/// What the n-th save says, and whether it can be taken.
fn saved(save: usize) -> (String, bool) {
    match save % 20 {
        4 => ("this is = broken".to_owned(), false),
        9 => (echo(save) + "error(\"not today\")", false),
        14 => (
            echo(save).replace("cog.option.integer", "cog.option.no_such_kind"),
            false,
        ),
        19 => ("while true do end".to_owned(), false),
        _ => (echo(save), true),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_answered_exactly_once_while_the_cog_is_saved_again_and_again() {
    log::listen();
    let saves = times(20, 100);
    let commands = 40 * saves;
    let mut stage = setup(&[("cogs/echo.luau", &echo(0))])
        .config(CONFIG)
        .start()
        .await;
    let talking = tokio::spawn(talk(stage.sim.clone(), stage.general(), commands));
    let mut ticks = tokio::time::interval(SAVE_PAUSE);
    for save in 1..=saves {
        ticks.tick().await;
        let (text, is_good) = saved(save);
        stage.save("cogs/echo.luau", &text);
        let report = stage.report().await;
        assert_eq!(report.problems.is_empty(), is_good, "{report:#?}");
    }
    talking.await.unwrap();
    stage.settled().await;
    assert_eq!(
        stage.ask(&format!("!echo {commands}")).await,
        format!("{saves} {commands}")
    );
    let answers = answers(&stage, commands + 1).await;
    let wanted: BTreeMap<_, _> = (0..=commands).map(|number| (number, 1)).collect();
    assert_eq!(answers, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_answered_exactly_once_while_it_moves_between_cogs() {
    log::listen();
    let mut stage = setup(&[("cogs/one.luau", &echo(0))])
        .config(CONFIG)
        .start()
        .await;
    let commands = times(200, 1_200);
    let talking = tokio::spawn(talk(stage.sim.clone(), stage.general(), commands));
    let (mut from, mut to) = ("cogs/one.luau", "cogs/two.luau");
    while !talking.is_finished() {
        std::fs::rename(stage.path(from), stage.path(to)).unwrap();
        stage.applied().await;
        std::mem::swap(&mut from, &mut to);
    }
    talking.await.unwrap();
    let answers = answers(&stage, commands).await;
    let wanted: BTreeMap<_, _> = (0..commands).map(|number| (number, 1)).collect();
    assert_eq!(answers, wanted);
}
#[tokio::test(flavor = "multi_thread")]
async fn a_command_arriving_during_the_swap_is_answered_once_by_the_old_or_the_new_version() {
    let slow = |version: usize| {
        let on_load = "require(\"@cogsmith/cog\").on_load(function()
    local began = os.clock()
    while os.clock() - began < 0.02 do end
end)";
        format!("{}{on_load}\n", echo(version))
    };
    let mut stage = setup(&[("cogs/echo.luau", &slow(0))])
        .config(CONFIG)
        .start()
        .await;
    let (owner, channel) = (stage.sim.owner(), stage.general());
    // The pace of those who talk; nothing is awaited with it.
    let mut ticks = tokio::time::interval(PAUSE);
    let (mut said, mut seen) = (0, 0);
    for version in 1..=times(8, 20) {
        let first = said;
        stage.save("cogs/echo.luau", &slow(version));
        while stage.no_report() {
            ticks.tick().await;
            let line = format!("!echo {said}");
            stage.sim.say(owner, channel, &line).unwrap();
            said += 1;
        }
        stage.applied().await;
        stage.settled().await;
        let written = stage.written().split_off(seen);
        seen += written.len();
        let mut numbers = Vec::new();
        for text in &written {
            let (by, number) = text.split_once(' ').expect(text);
            let by: usize = by.parse().expect(text);
            assert!(by == version - 1 || by == version, "{text}");
            numbers.push(number.parse::<usize>().expect(text));
        }
        numbers.sort_unstable();
        let wanted: Vec<_> = (first..said).collect();
        assert_eq!(numbers, wanted, "each once");
    }
}
