//! Commands and cogs that move, and names that two want.

use super::{burst, telling};
use crate::support::{answering, cogs_of, problems_of, setup};
use cogsmith::reload::report::{CogOutcome, Outcome};

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
        assert!(text.contains("fix them if they give up the name"), "{text}");
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
    // One has a one but a timer, and one goes into an init file that takes in its folder.
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
