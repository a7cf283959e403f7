//! One leaf changed among many cogs, beside the same change among few, which must cost about the same; an undo of one
//! cog, which must cost about what a save of it costs; and what many cogs cost to start.
//!
//! `cargo bench --bench scale`
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

mod support;

use cogsmith::config::Config;
use cogsmith::reload::controller::Ask;
use cogsmith::sim::SimOptions;
use cogsmith::vm::PageAllocator;
use std::alloc::System;
use std::time::{Duration, Instant};
use support::PROFILE;
use support::tree::{Tree, leaf};

/// That of the bot's own process.
#[global_allocator]
static ALLOCATOR: PageAllocator<System> = PageAllocator::over(System);

const SAVES: usize = 30;
const MODULES: usize = 200;
/// Cogs that use what is changed.
const USERS: usize = 3;
/// How many times longer the same change may take among a hundred times as many cogs.
const MOST: f64 = 2.0;
/// How many times longer an undo may take than a save. It builds all modules of the cog, in another VM, and reads them
/// from the database; a save runs one.
const MOST_OF_UNDO: f64 = 2.0;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let few = measure(10).await;
        let many = measure(1_000).await;
        println!("{:<34} {:>12} {:>12}", PROFILE, "10 cogs", "1,000 cogs");
        let row = |what: &str, few: f64, many: f64, unit: &str| {
            println!("{what:<34} {few:>9.1} {unit} {many:>9.1} {unit}");
        };
        row("start, all cogs loaded", few.start, many.start, "ms");
        row("memory for the cogs", few.megabytes, many.megabytes, "MB");
        row("a leaf of 3 cogs: median", few.reload, many.reload, "ms");
        row("a save of one cog: median", few.save, many.save, "ms");
        row("an undo of it: median", few.undo, many.undo, "ms");
        let ratio = many.reload / few.reload;
        println!("a leaf of 3 cogs, 1,000 to 10: {ratio:.2}");
        assert!(
            ratio <= MOST,
            "the cost must follow the change, not the tree: at most {MOST}"
        );
        let ratio = many.undo / many.save;
        println!("an undo to a save, of one of 1,000 cogs: {ratio:.2}");
        assert!(
            ratio <= MOST_OF_UNDO,
            "an undo must cost what a save costs: at most {MOST_OF_UNDO}"
        );
    });
}

struct Measured {
    /// Milliseconds from the start to the report of it.
    start: f64,
    /// Growth of the resident set.
    megabytes: f64,
    /// Median milliseconds from the end of the quiet window to the commit.
    reload: f64,
    /// The same of a save of one cog.
    save: f64,
    /// Median milliseconds from an admin's undo of it to the commit.
    undo: f64,
}

async fn measure(cogs: usize) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree {
        cogs,
        modules: MODULES,
        users: USERS,
    };
    tree.write(folder.path());
    let sim = support::simulator(SimOptions::default()).await;
    let before = resident();
    let began = Instant::now();
    let config = Config::default_at(folder.path().to_owned());
    let bot = support::bot(&sim, config, Some(folder.path().join("state.db"))).await;
    let start = began.elapsed().as_secs_f64() * 1_000.0;
    let megabytes = (resident() - before) / 1_048_576.0;
    bot.ready(PATIENCE).await.unwrap();
    let mut reports = bot.reload.reports.subscribe();
    let mut times = Vec::new();
    for save in 1..=SAVES {
        std::fs::write(folder.path().join("lua/utils/leaf.luau"), leaf(save)).unwrap();
        let report = tokio::time::timeout(PATIENCE, reports.recv()).await;
        let report = report.unwrap().unwrap();
        assert_eq!(report.cogs.len(), 3, "three cogs use the leaf");
        times.push(report.took_ms);
    }
    let (mut saves, mut undos) = (Vec::new(), Vec::new());
    for save in 1..=SAVES {
        let text = format!("{}-- {save}\n", tree.cog(cogs - 1));
        let name = format!("c{}", cogs - 1);
        std::fs::write(folder.path().join(format!("lua/cogs/{name}.luau")), text).unwrap();
        let report = tokio::time::timeout(PATIENCE, reports.recv()).await;
        saves.push(report.unwrap().unwrap().took_ms);
        let undone = bot.reload.ask(Ask::Undo(name, None)).await;
        let report = undone.unwrap().unwrap();
        assert!(report.cogs[0].undone.is_some(), "{report:#?}");
        undos.push(report.took_ms);
        let _heard = reports.recv().await;
    }
    bot.stop().await;
    sim.shutdown().await;
    Measured {
        start,
        megabytes,
        reload: median(times),
        save: median(saves),
        undo: median(undos),
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Bytes of the process's memory that are in use.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|it| it.parse().ok());
    pages.unwrap_or(0.0) * 4_096.0
}
