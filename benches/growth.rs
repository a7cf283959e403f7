//! How the bot grows: events a second against cogs, reloads against cogs and modules, memory against cogs and stored
//! keys, processor time against shards, and a bot in 10,000 guilds under a mix of events. The bot is a process of its
//! own, against a server that stands in for Discord.
//!
//! ```text
//! cargo bench --bench growth [-- ROW …]    all rows, or those whose names contain one of the texts; about 12 minutes
//! cargo bench --bench growth -- --quick    the same with small sizes, to see that it runs
//! cargo bench --bench growth -- --hour     the mix for a whole hour instead of some minutes
//! cargo bench --bench growth -- --write    the same as without it, and then the numbers go to docs/performance.md
//! cargo bench --bench growth -- --plot     measures nothing, and draws the plots in docs/performance/ anew
//! ```
//!
//! What is measured goes to `target/growth/`, as CSV and as plots. `--plot --write` writes what is there already.
#![recursion_limit = "256"]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

#[path = "compared/child.rs"]
mod child;
#[path = "growth/cogs.rs"]
mod cogs;
#[path = "compared/fake_discord.rs"]
mod fake_discord;
#[path = "growth/large.rs"]
mod large;
#[path = "growth/memory.rs"]
mod memory;
#[path = "growth/mix.rs"]
mod mix;
#[path = "growth/paper.rs"]
mod paper;
#[path = "growth/plot.rs"]
mod plot;
#[path = "growth/plots.rs"]
mod plots;
#[path = "growth/reload.rs"]
mod reload;
#[path = "growth/shards.rs"]
mod shards;
#[path = "growth/sheet.rs"]
mod sheet;
#[path = "growth/sizes.rs"]
mod sizes;
mod support;

use sheet::Sheet;
use sizes::Sizes;
use std::time::Instant;

/// Measures something, and gives its tables.
type Measure = fn(&Sizes) -> Vec<Sheet>;

/// What can be measured, by name.
const ROWS: [(&str, Measure); 5] = [
    ("cogs", cogs::measure),
    ("reload", reload::measure),
    ("memory", memory::measure),
    ("shards", shards::measure),
    ("large", large::measure),
];

/// The tables in docs/performance.md, and the files in docs/performance/.
const SHEETS: [&str; 11] = [
    "machine",
    "cogs",
    "reload_cogs",
    "reload_modules",
    "memory_cogs",
    "memory_keys",
    "shards",
    "large",
    "large_series",
    "large_hour",
    "paper",
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    assert!(
        !(has("--quick") && has("--write")),
        "the numbers of a quick run are not for the documentation"
    );
    if has("--plot") && !has("--write") {
        plots::draw_all(&sheet::docs());
        return;
    }
    let sizes = Sizes::of(has("--quick"), has("--hour"));
    let wanted: Vec<&String> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    for (name, measure) in ROWS {
        let is_wanted = wanted.is_empty() || wanted.iter().any(|text| name.contains(*text));
        if is_wanted && !has("--plot") {
            let since = Instant::now();
            for sheet in measure(&sizes) {
                sheet.print();
                sheet.save(&sheet::target());
            }
            println!("{name}: {:.0} s\n", since.elapsed().as_secs_f64());
        }
    }
    sheet::machine().save(&sheet::target());
    if let Some(paper) = paper::calculate() {
        paper.print();
        paper.save(&sheet::target());
    }
    plots::draw_all(&sheet::target());
    if has("--write") {
        sheet::write(&SHEETS);
        plots::write();
    }
}
