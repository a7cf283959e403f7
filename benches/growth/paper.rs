//! What more guilds would need, calculated from what was measured and from Discord's rules.

use crate::sheet::{self, Sheet, cell};

/// Discord: "Each shard can only support a maximum of 2500 guilds".
const GUILDS_OF_A_SHARD: f64 = 2_500.0;
/// Seconds in which `max_concurrency` shards may identify.
const IDENTIFY: f64 = 5.0;
/// From so many guilds on a bot is a large one, with sessions by their number.
const LARGE: f64 = 150_000.0;
/// Members of a guild of whom a cog stores a number.
const STORED_OF_A_GUILD: f64 = 10.0;

/// Nothing before what it needs has been measured.
pub(super) fn calculate() -> Option<Sheet> {
    let large = Sheet::load(&sheet::target(), "large")?;
    let keys = Sheet::load(&sheet::target(), "memory_keys")?;
    let measured = large.number("guilds", 1)?;
    let pace = large.number("events a second", 1)? / measured;
    let base = large.number("MB before any guild", 1)?;
    let guild = large.number("KB a guild", 1)? / 1024.0;
    let start = large.number("CPU ms a guild at the start", 1)? / 1e3;
    let events = [1, 2].map(|column| large.number("CPU us an event", column));
    let [all, some] = events;
    let (all, some) = (all? / 1e6, some? / 1e6);
    let key = |column| slope(&keys, column);
    let (key_memory, key_disk) = (key(1)?, key(2)?);

    let sizes = [10_000.0, 100_000.0, 1_000_000.0];
    let mut paper = Sheet::new("paper", &["guilds", "10000", "100000", "1000000"]);
    let mut row = |what: &str, of: &dyn Fn(f64) -> f64| {
        let cells = sizes.map(|guilds| cell(of(guilds)));
        paper.add(std::iter::once(what.to_owned()).chain(cells));
    };
    row("shards of 2500 guilds", &shards);
    row("seconds until all have identified; one at a time", &|it| {
        shards(it) * IDENTIFY
    });
    row("the same; 16 at a time", &|it| {
        (shards(it) / 16.0).ceil() * IDENTIFY
    });
    row("sessions that Discord allows a day", &sessions);
    row("events a second", &|it| it * pace);
    row("cores; all intents", &|it| it * pace * all);
    row("cores; without presences", &|it| it * pace * some);
    row("CPU s to learn of all guilds at the start", &|it| {
        it * start
    });
    row("GB for the process and its guilds", &|it| {
        (base + it * guild) / 1024.0
    });
    row("GB for one number of 10 members of each guild", &|it| {
        it * STORED_OF_A_GUILD * key_memory / 1024.0
    });
    row("GB of the same in the database", &|it| {
        it * STORED_OF_A_GUILD * key_disk / 1024.0
    });
    Some(paper)
}

fn shards(guilds: f64) -> f64 {
    (guilds / GUILDS_OF_A_SHARD).ceil()
}

/// Discord's rule for the sessions of a day.
fn sessions(guilds: f64) -> f64 {
    if guilds <= LARGE {
        return 1_000.0;
    }
    (guilds / 1_000.0 * 5.0).max(2_000.0)
}

/// How much more of a column one key is, from the first row to the last.
fn slope(keys: &Sheet, column: usize) -> Option<f64> {
    let (first, last) = (keys.rows.first()?, keys.rows.last()?);
    let number = |row: &[String], column: usize| row.get(column)?.parse::<f64>().ok();
    let more = number(last, column)? - number(first, column)?;
    Some(more / (number(last, 0)? - number(first, 0)?))
}
