//! How long a reload takes, from the end of the debounce window to the commit: against the number of cogs, those that
//! use what has changed and those that do not, and against the number of modules.

use crate::sheet::{Sheet, cell};
use crate::sizes::Sizes;
use crate::support;
use crate::support::tree::{Tree, leaf};
use cogsmith::config::Config;
use cogsmith::sim::SimOptions;
use std::time::Duration;

/// How many cogs use what is changed, unless all do.
const FEW: usize = 3;
/// Modules where the number of cogs is what changes, and the other way round.
const MODULES: usize = 200;
const COGS: usize = 100;
/// A reload of all cogs takes longer, so there are fewer.
const SAVES_OF_ALL: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn measure(sizes: &Sizes) -> Vec<Sheet> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let reload = |tree: &Tree, saves| cell(runtime.block_on(median(tree, saves)));
    let header = [
        "cogs",
        "ms; three cogs use the module",
        "ms; all cogs use the module",
    ];
    let mut by_cogs = Sheet::new("reload_cogs", &header);
    for &cogs in sizes.cogs {
        let tree = |users| Tree {
            cogs,
            modules: MODULES,
            users,
        };
        let few = reload(&tree(FEW.min(cogs)), sizes.saves);
        let all = reload(&tree(cogs), sizes.saves.min(SAVES_OF_ALL));
        by_cogs.add([cogs.to_string(), few, all]);
    }
    let mut by_modules = Sheet::new("reload_modules", &["modules", "ms"]);
    for &modules in sizes.modules {
        let tree = Tree {
            cogs: COGS,
            modules,
            users: FEW,
        };
        by_modules.add([modules.to_string(), reload(&tree, sizes.saves)]);
    }
    vec![by_cogs, by_modules]
}

/// Milliseconds that a reload takes.
async fn median(tree: &Tree, saves: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    tree.write(folder.path());
    let sim = support::simulator(SimOptions::default()).await;
    let config = Config::default_at(folder.path().to_owned());
    let bot = support::bot(&sim, config, None).await;
    bot.ready(PATIENCE).await.unwrap();
    let mut reports = bot.reload.reports.subscribe();
    let mut times = Vec::new();
    for save in 1..=saves {
        std::fs::write(folder.path().join("lua/utils/leaf.luau"), leaf(save)).unwrap();
        let report = tokio::time::timeout(PATIENCE, reports.recv()).await;
        let report = report.unwrap().unwrap();
        assert_eq!(report.cogs.len(), tree.users, "whoever uses it is reloaded");
        times.push(report.took_ms);
    }
    times.sort_by(f64::total_cmp);
    bot.stop().await;
    sim.shutdown().await;
    times[saves / 2]
}
