//! One server tries a version of a cog, all others run the one before: `!reload try`, `keep`, `drop`.

mod ends;
mod limits;
mod routing;
mod under_load;

use crate::support::{self, Id, Setup, Stage, cogs_of, setup};
use cogsmith::reload::report::{CogOutcome, Outcome};
use serde_json::{Value, json};

/// A cog whose commands are also for direct messages.
fn everywhere(cog: &str) -> String {
    let contexts = "cog.command { contexts = { \"guild\", \"bot_dm\" },";
    cog.replace("cog.command {", contexts)
}

/// A cog with one command that answers with a text.
fn answering(name: &str, text: &str) -> String {
    everywhere(&support::answering(name, text))
}

/// A cog with one command whose body is this.
fn command(name: &str, body: &str) -> String {
    everywhere(&support::command(name, body))
}

/// A bot in two servers. The first one, with #general of the stage, is the one that tries.
struct Servers {
    stage: Stage,
    /// The other server, and its channel.
    other: (Id, Id),
    /// The owner's direct channel with the bot.
    direct: Id,
}

impl Servers {
    async fn of(setup: Setup) -> Self {
        let stage = setup.start().await;
        let owner = stage.sim.owner();
        let guild = stage.sim.add_guild("other", owner).unwrap();
        let path = format!("/guilds/{guild}/channels");
        let channels = stage.sim.call_as(owner, "GET", &path, json!(null));
        let channel = channels.unwrap()[0]["id"].as_str().unwrap().to_owned();
        let direct = stage.sim.direct_channel(owner);
        stage.settled().await;
        Self {
            other: (guild, channel.parse().unwrap()),
            direct,
            stage,
        }
    }

    /// One cog, with what it has run kept on the disk.
    async fn with(cog: &str, text: &str) -> Self {
        let file = format!("cogs/{cog}.luau");
        Self::of(setup(&[(&file, text)]).stored()).await
    }

    /// What the bot says when the owner says something in a channel.
    async fn all_in(&self, channel: Id, text: &str) -> Vec<Value> {
        let owner = self.stage.sim.owner();
        let before = self.stage.sim.message_count(channel);
        self.stage.sim.say(owner, channel, text).unwrap();
        self.stage.settled().await;
        self.stage.written_since(channel, before + 1)
    }

    async fn ask_in(&self, channel: Id, text: &str) -> String {
        let answers = self.all_in(channel, text).await;
        assert_eq!(answers.len(), 1, "answers to {text:?}: {answers:#?}");
        answers[0]["content"].as_str().unwrap().to_owned()
    }

    /// What the bot answers to a line in the server that tries, in the other one, and in a direct message.
    async fn ask_all(&self, text: &str) -> [String; 3] {
        let here = self.stage.ask(text).await;
        let there = self.ask_in(self.other.1, text).await;
        [here, there, self.ask_in(self.direct, text).await]
    }

    /// Saves a cog and waits for the report of it, whatever it says.
    async fn saves(&mut self, file: &str, text: &str) -> Outcome {
        self.stage.save(file, text);
        self.stage.report().await.outcome
    }

    /// An admin's command in the server that tries, which leads to a report.
    async fn orders(&mut self, text: &str) -> (String, Outcome) {
        let told = self.stage.ask(text).await;
        (told, self.stage.report().await.outcome)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_tries_a_version_until_all_have_it() {
    let mut servers = Servers::with("word", &answering("word", "one")).await;
    servers.stage.ask("!reload toggle").await;
    let two = answering("word", "two");
    assert_eq!(
        servers.saves("cogs/word.luau", &two).await,
        Outcome::Pending
    );
    assert_eq!(servers.ask_all("!word").await, ["one"; 3]);

    let told = servers.stage.ask("!reload try word").await;
    assert!(told.contains("one server tries the new code"), "{told}");
    assert!(
        told.contains("tries another version of `word`") && told.contains("!reload keep word"),
        "{told}"
    );
    let report = servers.stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Tried), ["word"]);
    let trial = report.cogs[0].trial.clone().unwrap();
    assert_eq!(trial.guild, servers.stage.sim.guild().to_string());
    assert!(trial.by.starts_with("owner"), "{trial:?}");
    assert_eq!(servers.ask_all("!word").await, ["two", "one", "one"]);
    assert_eq!(servers.stage.version("word"), 1, "the others' version");
    for shows in ["!reload status", "!cogs", "!cogs word"] {
        let told = servers.stage.ask(shows).await;
        assert!(told.contains("tries another version"), "{shows}: {told}");
    }

    let told = servers.stage.ask("!reload keep word").await;
    assert!(told.contains("Reloaded `word`"), "{told}");
    servers.stage.applied().await;
    assert_eq!(servers.ask_all("!word").await, ["two"; 3]);
    assert_eq!(servers.stage.version("word"), 2);
    let status = servers.stage.ask("!reload status").await;
    assert!(!status.contains("another version"), "{status}");
    assert!(!status.contains("not applied"), "{status}");
    // What was kept is also what a restart runs.
    let stage = servers.stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "two");
    assert!(!stage.ask("!reload status").await.contains("not its files"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_gone_until_the_next_save_also_over_a_restart() {
    let mut servers = Servers::with("word", &answering("word", "one")).await;
    servers.orders("!reload try word").await;
    servers
        .saves("cogs/word.luau", &answering("word", "two"))
        .await;
    assert_eq!(servers.ask_all("!word").await, ["two", "one", "one"]);
    let (told, outcome) = servers.orders("!reload drop word").await;
    assert_eq!(outcome, Outcome::Applied);
    assert!(told.contains("all servers run the same version"), "{told}");
    assert!(
        told.contains("`word` runs version 1, not what its files say"),
        "{told}"
    );
    assert_eq!(servers.ask_all("!word").await, ["one"; 3]);
    // A save of another cog takes nothing of it along.
    servers
        .saves("cogs/other.luau", &answering("other", "other"))
        .await;
    assert_eq!(servers.stage.ask("!word").await, "one");

    let mut stage = servers.stage.restarted().await;
    assert_eq!(stage.ask("!word").await, "one");
    stage.save("cogs/word.luau", &answering("word", "three"));
    stage.applied().await;
    assert_eq!(stage.ask("!word").await, "three");
    assert!(!stage.ask("!reload status").await.contains("not its files"));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_of_what_has_not_changed_leaves_nothing_behind() {
    let mut servers = Servers::with("word", &answering("word", "one")).await;
    servers.orders("!reload try word").await;
    servers.orders("!reload drop word").await;
    let status = servers.stage.ask("!reload status").await;
    assert!(!status.contains("not its files"), "{status}");
    servers
        .saves("cogs/word.luau", &answering("word", "two"))
        .await;
    assert_eq!(servers.ask_all("!word").await, ["two"; 3]);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn saves_go_to_the_trial_alone_and_broken_ones_to_nobody() {
    let words = |word: &str| format!("return {{ word = \"{word}\" }}\n");
    let user = |name: &str| {
        everywhere(&format!(
            "local cog = require(\"@cogsmith/cog\")\nlocal words = require(\"../services/words\")\ncog.command {{ name = \"{name}\", run = function(ctx) ctx:reply(words.word) end }}\n"
        ))
    };
    let setup = setup(&[
        ("services/words.luau", &words("one")),
        ("cogs/word.luau", &user("word")),
        ("cogs/beside.luau", &user("beside")),
    ]);
    let mut servers = Servers::of(setup.stored()).await;
    servers.orders("!reload try word").await;
    assert_eq!(servers.ask_all("!word").await, ["one"; 3]);

    servers.stage.save("services/words.luau", &words("two"));
    let first = servers.stage.applied().await;
    assert_eq!(cogs_of(&first, CogOutcome::Reloaded), ["beside"]);
    let second = servers.stage.applied().await;
    assert_eq!(cogs_of(&second, CogOutcome::Tried), ["word"]);
    assert_eq!(servers.ask_all("!word").await, ["two", "one", "one"]);
    assert_eq!(servers.ask_all("!beside").await, ["two"; 3]);

    servers.stage.save("cogs/word.luau", "local x = = 1\n");
    let report = servers.stage.failed().await;
    assert_eq!(cogs_of(&report, CogOutcome::Kept), ["word"]);
    assert_eq!(servers.ask_all("!word").await, ["two", "one", "one"]);
    let cogs = servers.stage.ask("!cogs word").await;
    assert!(
        cogs.contains("lua/cogs/word.luau:1: syntax error"),
        "{cogs}"
    );
    let cog = servers.stage.bot.cogs.get("word").unwrap();
    assert!(cog.condition().is_current(), "the others are well");
    // It is not tried again before it is saved again.
    servers
        .stage
        .save("cogs/third.luau", &answering("third", "third"));
    let report = servers.stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["third"]);
    assert!(servers.stage.no_report());

    servers
        .saves("cogs/word.luau", &answering("word", "three"))
        .await;
    assert_eq!(servers.ask_all("!word").await, ["three", "one", "one"]);
    assert!(!servers.stage.ask("!cogs word").await.contains("syntax"));
    servers.orders("!reload keep word").await;
    assert_eq!(servers.ask_all("!word").await, ["three"; 3]);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_version_is_not_tried() {
    let mut servers = Servers::with("word", &answering("word", "one")).await;
    servers.stage.ask("!reload toggle").await;
    for broken in [
        "local x = = 1\n".to_owned(),
        answering("word", "two") + "error(\"not today\")\n",
        answering("word", "two") + "cog.on_load(function() error(\"not today\") end)\n",
        answering("help", "two"),
    ] {
        servers.saves("cogs/word.luau", &broken).await;
        let (told, outcome) = servers.orders("!reload try word").await;
        assert_eq!(outcome, Outcome::Failed, "{told}");
        assert!(told.contains("lua/cogs/word.luau"), "{told}");
        assert_eq!(servers.ask_all("!word").await, ["one"; 3]);
        let told = servers.stage.ask("!reload drop word").await;
        assert!(told.starts_with("No server tries"), "{told}");
        let cog = servers.stage.bot.cogs.get("word").unwrap();
        assert!(cog.condition().is_current());
    }
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_cog_has_refuses_the_trial() {
    let files = [
        ("cogs/word.luau", &*answering("word", "one")),
        ("cogs/top.luau", &*answering("top", "top")),
    ];
    let mut servers = Servers::of(setup(&files).stored()).await;
    servers.orders("!reload try word").await;
    servers
        .stage
        .save("cogs/word.luau", &answering("top", "mine"));
    let report = servers.stage.failed().await;
    assert!(
        report.problems[0]
            .message
            .contains("\"top\" is taken twice"),
        "{report:#?}"
    );
    assert_eq!(servers.ask_all("!top").await, ["top"; 3]);
    // As soon as the other one gives it up, it is tried.
    servers
        .stage
        .save("cogs/top.luau", &answering("best", "best"));
    let report = servers.stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["top"]);
    let report = servers.stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Tried), ["word"]);
    assert_eq!(servers.stage.ask("!top").await, "mine");
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_cut_across_a_trial_is_refused_with_the_way_out() {
    let mut servers = Servers::with("word", &answering("word", "one")).await;
    servers
        .saves("cogs/word.luau", &answering("word", "two"))
        .await;
    let told = servers.ask_in(servers.direct, "!reload try word").await;
    assert_eq!(
        told,
        "A version is tried in one server: send `!reload try word` there."
    );
    assert_eq!(
        servers.stage.ask("!reload try").await,
        "Which cog? `!reload try <name>`"
    );
    let told = servers.stage.ask("!reload try wrod").await;
    assert!(told.contains("Did you mean `word`?"), "{told}");
    let told = servers.stage.ask("!reload keep word").await;
    assert!(
        told.starts_with("No server tries another version"),
        "{told}"
    );

    servers.orders("!reload try word").await;
    servers
        .saves("cogs/word.luau", &answering("word", "three"))
        .await;
    let told = servers.ask_in(servers.other.1, "!reload try word").await;
    assert!(
        told.contains("tries another version of `word` already"),
        "{told}"
    );
    for order in ["!reload cog word", "!reload undo word", "!reload redo word"] {
        let told = servers.stage.ask(order).await;
        assert!(told.contains("Decide about that first"), "{order}: {told}");
    }
    servers.orders("!reload all").await;
    assert_eq!(servers.ask_all("!word").await, ["three", "two", "two"]);
    // Once more in the same server: the files as they are now.
    servers.orders("!reload try word").await;
    assert_eq!(servers.ask_all("!word").await, ["three", "two", "two"]);
    servers.stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn state_is_shared_and_is_not_migrated_for_one_server() {
    let plain = command(
        "points",
        "state.global.points = (state.global.points or 0) + 1\n    ctx:reply(`{state.global.points}`)",
    );
    let tenfold = plain.replace("+ 1", "+ 10");
    let mut servers = Servers::with("points", &plain).await;
    servers.orders("!reload try points").await;
    servers.saves("cogs/points.luau", &tenfold).await;
    assert_eq!(servers.ask_all("!points").await, ["10", "11", "12"]);
    assert_eq!(servers.ask_all("!points").await, ["22", "23", "24"]);

    let migrated = tenfold.replace(
        "cog.command",
        "state.migrate(1, { global = function(old) return old end })\ncog.command",
    );
    servers.stage.save("cogs/points.luau", &migrated);
    let report = servers.stage.failed().await;
    let told = &report.problems[0].message;
    assert!(
        told.contains("what is stored has version 0, and this code brings it to version 1"),
        "{told}"
    );
    assert_eq!(servers.ask_all("!points").await, ["34", "35", "36"]);
    let told = servers.orders("!reload keep points").await.0;
    assert!(
        told.contains("Reloaded"),
        "what all servers have may migrate: {told}"
    );
    assert_eq!(servers.ask_all("!points").await, ["46", "56", "66"]);
    let stage = servers.stage.restarted().await;
    assert_eq!(stage.ask("!points").await, "76");
    stage.stop().await;
}
