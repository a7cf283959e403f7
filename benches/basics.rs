//! Single operations, each beside what it is made of, in one run: state, durable writes, events to many cogs, limits,
//! requests to other servers, the start of a VM.
//!
//! ```text
//! cargo bench --bench basics [-- ROW …]    all rows, or those whose names contain one of the texts; about 2 minutes
//! cargo bench --bench basics -- --quick    the same with small sizes, to see that it runs
//! cargo bench --bench basics -- --write    the numbers go to docs/performance.md
//! ```
#![recursion_limit = "256"]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark stops at the first thing that goes wrong, and prints"
)]

#[path = "compared/child.rs"]
mod child;
#[allow(dead_code, reason = "the rest is of the other benchmark")]
#[path = "growth/cogs.rs"]
mod cogs;
#[path = "basics/durable.rs"]
mod durable;
#[path = "compared/fake_discord.rs"]
mod fake_discord;
#[path = "basics/requests.rs"]
mod requests;
#[allow(dead_code, reason = "the rest is of the other benchmark")]
#[path = "growth/sheet.rs"]
mod sheet;
#[allow(dead_code, reason = "the rest is of the other benchmark")]
#[path = "growth/sizes.rs"]
mod sizes;
/// A cog's VM without its actor, as tests have it.
#[path = "../tests/support/mod.rs"]
mod stage;
mod support;
#[path = "basics/vm.rs"]
mod vm;

use sheet::{Sheet, cell};
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy)]
struct Sizes {
    /// How often each is repeated; the median counts.
    times: usize,
    /// Operations in one repetition.
    operations: u32,
    /// How long durable writes are counted.
    durable: Duration,
    requests: u32,
    /// Messages to each cog.
    messages: u64,
    /// Rows in a small state and in a large one.
    rows: [u64; 2],
}

const FULL: Sizes = Sizes {
    times: 41,
    operations: 10_000,
    durable: Duration::from_secs(5),
    requests: 1_000,
    messages: 20_000,
    rows: [10_000, 1_000_000],
};

const QUICK: Sizes = Sizes {
    times: 3,
    operations: 1_000,
    durable: Duration::from_millis(300),
    requests: 50,
    messages: 1_000,
    rows: [1_000, 10_000],
};

/// Measures something, and adds it to the table.
type Measure = fn(Sizes, &mut Table);

const ROWS: [(&str, Measure); 7] = [
    ("state", vm::state),
    ("rows", vm::rows),
    ("durable", durable::measure),
    ("events", events),
    ("limits", vm::limits),
    ("http", requests::measure),
    ("start", vm::start),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    assert!(
        !(has("--quick") && has("--write")),
        "the numbers of a quick run are not for the documentation"
    );
    let sizes = if has("--quick") { QUICK } else { FULL };
    let wanted: Vec<&String> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let mut table = Table::new();
    for (name, measure) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|text| name.contains(*text)) {
            measure(sizes, &mut table);
        }
    }
    sheet::machine().save(&sheet::target());
    table.0.save(&sheet::target());
    if has("--write") {
        sheet::write(&["machine", "basics"]);
    }
}

/// What is measured, beside its baseline.
struct Table(Sheet);

impl Table {
    fn new() -> Self {
        let header = ["", "here", "baseline", "ratio", "aim", "the baseline is"];
        println!("{} profile", support::PROFILE);
        Self(Sheet::new("basics", &header))
    }

    fn add(&mut self, what: &str, here: f64, baseline: (f64, &str), aim: &str) {
        let (of, name) = baseline;
        println!(
            "{what:<52} {:>9} {:>9} {:>7}  {aim:<12} {name}",
            cell(here),
            cell(of),
            cell(here / of)
        );
        let cells = [&cell(here), &cell(of), &cell(here / of), aim, name];
        let cells = cells.map(str::to_owned);
        self.0.add(std::iter::once(what.to_owned()).chain(cells));
    }
}

/// How long two things take: the median of so many times each. They take turns, so that what disturbs the machine
/// disturbs both.
fn medians(times: usize, mut here: impl FnMut(), mut baseline: impl FnMut()) -> [Duration; 2] {
    let duration_of = |act: &mut dyn FnMut()| {
        let since = Instant::now();
        act();
        since.elapsed()
    };
    let mut taken: Vec<[Duration; 2]> = Vec::new();
    for _ in 0..times {
        taken.push([duration_of(&mut here), duration_of(&mut baseline)]);
    }
    [0, 1].map(|which| {
        let mut times: Vec<Duration> = taken.iter().map(|pair| pair[which]).collect();
        times.sort();
        times[times.len() / 2]
    })
}

/// One event to many cogs, beside one event to one.
fn events(sizes: Sizes, table: &mut Table) {
    const COGS: usize = 100;
    let one = cogs::Heard::measure(COGS, 1, sizes.messages).micros();
    for listening in [10, COGS] {
        let count = u64::try_from(listening).unwrap();
        let many = cogs::Heard::measure(COGS, listening, sizes.messages * 2 / count);
        let each = many.micros() / sheet::real(count);
        let what = format!("an event to {listening} cogs: CPU us for each");
        table.add(&what, each, (one, "an event to one of 100 cogs"), "");
    }
}
