//! Names that look like others: of the bot's own commands, of other cogs', of other cogs themselves.

use crate::support::{answering, problems_of, setup};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_looks_like_anothers_is_refused_and_named_with_it() {
    let rank = answering("rank", "the true one");
    let mut stage = setup(&[("cogs/leveling.luau", &rank)]).start().await;
    stage.save("cogs/fun.luau", &answering("r\u{430}nk", "the false one"));
    let report = stage.failed().await;
    let told = problems_of(&report);
    assert!(
        told.contains("the command name \"r\u{430}nk\" (with U+0430) of the cog \"fun\" (lua/cogs/fun.luau:2) looks like \"rank\" of the cog \"leveling\""),
        "{told}"
    );
    assert_eq!(stage.version("fun"), 0);
    assert_eq!(stage.ask("!rank").await, "the true one");
    // Once the other one has gone, it looks like nobody's.
    stage.delete("cogs/leveling.luau");
    stage.applied_until("!r\u{430}nk", "the false one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_looks_like_the_bots_own_is_refused() {
    let mut stage = setup(&[]).start().await;
    for (name, word) in [
        ("r\u{435}load", "looks like \"reload\""),
        ("\u{ff48}elp", "looks like \"help\""),
        ("unl0ad", "looks like \"unload\""),
        ("he\u{200b}lp", "U+200B, which is invisible"),
        ("c\u{34f}ogs", "U+034F, which is invisible"),
    ] {
        stage.save("cogs/false.luau", &answering(name, "false"));
        let report = stage.failed().await;
        assert!(problems_of(&report).contains(word), "{name}: {report:#?}");
        assert_eq!(stage.version("false"), 0);
    }
    for name in ["muat-ulang", "перезагрузка", "再読み込み", "réload"] {
        stage.save("cogs/false.luau", &answering(name, name));
        stage.applied().await;
        assert_eq!(stage.ask(&format!("!{name}")).await, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cog_that_looks_like_another_is_not_loaded() {
    let mut stage = setup(&[("cogs/leveling.luau", &answering("rank", "1"))])
        .start()
        .await;
    stage.save("cogs/l\u{435}veling.luau", &answering("other", "2"));
    let report = stage.failed().await;
    let told = problems_of(&report);
    assert!(
        told.contains("the cog's name \"l\u{435}veling\" (with U+0435) looks like that of the cog \"leveling\"; rename its file"),
        "{told}"
    );
    stage.delete("cogs/l\u{435}veling.luau");
    stage.save("cogs/a\u{202e}b.luau", &answering("other", "2"));
    let report = stage.failed().await;
    assert!(
        problems_of(&report)
            .contains("has an invisible character or a terminal control character in its name"),
        "{report:#?}"
    );
    stage.delete("cogs/a\u{202e}b.luau");
    stage.save("cogs/уровни.luau", &answering("other", "2"));
    stage.applied_until("!other", "2").await;
    assert_eq!(stage.ask("!rank").await, "1");
}
