//! Writes that survive the death of the process, of many cogs at once.

use super::{Sizes, Table};
use cogsmith::state::{Key, Namespace, StateLimits, StateScope, Store, StoreOptions, Value, View};
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::{Duration, Instant};

const COGS: usize = 64;

pub(super) fn measure(sizes: Sizes, table: &mut Table) {
    let bare = bare_commits(sizes.durable);
    for (cogs, aim) in [(1, ""), (COGS, ">= 20 000")] {
        let what = format!("durable writes a second of {cogs} cogs at once");
        let ours = a_second(cogs, sizes.durable);
        table.add(&what, ours, (bare, "bare SQLite; a commit each"), aim);
    }
}

/// Each of so many cogs writes a number and waits until it is on the disk, again and again.
fn a_second(cogs: usize, time: Duration) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions {
        path: Some(folder.path().join("state.db")),
        limits: StateLimits {
            write_bytes_per_second: usize::MAX,
            ..StateLimits::default()
        },
    });
    let store = store.unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let since = Instant::now();
    let written = runtime.block_on(async {
        let cogs = (0..cogs).map(|number| {
            let view = store.view(&Namespace::cog(&format!("cog{number}")));
            tokio::spawn(keep_writing(view, since + time))
        });
        let mut written = 0;
        for cog in cogs.collect::<Vec<_>>() {
            written += cog.await.unwrap();
        }
        written
    });
    let rate = f64::from(written) / since.elapsed().as_secs_f64();
    runtime.block_on(store.close()).unwrap();
    rate
}

async fn keep_writing(view: View, end: Instant) -> u32 {
    let path = [Key::from("xp")];
    let mut written = 0;
    while Instant::now() < end {
        let scope = StateScope::Member(1, u64::from(written % 1_000));
        let value = Value::from(f64::from(written));
        view.set(&scope, &path, Some(value)).unwrap();
        view.flush().committed().await.unwrap();
        written += 1;
    }
    written
}

/// The same in SQLite alone.
fn bare_commits(time: Duration) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let connection = open(&folder.path().join("bare.db"));
    let put =
        "INSERT INTO entries VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    let mut statement = connection.prepare(put).unwrap();
    let (since, mut written) = (Instant::now(), 0_u32);
    while since.elapsed() < time {
        // Outside of a transaction each statement is one.
        statement
            .execute(params![written % 1_000, written])
            .unwrap();
        written += 1;
    }
    f64::from(written) / since.elapsed().as_secs_f64()
}

/// As durable as the bot's database.
fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    for (name, value) in [
        ("locking_mode", "EXCLUSIVE"),
        ("journal_mode", "WAL"),
        ("synchronous", "NORMAL"),
    ] {
        connection.pragma_update(None, name, value).unwrap();
    }
    let make = "CREATE TABLE entries (id INTEGER PRIMARY KEY, value INTEGER)";
    connection.execute_batch(make).unwrap();
    connection
}
