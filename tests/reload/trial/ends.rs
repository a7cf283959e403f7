//! How a trial ends when nobody says `keep` or `drop`.

use super::{Servers, answering};
use crate::support::cogs_of;
use cogsmith::reload::report::CogOutcome;

async fn on_trial() -> Servers {
    let mut servers = Servers::with("word", &answering("word", "one")).await;
    servers.orders("!reload try word").await;
    servers
        .saves("cogs/word.luau", &answering("word", "two"))
        .await;
    assert_eq!(servers.ask_all("!word").await, ["two", "one", "one"]);
    servers
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_with_its_cog() {
    let mut servers = on_trial().await;
    let told = servers.stage.ask("!unload word").await;
    assert!(told.contains("Unloaded `word`"), "{told}");
    servers.stage.report().await;
    for channel in [servers.stage.general(), servers.other.1] {
        assert!(servers.all_in(channel, "!word").await.is_empty());
    }
    servers.stage.ask("!load word").await;
    servers.stage.report().await;
    assert_eq!(servers.ask_all("!word").await, ["two"; 3]);

    servers.orders("!reload try word").await;
    servers.stage.delete("cogs/word.luau");
    let report = servers.stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["word"]);
    for channel in [servers.stage.general(), servers.other.1] {
        assert!(servers.all_in(channel, "!word").await.is_empty());
    }
    servers
        .saves("cogs/word.luau", &answering("word", "three"))
        .await;
    assert_eq!(servers.ask_all("!word").await, ["three"; 3]);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_comes_back_to_what_all_others_ran() {
    let servers = on_trial().await;
    let mut stage = servers.stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "one");
    let status = stage.ask("!reload status").await;
    assert!(status.contains("runs version 1, not its files"), "{status}");
    assert!(!status.contains("tries another version"), "{status}");
    stage.save("cogs/word.luau", &answering("word", "three"));
    stage.applied().await;
    assert_eq!(stage.ask("!word").await, "three");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_the_bot_leaves_the_server() {
    let mut servers = on_trial().await;
    let (sim, guild) = (&servers.stage.sim, servers.stage.sim.guild());
    sim.leave(guild, sim.bot_user()).unwrap();
    let report = servers.stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Dropped), ["word"]);
    assert!(
        report.problems[0]
            .message
            .ends_with("the bot has left the server"),
        "{report:#?}"
    );
    let told = servers.ask_in(servers.other.1, "!reload drop word").await;
    assert!(told.starts_with("No server tries"), "{told}");
    assert_eq!(servers.ask_in(servers.other.1, "!word").await, "one");
    servers.stage.stop().await;
}
