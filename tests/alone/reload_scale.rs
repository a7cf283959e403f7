//! Many cogs: what a change costs follows the change. A test file of its own, because it counts what the process
//! compiles.

use crate::support::{Stage, cogs_of, setup, times};
use cogsmith::reload::report::CogOutcome;
use cogsmith::vm::compile::compilations;
use cogsmith::vm::generation::Generation;
use std::collections::BTreeMap;
use std::sync::Arc;

const MODULES: usize = 200;

/// Every cog uses one of the shared modules, and three of them the leaf.
fn tree(cogs: usize) -> Vec<(String, String)> {
    let mut files = vec![("utils/leaf.luau".to_owned(), "return 0".to_owned())];
    for module in 0..MODULES {
        files.push((
            format!("utils/m{module}.luau"),
            format!("return {{ number = {module} }}"),
        ));
    }
    for cog in 0..cogs {
        let leaf = if cog < 3 {
            "require(\"../utils/leaf\")"
        } else {
            "0"
        };
        let text = format!(
            "local cog, m, leaf = require(\"@cogsmith/cog\"), require(\"../utils/m{}\"), {leaf}
cog.command {{ name = \"c{cog}\", run = function(ctx) ctx:reply(`{{m.number}} {{leaf}}`) end }}",
            cog % MODULES
        );
        files.push((format!("cogs/c{cog}.luau"), text));
    }
    files
}

/// What each cog runs.
fn generations(stage: &Stage) -> BTreeMap<String, Arc<Generation>> {
    let cogs = stage.bot.cogs.all().into_iter();
    let running = cogs.map(|cog| {
        let generation = cog.peek(|status| status.generation.clone());
        (cog.name.to_string(), generation.expect("every cog runs"))
    });
    running.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_of_three_cogs_among_many_touches_three_and_every_file_is_compiled_once() {
    let _alone = crate::turn().await;
    let cogs = times(300, 1_000);
    let files = tree(cogs);
    let paths: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let compiled = compilations();
    let mut stage = setup(&paths).start().await;
    assert_eq!(compilations() - compiled, files.len() as u64);
    assert_eq!(stage.ask("!c2").await, "2 0");

    let before = generations(&stage);
    stage.save("utils/leaf.luau", "return 1");
    let report = stage.applied().await;
    assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["c0", "c1", "c2"]);
    // The leaf, and the cogs that execute again run from what they were compiled to.
    assert_eq!(compilations() - compiled, files.len() as u64 + 1);
    let after = generations(&stage);
    let touched = before
        .iter()
        .filter(|(name, before)| !Arc::ptr_eq(before, &after[*name]));
    let touched: Vec<&str> = touched.map(|(name, _)| name.as_str()).collect();
    assert_eq!(touched, ["c0", "c1", "c2"]);
    assert_eq!(stage.ask("!c2").await, "2 1");
    // The last one.
    let question = format!("!c{}", cogs - 1);
    let answer = format!("{} 0", (cogs - 1) % MODULES);
    assert_eq!(stage.ask(&question).await, answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_and_a_redo_of_one_cog_among_many_touch_it_alone() {
    let _alone = crate::turn().await;
    let files = tree(times(300, 1_000));
    let paths: Vec<(&str, &str)> = files
        .iter()
        .map(|(p, t)| (p.as_str(), t.as_str()))
        .collect();
    let mut stage = setup(&paths).stored().start().await;
    let text = std::fs::read_to_string(stage.path("cogs/c7.luau")).unwrap();
    stage.save(
        "cogs/c7.luau",
        &text.replace("{m.number}", "new {m.number}"),
    );
    stage.applied().await;
    assert_eq!(stage.ask("!c7").await, "new 7 0");

    for (order, answer) in [("undo", "7 0"), ("redo", "new 7 0")] {
        let (before, compiled) = (generations(&stage), compilations());
        stage.ask(&format!("!reload {order} c7")).await;
        let report = stage.applied().await;
        assert_eq!(cogs_of(&report, CogOutcome::Reloaded), ["c7"], "{order}");
        // No more than its own file and its module.
        assert!(compilations() - compiled <= 2, "{order}");
        let after = generations(&stage);
        let touched = before
            .iter()
            .filter(|(name, before)| !Arc::ptr_eq(before, &after[*name]));
        let touched: Vec<&str> = touched.map(|(name, _)| name.as_str()).collect();
        assert_eq!(touched, ["c7"], "{order}");
        assert_eq!(stage.ask("!c7").await, answer);
    }
}
