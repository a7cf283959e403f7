//! What a change reaches: exactly what depends on it runs again, and everything else keeps its identity.

use crate::support::{Setup, Stage, answering, cogs_of, command, problems_of, setup};
use cogsmith::reload::report::{CogOutcome, Report};
use std::sync::Arc;

fn executed<'a>(report: &'a Report, cog: &str) -> &'a [String] {
    let cog = report.cogs.iter().find(|it| it.name == cog);
    &cog.expect("the cog is in the report").executed
}

/// A cog that answers with what an expression says, after these requires.
fn saying(name: &str, requires: &str, expression: &str) -> String {
    format!(
        "{requires}\n{}",
        command(name, &format!("ctx:reply(tostring({expression}))"))
    )
}

fn with(files: &[(&str, String)]) -> Setup {
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    setup(&files)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_diamond_each_affected_module_runs_once_dependencies_first() {
    let mut stage = with(&[
        ("utils/base.luau", "return { text = \"1\" }".into()),
        ("utils/side.luau", "return {}".into()),
        (
            "services/left.luau",
            "return require(\"../utils/base\")".into(),
        ),
        (
            "services/right.luau",
            "return { base = require(\"../utils/base\"), side = require(\"../utils/side\") }"
                .into(),
        ),
        (
            "cogs/a.luau",
            saying(
                "a",
                "local left, right = require(\"../services/left\"), require(\"../services/right\")",
                "`{left.text} {left == right.base} {right.side}`",
            ),
        ),
    ])
    .start()
    .await;
    let before = stage.ask("!a").await;
    assert!(before.starts_with("1 true"), "{before}");
    stage.save("utils/base.luau", "return { text = \"2\" }");
    let report = stage.applied().await;
    assert_eq!(
        executed(&report, "a"),
        ["utils.base", "services.left", "services.right", "cogs.a"]
    );
    let after = stage.ask("!a").await;
    assert_eq!(
        after,
        before.replacen('1', "2", 1),
        "the side kept its identity"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_10_with_two_entry_points_runs_from_the_change_to_both() {
    let mut files = vec![("utils/m0.luau".to_owned(), "return \"deep 1\"".to_owned())];
    for number in 1..10 {
        let text = format!("return require(\"./m{}\")", number - 1);
        files.push((format!("utils/m{number}.luau"), text));
    }
    for cog in ["one", "two"] {
        let text = saying(cog, "local it = require(\"../utils/m9\")", "it");
        files.push((format!("cogs/{cog}.luau"), text));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let mut stage = setup(&files).start().await;
    assert_eq!(stage.ask("!one").await, "deep 1");
    stage.save("utils/m0.luau", "return \"deep 2\"");
    let report = stage.applied().await;
    for cog in ["one", "two"] {
        let mut wanted: Vec<_> = (0..10).map(|number| format!("utils.m{number}")).collect();
        wanted.push(format!("cogs.{cog}"));
        assert_eq!(executed(&report, cog), wanted);
        assert_eq!(stage.ask(&format!("!{cog}")).await, "deep 2");
    }
    stage.save("utils/m5.luau", "return require(\"./m4\") .. \"!\"");
    let report = stage.applied().await;
    assert_eq!(executed(&report, "one").len(), 6);
    assert_eq!(stage.ask("!one").await, "deep 2!");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_require_cycle_is_a_failed_reload_with_the_cycle_printed() {
    let mut stage = with(&[
        ("utils/a.luau", "return require(\"./b\")".into()),
        ("utils/b.luau", "return \"b\"".into()),
        (
            "cogs/x.luau",
            saying("x", "local it = require(\"../utils/a\")", "it"),
        ),
    ])
    .start()
    .await;
    stage.save("utils/b.luau", "return require(\"./a\")");
    let report = stage.failed().await;
    let text = problems_of(&report);
    assert!(text.contains("utils.a → utils.b → utils.a"), "{text}");
    assert_eq!(stage.ask("!x").await, "b");
    stage.save("utils/b.luau", "return \"c\"");
    stage.applied().await;
    assert_eq!(stage.ask("!x").await, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_require_in_a_handler_becomes_an_edge_when_it_runs() {
    let mut stage = with(&[
        ("utils/late.luau", "return \"1\"".into()),
        (
            "cogs/x.luau",
            command("x", "ctx:reply(require(\"../utils/late\"))"),
        ),
    ])
    .start()
    .await;
    stage.save("utils/late.luau", "return \"2\"");
    stage.nothing_else().await;
    // What is required for the first time is what the file says now.
    assert_eq!(stage.ask("!x").await, "2");
    stage.save("utils/late.luau", "return \"3\"");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["x"]);
    assert_eq!(stage.ask("!x").await, "3");
    // It is loaded with its user from then on, so that a mistake is found before anybody asks.
    stage.save("utils/late.luau", "return = 4");
    let report = stage.failed().await;
    assert_eq!(
        report.problems[0].place.as_ref().unwrap().file,
        "lua/utils/late.luau"
    );
    assert_eq!(stage.ask("!x").await, "3");
    stage.delete("utils/late.luau");
    stage.failed().await;
    assert_eq!(stage.ask("!x").await, "3");
    stage.save("utils/late.luau", "return \"5\"");
    let report = stage.applied().await;
    assert_eq!(executed(&report, "x"), ["cogs.x", "utils.late"]);
    assert_eq!(stage.ask("!x").await, "5");
    // An edit of the user takes the require away, or may: it is an edge again when it runs.
    stage.save("cogs/x.luau", &answering("x", "alone"));
    stage.applied().await;
    stage.save("utils/late.luau", "return = 6");
    stage.nothing_else().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_a_handler_required_keeps_its_identity_when_another_one_changes() {
    let mut stage = with(&[
        ("utils/late.luau", "return {}".into()),
        ("utils/other.luau", "return 1".into()),
        (
            "cogs/x.luau",
            "require(\"../utils/other\")\n".to_owned()
                + &command("x", "ctx:reply(tostring(require(\"../utils/late\")))"),
        ),
    ])
    .start()
    .await;
    let before = stage.ask("!x").await;
    stage.save("utils/other.luau", "return 2");
    let report = stage.applied().await;
    assert_eq!(executed(&report, "x"), ["utils.other", "cogs.x"]);
    assert_eq!(stage.ask("!x").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_a_handler_found_missing_is_there_once_it_is_created() {
    let body =
        "local ok, it = pcall(require, \"../utils/late\") ctx:reply(ok and it or \"missing\")";
    let mut stage = with(&[("cogs/x.luau", command("x", body))]).start().await;
    assert_eq!(stage.ask("!x").await, "missing");
    stage.save("utils/late.luau", "return \"there\"");
    stage.applied().await;
    assert_eq!(stage.ask("!x").await, "there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_removed_by_an_edit_no_longer_reloads_the_cog() {
    let mut stage = with(&[
        ("utils/text.luau", "return \"text\"".into()),
        (
            "cogs/x.luau",
            saying("x", "local it = require(\"../utils/text\")", "it"),
        ),
    ])
    .start()
    .await;
    stage.save("cogs/x.luau", &answering("x", "alone"));
    stage.applied().await;
    stage.save("utils/text.luau", "this is = broken now");
    stage.nothing_else().await;
    stage.delete("utils/text.luau");
    stage.nothing_else().await;
    assert_eq!(stage.ask("!x").await, "alone");
    assert_eq!(stage.version("x"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_may_return_functions_strings_and_nil_and_change_between_them() {
    let mut stage = with(&[
        ("utils/it.luau", "return { 1 }".into()),
        (
            "cogs/x.luau",
            saying(
                "x",
                "local it = require(\"../utils/it\")",
                "type(it) == \"function\" and it() or type(it)",
            ),
        ),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!x").await, "table");
    let cases = [
        ("return function() return \"called\" end", "called"),
        ("return \"text\"", "string"),
        ("return nil", "nil"),
        ("return 7", "number"),
        ("return { 2 }", "table"),
    ];
    for (module, wanted) in cases {
        stage.save("utils/it.luau", module);
        let report = stage.applied().await;
        assert_eq!(executed(&report, "x"), ["utils.it", "cogs.x"], "{module}");
        assert_eq!(stage.ask("!x").await, wanted);
    }
    // A module that is nil is loaded once, too.
    stage.save("utils/it.luau", "return nil");
    stage.applied().await;
    let again = "local it = require(\"../utils/it\") assert(require(\"../utils/it\") == nil)";
    stage.save("cogs/x.luau", &saying("x", again, "it"));
    let report = stage.applied().await;
    assert_eq!(executed(&report, "x"), ["cogs.x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_mutates_another_one_s_table_fails_the_reload() {
    let mut stage = with(&[
        (
            "utils/it.luau",
            "return { list = { 1 }, text = \"mine\" }".into(),
        ),
        (
            "cogs/x.luau",
            saying("x", "local it = require(\"../utils/it\")", "it.text"),
        ),
    ])
    .start()
    .await;
    for change in [
        "it.text = \"yours\"",
        "table.insert(it.list, 2)",
        "rawset(it, \"a\", 1)",
    ] {
        let requires = format!("local it = require(\"../utils/it\")\n{change}");
        stage.save("cogs/x.luau", &saying("x", &requires, "it.text"));
        let report = stage.failed().await;
        let problem = &report.problems[0];
        assert_eq!(problem.place.as_ref().unwrap().line, 2, "{problem:?}");
        assert!(problem.message.contains("readonly"), "{problem:?}");
        assert_eq!(stage.ask("!x").await, "mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_module_keeps_its_locals_and_is_one_for_all_who_require_it() {
    let counter = "local count = 0\nreturn { next = function() count += 1 return count end }";
    let text = |version: &str| {
        saying(
            "x",
            "local one, two = require(\"../utils/counter\"), require(\"../utils/counter\")",
            &format!("`{version} {{one == two}} {{one.next()}}`"),
        )
    };
    let mut stage = with(&[
        ("utils/counter.luau", counter.into()),
        ("cogs/x.luau", text("a")),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!x").await, "a true 1");
    assert_eq!(stage.ask("!x").await, "a true 2");
    stage.save("cogs/x.luau", &text("b"));
    let report = stage.applied().await;
    assert_eq!(executed(&report, "x"), ["cogs.x"]);
    assert_eq!(stage.ask("!x").await, "b true 3");
    stage.save(
        "cogs/x.luau",
        "local one = require(\"../utils/counter\") one.next() error(\"no\")",
    );
    stage.failed().await;
    assert_eq!(
        stage.ask("!x").await,
        "b true 5",
        "a kept module's locals are not taken back"
    );
    stage.save("utils/counter.luau", &format!("{counter} -- changed"));
    stage.failed().await;
    stage.save("cogs/x.luau", &text("c"));
    stage.applied().await;
    assert_eq!(stage.ask("!x").await, "c true 1");
}

/// What `package.loaded` holds, as the cog `x` tells.
async fn loaded(stage: &Stage) -> String {
    stage.ask("!x").await
}

#[tokio::test(flavor = "multi_thread")]
async fn package_loaded_shows_the_committed_modules_before_and_after_a_failed_reload() {
    let cog = |requires: &str| {
        let body = "local names = {} for name, it in package.loaded do table.insert(names, `{name}={tostring(it)}`) end table.sort(names) ctx:reply(table.concat(names, \" \"))";
        format!("{requires}\n{}\nreturn \"entry\"", command("x", body))
    };
    let mut stage = with(&[
        ("utils/a.luau", "return \"1\"".into()),
        ("utils/b.luau", "return \"b\"".into()),
        ("cogs/x.luau", cog("require(\"../utils/a\")")),
    ])
    .start()
    .await;
    let before = "cogs.x=entry utils.a=1";
    assert_eq!(loaded(&stage).await, before);
    stage.save("utils/a.luau", "error(\"no\")");
    stage.failed().await;
    assert_eq!(loaded(&stage).await, before);
    stage.save("cogs/x.luau", "require(\"../utils/b\") error(\"no\")");
    stage.failed().await;
    assert_eq!(loaded(&stage).await, before);
    stage.save("utils/a.luau", "return \"2\"");
    stage.failed().await;
    stage.save(
        "cogs/x.luau",
        &cog("require(\"../utils/a\") require(\"../utils/b\")"),
    );
    stage.applied().await;
    assert_eq!(loaded(&stage).await, "cogs.x=entry utils.a=2 utils.b=b");
    stage.save("cogs/x.luau", &cog("require(\"../utils/b\")"));
    stage.applied().await;
    assert_eq!(loaded(&stage).await, "cogs.x=entry utils.b=b");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_that_stands_for_another_folder_reloads_its_users() {
    let alias = |folder: &str| format!("{{ \"aliases\": {{ \"u\": \"{folder}\" }} }}");
    let mut stage = with(&[
        (".luaurc", alias("utils")),
        ("utils/it.luau", "return \"utils\"".into()),
        ("services/it.luau", "return = broken".into()),
        (
            "cogs/x.luau",
            saying("x", "local it = require(\"@u/it\")", "it"),
        ),
        ("cogs/y.luau", answering("y", "y")),
    ])
    .start()
    .await;
    assert_eq!(stage.ask("!x").await, "utils");
    stage.save(".luaurc", &alias("services"));
    let report = stage.failed().await;
    assert_eq!(report.changed, ["lua/.luaurc"]);
    assert_eq!(stage.ask("!x").await, "utils");
    stage.save("services/it.luau", "return \"services\"");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["x"]);
    assert_eq!(stage.ask("!x").await, "services");
    stage.save(".luaurc", &alias("utils"));
    stage.applied().await;
    assert_eq!(stage.ask("!x").await, "utils");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_file_turns_a_folder_s_cogs_into_modules_and_back() {
    let mut stage = with(&[("cogs/fun/dice.luau", answering("dice", "cog"))])
        .start()
        .await;
    stage.save("cogs/fun/init.luau", &answering("fun", "fun"));
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Loaded), ["fun"]);
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["fun.dice"]);
    assert_eq!(stage.answer("!dice").await, None);
    stage.delete("cogs/fun/init.luau");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Unloaded), ["fun"]);
    assert_eq!(stage.ask("!dice").await, "cog");
    std::fs::rename(
        stage.path("cogs/fun/dice.luau"),
        stage.path("cogs/dice.luau"),
    )
    .unwrap();
    stage.applied().await;
    std::fs::create_dir(stage.path("cogs/dice")).unwrap();
    std::fs::rename(
        stage.path("cogs/dice.luau"),
        stage.path("cogs/dice/init.luau"),
    )
    .unwrap();
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["dice"]);
    assert_eq!(stage.ask("!dice").await, "cog");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_utility_used_by_3_of_100_cogs_reloads_those_3_and_touches_none_of_the_97_vms() {
    let names: Vec<String> = (0..100).map(|number| format!("c{number:02}")).collect();
    let mut files = vec![
        ("utils/leaf.luau".to_owned(), "return \"one\"".to_owned()),
        (
            "utils/middle.luau".to_owned(),
            "return require(\"./leaf\")".to_owned(),
        ),
        ("utils/stable.luau".to_owned(), "return {}".to_owned()),
    ];
    for (number, name) in names.iter().enumerate() {
        let mut requires = "local stable = require(\"../utils/stable\")".to_owned();
        if number < 3 {
            requires += "\nlocal middle = require(\"../utils/middle\")";
        }
        files.push((
            format!("cogs/{name}.luau"),
            saying(name, &requires, "stable"),
        ));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let mut stage = setup(&files).start().await;
    let generations = |stage: &Stage| -> Vec<_> {
        let of = |name: &String| stage.bot.cogs.get(name).unwrap().status().generation;
        names.iter().map(|name| of(name).unwrap()).collect()
    };
    let before = generations(&stage);
    let mut identities = Vec::new();
    for name in &names {
        identities.push(stage.ask(&format!("!{name}")).await);
    }
    stage.save("utils/leaf.luau", "return \"two\"");
    let report = stage.applied().await;
    assert_eq!(report.cogs.len(), 3, "{report:#?}");
    for name in &names[..3] {
        let entry = format!("cogs.{name}");
        assert_eq!(
            executed(&report, name),
            ["utils.leaf", "utils.middle", &entry]
        );
    }
    let after = generations(&stage);
    for (number, name) in names.iter().enumerate() {
        let same = Arc::ptr_eq(&before[number], &after[number]);
        assert_eq!(same, number >= 3, "{name}");
        assert_eq!(
            stage.version(name),
            if number < 3 { 2 } else { 1 },
            "{name}"
        );
        let identity = stage.ask(&format!("!{name}")).await;
        assert_eq!(identity, identities[number], "{name}: the same table");
    }
}
