//! Each command is answered exactly once, whatever becomes of a trial meanwhile.

use super::{Servers, command};
use crate::support::{Id, PATIENCE, log, setup, times};
use cogsmith::reload::report::Outcome;
use cogsmith::sim::Sim;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two commands in one server.
const PAUSE: Duration = Duration::from_millis(5);
/// So many may wait for their answers in one server.
const MOST_WAITING: usize = 50;

/// Many versions end one after the other here, whose last handlers are to have the time and the memory that they need.
const CONFIG: &str = r#"{ "limits": { "handler_seconds": 600, "memory_mb": 512 } }"#;

fn echo(version: usize) -> String {
    let text = command("echo", &format!("ctx:reply(`{version} {{ctx.options.n}}`)"));
    text.replacen(
        "run",
        "options = { cog.option.integer { name = \"n\" } }, run",
        1,
    )
}

async fn answered(sim: &Sim, channel: Id, messages: usize) {
    sim.wait_for("answers to all commands", PATIENCE, |sim| {
        (sim.message_count(channel) >= messages).then_some(())
    })
    .await
    .unwrap();
}

async fn talk(sim: Sim, channel: Id, commands: usize) {
    let owner = sim.owner();
    let mut ticks = tokio::time::interval(PAUSE);
    for number in 0..commands {
        ticks.tick().await;
        if 2 * number - sim.message_count(channel) >= MOST_WAITING {
            answered(&sim, channel, 2 * number).await;
        }
        sim.say(owner, channel, &format!("!echo {number}")).unwrap();
    }
    answered(&sim, channel, 2 * commands).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_is_answered_exactly_once_while_versions_are_tried() {
    log::listen();
    let commands = times(1_000, 4_000);
    let setup = setup(&[("cogs/echo.luau", &echo(0))]).stored();
    let mut servers = Servers::of(setup.config(CONFIG)).await;
    let (guild, owner) = (servers.stage.sim.guild(), servers.stage.sim.owner());
    let loud = servers.stage.sim.add_channel(guild, "loud", 0);
    let (here, there) = (loud.unwrap(), servers.other.1);
    let talks = [here, there].map(|channel| {
        let sim = servers.stage.sim.clone();
        tokio::spawn(talk(sim, channel, commands / 2))
    });
    let mut round = 0;
    while !talks.iter().all(tokio::task::JoinHandle::is_finished) {
        round += 1;
        let end = if round % 2 == 0 { "keep" } else { "drop" };
        for order in ["try", "", end] {
            if order.is_empty() {
                servers.stage.save("cogs/echo.luau", &echo(round));
            } else {
                let general = servers.stage.general();
                let line = format!("!reload {order} echo");
                servers.stage.sim.say(owner, general, &line).unwrap();
            }
            let report = servers.stage.report().await;
            assert_eq!(report.outcome, Outcome::Applied, "{order}: {report:#?}");
        }
    }
    for talk in talks {
        talk.await.unwrap();
    }
    servers.stage.settled().await;
    assert!(round > 2, "only {round} rounds");
    for channel in [here, there] {
        let mut answers = BTreeMap::new();
        for message in servers.stage.written_since(channel, 0) {
            let text = message["content"].as_str().unwrap();
            let number = text.split(' ').next_back().and_then(|it| it.parse().ok());
            let number: usize = number
                .unwrap_or_else(|| panic!("{text}\n{}", log::logged(&["A handler"]).join("\n")));
            *answers.entry(number).or_insert(0) += 1;
        }
        let wanted: BTreeMap<_, _> = (0..commands / 2).map(|number| (number, 1)).collect();
        assert_eq!(answers, wanted);
    }
    servers.stage.stop().await;
}
