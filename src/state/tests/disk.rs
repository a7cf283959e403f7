//! What the disk promises: order, durability, refusal, recovery.

use super::*;
use crate::state::pending::Pending;
use crate::state::{
    Batch, Clear, Loaded, MemoryBackend, PathChange, ScopeKind, StateBackend, StateError,
    StateLimits,
};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

#[tokio::test]
async fn what_was_flushed_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("var/state.db");
    let store = on_disk(&file);
    let view = cog(&store);
    assert!(view.flush().is_ready());
    let bag = table([("1", true.into()), ("empty", table([]).into())]);
    set(&view, "bag", bag.clone());
    set(&view, "name", "an\0na");
    set(&view, "number", f64::INFINITY);
    view.set(
        &StateScope::Member(u64::MAX, 3),
        &path("x"),
        Some(1.0.into()),
    )
    .unwrap();
    view.set_version(4);
    view.flush().committed().await.unwrap();
    set(&view, "last", true);
    set(&store.session(&Namespace::cog("test")), "session", true);
    store.close().await.unwrap();
    assert_eq!(view.flush().committed().await, Ok(()));
    set(&view, "too late", true);
    assert_eq!(view.flush().committed().await, Err(StateError::Closed));

    let store = on_disk(&file);
    let view = cog(&store);
    assert_eq!(get(&view, "bag"), Some(bag.into()));
    assert_eq!(get(&view, "name"), Some("an\0na".into()));
    assert_eq!(get(&view, "number"), Some(f64::INFINITY.into()));
    assert_eq!(get(&view, "last"), Some(true.into()));
    assert_eq!(get(&view, "too late"), None);
    assert_eq!(
        view.scopes(ScopeKind::Member, None)[0].0,
        StateScope::Member(u64::MAX, 3)
    );
    assert_eq!(view.version(), 4);
    assert_eq!(
        get(&store.session(&Namespace::cog("test")), "session"),
        None
    );
    assert_eq!(store.usage(&Namespace::cog("test")), view.usage());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_second_bot_on_the_same_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = on_disk(&file);
    let again = StoreOptions {
        path: Some(file.clone()),
        ..StoreOptions::default()
    };
    let error = Store::open(again.clone()).unwrap_err();
    let path = file.display().to_string();
    assert_eq!(error, StateError::InUse { path });
    store.close().await.unwrap();
    Store::open(again).unwrap().close().await.unwrap();
}

fn open_error(file: &Path) -> StateError {
    let path = Some(file.to_owned());
    Store::open(StoreOptions {
        path,
        ..StoreOptions::default()
    })
    .unwrap_err()
}

#[tokio::test]
async fn databases_that_are_not_ours_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.db");
    on_disk(&newer).close().await.unwrap();
    let connection = rusqlite::Connection::open(&newer).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(
        open_error(&newer),
        StateError::Newer {
            found: 99,
            known: 2,
            ..
        }
    ));

    let foreign = folder.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE t (a)").unwrap();
    drop(connection);
    assert!(matches!(open_error(&foreign), StateError::Foreign { .. }));

    let text = folder.path().join("notes.txt");
    let content = "no database at all, but a text of some length\n".repeat(40);
    std::fs::write(&text, &content).unwrap();
    assert!(matches!(open_error(&text), StateError::Foreign { .. }));
    assert_eq!(std::fs::read_to_string(&text).unwrap(), content);

    let blocked = text.join("state.db");
    assert!(matches!(open_error(&blocked), StateError::Open { .. }));
    assert!(matches!(open_error(folder.path()), StateError::Open { .. }));
}

/// What a bot wrote that knew neither rows nor versions is read, and that bot refuses what this one has opened.
#[tokio::test]
async fn a_database_of_the_first_format_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = on_disk(&file);
    set(&cog(&store), "x", 1.0);
    store.close().await.unwrap();
    let format = |set: Option<i64>| -> i64 {
        let connection = rusqlite::Connection::open(&file).unwrap();
        if let Some(format) = set {
            connection
                .pragma_update(None, "user_version", format)
                .unwrap();
        }
        let format = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        format.unwrap()
    };
    assert_eq!(format(Some(1)), 1);
    let store = on_disk(&file);
    assert_eq!(get(&cog(&store), "x"), Some(1.0.into()));
    store.close().await.unwrap();
    assert_eq!(format(None), 2);
}

#[tokio::test]
async fn a_damaged_entry_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = on_disk(&file);
    set(&cog(&store), "x", 1.0);
    store.close().await.unwrap();
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection
        .execute("UPDATE entries SET value = x'09'", [])
        .unwrap();
    drop(connection);
    let error = open_error(&file).to_string();
    assert!(
        error.contains("an unreadable entry in cog:test, state.guild[\"1\"]"),
        "{error}"
    );
}

/// A disk that can be full, or stuck.
#[derive(Clone, Default)]
struct Disk {
    memory: MemoryBackend,
    is_full: Arc<AtomicBool>,
    /// While true, writes begin and do not end.
    is_stuck: watch::Sender<bool>,
    /// How many have begun.
    begun: watch::Sender<usize>,
}

impl StateBackend for Disk {
    fn load(&mut self) -> BoxFuture<'_, Result<Loaded, StateError>> {
        self.memory.load()
    }

    fn apply<'a>(
        &'a mut self,
        batches: &'a [&'a Batch],
    ) -> BoxFuture<'a, Result<usize, StateError>> {
        if self.is_full.load(Ordering::SeqCst) {
            return Box::pin(async {
                Err(StateError::Disk {
                    path: "state.db".into(),
                    reason: "the disk is full".into(),
                })
            });
        }
        self.begun.send_modify(|begun| *begun += 1);
        let mut stuck = self.is_stuck.subscribe();
        Box::pin(async move {
            stuck.wait_for(|is_stuck| !is_stuck).await.unwrap();
            self.memory.apply(batches).await
        })
    }
}

async fn on(disk: &Disk) -> Store {
    Store::with_backend(disk.clone(), StateLimits::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_lost() {
    let disk = Disk::default();
    let store = on(&disk).await;
    let view = cog(&store);
    disk.is_full.store(true, Ordering::SeqCst);
    set(&view, "a", 1.0);
    for _ in 0..2 {
        let error = view.flush().committed().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the state could not be saved to state.db: the disk is full; it is kept in memory and saving is tried again"
        );
        set(&view, "b", 2.0);
    }
    disk.is_full.store(false, Ordering::SeqCst);
    // The writer tries again by itself, however much comes meanwhile.
    let mut count = 0.0;
    loop {
        count += 1.0;
        set(&view, "count", count);
        if view.flush().committed().await.is_ok() {
            break;
        }
    }
    let again = cog(&on(&disk).await);
    assert_eq!(again.entries(&HERE, &[]).unwrap().count(), 3);
    assert_eq!(get(&again, "count"), Some(count.into()));
}

#[tokio::test]
async fn what_waits_for_a_slow_disk_takes_no_more_room_than_the_state() {
    let disk = Disk::default();
    let store = on(&disk).await;
    let view = cog(&store);
    disk.is_stuck.send_replace(true);
    let mut written = Vec::new();
    let mut write = |number: u32| {
        let text: Arc<[u8]> = format!("{number:>40}").into_bytes().into();
        written.push(Arc::downgrade(&text));
        set(&view, "x", Value::String(text.into()));
        drop(view.flush());
    };
    write(0);
    disk.begun
        .subscribe()
        .wait_for(|it| *it == 1)
        .await
        .unwrap();
    for number in 1..1_000 {
        write(number);
    }
    let kept = written.iter().filter(|it| it.strong_count() > 0).count();
    assert_eq!(kept, 2, "what is being written, and the last");
    disk.is_stuck.send_replace(false);
    view.flush().committed().await.unwrap();
    assert_eq!(
        *disk.begun.borrow(),
        2,
        "all that came meanwhile is one write"
    );
    assert_eq!(
        get(&cog(&on(&disk).await), "x"),
        Some(format!("{:>40}", 999).as_str().into())
    );
}

#[tokio::test]
async fn whoever_writes_more_than_its_share_waits_and_closing_does_not() {
    let disk = Disk::default();
    let limits = StateLimits {
        write_bytes_per_second: 1,
        ..StateLimits::default()
    };
    let store = Store::with_backend(disk.clone(), limits).await.unwrap();
    let (greedy, other) = (cog(&store), store.view(&Namespace::cog("other")));
    set(&greedy, "x", "x".repeat(10_000).as_str());
    greedy.flush().committed().await.unwrap();
    set(&greedy, "x", 1.0);
    let waiting = greedy.flush();
    set(&other, "x", 1.0);
    other.flush().committed().await.unwrap();
    assert!(!waiting.is_ready());
    assert_eq!((greedy.delays(), other.delays()), (1, 0));
    // An answer of the greedy one waits, too, though it writes nothing more.
    assert!(!greedy.flush().is_ready());
    store.close().await.unwrap();
    waiting.committed().await.unwrap();
    assert_eq!(get(&cog(&on(&disk).await), "x"), Some(1.0.into()));
}

#[tokio::test]
async fn a_greater_share_applies_to_what_waits() {
    let mut limits = StateLimits {
        write_bytes_per_second: 1,
        ..StateLimits::default()
    };
    let store = Store::with_backend(Disk::default(), limits).await.unwrap();
    let view = cog(&store);
    for _ in 0..2 {
        set(&view, "x", "x".repeat(10_000).as_str());
        drop(view.flush());
        set(&view, "x", 1.0);
    }
    let waiting = view.flush();
    limits.write_bytes_per_second = 1 << 20;
    store.set_limits(limits);
    waiting.committed().await.unwrap();
}

#[tokio::test]
async fn sqlite_tells_what_a_commit_has_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let mut backend = crate::state::SqliteBackend::open(&file).unwrap();
    for bytes in [100, 100_000, 5_000_000, 100, 1_000_000] {
        let mut pending = Pending::default();
        let change = PathChange {
            clear: Clear::Row,
            value: Some("x".repeat(bytes).as_str().into()),
        };
        pending.add(HERE, "\u{20}x\0".into(), change);
        let mut batch = Batch::default();
        batch.add(Namespace::cog("test"), pending);
        let written = backend.apply(&[&batch]).await.unwrap();
        assert!(
            (bytes..bytes * 2 + 60_000).contains(&written),
            "{bytes}: {written}"
        );
    }
}

#[tokio::test]
async fn closing_on_a_full_disk_says_so() {
    let disk = Disk::default();
    let store = on(&disk).await;
    set(&cog(&store), "a", 1.0);
    disk.is_full.store(true, Ordering::SeqCst);
    assert!(matches!(store.close().await, Err(StateError::Disk { .. })));
}

#[tokio::test]
async fn another_backend_takes_sqlites_place() {
    let disk = Disk::default();
    let store = on(&disk).await;
    let view = cog(&store);
    set(
        &view,
        "bag",
        table([("a", table([("b", 1.0.into())]).into())]),
    );
    view.flush().committed().await.unwrap();
    set(&view, "bag.a.c", 2.0);
    remove(&view, "bag.a.b");
    view.set_version(2);
    view.flush().committed().await.unwrap();
    let again = cog(&on(&disk).await);
    assert_eq!(again.entries(&HERE, &[]), view.entries(&HERE, &[]));
    assert_eq!(again.version(), 2);
}

#[tokio::test]
async fn more_than_the_limit_is_loaded_and_can_only_shrink() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = on_disk(&file);
    for id in 0..1_000 {
        let value = Some(true.into());
        cog(&store)
            .set(&StateScope::User(id), &path("x"), value)
            .unwrap();
    }
    store.close().await.unwrap();
    let limits = StateLimits {
        namespace_bytes: 10_000,
        ..StateLimits::default()
    };
    let path_of = Some(file);
    let store = Store::open(StoreOptions {
        path: path_of,
        limits,
    });
    let (store, write) = (store.unwrap(), Some(true.into()));
    let view = cog(&store);
    let scopes = view.stored_scopes(ScopeKind::User, None);
    assert_eq!(scopes.len(), 1_000);
    assert!(view.usage() > 100_000);
    let refused = view.set(&StateScope::User(1), &path("y"), write.clone());
    assert!(matches!(refused, Err(StateError::NamespaceSize { .. })));
    view.set(&StateScope::User(1), &path("x"), Some(false.into()))
        .unwrap();
    for (scope, _) in scopes {
        view.forget(&scope).unwrap();
    }
    assert_eq!((view.usage(), view.used()), (0, 0));
    view.set(&StateScope::User(1), &path("y"), write).unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_restart_does_not_forget_who_wrote_to_a_shared_state() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    let store = on_disk(&file);
    let bank = Namespace::shared("bank");
    let (one, two) = (cog(&store), store.view(&Namespace::cog("two")));
    set(&one.beside(&bank), "a", "x".repeat(5_000).as_str());
    set(&two.beside(&bank), "b", "x".repeat(1_000).as_str());
    drop((one.flush(), two.flush()));
    set(&two.beside(&bank), "b", 1.0);
    let used = (one.used(), two.used());
    assert_eq!(used.0 + used.1, store.usage(&bank));
    store.close().await.unwrap();
    let store = on_disk(&file);
    let (one, two) = (cog(&store), store.view(&Namespace::cog("two")));
    assert_eq!((one.used(), two.used()), used);
    one.beside(&bank).forget(&HERE).unwrap();
    assert_eq!((one.used(), two.used()), (0, 0));
    store.close().await.unwrap();
    let again = on_disk(&file);
    assert_eq!(cog(&again).used(), 0);
    again.close().await.unwrap();
}

#[tokio::test]
async fn a_shared_namespace_ends_on_disk_as_in_memory() {
    let disk = Disk::default();
    let store = on(&disk).await;
    let bank = Namespace::shared("bank");
    std::thread::scope(|scope| {
        for thread in 0..4_i64 {
            let view = cog(&store).beside(&bank);
            scope.spawn(move || {
                for round in 0..300_i64 {
                    let key = Key::Int(round % 7);
                    let value = Value::from(format!("{thread} {round}").as_str());
                    let value = (round % 5 != thread).then_some(value);
                    view.set(&HERE, &[key], value).unwrap();
                    drop(view.flush());
                }
            });
        }
    });
    store.close().await.unwrap();
    let again = on(&disk).await.view(&bank);
    let before = store.view(&bank).entries(&HERE, &[]);
    assert_eq!(again.entries(&HERE, &[]), before);
}

#[tokio::test]
async fn an_answer_waits_for_writes_that_another_vm_took_along() {
    let disk = Disk::default();
    let store = on(&disk).await;
    let bank = Namespace::shared("bank");
    let (one, two) = (store.view(&bank), store.view(&bank));
    disk.is_full.store(true, Ordering::SeqCst);
    set(&one, "x", 1.0);
    set(&two, "y", 1.0);
    assert!(two.flush().committed().await.is_err());
    // Nothing of its own is left to flush, and yet it is not durable.
    assert!(one.flush().committed().await.is_err());
}
