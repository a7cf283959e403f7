//! A process that is killed loses no write that it was told is durable, and leaves no half of a batch.
use crate::support::times;
use cogsmith::state::{Key, Namespace, StateLimits, StateScope, Store, StoreOptions, Value, View};
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The database that the child writes to.
const DATABASE: &str = "COGSMITH_TEST_CRASH_DATABASE";
/// How many scopes each batch writes its number to.
const SCOPES: u32 = 5;
/// Every so many batches, another cog's are waited for.
const OTHERS: f64 = 10.0;

fn open(path: &Path) -> Store {
    let path = Some(path.to_owned());
    // Nobody waits for its share of the disk.
    let limits = StateLimits {
        write_bytes_per_second: 1 << 40,
        ..StateLimits::default()
    };
    Store::open(StoreOptions { path, limits }).unwrap()
}

fn scope(number: u32) -> StateScope {
    match number {
        0 => StateScope::Global,
        _ => StateScope::Member(1, number.into()),
    }
}

/// The number of the last batch that reached a scope.
fn batch(view: &View, scope: StateScope) -> f64 {
    match view.get(&scope, &["batch".into()]) {
        Some(Value::Number(number)) => number,
        _ => 0.0,
    }
}

fn entry(number: f64) -> Key {
    Key::from_number(number).unwrap()
}

/// What the child does until it is killed. Each batch writes its number to several scopes
/// and to a shared namespace, adds an entry to a list, and removes the one before the last. Another cog writes to
/// other namespaces, also large values, which are committed apart.
#[tokio::test]
#[ignore = "not a test by itself: the others start it in a process of its own"]
async fn child() {
    let path = std::env::var_os(DATABASE).expect("the other tests name the database");
    let store = open(Path::new(&path));
    let own = store.view(&Namespace::cog("crash"));
    let shared = own.beside(&Namespace::shared("crash"));
    let other = store.view(&Namespace::cog("other"));
    let other_shared = other.beside(&Namespace::shared("other"));
    let mut last = batch(&own, StateScope::Global);
    let mut out = std::io::stdout();
    writeln!(out).unwrap();
    loop {
        last += 1.0;
        let number = Some(Value::from(last));
        for view in [&other, &other_shared] {
            view.set(&StateScope::Global, &["batch".into()], number.clone())
                .unwrap();
        }
        if last % 7.0 == 0.0 {
            let large = format!("{}{last}", "x".repeat(200_000));
            let large = Some(Value::from(large.as_str()));
            other
                .set(&StateScope::Global, &["large".into()], large)
                .unwrap();
        }
        let others = other.flush();
        if last % OTHERS == 0.0 {
            others.committed().await.unwrap();
        }
        for at in 0..SCOPES {
            own.set(&scope(at), &["batch".into()], number.clone())
                .unwrap();
        }
        shared
            .set(&StateScope::Global, &["batch".into()], number.clone())
            .unwrap();
        own.set(&StateScope::User(1), &[entry(last)], number)
            .unwrap();
        own.set(&StateScope::User(1), &[entry(last - 2.0)], None)
            .unwrap();
        let handle = own.flush();
        // Every third is not waited for, so that commits hold several batches.
        if last % 3.0 != 0.0 {
            handle.committed().await.unwrap();
            writeln!(out, "{last}").unwrap();
            out.flush().unwrap();
        }
    }
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["state_crash::child", "--exact", "--ignored", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads until the child has acknowledged so many batches, kills it (SIGKILL), and reads what it had still said.
/// Returns the last number that it acknowledged.
fn kill_after(mut child: Child, batches: usize) -> f64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = 0.0;
    let mut seen = 0;
    for line in lines {
        let Ok(Ok(number)) = line.map(|line| line.parse()) else {
            continue;
        };
        acknowledged = number;
        seen += 1;
        if seen == batches {
            child.kill().unwrap();
        }
    }
    assert!(seen >= batches, "the child ended by itself");
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn a_killed_process_keeps_every_acknowledged_batch_and_no_half_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut runner = TestRunner::default();
    for _ in 0..times(4, 12) {
        let moment = any::<u8>().new_tree(&mut runner).unwrap().current();
        let acknowledged = kill_after(start(&path), usize::from(moment) + 1);

        let store = open(&path);
        let own = store.view(&Namespace::cog("crash"));
        let shared = own.beside(&Namespace::shared("crash"));
        let last = batch(&own, StateScope::Global);
        assert!(
            last >= acknowledged,
            "{acknowledged} was acknowledged, {last} is there"
        );
        let written: Vec<f64> = (0..SCOPES).map(|at| batch(&own, scope(at))).collect();
        assert!(
            written.iter().all(|number| entry(*number) == entry(last)),
            "{written:?}"
        );
        assert_eq!(entry(batch(&shared, StateScope::Global)), entry(last));
        let other = store.view(&Namespace::cog("other"));
        let others = batch(&other, StateScope::Global);
        assert!(
            others >= acknowledged - OTHERS,
            "{acknowledged} was acknowledged, {others} of the other cog is there"
        );
        let other_shared = other.beside(&Namespace::shared("other"));
        assert_eq!(
            entry(batch(&other_shared, StateScope::Global)),
            entry(others)
        );
        let entries = own.entries(&StateScope::User(1), &[]).unwrap();
        let numbers: Vec<Key> = entries.iter().map(|(key, _)| key.to_key()).collect();
        let two = [entry(last - 1.0), entry(last)];
        assert_eq!(numbers, two[usize::from(last < 2.0)..]);
        store.close().await.unwrap();
    }
}
